"""ArduPilot's own log (.BIN, "DataFlash"): messages whose formats the file itself declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware_bridge.formats._opening import first_bytes, read_compiled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from firmware_bridge.logfile import ReadReport
    from sensors.records import RecordBatch

__all__ = ["read", "sniff"]

_SNIFFED_BYTES = 4096
_FMT_OF_FMT = b"\xa3\x95\x80\x80\x59FMT\x00"


def sniff(path: Path) -> bool:
    """Whether the message that declares the format of formats stands near the beginning."""
    return _FMT_OF_FMT in first_bytes(path, _SNIFFED_BYTES)


def read(path: Path, report: ReadReport) -> Iterator[RecordBatch]:
    """Records of a log, on the boot clock, with pairs from the GPS week and time of week.

    See `_opening.read_compiled`. Positions are POS (the estimator), or GPS in use with a 3-D fix
    where the log has no POS. Wind is that of the EKF core in use: the vector the air moves towards.
    """
    return read_compiled("dataflash", path, report)
