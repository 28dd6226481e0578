"""``sniffdrone listen``: one device on the bench, live; whether it speaks, and what it says."""
# ruff: noqa: PLC0415 - imports happen inside the command, so that --help is quick

from __future__ import annotations

import math
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drone.cli.options import Json, Quiet
from drone.cli.terminal import answer, warn
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from drone.identifying import Doubt
    from firmware_bridge.reader import DeviceReader, Status
    from sensors.devices import Record

__all__ = ["EXAMPLES", "listen"]

EXIT_INTERRUPTED = 130
STATUS_EVERY_S = 5.0
LOOK_S = 0.1
EXAMPLES = """\b
Examples:
  sniffdrone listen --device trisonica --port /dev/serial/by-id/usb-FTDI_…
  sniffdrone listen --device winsen_mhz19b --port /dev/ttyAMA0 --raw co2.raw
  sniffdrone listen --device mcu_cobs --channel mox1_ohm --channel pid_ppb --port … --json
Ctrl-C ends it; the raw file keeps every byte that came.
"""


def listen(
    *,
    device: Annotated[str, typer.Option("--device", "-d", help="What is plugged in.")],
    port: Annotated[str, typer.Option("--port", "-p", help="Where, by a name that stays.")],
    model: Annotated[str, typer.Option("--model", help="Of a device that has several.")] = "",
    baud: Annotated[int, typer.Option("--baud", min=0, help="0: as delivered.")] = 0,
    channel: Annotated[
        list[str] | None, typer.Option("--channel", help="Name with unit; repeat, in order.")
    ] = None,
    raw: Annotated[
        Path | None, typer.Option("--raw", help="New file for the bytes exactly as they come.")
    ] = None,
    seconds: Annotated[float, typer.Option("--for", min=0.0, help="Stop after [s]; 0: never.")] = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Read one device and show what it says, how often, and what goes wrong.

    On a terminal a table; otherwise a line for each reading, and how it goes on stderr.
    """
    from drone.decoding import device_named
    from drone.identifying import Doubt
    from firmware_bridge.clock import HostClock
    from firmware_bridge.link import SerialLink
    from firmware_bridge.reader import DeviceReader
    from sensors.devices import driver_for

    device = device_named(device)
    driver = driver_for(device, model=model, channels=channel or ())
    _advise(port)
    doubt = Doubt(device, baud or driver.device.baud)
    stop = threading.Event()
    usual = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    interrupted = False
    with _kept(raw) as keep:

        def heard(data: bytes, time_ns: int) -> None:
            del time_ns
            keep(data)
            doubt.hear(data)

        reader = DeviceReader(
            device,
            driver,
            SerialLink(port, baud or driver.device.baud),
            utc_of=HostClock().utc_of_monotonic,
            on_bytes=heard,
        )
        try:
            with reader:
                try:
                    _show(reader, doubt, stop, seconds=seconds, as_json=as_json, quiet=quiet)
                finally:
                    last = _summary(reader.status())
        except KeyboardInterrupt:
            interrupted = True
        finally:
            signal.signal(signal.SIGTERM, usual)
    if not quiet:
        warn(last)
    return EXIT_INTERRUPTED if interrupted else 0


class _kept:  # noqa: N801 - used as a function
    """Writes bytes to a new file at once; a full disk is told and does not stop the reading."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def __enter__(self) -> Callable[[bytes], None]:
        if self._path is None:
            return lambda _: None
        try:
            self._file = self._path.open("xb", buffering=0)
        except FileExistsError:
            raise ConfigError(f"{self._path}: exists; name a new file") from None
        except OSError as error:
            raise ConfigError(f"{self._path}: cannot be written ({error.strerror})") from error
        self._is_broken = False
        return self._keep

    def __exit__(self, *_: object) -> None:
        if self._path is not None:
            self._file.close()

    def _keep(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            if not self._is_broken:
                warn(f"warning: {self._path}: bytes are lost ({error.strerror}); make room")
            self._is_broken = True
            return
        self._is_broken = False


def _advise(port: str) -> None:
    """A name like ttyUSB0 is another device tomorrow."""
    from firmware_bridge.ports import stable_name

    stable = stable_name(port)
    if port.startswith("/dev/tty") and stable is not None:
        warn(f"warning: {port} may be another device after the next start; use {stable}")


def _show(
    reader: DeviceReader,
    doubt: Doubt,
    stop: threading.Event,
    *,
    seconds: float,
    as_json: bool,
    quiet: bool,
) -> None:
    """Until it is stopped, or its time is over."""
    end = time.monotonic() + seconds if seconds else math.inf
    if sys.stdout.isatty() and not as_json and not quiet:
        _as_table(reader, doubt, stop, end)
        return
    told = time.monotonic()
    while not stop.is_set() and time.monotonic() < end and reader.is_running:
        for record in _records(reader):
            if not quiet or as_json:
                answer(_as_json(record) if as_json else _as_line(record))
        sys.stdout.flush()
        stranger = doubt.verdict(reader.status().counters.frames_ok)
        if stranger is not None:
            warn(f"warning: {stranger}")
        if not quiet and time.monotonic() - told > STATUS_EVERY_S:
            told = time.monotonic()
            warn(_summary(reader.status()))


def _as_table(reader: DeviceReader, doubt: Doubt, stop: threading.Event, end: float) -> None:
    from rich.live import Live
    from rich.table import Table

    newest: dict[str, Record] = {}
    said: list[str] = []
    with Live(refresh_per_second=4) as live:
        while not stop.is_set() and time.monotonic() < end and reader.is_running:
            for record in _records(reader):
                key = getattr(record, "channel", type(record).__name__)
                if key == "Event":
                    said = [*said, _as_line(record)][-6:]
                else:
                    newest[key] = record
            stranger = doubt.verdict(reader.status().counters.frames_ok)
            said = [*said, stranger][-6:] if stranger is not None else said
            table = Table(title=_summary(reader.status()), title_justify="left", box=None)
            table.add_column("reading")
            for record in newest.values():
                table.add_row(_as_line(record))
            for line in said:
                table.add_row(line, style="yellow")
            live.update(table)


def _records(reader: DeviceReader) -> Iterator[Record]:
    """What has come; waits a moment for the first."""
    try:
        yield reader.records.get(timeout=LOOK_S)
        while True:
            yield reader.records.get_nowait()
    except queue.Empty:
        return


def _summary(status: Status) -> str:
    counters = status.counters
    faults = ", ".join(f"{count} {kind}" for kind, count in sorted(counters.errors.items()))
    parts = [
        f"{status.name}: {'open' if status.is_open else 'not open'}, {status.step}",
        f"{status.rate_hz:.1f} frames/s",
        "no frame yet" if math.isinf(status.age_s) else f"last {status.age_s:.1f} s ago",
        f"{counters.frames_ok} frames, {counters.bytes} bytes, faults: {faults or 'none'}",
    ]
    if counters.garbage_bytes:
        parts.append(f"{counters.garbage_bytes} bytes in no frame")
    if status.warm_up_s > 0:
        parts.append(f"warming up, {status.warm_up_s:.0f} s to go")
    return "; ".join(parts)


def _as_line(record: Record) -> str:
    fields = _fields(record)
    when = _iso(record.time_ns)
    if "kind" in fields:
        return f"{when}  {fields['kind']}: {fields['text']}"
    flags = ", ".join(_flags(record))
    told = "  ".join(
        f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in fields.items()
    )
    return f"{when}  {told}" + (f"  [{flags}]" if flags else "")


def _fields(record: Record) -> dict[str, Any]:
    """What the record says, but for whose it is and when."""
    left_out = {"time_ns", "source", "quality", "time_sigma_s"}
    names = [name for name in record.__dataclass_fields__ if name not in left_out]
    fields = {name: getattr(record, name) for name in names}
    if "channel" in fields:
        return {fields["channel"]: fields["value"], "unit": fields["unit"]}
    return fields


def _flags(record: Record) -> list[str]:
    quality = getattr(record, "quality", None)
    return [flag.name.lower() for flag in quality] if quality else []


def _as_json(record: Record) -> str:
    import json
    from dataclasses import asdict

    told = {"record": type(record).__name__, "time": _iso(record.time_ns), **asdict(record)}
    if "quality" in told:
        told["quality"] = _flags(record)
    for name, value in told.items():
        if isinstance(value, float) and not math.isfinite(value):
            told[name] = None
    return json.dumps(told, allow_nan=False, ensure_ascii=False)


def _iso(time_ns: int) -> str:
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1_000_000:03d}Z"
