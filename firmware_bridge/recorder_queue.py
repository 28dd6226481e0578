"""What waits to be written: bounded, and when it overflows records go before raw bytes."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firmware_bridge.recorder_chunk import Item

if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware_bridge.recorder_channels import Channel

__all__ = ["Lost", "Queue"]

ITEM_BYTES = 250  # what a waiting message takes beside its data
TAKEN_BYTES = 2_000_000  # at most, at a time


@dataclass(slots=True)
class Lost:
    """Messages of a channel that were never written, and the times they span [ns]."""

    messages: int = 0
    data_bytes: int = 0
    begin_ns: int = 2**64
    end_ns: int = 0

    def add(self, item: Item) -> None:
        """One more."""
        self.messages += 1
        self.data_bytes += len(item.data)
        self.begin_ns = min(self.begin_ns, item.log_ns)
        self.end_ns = max(self.end_ns, item.log_ns)


@dataclass(slots=True)
class _Line:
    """Messages in order, and the memory they take."""

    items: deque[Item] = field(default_factory=deque)
    size: int = 0


class Queue:
    """Between the threads that sense and the one that writes.

    Parameters
    ----------
    most_bytes : int
        What may wait; beyond that the oldest records go, then the oldest raw bytes.
    wake_bytes : int
        So much at once wakes the writer before its time.
    wake : callable
    monotonic_ns : callable

    Attributes
    ----------
    lost_messages, lost_bytes : int
        Since the start.
    """

    def __init__(
        self,
        most_bytes: int,
        *,
        wake_bytes: int,
        wake: Callable[[], None],
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._most_bytes, self._wake_bytes, self._wake = most_bytes, wake_bytes, wake
        self._monotonic_ns = monotonic_ns
        self.lock = threading.Lock()  # held while a message gets its number and is put
        self._raw, self._told = _Line(), _Line()
        self._order = 0
        self._lost: dict[Channel, Lost] = {}
        self._since_ns: int | None = None
        self._is_closed = False
        self.lost_messages = self.lost_bytes = 0

    @property
    def size(self) -> int:
        """Memory that waits [bytes], about."""
        return self._raw.size + self._told.size

    @property
    def since_ns(self) -> int | None:
        """Since when something waits; None if nothing does."""
        return self._since_ns

    def put(self, channel: Channel, log_ns: int, publish_ns: int, data: bytes) -> None:
        """Append a message; to be called with `lock` held."""
        channel.handed += 1
        self._order += 1
        item = Item(self._order, channel, channel.handed & 0xFFFFFFFF, log_ns, publish_ns, data)
        if self._is_closed:
            self._count(item)
            return
        line = self._raw if channel.is_raw else self._told
        before = self.size
        now = before + ITEM_BYTES + len(data)
        line.items.append(item)
        line.size += ITEM_BYTES + len(data)
        if self._since_ns is None:
            self._since_ns = self._monotonic_ns()
        if before < self._wake_bytes <= now:
            self._wake()
        if now > self._most_bytes:
            self._make_room()

    def take(self) -> list[Item]:
        """The oldest messages, in the order they were put; at most about `TAKEN_BYTES`."""
        with self.lock:
            if self.size <= TAKEN_BYTES:
                found = [*self._raw.items, *self._told.items]
                self._raw, self._told = _Line(), _Line()
                self._since_ns = None
            else:
                found = self._oldest()
        found.sort(key=_order)
        return found

    def take_lost(self) -> dict[Channel, Lost]:
        """What was lost since the last call."""
        with self.lock:
            lost, self._lost = self._lost, {}
        return lost

    def close(self) -> None:
        """What is put from now on is counted as lost."""
        with self.lock:
            self._is_closed = True

    def lose(self, messages: int, data_bytes: int) -> None:
        """Give up all that waits, and count so much more that was already taken."""
        with self.lock:
            self.lost_messages += messages
            self.lost_bytes += data_bytes
            while self.size:
                self._drop(self._told if self._told.items else self._raw)

    def _oldest(self) -> list[Item]:
        found: list[Item] = []
        size = 0
        lines = (self._raw, self._told)
        while size < TAKEN_BYTES:
            line = min((one for one in lines if one.items), key=lambda one: one.items[0].order)
            item = line.items.popleft()
            line.size -= ITEM_BYTES + len(item.data)
            size += ITEM_BYTES + len(item.data)
            found.append(item)
        return found

    def _make_room(self) -> None:
        while self.size > self._most_bytes:
            self._drop(self._told if self._told.items else self._raw)

    def _drop(self, line: _Line) -> None:
        item = line.items.popleft()
        line.size -= ITEM_BYTES + len(item.data)
        self._count(item)

    def _count(self, item: Item) -> None:
        self.lost_messages += 1
        self.lost_bytes += len(item.data)
        self._lost.setdefault(item.channel, Lost()).add(item)


def _order(item: Item) -> int:
    return item.order
