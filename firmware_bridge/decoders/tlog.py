"""Telemetry logs: before each MAVLink frame the receiver's time, 8 bytes, big-endian [us]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware_bridge.decoders.mavlink import described
from firmware_bridge.mavlink_frames import LONGEST_FRAME, START, frame_length, parse_frame
from sensors.framing import BrokenFrame, Decoder, Fault

if TYPE_CHECKING:
    from sensors.framing import Frame, Parsed

__all__ = ["decoder"]

STAMP = 8
LATEST_US = 1 << 52  # the year 2112: what lies beyond is no time


class _Decoder(Decoder):
    """Wherever a frame's checksum holds there is a record; its time may be damaged.

    Up to 8 bytes before the place that is looked at are kept: they may be its time.
    """

    longest = STAMP + LONGEST_FRAME + STAMP + 1

    def __init__(self) -> None:
        super().__init__()
        self._is_boundary = True  # a record should start where the buffer starts
        self._at = STAMP  # where in the buffer a frame is looked for
        self._tried = -1  # offset in the stream where one was looked for in vain

    def parse(self, frame: bytes) -> Parsed | None:
        """Of a frame with its time before it."""
        packet = parse_frame(frame[STAMP:])
        return packet.name, {"received_unix_us": _stamp(frame[:STAMP]), **described(packet)}

    def _scan(self, *, final: bool) -> list[Frame | Fault]:
        found: list[Frame | Fault] = []
        cut = False
        while self._seek():
            length = None
            try:
                length = frame_length(self._buffer[self._at :])
                if length is not None and self._at + length <= len(self._buffer):
                    found += self._record(length)
                    continue
            except BrokenFrame as error:
                kind = error.kind
                if kind == "unknown_message" and length is not None:
                    follows = self._follows(self._at + length, final=final)
                    if follows is None:
                        break
                    if follows:
                        found.append(self._broken(kind, length))
                        self._drop(self._at + length, garbage=False)
                        self._begin()
                        continue
                found.append(self._broken(kind, length or 1))
                self._retreat()
                continue
            if not final:
                break
            if not cut:
                found.append(self._broken("truncated", len(self._buffer) - self._at))
                cut = True
            self._retreat()
        if final:
            if self._is_boundary and self._buffer:
                found.append(self._fault("truncated", len(self._buffer)))
            self._begin()
        return found

    def _seek(self) -> bool:
        """Go to the next place where a frame may start; whether there is one."""
        if self._is_boundary:
            if len(self._buffer) <= STAMP:
                return False
            if START.match(self._buffer, STAMP) and _stamp(self._buffer[:STAMP]) is not None:
                return True
            self._is_boundary, self._at = False, 0
        start = START.search(self._buffer, self._at)
        if start is not None and self._start + start.start() == self._tried:
            start = START.search(self._buffer, start.end())
        self._at = start.start() if start else len(self._buffer)
        spare = max(0, self._at - STAMP)
        self._drop(spare)
        self._at -= spare
        return start is not None

    def _begin(self) -> None:
        """What comes next should be a record."""
        self._is_boundary, self._at, self._tried = True, STAMP, -1

    def _retreat(self) -> None:
        """No frame here: look at every other place, and before it if a record should start."""
        self._tried = self._start + self._at
        self._at = 0 if self._is_boundary else self._at + 1
        self._is_boundary = False

    def _record(self, length: int) -> list[Frame | Fault]:
        """The record whose frame starts here; without a time, where that was cut off."""
        end = self._at + length
        begin = max(0, self._at - STAMP)
        stamp = bytes(self._buffer[begin : self._at]).rjust(STAMP, b"\xff")
        parsed = self.parse(stamp + self._buffer[self._at : end])
        self._drop(begin)
        found = self._take(end - begin, parsed)
        self._begin()
        return found

    def _follows(self, end: int, *, final: bool) -> bool | None:
        """Whether an unknown frame that ends there stands where a record does; None: not yet."""
        if self._at < STAMP or _stamp(self._buffer[self._at - STAMP : self._at]) is None:
            return False
        if len(self._buffer) <= end + STAMP:
            return len(self._buffer) == end if final else None
        return START.match(self._buffer, end + STAMP) is not None

    def _broken(self, kind: str, length: int) -> Fault:
        self.counters.errors[kind] += 1
        return Fault(kind, self._arrived(), self._start + self._at, length)


def _stamp(stamp: bytes | bytearray) -> int | None:
    """Receiver's time [us since 1970]; None if it is none."""
    time_us = int.from_bytes(stamp, "big")
    return time_us if 0 < time_us < LATEST_US else None


def decoder() -> Decoder:
    """A decoder that has seen nothing yet."""
    return _Decoder()
