"""How MAVLink writes values and times, and what it calls unknown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    Raw = Mapping[str, Any]
    Told = dict[str, Any]

__all__ = [
    "I16",
    "U8",
    "U16",
    "ZERO_CELSIUS_K",
    "boot_time",
    "finite",
    "place",
    "unless",
    "usec_time",
]

ZERO_CELSIUS_K = 273.15
U16, I16, U8 = 65535, 32767, 255
UNIX_ABOVE_US = 10**15  # time_usec beyond it counts from 1970, below it from boot


def unless(value: float, void: float, scale: float = 1.0) -> float | None:
    """A value in SI; None where it is the one that means "unknown", or not finite."""
    return None if value == void or not math.isfinite(value) else value * scale


def finite(value: float, scale: float = 1.0) -> float | None:
    """A value in SI; None where it is not finite."""
    return value * scale if math.isfinite(value) else None


def place(raw: Raw, lat: str = "lat", lon: str = "lon") -> Told:
    """1e-7 degrees; 0, 0 is what an autopilot says before it knows."""
    is_on_earth = abs(raw[lat]) <= 9 * 10**8 and abs(raw[lon]) <= 18 * 10**8
    knows = bool(raw[lat] or raw[lon]) and is_on_earth
    return {
        "lat_deg": raw[lat] / 1e7 if knows else None,
        "lon_deg": raw[lon] / 1e7 if knows else None,
    }


def boot_time(raw: Raw) -> Told:
    """Seconds since boot."""
    return {"time_boot_s": raw["time_boot_ms"] / 1e3}


def usec_time(raw: Raw) -> Told:
    """Microseconds since boot or since 1970, told apart by their size; 0 is neither."""
    time_us = raw["time_usec"]
    if not time_us:
        return {}
    key = "time_unix_s" if time_us > UNIX_ABOVE_US else "time_boot_s"
    return {key: time_us / 1e6}
