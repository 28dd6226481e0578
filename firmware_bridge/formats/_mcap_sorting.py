"""Messages of chunks sorted by what they are; by their indexes where these add up, for speed."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from mcap.opcode import Opcode

from firmware_bridge import recording
from firmware_bridge.formats._mcap_chunk import channel_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Sink", "Sorter"]

LONGEST_DELAY_NS = 60 * 1_000_000_000
TOGETHER_BYTES = 1 << 20
READ = frozenset({"gas", "pose", "wind", "environment", "event", "alarm"})

_HEAD = struct.Struct("<BQ")
_MESSAGE = struct.Struct("<BQH4xQQ")  # but for its sequence
_INDEX = struct.Struct("<BQHI")
_ENTRY = struct.Struct("<QQ")
_HEAD_BYTES, _MESSAGE_BYTES = 9, 31
_MESSAGE_FIELDS = np.dtype(
    [
        ("opcode", "u1"),
        ("length", "<u8"),
        ("channel", "<u2"),
        ("sequence", "<u4"),
        ("log_time", "<u8"),
        ("publish_time", "<u8"),
    ]
)


@dataclass(slots=True)
class Sink:
    """Messages of one topic; those that nobody reads are only counted.

    `misdated` are those whose sample is dated long before or after they came, as by a clock that
    was being set: they are taken as of when they came.
    """

    topic: str
    role: str
    source: str
    count: int = 0
    misdated: int = 0
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


class _Segment:
    """Entries of the index of one channel of a chunk: times and places of its messages."""

    __slots__ = ("channel", "count", "entries")

    def __init__(self, channel: _Channel, entries: bytes) -> None:
        self.channel, self.entries = channel, entries
        self.count = len(entries) // _ENTRY.size


class Sorter:
    """Takes in chunks whose checksum holds."""

    def __init__(self) -> None:
        self._sinks: dict[tuple[str, str, str], Sink] = {}
        self._by_content: dict[bytes, _Channel | None] = {}
        self._channels: dict[int, _Channel] = {}
        self._waiting: list[tuple[bytes, list[_Segment]]] = []
        self._waiting_bytes = 0

    @property
    def sinks(self) -> Iterable[Sink]:
        """In order of first appearance, with all that was taken in."""
        self.settle()
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
        segments = self._segments(indexes, data)
        if segments:
            self._waiting.append((data, segments))
            self._waiting_bytes += len(data)
            if self._waiting_bytes > TOGETHER_BYTES:
                self.settle()
        else:
            self.settle()
            self._take_all(data)

    def settle(self) -> None:
        """Sort what waits: many chunks together, which is faster."""
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if waiting and not _take_together(waiting):
            for data, segments in waiting:
                if not _take_together([(data, segments)]):
                    self._take_all(data)

    def _segments(self, indexes: list[bytes], data: bytes) -> list[_Segment]:
        """What indexes tell, channel by channel; nothing where it is not sure to be all and true.

        Every channel's record must stand right before its first message, so that what it says is
        covered by the chunk's checksum.
        """
        found = []
        for row in indexes:
            at, total = 0, len(row)
            while at < total:
                _, _, number, size = _INDEX.unpack_from(row, at)
                channel = self._channels.get(number)
                if channel is None or size < _ENTRY.size or size % _ENTRY.size:
                    return []
                at += _INDEX.size
                first = _ENTRY.unpack_from(row, at)[1]
                record = channel.record
                if first < len(record) or data[first - len(record) : first] != record:
                    return []
                found.append(_Segment(channel, row[at : at + size]))
                at += size
        return found

    def _take_all(self, data: bytes) -> None:
        """Record by record, up to the first that is not whole."""
        at, total = 0, len(data)
        while at + _HEAD_BYTES <= total:
            opcode, length = _HEAD.unpack_from(data, at)
            end = at + _HEAD_BYTES + length
            if end > total:
                return
            if opcode == Opcode.MESSAGE and length >= _MESSAGE_BYTES - _HEAD_BYTES:
                _, _, number, log_ns, axis_ns = _MESSAGE.unpack_from(data, at)
                channel = self._channels.get(number)
                if channel is not None:
                    channel.sink.count += 1
                    if channel.sink.role in READ:
                        is_dated = abs(axis_ns - log_ns) <= LONGEST_DELAY_NS
                        channel.sink.misdated += not is_dated
                        channel.sink.axis_ns.append(axis_ns if is_dated else log_ns)
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


def _take_together(chunks: list[tuple[bytes, list[_Segment]]]) -> bool:
    """Take the messages of some chunks, if all that are read are where their indexes say.

    Messages nobody reads are counted and not looked at.
    """
    if not _take_read(chunks):
        return False
    for _, segments in chunks:
        for one in segments:
            one.channel.sink.count += one.count
    return True


def _take_read(chunks: list[tuple[bytes, list[_Segment]]]) -> bool:
    read = [one for _, segments in chunks for one in segments if one.channel.sink.role in READ]
    if not read:
        return True
    counts = [one.count for one in read]
    sizes = [len(data) for data, _ in chunks]
    starts = np.cumsum([0, *sizes[:-1]])
    chunk_of = [
        place
        for place, (_, segments) in enumerate(chunks)
        for one in segments
        if one.channel.sink.role in READ
    ]
    told = np.frombuffer(b"".join(one.entries for one in read), "<u8")[1::2]
    room = np.repeat(np.array(sizes)[chunk_of], counts)
    if (told > (room - _MESSAGE_BYTES).clip(0)).any():
        return False
    together = b"".join(data for data, _ in chunks)
    places = told.astype(np.int64) + np.repeat(starts[chunk_of], counts)
    head_octets = b"".join([together[place : place + _MESSAGE_BYTES] for place in places.tolist()])
    heads = np.frombuffer(head_octets, _MESSAGE_FIELDS)
    numbers = np.repeat([one.channel.number for one in read], counts)
    lengths = np.minimum(heads["length"], len(together)).astype(np.int64)
    ends = places + _HEAD_BYTES + lengths
    is_message = (heads["opcode"] == Opcode.MESSAGE) & (heads["channel"] == numbers)
    is_message &= lengths >= _MESSAGE_BYTES - _HEAD_BYTES
    is_message &= told + (_HEAD_BYTES + lengths).astype(np.uint64) <= room.astype(np.uint64)
    segment = np.repeat(np.arange(len(read)), counts)
    is_next = (np.diff(places) > 0) | (np.diff(segment) > 0)
    if not (is_message.all() and is_next.all()):
        return False
    sent_ns, came_ns = (heads[name].astype(np.int64) for name in ("publish_time", "log_time"))
    is_dated = np.abs(sent_ns - came_ns) <= LONGEST_DELAY_NS
    times = np.where(is_dated, sent_ns, came_ns).tolist()
    for place in segment[~is_dated].tolist():
        read[place].channel.sink.misdated += 1
    begins = (places + _MESSAGE_BYTES).tolist()
    bodies = [together[begin:end] for begin, end in zip(begins, ends.tolist(), strict=True)]
    at = 0
    for one in read:
        one.channel.sink.axis_ns += times[at : at + one.count]
        one.channel.sink.messages += bodies[at : at + one.count]
        at += one.count
    return True
