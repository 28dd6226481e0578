"""A recording read while it is written: what was added since the last look, as batches.

A file that is being written ends anywhere; what is not whole yet is looked at again. The next
file of the run is gone over to when one is finished.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
from mcap.opcode import Opcode

from firmware_bridge.formats._mcap_chunk import opened
from firmware_bridge.formats._mcap_columns import RecordColumns
from firmware_bridge.formats._mcap_gas import ChannelNames, GasColumns
from firmware_bridge.formats._mcap_scan import HEAD_BYTES, MAGIC
from firmware_bridge.formats._mcap_sorting import Sorter
from firmware_bridge.formats._mcap_survey import Survey
from firmware_bridge.logfile import identify
from firmware_bridge.recording import SUFFIX
from sensors.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sensors.records import RecordBatch

__all__ = ["FollowedRecording", "is_being_written", "newest_recording"]

NS = 1_000_000_000
LARGEST_BYTES = 64 << 20  # of a record; ours are of 256 kB
TIME_STEP_NS = NS // 10  # by which times must be found wrong to read all again

_HEAD = struct.Struct("<BQ")


def newest_recording(folder: Path) -> Path:
    """The recording in a folder that is being written.

    Raises
    ------
    FormatError
        There is none.
    """
    found = [path for path in folder.glob(f"*{SUFFIX}") if path.is_file()]
    found = [path for path in found if path.stat().st_size and is_being_written(path)]
    if not found:
        raise FormatError(
            f"{folder}: holds no recording that is being written; start sniffdrone fly first, or "
            "name a file to play it again"
        )
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def is_being_written(path: Path) -> bool:
    """Whether a file is a recording that its recorder has not finished.

    Raises
    ------
    FormatError
        As `identify`.
    """
    if identify(path) != "mcap":
        return False
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - len(MAGIC)))
        return stream.tell() < len(MAGIC) or stream.read() != MAGIC


class FollowedRecording:
    """Reads the recording of a flight that goes on.

    Parameters
    ----------
    path : Path
        First file of the flight; may be in the middle of being written.

    Attributes
    ----------
    path : Path
        The file that is read now.
    is_finished : bool
        It was closed by its recorder, and there is no next one yet.
    warnings : list of str
        What could not be read, one line each.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_finished = False
        self.warnings: list[str] = []
        self._first = path
        self._at = 0
        self._survey = Survey()
        self._sorter = Sorter()
        self._time = self._survey.time()
        self._shared: set[str] = set()
        self._names = ChannelNames({})

    def take(self) -> tuple[list[RecordBatch], bool]:
        """Records that were added since the last call.

        Returns
        -------
        batches : list of RecordBatch
            On UTC, as far as it is known by now.
        from_the_start : bool
            All of the flight is in `batches`, because more is known by now of the time or of the
            names of channels than was when the first records were read.

        Raises
        ------
        FormatError
            No recording of ours, damaged, or not readable.
        """
        try:
            self._read_on()
            if self._is_as_known():
                return list(self._batches()), False
            self.path, self._at, self._sorter = self._first, 0, Sorter()
            self._time, self._shared = self._survey.time(), _shared(self._survey)
            self._names = ChannelNames(self._survey.gas)
            self._read_on()
            return list(self._batches()), True
        except OSError as error:
            reason = error.strerror or str(error)
            raise FormatError(
                f"{self.path}: cannot be read ({reason}); look at the disk"
            ) from error

    def _is_as_known(self) -> bool:
        now, known = self._survey.time(), self._time
        if _shared(self._survey) != self._shared:
            return False
        wrong_ns = np.abs(now.utc_ns(known.axis_ns) - known.utc_ns(known.axis_ns))
        return bool(wrong_ns.max() < TIME_STEP_NS)

    def _read_on(self) -> None:
        """Take in all that is whole, of this file and of those that follow it."""
        while True:
            self._read_file()
            following = _next_of(self.path)
            if not self.is_finished or not following.is_file():
                return
            self.path, self._at = following, 0
            self._sorter.begin_file()

    def _read_file(self) -> None:
        self.is_finished = False
        with self.path.open("rb") as stream:
            if self._at == 0:
                if stream.read(len(MAGIC)) != MAGIC:
                    raise FormatError(f"{self.path}: is no recording; give an .mcap of sniffdrone")
                self._at = len(MAGIC)
            while True:
                stream.seek(self._at)
                head = stream.read(HEAD_BYTES)
                if head.startswith(MAGIC):
                    self.is_finished = True
                    return
                if len(head) < HEAD_BYTES:
                    return
                opcode, length = _HEAD.unpack(head)
                if length > LARGEST_BYTES:
                    raise FormatError(
                        f"{self.path}: damaged at byte {self._at}; what is whole of it can be "
                        "read with sniffdrone process"
                    )
                content = stream.read(length)
                if len(content) < length:
                    return  # it is being written
                self._take_in(opcode, content)
                self._at += HEAD_BYTES + length

    def _take_in(self, opcode: int, content: bytes) -> None:
        if opcode == Opcode.CHANNEL:
            self._survey.note_channel(content)
            self._sorter.note_channel(content)
        elif opcode == Opcode.CHUNK:
            data = opened(memoryview(content))
            if data is None:
                self._complain(f"a damaged chunk at byte {self._at} is left out")
                return
            self._survey.note_chunk(data)
            self._sorter.take(data, [])

    def _batches(self) -> Iterator[RecordBatch]:
        time = self._survey.time()
        gas = GasColumns(self._names, time, self._complain)
        columns = RecordColumns(time, self._complain)
        for sink in self._sorter.sinks:
            if not sink.messages:
                continue
            if sink.role == "gas":
                yield from gas.batches(sink.source, sink.axis_ns, sink.messages)
            else:
                yield from columns.batches(sink.role, sink.source, sink.axis_ns, sink.messages)
            sink.clear()

    def _complain(self, text: str) -> None:
        line = f"{self.path.name}: {text}"
        if line not in self.warnings:
            self.warnings.append(line)


def _shared(survey: Survey) -> set[str]:
    """Channels that several devices have: their names in a flight depend on it."""
    return {name for name, sources in survey.gas.items() if len(sources) > 1}


def _next_of(path: Path) -> Path:
    """The file a recorder goes on with: names end in a number of three figures."""
    stem, _, number = path.stem.rpartition("_")
    if not number.isdigit():
        return path.with_name(f"{path.stem}_002{SUFFIX}")
    return path.with_name(f"{stem}_{int(number) + 1:03d}{SUFFIX}")
