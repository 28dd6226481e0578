"""One file of a recording: appended to, cut back to what is whole, finished."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcap import records
from mcap.opcode import Opcode

from firmware_bridge.recorder_channels import encoded
from firmware_bridge.recorder_chunk import COMPRESSION, Chunk
from firmware_bridge.recording import PROFILE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from firmware_bridge.recorder_channels import Channel
    from firmware_bridge.recorder_disk import Disk

__all__ = ["Opening", "RecordingFile"]

MAGIC = bytes((137, 77, 67, 65, 80, 48, 13, 10))
MOST_SUMMARY_BYTES = 4_000_000  # it is held in memory until the file is finished


@dataclass(frozen=True, slots=True)
class Opening:
    """What every file of a run begins with, so that each can be read without the others.

    `metadata` are name and fields, `attachments` name, media type and data.
    """

    library: str
    time_ns: int
    metadata: tuple[tuple[str, dict[str, str]], ...] = ()
    attachments: tuple[tuple[str, str, bytes], ...] = ()


@dataclass(slots=True)
class _Summary:
    """What goes behind the data; only of what is safely on disk."""

    indexes: bytearray = field(default_factory=bytearray)
    metadata: list[bytes] = field(default_factory=list)
    attachments: bytearray = field(default_factory=bytearray)
    channels: dict[int, Channel] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    attachment_count: int = 0
    chunk_count: int = 0
    begin_ns: int = 2**64
    end_ns: int = 0

    def add(self, chunk: Chunk, offset: int) -> None:
        """A chunk whose record begins at `offset`."""
        after = offset + len(chunk.record)
        index = records.ChunkIndex(
            chunk_length=len(chunk.record),
            chunk_start_offset=offset,
            compression=COMPRESSION,
            compressed_size=chunk.compressed_bytes,
            message_end_time=chunk.end_ns,
            message_index_length=len(chunk.indexes),
            message_index_offsets={one: after + at for one, at in chunk.offsets.items()},
            message_start_time=chunk.begin_ns,
            uncompressed_size=chunk.uncompressed_bytes,
        )
        self.indexes += encoded(index)
        self.chunk_count += 1
        self.begin_ns = min(self.begin_ns, chunk.begin_ns)
        self.end_ns = max(self.end_ns, chunk.end_ns)
        for channel in chunk.channels:
            self.channels[channel.id] = channel
        for number, count in chunk.counts.items():
            self.counts[number] = self.counts.get(number, 0) + count

    def statistics(self) -> bytes:
        return encoded(
            records.Statistics(
                attachment_count=self.attachment_count,
                channel_count=len(self.channels),
                channel_message_counts=self.counts,
                chunk_count=self.chunk_count,
                message_count=sum(self.counts.values()),
                message_end_time=self.end_ns,
                message_start_time=self.begin_ns if self.chunk_count else 0,
                metadata_count=len(self.metadata),
                schema_count=len({one.schema_id for one in self.channels.values()} - {0}),
            )
        )

    def groups(self) -> list[tuple[Opcode, bytes]]:
        channels = self.channels.values()
        schemas = {one.schema_id: one.schema_record for one in channels if one.schema_id}
        return [
            (Opcode.SCHEMA, b"".join(schemas.values())),
            (Opcode.CHANNEL, b"".join(one.channel_record for one in channels)),
            (Opcode.STATISTICS, self.statistics()),
            (Opcode.CHUNK_INDEX, bytes(self.indexes)),
            (Opcode.ATTACHMENT_INDEX, bytes(self.attachments)),
            (Opcode.METADATA_INDEX, b"".join(self.metadata)),
        ]


class RecordingFile:
    """A new file, safely on disk with its opening when the constructor returns.

    Every method raises OSError as the disk does. After that `cut` takes away what was half
    written, and `roll_back` all that was not yet synced.

    Parameters
    ----------
    path : Path
        Must not exist.
    opening : Opening
    disk : Disk

    Attributes
    ----------
    path : Path
    safe_bytes : int
        Length of what is safely on disk.
    """

    def __init__(self, path: Path, opening: Opening, disk: Disk) -> None:
        self.path = path
        self._disk = disk
        self._summary = _Summary()
        self._defined: set[int] = set()  # channels written at top level
        self._schemas: set[int] = set()
        self._waiting: list[tuple[Chunk, int]] = []  # written, not synced, and where
        self._end = self._crc = self.safe_bytes = self._safe_crc = 0
        self._metadata: list[tuple[str, dict[str, str], bytes]] = []  # name, fields, its index
        self._safe_metadata = 0
        self._descriptor = disk.create(path)
        try:
            self._open(opening)
            self.sync()
            disk.sync_folder(path.parent)
        except OSError:
            disk.close(self._descriptor)
            path.unlink(missing_ok=True)  # nothing of a flight is in it
            raise

    @property
    def chunks(self) -> int:
        """Chunks safely on disk."""
        return self._summary.chunk_count

    @property
    def summary_is_large(self) -> bool:
        """Whether the file should be finished for the memory its summary takes."""
        return len(self._summary.indexes) > MOST_SUMMARY_BYTES

    @property
    def is_there(self) -> bool:
        """Whether the file still is where it was made."""
        return self._disk.is_there(self._descriptor, self.path)

    def append(self, chunk: Chunk) -> None:
        """Write a chunk, and before it what channels it needs that the file has not yet."""
        prefix = self._definitions(chunk.channels)
        offset = self._end + len(prefix)
        self._write(prefix + chunk.record + chunk.indexes)
        self._define(chunk.channels)
        self._waiting.append((chunk, offset))

    def append_metadata(self, name: str, fields: dict[str, str]) -> None:
        """Write a metadata record, unless the file has the same already."""
        if next((old for one, old, _ in reversed(self._metadata) if one == name), None) == fields:
            return
        record = encoded(records.Metadata(name=name, metadata=fields))
        offset = self._end
        self._write(record)
        index = records.MetadataIndex(offset=offset, length=len(record), name=name)
        self._metadata.append((name, fields, encoded(index)))

    def sync(self) -> None:
        """Have all that was appended safely on disk."""
        self._disk.sync(self._descriptor)
        for chunk, offset in self._waiting:
            self._summary.add(chunk, offset)
        self._waiting.clear()
        self.safe_bytes, self._safe_crc = self._end, self._crc
        self._safe_metadata = len(self._metadata)

    def cut(self) -> None:
        """Take away what a failed write left behind."""
        self._disk.cut(self._descriptor, self._end)

    def roll_back(self) -> None:
        """Take away all that was appended since the last sync."""
        self._waiting.clear()
        self._end, self._crc = self.safe_bytes, self._safe_crc
        del self._metadata[self._safe_metadata :]
        self._defined = set(self._summary.channels)
        self._schemas = {one.schema_id for one in self._summary.channels.values()}
        self.cut()

    def finish(self) -> None:
        """Write summary and footer, have everything safely on disk, and close.

        After an error the file is as if it had never been tried, and still open.
        """
        self._summary.metadata = [index for _, _, index in self._metadata]
        data_end = encoded(records.DataEnd(data_section_crc=self._crc))
        start = self._end + len(data_end)
        summary, offsets = bytearray(), bytearray()
        for opcode, group in self._summary.groups():
            if group:
                place = records.SummaryOffset(
                    group_opcode=opcode, group_start=start + len(summary), group_length=len(group)
                )
                offsets += encoded(place)
                summary += group
        offset_start = start + len(summary)
        footer = struct.pack("<BQQQ", Opcode.FOOTER, 20, start, offset_start)
        crc = zlib.crc32(summary + offsets + footer)
        tail = data_end + summary + offsets + footer + struct.pack("<I", crc) + MAGIC
        try:
            self._disk.write(self._descriptor, tail, self._end)
            self._disk.sync(self._descriptor)
            self._disk.sync_folder(self.path.parent)
        except OSError:
            self.cut()
            raise
        self.safe_bytes = self._end + len(tail)
        self._disk.close(self._descriptor)

    def abandon(self) -> None:
        """Close without a summary; a file with no chunk is removed."""
        self._disk.close(self._descriptor)
        if not self.chunks:
            self.path.unlink(missing_ok=True)

    def _open(self, opening: Opening) -> None:
        self._write(MAGIC + encoded(records.Header(profile=PROFILE, library=opening.library)))
        for name, fields in opening.metadata:
            self.append_metadata(name, fields)
        for name, media_type, data in opening.attachments:
            self._attach(name, media_type, data, opening.time_ns)

    def _attach(self, name: str, media_type: str, data: bytes, time_ns: int) -> None:
        record = encoded(
            records.Attachment(
                create_time=time_ns, log_time=time_ns, name=name, media_type=media_type, data=data
            )
        )
        offset = self._end
        self._write(record)
        self._summary.attachment_count += 1
        self._summary.attachments += encoded(
            records.AttachmentIndex(
                offset=offset,
                length=len(record),
                log_time=time_ns,
                create_time=time_ns,
                data_size=len(data),
                name=name,
                media_type=media_type,
            )
        )

    def _definitions(self, channels: Iterable[Channel]) -> bytes:
        found, schemas = bytearray(), set(self._schemas)
        for channel in channels:
            if channel.id in self._defined:
                continue
            if channel.schema_id not in schemas:
                found += channel.schema_record
                schemas.add(channel.schema_id)
            found += channel.channel_record
        return bytes(found)

    def _define(self, channels: Iterable[Channel]) -> None:
        for channel in channels:
            self._defined.add(channel.id)
            self._schemas.add(channel.schema_id)

    def _write(self, data: bytes) -> None:
        self._disk.write(self._descriptor, data, self._end)
        self._end += len(data)
        self._crc = zlib.crc32(data, self._crc)
