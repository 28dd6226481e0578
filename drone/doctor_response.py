"""Zero and bump: what a channel says in clean air, and how it answers a known gas."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from statistics import linear_regression, median
from typing import TYPE_CHECKING

from sensors.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Bump", "Expected", "Zero", "bump_of", "expected_gas", "zero_of"]

LEAST_SAMPLES = 5
SECONDS_AN_HOUR = 3600.0
PLATEAU_SHARE = 0.2  # of the time the gas is applied, at its end
_UNITS = {
    "ppb": (1e-9, "1"),
    "ppm": (1e-6, "1"),
    "%": (1e-2, "1"),
    "ug/m3": (1e-9, "kg m-3"),
    "mg/m3": (1e-6, "kg m-3"),
}
_EXPECTED = re.compile(
    r"(?:(?P<device>[^/=]+)/)?(?P<channel>[^/=]+)= *(?P<value>[0-9.+-]+(?:[eE][0-9+-]+)?) *"
    r"(?P<unit>\S+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A known gas: device (empty for any that has the channel), channel, value in SI, its unit."""

    device: str
    channel: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Zero:
    """A channel in clean air, in its unit: mean, deviation about its line, the line's slope."""

    mean: float
    noise: float
    drift_per_hour: float
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bump:
    """How a channel answered.

    Attributes
    ----------
    plateau : float
        Above the baseline, median of the last fifth of the time.
    response : float
        `plateau` over what was expected [1].
    t90_s, rise_s : float
        Until 90 % of `plateau`, from the moment at which the gas was asked for, and from 10 %;
        NaN where there is no rise.
    is_rising : bool
        It still rose at the end: the gas was not applied for long enough.
    samples : int
    """

    plateau: float
    response: float
    t90_s: float
    rise_s: float
    is_rising: bool
    samples: int


def expected_gas(text: str) -> Expected:
    """What ``--bump`` names.

    Raises
    ------
    ConfigError
        It is not of the form "channel=value unit".

    Examples
    --------
    >>> expected_gas("co=50 ppm")
    Expected(device='', channel='co', value=4.9999999999999996e-05, unit='1')
    """
    found = _EXPECTED.fullmatch(text.strip())
    known = ", ".join(_UNITS)
    if found is None or found["unit"] not in _UNITS:
        raise ConfigError(
            f'--bump "{text}": write channel=value unit, such as "co=50 ppm" or '
            f'"pid/co=50 ppm"; units are {known}'
        )
    scale, unit = _UNITS[found["unit"]]
    try:
        value = float(found["value"]) * scale
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise ConfigError(f'--bump "{text}": the value must be a number above 0')
    return Expected(
        device=(found["device"] or "").strip(),
        channel=found["channel"].strip(),
        value=value,
        unit=unit,
    )


def zero_of(times_s: Sequence[float], values: Sequence[float]) -> Zero | None:
    """Mean, noise and drift of a channel in clean air; None with fewer than 5 readings.

    Parameters
    ----------
    times_s : sequence of float
        [s].
    values : sequence of float
        In the channel's unit; NaN are left out.

    Examples
    --------
    >>> zero_of([0.0, 1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0, 5.0])
    Zero(mean=3.0, noise=0.0, drift_per_hour=3600.0, samples=5)
    """
    times_s, values = _finite(times_s, values)
    if len(values) < LEAST_SAMPLES or times_s[-1] <= times_s[0]:
        return None
    line = linear_regression(times_s, values)
    off = (
        value - line.intercept - line.slope * time
        for time, value in zip(times_s, values, strict=True)
    )
    return Zero(
        mean=math.fsum(values) / len(values),
        noise=math.sqrt(math.fsum(one * one for one in off) / (len(values) - 2)),
        drift_per_hour=line.slope * SECONDS_AN_HOUR,
        samples=len(values),
    )


def bump_of(
    times_s: Sequence[float], values: Sequence[float], *, baseline: float, expected: float
) -> Bump | None:
    """How a channel answered a known gas; None with fewer than 5 readings.

    Parameters
    ----------
    times_s : sequence of float
        Since the gas was asked for [s].
    values : sequence of float
        In the channel's unit; NaN are left out.
    baseline, expected : float
        In clean air, and what the gas should add to it.

    Examples
    --------
    >>> bump = bump_of(range(10), [0, 0, 5, 9, 10, 10, 10, 10, 10, 10], baseline=0, expected=10)
    >>> bump.response, bump.t90_s, bump.rise_s, bump.is_rising
    (1.0, 3, 1, False)
    """
    times_s, values = _finite(times_s, values)
    if len(values) < LEAST_SAMPLES:
        return None
    end, span = times_s[-1], times_s[-1] - times_s[0]
    above = [value - baseline for value in values]
    plateau = _median_since(times_s, above, end - PLATEAU_SHARE * span, end)
    before = _median_since(
        times_s, above, end - 2 * PLATEAU_SHARE * span, end - PLATEAU_SHARE * span
    )
    t10, t90 = (_crossing(times_s, above, share * plateau) for share in (0.1, 0.9))
    return Bump(
        plateau=plateau,
        response=plateau / expected,
        t90_s=t90,
        rise_s=t90 - t10,
        is_rising=before < 0.9 * plateau,
        samples=len(values),
    )


def _finite(times_s: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    kept = [one for one in zip(times_s, values, strict=True) if math.isfinite(one[1])]
    return [time for time, _ in kept], [value for _, value in kept]


def _median_since(
    times_s: Sequence[float], values: Sequence[float], begin: float, end: float
) -> float:
    some = [value for time, value in zip(times_s, values, strict=True) if begin <= time <= end]
    return median(some) if some else values[-1]


def _crossing(times_s: Sequence[float], values: Sequence[float], level: float) -> float:
    """When a value first reached a level; NaN if none did or it is not above 0."""
    if level <= 0.0:
        return math.nan
    return next((t for t, value in zip(times_s, values, strict=True) if value >= level), math.nan)
