"""A device as the bridge sees it: its port, its protocol and its clock in one thread of its own."""

from __future__ import annotations

import bisect
import math
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware_bridge.device_clock import DeviceClock, Estimate
from firmware_bridge.record_queue import RecordQueue, flagged
from firmware_bridge.session import Echo, Session
from sensors.devices import Moment
from sensors.errors import LinkError, PortInUse
from sensors.framing import Frame
from sensors.records import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from firmware_bridge.link import Change, SerialLink
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
ARRIVAL_SIGMA_S = 0.005  # what an adapter's batches leave uncertain
FOREIGN_BYTES = 2000  # without one frame among them, another device may be on the port


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
        reads calls it, before `records` has them: it must not wait.
    wake : Event, optional
        Set when there is a record to take.
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
        self._clock = DeviceClock()
        self._echo = Echo()
        self._times: deque[int] = deque(maxlen=4096)
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
        """Stop reading and give the port back.

        Raises
        ------
        Exception
            What ended the thread before its time: a fault of this program.
        """
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)
        self._link.close()
        if self._failure is not None:
            raise self._failure

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
        heard_s = 0.0 if self._heard_ns is None else (now - self._heard_ns) / NS
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
        self._heard_ns: int | None = None
        self._foreign_from = self._decoder.counters.bytes
        self._frames_before = self._decoder.counters.frames_ok

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._step()
        except Exception as error:  # told by `close`, not lost with the thread
            self._failure = error

    def _step(self) -> None:
        if self._link.is_open:
            for sent in self._session.due(self._monotonic_ns()):
                if self._link.write(sent):
                    self._echo.sent(sent)
        is_idle = self._session.step == "streaming" and not self._decoder.pending
        chunk = self._link.read(STREAMING_READ_S if is_idle else READ_S)
        self._tell_changes()
        now = self._monotonic_ns()
        if chunk is not None:
            if self._on_bytes is not None:
                self._on_bytes(chunk.data, chunk.time_ns)
            self._last_ns = chunk.time_ns
            self._take(self._fed(chunk.data, chunk.time_ns), now)
        elif now - self._last_ns > self._idle_ns:
            held = self._echo.release()
            found = self._decoder.feed(held, self._last_ns) if held else []
            if self._decoder.pending:  # the rest of this frame will not come
                found += self._decoder.flush()
            self._take(found, now)
        for note in self._session.notes:
            self._event("device", note)
        self._session.notes.clear()
        self._check_stranger()

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
            if self._heard_ns is None:
                self._heard_ns = frame.time_ns
            self._times.append(frame.time_ns)
            sample = self._sample(frame)
            records = self._driver.records(frame, self._moment(frame, sample))
            self._put([*map(flagged, records)], frame.time_ns, sample.time_ns)

    def _sample(self, frame: Frame) -> Estimate:
        """When it was taken, on our clock: by the device's if it has one, else by arrival."""
        device_ns = self._driver.device_time_ns(frame)
        sample = Estimate(frame.time_ns, ARRIVAL_SIGMA_S)
        if device_ns is not None:
            event = self._clock.add(device_ns, frame.time_ns)
            if event is not None:
                self._event("clock", f"the device's clock began anew ({event})")
            sample = self._clock.time_of(device_ns, frame.time_ns)
        delay_ns = round(self._driver.sample_delay_s(frame) * NS)
        return Estimate(sample.time_ns - delay_ns, sample.sigma_s)

    def _moment(self, frame: Frame, sample: Estimate) -> Moment:
        utc = self._utc_of(sample.time_ns)
        heard_ns = frame.time_ns if self._heard_ns is None else self._heard_ns
        return Moment(
            source=self.name,
            time_ns=utc.time_ns,
            time_sigma_s=math.hypot(utc.sigma_s, sample.sigma_s),
            heard_for_s=(frame.time_ns - heard_ns) / NS,
        )

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
        if self._wake is not None and not self._wake.is_set():  # whoever waits clears, then takes
            self._wake.set()
