"""Puts chunks on disk, comes back from what disks do, and says how it stands."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING

from firmware_bridge.recorder_disk import is_full, trouble
from firmware_bridge.recorder_sync import Syncing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from firmware_bridge.recorder_chunk import Chunk
    from firmware_bridge.recorder_file import Mark, Opening, RecordingFile
    from firmware_bridge.recorder_folder import RecordingFolder
    from firmware_bridge.recorder_room import Room

__all__ = ["DiskWriter"]

NS = 1_000_000_000
RETRY_NS = NS
LOOK_NS = 2 * NS
OVERLONG = 1.05  # times its size a file may be, where something always waits to be synced
SYNC_WAIT_S = 0.1  # a disk that takes longer is waited for in the next round


class DiskWriter:
    """Keeps chunks until they are safely on disk; used by one thread.

    Parameters
    ----------
    folder : RecordingFolder
    opening : callable
        What a file begins with, given its number in the run.
    metadata : callable
        Name and fields of all metadata known now.
    file_bytes : int
        A file that has reached this is finished and the next begun.
    most_waiting_bytes : int
        Memory that chunks may take while the disk does not take them.
    room : Room
    monotonic_ns : callable

    Attributes
    ----------
    trouble : tuple of str, or None
        What keeps from recording: in a word, and in a line.
    waiting_bytes, waiting_messages : int
        Handed over, in chunks that are not safely on disk.
    packed_bytes : int
        Memory these chunks take.
    waiting_since_ns : int or None
        When the oldest of them was handed over.
    bytes_written : int
        Safely on disk, in all files.
    told : list of str
        What happened and should be in the recording; the caller takes it out.
    news : str
        The last of it.
    """

    def __init__(
        self,
        folder: RecordingFolder,
        *,
        opening: Callable[[int], Opening],
        metadata: Callable[[], tuple[tuple[str, dict[str, str]], ...]],
        file_bytes: int,
        most_waiting_bytes: int,
        room: Room,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.folder = folder
        self._opening, self._metadata = opening, metadata
        self._file_bytes, self._room = file_bytes, room
        self._most_waiting_bytes = most_waiting_bytes
        self._monotonic_ns = monotonic_ns
        self._file: RecordingFile | None = None
        self._chunks: deque[tuple[Chunk, int]] = deque()
        self._written = 0  # of them, in the file but not synced
        self._syncing = Syncing()
        self._mark: Mark | None = None  # up to where the sync under way reaches
        self._mark_is_all = False
        self._finished_bytes = 0
        self.trouble: tuple[str, str] | None = None
        self._trouble_since_ns = 0
        self.waiting_bytes = self.waiting_messages = self.packed_bytes = 0
        self.waiting_since_ns: int | None = None
        self.bytes_written = 0
        self.told: list[str] = []
        self.news = ""
        self._tried_ns = self._looked_ns = -(1 << 62)

    @property
    def path(self) -> Path | None:
        """The file that is written to."""
        file = self._file  # the other thread may set it to None any moment
        return file.path if file else None

    @property
    def is_due(self) -> bool:
        """Whether it makes sense to try: not while the last attempt failed a moment ago."""
        return self.trouble is None or self._monotonic_ns() - self._tried_ns >= RETRY_NS

    @property
    def has_room(self) -> bool:
        """Whether more can be put."""
        return self.packed_bytes < self._most_waiting_bytes

    def put(self, chunk: Chunk, since_ns: int) -> None:
        """Take charge of a chunk whose oldest message was handed over at `since_ns`."""
        self._chunks.append((chunk, since_ns))
        self.waiting_bytes += chunk.payload_bytes
        self.waiting_messages += sum(chunk.counts.values())
        self.packed_bytes += chunk.packed_bytes
        self.waiting_since_ns = self._chunks[0][1]

    def flush(self, *, wait: bool = True) -> None:
        """Write everything and have it synced, or try: `trouble` tells if it cannot be.

        Waits for the disk only a moment, or not at all; what is written is synced in a later
        round then.
        """
        self._tried_ns = self._monotonic_ns()
        is_time_to_look = self._tried_ns - self._looked_ns >= LOOK_NS
        if is_time_to_look:
            self._looked_ns = self._tried_ns
            self._look_for_file()
        self._attempt(SYNC_WAIT_S if wait else 0.0)
        if is_time_to_look:
            self._room.look(self.folder.folder, self.bytes_written, self._tried_ns)

    def finish(self) -> None:
        """Finish the file, if there is one; the next chunk begins another.

        Where there is no room for a summary the file stays as it is: all in it can be read.
        """
        if self._file is None or not self._settled(None):
            return
        self._begin_sync(is_all=False)
        if not self._settled(None):
            return
        file, self._file = self._file, None
        try:
            file.finish()
        except OSError as error:
            self._fail(error)
            with contextlib.suppress(OSError):
                file.abandon()
        self._finished_bytes += file.safe_bytes
        self.bytes_written = self._finished_bytes

    def give_up(self) -> tuple[int, int]:
        """Forget what is not in the file: so many messages, so many bytes."""
        before = (self.waiting_messages, self.waiting_bytes)
        while len(self._chunks) > self._written:
            self._forget(self._chunks.pop()[0])
        return before[0] - self.waiting_messages, before[1] - self.waiting_bytes

    def close(self) -> None:
        """Let go of the file; `finish` it before."""
        if self._file is not None and not self._syncing.is_busy:
            self._leave(self._file)
        self._syncing.close()

    def _attempt(self, wait_s: float) -> None:
        if self._settled(0.0) is None:
            return
        if self._is_file_full():
            self.finish()
        if not self._appended():
            return
        self._begin_sync(is_all=True)
        if self._settled(wait_s) and self._written == len(self._chunks):
            self._recovered()

    def _is_file_full(self) -> bool:
        """Whether the next file should be begun, if possible when finishing this one is quick."""
        file = self._file
        if file is None:
            return False
        share = max(file.safe_bytes / self._file_bytes, file.summary_share)
        return share >= (OVERLONG if file.is_dirty else 1.0)

    def _appended(self) -> bool:
        """Whether all chunks are in the file; what is torn by a failure is cut off."""
        try:
            file = self._file = self._file or self.folder.next_file(self._opening)
            for name, fields in self._metadata():
                file.append_metadata(name, fields)
            while self._written < len(self._chunks):
                file.append(self._chunks[self._written][0])
                self._written += 1
        except OSError as error:
            self._fail(error)
            self._save_written(error)
            return False
        return True

    def _begin_sync(self, *, is_all: bool) -> None:
        """Begin one, unless one is under way; `is_all`: it reaches over all that waits."""
        file = self._file
        if file is None or self._syncing.is_busy or not file.is_dirty:
            return
        self._mark, self._mark_is_all = file.mark(), is_all
        self._syncing.begin(file.sync)

    def _settled(self, timeout_s: float | None) -> bool | None:
        """Whether no sync is under way after this time; None if one has failed."""
        try:
            if not self._syncing.wait(timeout_s):
                return False
        except OSError as error:
            self._mark = None
            self._fail(error)
            self._start_over(error)
            return None
        mark, self._mark = self._mark, None
        if mark is not None and self._file is not None:
            self._file.settle(mark)
            self._commit(mark.chunks)
            if self._mark_is_all:
                self._recovered()
        if self._file is not None:
            self.bytes_written = self._finished_bytes + self._file.safe_bytes
        return True

    def _commit(self, chunks: int) -> None:
        """So many more are safely on disk."""
        self._written -= chunks
        for _ in range(chunks):
            self._forget(self._chunks.popleft()[0])
        self.waiting_since_ns = self._chunks[0][1] if self._chunks else None

    def _forget(self, chunk: Chunk) -> None:
        self.waiting_bytes -= chunk.payload_bytes
        self.waiting_messages -= sum(chunk.counts.values())
        self.packed_bytes -= chunk.packed_bytes

    def _save_written(self, error: OSError) -> None:
        """After a write that failed: what was written before it is kept, its torn end is not."""
        file = self._file
        if file is None or self._settled(None) is None:
            return
        try:
            file.cut()
        except OSError:
            self._start_over(error)
            return
        self._begin_sync(is_all=False)
        if self._settled(None) and not is_full(error):
            self._leave(file)

    def _start_over(self, error: OSError) -> None:
        """After a sync that failed nothing since the last one can be believed."""
        file = self._file
        self._written = 0
        if file is None:
            return
        with contextlib.suppress(OSError):
            file.roll_back()
            if is_full(error) and file.safe_bytes:
                return
        self._leave(file)

    def _leave(self, file: RecordingFile) -> None:
        """Close a file as it is: the next attempt begins another."""
        self._file = None
        self._written = 0
        if file.chunks:
            self._finished_bytes += file.safe_bytes
        else:
            self.folder.forget(file.path)
        with contextlib.suppress(OSError):  # there is nothing left to lose in it
            file.abandon()

    def _fail(self, error: OSError) -> None:
        if self.trouble is None:
            self._trouble_since_ns = self._monotonic_ns()
        self.trouble = trouble(error, self.folder.folder)

    def _recovered(self) -> None:
        if self.trouble is None:
            return
        waited_s = (self._monotonic_ns() - self._trouble_since_ns) / NS
        self._tell(f"recording again after {waited_s:.1f} s: {self.trouble[1]}")
        self.trouble = None

    def _tell(self, text: str) -> None:
        self.told.append(text)
        self.news = text

    def _look_for_file(self) -> None:
        """Leave a file that is no longer where it was made."""
        if self._file is None or self._file.is_there or self._settled(None) is None:
            return
        self._tell(
            f"{self._file.path} is gone (card pulled out, or file removed) with "
            f"{self._file.safe_bytes} bytes in it; a new file is begun"
        )
        self._leave(self._file)
