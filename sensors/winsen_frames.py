"""Nine bytes that begin with ff: the frame of Winsen's modules and of those that copy it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from sensors.decoders import SyncDecoder
from sensors.framing import BrokenFrame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.framing import Parsed

__all__ = ["MODE_REPLY", "READ_REPLY", "WinsenDecoder", "command", "framed", "is_whole"]

LENGTH = 9
READ_REPLY, MODE_REPLY = 0x86, 0x78


def framed(body: bytes) -> bytes:
    """The seven bytes between start and checksum as a whole frame.

    Examples
    --------
    >>> framed(bytes.fromhex("01860000000000")).hex()
    'ff0186000000000079'
    """
    return b"\xff" + body + bytes([-sum(body) & 0xFF])


def command(code: int, value: int = 0) -> bytes:
    """A command to sensor number one."""
    return framed(bytes([0x01, code, value, 0, 0, 0, 0]))


def is_whole(*values: float) -> bool:
    """Whether all are whole numbers, but for rounding."""
    return all(abs(value - round(value)) < 1e-6 for value in values)


class WinsenDecoder(SyncDecoder):
    """Frames whose checksum holds; what their bytes mean is a matter of the model.

    Parameters
    ----------
    commands : mapping of str to bytes
        What is sent; a frame equal to one is its echo and carries nothing.
    """

    sync = b"\xff"
    longest = LENGTH

    def __init__(self, commands: Mapping[str, bytes]) -> None:
        super().__init__()
        self._echoes = frozenset(commands.values())

    def measure(self, head: bytearray) -> int | None:  # noqa: ARG002 - all frames are as long
        """Nine, always."""
        return LENGTH

    def parse(self, frame: bytes) -> Parsed | None:
        """Kind and fields of a frame whose checksum holds."""
        if sum(frame[1:]) & 0xFF:
            raise BrokenFrame("checksum")
        if frame in self._echoes:
            return None
        return self.parse_checked(frame)

    @abstractmethod
    def parse_checked(self, frame: bytes) -> Parsed | None:
        """Kind and fields; None for a frame that carries nothing.

        Raises
        ------
        BrokenFrame
            The device sends no such frame.
        """
