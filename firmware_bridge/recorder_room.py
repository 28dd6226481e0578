"""How much room a disk has, and for how long."""

from __future__ import annotations

import contextlib
import math
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Room"]

NS = 1_000_000_000
RATE_OVER_NS = 60 * NS


class Room:
    """Room on the disk of a folder, and how fast it goes.

    Parameters
    ----------
    free_bytes : callable
        Room on the disk of a folder.

    Attributes
    ----------
    free_bytes : int or None
        None while not known.
    bytes_per_s : float
        What was written in the last minute; 0 before that is known.
    """

    def __init__(self, free_bytes: Callable[[Path], int]) -> None:
        self._free_bytes_of = free_bytes
        self._seen: deque[tuple[int, int]] = deque()
        self.free_bytes: int | None = None
        self.bytes_per_s = 0.0

    @property
    def minutes_left(self) -> float:
        """Until the disk is full, at the present rate; infinite while not known."""
        free, rate = self.free_bytes, self.bytes_per_s
        return free / rate / 60.0 if free is not None and rate > 0.0 else math.inf

    def look(self, folder: Path, written_bytes: int, now_ns: int) -> None:
        """Take notice of what was written so far."""
        with contextlib.suppress(OSError):  # writing will say what is wrong
            self.free_bytes = self._free_bytes_of(folder)
        self._seen.append((now_ns, written_bytes))
        while now_ns - self._seen[0][0] > RATE_OVER_NS:
            self._seen.popleft()
        begin_ns, begin = self._seen[0]
        if now_ns > begin_ns:
            self.bytes_per_s = (written_bytes - begin) / (now_ns - begin_ns) * NS
