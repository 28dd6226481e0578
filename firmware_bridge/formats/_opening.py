"""How a file is opened: its first bytes to recognise it, its compiled reader only to read it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from firmware_bridge.logfile import ReadReport
    from sensors.records import RecordBatch

__all__ = ["first_bytes", "read_compiled"]


def first_bytes(path: Path, count: int) -> bytes:
    """At most `count` bytes from the start of a file; none of one that cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(count)
    except OSError:
        return b""


def read_compiled(name: str, path: Path, report: ReadReport) -> Iterator[RecordBatch]:
    """Records of an autopilot's log; what reads it is compiled code and loads in 0.3 s.

    Parameters
    ----------
    name : str
        Of the format; `_<name>_reading` beside this file reads it.
    path : Path
    report : ReadReport
        Filled while reading.

    Yields
    ------
    RecordBatch
        On the clock the log is on, with pairs of that clock and UTC where it has them.
    """
    report.path = path
    reading = importlib.import_module(f"{__package__}._{name}_reading")
    batches: Iterator[RecordBatch] = reading.read(report)
    return batches
