"""How a device is talked to, as a state machine without input or output of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sensors.devices import Dialogue, Request
    from sensors.framing import Frame

__all__ = ["Echo", "Session"]

NS = 1_000_000_000
UNANSWERED = 5  # polls in a row after which a device is left to stream
SILENT_S = 10.0  # after which everything is begun anew

Step = Literal["listening", "opening", "polling", "streaming"]


class Session:
    """Sends what a `Dialogue` asks for, waits for answers, gives up where it must.

    Parameters
    ----------
    dialogue : Dialogue
    now_ns : int
        Of the monotonic clock.

    Attributes
    ----------
    step : {"listening", "opening", "polling", "streaming"}
    notes : list of str
        What the operator should know; emptied by whoever reads it.
    """

    def __init__(self, dialogue: Dialogue, now_ns: int) -> None:
        self._dialogue = dialogue
        self.step: Step = "listening"
        self.notes: list[str] = []
        self._asked: Request | None = None
        self._requests: tuple[Request, ...] = ()
        self._is_streaming = False
        self._restarts = 0
        self._begin(now_ns)

    def due(self, now_ns: int) -> list[bytes]:
        """What to send now, in order."""
        if now_ns - self._heard_ns > max(SILENT_S, 5 * self._dialogue.period_s) * NS:
            self._restarts += 1
            if self._restarts == 1:
                self.notes.append(f"silent for {SILENT_S:g} s; opened anew until it answers")
            self._begin(now_ns)
        if self.step == "listening":
            if now_ns - self._since_ns < self._dialogue.listen_s * NS:
                return []
            self._is_streaming = self._dialogue.heard_is_enough and self._has_heard
            opening = () if self._is_streaming else self._dialogue.opening
            self._requests = (*opening, *self._dialogue.identify)
            self.step = "opening"
        if self.step == "opening":
            sent = self._open(now_ns)
            if sent is not None:
                return [sent] if sent else []
            is_polled = self._dialogue.poll and not self._is_streaming
            self.step = "polling" if is_polled else "streaming"
        return self._poll(now_ns) if self.step == "polling" else []

    def take(self, frames: Iterable[Frame], now_ns: int) -> None:
        """Frames that have come."""
        for frame in frames:
            self._has_heard = True
            self._heard_ns = now_ns
            self._restarts = 0
            asked = self._asked
            if asked is not None and asked.answers is not None and asked.answers(frame):
                self._asked = None
                self._tries = 0
                self._unanswered = 0
                if self.step == "opening":
                    self._next += 1

    def _begin(self, now_ns: int) -> None:
        self.step = "listening"
        self._since_ns = self._heard_ns = now_ns
        self._has_heard = False
        self._asked = None
        self._asked_ns = now_ns
        self._next = self._tries = self._unanswered = 0
        self._due_ns = now_ns

    def _is_waiting(self, now_ns: int) -> bool:
        asked = self._asked
        return asked is not None and now_ns - self._asked_ns < asked.timeout_s * NS

    def _open(self, now_ns: int) -> bytes | None:
        """The next request of the opening; None when it is done, empty while one is awaited."""
        if self._is_waiting(now_ns):
            return b""
        if self._asked is not None:  # in vain
            if self._tries >= self._asked.tries:
                self.notes.append(f"no answer to {self._asked.name} in {self._tries} tries")
                self._next += 1
                self._tries = 0
            self._asked = None
        if self._next >= len(self._requests):
            return None
        return self._ask(self._requests[self._next], now_ns)

    def _ask(self, request: Request, now_ns: int) -> bytes:
        self._asked_ns = now_ns
        if request.answers is None:
            self._asked = None
            self._next += 1
        else:
            self._asked = request
            self._tries += 1
        return request.send

    def _poll(self, now_ns: int) -> list[bytes]:
        if self._is_waiting(now_ns) or now_ns < self._due_ns:
            return []
        if self._asked is not None:
            self._unanswered += 1
            self._asked = None
            if self._unanswered >= UNANSWERED and self._dialogue.fallback:
                self.notes.append(f"no answer to {UNANSWERED} requests; left to speak by itself")
                self.step = "streaming"
                return [request.send for request in self._dialogue.fallback]
        poll = self._dialogue.poll
        if poll is None:
            return []
        # on its own grid, so that a late answer does not shift all that follow
        late = now_ns - self._due_ns
        period_ns = int(self._dialogue.period_s * NS)
        self._due_ns += period_ns if late < period_ns else late + period_ns
        self._asked, self._asked_ns = poll, now_ns
        return [poll.send]


class Echo:
    """Takes what was sent out of what comes back on a half-duplex line.

    Attributes
    ----------
    bytes : int
        How many were taken out.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self._expected = b""
        self._held = b""

    def sent(self, data: bytes) -> None:
        """These bytes went out: if the next to come are the same, they are an echo."""
        self._expected, self._held = data, b""

    def strip(self, data: bytes) -> tuple[int, bytes]:
        """Number of bytes of an echo that has come back whole, and the bytes that are data."""
        if not self._expected:
            return 0, data
        together = self._held + data
        count = len(self._expected)
        if together.startswith(self._expected):
            self._expected, self._held = b"", b""
            self.bytes += count
            return count, together[count:]
        if self._expected.startswith(together):
            self._held = together
            return 0, b""
        self._expected, self._held = b"", b""
        return 0, together

    def release(self) -> bytes:
        """Bytes held back in the hope of the rest of an echo, when none came."""
        held, self._held, self._expected = self._held, b"", b""
        return held
