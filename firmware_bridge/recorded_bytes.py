"""The bytes of a recording as they were read, source by source, whatever state the file is in."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Attachment

from firmware_bridge import recording
from firmware_bridge.formats._mcap_chunk import channel_of, inner_records, opened
from firmware_bridge.formats._mcap_scan import Damage, parts
from firmware_bridge.logfile import ReadReport, identify
from sensors.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mcap.records import Channel

__all__ = ["RecordedBytes", "RecordedPiece"]

_MESSAGE = struct.Struct("<HIQQ")


class RecordedPiece(NamedTuple):
    """Bytes of one read: whose, from which peer, and when on the recording axis [ns]."""

    source: str
    peer: str
    data: bytes
    time_ns: int


@dataclass
class RecordedBytes:
    """Reads one file; what is not whole is left out and counted.

    Attributes
    ----------
    path : Path
    progress : callable, optional
        Told bytes read and bytes in all.
    attachments : dict of str to bytes
        Those of the file that were met so far; they come before the first bytes.
    damaged_bytes : int
    truncated_at_byte : int or None
    """

    path: Path
    progress: Callable[[int, int], None] | None = None
    attachments: dict[str, bytes] = field(default_factory=dict)
    damaged_bytes: int = 0
    truncated_at_byte: int | None = None

    def __iter__(self) -> Iterator[RecordedPiece]:
        """In the order in which they were recorded.

        Raises
        ------
        FormatError
            No recording, or not readable.
        """
        if identify(self.path) != "mcap":
            raise FormatError(f"{self.path}: is no recording; give an .mcap file of sniffdrone")
        try:
            yield from self._pieces()
        except OSError as error:
            reason = error.strerror or str(error)
            raise FormatError(f"{self.path}: cannot be read ({reason}); copy it again") from error

    def _pieces(self) -> Iterator[RecordedPiece]:
        damage = Damage()
        report = ReadReport(path=self.path, progress=self.progress)
        report.bytes_total = self.path.stat().st_size
        known: dict[int, Channel] = {}
        for part in parts(report, damage):
            if part.opcode == Opcode.CHUNK:
                data = opened(part.content, is_whole=part.is_whole)
                if data is not None:
                    yield from _of_chunk(data, known)
                elif part.is_whole:
                    self.damaged_bytes += part.size
            elif part.opcode == Opcode.ATTACHMENT and part.is_whole:
                stream = ReadDataStream(io.BytesIO(bytes(part.content)))
                attachment = Attachment.read(stream)
                self.attachments[attachment.name] = attachment.data
        self.damaged_bytes += damage.lost_bytes
        self.truncated_at_byte = damage.cut_at


def _of_chunk(data: bytes, known: dict[int, Channel]) -> Iterator[RecordedPiece]:
    """Raw messages of a chunk; `known` are the channels met so far, by number."""
    for record in inner_records(data):
        if record.opcode == Opcode.CHANNEL:
            channel = channel_of(data[record.start : record.end])
            if channel is not None:
                known[channel.id] = channel
        elif record.opcode == Opcode.MESSAGE and record.end - record.start >= _MESSAGE.size:
            number, _, time_ns, _ = _MESSAGE.unpack_from(data, record.start)
            about = known.get(number)
            if about is not None and about.message_encoding == recording.RAW_ENCODING:
                yield RecordedPiece(
                    about.metadata.get(recording.SOURCE, ""),
                    about.metadata.get("peer", ""),
                    data[record.start + _MESSAGE.size : record.end],
                    time_ns,
                )
