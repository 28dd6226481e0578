"""Three ways to find frames, found again after any damage, never invented.

`SyncDecoder`: start bytes and a length. `DelimitedDecoder`: a byte between frames.
`LineDecoder`: text lines.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from sensors.framing import BrokenFrame, Decoder

if TYPE_CHECKING:
    from sensors.framing import Fault, Frame, Parsed

__all__ = ["DelimitedDecoder", "LineDecoder", "SyncDecoder"]

BLANK = b"\r\n\0 "  # what may stand around a line


class SyncDecoder(Decoder):
    """Frames with start bytes and a length known from their head.

    After any failure one byte is dropped and what is buffered is looked at again: a good frame
    often starts inside a bad candidate.

    Attributes
    ----------
    sync : bytes
        What every frame starts with.
    """

    sync: ClassVar[bytes]

    @abstractmethod
    def measure(self, head: bytearray) -> int | None:
        """Length of the frame that starts at the head of the buffer; None if not known yet.

        Raises
        ------
        BrokenFrame
            No frame starts so.
        """

    def _scan(self, *, final: bool) -> list[Frame | Fault]:
        found: list[Frame | Fault] = []
        cut = False
        while self._seek(final=final):
            length = None
            try:
                length = self.measure(self._buffer)
                if length is not None and length <= len(self._buffer):
                    found += self._take(length, self.parse(bytes(self._buffer[:length])))
                    continue
            except BrokenFrame as error:
                found.append(self._fault(error.kind, length or len(self.sync)))
                self._drop(1)
                continue
            if not final:
                break
            if not cut:
                found.append(self._fault("truncated", len(self._buffer)))
                cut = True
            self._drop(1)
        return found

    def _seek(self, *, final: bool) -> bool:
        """Drop what no frame can start with; whether something is left that one can."""
        at = self._buffer.find(self.sync)
        if at < 0:
            kept = 0
            if not final:  # the beginning of a sync pattern may end the buffer
                kept = next(
                    (n for n in range(len(self.sync) - 1, 0, -1) if self._ends_with_sync(n)), 0
                )
            self._drop(len(self._buffer) - kept)
            return False
        self._drop(at)
        return True

    def _ends_with_sync(self, count: int) -> bool:
        return self._buffer.endswith(self.sync[:count])


class DelimitedDecoder(Decoder):
    """Frames with a byte between them that occurs nowhere inside.

    One delimiter may end a frame and begin the next; empty frames are none.

    Attributes
    ----------
    delimiter : int
    opens : bool
        Frames begin with the delimiter as well: what comes before the first is garbage.
    """

    delimiter: ClassVar[int]
    opens: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self._inside = not self.opens

    def _scan(self, *, final: bool) -> list[Frame | Fault]:
        found: list[Frame | Fault] = []
        while self._buffer:
            at = self._buffer.find(self.delimiter)
            if not self._inside:
                self._drop(at + 1 if at >= 0 else len(self._buffer))
                self._inside = at >= 0
            elif at == 0:
                self._drop(1, garbage=False)
            elif 0 < at <= self.longest:
                found += self._chunk(at)
            elif len(self._buffer) > self.longest:
                found.append(self._fault("length", self.longest))
                self._drop(self.longest)
                self._inside = False  # until the next delimiter
            else:
                break
        if final:
            if self._buffer:
                found.append(self._fault("truncated", len(self._buffer)))
                self._drop(len(self._buffer))
            self._inside = not self.opens
        return found

    def _chunk(self, length: int) -> list[Frame | Fault]:
        """What stands before the delimiter at `length`."""
        try:
            parsed = self.parse(bytes(self._buffer[:length]))
        except BrokenFrame as error:
            fault = self._fault(error.kind, length)
            self._drop(length + 1)
            return [fault]
        return self._take(length + 1, parsed)


class LineDecoder(Decoder):
    """Lines of text that end with a line feed.

    Attributes
    ----------
    restart : bytes
        A byte that always begins a new line, whatever came before; empty for none.
    """

    restart: ClassVar[bytes] = b""

    @abstractmethod
    def parse_line(self, line: str) -> Parsed | None:
        """Kind and fields of a line without its end; None for a line that carries nothing.

        Raises
        ------
        BrokenFrame
            It is not as the device writes it; of kind "garbage" if it is only counted.
        """

    def parse(self, frame: bytes) -> Parsed | None:
        """Kind and fields of one line; bytes beyond ASCII do not raise."""
        return self.parse_line(frame.decode("latin-1").strip(BLANK.decode()))

    def _scan(self, *, final: bool) -> list[Frame | Fault]:
        found: list[Frame | Fault] = []
        while self._buffer:
            end = self._buffer.find(b"\n")
            begin = self._buffer.find(self.restart, 1) if self.restart else -1
            if 0 < begin <= self.longest and (end < 0 or begin <= end):
                found += self._broken("format", begin)
            elif 0 <= end < self.longest:
                found += self._line(end + 1)
            elif len(self._buffer) > self.longest:
                found += self._broken("length", self.longest)
            else:
                break
        if final and self._buffer:
            found += self._broken("truncated", len(self._buffer))
        return found

    def _line(self, length: int) -> list[Frame | Fault]:
        """The line that ends at `length`."""
        line = bytes(self._buffer[:length])
        if not line.strip(BLANK):
            self._drop(length, garbage=False)
            return []
        try:
            parsed = self.parse(line)
        except BrokenFrame as error:
            if error.kind == "garbage":  # a banner: no frame, and none was meant
                self._drop(length)
                return []
            return self._broken(error.kind, length)
        return self._take(length, parsed)

    def _broken(self, kind: str, length: int) -> list[Frame | Fault]:
        if not self._buffer[:length].strip(BLANK):
            self._drop(length, garbage=False)
            return []
        fault = self._fault(kind, length)
        self._drop(length)
        return [fault]
