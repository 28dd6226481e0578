"""Where files of a recording go and what they are called; none is ever overwritten."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from firmware_bridge.recorder_file import Opening, RecordingFile
from firmware_bridge.recording import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from firmware_bridge.recorder_disk import Disk

__all__ = ["RecordingFolder", "file_stem"]

MOST_NAME = 40
TRIES = 1000


def file_stem(mission: str) -> str:
    """Name of a mission as a file can have it.

    Examples
    --------
    >>> file_stem("Überwachung harbour / 3")
    'Uberwachung-harbour-3'
    """
    plain = unicodedata.normalize("NFKD", mission).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain)[:MOST_NAME].strip("-") or "flight"


class RecordingFolder:
    """Makes the files of one run: UTC, or a number where that is not known; mission; number.

    Parameters
    ----------
    folder : Path
        Made when it is not there.
    mission : str
    begin_ns : int
        UTC of the start by this computer.
    clock_is_trusted : bool
        Whether that can be believed; else runs are counted.
    disk : Disk

    Attributes
    ----------
    folder : Path
    files : list of Path
        Made so far.
    """

    def __init__(
        self, folder: Path, mission: str, *, begin_ns: int, clock_is_trusted: bool, disk: Disk
    ) -> None:
        self.folder = folder
        self.files: list[Path] = []
        self._stem, self._begin_ns, self._disk = file_stem(mission), begin_ns, disk
        self._clock_is_trusted = clock_is_trusted
        self._run = ""  # not known before the first file is made
        self._number = 0

    def next_file(self, opening: Callable[[int], Opening]) -> RecordingFile:
        """A new file, its opening written; `opening` is asked with its number.

        Raises
        ------
        OSError
            As the disk does; nothing is left behind.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        run = self._run
        for attempt in range(1, TRIES):
            if not self._run:
                run = self._run_name(attempt)
            number = self._number + (attempt if self._run else 1)
            path = self.folder / f"{run}_{self._stem}_{number:03d}{SUFFIX}"
            try:
                file = RecordingFile(path, opening(number), self._disk)
            except FileExistsError:  # another recorder's
                continue
            self._run, self._number = run, number
            self.files.append(path)
            return file
        raise FileExistsError(f"{path}: and {TRIES} like it exist; clear the folder")

    def forget(self, path: Path) -> None:
        """A file that came to nothing and was removed."""
        self.files.remove(path)

    def _run_name(self, attempt: int) -> str:
        if self._clock_is_trusted:
            begin = datetime.fromtimestamp(self._begin_ns // 10**9, tz=UTC)
            return f"{begin:%Y%m%dT%H%M%SZ}" + (f"-{attempt}" if attempt > 1 else "")
        numbers = [
            int(found[1])
            for path in self.folder.glob(f"run*{SUFFIX}")
            if (found := re.match(r"run(\d+)_", path.name))
        ]
        return f"run{max(numbers, default=0) + attempt:04d}"
