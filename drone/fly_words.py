"""The state of a flight in words, for screen and plain lines alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firmware_bridge.health import (
        AutopilotHealth,
        ClockHealth,
        DeviceHealth,
        DiskHealth,
        Health,
    )

__all__ = [
    "autopilot_words",
    "clock_words",
    "device_words",
    "disk_words",
    "health_line",
    "verdict_words",
    "wind_words",
]

MEGABYTE = 1e6
LONG_MINUTES = 6000.0


def verdict_words(health: Health) -> str:
    """Whether all is well, in a line."""
    count = len(health.troubles)
    minutes, seconds = divmod(int(health.running_s), 60)
    for_long = f"running for {minutes}:{seconds:02d}"
    if not count:
        return f"RECORDING, all in order; {for_long}"
    recording = "RECORDING" if health.disk.is_recording else "NOT RECORDING"
    return f"{recording}, {count} {'thing is' if count == 1 else 'things are'} wrong; {for_long}"


def autopilot_words(told: AutopilotHealth) -> str:
    """Link, vehicle, mode, position, battery."""
    if not told.is_heard:
        return f"not heard on {told.link}"
    parts = [f"{told.vehicle or 'vehicle'} on {told.link}"]
    if told.armed is not None:
        parts.append("armed" if told.armed else "disarmed")
    if told.mode is not None:
        parts.append(f"mode {told.mode}")
    if told.has_fix is not None:
        satellites = "" if told.satellites is None else f", {told.satellites} satellites"
        parts.append(("fix" if told.has_fix else "NO FIX") + satellites)
    if told.latitude is not None and told.longitude is not None:
        parts.append(f"{told.latitude:.5f}, {told.longitude:.5f}")
    if told.height_above_home_m is not None:
        parts.append(f"{told.height_above_home_m:.0f} m above home")
    if told.battery_remaining is not None:
        parts.append(f"battery {told.battery_remaining:.0%}")
    elif told.battery_v is not None:
        parts.append(f"battery {told.battery_v:.1f} V")
    return "; ".join(parts)


def wind_words(told: AutopilotHealth) -> str:
    """The autopilot's estimate."""
    if told.wind_speed_m_s is None or told.wind_from_deg is None:
        return "no estimate from the autopilot"
    return f"{told.wind_speed_m_s:.1f} m/s from {told.wind_from_deg:.0f} deg (autopilot's estimate)"


def clock_words(told: ClockHealth) -> str:
    """Whose UTC it is and how sure."""
    if told.source == "vehicle":
        return f"UTC by the vehicle, within {_seconds(2.0 * told.sigma_s)}"
    if told.sigma_s > 1.0:
        return "UTC UNKNOWN: this computer's clock is not set, and the vehicle tells none yet"
    return f"UTC by this computer, within {_seconds(2.0 * told.sigma_s)}"


def disk_words(told: DiskHealth) -> str:
    """What is written and how long there is room."""
    left = (
        f"{told.minutes_left:.0f} min left" if told.minutes_left < LONG_MINUTES else "room for days"
    )
    lost = f"; {told.lost_bytes} BYTES LOST" if told.lost_bytes else ""
    state = "" if told.state == "recording" else f"{told.text}; "
    name = told.file.rpartition("/")[2] or "no file"
    return f"{state}{name}, {told.written_bytes / MEGABYTE:.1f} MB; {left}{lost}"


def device_words(told: DeviceHealth) -> str:
    """One device in a few words."""
    if told.trouble:
        return f"{told.name} {told.trouble}"
    warm = f", warm in {told.warm_up_s:.0f} s" if told.warm_up_s > 0.0 else ""
    broken = f", {told.faults} broken" if told.faults else ""
    return f"{told.name} {told.rate_hz:.1f}/s{warm}{broken}"


def health_line(health: Health) -> str:
    """Everything in one line, for a log."""
    parts = [
        verdict_words(health),
        *(device_words(one) for one in health.devices),
        f"autopilot {autopilot_words(health.autopilot)}",
        clock_words(health.clock),
        disk_words(health.disk),
    ]
    return " | ".join(parts)


def _seconds(value: float) -> str:
    if math.isinf(value) or math.isnan(value):
        return "an unknown time"
    return f"{value * 1e3:.0f} ms" if value < 1.0 else f"{value:.0f} s"
