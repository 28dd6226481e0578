"""What is inside a chunk of an MCAP file: believed if its checksum holds."""

from __future__ import annotations

import importlib
import io
import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import EndOfFile
from mcap.records import Attachment, Channel, Header, Metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "MESSAGE_HEAD_BYTES",
    "Inner",
    "attachment_of",
    "channel_of",
    "claimed_times",
    "header_of",
    "inner_records",
    "metadata_of",
    "opened",
    "packed_as_zstd",
]

LARGEST_BYTES = 64 << 20  # of a chunk's content; ours are of 256 kB
HEAD_BYTES = 9
BLOCK_BYTES = 1 << 18
MESSAGE_HEAD_BYTES = 22  # channel, sequence and two times, before a message's data

_CHUNK = struct.Struct("<QQQII")
_HEAD = struct.Struct("<BQ")
_TAIL_OF_ZEROS = bytes(16)


class Inner(NamedTuple):
    """A record inside a chunk: its opcode, and where what follows its length begins and ends."""

    opcode: int
    start: int
    end: int


def opened(content: memoryview, *, is_whole: bool = True) -> bytes | None:
    """Records inside a chunk.

    Parameters
    ----------
    content : memoryview
        Of the chunk record.
    is_whole : bool
        The file goes on to the end of the record. If it does not, what can be decompressed is
        given, which no checksum covers: only the file's end is missing from it.

    Returns
    -------
    bytes or None
        None if the checksum does not hold: nothing in the chunk can be believed.
    """
    if len(content) < _CHUNK.size:
        return None
    *_, checksum, name_bytes = _CHUNK.unpack_from(content)
    start = _CHUNK.size + name_bytes + 8
    compression = bytes(content[_CHUNK.size : _CHUNK.size + name_bytes])
    packed = content[start:]
    if not is_whole:
        # a power cut may leave zeros where data was to be written
        has_zeros = bytes(packed[-len(_TAIL_OF_ZEROS) :]) == _TAIL_OF_ZEROS
        return None if has_zeros else _unpacked(compression, packed)
    data = _unpacked(compression, packed)
    if data is None or zlib.crc32(data) != checksum:
        return None
    return data


def inner_records(data: bytes) -> Iterator[Inner]:
    """Whole records of a chunk's content, up to the first that is not."""
    at, total = 0, len(data)
    while at + HEAD_BYTES <= total:
        opcode, length = _HEAD.unpack_from(data, at)
        start = at + HEAD_BYTES
        at = start + length
        if at > total:
            return
        yield Inner(opcode, start, at)


def channel_of(content: bytes) -> Channel | None:
    """Channel record; None if it is none."""
    try:
        channel: Channel = Channel.read(ReadDataStream(io.BytesIO(content)))
    except (EndOfFile, ValueError, struct.error):
        return None
    return channel


def metadata_of(content: bytes) -> Metadata | None:
    """Metadata record; None if it is none."""
    try:
        metadata: Metadata = Metadata.read(ReadDataStream(io.BytesIO(content)))
    except (EndOfFile, ValueError, struct.error):
        return None
    return metadata


def header_of(content: bytes) -> str:
    """Library that wrote a file, as its header says; empty if it does not."""
    try:
        return str(Header.read(ReadDataStream(io.BytesIO(content))).library)
    except (EndOfFile, ValueError, struct.error):
        return ""


def attachment_of(content: bytes) -> tuple[Attachment, bool]:
    """Attachment record, and whether its checksum holds."""
    checksum = int.from_bytes(content[-4:], "little")
    try:
        return Attachment.read(ReadDataStream(io.BytesIO(content))), checksum in {
            0,
            zlib.crc32(content[:-4]),
        }
    except (EndOfFile, ValueError, struct.error):
        return Attachment(0, 0, "?", "", b""), False


def claimed_times(content: memoryview) -> tuple[int, int] | None:
    """First and last time of messages in a chunk as its head says, which no checksum covers."""
    if len(content) < _CHUNK.size:
        return None
    begin_ns, end_ns, *_ = _CHUNK.unpack_from(content)
    return begin_ns, end_ns


def packed_as_zstd(content: memoryview, data: bytes) -> bytes | None:
    """Compressed content of a chunk that holds `data`.

    None if it is compressed in another way, or so damaged that only its data came through.
    """
    name_bytes = _CHUNK.unpack_from(content)[-1]
    if bytes(content[_CHUNK.size : _CHUNK.size + name_bytes]) != b"zstd":
        return None
    packed = bytes(content[_CHUNK.size + name_bytes + 8 :])
    try:
        is_sound = zstandard.ZstdDecompressor().decompress(packed, len(data)) == data
    except zstandard.ZstdError:
        return None
    return packed if is_sound else None


def _unpacked(compression: bytes, packed: memoryview) -> bytes | None:
    """Decompressed content, as far as there is any; None if there is none."""
    if not compression:
        return bytes(packed)
    if compression == b"zstd":
        return _zstd(packed)
    if compression == b"lz4":
        return _lz4(packed)
    return None


def _zstd(packed: memoryview) -> bytes | None:
    try:
        size = zstandard.get_frame_parameters(packed).content_size
        if 0 < size <= LARGEST_BYTES:
            return zstandard.ZstdDecompressor(max_window_size=LARGEST_BYTES).decompress(packed)
    except (zstandard.ZstdError, MemoryError):
        pass  # torn or damaged
    reader = zstandard.ZstdDecompressor(max_window_size=LARGEST_BYTES).stream_reader(packed)
    found = []
    left = LARGEST_BYTES
    try:
        while left > 0 and (block := reader.read(min(BLOCK_BYTES, left))):
            found.append(block)
            left -= len(block)
    except zstandard.ZstdError:
        pass  # what is missing fails the checksum
    return b"".join(found) or None


def _lz4(packed: memoryview) -> bytes | None:
    lz4 = importlib.import_module("lz4.frame")  # only where another program wrote the file
    try:
        return bytes(lz4.LZ4FrameDecompressor().decompress(packed, LARGEST_BYTES))
    except (EOFError, RuntimeError):
        return None
