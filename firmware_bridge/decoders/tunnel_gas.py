"""Our TUNNEL payload by itself: what is fed up to the flush is one payload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware_bridge.tunnel import decode_batch
from sensors.framing import BrokenFrame, Decoder

if TYPE_CHECKING:
    from sensors.framing import Fault, Frame, Parsed

__all__ = ["decoder"]


class _Decoder(Decoder):
    longest = 128  # a full TUNNEL

    def __init__(self) -> None:
        super().__init__()
        self._is_too_long = False

    def parse(self, frame: bytes) -> Parsed | None:
        return "gas_batch", decode_batch(frame).as_json()

    def _scan(self, *, final: bool) -> list[Frame | Fault]:
        found: list[Frame | Fault] = []
        if len(self._buffer) > self.longest and not self._is_too_long:
            found.append(self._fault("length", self.longest))
            self._is_too_long = True
        if self._is_too_long:
            self._drop(len(self._buffer))
        if final and self._buffer:
            length = len(self._buffer)
            try:
                found += self._take(length, self.parse(bytes(self._buffer)))
            except BrokenFrame as error:
                found.append(self._fault(error.kind, length))
                self._drop(length)
        if final:
            self._is_too_long = False
        return found


def decoder() -> Decoder:
    """A decoder that has seen nothing yet."""
    return _Decoder()
