"""``sniffdrone fly``: everything a mission names, read, recorded and told, until it is stopped."""
# ruff: noqa: PLC0415 - imports happen inside the command, so that --help is quick

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drone.cli.options import Quiet
from drone.cli.terminal import answer, warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drone.fly import Display
    from firmware_bridge.recorder import Recorder
    from sensors.config import DeviceTable, Mission

__all__ = ["EXAMPLES", "fly"]

EXIT_INTERRUPTED = 130
EXAMPLES = """\b
Examples:
  sniffdrone fly mission.toml --dry-run
  sniffdrone fly mission.toml
  sniffdrone fly mission.toml --systemd-unit | sudo tee /etc/systemd/system/sniffdrone.service
Ctrl-C (or SIGTERM) ends the flight and finishes the recording. It starts without an autopilot and
without devices that are not plugged in yet, says so, and takes them in when they come.
"""


def fly(
    mission: Annotated[Path, typer.Argument(help="The mission file (TOML).")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be opened, and open nothing.")
    ] = False,
    systemd_unit: Annotated[
        bool, typer.Option("--systemd-unit", help="Print a service that flies this mission.")
    ] = False,
    lines: Annotated[
        bool, typer.Option("--lines", help="Plain lines instead of the screen.")
    ] = False,
    seconds: Annotated[float, typer.Option("--for", min=0.0, help="Stop after [s]; 0: never.")] = 0,
    quiet: Quiet = False,
) -> int:
    """Read gas sensors and autopilot, record every byte, raise alarms, tell the ground.

    It never sends a command that moves the vehicle.
    """
    from sensors.config import load_mission

    loaded = load_mission(mission)
    for warning in loaded.warnings:
        warn(f"warning: {mission}: {warning}")
    if systemd_unit:
        import pwd

        from drone.systemd import unit

        user = pwd.getpwuid(os.getuid()).pw_name
        answer(unit(mission, name=loaded.mission.name, user=os.environ.get("SUDO_USER", user)))
        return 0
    if dry_run:
        _preview(loaded, mission)
        return 0
    return _flown(loaded, mission, seconds=seconds, lines=lines, quiet=quiet)


def _flown(mission: Mission, path: Path, *, seconds: float, lines: bool, quiet: bool) -> int:
    from drone.fly import Fly
    from drone.systemd import Notifier
    from firmware_bridge.bridge import Bridge

    stop = threading.Event()
    interrupted = False

    def end(number: int, _frame: object) -> None:
        nonlocal interrupted
        interrupted = number == signal.SIGINT
        stop.set()

    if seconds:
        timer = threading.Timer(seconds, stop.set)
        timer.daemon = True
        timer.start()
    with (
        _handled(end),
        _display(mission.mission.name, lines=lines, quiet=quiet) as display,
        Bridge(
            mission,
            folder=path.parent,
            recorder=lambda anchor_ns: _recorder(mission, path, anchor_ns),
        ) as bridge,
    ):
        flight = Fly(bridge, mission, display=display, notifier=Notifier())
        flight.run(stop)
    if not quiet:
        told = bridge.recorder.status()
        files = ", ".join(map(str, bridge.recorder.files)) or "no file"
        warn(f"recorded {told.bytes_written / 1e6:.1f} MB in {files}; {flight.alarms} alarms")
        if told.lost_bytes:
            warn(f"warning: {told.lost_bytes} bytes could not be recorded ({told.text})")
    return EXIT_INTERRUPTED if interrupted else 0


def _recorder(mission: Mission, path: Path, anchor_ns: int) -> Recorder:
    from firmware_bridge.bridge import device_name
    from firmware_bridge.recorder import Recorder
    from firmware_bridge.recording import DEVICE, MISSION_FILE

    attachments = {MISSION_FILE: path.read_bytes()}
    folder = path.parent / mission.recorder.folder
    results = folder / "calibration-results.json"
    if results.is_file():
        attachments[results.name] = results.read_bytes()
    return Recorder(
        folder,
        name=mission.mission.name,
        anchor_ns=anchor_ns,
        attachments=attachments,
        metadata={f"{DEVICE}{device_name(table)}": _about(table) for table in mission.device},
        file_bytes=int(mission.recorder.file_mb * 1e6),
    )


def _about(table: DeviceTable) -> dict[str, str]:
    """What a device was set to, for the recording."""
    import json
    from dataclasses import asdict

    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in asdict(table).items()
        if value not in (None, (), {}, "")
    }


@contextlib.contextmanager
def _handled(end: signal._HANDLER) -> Iterator[None]:
    """SIGINT and SIGTERM ask for an end; a hang-up of the terminal does too."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    usual = [signal.signal(number, end) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, usual, strict=True):
            signal.signal(number, handler)


@contextlib.contextmanager
def _display(name: str, *, lines: bool, quiet: bool) -> Iterator[Display]:
    if sys.stdout.isatty() and not lines and not quiet:
        from drone.fly_screen import Screen

        with Screen(name) as screen:
            yield screen
        return
    from drone.fly_lines import Lines

    yield Lines((lambda _: None) if quiet else answer)


def _preview(mission: Mission, path: Path) -> None:
    from firmware_bridge.bridge import device_name
    from sensors.calibration import mission_driver

    answer(f"mission: {mission.mission.name} ({path})")
    for table in mission.device:
        driver = mission_driver(table)
        channels = f", channels {', '.join(table.channels)}" if table.channels else ""
        there = "" if os.path.exists(table.port) else " (not there now)"  # noqa: PTH110
        answer(
            f"device {device_name(table)}: {driver.device.title}, {table.port}{there}, "
            f"{table.baud or driver.device.baud} baud{channels}, "
            f"warm-up {driver.device.warm_up_s:.0f} s"
        )
    signed = (
        f", signed with {mission.autopilot.signing_key}" if mission.autopilot.signing_key else ""
    )
    answer(
        f"autopilot: {mission.autopilot.link}, system {mission.autopilot.system_id}{signed}, "
        f"at most {mission.autopilot.budget_bytes_s} bytes/s sent"
    )
    answer(
        f"recordings: {path.parent / mission.recorder.folder}, "
        f"a new file every {mission.recorder.file_mb:g} MB"
    )
    answer(
        f"alarms: {mission.detection.false_alarms_per_hour:g} false ones an hour, "
        f"gas {mission.mission.gas}"
    )
