"""What zero and bump tests mean for whoever flies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from drone.doctor_findings import one
from sensors.records import Quality
from sensors.units import readable

if TYPE_CHECKING:
    from drone.doctor_findings import Finding
    from drone.doctor_response import Bump, Expected, Zero

__all__ = ["judged_bump", "judged_zero"]

GOOD_RESPONSE, LEAST_RESPONSE, MOST_RESPONSE = (0.8, 1.2), 0.5, 2.0
DRIFT_NOISES = 3.0  # over the time of the test


def judged_zero(subject: str, zero: Zero, unit: str, quality: int, seconds: float) -> Finding:
    """Whether a channel is calm enough in clean air.

    Parameters
    ----------
    subject : str
        Device and channel.
    zero : Zero
    unit : str
        Of the channel.
    quality : int
        All flags of its readings together.
    seconds : float
        How long it took.
    """
    found = (
        f"mean {readable(zero.mean, unit)}, noise {readable(zero.noise, unit)}, drift "
        f"{readable(zero.drift_per_hour, unit)} an hour, {zero.samples} readings"
    )
    drifted = abs(zero.drift_per_hour) * seconds / 3600.0
    figures: dict[str, float | str] = {
        "mean": zero.mean,
        "noise": zero.noise,
        "drift_per_hour": zero.drift_per_hour,
        "samples": zero.samples,
        "unit": unit,
    }
    if quality & Quality.WARMING_UP:
        return one(
            "zero",
            subject,
            "warning",
            f"{found}; still warming up",
            "repeat it when the device is warm",
            figures,
        )
    if zero.noise > 0.0 and drifted > DRIFT_NOISES * zero.noise:
        return one(
            "zero",
            subject,
            "warning",
            f"{found}; it drifts",
            "let it warm up longer, and make sure that the air is clean",
            figures,
        )
    return one("zero", subject, "ok", found, "", figures)


def judged_bump(subject: str, bump: Bump, expected: Expected) -> Finding:
    """Whether a channel answers a known gas as it should: 80 to 120 % of it."""
    quick = f"t90 {bump.t90_s:.1f} s" if math.isfinite(bump.t90_s) else "no rise"
    found = (
        f"response {100.0 * bump.response:.0f} % of {readable(expected.value, expected.unit)}, "
        f"{quick}, {bump.samples} readings"
    )
    figures: dict[str, float | str] = {
        "response": bump.response,
        "t90_s": bump.t90_s,
        "rise_s": bump.rise_s,
        "samples": bump.samples,
    }
    if not LEAST_RESPONSE <= bump.response <= MOST_RESPONSE:
        return one(
            "bump",
            subject,
            "failure",
            found,
            "check gas and tubing; calibrate the sensor, or replace it",
            figures,
        )
    if bump.is_rising:
        return one(
            "bump",
            subject,
            "warning",
            f"{found}, still rising at the end",
            "apply the gas for longer (--bump-for)",
            figures,
        )
    low, high = GOOD_RESPONSE
    if not low <= bump.response <= high:
        return one(
            "bump",
            subject,
            "warning",
            found,
            f"outside {100 * low:.0f} to {100 * high:.0f} %: calibrate it",
            figures,
        )
    return one("bump", subject, "ok", found, "", figures)
