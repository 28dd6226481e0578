"""A recording chunk by chunk: its messages by topic, and batches of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcap.opcode import Opcode

from firmware_bridge import recording
from firmware_bridge.formats._mcap_chunk import opened
from firmware_bridge.formats._mcap_columns import RecordColumns
from firmware_bridge.formats._mcap_gas import ChannelNames, GasColumns
from firmware_bridge.formats._mcap_scan import MAGIC_PART, Damage, parts
from firmware_bridge.formats._mcap_sorting import Sorter
from firmware_bridge.formats._mcap_survey import survey, survey_of_run
from sensors.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firmware_bridge.formats._mcap_clock import RecordingTime
    from firmware_bridge.logfile import ReadReport
    from sensors.records import RecordBatch

__all__ = ["read"]

NOTED_OFFSET_S = 1.0
# what may come behind the indexes of a chunk; anything else may have been one of them
FOLLOWING = frozenset(
    {Opcode.CHUNK, Opcode.SCHEMA, Opcode.CHANNEL, Opcode.METADATA, Opcode.DATA_END}
)


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
        self._sorter = Sorter()
        self._bytes = 0

    def batches(self) -> Iterator[RecordBatch]:
        """All of the file's."""
        damage = Damage()
        lost = 0
        data: bytes | None = None
        indexes: list[bytes] = []
        regions = 0  # of damage when the chunk was read
        for part in parts(self._report, damage):
            if part.opcode == Opcode.MESSAGE_INDEX and part.is_whole:
                indexes.append(bytes(part.content))
                continue
            is_all = len(damage.lost) == regions and part.opcode in FOLLOWING
            self._take(data, indexes if is_all else [])
            data, indexes, regions = None, [], len(damage.lost)
            if self._bytes > self._report.chunk_bytes:
                yield from self._flush()
            if part.opcode == Opcode.CHUNK:
                data = opened(part.content, is_whole=part.is_whole)
                lost += part.size if data is None and part.is_whole else 0
            elif part.opcode == Opcode.CHANNEL and part.is_whole:
                # chunks of ours say it again, where a checksum covers it
                self._sorter.note_channel(bytes(part.content))
            elif part.opcode == MAGIC_PART:
                self._sorter.begin_file()
        self._take(data, [])
        yield from self._flush()
        self._columns.close()
        for sink in self._sorter.sinks:
            if sink.misdated:
                self._complain(
                    f"{sink.misdated} of {sink.topic} are dated more than a minute from when they "
                    "came; taken as of when they came"
                )
        self._report.damaged_bytes += damage.lost_bytes + lost
        self._report.truncated_at_byte = damage.cut_at

    def _take(self, data: bytes | None, indexes: list[bytes]) -> None:
        if data is not None:
            self._sorter.take(data, indexes)
            self._bytes += len(data)

    def _flush(self) -> Iterator[RecordBatch]:
        for sink in self._sorter.sinks:
            if sink.count:
                self._report.count(sink.topic, sink.count)
            if sink.role == "gas" and sink.messages:
                yield from self._gas.batches(sink.source, sink.axis_ns, sink.messages)
            elif sink.messages:
                yield from self._columns.batches(
                    sink.role, sink.source, sink.axis_ns, sink.messages
                )
            sink.clear()
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
