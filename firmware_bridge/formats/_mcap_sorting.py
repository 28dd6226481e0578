"""Messages of chunks sorted by what they are; by their indexes where these add up, for speed."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcap.opcode import Opcode

from firmware_bridge import recording
from firmware_bridge.formats._mcap_chunk import channel_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Sink", "Sorter"]

READ = frozenset({"gas", "pose", "wind", "environment", "event", "alarm"})

_HEAD = struct.Struct("<BQ")
_MESSAGE = struct.Struct("<BQH12xQ")  # but for its sequence and log time
_INDEX = struct.Struct("<BQHI")
_ENTRY = struct.Struct("<QQ")
_HEAD_BYTES, _MESSAGE_BYTES = 9, 31


@dataclass(slots=True)
class Sink:
    """Messages of one topic; those that nobody reads are only counted."""

    topic: str
    role: str
    source: str
    count: int = 0
    axis_ns: list[int] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)

    def clear(self) -> None:
        """Forget what has been read."""
        self.count = 0
        self.axis_ns, self.messages = [], []


@dataclass(slots=True)
class _Channel:
    """A channel's number, its record as it stands in a chunk, and where its messages go."""

    number: int
    record: bytes
    sink: Sink


class Sorter:
    """Takes in chunks whose checksum holds."""

    def __init__(self) -> None:
        self._sinks: dict[tuple[str, str, str], Sink] = {}
        self._by_content: dict[bytes, _Channel | None] = {}
        self._channels: dict[int, _Channel] = {}

    @property
    def sinks(self) -> Iterable[Sink]:
        """In order of first appearance."""
        return self._sinks.values()

    def begin_file(self) -> None:
        """What follows is another recording."""
        self._channels = {}

    def note_channel(self, content: bytes) -> None:
        """Take in a channel record."""
        if content not in self._by_content:
            self._by_content[content] = self._made(content)
        channel = self._by_content[content]
        if channel is not None:
            self._channels[channel.number] = channel

    def take(self, data: bytes, indexes: list[bytes]) -> None:
        """Take in the messages of a chunk.

        Parameters
        ----------
        data : bytes
        indexes : list of bytes
            Rows of the message index records behind the chunk, which no checksum covers; none if
            some may be missing.
        """
        if not self._take_by(indexes, data):
            self._take_all(data)

    def _take_by(self, indexes: list[bytes], data: bytes) -> bool:
        """Whether the indexes add up with the chunk; then its messages are taken.

        Every channel's record must stand right before its first message, so that what it says is
        covered by the chunk's checksum. Messages nobody reads are not looked at.
        """
        found: list[tuple[Sink, int, list[int], list[bytes]]] = []
        for number, entries in _entries(indexes):
            channel = self._channels.get(number)
            if channel is None or not entries:
                return False
            first = _ENTRY.unpack_from(entries)[1]
            if data[max(first - len(channel.record), 0) : first] != channel.record:
                return False
            times: list[int] = []
            bodies: list[bytes] = []
            if channel.sink.role in READ:
                places = [place for _, place in _ENTRY.iter_unpack(entries)]
                if places[-1] > len(data) - _MESSAGE_BYTES or places != sorted(set(places)):
                    return False
                heads = [_MESSAGE.unpack_from(data, place) for place in places]
                if not all(head[0] == Opcode.MESSAGE and head[2] == number for head in heads):
                    return False
                times = [head[3] for head in heads]
                bodies = [
                    data[place + _MESSAGE_BYTES : place + _HEAD_BYTES + head[1]]
                    for place, head in zip(places, heads, strict=True)
                ]
            found.append((channel.sink, len(entries) // _ENTRY.size, times, bodies))
        for sink, count, times, bodies in found:
            sink.count += count
            sink.axis_ns += times
            sink.messages += bodies
        return bool(found)

    def _take_all(self, data: bytes) -> None:
        """Record by record, up to the first that is not whole."""
        at, total = 0, len(data)
        while at + _HEAD_BYTES <= total:
            opcode, length = _HEAD.unpack_from(data, at)
            end = at + _HEAD_BYTES + length
            if end > total:
                return
            if opcode == Opcode.MESSAGE and length >= _MESSAGE_BYTES - _HEAD_BYTES:
                _, _, number, axis_ns = _MESSAGE.unpack_from(data, at)
                channel = self._channels.get(number)
                if channel is not None:
                    channel.sink.count += 1
                    if channel.sink.role in READ:
                        channel.sink.axis_ns.append(axis_ns)
                        channel.sink.messages.append(data[at + _MESSAGE_BYTES : end])
            elif opcode == Opcode.CHANNEL:
                self.note_channel(data[at + _HEAD_BYTES : end])
            at = end

    def _made(self, content: bytes) -> _Channel | None:
        told = channel_of(content)
        if told is None:
            return None
        key = (
            told.topic,
            told.metadata.get(recording.ROLE, ""),
            told.metadata.get(recording.SOURCE, ""),
        )
        sink = self._sinks.setdefault(key, Sink(*key))
        return _Channel(told.id, _HEAD.pack(Opcode.CHANNEL, len(content)) + content, sink)


def _entries(indexes: list[bytes]) -> Iterable[tuple[int, bytes]]:
    """Number of a channel, and times and places of its messages, for each index record."""
    for row in indexes:
        at = 0
        while at < len(row):
            _, _, number, size = _INDEX.unpack_from(row, at)
            at += _INDEX.size
            yield number, row[at : at + size - size % _ENTRY.size]
            at += size
