"""Recordings of our own bridge (MCAP); `firmware_bridge.recording` says what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware_bridge.formats._opening import first_bytes, read_compiled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from firmware_bridge.logfile import ReadReport
    from sensors.records import RecordBatch

__all__ = ["read", "sniff"]

_MAGIC = b"\x89MCAP0\r\n"
_OURS = b"\x0a\x00\x00\x00sniffdrone"  # the profile in a header, where its first bytes are damaged


def sniff(path: Path) -> bool:
    """Whether a file begins as MCAP does, whoever wrote it."""
    head = first_bytes(path, 64)
    return head.startswith(_MAGIC) or _OURS in head[8:]


def read(path: Path, report: ReadReport) -> Iterator[RecordBatch]:
    """Records of a recording, on UTC by all that became known of it during the run.

    The file is looked over first, so that times from before the vehicle knew UTC are put right. A
    chunk whose checksum does not hold is left out and counted as damage; of one that is cut off
    the messages that are whole are read.

    Parameters
    ----------
    path : Path
    report : ReadReport
        Told of damage, where the file is cut, and what is left out.

    Yields
    ------
    RecordBatch
        Of kinds "gas", "pose", "wind", "environment" and "event", on the "utc" clock; the source
        is the device's name, or "autopilot".

    Raises
    ------
    FormatError
        An MCAP file that is no recording of ours.
    """
    return read_compiled("mcap", path, report)
