"""Messages packed into chunks that can each be read alone."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import zstandard
from mcap import records
from mcap.opcode import Opcode

from firmware_bridge.recorder_channels import encoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from firmware_bridge.recorder_channels import Channel

__all__ = ["CHUNK_BYTES", "Chunk", "Item", "chunks"]

CHUNK_BYTES = 256_000  # uncompressed, at most, unless one message alone is longer
COMPRESSION, LEVEL = "zstd", 1
_MESSAGE = struct.Struct("<BQHIQQ")  # all of a message record but its data
_MESSAGE_FIELDS = _MESSAGE.size - 9  # that its length counts
_INDEX_ENTRY = struct.Struct("<QQ")
_INDEX = struct.Struct("<BQHI")


class Item(NamedTuple):
    """A message on its way: `order` is that in which all were handed over, times in ns."""

    order: int
    channel: Channel
    sequence: int
    log_ns: int
    publish_ns: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk as it goes to disk.

    Attributes
    ----------
    record : bytes
        The chunk record.
    indexes : bytes
        Its message index records, which follow it.
    offsets : dict of int to int
        Where in `indexes` that of a channel begins.
    counts : dict of int to int
        Messages of each channel.
    channels : tuple of Channel
    begin_ns, end_ns : int
        Least and greatest log time.
    compressed_bytes, uncompressed_bytes, payload_bytes : int
        The last is what was handed over, without what the file adds.
    """

    record: bytes
    indexes: bytes
    offsets: dict[int, int]
    counts: dict[int, int]
    channels: tuple[Channel, ...]
    begin_ns: int
    end_ns: int
    compressed_bytes: int
    uncompressed_bytes: int
    payload_bytes: int

    @property
    def packed_bytes(self) -> int:
        """Memory it takes, about."""
        return len(self.record) + len(self.indexes)


def chunks(items: Iterable[Item], *, most_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Chunks of messages, in order, none longer than `most_bytes` before compression."""
    packing = _Packing()
    for item in items:
        if packing.items and packing.size + packing.growth(item) > most_bytes:
            yield packing.chunk()
            packing = _Packing()
        packing.add(item)
    if packing.items:
        yield packing.chunk()


class _Packing:
    """A chunk being filled."""

    def __init__(self) -> None:
        self.items = self.size = self.payload = 0
        self._parts: list[bytes] = []
        self._channels: dict[int, Channel] = {}
        self._schemas: set[int] = set()
        self._indexes: dict[int, bytearray] = {}
        self._begin_ns, self._end_ns = 2**64, 0

    def growth(self, item: Item) -> int:
        length = _MESSAGE.size + len(item.data)
        if item.channel.id not in self._channels:
            length += len(item.channel.definition)
        return length

    def add(self, item: Item) -> None:
        _, channel, sequence, log_ns, publish_ns, data = item
        number = channel.id
        index = self._indexes.get(number)
        if index is None:
            index = self._indexes[number] = bytearray()
            self._define(channel)
        index += _INDEX_ENTRY.pack(log_ns, self.size)
        length = _MESSAGE_FIELDS + len(data)
        self._parts += (
            _MESSAGE.pack(Opcode.MESSAGE, length, number, sequence, log_ns, publish_ns),
            data,
        )
        self.size += 9 + length
        self.items += 1
        self.payload += len(data)
        self._begin_ns = min(self._begin_ns, log_ns)
        self._end_ns = max(self._end_ns, log_ns)

    def _define(self, channel: Channel) -> None:
        self._channels[channel.id] = channel
        new_schema = channel.schema_id and channel.schema_id not in self._schemas
        self._schemas.add(channel.schema_id)
        definition = channel.definition if new_schema else channel.channel_record
        self._parts.append(definition)
        self.size += len(definition)

    def chunk(self) -> Chunk:
        plain = b"".join(self._parts)
        packed = zstandard.ZstdCompressor(level=LEVEL).compress(plain)
        record = records.Chunk(
            compression=COMPRESSION,
            data=packed,
            message_start_time=self._begin_ns,
            message_end_time=self._end_ns,
            uncompressed_crc=zlib.crc32(plain),
            uncompressed_size=len(plain),
        )
        offsets, indexes = {}, bytearray()
        for number, entries in self._indexes.items():
            offsets[number] = len(indexes)
            indexes += _INDEX.pack(Opcode.MESSAGE_INDEX, 6 + len(entries), number, len(entries))
            indexes += entries
        size = _INDEX_ENTRY.size
        return Chunk(
            record=encoded(record),
            indexes=bytes(indexes),
            offsets=offsets,
            counts={number: len(entries) // size for number, entries in self._indexes.items()},
            channels=tuple(self._channels.values()),
            begin_ns=self._begin_ns,
            end_ns=self._end_ns,
            compressed_bytes=len(packed),
            uncompressed_bytes=len(plain),
            payload_bytes=self.payload,
        )
