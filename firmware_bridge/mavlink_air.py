"""Messages that tell of the air: its motion, pressure and humidity, in SI."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from firmware_bridge.mavlink_si import ZERO_CELSIUS_K, boot_time, finite, unless, usec_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    Raw = Mapping[str, Any]
    Told = dict[str, Any]

__all__ = ["hygrometer", "scaled_pressure", "wind", "wind_cov"]


def wind(raw: Raw) -> Told:
    """ArduPilot: where it comes *from*; speed 0 from 180 degrees is "no estimate", not calm."""
    direction, speed = raw["direction"], raw["speed"]
    no_estimate = speed == 0.0 and abs(direction) == 180.0
    if no_estimate or not (math.isfinite(direction) and math.isfinite(speed)):
        return {"wind_from_deg": None, "wind_speed_m_s": None, "wind_toward_ned_m_s": [None] * 3}
    angle = math.radians(direction)
    return {
        "wind_from_deg": direction % 360.0,
        "wind_speed_m_s": speed,
        "wind_toward_ned_m_s": [
            -speed * math.cos(angle),
            -speed * math.sin(angle),
            finite(raw["speed_z"]),
        ],
    }


def wind_cov(raw: Raw) -> Told:
    """PX4: the vector the air moves *towards*; accuracy 0 is unknown."""
    north, east = finite(raw["wind_x"]), finite(raw["wind_y"])
    knows = north is not None and east is not None
    return {
        **usec_time(raw),
        "wind_from_deg": math.degrees(math.atan2(-raw["wind_y"], -raw["wind_x"])) % 360.0
        if knows
        else None,
        "wind_speed_m_s": math.hypot(raw["wind_x"], raw["wind_y"]) if knows else None,
        "wind_toward_ned_m_s": [north, east, finite(raw["wind_z"])],
        "horiz_accuracy_m_s": unless(raw["horiz_accuracy"], 0.0),
        "vert_accuracy_m_s": unless(raw["vert_accuracy"], 0.0),
    }


def scaled_pressure(raw: Raw) -> Told:
    """Its temperature is that of the heated board."""
    return {
        **boot_time(raw),
        "pressure_Pa": finite(raw["press_abs"], 100.0),
        "temperature_K": raw["temperature"] / 100 + ZERO_CELSIUS_K,
    }


def hygrometer(raw: Raw) -> Told:
    """HYGROMETER_SENSOR in SI."""
    return {
        "temperature_K": raw["temperature"] / 100 + ZERO_CELSIUS_K,
        "relative_humidity": raw["humidity"] / 1e4,
    }
