"""Gas log of a BME688 development kit (``.bmerawdata``): resistances by sensor and heater step.

The resistance of a metal oxide means something only at the temperature it was heated to, so
each (sensor, heater step) is a channel of its own, ``bme688_s0_step3`` in ohm. The file knows no
positions: give the autopilot's log beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware_bridge.formats._opening import first_bytes, read_compiled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from firmware_bridge.logfile import ReadReport
    from sensors.records import RecordBatch

__all__ = ["read", "sniff"]

_SNIFFED_BYTES = 1 << 18
_MARKS = (b'"rawDataHeader"', b'"rawDataBody"', b'"dataColumns"')


def sniff(path: Path) -> bool:
    """Whether a file is a JSON object that names a BME688 board's data early on.

    True also for a ``.udf``, the binary file of newer firmware, so that reading can say what to do.
    """
    head = first_bytes(path, _SNIFFED_BYTES)
    is_object = head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    return (is_object and any(mark in head for mark in _MARKS)) or path.suffix.lower() == ".udf"


def read(path: Path, report: ReadReport) -> Iterator[RecordBatch]:
    """Records of a board, some thousand rows at a time; the file is read twice.

    The first time the board's Unix seconds are set against its milliseconds, the second time the
    rows are given UTC by them, to the millisecond.

    Parameters
    ----------
    path : Path
    report : ReadReport
        Told how the times were found and how well they are known, and of all that is left out.

    Yields
    ------
    RecordBatch
        Of kinds "gas" and "environment" with the same times, and "event" where the label changes,
        on the "utc" clock. A file whose board never knew the time is on a clock that was 0 at
        power-on: 1970.

    Raises
    ------
    FormatError
        A ``.udf``; the list of columns lacks one that is needed.
    """
    return read_compiled("bmerawdata", path, report)
