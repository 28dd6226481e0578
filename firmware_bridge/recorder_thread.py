"""The one thread that writes: in rounds, each from the queue to what is safely on disk."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from firmware_bridge.recorder_chunk import CHUNK_BYTES, chunks

if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware_bridge.recorder_queue import Queue
    from firmware_bridge.recorder_writer import DiskWriter

__all__ = ["WritingThread"]

NS = 1_000_000_000
FLUSH_S = 0.4  # between the starts of two syncs, so that these are less than 0.5 s apart
START_S = 2.0


class WritingThread:
    """Writes what waits, notes in the recording what went wrong, and finishes it at the end.

    Parameters
    ----------
    queue : Queue
    writer : DiskWriter
        Used by this thread only.
    note : callable
        Records an event, given its kind and text.
    wake : threading.Event
        Set when a round should begin before its time.
    monotonic_ns : callable

    Attributes
    ----------
    is_done : bool
        Nothing is taken any more.
    """

    def __init__(
        self,
        queue: Queue,
        writer: DiskWriter,
        *,
        note: Callable[[str, str], None],
        wake: threading.Event,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._queue, self._writer, self._note = queue, writer, note
        self._wake, self._monotonic_ns = wake, monotonic_ns
        self._taken_since_ns: int | None = None
        self._stop_by_ns: int | None = None
        self._failure: BaseException | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()
        self._started.wait(START_S)  # so that the first status tells how it went

    @property
    def is_alive(self) -> bool:
        """Whether it still writes."""
        return self._thread.is_alive()

    @property
    def behind_s(self) -> float:
        """Age of the oldest message that is not safely on disk [s]."""
        oldest = (self._taken_since_ns, self._queue.since_ns, self._writer.waiting_since_ns)
        since = [one for one in oldest if one is not None]
        return (self._monotonic_ns() - min(since)) / NS if since else 0.0

    def stop(self, timeout_s: float) -> None:
        """Have everything written, the file finished, and the thread ended.

        Raises
        ------
        Exception
            What ended the thread before its time: a fault of this program.
        """
        if self._stop_by_ns is None:
            self._stop_by_ns = self._monotonic_ns() + int(timeout_s * NS)
            self._wake.set()
        self._thread.join(timeout_s + 1.0)
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _run(self) -> None:
        try:
            self._writer.flush()  # the file is there before the first byte
            self._started.set()
            while self._stop_by_ns is None:
                self._turn()
            self._end(self._stop_by_ns)
        except Exception as error:  # told by `stop`, not lost with the thread
            self._failure = error
        finally:
            self._started.set()
            self._queue.close()

    def _turn(self) -> None:
        begin_ns = self._monotonic_ns()
        self._write()
        if not self._has_more:
            elapsed_s = (self._monotonic_ns() - begin_ns) / NS
            self._wake.wait(max(0.0, FLUSH_S - elapsed_s))
        self._wake.clear()

    def _write(self) -> None:
        """One round: what waits becomes chunks, and these go to disk if it makes sense to try."""
        if self._writer.has_room:
            since_ns = self._taken_since_ns = self._queue.since_ns
            for chunk in chunks(self._queue.take()):
                self._writer.put(chunk, since_ns or self._monotonic_ns())
            self._taken_since_ns = None
            self._note_trouble()  # now that there is room for it
        if self._writer.is_due:
            self._writer.flush(wait=not self._has_more)

    def _note_trouble(self) -> None:
        """What went wrong and is over becomes part of the recording."""
        if self._writer.trouble is not None:
            return
        told, self._writer.told = self._writer.told, []
        for text in told:
            self._note("recording resumed", text)
        for channel, lost in self._queue.take_lost().items():
            begin = datetime.fromtimestamp(lost.begin_ns / NS, tz=UTC)
            self._note(
                "recording lost",
                f"{lost.messages} messages, {lost.data_bytes} bytes of {channel.topic}, from "
                f"{begin:%H:%M:%S.%f} for {(lost.end_ns - lost.begin_ns) / NS:.1f} s",
            )

    def _end(self, stop_by_ns: int) -> None:
        """Write until nothing waits or time is up; then finish the file."""
        while self._is_waiting and self._monotonic_ns() < stop_by_ns:
            self._write()
            if self._writer.trouble is not None:
                time.sleep(min(FLUSH_S, max(0.0, (stop_by_ns - self._monotonic_ns()) / NS)))
        is_all = not self._is_waiting
        self._queue.close()
        if is_all:
            self._write()  # what came in the meantime
        self._queue.lose(*self._writer.give_up())
        self._writer.finish()
        self._queue.lose(*self._writer.give_up())  # a last sync may fail
        self._writer.close()

    @property
    def _has_more(self) -> bool:
        """Whether a chunk could be filled at once."""
        return self._queue.size >= CHUNK_BYTES and self._writer.has_room

    @property
    def _is_waiting(self) -> bool:
        return bool(self._queue.size or self._writer.waiting_messages or self._writer.told)
