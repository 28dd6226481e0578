"""What a recording asks of the operating system; tests put a failing disk in its place."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Disk", "is_full", "trouble"]

_FULL = {errno.ENOSPC, errno.EDQUOT}
_GONE = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ESTALE}
_REFUSED = {errno.EACCES, errno.EPERM}


class Disk:
    """The real one. Every method raises OSError as its system call does."""

    def create(self, path: Path) -> int:
        """Descriptor of a new file; an existing one is never opened."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        return os.open(path, flags, 0o644)

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        """All of `data` at `offset`."""
        view = memoryview(data)
        while view:
            written = os.pwrite(descriptor, view, offset)
            view, offset = view[written:], offset + written

    def cut(self, descriptor: int, length: int) -> None:
        """Give the file this length."""
        os.ftruncate(descriptor, length)

    def sync(self, descriptor: int) -> None:
        """What was written is on the medium afterwards, the length of the file too."""
        os.fdatasync(descriptor)

    def sync_folder(self, folder: Path) -> None:
        """The names of files in it are on the medium afterwards."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # some file systems cannot, and need not
                raise
        finally:
            os.close(descriptor)

    def close(self, descriptor: int) -> None:
        """Give the descriptor back."""
        os.close(descriptor)

    def free_bytes(self, folder: Path) -> int:
        """Room for a user without privileges."""
        return shutil.disk_usage(folder).free

    def is_there(self, descriptor: int, path: Path) -> bool:
        """Whether the open file is still what `path` names."""
        try:
            named = path.stat()
        except OSError:
            return False
        opened = os.fstat(descriptor)
        return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)


def is_full(error: OSError) -> bool:
    """Whether there is no room; all else about the file is well."""
    return error.errno in _FULL


def trouble(error: OSError, folder: Path) -> tuple[str, str]:
    """What keeps us from recording, in a word, and in a line that says what to do."""
    if error.errno in _FULL:
        return "full", f"{folder}: the disk is full; free some space, recording then resumes"
    if error.errno == errno.EROFS:
        return "read-only", f"{folder}: the card is read-only; check its lock switch or replace it"
    if error.errno in _REFUSED:
        return "refused", f"{folder}: this user may not write there; change its owner (chown)"
    if error.errno in {errno.ENOTDIR, errno.EEXIST}:
        return "refused", f"{folder}: is not a folder; choose another in [recorder]"
    if error.errno in _GONE:
        return "gone", f"{folder}: is gone; put the card back in or replace it"
    told = error.strerror or str(error)
    return "failing", f"{folder}: the card does not take data ({told}); replace it"
