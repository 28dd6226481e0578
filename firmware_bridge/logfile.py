"""Which format a file is, and its records in bounded memory, whatever the format."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sensors import plugins
from sensors.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from sensors.records import RecordBatch

__all__ = ["CHUNK_BYTES", "ReadReport", "SlidingWindow", "identify", "read_log"]

CHUNK_BYTES = 4 << 20
_FORMATS = "firmware_bridge.formats"


@dataclass(kw_only=True)
class ReadReport:
    """What reading a file brought to light; the reader fills it while it goes.

    Attributes
    ----------
    path : Path
    format : str
        Name of the format, once known.
    bytes_total, bytes_read : int
    messages : dict of str to int
        How many whole messages (rows, for a table) of each name were found.
    truncated_at_byte : int or None
        Where the last whole message ends, if the file stops inside the next one.
    damaged_bytes : int
        Bytes that belong to no whole message.
    warnings : list of str
        One line each.
    clock_jumps : list of dict
        ``kind``, ``time_ns``, ``clock`` (as in `RecordBatch`) and ``seconds`` (signed size).
    progress : callable or None
        Called as ``progress(bytes_done, bytes_total)`` after each chunk.
    chunk_bytes : int
        How much of the file is in memory at a time.
    """

    path: Path
    format: str = ""
    bytes_total: int = 0
    bytes_read: int = 0
    messages: dict[str, int] = field(default_factory=dict)
    truncated_at_byte: int | None = None
    damaged_bytes: int = 0
    warnings: list[str] = field(default_factory=list)
    clock_jumps: list[dict[str, Any]] = field(default_factory=list)
    progress: Callable[[int, int], None] | None = None
    chunk_bytes: int = CHUNK_BYTES

    def count(self, name: str, number: int = 1) -> None:
        """Add to the number of messages of a name."""
        self.messages[name] = self.messages.get(name, 0) + number

    def advance(self, bytes_read: int) -> None:
        """Say how far reading has come."""
        self.bytes_read = bytes_read
        if self.progress is not None:
            self.progress(bytes_read, self.bytes_total)


class SlidingWindow:
    """A view of a file that moves forward: what was not consumed stays, new bytes follow.

    Parameters
    ----------
    report : ReadReport
        Names the file and the size of the window; is told how far reading has come.

    Attributes
    ----------
    data : ndarray of uint8
        The bytes in view; valid until the next `advance`.
    start : int
        Place of ``data[0]`` in the file.
    is_last : bool
        Nothing follows `data`.
    """

    def __init__(self, report: ReadReport) -> None:
        self._report = report
        self._stream = report.path.open("rb", buffering=0)
        self._unread = os.fstat(self._stream.fileno()).st_size
        self.start = 0
        self.is_last = False
        self.data: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self.advance(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def advance(self, consumed: int) -> None:
        """Drop the first `consumed` bytes of the view and read on."""
        kept = self.data[consumed:].tobytes()
        wanted = min(max(self._report.chunk_bytes, len(kept)), self._unread + 1)
        buffer = bytearray(len(kept) + wanted)
        buffer[: len(kept)] = kept
        filled = len(kept)
        while filled < len(buffer) and not self.is_last:
            got = self._stream.readinto(memoryview(buffer)[filled:])
            filled += got
            self.is_last = not got
        self._unread = max(self._unread - (filled - len(kept)), 0)
        self.start += consumed
        self.data = np.frombuffer(buffer, np.uint8, filled)
        self._report.advance(self.start)


def identify(path: Path) -> str:
    """Name of the format of a file, found from its content.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str
        A name that ``plugins.available("firmware_bridge.formats")`` lists.

    Raises
    ------
    FormatError
        Not there, a directory, unreadable, empty, or of no format we know.
    """
    _check_readable(path)
    # a table of text is the loosest of the formats, so it is asked last
    for name in sorted(plugins.available(_FORMATS), key=lambda name: (name == "csv", name)):
        if plugins.load(_FORMATS, name).sniff(path):
            return name
    known = ", ".join(plugins.available(_FORMATS))
    raise FormatError(f"{path}: of no format we read ({known}); check that it is the right file")


def read_log(path: Path, report: ReadReport) -> Iterator[RecordBatch]:
    """Records of a file of any format, batch by batch.

    Parameters
    ----------
    path : Path
    report : ReadReport
        Filled while reading; complete when the iterator is exhausted.

    Yields
    ------
    RecordBatch
        On their own clock; "clock" batches say how it relates to UTC.

    Raises
    ------
    FormatError
        As `identify`, or nothing in the file is whole.
    """
    report.path = path
    report.format = report.format or identify(path)
    try:
        report.bytes_total = path.stat().st_size
        yield from plugins.load(_FORMATS, report.format).read(path, report)
    except OSError as error:
        raise FormatError(f"{path}: {_reason(error)}; copy the file again") from error
    _warn_of_damage(report)
    if not any(report.messages.values()):
        raise FormatError(
            f"{path}: begins like {report.format} but no message in it is whole; "
            "copy it again from the recorder"
        )


def _warn_of_damage(report: ReadReport) -> None:
    if report.truncated_at_byte is not None:
        report.warnings.append(
            f"{report.path}: cut off after byte {report.truncated_at_byte}; "
            "all that is whole before it was read"
        )
    if report.damaged_bytes:
        report.warnings.append(
            f"{report.path}: {report.damaged_bytes} of {report.bytes_total} bytes belong to "
            "no whole message and were left out"
        )


def _check_readable(path: Path) -> None:
    try:
        if path.is_dir():
            raise FormatError(f"{path}: is a directory; name a file in it")
        if path.exists() and not path.is_file():
            raise FormatError(f"{path}: is not a regular file; give a file")
        with path.open("rb") as stream:
            first = stream.read(1)
    except FileNotFoundError as error:
        raise FormatError(f"{path}: no such file; check the name") from error
    except PermissionError as error:
        raise FormatError(f"{path}: no permission to read it; change its mode or owner") from error
    except OSError as error:
        raise FormatError(f"{path}: {_reason(error)}; check the name and the disk") from error
    if not first:
        raise FormatError(f"{path}: is empty; the recorder wrote nothing, give another file")


def _reason(error: OSError) -> str:
    name = errno.errorcode.get(error.errno or 0, "")
    return f"cannot be read ({error.strerror or name or error})"
