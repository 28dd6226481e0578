"""Frames out of a stream of bytes: what a decoder is, and what it has to count.

A decoder has no input or output of its own. The same bytes give the same frames however they
are cut into chunks; what is skipped is counted. `sensors.decoders` has three ways to find them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from sensors.errors import FrameError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BrokenFrame",
    "Counters",
    "Decoder",
    "Fault",
    "Frame",
    "Parsed",
]

# kind of frame and its fields, as golden_vectors.json spells them
Parsed = tuple[str, dict[str, Any]]


class BrokenFrame(FrameError):  # noqa: N818 - an outcome of parsing, counted and not shown
    """Bytes that look like a frame and are not one.

    Attributes
    ----------
    kind : str
        "checksum", "length", "truncated", "escape", "cobs", "framing", "format", "version"
        or "unknown_message".
    """

    def __init__(self, kind: str, message: str = "") -> None:
        super().__init__(message or kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame.

    Attributes
    ----------
    kind : str
    fields : dict
        ``raw`` in the device's units, ``si`` in SI, and what else the device tells.
    time_ns : int
        Arrival of the chunk that held its first byte, on the clock of whoever fed it.
    offset, length : int
        Where in the stream it began and how many bytes it has.
    """

    kind: str
    fields: Mapping[str, Any]
    time_ns: int
    offset: int
    length: int

    def as_json(self) -> dict[str, Any]:
        """``{"kind": …, "raw": …, "si": …}``."""
        return {"kind": self.kind, **self.fields}


@dataclass(frozen=True, slots=True)
class Fault:
    """Bytes that should have been a frame; `kind` as in `BrokenFrame`."""

    kind: str
    time_ns: int
    offset: int
    length: int


@dataclass(slots=True)
class Counters:
    """What a decoder has met since it was made."""

    bytes: int = 0
    frames_ok: int = 0
    garbage_bytes: int = 0
    gaps: int = 0
    errors: Counter[str] = field(default_factory=Counter)


class Decoder(ABC):
    """Finds frames in the bytes of one device.

    Attributes
    ----------
    longest : int
        Bytes of the longest frame. The buffer never grows beyond four of them.
    counters : Counters
    """

    longest: ClassVar[int]

    def __init__(self) -> None:
        self.counters = Counters()
        self._buffer = bytearray()
        self._start = 0  # offset of the buffer's first byte in the stream
        self._arrivals: deque[tuple[int, int]] = deque()  # offset of a chunk's end, its time

    def feed(self, data: bytes, time_ns: int = 0) -> list[Frame | Fault]:
        """Whole frames and faults that these bytes complete, in the order of the stream.

        Parameters
        ----------
        data : bytes
        time_ns : int
            When they arrived.
        """
        found: list[Frame | Fault] = []
        step = max(self.longest, 1)
        for begin in range(0, len(data), step):
            piece = data[begin : begin + step]
            self._buffer += piece
            self.counters.bytes += len(piece)
            self._arrivals.append((self._start + len(self._buffer), time_ns))
            found += self._scan(final=False)
        return found

    def flush(self) -> list[Frame | Fault]:
        """What is left when no more bytes come: frames inside it, and what was cut short.

        A link calls it when the line has fallen silent inside a frame.
        """
        found = self._scan(final=True)
        self._drop(len(self._buffer), garbage=False)
        return found

    def skip(self, count: int) -> None:
        """Leave `count` bytes of the stream out, for example an echo; the buffer is empty."""
        self._start += count
        self.counters.bytes += count

    @property
    def pending(self) -> int:
        """Bytes that wait for more."""
        return len(self._buffer)

    @abstractmethod
    def parse(self, frame: bytes) -> Parsed | None:
        """Kind and fields of one frame's bytes; None for a frame that carries nothing.

        Raises
        ------
        BrokenFrame
            They are no frame.
        """

    @abstractmethod
    def _scan(self, *, final: bool) -> list[Frame | Fault]:
        """Take what is whole off the buffer; with `final`, all of it."""

    def _drop(self, count: int, *, garbage: bool = True) -> None:
        """Take bytes off the front of the buffer."""
        del self._buffer[:count]
        self._pass(count, garbage=garbage)
        self._arrived()  # leaves out what is done with

    def _pass(self, count: int, *, garbage: bool = False) -> None:
        """Count bytes as done with; they are, or will be, taken off the buffer."""
        self._start += count
        if garbage:
            self.counters.garbage_bytes += count

    def _arrived(self) -> int:
        """When the first byte not yet done with arrived."""
        arrivals, start = self._arrivals, self._start
        while arrivals and arrivals[0][0] <= start:
            arrivals.popleft()
        return arrivals[0][1] if arrivals else 0

    def _fault(self, kind: str, length: int, *, lead: int = 0) -> Fault:
        """A fault that begins `lead` bytes before those not yet done with."""
        self.counters.errors[kind] += 1
        return Fault(kind, self._arrived(), self._start - lead, length + lead)

    def _good(self, length: int, parsed: Parsed | None, *, lead: int = 0) -> list[Frame | Fault]:
        """A frame, counted; none is told of if it carries nothing."""
        self.counters.frames_ok += 1
        if parsed is None:
            return []
        return [Frame(*parsed, self._arrived(), self._start - lead, length + lead)]

    def _take(self, length: int, parsed: Parsed | None) -> list[Frame | Fault]:
        """A good frame off the front of the buffer."""
        found = self._good(length, parsed)
        self._drop(length, garbage=False)
        return found
