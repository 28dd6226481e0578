"""What the source inference sees of a flight: gas per second, where, and the wind's path."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from detection.source.gusts import friction_of_gusts
from detection.source.prior import nuisances_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detection.source.prior import Nuisances, Prior

    FloatArray = NDArray[np.float64]

__all__ = ["Observations", "bin_samples", "nuisances_of", "wind_path"]

STEADY = ("pid", "tdlas")  # families of sensors whose readings nothing but gas makes leap


@dataclass(frozen=True, kw_only=True)
class Observations:
    """Readings and wind of one or more flights in one metric frame.

    Attributes
    ----------
    time_s : ndarray, shape (n,)
        Ascending, from any origin [s].
    east, north, height : ndarray, shape (n,)
        Where each reading was taken: projected position and height above ground [m].
    concentration : ndarray, shape (n,)
        Excess over background [kg m-3]; negative noise is kept, never NaN.
    sigma : ndarray, shape (n,)
        Standard deviation of the instrument's noise in `concentration` [kg m-3], > 0.
    wind_time_s, eastward_wind, northward_wind : ndarray, shape (m,)
        Wind *towards* which the air moves [m s-1], ascending in time, never NaN.
    wind_height_m : float
        Height above ground at which the wind was measured; NaN means at the sampler.
    wind_error : tuple of float
        Standard deviation of the direction [degree] and of the logarithm of the speed of a wind
        that is one value for all single readings, given by hand or of a sensor that stood still;
        zeros of a measured one, whose error the prior knows.
    response_s : tuple of float
        Rise and decay time constants of the sensor [s].
    averaging_time_s : float
        Each reading is a mean over this time; 0 for readings as they come.
    gain_log_sd : float
        Standard deviation of the logarithm of the sensor's gain (calibration, rotor wash).
    channel, gas : str
        What was read; carried through to the Posterior.
    sensor_family : str
        As in a Flight.
    flight : str
        Which flight it is of: series of one flight share their wind and all that disturbs them.
    lasting : float
        How many times `sigma` counts because what stood out did so by lasting only
        (`lasting_inflation`).
    leap_beside : float
        Noises reached by the channel in whose place this one stands, alone (`leaps.leap_of`) or
        together with this one (`leaps.agreed_leap`).
    is_remainder : bool
        Whether what known emitters explain was taken off: what is left of their plumes is there.
    """

    time_s: FloatArray
    east: FloatArray
    north: FloatArray
    height: FloatArray
    concentration: FloatArray
    sigma: FloatArray
    wind_time_s: FloatArray
    eastward_wind: FloatArray
    northward_wind: FloatArray
    wind_height_m: float = float("nan")
    wind_error: tuple[float, float] = (0.0, 0.0)
    response_s: tuple[float, float] = (0.0, 0.0)
    averaging_time_s: float = 0.0
    gain_log_sd: float = 0.2
    channel: str = ""
    gas: str = ""
    sensor_family: str = "unknown"
    flight: str = ""
    lasting: float = 1.0
    leap_beside: float = 0.0
    is_remainder: bool = False

    def __post_init__(self) -> None:
        size = self.time_s.size
        readings = (self.east, self.north, self.height, self.concentration, self.sigma)
        winds = (self.wind_time_s, self.eastward_wind, self.northward_wind)
        if any(column.shape != (size,) for column in readings):
            raise ValueError("all columns of the readings need the length of time_s")
        if any(column.shape != self.wind_time_s.shape for column in winds):
            raise ValueError("all columns of the wind need the length of wind_time_s")
        if not all(np.isfinite(column).all() for column in (self.time_s, *readings, *winds)):
            raise ValueError("readings and wind must be finite; leave out what is missing")
        if size and self.sigma.min() <= 0:
            raise ValueError("sigma must be positive")

    def __len__(self) -> int:
        return int(self.time_s.size)

    @property
    def is_sure_only_of_clear(self) -> bool:
        """Whether only readings of `CLEAR` noises tell gas from drift: those of metal oxides."""
        return self.sensor_family == "mox" and self.averaging_time_s <= 0.0

    @property
    def leaps_with_gas_alone(self) -> bool:
        """Whether nothing but gas makes single readings leap."""
        return self.sensor_family in STEADY and self.averaging_time_s <= 0.0

    @property
    def has_one_wind(self) -> bool:
        """Whether the wind is one value for all single readings."""
        return self.averaging_time_s <= 0.0 and any(self.wind_error)

    @property
    def reference_height_m(self) -> float:
        """Height the wind is known at: where it was measured, or the sampler's median [m]."""
        measured = self.wind_height_m
        height = measured if np.isfinite(measured) else float(np.median(self.height))
        return max(height, 0.5)

    @property
    def mean_wind_speed(self) -> float:
        """Mean speed of the air along the flight [m s-1]."""
        return float(np.hypot(self.eastward_wind, self.northward_wind).mean())

    @cached_property
    def friction_m_s(self) -> float | None:
        """Friction velocity that the gusts tell, see `friction_of_gusts` [m s-1]."""
        return friction_of_gusts(self)


def nuisances_of(observations: Observations, prior: Prior, point: FloatArray) -> Nuisances:
    """Nuisances of one series at a point of the space in which their prior is normal."""
    return nuisances_at(
        prior,
        point,
        wind_speed=observations.mean_wind_speed,
        wind_height_m=observations.reference_height_m,
        response_s=observations.response_s,
        friction_m_s=observations.friction_m_s,
    )


def bin_samples(
    time_s: FloatArray, columns: dict[str, FloatArray], *, width_s: float
) -> tuple[FloatArray, dict[str, FloatArray], FloatArray]:
    """Means of samples in consecutive time bins, empty bins left out.

    Parameters
    ----------
    time_s : ndarray, shape (n,)
        Ascending [s].
    columns : dict of str to ndarray, shape (n,)
    width_s : float
        [s], > 0.

    Returns
    -------
    time_s : ndarray, shape (k,)
    columns : dict of str to ndarray, shape (k,)
    count : ndarray, shape (k,)
        Samples in each bin.

    Examples
    --------
    >>> bin_samples(np.array([0.0, 0.4, 2.0]), {"c": np.array([1.0, 3.0, 9.0])}, width_s=1.0)
    (array([0.2, 2. ]), {'c': array([2., 9.])}, array([2., 1.]))
    """
    if time_s.size == 0:
        return time_s, columns, np.zeros(0)
    index = np.floor((time_s - time_s[0]) / width_s).astype(np.int64)
    starts = np.flatnonzero(np.diff(index, prepend=-1))
    count = np.diff(np.append(starts, time_s.size)).astype(np.float64)

    def mean(column: FloatArray) -> FloatArray:
        return np.asarray(np.add.reduceat(column, starts) / count)

    return mean(time_s), {name: mean(column) for name, column in columns.items()}, count


def wind_path(
    observations: Observations, *, step_s: float = 1.0, before_s: float, smoothing_s: float = 0.0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Displacement of the air since the start, on an even time grid.

    Parameters
    ----------
    observations : Observations
    step_s : float
        Spacing of the grid [s].
    before_s : float
        How far the grid begins before the first reading [s]; the mean of the first minute
        stands in for wind nobody measured.
    smoothing_s : float
        Time constant of a two-sided exponential smoothing [s]; eddies shorter than that are
        not the same at the drone and at the plume.

    Returns
    -------
    time_s, east, north : ndarray, shape (k,)
        Grid [s] and the integral of the wind up to it [m].
    """
    time = observations.wind_time_s
    start = observations.time_s[0] - before_s
    grid = np.arange(start, observations.time_s[-1] + 2 * step_s, step_s)
    early = time <= time[0] + 60.0
    path = []
    for wind in (observations.eastward_wind, observations.northward_wind):
        even = np.interp(grid, time, wind)
        if smoothing_s > step_s:
            even = _smoothed(even, step_s / smoothing_s)
        even[grid < time[0]] = wind[early].mean()
        path.append(np.concatenate([[0.0], np.cumsum(0.5 * (even[1:] + even[:-1]) * step_s)]))
    return grid, path[0], path[1]


def _smoothed(series: FloatArray, gain: float) -> FloatArray:
    """Exponential smoothing run forwards and backwards, so without delay."""
    keep = 1.0 - np.exp(-gain)
    for _ in range(2):
        level = series[: max(1, int(1.0 / gain))].mean()
        out = np.empty_like(series)
        for k, value in enumerate(series):
            level += keep * (value - level)
            out[k] = level
        series = out[::-1]
    return series
