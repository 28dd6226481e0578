"""Every device opened with its real dialogue: whether it answers, how often, and how well."""

from __future__ import annotations

import math
import os
import threading
import time
from typing import TYPE_CHECKING

from drone.doctor_findings import Finding, one, split_advice
from drone.identifying import Doubt
from firmware_bridge.bridge import device_name
from firmware_bridge.link import SerialLink
from firmware_bridge.ports import stable_name
from firmware_bridge.reader import DeviceReader
from sensors.errors import LinkError
from sensors.records import Event, GasSample, Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from drone.doctor_findings import State
    from firmware_bridge.device_clock import Estimate
    from firmware_bridge.reader import Status
    from sensors.config import DeviceTable
    from sensors.devices import Driver, Record

__all__ = ["Probe"]

NS = 1_000_000_000
LEAST_PATIENCE_S, MOST_PATIENCE_S = 6.0, 12.0
WATCH_S = 3.0  # after the first frame, for the rate
LONGEST_S = 15.0  # all together
LOOK_S = 0.05
FEW_FAULTS = 0.02  # of the frames
ENOUGH_OF_RATE = 0.7
VOID = Quality.FAULT | Quality.MISSING


class Probe:
    """One device, kept open until it is closed.

    Parameters
    ----------
    table : DeviceTable
    driver : Driver
    utc_of : callable
        UTC of a moment of the monotonic clock, an `Estimate`.
    stop : Event
        Ends the waiting.

    Attributes
    ----------
    name : str
    samples : list of (float, GasSample)
        When it arrived [s, monotonic] and what it says.
    bytes_per_s, frames_per_s, records_per_s : float
        Over the time it was heard; 0 for a device that is not.
    is_answering : bool
    """

    def __init__(
        self,
        table: DeviceTable,
        driver: Driver,
        *,
        utc_of: Callable[[int], Estimate],
        stop: threading.Event,
    ) -> None:
        self.name, self.driver, self.table = device_name(table), driver, table
        self.samples: list[tuple[float, GasSample]] = []
        self.bytes_per_s = self.frames_per_s = self.records_per_s = 0.0
        self.is_answering = False
        self._baud = table.baud or driver.device.baud
        self._link = SerialLink(table.port, self._baud)
        self._doubt = Doubt(driver.device.title, self._baud)
        self._stop = stop
        self._notes: list[str] = []
        self._arrivals: list[float] = []
        self._bytes = self._records = 0
        self._lock = threading.Lock()
        self._reader = DeviceReader(
            self.name,
            driver,
            self._link,
            utc_of=utc_of,
            on_bytes=self._hear,
            on_frame=self._take,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the port back."""
        self._reader.close()

    def clear(self) -> None:
        """Forget the samples so far."""
        with self._lock:
            self.samples = []

    def taken(self) -> list[tuple[float, GasSample]]:
        """The samples so far."""
        with self._lock:
            return list(self.samples)

    def open(self) -> Finding:
        """Open the port: whether it is there, ours to open, free, and named to last."""
        port, stable = self.table.port, stable_name(self.table.port)
        try:
            self._link.open()
        except LinkError as error:
            found, fix = split_advice(str(error))
            if not os.path.exists(port):  # noqa: PTH110 - a name as given
                fix = f"plug it in, or correct port in the mission file: {fix}"
            return Finding(area="port", subject=self.name, state="failure", found=found, fix=fix)
        is_passing = os.path.basename(port).startswith(("ttyUSB", "ttyACM"))  # noqa: PTH119
        if is_passing:
            return Finding(
                area="port",
                subject=self.name,
                state="warning",
                found=f"{port} may be another device after the next start",
                fix=f'write port = "{stable or "/dev/serial/by-path/…"}" in the mission file',
            )
        return Finding(
            area="port", subject=self.name, state="ok", found=f"{port} opened, {self._baud} baud"
        )

    def listen(self) -> list[Finding]:
        """Hold its dialogue until it is known how it does; at most `patience_s` and a watch."""
        begun = time.monotonic()
        self._reader.start()
        end = begun + patience_s(self.driver)
        while not self._stop.is_set() and time.monotonic() < end and not self._arrivals:
            time.sleep(LOOK_S)
        if not self._arrivals:
            return [self._silent(time.monotonic() - begun)]
        first = self._arrivals[0]
        period_s = self._period_s()
        end = min(first + max(WATCH_S, 3.2 * period_s), begun + LONGEST_S)
        while not self._stop.is_set() and time.monotonic() < end:
            time.sleep(LOOK_S)
        self._measure(first)
        self.is_answering = True
        return [self._answering(first - begun), *self._readings()]

    def _period_s(self) -> float:
        dialogue = self.driver.dialogue()
        return dialogue.period_s if dialogue.poll else 1.0 / max(self.driver.device.rate_hz, 0.1)

    def _measure(self, first: float) -> None:
        span_s = time.monotonic() - first
        arrivals = list(self._arrivals)
        # between the first and the last, so that a slow device's rate is no matter of luck
        between = arrivals[-1] - arrivals[0]
        self.frames_per_s = (len(arrivals) - 1) / between if between > 0.0 else 1.0 / span_s
        self.bytes_per_s, self.records_per_s = self._bytes / span_s, self._records / span_s

    def _silent(self, waited_s: float) -> Finding:
        heard = self._reader.status().counters.bytes
        frames = self._reader.status().counters.frames_ok
        doubt = self._doubt.verdict(0) if heard and not frames else None
        figures: dict[str, float | str] = {"bytes": heard, "waited_s": round(waited_s, 1)}
        if frames:
            found = f"{frames} frames and no reading in {waited_s:.1f} s"
            return self._finding("failure", found, "check what it is set to send", figures)
        if heard:
            found, _, fix = (doubt or "").partition("; ")
            found = found or f"{heard} bytes at {self._baud} baud and no frame"
            fix = f"{fix or 'check the wiring'} (sniffdrone identify --port {self.table.port})"
            return self._finding("failure", found, fix, figures)
        said = f" ({'; '.join(self._notes)})" if self._notes else ""
        return self._finding(
            "failure",
            f"silent for {waited_s:.1f} s at {self._baud} baud{said}",
            f"check power, cable (RX and TX crossed?) and baud rate; {self.driver.device.wiring}",
            figures,
        )

    def _answering(self, first_s: float) -> Finding:
        status = self._reader.status()
        faults = sum(status.counters.errors.values())
        figures: dict[str, float | str] = {
            "rate_hz": round(self.frames_per_s, 2),
            "first_frame_s": round(first_s, 2),
            "frames": status.counters.frames_ok,
            "faults": faults,
            "garbage_bytes": status.counters.garbage_bytes,
            "warm_up_s": round(status.warm_up_s, 1),
        }
        found = (
            f"{self.driver.device.title}: {self.frames_per_s:.3g} frames/s, first after "
            f"{first_s:.1f} s, {faults} faults in {status.counters.frames_ok} frames"
        )
        dialogue = self.driver.dialogue()
        if faults > 1 + FEW_FAULTS * status.counters.frames_ok:
            kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(status.counters.errors.items()))
            return self._finding(
                "warning",
                f"{found} ({kinds})",
                "shorten or shield the cable, check ground and supply, or another baud rate",
                figures,
            )
        is_polled = dialogue.poll is not None and status.step == "polling"
        if is_polled and self.frames_per_s < ENOUGH_OF_RATE / dialogue.period_s:
            return self._finding(
                "warning",
                f"{found}; asked {1.0 / dialogue.period_s:.3g} times a second",
                "it leaves requests unanswered: check the line to its RX",
                figures,
            )
        if self._notes:
            return self._finding(
                "warning",
                f"{found}; {'; '.join(self._notes)}",
                "check plug and cable, or switch the device off and on",
                figures,
            )
        return self._warmth(status, found, figures)

    def _warmth(self, status: Status, found: str, figures: dict[str, float | str]) -> Finding:
        if status.warm_up_s <= 0.0:
            return self._finding("ok", found, "", figures)
        return self._finding(
            "warning",
            f"{found}; warming up, {status.warm_up_s:.0f} s to go",
            "leave it on; counted from now, so it is ready earlier if it had power before",
            figures,
        )

    def _readings(self) -> list[Finding]:
        """Channels whose device says that something is wrong."""
        newest = {sample.channel: sample for _, sample in self.taken()}
        wrong = [one for one in newest.values() if one.quality & VOID or math.isnan(one.value)]
        if not wrong:
            return []
        told = ", ".join(f"{one.channel} ({_flags(one.quality)})" for one in wrong)
        state: State = "failure" if len(wrong) == len(newest) else "warning"
        return [
            Finding(
                area="device",
                subject=f"{self.name} readings",
                state=state,
                found=f"no value from {told}",
                fix="let it warm up; if it stays so, the sensor head is at fault",
            )
        ]

    def _finding(
        self, state: State, found: str, fix: str, figures: dict[str, float | str]
    ) -> Finding:
        return one("device", self.name, state, found, fix, figures)

    def _hear(self, data: bytes, time_ns: int) -> None:
        del time_ns
        self._bytes += len(data)
        self._doubt.hear(data)

    def _take(self, records: Sequence[Record], arrival_ns: int, sample_ns: int) -> None:
        del sample_ns
        for record in records:
            if isinstance(record, Event):
                if record.kind == "link lost":
                    self._notes.append(f"the link was lost ({record.text})")
                elif record.kind == "device" and "identify" not in record.text:
                    self._notes.append(record.text)
                return
        if not records:
            return
        self._records += len(records)
        arrival = arrival_ns / NS
        with self._lock:
            self.samples += [(arrival, one) for one in records if isinstance(one, GasSample)]
        self._arrivals.append(arrival)


def patience_s(driver: Driver) -> float:
    """How long a device may take until its first frame [s]."""
    dialogue = driver.dialogue()
    requests = (*dialogue.opening, *dialogue.identify)
    asking_s = sum(one.timeout_s * one.tries for one in requests if one.answers is not None)
    period_s = dialogue.period_s if dialogue.poll else 1.0 / max(driver.device.rate_hz, 0.1)
    least = max(LEAST_PATIENCE_S, dialogue.listen_s + asking_s + 2.5 * period_s)
    return min(least, MOST_PATIENCE_S)


def _flags(quality: Quality) -> str:
    names = [str(flag.name).lower().replace("_", " ") for flag in Quality(quality)]
    return ", ".join(names) or "not a number"
