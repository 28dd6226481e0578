"""Sensirion's SHDLC: frames between 7e, with escaped bytes and an inverted sum."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from sensors.decoders import DelimitedDecoder
from sensors.devices import Driver, Moment, Request
from sensors.framing import BrokenFrame
from sensors.records import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.devices import Record
    from sensors.framing import Frame, Parsed

__all__ = [
    "READ",
    "START",
    "STOP",
    "Reply",
    "Sensor",
    "SensorDecoder",
    "ShdlcDecoder",
    "command",
    "reply",
    "stuffed",
    "unstuffed",
]

DELIMITER, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
_ESCAPED = {octet: bytes([ESCAPE, octet ^ FLIP]) for octet in (0x7E, 0x7D, 0x11, 0x13)}
_MEANT = {octet ^ FLIP: octet for octet in _ESCAPED}
START, STOP, READ = 0x00, 0x01, 0x03  # commands of all sensors
ALREADY_MEASURING = 0x43  # the state that answers a start which is not needed
LARGEST = 522  # raw bytes of a frame, after stuffing, delimiters included


class Reply(NamedTuple):
    """What a device answers.

    Attributes
    ----------
    address, command_id : int
    state : int
        0 is good; the low seven bits are an error of the command, bit 7 the device's error flag.
    data : bytes
    """

    address: int
    command_id: int
    state: int
    data: bytes


def stuffed(body: bytes) -> bytes:
    """Bytes as they go over the wire, between delimiters and with their checksum.

    Examples
    --------
    >>> stuffed(bytes([0x00, 0x11, 0x00])).hex()
    '7e007d3100ee7e'
    """
    whole = body + bytes([~sum(body) & 0xFF])
    return b"\x7e" + b"".join(_ESCAPED.get(octet, bytes([octet])) for octet in whole) + b"\x7e"


def unstuffed(chunk: bytes) -> bytes:
    """What stands between two delimiters, in one pass from left to right.

    Raises
    ------
    BrokenFrame
        "escape": an escape before a byte that is never escaped.
    """
    out = bytearray()
    pieces = chunk.split(bytes([ESCAPE]))
    out += pieces[0]
    for piece in pieces[1:]:
        if not piece or piece[0] not in _MEANT:
            raise BrokenFrame("escape")
        out.append(_MEANT[piece[0]])
        out += piece[1:]
    return bytes(out)


def command(command_id: int, data: bytes = b"", *, address: int = 0) -> bytes:
    """A command of the host."""
    return stuffed(bytes([address, command_id, len(data)]) + data)


def reply(told: Reply) -> bytes:
    """An answer as a device sends it."""
    head = bytes([told.address, told.command_id, told.state, len(told.data)])
    return stuffed(head + told.data)


class ShdlcDecoder(DelimitedDecoder):
    """Replies; what their data mean, a driver says in `meaning`.

    Parameters
    ----------
    commands : tuple of bytes
        That are sent: on a half-duplex line they come back, and are not data.
    """

    delimiter = bytes([DELIMITER])
    opens = True
    longest = LARGEST

    def __init__(self, commands: tuple[bytes, ...] = ()) -> None:
        super().__init__()
        self._echoes = frozenset(one.strip(b"\x7e") for one in commands)

    def meaning(self, told: Reply) -> Parsed:
        """Kind and fields of a reply."""
        return "reply", {
            "address": told.address,
            "command_id": told.command_id,
            "state": told.state,
            "data": told.data.hex(),
        }

    def parse(self, frame: bytes) -> Parsed | None:
        """A reply between its delimiters."""
        body = unstuffed(frame) if ESCAPE in frame else frame
        if len(body) < 4 or sum(body) & 0xFF != 0xFF:
            raise BrokenFrame("checksum")
        if frame in self._echoes:
            return None
        if len(body) < 5 or body[3] != len(body) - 5:
            raise BrokenFrame("length")
        return self.meaning(Reply(body[0], body[1], body[2], body[4:-1]))


class SensorDecoder(ShdlcDecoder):
    """Answers of a sensor: readings, replies to other commands, and empty ones."""

    def meaning(self, told: Reply) -> Parsed:
        """Kind and fields; an error of the device has no data whatever follows it."""
        about = {"state": told.state, "address": told.address, "command_id": told.command_id}
        if told.state or not told.data:
            return "empty", about
        if told.command_id != READ:
            return "reply", {**about, "data": told.data.hex()}
        kind, fields = self.reading(told.data)
        return kind, {**about, **fields}

    @abstractmethod
    def reading(self, data: bytes) -> Parsed:
        """Kind and fields of the data that answer `READ`.

        Raises
        ------
        BrokenFrame
            "length": they are none of this sensor.
        """


class Sensor(Driver):
    """What Sensirion's sensors have in common: states, and the way they are asked.

    Attributes
    ----------
    commands : dict
        What is sent, by its name.
    """

    commands: ClassVar[Mapping[str, bytes]]

    @abstractmethod
    def data_of(self, frame: Mapping[str, Any]) -> bytes:
        """Data of a reading, as `SensorDecoder.reading` takes them."""

    @abstractmethod
    def readings(self, frame: Frame, moment: Moment) -> list[Record]:
        """What a reading says."""

    def request(self, name: str) -> Request:
        """A command that is answered under its own number."""
        sent = self.commands[name]
        command_id = unstuffed(sent.strip(b"\x7e"))[1]
        return Request(
            name=name,
            send=sent,
            answers=lambda frame: bool(frame.fields["command_id"] == command_id),
        )

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        """Bytes of any answer."""
        data = b""
        if frame["kind"] == "reply":
            data = bytes.fromhex(frame["data"])
        elif frame["kind"] != "empty":
            data = self.data_of(frame)
        command_id = frame.get("command_id", READ)
        return reply(Reply(frame.get("address", 0), command_id, frame.get("state", 0), data))

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        """An error of the device is an event, and so is its serial number."""
        state = frame.fields["state"]
        if state and state != ALREADY_MEASURING:
            text = f"state {state:#04x} in answer to command {frame.fields['command_id']:#04x}"
            return [Event(moment.time_ns, moment.source, "device error", text, moment.time_sigma_s)]
        if frame.kind == "reply":
            text = _printable(bytes.fromhex(frame.fields["data"]))
            return [Event(moment.time_ns, moment.source, "version", text, moment.time_sigma_s)]
        return [] if frame.kind == "empty" else self.readings(frame, moment)


def _printable(data: bytes) -> str:
    return "".join(chr(byte) for byte in data if 0x20 <= byte < 0x7F)
