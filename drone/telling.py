"""What the ground is told in flight: readings, alarms, and changes of state.

Part of the flight side: nothing heavy is imported here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from firmware_bridge import telemetry_names
from firmware_bridge.telemetry import ALARM, INFO, TEXT_BYTES, WARNING
from firmware_bridge.tunnel import MOST_CHANNELS, Batch, Channel, TunnelFlag
from sensors.records import GasSample, Quality
from sensors.units import readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from firmware_bridge.health import Health
    from firmware_bridge.mavlink import Autopilot

__all__ = ["RELATIVE", "Alarm", "Place", "Teller", "in_words", "place_of"]

NS = 1_000_000_000
PLACE_AGE_NS = 2 * NS  # the gap rule of a Flight
GAS = 1  # kind of a TUNNEL payload with readings
RAW = 201  # species of a number that is no concentration
RELATIVE = "relative"  # unit of what is told as a share of its clean-air value
FEW_MINUTES = 10.0
OFFER_NS = NS // 7  # of one device; the link takes five a second
# the same few channels are asked for many times a second
species_and_unit = lru_cache(maxsize=256)(telemetry_names.species_and_unit)
value_name = lru_cache(maxsize=256)(telemetry_names.value_name)
FLAGS = {
    Quality.WARMING_UP: TunnelFlag.WARMING_UP,
    Quality.SATURATED: TunnelFlag.SATURATED,
    Quality.FAULT: TunnelFlag.FAULT,
    Quality.CLOCK_POOR: TunnelFlag.CLOCK_POOR,
}
QUALITY_BITS = 0xFF  # what fits in a channel's byte


@dataclass(frozen=True, slots=True)
class Place:
    """Where the vehicle is: degrees WGS 84, metres above the sea; NaN if unknown."""

    latitude: float = math.nan
    longitude: float = math.nan
    altitude_amsl_m: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Gas where there was none, or the end of it.

    Attributes
    ----------
    time_ns : int
        UTC of the reading.
    source, channel : str
        As in its `GasSample`.
    unit : str
        Of `excess` and `sigma`: the sample's, or `RELATIVE`.
    index : int
        Of the channel among those of its device.
    is_begin : bool
    excess : float
        Reading above the baseline.
    sigma : float
        1-sigma noise of that.
    strength : float
        What decided: the largest mean excess over some seconds, in its own spreads.
    place : Place
    """

    time_ns: int
    source: str
    channel: str
    unit: str
    index: int
    is_begin: bool
    excess: float
    sigma: float
    strength: float
    place: Place

    def text(self) -> str:
        """For the pilot, in at most 50 characters."""
        if not self.is_begin:
            return f"gas over: {self.channel}"[:TEXT_BYTES]
        is_share = self.unit == RELATIVE
        excess = f"{100.0 * self.excess:.3g} %" if is_share else in_words(self.excess, self.unit)
        told = f" +{excess}"
        told += f" ({self.strength:.0f}x noise)" if math.isfinite(self.strength) else ""
        return f"GAS {self.channel[: TEXT_BYTES - len(told) - 4]}{told}"

    def as_json(self) -> dict[str, object]:
        """For the recording."""
        told: dict[str, object] = {
            "time_ns": self.time_ns,
            "source": self.source,
            "channel": self.channel,
            "unit": self.unit,
            "state": "begin" if self.is_begin else "end",
            "value": self.excess,
            "sigma": self.sigma,
            "strength": self.strength,
            "latitude": self.place.latitude,
            "longitude": self.place.longitude,
            "altitude_amsl_m": self.place.altitude_amsl_m,
        }
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in told.items()
        }


def in_words(value: float, unit: str) -> str:
    """A value as people say it, with its unit; "-" if there is none."""
    if not math.isfinite(value):
        return "-"
    if unit == RELATIVE:
        return f"{100.0 * value:.3g} % of clean air"
    return readable(value, unit)


def place_of(autopilot: Autopilot, monotonic_ns: int) -> Place:
    """Where the vehicle was at a moment, by its last position; unknown if that is too old."""
    arrival_ns, told = autopilot.vehicle.latest.get("GLOBAL_POSITION_INT", (-(1 << 62), {}))
    if abs(monotonic_ns - arrival_ns) > PLACE_AGE_NS or told.get("lat_deg") is None:
        return Place()
    altitude = told["alt_amsl_m"]
    return Place(told["lat_deg"], told["lon_deg"], math.nan if altitude is None else altitude)


class Teller:
    """Offers to telemetry what the ground should know; what a full link drops is counted there.

    Parameters
    ----------
    autopilot : Autopilot
    devices : iterable of str
        Names of the mission's devices, in order: they are numbered from 1 on the link.
    """

    def __init__(self, autopilot: Autopilot, devices: Iterable[str]) -> None:
        self._autopilot, self._telemetry = autopilot, autopilot.telemetry
        self._numbers = {name: number for number, name in enumerate(devices, start=1)}
        self._sequence = dict.fromkeys(self._numbers, 0)
        self._offered_ns: dict[str, int] = {}
        self._names: dict[str, tuple[str, str]] = {}
        self._troubles: dict[str, str] = {}
        self._is_short_of_disk = False
        self._news = ""

    def readings(
        self, samples: list[GasSample], sigmas: Mapping[str, float], place: Place, now_ns: int
    ) -> None:
        """Offer what a device said at one moment.

        Parameters
        ----------
        samples : list of GasSample
            Of one device and moment.
        sigmas : mapping of str to float
            1-sigma noise by channel, in the samples' units, where it is known.
        place : Place
        now_ns : int
            On the monotonic clock.
        """
        first = samples[0]
        if now_ns - self._offered_ns.get(first.source, 0) < OFFER_NS:
            return  # it would be replaced before it is sent
        self._offered_ns[first.source] = now_ns
        channels = [
            _channel(index, sample, sigmas.get(sample.channel, math.nan))
            for index, sample in enumerate(samples[:MOST_CHANNELS])
        ]
        quality = Quality(0)
        for sample in samples:
            quality |= sample.quality
        self._offer(first.source, first.time_ns, channels, quality, place, now_ns)
        boot_ms = self._autopilot.vehicle.boot_ms(now_ns) or 0
        for sample, channel in zip(samples, channels, strict=False):
            name = value_name(sample.channel, sample.unit)
            # of two channels that would have one name, the first has it
            owner = self._names.setdefault(name, (sample.source, sample.channel))
            if owner == (sample.source, sample.channel) and math.isfinite(channel.value):
                self._telemetry.value(name, channel.value, boot_ms=boot_ms, now_ns=now_ns)

    def alarms(self, alarms: Iterable[Alarm], now_ns: int) -> None:
        """Tell the pilot, and the ground station with place and strength.

        A TUNNEL of kind 3 has an entry for each channel of a device whose alarm began (its
        excess above the baseline) or ended (0).
        """
        by_device: dict[str, list[Alarm]] = {}
        for alarm in alarms:
            by_device.setdefault(alarm.source, []).append(alarm)
            self._telemetry.text(alarm.text(), severity=WARNING if alarm.is_begin else INFO)
        for source, some in by_device.items():
            channels = [_alarm_channel(alarm) for alarm in some[:MOST_CHANNELS]]
            first = some[0]
            batch = self._batch(ALARM, source, first.time_ns, channels, TunnelFlag.UTC, first.place)
            self._telemetry.batch(batch, now_ns=now_ns)

    def health(self, health: Health) -> list[str]:
        """Tell the pilot what has changed since the last call; returns the same lines."""
        now = {one.name: one.trouble for one in health.devices if one.trouble}
        if not health.disk.is_recording:
            now["recording"] = health.disk.text
        said = [f"{name}: {text}" for name, text in now.items() if name not in self._troubles]
        back = [f"{name}: in order again" for name in self._troubles if name not in now]
        self._troubles = now
        if health.disk.news and health.disk.news != self._news:
            said.append(f"recording: {health.disk.news}")
        self._news = health.disk.news
        is_short = health.disk.minutes_left < FEW_MINUTES
        if is_short and not self._is_short_of_disk:
            said.append(f"disk full in {health.disk.minutes_left:.0f} min")
        self._is_short_of_disk = is_short
        for text in said:
            self._telemetry.text(text)
        for text in back:
            self._telemetry.text(text, severity=INFO)
        return said + back

    def _offer(
        self,
        source: str,
        time_ns: int,
        channels: list[Channel],
        quality: Quality,
        place: Place,
        now_ns: int,
    ) -> None:
        flags = TunnelFlag.UTC
        for bit, flag in FLAGS.items():
            flags |= flag if quality & bit else TunnelFlag(0)
        self._telemetry.batch(
            self._batch(GAS, source, time_ns, channels, flags, place), now_ns=now_ns
        )

    def _batch(
        self,
        kind: int,
        source: str,
        time_ns: int,
        channels: list[Channel],
        flags: TunnelFlag,
        place: Place,
    ) -> Batch:
        sequence = self._sequence[source]
        self._sequence[source] += 1
        return Batch(
            kind=kind,
            device=self._numbers[source],
            sequence=sequence,
            time_us=max(time_ns, 0) // 1000,
            channels=tuple(channels),
            latitude=place.latitude,
            longitude=place.longitude,
            altitude_amsl_m=place.altitude_amsl_m,
            flags=flags,
        )


def _alarm_channel(alarm: Alarm) -> Channel:
    if alarm.unit == RELATIVE:
        species, unit, scale = RAW, 0, 1.0
    else:
        species, unit, scale = species_and_unit(alarm.channel, alarm.unit)
    return Channel(
        index=alarm.index,
        species=species,
        unit=unit,
        value=alarm.excess * scale if alarm.is_begin else 0.0,
        sigma=alarm.sigma * scale,
    )


def _channel(index: int, sample: GasSample, sigma: float) -> Channel:
    species, unit, scale = species_and_unit(sample.channel, sample.unit)
    return Channel(
        index=index,
        species=species,
        unit=unit,
        value=sample.value * scale,
        sigma=sigma * scale,
        quality=int(sample.quality) & QUALITY_BITS,
    )
