"""PX4's log (.ulg): topics whose formats the file itself declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware_bridge.formats._opening import first_bytes, read_compiled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from firmware_bridge.logfile import ReadReport
    from sensors.records import RecordBatch

__all__ = ["read", "sniff"]

_MAGIC = b"ULog\x01\x125"


def sniff(path: Path) -> bool:
    """Whether the file begins as the format says it must."""
    return first_bytes(path, len(_MAGIC)) == _MAGIC


def read(path: Path, report: ReadReport) -> Iterator[RecordBatch]:
    """Records of a log, on the boot clock, with pairs from the receiver's ``time_utc_usec``.

    See `_opening.read_compiled`. Positions are vehicle_global_position, or the receiver's with a
    3-D fix where the log has none; wind is the estimator's first instance. Drop-outs are events
    and stay gaps.

    Raises
    ------
    FormatError
        The log says of itself that it cannot be read without knowing a newer feature.
    """
    return read_compiled("ulog", path, report)
