"""Temperature and humidity as they were, from a sensor in the same air that lags and is noisy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["level_and_slope", "with_slope_noise", "without_lag"]

WIDTH_S = 2.0  # standard deviation of the Gaussian that readings are smoothed with before slopes


def without_lag(time_s: FloatArray, values: FloatArray, lag_s: float) -> FloatArray:
    """What a first-order sensor was exposed to: its smoothed reading plus lag times slope.

    Parameters
    ----------
    time_s : ndarray, shape (n,)
        Non-decreasing [s].
    values : ndarray, shape (n,)
        Any unit; NaN is filled from its neighbours, all NaN stays.
    lag_s : float
        Time constant [s].

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> ramp = np.arange(30.0)
    >>> without_lag(ramp, ramp, 3.0)[15].round(6)
    np.float64(18.0)
    """
    known = np.isfinite(values)
    if not known.any():
        return values
    level, slope = level_and_slope(time_s, np.interp(time_s, time_s[known], values[known]))
    exposed: FloatArray = level + lag_s * slope
    return exposed


def level_and_slope(time_s: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Values under a Gaussian of 2 s, or of a sample if those are further apart, and their slope.

    Parameters
    ----------
    time_s : ndarray, shape (n,)
        Non-decreasing [s]; repeated times count as the usual step apart.
    values : ndarray, shape (n,)
        Finite, any unit.

    Returns
    -------
    level : ndarray, shape (n,)
    slope : ndarray, shape (n,)
        [unit s-1].
    """
    step_s = _usual_step_s(time_s)
    level: FloatArray = gaussian_filter1d(values, max(WIDTH_S / step_s, 1.0), mode="nearest")
    if values.size < 2:
        return level, np.zeros(values.size)
    rise = np.empty(values.size)
    rise[1:-1] = level[2:] - level[:-2]
    rise[0], rise[-1] = level[1] - level[0], level[-1] - level[-2]
    run = np.full(values.size, 2.0)
    run[[0, -1]] = 1.0
    elapsed = np.empty(values.size)
    elapsed[1:-1] = time_s[2:] - time_s[:-2]
    elapsed[0], elapsed[-1] = time_s[1] - time_s[0], time_s[-1] - time_s[-2]
    slope: FloatArray = rise / np.maximum(elapsed, 0.5 * run * step_s)
    return level, slope


def with_slope_noise(time_s: FloatArray, lag_s: ArrayLike) -> FloatArray:
    """Noise of smoothed reading + lag * slope, in noises of a reading, for lags of any shape.

    Notes
    -----
    White noise of unit variance under a Gaussian of w samples has the variance 1 / (2 sqrt(pi) w),
    its slope 1 / (4 sqrt(pi) w^3) per sample squared.
    """
    step_s = _usual_step_s(time_s)
    width = max(WIDTH_S / step_s, 1.0)
    level = 1.0 / (2.0 * np.sqrt(np.pi) * width)
    lag = np.asarray(lag_s, np.float64)
    return np.asarray(np.sqrt(level * (1.0 + 0.5 * (lag / (width * step_s)) ** 2)))


def _usual_step_s(time_s: FloatArray) -> float:
    steps = np.diff(time_s)
    steps = steps[steps > 0.0]
    return float(np.median(steps)) if steps.size else 1.0
