"""A chunk of a damaged recording made anew: its messages as they were, all else from them."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

import zstandard
from mcap import records
from mcap.opcode import Opcode

from firmware_bridge.formats._mcap_chunk import (
    MESSAGE_HEAD_BYTES,
    channel_of,
    inner_records,
    packed_as_zstd,
)
from firmware_bridge.recorder_channels import Channel, encoded
from firmware_bridge.recorder_chunk import COMPRESSION, LEVEL, Chunk

__all__ = ["Rebuilder"]

_HEAD = struct.Struct("<BQ")
_MESSAGE = struct.Struct("<HIQ")
_ENTRY = struct.Struct("<QQ")


class Rebuilder:
    """Rebuilds the chunks of one recording, one after the other.

    Attributes
    ----------
    unknown_messages : int
        Left out: nothing whole says what they are.
    """

    def __init__(self) -> None:
        self.unknown_messages = 0
        self._schemas: dict[int, bytes] = {}
        self._channels: dict[int, Channel] = {}

    def define(self, opcode: int, content: bytes) -> Channel | None:
        """Take in a schema or a channel record; the channel, if it is one."""
        record = _HEAD.pack(opcode, len(content)) + content
        if opcode == Opcode.SCHEMA:
            self._schemas[int.from_bytes(content[:2], "little")] = record
            return None
        told = channel_of(content)
        if told is None:
            return None
        schema = self._schemas.get(told.schema_id, b"")
        if told.schema_id and not schema:  # its data can be read without
            record = encoded(records.Channel(**{**vars(told), "schema_id": 0}))
        made = Channel(
            told.id, told.schema_id if schema else 0, told.topic, record, schema, not schema
        )
        self._channels[told.id] = made
        return made

    def chunk(self, content: memoryview, data: bytes, *, is_whole: bool) -> Chunk | None:
        """The chunk, or None if no message in it is whole.

        Parameters
        ----------
        content : memoryview
            Of the chunk record.
        data : bytes
            What was in it, as far as it goes.
        is_whole : bool
            Its checksum holds.
        """
        found = _Contents()
        for opcode, start, end in inner_records(data):
            if opcode in {Opcode.SCHEMA, Opcode.CHANNEL}:
                channel = self.define(opcode, data[start:end])
                if channel is not None:
                    found.defined[channel.id] = channel
            elif opcode == Opcode.MESSAGE and end - start >= MESSAGE_HEAD_BYTES:
                number, _, log_ns = _MESSAGE.unpack_from(data, start)
                channel = self._channels.get(number)
                if channel is None:
                    self.unknown_messages += 1
                    is_whole = False
                    continue
                found.add(channel, log_ns, start - _HEAD.size, end - start)
            else:
                continue
            found.kept.append((start - _HEAD.size, end))
        if not found.entries:
            return None
        return found.as_written(content, data, is_verbatim=is_whole)


@dataclass
class _Contents:
    """What is whole in a chunk."""

    kept: list[tuple[int, int]] = field(default_factory=list)
    defined: dict[int, Channel] = field(default_factory=dict)
    used: dict[int, Channel] = field(default_factory=dict)
    entries: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    payload: int = 0

    def add(self, channel: Channel, log_ns: int, offset: int, length: int) -> None:
        self.used[channel.id] = channel
        self.entries.setdefault(channel.id, []).append((log_ns, offset))
        self.payload += length - MESSAGE_HEAD_BYTES

    def as_written(self, content: memoryview, data: bytes, *, is_verbatim: bool) -> Chunk:
        """With times, sizes and indexes from its messages, for no checksum covered the old ones."""
        packed = packed_as_zstd(content, data) if is_verbatim else None
        if not is_verbatim:
            data = self._leave_out(data)
        if packed is None:
            packed = zstandard.ZstdCompressor(level=LEVEL).compress(data)
        times = [log_ns for entries in self.entries.values() for log_ns, _ in entries]
        offsets, indexes = {}, bytearray()
        for number, entries in self.entries.items():
            offsets[number] = len(indexes)
            indexes += encoded(records.MessageIndex(channel_id=number, records=entries))
        record = records.Chunk(
            compression=COMPRESSION,
            data=packed,
            message_start_time=min(times),
            message_end_time=max(times),
            uncompressed_crc=zlib.crc32(data),
            uncompressed_size=len(data),
        )
        return Chunk(
            record=encoded(record),
            indexes=bytes(indexes),
            offsets=offsets,
            counts={number: len(entries) for number, entries in self.entries.items()},
            channels=tuple({**self.defined, **self.used}.values()),
            begin_ns=min(times),
            end_ns=max(times),
            compressed_bytes=len(packed),
            uncompressed_bytes=len(data),
            payload_bytes=self.payload,
        )

    def _leave_out(self, data: bytes) -> bytes:
        """Only the records kept, with the places of messages moved to where they now are."""
        moved, at = {}, 0
        for start, end in self.kept:
            moved[start] = at
            at += end - start
        self.entries = {
            number: [(log_ns, moved[offset]) for log_ns, offset in entries]
            for number, entries in self.entries.items()
        }
        return b"".join(data[start:end] for start, end in self.kept)
