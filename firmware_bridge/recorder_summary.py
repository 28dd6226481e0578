"""What goes behind the data of a finished file, so that readers find what they look for."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcap import records
from mcap.opcode import Opcode

from firmware_bridge.recorder_channels import encoded
from firmware_bridge.recorder_chunk import COMPRESSION

if TYPE_CHECKING:
    from firmware_bridge.recorder_channels import Channel
    from firmware_bridge.recorder_chunk import Chunk

__all__ = ["MAGIC", "Summary"]

MAGIC = bytes((137, 77, 67, 65, 80, 48, 13, 10))


@dataclass(slots=True)
class Summary:
    """Of what is safely on disk."""

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

    def _statistics(self) -> bytes:
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

    def _groups(self) -> list[tuple[Opcode, bytes]]:
        channels = self.channels.values()
        schemas = {one.schema_id: one.schema_record for one in channels if one.schema_id}
        return [
            (Opcode.SCHEMA, b"".join(schemas.values())),
            (Opcode.CHANNEL, b"".join(one.channel_record for one in channels)),
            (Opcode.STATISTICS, self._statistics()),
            (Opcode.CHUNK_INDEX, bytes(self.indexes)),
            (Opcode.ATTACHMENT_INDEX, bytes(self.attachments)),
            (Opcode.METADATA_INDEX, b"".join(self.metadata)),
        ]

    def tail(self, offset: int, data_crc: int) -> bytes:
        """All that follows the data, which ends at `offset` and has this CRC."""
        data_end = encoded(records.DataEnd(data_section_crc=data_crc))
        start = offset + len(data_end)
        summary, places = bytearray(), bytearray()
        for opcode, group in self._groups():
            if group:
                place = records.SummaryOffset(
                    group_opcode=opcode, group_start=start + len(summary), group_length=len(group)
                )
                places += encoded(place)
                summary += group
        footer = struct.pack("<BQQQ", Opcode.FOOTER, 20, start, start + len(summary))
        crc = zlib.crc32(summary + places + footer)
        return data_end + summary + places + footer + struct.pack("<I", crc) + MAGIC
