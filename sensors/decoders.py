"""Three ways to find frames, found again after any damage, never invented.

`SyncDecoder`: start bytes and a length. `DelimitedDecoder`: a byte between frames.
`LineDecoder`: text lines.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from sensors.framing import BrokenFrame, Decoder, Frame

if TYPE_CHECKING:
    from sensors.framing import Fault, Frame, Parsed

__all__ = ["DelimitedDecoder", "LineDecoder", "SyncDecoder"]

LINE_ENDS = b"\r\n"
BLANK = LINE_ENDS + b"\0 "  # what may stand around a line


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
    delimiter : bytes
        One byte.
    opens : bool
        Frames begin with the delimiter as well, and it is counted to them: what comes before the
        first is garbage.
    """

    delimiter: ClassVar[bytes]
    opens: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self._inside = not self.opens

    def _scan(self, *, final: bool) -> list[Frame | Fault]:
        found: list[Frame | Fault] = []
        begin = self._start
        *chunks, rest = bytes(self._buffer).split(self.delimiter)
        for chunk in chunks:
            if chunk:
                self._chunk(chunk, found)
            self._start += len(chunk) + 1
            self._inside = True
        if not self._inside:
            self._pass(len(rest), garbage=True)
        elif len(rest) > self.longest:
            found.append(self._fault("length", self.longest, lead=self.opens))
            self._pass(len(rest), garbage=True)
            self._inside = False  # until the next delimiter
        elif rest and final:
            found.append(self._fault("truncated", len(rest), lead=self.opens))
            self._pass(len(rest), garbage=True)
        if final:
            self._inside = not self.opens
        del self._buffer[: self._start - begin]
        self._drop(0)
        return found

    def _chunk(self, chunk: bytes, found: list[Frame | Fault]) -> None:
        """Add what stands before a delimiter, which is counted to it."""
        length = len(chunk) + 1
        if not self._inside:
            self.counters.garbage_bytes += length - 1
        elif length > self.longest + 1:
            found.append(self._fault("length", self.longest, lead=self.opens))
            self.counters.garbage_bytes += length - 1
        else:
            try:
                parsed = self.parse(chunk)
                self.counters.frames_ok += 1
                if parsed is not None:
                    kind, fields = parsed
                    begin = self._start - self.opens
                    found.append(Frame(kind, fields, self._arrived(), begin, length + self.opens))
            except BrokenFrame as error:
                found.append(self._fault(error.kind, length, lead=self.opens))
                self.counters.garbage_bytes += length


class LineDecoder(Decoder):
    """Lines of text that end with a line feed.

    Attributes
    ----------
    restart : bytes
        A byte that always begins a new line, whatever came before; empty for none.
    ends_with_return : bool
        A carriage return without line feed ends a line as well. Only where a checksum shows
        that nothing is lost: elsewhere a damaged byte could pass for the end.
    """

    restart: ClassVar[bytes] = b""
    ends_with_return: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self._is_overlong = self._ended_so = False
        self._end = re.compile(rb"\n|\r+(?=[^\r\n])" if self.ends_with_return else rb"\n")

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
            if self._buffer[0] in LINE_ENDS and not self._is_overlong:
                self._drop(1, garbage=False)
                continue
            match = self._end.search(self._buffer)
            end = match.end() if match else -1
            begin = self._buffer.find(self.restart, not self._is_overlong) if self.restart else -1
            restarts = begin >= 0 and (end < 0 or begin < end)
            if self._is_overlong and (restarts or end >= 0):
                self._drop(begin if restarts else end)
                self._is_overlong = False
            elif self._is_overlong:  # a return may yet turn out to have ended it
                self._drop(len(self._buffer.rstrip(b"\r")))
                break
            elif restarts and begin <= self.longest:
                found += self._broken("format", begin)
            elif 0 < end <= self.longest:
                found += self._line(end)
            elif len(self._buffer) > self.longest:
                found += self._broken("length", self.longest)
                self._is_overlong = True
            else:
                break
        if final:
            found += self._silenced()
            self._is_overlong = False
        return found

    def _silenced(self) -> list[Frame | Fault]:
        """What was left when the line fell silent.

        Once, a return without line feed was cut off; the second time that is how lines end here.
        """
        if self.ends_with_return and self._buffer.endswith(b"\r"):
            if self._ended_so:
                return self._line(len(self._buffer))
            self._ended_so = True
        return self._broken("truncated", len(self._buffer))

    def _line(self, length: int) -> list[Frame | Fault]:
        """The line that ends at `length`."""
        try:
            return self._take(length, self.parse(bytes(self._buffer[:length])))
        except BrokenFrame as error:
            if error.kind == "garbage":  # a banner: no frame, and none was meant
                self._drop(length)
                return []
            return self._broken(error.kind, length)

    def _broken(self, kind: str, length: int) -> list[Frame | Fault]:
        if not self._buffer[:length].strip(BLANK):
            self._drop(length, garbage=False)
            return []
        fault = self._fault(kind, length)
        self._drop(length)
        return [fault]
