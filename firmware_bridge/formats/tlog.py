"""MAVLink telemetry as ground stations record it (.tlog): arrival time and raw frame, repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware_bridge.formats._opening import first_bytes, read_compiled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from firmware_bridge.logfile import ReadReport
    from sensors.records import RecordBatch

__all__ = ["read", "sniff"]

_STAMP_BYTES = 8
_SNIFFED_BYTES = 4096
_LARGEST_HIGH_BYTE = 0x0F  # times until the year 2112 begin 00 0x
_V1, _V2 = 0xFE, 0xFD


def sniff(path: Path) -> bool:
    """Whether the first bytes hold two records in a row: time, frame, time, frame.

    True also for a file that ends within the second record.
    """
    head = first_bytes(path, _SNIFFED_BYTES)
    for first in range(len(head)):
        second = _record_end(head, first)
        if second and (second >= len(head) or _record_end(head, second)):
            return True
    return False


def read(path: Path, report: ReadReport) -> Iterator[RecordBatch]:
    """Records of the vehicle in a telemetry log, on its boot clock, with pairs from SYSTEM_TIME.

    See `_opening.read_compiled`. On the receiver's clock where the vehicle never knew UTC. Frames
    are believed when their checksum holds, wherever in the file they stand. Records come from the
    autopilot (component 1) of the vehicle heard most; gas also from its companion, of TUNNEL where
    a NAMED_VALUE_FLOAT says the same.
    """
    return read_compiled("tlog", path, report)


def _record_end(head: bytes, at: int) -> int:
    """Where the record that begins at `at` ends, 0 if none does; may be past the bytes we have."""
    start = at + _STAMP_BYTES
    if len(head) < start + 3 or head[at] != 0 or head[at + 1] > _LARGEST_HIGH_BYTE:
        return 0
    if head[start] == _V1:
        return start + 8 + head[start + 1]
    if head[start] == _V2 and head[start + 2] <= 1:
        return start + 12 + head[start + 1] + 13 * head[start + 2]
    return 0
