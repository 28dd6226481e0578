"""Rewrites a torn or damaged recording as a finished file, its messages as they were."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from mcap.opcode import Opcode

from firmware_bridge.formats._mcap_chunk import (
    attachment_of,
    claimed_times,
    header_of,
    metadata_of,
    opened,
)
from firmware_bridge.formats._mcap_scan import Damage, parts
from firmware_bridge.formats._mcap_survey import survey
from firmware_bridge.logfile import ReadReport
from firmware_bridge.recorder_about import version_of
from firmware_bridge.recorder_disk import Disk
from firmware_bridge.recorder_file import Opening, RecordingFile
from firmware_bridge.recording import SUFFIX
from firmware_bridge.recovery_chunk import Rebuilder
from sensors.errors import ConfigError, FormatError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from firmware_bridge.formats._mcap_scan import Part

__all__ = ["Recovery", "recover", "recovered_name"]

NS = 1e9
LONGEST_CHUNK_S = 60.0  # one that claims more than that has a damaged head
RECOVERY = "recovery"  # the metadata record that says what was done
_IS_WINDOWS = sys.platform == "win32"


@dataclass(kw_only=True)
class Recovery:
    """What became of a recording.

    Attributes
    ----------
    path, out : Path
    messages, chunks : int
        In the new file.
    lasted_s : float
        From its first message to its last.
    lost_chunks : int
        Damaged ones; nothing in them could be believed.
    lost_messages : int
        Whole ones that nothing whole says the channel of.
    lost_attachments : list of str
        Names of files kept in the recording that are damaged.
    damaged_bytes : int
    cut_at : int or None
        Where the last whole record ended, if the file was not finished.
    lost_s : float
        About how much time is missing between what is left; what a cut took is not known.
    """

    path: Path
    out: Path
    messages: int = 0
    chunks: int = 0
    lasted_s: float = 0.0
    lost_chunks: int = 0
    lost_messages: int = 0
    lost_attachments: list[str] = field(default_factory=list)
    damaged_bytes: int = 0
    cut_at: int | None = None
    lost_s: float = 0.0

    @property
    def is_intact(self) -> bool:
        """Whether the recording was whole and finished."""
        return not (self.damaged_bytes or self.lost_messages or self.cut_at is not None)

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        told = asdict(self)
        return {**told, "path": str(self.path), "out": str(self.out), "intact": self.is_intact}


def recovered_name(path: Path) -> Path:
    """Where a recovered recording goes unless told: beside the original.

    Examples
    --------
    >>> from pathlib import PurePath
    >>> str(recovered_name(PurePath("a_001.mcap")))
    'a_001_recovered.mcap'
    """
    return path.with_name(f"{path.stem}_recovered{SUFFIX}")


def recover(
    path: Path, out: Path, *, progress: Callable[[int, int], None] | None = None
) -> Recovery:
    """Write all that is whole in a recording as a finished file.

    Parameters
    ----------
    path : Path
        Is not changed.
    out : Path
        Must not exist.
    progress : callable, optional
        Called as ``progress(bytes_done, bytes_total)``.

    Returns
    -------
    Recovery

    Raises
    ------
    FormatError
        No recording of ours, or nothing in it is whole.
    ConfigError
        `out` exists or cannot be written.
    """
    try:
        size = path.stat().st_size
        opening = _opening(path, found := Recovery(path=path, out=out))
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); check the name") from error
    report = ReadReport(path=path, bytes_total=size, progress=progress)
    unfinished = out.with_name(f".{out.name}.unfinished")
    try:
        if out.exists():
            raise ConfigError(f"{out}: exists; name a new file with -o")
        unfinished.unlink(missing_ok=True)
        file = RecordingFile(unfinished, opening, _PortableDisk())
        try:
            _copy(report, file, found)
            if not found.messages:
                raise FormatError(f"{path}: no message in it is whole; there is nothing to recover")
            file.append_metadata(RECOVERY, _told(found))
            file.settle(file.mark())
            file.finish()
            unfinished.rename(out)
        except BaseException:
            with contextlib.suppress(OSError):
                file.abandon()
            unfinished.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(
            f"{out}: cannot be written ({error.strerror}); choose another place with -o"
        ) from error
    return found


def _opening(path: Path, found: Recovery) -> Opening:
    """What the new file begins with."""
    if not survey(path).is_ours:
        raise FormatError(f"{path}: nothing in it says that it is a recording of sniffdrone")
    library, time_ns = "", 0
    metadata: list[tuple[str, dict[str, str]]] = []
    attachments: list[tuple[str, str, bytes]] = []
    has_chunk = False
    for part in parts(ReadReport(path=path), Damage()):
        has_chunk |= part.opcode == Opcode.CHUNK
        if not part.is_whole:
            continue
        if part.opcode == Opcode.HEADER and not library:
            library = header_of(bytes(part.content))
        elif part.opcode == Opcode.ATTACHMENT:
            kept, is_good = attachment_of(bytes(part.content))
            if is_good:
                time_ns = kept.create_time
                attachments.append((kept.name, kept.media_type, kept.data))
            else:
                found.lost_attachments.append(kept.name)
                found.damaged_bytes += part.size
        elif part.opcode == Opcode.METADATA and not has_chunk:
            told = metadata_of(bytes(part.content))
            metadata += [(told.name, told.metadata)] if told else []
    return Opening(
        library=library or "sniffdrone",
        time_ns=time_ns,
        metadata=tuple(metadata),
        attachments=tuple(attachments),
    )


def _copy(report: ReadReport, file: RecordingFile, found: Recovery) -> None:
    damage, rebuilder, lost = Damage(), Rebuilder(), _LostTime()
    regions = 0
    for part in parts(report, damage):
        if len(damage.lost) > regions:
            regions = len(damage.lost)
            lost.begin(None)
        if part.opcode in {Opcode.SCHEMA, Opcode.CHANNEL} and part.is_whole:
            rebuilder.define(part.opcode, bytes(part.content))
        elif part.opcode == Opcode.METADATA and part.is_whole:
            told = metadata_of(bytes(part.content))
            if told is not None:
                file.append_metadata(told.name, told.metadata)
        elif part.opcode == Opcode.CHUNK:
            _copy_chunk(part, rebuilder, file, found, lost)
    lost.end()
    found.lasted_s, found.lost_s = lost.lasted_ns / NS, lost.lost_ns / NS
    found.lost_messages = rebuilder.unknown_messages
    found.damaged_bytes += damage.lost_bytes
    found.cut_at = damage.cut_at


def _copy_chunk(
    part: Part, rebuilder: Rebuilder, file: RecordingFile, found: Recovery, lost: _LostTime
) -> None:
    data = opened(part.content, is_whole=part.is_whole)
    chunk = None
    if data is not None:
        chunk = rebuilder.chunk(part.content, data, is_whole=part.is_whole)
    elif part.is_whole:
        found.lost_chunks += 1
        found.damaged_bytes += part.size
    if chunk is not None:
        file.append(chunk)
        file.settle(file.mark())  # frees its memory; `finish` has all of it on disk at once
        found.messages += sum(chunk.counts.values())
        found.chunks += 1
        lost.whole(chunk.begin_ns, chunk.end_ns)
    if data is None or not part.is_whole:
        lost.begin(claimed_times(part.content))


class _LostTime:
    """How much time is missing, by what is left before and after."""

    def __init__(self) -> None:
        self.lost_ns = 0
        self._first_ns: int | None = None
        self._last_ns = 0
        self._is_lost = False
        self._until_ns = 0

    @property
    def lasted_ns(self) -> int:
        """From the first message to the last."""
        return 0 if self._first_ns is None else self._last_ns - self._first_ns

    def begin(self, claim: tuple[int, int] | None) -> None:
        """Something is lost from here on, with messages of these times as its head says."""
        self._is_lost = True
        begin_ns, end_ns = claim or (0, 0)
        if self._first_ns is None and 0 < end_ns - begin_ns < LONGEST_CHUNK_S * NS:
            self.lost_ns += end_ns - begin_ns
        elif 0 < end_ns - self._last_ns < LONGEST_CHUNK_S * NS:
            self._until_ns = end_ns

    def whole(self, begin_ns: int, end_ns: int) -> None:
        """Messages of these times are left."""
        if self._first_ns is None:
            self._first_ns = begin_ns
        elif self._is_lost:
            self.lost_ns += max(begin_ns - self._last_ns, 0)
        self._is_lost = False
        self._last_ns = max(end_ns, self._last_ns)

    def end(self) -> None:
        """Nothing follows."""
        if self._is_lost and self._first_ns is not None:
            self.lost_ns += max(self._until_ns - self._last_ns, 0)


def _told(found: Recovery) -> dict[str, str]:
    told = {
        "from": found.path.name,
        "sniffdrone": version_of("sniffdrone"),
        "damaged_bytes": str(found.damaged_bytes),
        "lost_chunks": str(found.lost_chunks),
        "lost_messages": str(found.lost_messages),
        "lost_s": f"{found.lost_s:.3f}",
    }
    return told | ({} if found.cut_at is None else {"cut_at_byte": str(found.cut_at)})


class _PortableDisk(Disk):
    """The recorder's, on any operating system."""

    def create(self, path: Path) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        return os.open(path, flags | getattr(os, "O_BINARY", 0), 0o644)

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        os.lseek(descriptor, offset, os.SEEK_SET)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def sync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def sync_folder(self, folder: Path) -> None:
        if not _IS_WINDOWS:
            super().sync_folder(folder)
