"""What the ground hears from a flight: readings, alarms and texts, also as JSON."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

__all__ = ["Alarm", "GasMessage", "Heard", "Reading", "Said", "as_json", "utc_text"]

NS = 1_000_000_000
WARNING, ERROR = 4, 3  # severities of STATUSTEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One value of one channel.

    Attributes
    ----------
    channel : str
        Name by numbers, the same for as long as we watch.
    name : str
        Its name aboard, once a NAMED_VALUE_FLOAT has told it; until then `channel`.
    species : str
    value, sigma : float
        In `unit`; NaN where there is none.
    unit : str
        As `tunnel.UNITS` has it.
    flags : tuple of str
        What is to be said of it: warming_up, saturated, ….
    """

    component: int
    device: int
    index: int
    channel: str
    name: str
    species: str
    value: float
    sigma: float
    unit: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GasMessage:
    """What one device said at one moment.

    Attributes
    ----------
    time_ns : int
        UTC of the sample.
    arrival_ns : int
        On the monotonic clock.
    is_dated : bool
        The time is the message's own, not that of its arrival.
    sequence : int
    latitude, longitude, altitude_amsl_m : float
        NaN where unknown.
    readings : tuple of Reading
    """

    time_ns: int
    arrival_ns: int
    is_dated: bool
    sequence: int
    latitude: float
    longitude: float
    altitude_amsl_m: float
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """The bridge's detector: gas where there was none (`is_begin`), or the end of it."""

    message: GasMessage
    reading: Reading
    is_begin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A text to the pilot; the smaller the severity, the graver."""

    time_ns: int
    arrival_ns: int
    component: int
    severity: int
    text: str

    @property
    def is_alarm(self) -> bool:
        """Whether it has to stand out."""
        return self.severity <= ERROR or (self.severity <= WARNING and self.text.startswith("GAS "))


Heard = GasMessage | Alarm | Said


def utc_text(time_ns: int) -> str:
    """ISO 8601 to the microsecond; empty for a time no calendar has.

    >>> utc_text(1_500_000_000)
    '1970-01-01T00:00:01.500000Z'
    """
    seconds, rest = divmod(time_ns, NS)
    try:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return ""
    return f"{moment}.{rest // 1000:06d}Z"


def as_json(heard: Heard) -> list[dict[str, Any]]:
    """What was heard for a program: one object for each reading, alarm and text."""
    if isinstance(heard, Said):
        return [
            {
                "record": "text",
                "time": utc_text(heard.time_ns),
                "component": heard.component,
                "severity": heard.severity,
                "text": heard.text,
            }
        ]
    if isinstance(heard, Alarm):
        told = _reading_json(heard.message, heard.reading)
        return [told | {"record": "alarm", "state": "begin" if heard.is_begin else "end"}]
    return [_reading_json(heard, one) for one in heard.readings]


def _reading_json(message: GasMessage, reading: Reading) -> dict[str, Any]:
    told: dict[str, Any] = {
        "record": "gas",
        "time": utc_text(message.time_ns),
        "is_dated": message.is_dated,
        "component": reading.component,
        "device": reading.device,
        "sequence": message.sequence,
        "index": reading.index,
        "channel": reading.channel,
        "name": reading.name,
        "species": reading.species,
        "value": reading.value,
        "unit": reading.unit,
        "sigma": reading.sigma,
        "flags": list(reading.flags),
        "latitude": message.latitude,
        "longitude": message.longitude,
        "altitude_amsl_m": message.altitude_amsl_m,
    }
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in told.items()
    }
