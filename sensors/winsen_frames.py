"""Nine bytes that begin with ff: the frame of Winsen's modules and of those that copy it."""

from __future__ import annotations

from sensors.decoders import SyncDecoder
from sensors.framing import BrokenFrame

__all__ = ["LENGTH", "WinsenDecoder", "command", "framed"]

LENGTH = 9


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


class WinsenDecoder(SyncDecoder):
    """Frames whose checksum holds; what their bytes mean is a matter of the model."""

    sync = b"\xff"
    longest = LENGTH

    def measure(self, head: bytearray) -> int | None:  # noqa: ARG002 - all frames are as long
        """Nine, always."""
        return LENGTH

    def checked(self, frame: bytes) -> bytes:
        """The frame, if its checksum holds.

        Raises
        ------
        BrokenFrame
            It does not.
        """
        if sum(frame[1:]) & 0xFF:
            raise BrokenFrame("checksum")
        return frame
