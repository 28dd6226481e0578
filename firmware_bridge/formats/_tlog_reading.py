"""A .tlog window by window: frames, the vehicle's clock, its records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from firmware_bridge.formats._mavlink_dialect import Dialect, dialect
from firmware_bridge.formats._mavlink_events import EventLog
from firmware_bridge.formats._mavlink_frames import STAMP_BYTES, FrameTable, find_frames
from firmware_bridge.formats._mavlink_records import FlightState, clock_pairs, record_batches
from firmware_bridge.formats._mavlink_tunnel import holds_tunnels
from firmware_bridge.formats._mavlink_tunnel_log import TunnelLog
from firmware_bridge.formats._mavlink_tunnel_names import survey_tunnels
from firmware_bridge.formats._mavlink_window import AUTOPILOT, VehicleWindow, utc_pairs
from firmware_bridge.formats._vehicle_clock import BootClock, ReceiverClock
from firmware_bridge.logfile import ReadReport, SlidingWindow
from sensors.streams import vehicle_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from firmware_bridge.formats._mavlink_tunnel_names import TunnelSurvey
    from sensors.records import RecordBatch

__all__ = ["read"]

_SURVEY_BYTES = 1 << 18
_GROUND_STATION = 255


def read(report: ReadReport) -> Iterator[RecordBatch]:
    """Records of the vehicle heard most; see `firmware_bridge.formats.tlog.read`."""
    path, messages = report.path, dialect()
    survey = _survey(path, messages)
    clock = BootClock(report) if survey.knows_utc else ReceiverClock(report)
    state, events = FlightState(), EventLog()
    gas = _tunnel_survey(path, messages, survey) if holds_tunnels(path) else None
    tunnels = TunnelLog(gas, report) if gas is not None else None
    repeated = gas.repeated if gas is not None else frozenset()
    others: set[int] = set()
    for data, frames in _windows(report, messages):
        others |= _vehicles(frames).keys() - {survey.system}
        own = frames.rows(frames.system == survey.system)
        window = VehicleWindow(data, own, messages, clock)
        yield from record_batches(window, state, repeated=repeated)
        if tunnels is not None:
            yield from tunnels.batches(window)
        yield from events.batches(window)
    if tunnels is not None:
        tunnels.close()
    if not survey.knows_utc:
        report.warnings.append(f"{path}: the vehicle sent no UTC, times are the recorder's")
    if others:
        names = ", ".join(map(str, sorted(others)))
        report.warnings.append(f"{path}: holds vehicle {survey.system}; {names} left out")


class _Survey(NamedTuple):
    """Which vehicle the file is about, and whether it ever knew UTC."""

    system: int
    knows_utc: bool


def _survey(path: Path, messages: Dialect) -> _Survey:
    """Looks only as far into the file as it takes to know."""
    system = 0
    for data, frames in _windows(ReadReport(path=path, chunk_bytes=_SURVEY_BYTES), messages):
        if not system:
            heard = _vehicles(frames)
            system = max(heard, key=lambda each: heard[each], default=0)
        own = frames.rows(frames.system == system)
        if utc_pairs(data, own, messages).row.size:
            return _Survey(system, knows_utc=True)
    return _Survey(system, knows_utc=False)


def _tunnel_survey(path: Path, messages: Dialect, survey: _Survey) -> TunnelSurvey:
    """Reads the whole file once, for a name that comes late names what came before."""
    report = ReadReport(path=path)
    clock = BootClock(report) if survey.knows_utc else ReceiverClock(report)
    pairs: list[RecordBatch] = []

    def windows() -> Iterator[VehicleWindow]:
        for data, frames in _windows(report, messages):
            own = frames.rows(frames.system == survey.system)
            window = VehicleWindow(data, own, messages, clock)
            pairs.extend(clock_pairs(window))
            yield window

    found = survey_tunnels(windows())
    return replace(found, utc_minus_boot_ns=vehicle_time(pairs).utc_minus_boot_ns)


def _vehicles(frames: FrameTable) -> dict[int, int]:
    """How many frames each autopilot sent; a ground station is none."""
    sent = np.bincount(frames.system[frames.component == AUTOPILOT], minlength=1)
    systems = set(np.flatnonzero(sent).tolist()) - {0, _GROUND_STATION}
    return {system: int(sent[system]) for system in sorted(systems)}


def _windows(
    report: ReadReport, messages: Dialect
) -> Iterator[tuple[NDArray[np.uint8], FrameTable]]:
    """Windows of the file with their frames; messages and damage are counted."""
    with SlidingWindow(report) as window:
        position = frame_end = 0
        while True:
            scan = find_frames(
                window.data,
                messages,
                position=position,
                frame_end=frame_end,
                is_last=window.is_last,
            )
            _count(report, messages, scan.frames.message_id)
            report.damaged_bytes += scan.damaged_bytes
            yield window.data, scan.frames
            if window.is_last:
                _account_for_tail(report, window, scan.frame_end)
                window.advance(window.data.size)
                return
            consumed = max(0, scan.position - STAMP_BYTES)
            position, frame_end = scan.position - consumed, scan.frame_end - consumed
            window.advance(consumed)


def _count(report: ReadReport, messages: Dialect, message_id: NDArray[np.int32]) -> None:
    is_known = message_id < messages.checksum_seed.size
    counts = np.bincount(message_id[is_known], minlength=1)
    for known in np.flatnonzero(counts).tolist():
        report.count(messages.name(known), int(counts[known]))
    for unknown in message_id[~is_known].tolist():
        report.count(messages.name(unknown))


def _account_for_tail(report: ReadReport, window: SlidingWindow, frame_end: int) -> None:
    """Bytes after the last whole frame: a record cut short, or damage."""
    tail = window.data[max(frame_end, 0) :]
    if not tail.size:
        return
    is_cut = tail.size < STAMP_BYTES + 3
    if not is_cut and tail[STAMP_BYTES] in {0xFD, 0xFE}:
        frame_bytes = 12 if tail[STAMP_BYTES] == 0xFD else 8
        is_cut = tail.size < STAMP_BYTES + frame_bytes + int(tail[STAMP_BYTES + 1])
    if is_cut:
        report.truncated_at_byte = window.start + max(frame_end, 0)
    else:
        report.damaged_bytes += window.data.size - frame_end
