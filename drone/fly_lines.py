"""The state of a flight as plain lines, for a log or a service.

Part of the flight side: nothing heavy is imported here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from drone.fly_words import health_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from drone.fly import Reading
    from firmware_bridge.health import Health

__all__ = ["Lines"]

EVERY_S = 10.0


class Lines:
    """What happens at once, how it is every ten seconds and when that changes.

    Parameters
    ----------
    write : callable
        Takes a line.
    every_s : float
        Between two lines on how it is [s].
    """

    def __init__(self, write: Callable[[str], None], *, every_s: float = EVERY_S) -> None:
        self._write, self._every_s = write, every_s
        self._told_s: float | None = None
        self._troubles: tuple[str, ...] = ()

    def say(self, text: str, *, is_alarm: bool = False) -> None:
        """Something happened."""
        self._write(f"{_clock()} {'ALARM ' if is_alarm else ''}{text}")

    def show(self, health: Health, readings: dict[tuple[str, str], Reading]) -> None:
        """How it is now."""
        del readings  # they come too fast for lines, and are in the recording
        names = tuple(line.partition(":")[0] for line in health.troubles)
        is_due = self._told_s is None or health.running_s - self._told_s >= self._every_s
        if is_due or names != self._troubles:
            self._told_s, self._troubles = health.running_s, names
            self._write(f"{_clock()} {health_line(health)}")


def _clock() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
