"""Records a flight: bytes as they were read and what they mean, in MCAP files that survive a cut.

Whatever the disk does, who hands something over never waits. One thread writes: chunks are closed
and synced less than half a second apart, so that a kill or a power cut costs at most the last
second.
"""

from __future__ import annotations

import threading
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from firmware_bridge.clock import is_synchronised
from firmware_bridge.recorder_about import software, version_of
from firmware_bridge.recorder_channels import Channels
from firmware_bridge.recorder_chunk import CHUNK_BYTES
from firmware_bridge.recorder_disk import Disk
from firmware_bridge.recorder_file import Opening
from firmware_bridge.recorder_folder import RecordingFolder
from firmware_bridge.recorder_queue import Queue
from firmware_bridge.recorder_room import Room
from firmware_bridge.recorder_status import RecorderStatus, state_of
from firmware_bridge.recorder_thread import WritingThread
from firmware_bridge.recorder_writer import DiskWriter
from firmware_bridge.recording import (
    ANCHOR,
    FORMAT,
    RECORDER,
    RECORDING,
    SOFTWARE,
    VERSION,
    data_of_message,
    messages_of_records,
)
from sensors.records import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Self

    from firmware_bridge.recording import Record

__all__ = ["Recorder", "RecorderStatus"]

NS = 1_000_000_000
QUEUE_BYTES = 32_000_000
FILE_BYTES = 256_000_000
CLOSE_S = 10.0
MOST_NS = 2**63 - 1
MEDIA_TYPES = {"toml": "application/toml", "json": "application/json"}


class Recorder:
    """Records one run into files of a folder. Its methods can be called from any thread.

    Parameters
    ----------
    folder : Path
        Made when it is not there.
    name : str
        Of the mission; part of the files' names.
    anchor_ns : int
        What has to be added to the monotonic clock to get UTC by this computer's clock [ns].
    attachments : dict of str to bytes
        Files to be kept with every file of the recording, by name.
    metadata : dict of str to dict of str to str
        Metadata records that every file gets; `metadata` adds to them.
    file_bytes : int
        A file that has reached this size is finished and the next begun.
    queue_bytes : int
        What may wait in memory while the disk does not take it, half of it packed in chunks.
        Beyond that the oldest records outside these are given up, then the oldest raw bytes; how
        many is counted and noted in the recording.
    clock_is_trusted : bool, optional
        Whether UTC in the files' names can be believed; else runs are numbered. As systemd knows
        when not given.
    disk : Disk
    monotonic_ns : callable

    Raises
    ------
    ValueError
        `file_bytes` or `queue_bytes` is not above 0.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        anchor_ns: int,
        attachments: dict[str, bytes] | None = None,
        metadata: dict[str, dict[str, str]] | None = None,
        file_bytes: int = FILE_BYTES,
        queue_bytes: int = QUEUE_BYTES,
        clock_is_trusted: bool | None = None,
        disk: Disk | None = None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        if file_bytes <= 0 or queue_bytes <= 0:
            raise ValueError("file_bytes and queue_bytes must be above 0")
        disk = disk or Disk()
        self._monotonic_ns, self._anchor_ns = monotonic_ns, anchor_ns
        self._begin_ns, self._run, self._name = monotonic_ns(), str(uuid.uuid4()), name
        self._attachments = tuple(
            (one, MEDIA_TYPES.get(one.rpartition(".")[2], "application/octet-stream"), data)
            for one, data in (attachments or {}).items()
        )
        self._metadata = {SOFTWARE: software(), **(metadata or {})}
        self._library = f"sniffdrone {version_of('sniffdrone')}"
        self._channels = Channels()
        wake = threading.Event()
        self._queue = Queue(
            queue_bytes // 2,
            wake_bytes=CHUNK_BYTES,
            wake=wake.set,
            monotonic_ns=monotonic_ns,
        )
        self._room = Room(disk.free_bytes)
        trusted = is_synchronised() if clock_is_trusted is None else clock_is_trusted
        self._writer = DiskWriter(
            RecordingFolder(
                folder,
                name,
                begin_ns=self._axis_ns(self._begin_ns),
                clock_is_trusted=trusted,
                disk=disk,
            ),
            opening=self._opening,
            metadata=lambda: tuple(self._metadata.items()),
            file_bytes=file_bytes,
            most_waiting_bytes=queue_bytes // 2,  # packed, so that they last longer
            room=self._room,
            monotonic_ns=monotonic_ns,
        )
        self._is_closed = False
        self._thread = WritingThread(
            self._queue,
            self._writer,
            note=self._note,
            wake=wake,
            monotonic_ns=monotonic_ns,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def files(self) -> tuple[Path, ...]:
        """Files of this run so far."""
        return tuple(self._writer.folder.files)

    def describe(self, source: str, about: dict[str, str]) -> None:
        """Say what a source is: "link", "baud", "driver"; before its first bytes."""
        with self._queue.lock:
            self._channels.describe(source, about)

    def raw(self, source: str, data: bytes, monotonic_ns: int, peer: str = "") -> None:
        """Record bytes exactly as they were read.

        Parameters
        ----------
        source : str
            Device, or "autopilot".
        data : bytes
        monotonic_ns : int
            When the first of them arrived.
        peer : str
            Who sent them, where several can.
        """
        axis_ns = self._axis_ns(monotonic_ns)
        with self._queue.lock:
            self._queue.put(self._channels.raw(source, peer), axis_ns, axis_ns, bytes(data))

    def record(
        self, source: str, records: Sequence[Record], arrival_ns: int, sample_ns: int
    ) -> None:
        """Record what bytes meant: the records of one frame.

        Parameters
        ----------
        source : str
        records : sequence of GasSample, PoseSample, WindSample, EnvironmentSample or Event
        arrival_ns, sample_ns : int
            When they came and when they were true, on the monotonic clock.
        """
        log_ns, publish_ns = self._axis_ns(arrival_ns), self._axis_ns(sample_ns)
        for kind, data in messages_of_records(records):
            with self._queue.lock:
                self._queue.put(self._channels.records(source, kind), log_ns, publish_ns, data)

    def message(self, topic: str, fields: dict[str, Any], monotonic_ns: int) -> None:
        """Record a message on `recording.CLOCK`, `HEALTH` or `ALARMS`.

        Raises
        ------
        ValueError
            Another topic.
        """
        data, axis_ns = data_of_message(fields), self._axis_ns(monotonic_ns)
        with self._queue.lock:
            self._queue.put(self._channels.topic(topic), axis_ns, axis_ns, data)

    def metadata(self, name: str, fields: dict[str, str]) -> None:
        """Keep this with every file from now on; what it had under that name before is replaced."""
        with self._queue.lock:
            self._metadata = {**self._metadata, name: dict(fields)}

    def status(self) -> RecorderStatus:
        """How the recording stands now; never waits for the disk."""
        writer, queue = self._writer, self._queue
        behind_s = self._thread.behind_s
        if not self._thread.is_alive:
            state, text = "closed", "the recording is finished"
            if not self._is_closed:
                state, text = "broken", "a fault of this program ended the recording; start anew"
        else:
            state, text = state_of(
                writer.trouble,
                place=writer.path or writer.folder.folder,
                behind_s=behind_s,
                minutes_left=self._room.minutes_left,
            )
        lost = queue.lost_bytes
        if lost:
            text += f"; {queue.lost_messages} messages ({lost} bytes) lost so far"
        return RecorderStatus(
            state=state,
            text=text,
            news=writer.news,
            is_recording=state in {"recording", "slow"},
            file=writer.path,
            bytes_written=writer.bytes_written,
            lost_messages=queue.lost_messages,
            lost_bytes=lost,
            queue_bytes=queue.size + writer.packed_bytes,
            free_bytes=self._room.free_bytes or 0,
            bytes_per_s=self._room.bytes_per_s,
            minutes_left=self._room.minutes_left,
            behind_s=behind_s,
        )

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Write what waits, finish the file and have it safely on disk.

        Parameters
        ----------
        timeout_s : float
            A disk that does not take it in this time does not get it: what is lost is counted.

        Raises
        ------
        Exception
            What ended the writing thread before its time: a fault of this program.
        """
        self._is_closed = True
        self._thread.stop(timeout_s)

    def _axis_ns(self, monotonic_ns: int) -> int:
        return min(max(int(monotonic_ns) + self._anchor_ns, 0), MOST_NS)

    def _opening(self, number: int) -> Opening:
        axis_ns = self._axis_ns(self._begin_ns)
        begin = datetime.fromtimestamp(axis_ns / NS, tz=UTC)
        recording = {
            ANCHOR: str(self._anchor_ns),
            VERSION: FORMAT,
            "monotonic_ns": str(self._begin_ns),
            "run": self._run,
            "file": str(number),
            "mission": self._name,
            "sniffdrone": version_of("sniffdrone"),
            "begin_utc": begin.isoformat(timespec="milliseconds"),
        }
        return Opening(
            library=self._library,
            time_ns=axis_ns,
            metadata=((RECORDING, recording), *self._metadata.items()),
            attachments=self._attachments,
        )

    def _note(self, kind: str, text: str) -> None:
        now_ns = self._monotonic_ns()
        event = Event(time_ns=self._axis_ns(now_ns), source=RECORDER, kind=kind, text=text)
        self.record(RECORDER, [event], now_ns, now_ns)
