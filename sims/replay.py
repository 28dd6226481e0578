"""A recorded flight once more: the same bytes, with the same timing, on ports of its own."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import socket
import time
import tty
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from typing import Self

__all__ = ["Datagrams", "Outcome", "Piece", "ReplayPort", "replay"]

NS = 1_000_000_000
STUCK_S = 2.0  # nobody takes what is written: it is dropped and counted, as on a wire
POLL_S = 0.02
LONGEST_SLEEP_S = 0.2


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of one read: from which source and peer, and when [ns]."""

    source: str
    peer: str
    data: bytes
    time_ns: int


@dataclass(slots=True)
class Outcome:
    """What was played: pieces and bytes, those nobody took, and how late the latest was [s]."""

    pieces: int = 0
    bytes: int = 0
    dropped_bytes: int = 0
    latest_s: float = 0.0
    recorded_s: float = 0.0


class ReplayPort:
    """A serial port that a program can open by name; it hears what we write.

    Parameters
    ----------
    name : Path
        A link to the pseudo-terminal, made here and removed at the end.
    """

    def __init__(self, name: Path) -> None:
        self.name = name
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        name.unlink(missing_ok=True)
        name.symlink_to(os.ttyname(slave))
        os.close(slave)  # so that we see whether anybody else has it open

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.name.unlink(missing_ok=True)
        os.close(self._master)

    @property
    def is_open(self) -> bool:
        """Whether a program has it open."""
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        return not any(event & select.POLLHUP for _, event in poll.poll(0))

    def send(self, data: bytes) -> int:
        """Write, waiting while the reader is behind; number of bytes nobody took."""
        self._hear()
        end_s = time.monotonic() + STUCK_S
        while data:
            if not self.is_open:
                return len(data)
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                if time.monotonic() > end_s:
                    return len(data)
                select.select([], [self._master], [], POLL_S)
            except OSError:  # closed between our look and the write
                return len(data)
        return 0

    def _hear(self) -> None:
        """Requests to the device are taken, and answered by what was recorded."""
        with contextlib.suppress(OSError):
            while os.read(self._master, 4096):
                pass


class Datagrams:
    """The autopilot's link: each recorded peer speaks from a port of its own.

    Parameters
    ----------
    host : str
    port : int
        Where the bridge listens.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._sockets: dict[str, socket.socket] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._sockets.values():
            one.close()

    def send(self, data: bytes, peer: str) -> int:
        """Send a datagram; number of bytes that did not go out."""
        port = self._sockets.get(peer)
        if port is None:
            port = self._sockets[peer] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            port.setblocking(False)
        with contextlib.suppress(OSError):  # what is sent back to the vehicle is taken
            while port.recv(65_535):
                pass
        try:
            port.sendto(data, self._target)
        except OSError:
            return len(data)
        return 0


def replay(
    pieces: Iterable[Piece],
    ports: Mapping[str, ReplayPort],
    datagrams: Datagrams | None,
    *,
    speed: float = 1.0,
    progress: Callable[[Outcome], None] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Play pieces to ports with the timing they were recorded with.

    Parameters
    ----------
    pieces : iterable of Piece
        In order of time.
    ports : mapping of str to ReplayPort
        By source.
    datagrams : Datagrams or None
        Takes the pieces of all other sources; they are left out without it.
    speed : float
        1 as it was, 2 twice as fast; infinite for as fast as the readers take it.
    progress : callable, optional
        Called after each piece.
    monotonic, sleep : callable
        Clock and patience [s].

    Returns
    -------
    Outcome
    """
    outcome = Outcome()
    begin_s = monotonic()
    first_ns: int | None = None
    for piece in pieces:
        port = ports.get(piece.source)
        if port is None and datagrams is None:
            continue
        first_ns = piece.time_ns if first_ns is None else first_ns
        outcome.recorded_s = max(outcome.recorded_s, (piece.time_ns - first_ns) / NS)
        if speed < float("inf"):
            due_s = begin_s + (piece.time_ns - first_ns) / NS / speed
            while (early_s := due_s - monotonic()) > 0.0:
                sleep(min(early_s, LONGEST_SLEEP_S))
            outcome.latest_s = max(outcome.latest_s, monotonic() - due_s)
        if port is not None:
            outcome.dropped_bytes += port.send(piece.data)
        elif datagrams is not None:
            outcome.dropped_bytes += datagrams.send(piece.data, piece.peer)
        outcome.pieces += 1
        outcome.bytes += len(piece.data)
        if progress is not None:
            progress(outcome)
    return outcome
