"""A serial link that comes back by itself: bytes with the time at which they came."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware_bridge.ports import open_serial
from sensors.errors import LinkError

if TYPE_CHECKING:
    from collections.abc import Callable

    import serial

__all__ = ["Change", "Chunk", "SerialLink"]

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0
MOST_BYTES = 65_536
# what pyserial raises when a port goes away: its own SerialException is an OSError, and TypeError
# and ValueError come from a port closed meanwhile
LOST = (OSError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of one read, and our monotonic clock right after it [ns]."""

    data: bytes
    time_ns: int


@dataclass(frozen=True, slots=True)
class Change:
    """The link was opened, lost or came back; `text` says how."""

    kind: str
    text: str
    time_ns: int


class SerialLink:
    """One port, read by one thread.

    Parameters
    ----------
    port : str
    baud : int
    opened : callable
        Opens a port; raises `LinkError`.
    monotonic_ns : callable
    """

    def __init__(
        self,
        port: str,
        baud: int,
        *,
        opened: Callable[[str, int], serial.Serial] = open_serial,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.port, self.baud = port, baud
        self.changes: deque[Change] = deque(maxlen=64)
        self.write_failures = 0
        self._opened, self._monotonic_ns = opened, monotonic_ns
        self._serial: serial.Serial | None = None
        self._wait_s = FIRST_WAIT_S
        self._retry_ns = 0
        self._was_open = False
        self._complaint = ""

    @property
    def is_open(self) -> bool:
        """Whether bytes can arrive now."""
        return self._serial is not None

    def open(self) -> None:
        """Open the port now.

        Raises
        ------
        LinkError
            It cannot be; says what to do.
        """
        self._serial = self._opened(self.port, self.baud)
        self._tell(
            "link back" if self._was_open else "link opened", f"{self.port}, {self.baud} baud"
        )
        self._was_open, self._wait_s, self._complaint = True, FIRST_WAIT_S, ""

    def read(self, timeout_s: float = 0.05) -> Chunk | None:
        """What has come; None if nothing did in a while. A lost port is opened again.

        Never waits much longer than `timeout_s`.
        """
        port = self._serial or self._reopened(timeout_s)
        if port is None:
            return None
        try:
            if not select.select([port], [], [], timeout_s)[0]:
                return None
            data = os.read(port.fileno(), MOST_BYTES)
            time_ns = self._monotonic_ns()
        except BlockingIOError:  # readable a moment ago, and no more
            return None
        except LOST as error:
            self._lose(str(error))
            return None
        if not data:
            self._lose("ready to be read, and nothing there: unplugged")
            return None
        return Chunk(data, time_ns)

    def write(self, data: bytes) -> bool:
        """Send bytes; False if they did not go out."""
        if self._serial is None:
            return False
        import serial  # noqa: PLC0415 - a port is open, so it is there

        try:
            self._serial.write(data)
        except serial.SerialTimeoutException:  # the device does not take them
            self.write_failures += 1
            return False
        except LOST as error:
            self._lose(str(error))
            return False
        return True

    def close(self) -> None:
        """Give the port back; what is not sent yet is not waited for."""
        if self._serial is not None:
            with contextlib.suppress(*LOST):
                self._serial.close()
        self._serial = None

    def _reopened(self, timeout_s: float) -> serial.Serial | None:
        remaining_s = (self._retry_ns - self._monotonic_ns()) * 1e-9
        if remaining_s > 0:
            time.sleep(min(timeout_s, remaining_s))
            return None
        try:
            self.open()
        except LinkError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                self._tell("link down", self._complaint)
            self._retry_ns = self._monotonic_ns() + int(self._wait_s * 1e9)
            self._wait_s = min(2.0 * self._wait_s, LONGEST_WAIT_S)
            return None
        return self._serial

    def _lose(self, why: str) -> None:
        self.close()
        self._tell("link lost", f"{self.port}: {why}")
        self._retry_ns = self._monotonic_ns() + int(self._wait_s * 1e9)

    def _tell(self, kind: str, text: str) -> None:
        self.changes.append(Change(kind, text, self._monotonic_ns()))
