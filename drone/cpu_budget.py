"""How much processor time the work beside a flight may use."""

from __future__ import annotations

import threading
import time

__all__ = ["CpuBudget", "GivenUp"]

MOST_SAVED_S = 0.5  # of what was granted and not used


class GivenUp(BaseException):
    """The work is not wanted any more; raised where it would have waited."""


class CpuBudget:
    """Processor time for work in other threads, which wait for more where they overdrew it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._balance_s = 0.0
        self._is_endless = self._is_given_up = False
        self._waiting = 0
        self._told = threading.local()

    def grant(self, seconds: float) -> None:
        """Let so much more be used [s of one core]; a negative amount is taken away."""
        with self._changed:
            self._balance_s = min(self._balance_s + seconds, max(MOST_SAVED_S, seconds))
            self._changed.notify_all()

    def set_endless(self, is_endless: bool) -> None:
        """Let all work go on without waiting, or no longer; nothing is booked meanwhile."""
        with self._changed:
            self._is_endless = is_endless
            self._changed.notify_all()

    def give_up(self) -> None:
        """End all work at the next `pace`."""
        with self._changed:
            self._is_given_up = True
            self._changed.notify_all()

    def pace(self) -> None:
        """Book what this thread has used since it last called, and wait if that is too much.

        Raises
        ------
        GivenUp
        """
        used_s = time.thread_time()
        with self._changed:
            if not self._is_endless:
                self._balance_s -= used_s - getattr(self._told, "used_s", 0.0)
            self._told.used_s = used_s
            while self._balance_s <= 0.0 and not self._is_endless and not self._is_given_up:
                self._waiting += 1
                self._changed.notify_all()
                self._changed.wait()
                self._waiting -= 1
            if self._is_given_up:
                raise GivenUp

    def wait_until_spent(self, is_done: threading.Event) -> None:
        """Return when the work waits for more, or is done; for playing a flight at any speed."""
        with self._changed:
            while not (self._balance_s <= 0.0 and self._waiting) and not is_done.is_set():
                self._changed.wait(0.01)
