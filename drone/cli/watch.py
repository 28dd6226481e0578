"""``sniffdrone watch``: what a flying bridge tells the ground, live."""
# ruff: noqa: PLC0415 - imports happen inside the command, so that --help is quick

from __future__ import annotations

import contextlib
import json
import math
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drone.cli.options import Json, Quiet
from drone.cli.terminal import answer, warn

if TYPE_CHECKING:
    from drone.ground_link import GroundLink
    from drone.heard import Heard
    from drone.watch import Watch
    from drone.watch_csv import ReadingsTable

__all__ = ["EXAMPLES", "watch"]

EXIT_INTERRUPTED = 130
STATUS_EVERY_S = 5.0
LOOK_S = 0.1
EXAMPLES = """\b
Examples:
  sniffdrone watch                                    (what QGroundControl forwards to us)
  sniffdrone watch --link udp:0.0.0.0:14550 --csv survey.csv
  sniffdrone watch --link serial:/dev/serial/by-id/usb-…,57600
  sniffdrone watch --json | jq 'select(.record == "alarm")'
Ctrl-C ends it; what the CSV file holds then is a flight: sniffdrone process survey.csv -o out
Nothing is sent but a heartbeat once a second, and on udp: only if no gas comes without it. The
autopilot then takes us for a ground station: see --own-system.
"""


def watch(
    *,
    link: Annotated[
        str, typer.Option("--link", "-l", help="udp:, udpout:, tcp: or serial:, as in a mission.")
    ] = "udp:127.0.0.1:14550",
    csv: Annotated[
        Path | None, typer.Option("--csv", help="New file for all readings, as a flight CSV.")
    ] = None,
    system: Annotated[
        int, typer.Option("--system", min=0, max=254, help="Vehicle; 0: the first one heard.")
    ] = 0,
    own_system: Annotated[
        int,
        typer.Option(
            "--own-system",
            min=0,
            max=255,
            help="Ours in heartbeats; 0 sends none. While 255 is heard an autopilot does not miss "
            "its pilot's ground station, which has that number too.",
        ),
    ] = 255,
    seconds: Annotated[float, typer.Option("--for", min=0.0, help="Stop after [s]; 0: never.")] = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Show gas, alarms and texts of a flying bridge, with age, place, and how well they come.

    On a terminal one screen; otherwise a line for each thing heard, and how it goes on stderr.
    """
    from drone.ground_link import GroundLink
    from drone.watch import Watch
    from drone.watch_csv import ReadingsTable

    stop = threading.Event()
    interrupted = False
    end = time.monotonic() + seconds if seconds else math.inf
    heard = Watch(system or None)
    usual = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        with contextlib.ExitStack() as stack:
            ground = stack.enter_context(GroundLink(link, own_system=own_system))
            table = stack.enter_context(ReadingsTable(csv)) if csv else None
            loop = _Loop(heard, ground, table, link)
            try:
                loop.run(stop, end, as_json=as_json, quiet=quiet)
            except KeyboardInterrupt:
                interrupted = True
    finally:
        signal.signal(signal.SIGTERM, usual)
    if not quiet:
        _close(loop)
    return EXIT_INTERRUPTED if interrupted else 0


class _Loop:
    def __init__(
        self, heard: Watch, ground: GroundLink, table: ReadingsTable | None, link: str
    ) -> None:
        self.heard, self.ground, self.table, self.link = heard, ground, table, link
        self._was_in_trouble = self._was_speaking = False

    def run(self, stop: threading.Event, end: float, *, as_json: bool, quiet: bool) -> None:
        """Until it is stopped, or its time is over."""
        if sys.stdout.isatty() and not as_json and not quiet:
            self._on_screen(stop, end)
            return
        from drone.heard import as_json as told_json
        from drone.watch_screen import lines_of, summary_line

        told_s = time.monotonic()
        while not stop.is_set() and time.monotonic() < end:
            for one in self._take():
                if as_json:
                    for told in told_json(one):
                        answer(json.dumps(told, allow_nan=False, ensure_ascii=False))
                elif not quiet:
                    for line in lines_of(one):
                        answer(line)
            sys.stdout.flush()
            if not quiet and time.monotonic() - told_s > STATUS_EVERY_S:
                told_s = time.monotonic()
                warn(summary_line(self.heard, self.link, time.monotonic_ns()))

    def _on_screen(self, stop: threading.Event, end: float) -> None:
        from rich.live import Live

        from drone.watch_screen import drawn

        with Live(refresh_per_second=4) as live:
            while not stop.is_set() and time.monotonic() < end:
                for _ in self._take():
                    pass
                live.update(drawn(self.heard, self.link, time.monotonic_ns()))

    def _take(self) -> list[Heard]:
        """What came since the last call, written to the table; waits a moment for the first."""
        from drone.heard import GasMessage

        found: list[Heard] = []
        for packet, arrival_ns in self.ground.packets(LOOK_S):
            found += self.heard.take(packet, arrival_ns)
        for text in self.ground.troubles():
            warn(f"warning: {text}")
        if self.ground.is_speaking and not self._was_speaking:
            self._was_speaking = True
            warn(f"{self.link}: sending a heartbeat a second, as a ground station")
        if self.table is None:
            return found
        for one in found:
            if isinstance(one, GasMessage):
                self.table.add(one)
        if self.table.trouble and not self._was_in_trouble:
            warn(f"warning: {self.table.path}: rows are lost ({self.table.trouble}); make room")
        self._was_in_trouble = bool(self.table.trouble)
        return found


def _close(loop: _Loop) -> None:
    from drone.watch_screen import summary_line

    warn(summary_line(loop.heard, loop.link, time.monotonic_ns()))
    if loop.table is not None:
        lost = f", {loop.table.lost} lost" if loop.table.lost else ""
        warn(f"{loop.table.path}: {loop.table.rows} rows{lost}")
