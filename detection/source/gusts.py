"""What the record of the wind shows: how turbulent the air is, and whether it was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter1d

from detection.source.prior import VON_KARMAN
from sensors.weather import GIVEN, is_one_wind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detection.source.observations import Observations

    FloatArray = NDArray[np.float64]

__all__ = ["error_of_one_wind", "friction_of_gusts"]

STEP_S = 1.0
GUST_STEPS = 21  # what lasts longer moves the whole plume, as the path of the wind does
# Deviation of a horizontal component of the wind over the friction velocity in neutral air, along
# and across together: Panofsky & Dutton (1984), Atmospheric Turbulence, table 7.1.
HORIZONTAL_RATIO = float(np.sqrt(0.5 * (2.4**2 + 1.9**2)))
FEWEST = 120  # seconds of wind that tell
SHARPEST = 0.35  # least deviation of steps of a second over that of gusts
ROUGHNESS_M = (1e-3, 1.0)  # of bare soil, and of a town
LEAST, MOST = 0.7, 1.5  # shares of their friction velocities, for air that is stable or stirred
# Error of direction [degree] and log speed of a wind that is one value: as somebody saw or heard
# it, or as a sensor holds it that stood still since take-off, which is hardly more than a guess.
GIVEN_ERROR, STILL_ERROR = (20.0, 0.3), (90.0, 0.8)
CALM_M_S = 0.15  # friction velocity that the sun may stir up in a calm
NORMAL = (0.1587, 0.8413)  # quantiles one standard deviation from the middle


def friction_of_gusts(observations: Observations) -> float | None:
    """Friction velocity of the air in which such gusts blow [m s-1].

    Parameters
    ----------
    observations : Observations

    Returns
    -------
    float or None
        None where the wind does not tell: readings are time averages, wind was given and not
        measured, too seldom or too short, is an estimate too smooth to follow gusts, or its
        gusts are too weak or too strong for any ground (an average, a constant, an anemometer
        in the rotors' wash).

    Notes
    -----
    A fixed ratio of the horizontal deviation to the friction velocity, as in neutral air; where
    the sun stirs it as well, this is the friction velocity of neutral air as turbulent as that.
    Noise of the anemometer counts as gusts; quantiles keep single wild values out.

    Examples
    --------
    >>> from detection.source.observations import Observations
    >>> zero, time = np.zeros(1), np.arange(3000.0)
    >>> gusts = np.random.default_rng(0).standard_normal((2, 3000))
    >>> seen = Observations(time_s=zero, east=zero, north=zero, height=zero, concentration=zero,
    ...     sigma=zero + 1.0, wind_time_s=time, eastward_wind=gusts[0], northward_wind=gusts[1])
    >>> round(friction_of_gusts(seen), 2)  # 1 / 2.16
    0.46
    """
    time = observations.wind_time_s
    if observations.averaging_time_s > 0 or time.size < FEWEST:
        return None
    grid = np.arange(time[0], time[-1] + 0.5 * STEP_S, STEP_S)
    after = np.clip(np.searchsorted(time, grid), 1, time.size - 1)
    away = np.minimum(np.abs(time[after] - grid), np.abs(grid - time[after - 1]))
    is_known = away <= STEP_S
    if is_known.sum() < FEWEST:
        return None
    gusts, steps = [], []
    for wind in (observations.eastward_wind, observations.northward_wind):
        even = np.interp(grid, time, wind)
        gusts.append((even - uniform_filter1d(even, GUST_STEPS))[is_known])
        steps.append(np.diff(even)[is_known[1:] & is_known[:-1]])
    deviation = _deviation(np.concatenate(gusts)) * np.sqrt(GUST_STEPS / (GUST_STEPS - 1.0))
    sharpness = _deviation(np.concatenate(steps)) / np.sqrt(2.0)
    friction = float(deviation / HORIZONTAL_RATIO)
    if sharpness < SHARPEST * deviation or not _is_possible(friction, observations):
        return None
    return friction


def error_of_one_wind(
    eastward: FloatArray, northward: FloatArray, *, source: str
) -> tuple[float, float]:
    """Error of a wind that is one value from beginning to end.

    Parameters
    ----------
    eastward, northward : ndarray, shape (n,)
        [m s-1].
    source : str
        As in a Flight; "given" is by hand.

    Returns
    -------
    tuple of float
        Standard deviation of the direction [degree] and of the logarithm of the speed; zeros of a
        wind that changes.

    Examples
    --------
    >>> error_of_one_wind(np.full(60, 3.0), np.zeros(60), source="given")
    (20.0, 0.3)
    """
    if not is_one_wind(eastward, northward):
        return (0.0, 0.0)
    return GIVEN_ERROR if source == GIVEN else STILL_ERROR


def _is_possible(friction: float, observations: Observations) -> bool:
    """Whether any ground gives such a friction velocity, give or take the stability of the air."""
    smooth, rough = (
        VON_KARMAN * observations.mean_wind_speed / np.log1p(observations.reference_height_m / z0)
        for z0 in ROUGHNESS_M
    )
    return bool(LEAST * smooth < friction < MOST * float(np.hypot(rough, CALM_M_S)))


def _deviation(values: FloatArray) -> float:
    """Standard deviation of normal values, by quantiles."""
    low, high = np.quantile(values, NORMAL)
    return float(0.5 * (high - low))
