"""The loop in the air: readings in, alarms and telemetry out, everything recorded.

Part of the flight side: nothing heavy is imported here.
"""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from detection.signal.alarm import LiveDetector
from drone.telling import RELATIVE, Alarm, Teller, in_words, place_of
from firmware_bridge.recording import ALARMS, HEALTH
from sensors.records import EnvironmentSample, Event, GasSample, Quality

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable

    from detection.signal.alarm import OnlineAlarm
    from drone.systemd import Notifier
    from firmware_bridge.bridge import Bridge, Record
    from firmware_bridge.health import Health
    from sensors.config import Mission

__all__ = ["Display", "Fly", "Reading"]

NS = 1_000_000_000
ROUND_S = 0.05
HEALTH_NS = NS
SHOW_NS = NS // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The newest reading of a channel, and what is made of it."""

    sample: GasSample
    excess: float = math.nan
    excess_unit: str = ""
    sigma: float = math.nan
    in_alarm: bool = False

    def value_words(self) -> str:
        """Value and unit, as people say it."""
        return in_words(self.sample.value, self.sample.unit)

    def excess_words(self) -> str:
        """Above the baseline."""
        return in_words(self.excess, self.excess_unit)

    def strength_words(self) -> str:
        """In noises."""
        ratio = self.excess / self.sigma if self.sigma > 0.0 else math.nan
        return f"{ratio:.1f}" if math.isfinite(ratio) else "-"

    def state_words(self) -> str:
        """Alarm, and what its quality says."""
        flags = [str(flag.name).lower().replace("_", " ") for flag in Quality(self.sample.quality)]
        return ", ".join((["GAS"] if self.in_alarm else []) + flags)


class Display(Protocol):
    """Where the state of a flight is shown."""

    def say(self, text: str, *, is_alarm: bool = False) -> None:
        """Something happened."""

    def show(self, health: Health, readings: dict[tuple[str, str], Reading]) -> None:
        """How it is now; called twice a second."""


class Fly:
    """One flight.

    Parameters
    ----------
    bridge : Bridge
        Started.
    mission : Mission
    display : Display
    notifier : Notifier
    monotonic_ns : callable

    Attributes
    ----------
    alarms : int
        That began.
    """

    def __init__(
        self,
        bridge: Bridge,
        mission: Mission,
        *,
        display: Display,
        notifier: Notifier,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.alarms = 0
        self._bridge, self._display, self._notifier = bridge, display, notifier
        self._monotonic_ns = monotonic_ns
        self._teller = Teller(bridge.autopilot, bridge.device_names)
        self._detector = LiveDetector(false_alarms_per_hour=mission.detection.false_alarms_per_hour)
        self._newest: dict[tuple[str, str], tuple[GasSample, OnlineAlarm, str]] = {}
        self._air = (math.nan, math.nan)  # temperature [K] and relative humidity [1]
        self._health: Health | None = None
        self._told_ns = self._shown_ns = -(1 << 62)

    def run(self, stop: threading.Event) -> None:
        """Until it is stopped."""
        self._notifier.ready()
        while not stop.is_set():
            self._bridge.wait(ROUND_S)
            self.step()
        self._notifier.stopping()

    def step(self) -> None:
        """One round of the loop that does the work."""
        self._digest(self._bridge.take_readings())
        is_critical = self._health is not None and self._health.is_critical
        self._digest(self._bridge.step_vehicle(is_critical=is_critical))
        now_ns = self._monotonic_ns()
        if now_ns - self._shown_ns >= SHOW_NS:
            self._shown_ns = now_ns
            self._health = health = self._bridge.health()
            if now_ns - self._told_ns >= HEALTH_NS:
                self._told_ns = now_ns
                self._tell(health, now_ns)
            self._display.show(health, self._readings())

    def _readings(self) -> dict[tuple[str, str], Reading]:
        return {
            key: Reading(
                sample=sample,
                excess=found.excess,
                excess_unit=unit,
                sigma=found.sigma,
                in_alarm=found.in_alarm,
            )
            for key, (sample, found, unit) in self._newest.items()
        }

    def _tell(self, health: Health, now_ns: int) -> None:
        self._bridge.recorder.message(HEALTH, health.as_json(), now_ns)
        for text in self._teller.health(health):
            self._display.say(text)
        self._notifier.alive(f"{len(health.troubles)} troubles; {health.disk.text}")

    def _digest(self, records: Iterable[Record]) -> None:
        for (kind, _, _), some in itertools.groupby(
            records, key=lambda record: (type(record), record.source, record.time_ns)
        ):
            if kind is GasSample:
                self._smell([one for one in some if isinstance(one, GasSample)])
                continue
            for record in some:
                if isinstance(record, EnvironmentSample):
                    self._note_air(record)
                elif isinstance(record, Event):
                    self._display.say(f"{record.source}: {record.kind} {record.text}".rstrip())

    def _smell(self, samples: list[GasSample]) -> None:
        """Readings of one device and moment."""
        now_ns = self._monotonic_ns()
        sample_ns = self._bridge.monotonic_of(samples[0].time_ns)
        place = place_of(self._bridge.autopilot, sample_ns)
        sigmas: dict[str, float] = {}
        alarms: list[Alarm] = []
        for index, sample in enumerate(samples):
            key = (sample.source, sample.channel)
            found = self._detector.feed(
                key,
                sample_ns * 1e-9,
                sample.value,
                sample.unit,
                temperature=self._air[0],
                humidity=self._air[1],
                quality=sample.quality,
            )
            # what is made of a resistance is relative to clean air, no fraction of the air
            unit = sample.unit if found.unit == sample.unit else RELATIVE
            self._newest[key] = (sample, found, unit)
            if unit != RELATIVE:
                sigmas[sample.channel] = found.sigma
            if found.change:
                alarms.append(
                    Alarm(
                        time_ns=sample.time_ns,
                        source=sample.source,
                        channel=sample.channel,
                        unit=unit,
                        index=index,
                        is_begin=found.in_alarm,
                        excess=found.excess,
                        sigma=found.sigma,
                        strength=found.snr,
                        place=place,
                    )
                )
        self._teller.readings(samples, sigmas, place, now_ns)
        self._raise(alarms, now_ns)

    def _raise(self, alarms: list[Alarm], now_ns: int) -> None:
        if not alarms:
            return
        self._teller.alarms(alarms, now_ns)
        for alarm in alarms:
            self.alarms += alarm.is_begin
            self._bridge.recorder.message(ALARMS, alarm.as_json(), now_ns)
            self._display.say(alarm.text(), is_alarm=alarm.is_begin)

    def _note_air(self, record: EnvironmentSample) -> None:
        """The air around a sensor matters; an autopilot tells that of its warm board."""
        if record.source == "autopilot":
            return
        temperature, humidity = self._air
        if math.isfinite(record.temperature):
            temperature = record.temperature
        if math.isfinite(record.relative_humidity):
            humidity = record.relative_humidity
        self._air = (temperature, humidity)
