"""The one screen of a flight: what is and what is not happening.

Part of the flight side: nothing heavy is imported here.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from drone.fly_words import autopilot_words, clock_words, disk_words, verdict_words, wind_words

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.console import Console, RenderableType

    from drone.fly import Reading
    from firmware_bridge.health import DeviceHealth, Health

__all__ = ["Screen"]

LINES_KEPT = 8
REFRESH_HZ = 2


class Screen:
    """Shows the newest state in place; what happened scrolls below.

    Parameters
    ----------
    mission : str
        Its name.
    console : Console, optional
    """

    def __init__(self, mission: str, *, console: Console | None = None) -> None:
        self._mission = mission
        self._lines: deque[tuple[str, str]] = deque(maxlen=LINES_KEPT)
        self._live = Live(console=console, refresh_per_second=REFRESH_HZ, screen=False)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def say(self, text: str, *, is_alarm: bool = False) -> None:
        """Something happened."""
        clock = time.strftime("%H:%M:%S", time.gmtime())
        self._lines.append((f"{clock}Z  {text}", "bold red" if is_alarm else "yellow"))

    def show(self, health: Health, readings: dict[tuple[str, str], Reading]) -> None:
        """How it is now."""
        self._live.update(self.drawn(health, readings))

    def drawn(self, health: Health, readings: dict[tuple[str, str], Reading]) -> RenderableType:
        """The picture of a state."""
        troubles = health.troubles
        parts: list[RenderableType] = [
            Text(verdict_words(health), style="bold white on red" if troubles else "bold green"),
            *(Text(f"  ! {line}", style="red") for line in troubles),
            "",
            _facts(health),
            "",
            _devices(health.devices),
        ]
        if readings:
            parts += ["", _gas(readings)]
        if self._lines:
            parts += ["", *(Text(line, style=style) for line, style in self._lines)]
        return Panel(Group(*parts), title=f"sniffdrone: {self._mission}", title_align="left")


def _facts(health: Health) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(style="dim")
    table.add_column()
    table.add_row("autopilot", autopilot_words(health.autopilot))
    table.add_row("wind", wind_words(health.autopilot))
    table.add_row("time", clock_words(health.clock))
    table.add_row("disk", disk_words(health.disk))
    return table


def _devices(devices: tuple[DeviceHealth, ...]) -> Table:
    table = Table(box=None, padding=(0, 1))
    for title in ("device", "state", "frames/s", "last [s]", "warm-up [s]", "broken", "port"):
        table.add_column(title, justify="left" if title in {"device", "state", "port"} else "right")
    for one in devices:
        table.add_row(
            one.name,
            one.step if one.is_open else "not open",
            f"{one.rate_hz:.1f}",
            "never" if math.isinf(one.age_s) else f"{one.age_s:.1f}",
            f"{one.warm_up_s:.0f}" if one.warm_up_s > 0.0 else "-",
            str(one.faults),
            one.port,
            style="red" if one.trouble else ("yellow" if one.warm_up_s > 0.0 else ""),
        )
    return table


def _gas(readings: dict[tuple[str, str], Reading]) -> Table:
    table = Table(box=None, padding=(0, 1))
    for title in ("channel", "reading", "above baseline", "noises", ""):
        table.add_column(title, justify="right" if title not in {"channel", ""} else "left")
    for (source, channel), reading in readings.items():
        table.add_row(
            f"{source} {channel}",
            reading.value_words(),
            reading.excess_words(),
            reading.strength_words(),
            reading.state_words(),
            style="bold red" if reading.in_alarm else "",
        )
    return table
