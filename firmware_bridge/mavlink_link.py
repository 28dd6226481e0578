"""One MAVLink link: a thread that reads, writes, and opens again what was lost.

It decodes nothing. What arrives is stamped at once, by us or by the kernel, and waits in a queue
of bounded length; what is to be sent never keeps the caller waiting.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from firmware_bridge.mavlink_ports import READS, open_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from firmware_bridge.mavlink_ports import Address, Port

__all__ = ["Arrival", "LinkEvent", "MavlinkLink"]

NS = 1_000_000_000
SILENCE_S = 5.0  # an autopilot speaks every second; a stream that does not is dead
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0
MOST_ARRIVALS = 2048
MOST_OUTGOING = 256
TICK_S = 0.1
GATHER_NS = NS // 50  # what the kernel stamps is taken together: a fifth of the wake-ups


@dataclass(frozen=True, slots=True)
class Arrival:
    """Bytes, when they came on the monotonic clock, and from whom (empty for a stream)."""

    data: bytes
    time_ns: int
    peer: str


@dataclass(frozen=True, slots=True)
class LinkEvent:
    """A change of the link."""

    kind: Literal["link opened", "link lost", "link back"]
    text: str
    time_ns: int


class MavlinkLink:
    """Keeps a link open.

    Parameters
    ----------
    address : Address
    silence_s : float
        A TCP connection that brings nothing for so long is half open: it is made anew.
    wake : Event, optional
        Shared by all that may wake whoever waits: set when something arrived or the link has
        changed, and what `wait` waits for and clears.
    monotonic_ns : callable

    Attributes
    ----------
    counters : Counter
        ``received`` and ``sent`` bytes, ``arrivals_dropped``, ``frames_dropped``, ``opened``.
    """

    def __init__(
        self,
        address: Address,
        *,
        silence_s: float = SILENCE_S,
        wake: threading.Event | None = None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.address = address
        self.counters: Counter[str] = Counter()
        self._silence_ns = int(silence_s * NS)
        self._monotonic_ns = monotonic_ns
        self._arrivals: deque[Arrival] = deque(maxlen=MOST_ARRIVALS)
        self._events: deque[LinkEvent] = deque(maxlen=64)
        self._outgoing: deque[bytes] = deque()
        self._peer = ""
        self._is_lost = self._is_open = False
        self._arrived = threading.Event()
        self._wake_owner = wake
        self._stopping = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._thread = threading.Thread(target=self._run, name=f"link {address}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the port and end the thread."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._wake()
        self._thread.join(timeout=5.0)
        if not self._thread.is_alive():
            os.close(self._wake_read)
            os.close(self._wake_write)

    def wait(self, timeout_s: float) -> bool:
        """Wait until something arrived, at most so long; on the shared event, if there is one."""
        if self._wake_owner is None:
            return self._arrived.wait(timeout_s)
        is_woken = self._wake_owner.wait(timeout_s)
        self._wake_owner.clear()
        return is_woken

    def take(self) -> list[Arrival]:
        """What arrived since the last call, oldest first."""
        self._arrived.clear()
        return [self._arrivals.popleft() for _ in range(len(self._arrivals))]

    def events(self) -> list[LinkEvent]:
        """What happened to the link since the last call."""
        return [self._events.popleft() for _ in range(len(self._events))]

    def write(self, frame: bytes) -> bool:
        """Send a frame as soon as the port takes it.

        Returns
        -------
        bool
            False if the link is not open, nobody has spoken to it yet, or it is full: then the
            frame is dropped, whole.
        """
        if not self._is_open or (self.address.kind == "udp" and not self._peer):
            return False
        if len(self._outgoing) >= MOST_OUTGOING:
            self.counters["frames_dropped"] += 1
            return False
        self._outgoing.append(frame)
        self._wake()
        return True

    def answer_to(self, peer: str) -> None:
        """Whom frames go to, of those that may speak to a UDP port."""
        self._peer = peer

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it is awake already
            os.write(self._wake_write, b"!")

    def _run(self) -> None:
        wait_s, was_open = FIRST_WAIT_S, False
        while not self._stopping.is_set():
            try:
                port = open_port(self.address)
            except OSError as error:
                self._tell_once("link lost", f"{self.address}: {error}")
            else:
                self.counters["opened"] += 1
                self._tell_once("link back" if was_open else "link opened", str(self.address))
                was_open = True
                heard_before = self.counters["received"]
                self._is_open = True
                try:
                    self._serve(port)
                except OSError as error:
                    self._tell_once("link lost", f"{self.address}: {error}")
                finally:
                    self._is_open = False
                    port.close()
                    self._outgoing.clear()  # it would be old when the link is back
                if self.counters["received"] > heard_before:
                    wait_s = FIRST_WAIT_S
            self._stopping.wait(wait_s)
            wait_s = min(2.0 * wait_s, LONGEST_WAIT_S)

    def _serve(self, port: Port) -> None:
        """Read and write until the port is lost.

        Raises
        ------
        OSError
            It is.
        """
        heard_ns = self._monotonic_ns()
        gathers_until_ns = 0
        rest = b""
        while not self._stopping.is_set():
            sources: list[Any] = [self._wake_read]
            sinks: list[Any] = [port] if rest or self._outgoing else []
            gathers_ns = gathers_until_ns - self._monotonic_ns()
            if gathers_ns <= 0:
                sources.append(port)
            wait_s = gathers_ns / NS if gathers_ns > 0 else TICK_S
            readable, writable, _ = select.select(sources, sinks, [], wait_s)
            if self._wake_read in readable:
                os.read(self._wake_read, 4096)
            if port in readable:
                heard_ns, count = self._take_in(port, heard_ns)
                if port.is_stamped and count < READS:
                    gathers_until_ns = self._monotonic_ns() + GATHER_NS
            elif port.is_stream and self._monotonic_ns() - heard_ns > self._silence_ns:
                raise TimeoutError(f"nothing heard for {self._silence_ns / NS:g} s")
            if port in writable:
                rest = self._let_out(port, rest)

    def _take_in(self, port: Port, heard_ns: int) -> tuple[int, int]:
        """When the last of what was there came, and how much there was."""
        received = port.receive()
        now_ns = self._monotonic_ns()
        for one in received:
            heard_ns = max(heard_ns, now_ns - one.waited_ns)
            if len(self._arrivals) == MOST_ARRIVALS:
                self.counters["arrivals_dropped"] += 1
            self._arrivals.append(Arrival(one.data, heard_ns, one.peer))
            self.counters["received"] += len(one.data)
        self._rouse()
        return heard_ns, len(received)

    def _rouse(self) -> None:
        for event in (self._arrived, self._wake_owner):  # whoever waits clears, then takes
            if event is not None and not event.is_set():
                event.set()

    def _let_out(self, port: Port, rest: bytes) -> bytes:
        """Send what the port takes; what is left of a frame that went out in part."""
        while rest or self._outgoing:
            frame = rest or self._outgoing.popleft()
            sent = port.send(frame, self._peer)
            self.counters["sent"] += sent
            rest = frame[sent:]
            if rest:
                break
        return rest

    def _tell_once(self, kind: Literal["link opened", "link lost", "link back"], text: str) -> None:
        """Of a link that stays lost one event is enough."""
        if kind == "link lost" and self._is_lost:
            return
        self._is_lost = kind == "link lost"
        self._events.append(LinkEvent(kind, text, self._monotonic_ns()))
        self._rouse()
