"""A device as the bridge sees it: its port, its protocol and its clock in one thread of its own."""

from __future__ import annotations

import bisect
import math
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware_bridge.record_queue import RecordQueue, flagged
from firmware_bridge.sample_time import SampleTime
from firmware_bridge.session import Echo, Session
from sensors.errors import LinkError, PortInUse
from sensors.framing import Frame
from sensors.records import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from firmware_bridge.device_clock import Estimate
    from firmware_bridge.link import Change, Chunk, SerialLink
    from sensors.devices import Driver, Record
    from sensors.framing import Counters, Fault

__all__ = ["DeviceReader", "Status"]

NS = 1_000_000_000
MOST_RECORDS = 10_000
RATE_WINDOW_S = 10.0
IDLE_S = 0.05  # at least; a frame's bytes do not stay away for so long
LATENCY_TIMER_S = 0.016  # of a USB adapter as delivered
READ_S = 0.05
STREAMING_READ_S = 0.2  # nothing is sent, and no rest of a frame is awaited
FOREIGN_BYTES = 2000  # without one frame among them, another device may be on the port
UNATTENDED_S = 0.25  # after which nobody can be said to call `work`


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a device is doing."""

    name: str
    is_open: bool
    step: str  # of its `Session`
    rate_hz: float  # frames a second, over the last ten
    age_s: float  # since the last frame; infinite before the first
    counters: Counters
    dropped: int  # records that nobody took in time
    warm_up_s: float  # how long its readings are still flagged


class DeviceReader:
    """Reads one device for as long as it is open; never waits for whoever takes the records.

    Its thread stamps what comes and makes records of it. Where somebody calls `work` often, the
    thread leaves what a streaming device sends to that call: decoding all devices in one go takes
    a fraction of the time of waking up for each of their frames. If the calls fail to come, the
    thread does the work itself again.

    Parameters
    ----------
    name : str
        Of the device in the mission.
    driver : Driver
    link : SerialLink
        Opened here, and closed.
    utc_of : callable
        UTC of a moment of the monotonic clock, an `Estimate`.
    on_bytes : callable, optional
        Called with every chunk exactly as read, before anything is made of it.
    on_frame : callable, optional
        Called with the records of each frame (and with each event), and with when its first byte
        arrived and when its sample was taken, both on the monotonic clock [ns]. The thread that
        reads or the caller of `work` calls it, before `records` has them: it must not wait.
    wake : Event, optional
        Set when there is a record to take, or bytes for `work`.
    monotonic_ns : callable
    """

    def __init__(
        self,
        name: str,
        driver: Driver,
        link: SerialLink,
        *,
        utc_of: Callable[[int], Estimate],
        on_bytes: Callable[[bytes, int], None] | None = None,
        on_frame: Callable[[list[Record], int, int], None] | None = None,
        wake: threading.Event | None = None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.name = name
        self.records = RecordQueue(MOST_RECORDS)
        self.frames: deque[Frame | Fault] = deque(maxlen=1000)
        self._driver, self._link, self._utc_of = driver, link, utc_of
        self._on_bytes, self._monotonic_ns = on_bytes, monotonic_ns
        self._on_frame, self._wake = on_frame, wake
        self._decoder = driver.decoder()
        self._sample_time = SampleTime(
            name, driver, utc_of, tell=lambda text: self._event("clock", text)
        )
        self._echo = Echo()
        self._times: deque[int] = deque(maxlen=4096)
        self._chunks: deque[Chunk] = deque()  # read, and not decoded yet
        self._attended_ns = -(1 << 62)
        self._lock = threading.Lock()  # of all that decodes
        self._stopping = threading.Event()
        self._idle_ns = int(max(IDLE_S, 50.0 / link.baud + LATENCY_TIMER_S) * NS)
        self._thread = threading.Thread(target=self._run, name=f"device {name}", daemon=True)
        self._failure: BaseException | None = None
        self._begin()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, *, wait_for_port: bool = False) -> None:
        """Open the port, if it is not open yet, and begin to read.

        Parameters
        ----------
        wait_for_port : bool
            A port that cannot be opened now is opened later, unless another program holds it.

        Raises
        ------
        LinkError
            The port cannot be opened now.
        """
        try:
            if not self._link.is_open:
                self._link.open()
        except PortInUse:
            raise
        except LinkError:
            if not wait_for_port:
                raise
        self._begin()
        self._thread.start()

    def close(self) -> None:
        """Stop reading and give the port back; what was read before still becomes records.

        Raises
        ------
        Exception
            What ended the thread before its time: a fault of this program.
        """
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)
        self.work()
        self._link.close()
        if self._failure is not None:
            raise self._failure

    def work(self) -> None:
        """Make records of what has been read; see the class."""
        if self._failure is not None:
            return
        self._attended_ns = self._monotonic_ns()
        try:
            with self._lock:
                self._decode()
        except Exception as error:  # told by `close`, as what the thread meets
            self._failure = error
            self._stopping.set()

    @property
    def is_running(self) -> bool:
        """Whether it still reads; if not, `close` tells why."""
        return self._thread.is_alive()

    def status(self) -> Status:
        """How it is doing now."""
        now = self._monotonic_ns()
        since = now - int(RATE_WINDOW_S * NS)
        times = tuple(self._times)
        recent = len(times) - bisect.bisect_right(times, since)
        span_s = min(RATE_WINDOW_S, max((now - self._begun_ns) / NS, 0.1))
        heard_ns = self._sample_time.heard_ns
        heard_s = 0.0 if heard_ns is None else (now - heard_ns) / NS
        return Status(
            name=self.name,
            is_open=self._link.is_open,
            step=self._session.step,
            rate_hz=recent / span_s,
            age_s=(now - self._times[-1]) / NS if self._times else math.inf,
            counters=self._decoder.counters,
            dropped=self.records.dropped,
            warm_up_s=max(0.0, self._driver.device.warm_up_s - heard_s),
        )

    def _begin(self) -> None:
        """As after every opening of the port."""
        now = self._monotonic_ns()
        self._begun_ns = self._last_ns = now
        self._session = Session(self._driver.dialogue(), now)
        self._sample_time.heard_ns = None
        self._foreign_from = self._decoder.counters.bytes
        self._frames_before = self._decoder.counters.frames_ok

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._step()
        except Exception as error:  # told by `close`, not lost with the thread
            self._failure = error

    def _step(self) -> None:
        self._speak()
        is_idle = self._session.step == "streaming" and not self._decoder.pending
        chunk = self._link.read(STREAMING_READ_S if is_idle else READ_S)
        if self._link.changes:
            with self._lock:
                self._decode()  # what came before the change
                self._tell_changes()
        if chunk is not None:
            if self._on_bytes is not None:
                self._on_bytes(chunk.data, chunk.time_ns)
            self._chunks.append(chunk)
            if is_idle and chunk.time_ns - self._attended_ns < UNATTENDED_S * NS:
                self._rouse()
                return
        with self._lock:
            self._decode()
            if chunk is None:
                self._give_up_rest()

    def _speak(self) -> None:
        """Send what is due; a port that takes it slowly keeps nobody else from decoding."""
        with self._lock:
            due = self._session.due(self._monotonic_ns()) if self._link.is_open else []
            for note in self._session.notes:
                self._event("device", note)
            self._session.notes.clear()
        for sent in due:
            if self._link.write(sent):
                with self._lock:
                    self._echo.sent(sent)

    def _decode(self) -> None:
        while self._chunks:
            chunk = self._chunks.popleft()
            self._last_ns = chunk.time_ns
            self._take(self._fed(chunk.data, chunk.time_ns), self._monotonic_ns())
        self._check_stranger()

    def _give_up_rest(self) -> None:
        """The rest of a frame that stays away for long will not come."""
        now = self._monotonic_ns()
        if now - self._last_ns <= self._idle_ns:
            return
        held = self._echo.release()
        found = self._decoder.feed(held, self._last_ns) if held else []
        if self._decoder.pending:
            found += self._decoder.flush()
        self._take(found, now)

    def _fed(self, data: bytes, time_ns: int) -> list[Frame | Fault]:
        echoed, data = self._echo.strip(data)
        found: list[Frame | Fault] = []
        if echoed:
            if self._decoder.pending:
                found += self._decoder.flush()
            self._decoder.skip(echoed)
        return found + (self._decoder.feed(data, time_ns) if data else [])

    def _take(self, found: Sequence[Frame | Fault], now: int) -> None:
        frames = [one for one in found if isinstance(one, Frame)]
        self.frames.extend(found)
        self._session.take(frames, now)
        for frame in frames:
            self._times.append(frame.time_ns)
            sample_ns, moment = self._sample_time.of(frame)
            records = self._driver.records(frame, moment)
            self._put([*map(flagged, records)], frame.time_ns, sample_ns)

    def _tell_changes(self) -> None:
        while self._link.changes:
            change: Change = self._link.changes.popleft()
            self._event(change.kind, change.text, change.time_ns)
            if change.kind == "link lost":
                self._take(self._decoder.flush(), change.time_ns)
                self._echo.release()
            elif change.kind in {"link opened", "link back"}:
                self._begin()

    def _check_stranger(self) -> None:
        counters = self._decoder.counters
        if counters.frames_ok > self._frames_before:
            self._foreign_from, self._frames_before = counters.bytes, counters.frames_ok
        elif counters.bytes - self._foreign_from > FOREIGN_BYTES:
            self._foreign_from = counters.bytes
            self._event(
                "device",
                f"{FOREIGN_BYTES} bytes and no frame of {self._driver.device.title} among them: "
                "another device or baud rate? sniffdrone identify tells",
            )

    def _event(self, kind: str, text: str, monotonic_ns: int | None = None) -> None:
        time_ns = self._monotonic_ns() if monotonic_ns is None else monotonic_ns
        utc = self._utc_of(time_ns)
        self._put([Event(utc.time_ns, self.name, kind, text, utc.sigma_s)], time_ns, time_ns)

    def _put(self, records: list[Record], arrival_ns: int, sample_ns: int) -> None:
        """Never waits: the oldest records go if nobody takes them."""
        if not records:
            return
        if self._on_frame is not None:
            self._on_frame(records, arrival_ns, sample_ns)
        for record in records:
            self.records.put(record)
        self._rouse()

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.is_set():  # whoever waits clears, then takes
            self._wake.set()
