"""One file of a recording: appended to, cut back to what is whole, finished."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcap import records

from firmware_bridge.recorder_channels import encoded
from firmware_bridge.recorder_summary import MAGIC, Summary
from firmware_bridge.recording import PROFILE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from firmware_bridge.recorder_channels import Channel
    from firmware_bridge.recorder_chunk import Chunk
    from firmware_bridge.recorder_disk import Disk

__all__ = ["Mark", "Opening", "RecordingFile"]

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


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a file had come at a moment, and how many chunks that adds to what is safe."""

    end: int
    crc: int
    chunks: int
    metadata: int


class RecordingFile:
    """A new file, with its opening written when the constructor returns.

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
        self._summary = Summary()
        self._defined: set[int] = set()  # channels written at top level
        self._schemas: set[int] = set()
        self._waiting: list[tuple[Chunk, int]] = []  # written, not synced, and where
        self._end = self._crc = self.safe_bytes = self._safe_crc = 0
        self._metadata: list[tuple[str, dict[str, str], bytes]] = []  # name, fields, its index
        self._safe_metadata = 0
        self._folder_is_synced = False
        self._descriptor = disk.create(path)
        try:
            self._open(opening)
        except OSError:
            disk.close(self._descriptor)
            path.unlink(missing_ok=True)  # nothing of a flight is in it
            raise

    @property
    def chunks(self) -> int:
        """Chunks safely on disk."""
        return self._summary.chunk_count

    @property
    def summary_share(self) -> float:
        """Of the memory that the summary may take before the file should be finished."""
        return len(self._summary.indexes) / MOST_SUMMARY_BYTES

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

    @property
    def is_dirty(self) -> bool:
        """Whether something was appended that is not known to be safe."""
        return self._end > self.safe_bytes

    def mark(self) -> Mark:
        """How far the file has come; a sync that begins now reaches so far."""
        return Mark(self._end, self._crc, len(self._waiting), len(self._metadata))

    def sync(self) -> None:
        """Have all that was appended safely on disk; may run while more is appended."""
        self._disk.sync(self._descriptor)
        if not self._folder_is_synced:  # its name is as dear as what is in it
            self._disk.sync_folder(self.path.parent)
            self._folder_is_synced = True

    def settle(self, mark: Mark) -> None:
        """A sync that began at this mark has succeeded."""
        for chunk, offset in self._waiting[: mark.chunks]:
            self._summary.add(chunk, offset)
        del self._waiting[: mark.chunks]
        self.safe_bytes, self._safe_crc = mark.end, mark.crc
        self._safe_metadata = mark.metadata

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
        tail = self._summary.tail(self._end, self._crc)
        try:
            self._disk.write(self._descriptor, tail, self._end)
            self.sync()
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
