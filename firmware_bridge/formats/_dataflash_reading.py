"""A .BIN log window by window: messages, their clock, the records in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firmware_bridge.formats._dataflash_frames import (
    FMT_TYPE,
    Scan,
    find_messages,
    first_lengths,
)
from firmware_bridge.formats._dataflash_records import FlightState, record_batches
from firmware_bridge.formats._dataflash_window import Formats, LogWindow
from firmware_bridge.formats._vehicle_clock import BootClock
from firmware_bridge.logfile import ReadReport, SlidingWindow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sensors.records import RecordBatch

__all__ = ["read"]

_PADDING = (0x00, 0xFF)


def read(report: ReadReport) -> Iterator[RecordBatch]:
    """Records of a .BIN log; see `firmware_bridge.formats.dataflash.read`."""
    formats, lengths = Formats(), first_lengths()
    clock, state = BootClock(report), FlightState()
    knows_utc = False
    with SlidingWindow(report) as window:
        while True:
            scan = find_messages(window.data, lengths, is_last=window.is_last)
            formats.learn(window.data, scan.start[scan.kind == FMT_TYPE])
            _count(report, formats, scan.kind)
            for batch in record_batches(LogWindow(window.data, scan, formats, clock), state):
                knows_utc |= batch.kind == "clock"
                yield batch
            if window.is_last:
                _account_for_damage(report, window, scan, lengths)
                window.advance(window.data.size)
                break
            report.damaged_bytes += scan.damaged_bytes
            window.advance(scan.position)
    if not knows_utc:
        report.warnings.append(f"{report.path}: no GPS time in it, times count from boot")


def _count(report: ReadReport, formats: Formats, kind: NDArray[np.uint8]) -> None:
    counts = np.bincount(kind, minlength=256)
    for number in np.flatnonzero(counts).tolist():
        report.count(formats.name(number), int(counts[number]))


def _account_for_damage(
    report: ReadReport, window: SlidingWindow, scan: Scan, lengths: NDArray[np.int16]
) -> None:
    """What follows the last whole message: one cut short, padding of a flash page, or damage."""
    end = 0
    if scan.start.size:
        end = int(scan.start[-1]) + int(lengths[scan.kind[-1]])
    tail = window.data[end:]
    report.damaged_bytes += scan.damaged_bytes - tail.size
    if not tail.size or np.isin(tail, _PADDING).all():
        return
    is_header = tail[0] == 0xA3 and (tail.size < 2 or tail[1] == 0x95)
    if is_header and (tail.size < 3 or lengths[tail[2]] > tail.size):
        report.truncated_at_byte = window.start + end
    else:
        report.damaged_bytes += tail.size
