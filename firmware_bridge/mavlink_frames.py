"""MAVLink 1 and 2 frames: found in a stream of bytes, checked, and made.

A frame is believed when its checksum holds. One of an id in no dialect cannot be checked: it is
counted when another frame could follow it, and never decoded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from firmware_bridge.mavlink_dialect import checksum, definition, definition_of
from sensors.framing import BrokenFrame, Decoder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.framing import Fault, Frame, Parsed

__all__ = [
    "LONGEST_FRAME",
    "SIGNATURE_BYTES",
    "Packet",
    "PacketDecoder",
    "frame_bytes",
    "frame_length",
    "parse_frame",
]

V1, V2 = 0xFE, 0xFD
_STARTS = (bytes([V1]), bytes([V2]))
START = re.compile(b"[\xfd\xfe]")
HEADER_V1, HEADER_V2 = 6, 10
SIGNED = 0x01  # the only incompatibility flag there is
SIGNATURE_BYTES = 13
LONGEST_FRAME = HEADER_V2 + 255 + 2 + SIGNATURE_BYTES


@dataclass(frozen=True, slots=True)
class Packet:
    """A whole frame whose checksum holds.

    Attributes
    ----------
    data : bytes
        As it came.
    message_id, sequence, system, component : int
    name : str
    payload : bytes
        Without the zeros the sender trimmed.
    signature : bytes
        Link id, time and hash; empty in an unsigned frame.
    """

    data: bytes
    message_id: int
    sequence: int
    system: int
    component: int
    name: str
    payload: bytes
    signature: bytes = b""

    @property
    def link_id(self) -> int:
        """Link of a signed frame."""
        return self.signature[0]

    @property
    def signed_at_10us(self) -> int:
        """Time of a signed frame, in units of 10 us since 2015-01-01."""
        return int.from_bytes(self.signature[1:7], "little")

    def fields(self) -> dict[str, Any]:
        """What it says, in MAVLink's units."""
        return definition_of(self.name).unpack(self.payload)


def frame_length(head: bytes | bytearray) -> int | None:
    """Bytes of the frame that starts here; None while too little of it is there.

    Raises
    ------
    BrokenFrame
        No frame starts so.
    """
    if head[0] == V1:
        return HEADER_V1 + head[1] + 2 if len(head) > 1 else None
    if len(head) < 3:
        return None
    if head[2] & ~SIGNED:  # a flag we do not know changes what follows
        raise BrokenFrame("format")
    return HEADER_V2 + int(head[1]) + 2 + (SIGNATURE_BYTES if head[2] else 0)


def parse_frame(frame: bytes) -> Packet:
    """The packet in the bytes of one frame.

    Raises
    ------
    BrokenFrame
        "unknown_message", or "checksum".
    """
    is_v2 = frame[0] == V2
    header, at = (HEADER_V2, 4) if is_v2 else (HEADER_V1, 2)
    message_id = int.from_bytes(frame[7:10], "little") if is_v2 else frame[5]
    message = definition(message_id)
    if message is None:
        raise BrokenFrame("unknown_message")
    end = header + frame[1]
    seed = bytes([message.checksum_seed])
    if checksum(frame[1:end] + seed) != int.from_bytes(frame[end : end + 2], "little"):
        raise BrokenFrame("checksum")
    return Packet(
        frame,
        message_id,
        frame[at],
        frame[at + 1],
        frame[at + 2],
        message.name,
        frame[header:end],
        frame[end + 2 :],
    )


def frame_bytes(
    name: str,
    fields: Mapping[str, Any],
    *,
    sequence: int,
    system: int,
    component: int,
    is_signed: bool = False,
) -> bytes:
    """A MAVLink 2 frame; with `is_signed` the signature is still to be added.

    Raises
    ------
    ValueError
        A field the message does not have, or a value that does not fit.
    """
    message = definition_of(name)
    payload = message.pack(fields)
    body = bytes([len(payload), SIGNED if is_signed else 0, 0, sequence & 0xFF, system, component])
    body += message.message_id.to_bytes(3, "little") + payload
    check = checksum(body + bytes([message.checksum_seed]))
    return bytes([V2]) + body + check.to_bytes(2, "little")


class PacketDecoder(Decoder):
    """Packets out of a stream; the one field of its frames is ``packet``.

    After a failure one byte is dropped and what is buffered is looked at again.
    """

    longest: ClassVar[int] = LONGEST_FRAME + 1  # an unknown frame waits for what follows it

    def feed(self, data: bytes, time_ns: int = 0) -> list[Frame | Fault]:
        """Whole frames and faults that these bytes complete, in the order of the stream.

        A datagram that is one good frame, as nearly all are, takes the short way.
        """
        if self._buffer or data[:1] not in _STARTS:
            return super().feed(data, time_ns)
        try:
            if frame_length(data) != len(data):
                return super().feed(data, time_ns)
            parsed = self.parse(data)
        except BrokenFrame:  # told and counted where it is found again
            return super().feed(data, time_ns)
        self._buffer += data
        self.counters.bytes += len(data)
        self._arrivals.append((self._start + len(data), time_ns))
        return self._take(len(data), parsed)

    def parse(self, frame: bytes) -> Parsed | None:
        """The packet in the bytes of one frame."""
        packet = parse_frame(frame)
        return packet.name, {"packet": packet}

    def _scan(self, *, final: bool) -> list[Frame | Fault]:
        found: list[Frame | Fault] = []
        cut = False
        while self._seek():
            length = None
            try:
                length = frame_length(self._buffer)
                if length is not None and length <= len(self._buffer):
                    found += self._take(length, self.parse(bytes(self._buffer[:length])))
                    continue
            except BrokenFrame as error:
                if error.kind == "unknown_message" and length is not None:
                    if length == len(self._buffer) and not final:
                        break
                    if length == len(self._buffer) or self._buffer[length] in {V1, V2}:
                        found.append(self._fault(error.kind, length))
                        self._drop(length, garbage=False)
                        continue
                found.append(self._fault(error.kind, length or 1))
                self._drop(1)
                continue
            if not final:
                break
            if not cut:
                found.append(self._fault("truncated", len(self._buffer)))
                cut = True
            self._drop(1)
        return found

    def _seek(self) -> bool:
        """Drop what no frame starts with; whether a start is left."""
        start = START.search(self._buffer)
        self._drop(start.start() if start else len(self._buffer))
        return start is not None
