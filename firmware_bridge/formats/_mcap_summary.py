"""The summary at the end of a finished recording: where its chunks are, if it can be believed."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

from mcap.opcode import Opcode

from firmware_bridge.formats._mcap_chunk import inner_records
from firmware_bridge.formats._mcap_scan import MAGIC

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["Summary", "summary_of"]

MOST_BYTES = 8 << 20  # ours are of 4 MB at most
_FOOTER = struct.Struct("<BQQQI")
_CHUNK_INDEX = struct.Struct("<QQQQ")
_HEAD_BYTES = 9


class Summary(NamedTuple):
    """What a summary says.

    Attributes
    ----------
    chunks : list of (int, int)
        First byte of each chunk record, and its bytes.
    channels : list of bytes
        Content of channel records.
    """

    chunks: list[tuple[int, int]]
    channels: list[bytes]


def summary_of(stream: BinaryIO) -> Summary | None:
    """Summary of a file; None if it has none, or its checksum does not hold."""
    size = stream.seek(0, 2)
    tail_bytes = _FOOTER.size + len(MAGIC)
    if size < tail_bytes:
        return None
    stream.seek(size - tail_bytes)
    tail = stream.read(tail_bytes)
    opcode, length, start, _, checksum = _FOOTER.unpack_from(tail)
    summary_bytes = size - tail_bytes - start
    is_there = opcode == Opcode.FOOTER and length == 20 and tail.endswith(MAGIC) and start > 0
    if not is_there or not 0 < summary_bytes <= MOST_BYTES:
        return None
    stream.seek(start)
    data = stream.read(summary_bytes)
    if zlib.crc32(tail[: _FOOTER.size - 4], zlib.crc32(data)) != checksum:
        return None
    found = Summary([], [])
    for kind, begin, end in inner_records(data):
        if kind == Opcode.CHANNEL:
            found.channels.append(data[begin:end])
        elif kind == Opcode.CHUNK_INDEX and end - begin >= _CHUNK_INDEX.size:
            _, _, place, chunk_bytes = _CHUNK_INDEX.unpack_from(data, begin)
            if chunk_bytes < _HEAD_BYTES or place + chunk_bytes > size:
                return None
            found.chunks.append((place, chunk_bytes))
    return found
