"""Records on their way from a device's thread to whoever takes them."""

from __future__ import annotations

import contextlib
import queue
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sensors.records import Event, Quality

if TYPE_CHECKING:
    from collections.abc import Callable

    from sensors.devices import Record

__all__ = ["RecordQueue", "flagged"]

POOR_S = 1.0


class RecordQueue:
    """A queue that never keeps its one writer waiting: when it is full the oldest record goes.

    Parameters
    ----------
    most : int
        Records it holds.

    Attributes
    ----------
    dropped : int
        Records that nobody took in time.
    """

    def __init__(self, most: int) -> None:
        self.maxsize = most
        self.dropped = 0
        # a third of the time queue.Queue takes, which has a lock in Python
        self._records: queue.SimpleQueue[Record] = queue.SimpleQueue()

    def put(self, record: Record) -> None:
        """Add the newest."""
        while self._records.qsize() >= self.maxsize:
            with contextlib.suppress(queue.Empty):  # somebody has just taken it
                self._records.get_nowait()
                self.dropped += 1
        self._records.put(record)

    def get(self, timeout: float | None = None) -> Record:
        """The oldest, waited for.

        Raises
        ------
        queue.Empty
            None came in time.
        """
        return self._records.get(timeout=timeout)

    def get_nowait(self) -> Record:
        """The oldest.

        Raises
        ------
        queue.Empty
            There is none.
        """
        return self._records.get_nowait()

    def empty(self) -> bool:
        """Whether there is none."""
        return self._records.empty()

    def qsize(self) -> int:
        """How many there are."""
        return self._records.qsize()


def flagged(record: Record) -> Record:
    """The record, with `Quality.CLOCK_POOR` where its time is uncertain by more than a second."""
    if isinstance(record, Event) or not record.time_sigma_s > POOR_S:
        return record
    kind: Any = type(record)
    names, values_of = _fields(kind)
    values = dict(zip(names, values_of(record), strict=True))
    values["quality"] = _poor(record.quality)
    changed: Record = kind(**values)
    return changed


# Without a vehicle that knows UTC every record goes through here: `dataclasses.replace` and the
# arithmetic of flags took an eighth of a reader's time.


@cache
def _fields(kind: Any) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    names = tuple(one.name for one in fields(kind))
    return names, attrgetter(*names)


@cache
def _poor(quality: Quality) -> Quality:
    return quality | Quality.CLOCK_POOR
