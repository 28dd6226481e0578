"""The wind that carries everything: its profile with height, its slow wandering, its scales."""
# mypy: allow-untyped-decorators

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from sims.settings import Wind

    FloatArray = NDArray[np.float64]

__all__ = [
    "REFERENCE_HEIGHT_M",
    "WindHistory",
    "friction_velocity",
    "ornstein_uhlenbeck",
    "profile",
    "wind_history",
]

REFERENCE_HEIGHT_M = 10.0
_KARMAN = 0.4
# Below this the ground's warmth stirs the air even without wind.
_LEAST_FRICTION_VELOCITY = 0.08


@dataclass(frozen=True)
class WindHistory:
    """The wind at 10 m over the site's origin, and how it turns across the site.

    Attributes
    ----------
    time_s : ndarray, shape (n,)
        Since the flight's start; negative before it. Evenly spaced.
    east, north : ndarray, shape (n,)
        Velocity *towards* [m s-1].
    turn_east, turn_north : ndarray, shape (n,)
        Counter-clockwise rotation of the wind per metre east or north of the origin [rad m-1].
    """

    time_s: FloatArray
    east: FloatArray
    north: FloatArray
    turn_east: FloatArray
    turn_north: FloatArray

    def at(
        self, time_s: FloatArray, east: FloatArray, north: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Wind at 10 m at given times and places [m s-1]; arrays of one shape."""
        here = [
            np.interp(time_s, self.time_s, series)
            for series in (self.east, self.north, self.turn_east, self.turn_north)
        ]
        turn = here[2] * east + here[3] * north
        return here[0] - turn * here[1], here[1] + turn * here[0]


def profile(height: ArrayLike, roughness_m: float) -> FloatArray:
    """Wind speed as a fraction of that at 10 m: the logarithmic law of neutral air.

    Parameters
    ----------
    height : array_like
        Above ground [m], >= 0.
    roughness_m : float
        Aerodynamic roughness length [m].

    Returns
    -------
    ndarray
        ``ln(1 + z/z0) / ln(1 + 10/z0)``: zero on the ground, one at 10 m.

    Examples
    --------
    >>> profile([0.0, 0.9, 9.9, 10.0], 0.1).round(3)  # ln 10 / ln 101, ln 100 / ln 101
    array([0.   , 0.499, 0.998, 1.   ])
    """
    z = np.asarray(height, dtype=np.float64)
    return np.asarray(np.log1p(z / roughness_m) / np.log1p(REFERENCE_HEIGHT_M / roughness_m))


def friction_velocity(speed_m_s: float, roughness_m: float) -> float:
    """Friction velocity of a logarithmic wind of this speed at 10 m [m s-1].

    Never below 0.08 m/s: in a calm, turbulence comes from warmth, not from wind.

    Examples
    --------
    >>> round(friction_velocity(4.0, 0.1), 3)  # 0.4 * 4 / ln 101
    0.347
    """
    speed = _KARMAN * speed_m_s / float(np.log1p(REFERENCE_HEIGHT_M / roughness_m))
    return max(speed, _LEAST_FRICTION_VELOCITY)


def ornstein_uhlenbeck(
    count: int, step_s: float, *, time_scale_s: float, rng: np.random.Generator
) -> FloatArray:
    """A stationary Ornstein-Uhlenbeck series of unit variance.

    Parameters
    ----------
    count : int
        Length of the series.
    step_s : float
        Time between its values [s].
    time_scale_s : float
        The time after which its correlation is 1/e [s].
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (count,)
    """
    series = rng.standard_normal(count)
    series[1:] *= np.sqrt(-np.expm1(-2.0 * step_s / time_scale_s))
    _accumulate(series, float(np.exp(-step_s / time_scale_s)))
    return series


def wind_history(
    wind: Wind, *, from_s: float, to_s: float, step_s: float, rng: np.random.Generator
) -> WindHistory:
    """Draw the wandering wind of a world.

    Parameters
    ----------
    wind : Wind
    from_s, to_s : float
        Span to cover [s].
    step_s : float
        [s].
    rng : numpy.random.Generator

    Returns
    -------
    WindHistory

    Notes
    -----
    The logarithm of speed wanders about the value that makes the mean speed right.
    """
    count = int(np.ceil((to_s - from_s) / step_s)) + 1
    time = from_s + step_s * np.arange(count, dtype=np.float64)

    def wander(time_scale_s: float) -> FloatArray:
        return ornstein_uhlenbeck(count, step_s, time_scale_s=time_scale_s, rng=rng)

    from_rad = np.deg2rad(wind.from_deg + wind.direction_sd_deg * wander(wind.direction_time_s))
    speed = wind.speed_m_s * np.exp(
        wind.speed_sd * wander(wind.speed_time_s) - 0.5 * wind.speed_sd**2
    )
    turn = np.deg2rad(wind.gradient_deg_100m) / 100.0
    return WindHistory(
        time_s=time,
        east=-speed * np.sin(from_rad),
        north=-speed * np.cos(from_rad),
        turn_east=turn * wander(wind.gradient_time_s),
        turn_north=turn * wander(wind.gradient_time_s),
    )


@njit(cache=True)
def _accumulate(series: FloatArray, keep: float) -> None:
    for index in range(1, series.size):
        series[index] += keep * series[index - 1]
