"""Waiting for the disk in a thread of its own: what comes meanwhile can still be written."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Syncing"]


class Syncing:
    """Runs one call to the disk at a time; it ends with the process, whatever the disk does."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._done = threading.Event()
        self._done.set()
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="recorder-sync", daemon=True)
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether a call has not returned."""
        return not self._done.is_set()

    def begin(self, call: Callable[[], None]) -> None:
        """Begin a call; the last one must have returned."""
        self._error = None
        self._done.clear()
        self._calls.put(call)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether the call returned in this time.

        Raises
        ------
        OSError
            It failed.
        """
        if not self._done.wait(timeout_s):
            return False
        error, self._error = self._error, None
        if error is not None:
            raise error
        return True

    def close(self) -> None:
        """End the thread, when a call that hangs has returned."""
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call()
            except OSError as error:
                self._error = error
            finally:
                self._done.set()
