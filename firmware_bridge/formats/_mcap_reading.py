"""A recording chunk by chunk: its messages by topic, and batches of them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from mcap.opcode import Opcode

from firmware_bridge import recording
from firmware_bridge.formats._mcap_chunk import channel_of, opened
from firmware_bridge.formats._mcap_columns import RecordColumns
from firmware_bridge.formats._mcap_gas import ChannelNames, GasColumns
from firmware_bridge.formats._mcap_scan import MAGIC_PART, Damage, parts
from firmware_bridge.formats._mcap_survey import survey, survey_of_run
from sensors.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firmware_bridge.formats._mcap_clock import RecordingTime
    from firmware_bridge.logfile import ReadReport
    from sensors.records import RecordBatch

__all__ = ["read"]

NOTED_OFFSET_S = 1.0
ROLES = ("pose", "wind", "environment", "event", "alarm")  # beside gas

_HEAD = struct.Struct("<BQ")
_MESSAGE = struct.Struct("<BQHIQQ")
_HEAD_BYTES, _MESSAGE_BYTES = 9, 31


class _Sink(NamedTuple):
    """Where messages of a channel go; what nobody reads is only counted."""

    topic: str
    role: str
    source: str
    is_read: bool
    axis_ns: list[int]
    messages: list[bytes]


def read(report: ReadReport) -> Iterator[RecordBatch]:
    """Records of a recording; see `firmware_bridge.formats.mcap.read`."""
    path = report.path
    found = survey(path)
    if not found.is_ours:
        raise FormatError(
            f"{path}: is MCAP but no recording of sniffdrone (its profile is another's); "
            "give one that sniffdrone fly wrote"
        )
    time = found.time()
    if not time.is_sure:
        time = survey_of_run(path, found).time()
    _say_version(report, found.version)
    _say_clock(report, time)
    yield from _Reading(report, ChannelNames(found.gas), time).batches()


class _Reading:
    """Gathers messages until there are enough to make batches of."""

    def __init__(self, report: ReadReport, names: ChannelNames, time: RecordingTime) -> None:
        self._report = report
        self._gas = GasColumns(names, time, self._complain)
        self._columns = RecordColumns(time, self._complain)
        self._sinks: dict[tuple[str, str, str], _Sink] = {}
        self._by_content: dict[bytes, tuple[int, _Sink] | None] = {}
        self._known: dict[int, _Sink] = {}
        self._bytes = 0

    def batches(self) -> Iterator[RecordBatch]:
        """All of the file's."""
        damage = Damage()
        lost = 0
        for part in parts(self._report, damage):
            if part.opcode == Opcode.CHUNK:
                data = opened(part.content, is_whole=part.is_whole)
                if data is not None:
                    self._take(data)
                elif part.is_whole:
                    lost += part.size
                if self._bytes > self._report.chunk_bytes:
                    yield from self._flush()
            elif part.opcode == Opcode.CHANNEL and part.is_whole:
                # chunks of ours say it again, where a checksum covers it
                self._note_channel(bytes(part.content), self._known)
            elif part.opcode == MAGIC_PART:
                self._known = {}
        yield from self._flush()
        self._columns.close()
        self._report.damaged_bytes += damage.lost_bytes + lost
        self._report.truncated_at_byte = damage.cut_at

    def _take(self, data: bytes) -> None:
        """Sort the messages of a chunk."""
        own = dict(self._known)
        at, total = 0, len(data)
        before = self._bytes
        while at + _MESSAGE_BYTES <= total:
            opcode, length, number, _, _, axis_ns = _MESSAGE.unpack_from(data, at)
            end = at + _HEAD_BYTES + length
            if end > total:
                break
            if opcode == Opcode.MESSAGE and length >= _MESSAGE_BYTES - _HEAD_BYTES:
                sink = own.get(number)
                if sink is not None:
                    sink.axis_ns.append(axis_ns)
                    if sink.is_read:
                        sink.messages.append(data[at + _MESSAGE_BYTES : end])
            elif opcode == Opcode.CHANNEL:
                self._note_channel(data[at + _HEAD_BYTES : end], own)
            at = end
        self._known = own
        self._bytes = before + total

    def _note_channel(self, content: bytes, channels: dict[int, _Sink]) -> None:
        if content not in self._by_content:
            self._by_content[content] = self._sink(content)
        found = self._by_content[content]
        if found is not None:
            channels[found[0]] = found[1]

    def _sink(self, content: bytes) -> tuple[int, _Sink] | None:
        channel = channel_of(content)
        if channel is None:
            return None
        role = channel.metadata.get(recording.ROLE, "")
        source = channel.metadata.get(recording.SOURCE, "")
        key = channel.topic, role, source
        is_read = role == "gas" or role in ROLES
        if key not in self._sinks:
            self._sinks[key] = _Sink(*key, is_read, [], [])
        return channel.id, self._sinks[key]

    def _flush(self) -> Iterator[RecordBatch]:
        for sink in self._sinks.values():
            if not sink.axis_ns:
                continue
            self._report.count(sink.topic, len(sink.axis_ns))
            if sink.role == "gas":
                yield from self._gas.batches(sink.source, sink.axis_ns, sink.messages)
            elif sink.is_read:
                yield from self._columns.batches(
                    sink.role, sink.source, sink.axis_ns, sink.messages
                )
            sink.axis_ns.clear()
            sink.messages.clear()
        self._bytes = 0

    def _complain(self, text: str) -> None:
        line = f"{self._report.path.name}: {text}"
        if line not in self._report.warnings:
            self._report.warnings.append(line)


def _say_version(report: ReadReport, version: str) -> None:
    if version.isascii() and version.isdigit() and int(version) > int(recording.FORMAT):
        report.warnings.append(
            f"{report.path.name}: recorded by a newer version (layout {version}, we know "
            f"{recording.FORMAT}); what we know of it is read, update sniffdrone for the rest"
        )


def _say_clock(report: ReadReport, time: RecordingTime) -> None:
    name = report.path.name
    offset_s = float(time.offset_ns[-1]) * 1e-9
    if not time.is_sure:
        report.warnings.append(
            f"{name}: the time of day was never known during the recording; times are the "
            "companion computer's and may be far off, correct them with --offset-s"
        )
    elif abs(offset_s) > NOTED_OFFSET_S:
        report.warnings.append(
            f"{name}: the companion computer's clock was {abs(offset_s):.0f} s "
            f"{'behind' if offset_s > 0 else 'ahead'}; times are put right by what the vehicle knew"
        )
