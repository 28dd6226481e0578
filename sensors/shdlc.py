"""Sensirion's SHDLC: frames between 7e, with escaped bytes and an inverted sum."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sensors.decoders import DelimitedDecoder
from sensors.framing import BrokenFrame

if TYPE_CHECKING:
    from sensors.framing import Parsed

__all__ = ["Reply", "ShdlcDecoder", "command", "reply", "stuffed", "unstuffed"]

DELIMITER, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
_ESCAPED = {octet: bytes([ESCAPE, octet ^ FLIP]) for octet in (0x7E, 0x7D, 0x11, 0x13)}
_MEANT = {octet ^ FLIP: octet for octet in _ESCAPED}
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
    if ESCAPE not in chunk:
        return chunk
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
        body = unstuffed(frame)
        if len(body) < 4 or sum(body) & 0xFF != 0xFF:
            raise BrokenFrame("checksum")
        if frame in self._echoes:
            return None
        if len(body) < 5 or body[3] != len(body) - 5:
            raise BrokenFrame("length")
        return self.meaning(Reply(body[0], body[1], body[2], body[4:-1]))
