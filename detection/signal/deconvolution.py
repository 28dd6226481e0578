"""How sensors lag behind the air: the response of each family, forward and backward."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["RESPONSE", "RESPONSE_LOG_SD", "apply_lag", "invert_lag"]

# Time constants (rise, decay) in seconds of each sensor family, sampling line included.
RESPONSE: dict[str, tuple[float, float]] = {
    # mean of TGS2620, TGS2600, TGS261x in open sampling: Monroy et al. (2012), see `apply_lag`
    "mox": (3.7, 13.6),
    # makers give T90 < 3 s for the bare cell (tau 1.3 s); inlet and filter about double it
    "pid": (2.5, 3.0),
    # T90 20 ... 60 s (makers' sheets), tau = T90 / ln 10
    "electrochemical": (17.0, 17.0),
    # pumped or open-path infrared, T90 about 3 s; diffusion cells are ten times slower
    "ndir": (1.3, 1.3),
    # open-path lasers report several times a second
    "tdlas": (0.3, 0.3),
    "unknown": (2.5, 3.0),
}

# Log standard deviation of those constants over makes, inlets and temperatures: makers' times of
# one family span a factor of two (mox, electrochemical) to three ("unknown") either way.
RESPONSE_LOG_SD: dict[str, float] = {
    "mox": 0.5,
    "pid": 0.4,
    "electrochemical": 0.5,
    "ndir": 0.7,
    "tdlas": 0.7,
    "unknown": 0.9,
}


def apply_lag(time_s: ArrayLike, signal: ArrayLike, *, rise_s: float, decay_s: float) -> FloatArray:
    """What a first-order sensor reads, slower one way than the other.

    Parameters
    ----------
    time_s : array_like, shape (n,)
        Non-decreasing [s].
    signal : array_like, shape (n,)
        What the sensor is exposed to, held since the sample before; NaN holds the last known.
    rise_s, decay_s : float
        Time constants while the reading is below and above the signal [s]; 0 = at once.

    Returns
    -------
    ndarray, shape (n,)
        Starts in equilibrium with the first known value.

    Raises
    ------
    ValueError
        A time constant is negative, or the arrays differ in shape.

    Notes
    -----
    Monroy et al. (2012), doi:10.3390/s121013664.

    Examples
    --------
    >>> apply_lag([0, 1, 2, 3], [0, 1, 1, 0], rise_s=1.0, decay_s=2.0).round(3)
    array([0.   , 0.632, 0.865, 0.524])
    """
    time, exposed = np.asarray(time_s, np.float64), np.asarray(signal, np.float64)
    if time.shape != exposed.shape or time.ndim != 1:
        raise ValueError("time_s and signal differ in shape")
    if not (rise_s >= 0.0 and decay_s >= 0.0):
        raise ValueError(f"time constants {rise_s}, {decay_s} s are not positive")
    lagged: FloatArray = _first_order(time, exposed, float(rise_s), float(decay_s))
    return lagged


@njit(cache=True, nogil=True)
def _first_order(
    time: FloatArray, exposed: FloatArray, rise_s: float, decay_s: float
) -> FloatArray:
    reading = np.empty(time.size)
    value = np.nan
    before = np.nan
    for index in range(time.size):
        target = exposed[index]
        if not np.isnan(target):
            constant = rise_s if target > value else decay_s
            elapsed = time[index] - before
            if np.isnan(value) or constant == 0.0:
                value = target
            elif elapsed > 0.0:
                value = target + (value - target) * np.exp(-elapsed / constant)
            before = time[index]
        reading[index] = value
    return reading


def invert_lag(
    time_s: ArrayLike, reading: ArrayLike, *, rise_s: float, decay_s: float, noise: float
) -> FloatArray:
    """What a first-order sensor was exposed to, as smooth as its noise demands.

    Parameters
    ----------
    time_s : array_like, shape (n,)
        Increasing [s].
    reading : array_like, shape (n,)
        Baseline removed, finite.
    rise_s, decay_s : float
        Time constants [s].
    noise : float
        1-sigma noise of a reading, in its unit.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    ValueError
        Fewer than four readings, or times that do not increase.

    Notes
    -----
    Tikhonov: of all exposures whose lagged reading stays within the noise, the one with the
    least sum of squared slopes; the weight follows from the discrepancy principle (Morozov
    1966). Which time constant holds is told from the slope of the smoothed reading. For
    looking at bouts: to find sources, put the lag into the model of the reading instead.
    """
    time, values = np.asarray(time_s, np.float64), np.asarray(reading, np.float64)
    step = np.diff(time)
    if time.size < 4 or not (step > 0.0).all():
        raise ValueError("invert_lag needs four readings or more at increasing times")
    smooth = np.convolve(np.pad(values, 2, mode="edge"), np.full(5, 0.2), "valid")
    constant = np.where(np.diff(smooth) > 0.0, rise_s, decay_s)
    keep = np.exp(-step / np.maximum(constant, 1e-9))
    low, high = -8.0, 12.0  # log10 of the weight on roughness, relative to the readings' scale
    for _ in range(30):
        weight = 0.5 * (low + high)
        fit, exposure = _tikhonov(values, step, keep, 10.0**weight)
        if np.mean((fit - values) ** 2) > noise**2:
            high = weight
        else:
            low = weight
    return exposure


def _tikhonov(
    values: FloatArray, step: FloatArray, keep: FloatArray, weight: float
) -> tuple[FloatArray, FloatArray]:
    """Lagged fit and its exposure: the fit minimises misfit + weight * squared slopes."""
    from scipy.linalg import solveh_banded  # noqa: PLC0415 - only desks need scipy

    count = values.size
    now, before = 1.0 / (1.0 - keep), -keep / (1.0 - keep)  # exposure = now fit + before fit[-1]
    slope = np.zeros((3, count - 2))  # d exposure / dt at i+2 from fit[i], fit[i+1], fit[i+2]
    pace = np.sqrt(0.5 * (step[:-1] + step[1:]))
    slope[0] = -before[:-1] / pace
    slope[1] = (before[1:] - now[:-1]) / pace
    slope[2] = now[1:] / pace
    banded = np.zeros((3, count))  # lower form
    for first in range(3):
        for second in range(first, 3):
            band = second - first
            banded[band, first : first + count - 2] += weight * slope[first] * slope[second]
    banded[0] += 1.0
    fit = solveh_banded(banded, values, lower=True)
    exposure = np.concatenate((fit[:1], now * fit[1:] + before * fit[:-1]))
    return fit, exposure
