"""How sensors lag behind the air: the response of each family, forward, backward, measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["RESPONSE", "RESPONSE_LOG_SD", "Lag", "apply_lag", "estimate_lag", "invert_lag"]

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

CELL_M = 3.0  # along the line, for comparing neighbours
LINE_M = 20.0  # shorter runs are turns
LAG_STEP_S = 0.25
SHIFT_CELLS = 12  # how far a plume may lie aslant from line to line


class Lag(NamedTuple):
    """Time by which readings trail the air [s], and its standard deviation [s]."""

    lag_s: float
    sd_s: float


USUAL_LAG = Lag(2.7, 1.5)


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


def estimate_lag(
    time_s: ArrayLike,
    east: ArrayLike,
    north: ArrayLike,
    signal: ArrayLike,
    *,
    prior: Lag = USUAL_LAG,
    longest_s: float = 12.0,
) -> Lag:
    """The lag at which neighbouring survey lines flown opposite ways agree.

    Parameters
    ----------
    time_s : array_like, shape (n,)
        Increasing [s].
    east, north : array_like, shape (n,)
        Metric positions [m].
    signal : array_like, shape (n,)
        Baseline removed; NaN where unknown.
    prior : Lag
        What is believed before looking.
    longest_s : float
        Lags from 0 to this are tried [s].

    Returns
    -------
    Lag
        The prior where there are no opposite lines, or nothing on them agrees.

    Notes
    -----
    Lines are compared on a 3 m grid along them, after undoing the lag and the plume's slant
    from line to line (up to 36 m, taken to be the same all over). Each pair of lines counts as
    two independent comparisons. For a first-order sensor it finds about its rise time.
    """
    columns = (np.asarray(values, np.float64) for values in (time_s, east, north, signal))
    time, east_m, north_m, values = columns
    known = np.isfinite(time) & np.isfinite(east_m) & np.isfinite(north_m) & np.isfinite(values)
    time, east_m, north_m, values = (c[known] for c in (time, east_m, north_m, values))
    if time.size < 10 or not (np.diff(time) > 0.0).all():
        return prior
    along, lines = _survey_lines(time, east_m, north_m)
    if len(lines) < 2:
        return prior
    lags = np.arange(0.0, longest_s + LAG_STEP_S, LAG_STEP_S)
    agreement = np.array([_agreement(time, along, values, lines, lag) for lag in lags])
    pairs = len(lines) - 1
    log_density = -pairs * np.log1p(-(np.minimum(np.maximum(agreement, 0.0), 0.995) ** 2))
    log_density -= 0.5 * ((lags - prior.lag_s) / prior.sd_s) ** 2
    if agreement.max() <= 0.0:
        return prior
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    mean = float((density * lags).sum())
    return Lag(mean, float(np.sqrt((density * (lags - mean) ** 2).sum() + LAG_STEP_S**2 / 12.0)))


def _survey_lines(
    time: FloatArray, east: FloatArray, north: FloatArray
) -> tuple[FloatArray, list[tuple[int, int]]]:
    """Position along the survey's main axis [m], and where each straight run starts and ends."""
    eastward, northward = (
        np.interp(time + 1.0, time, metres) - np.interp(time - 1.0, time, metres)
        for metres in (east, north)
    )
    speed = np.hypot(eastward, northward)  # over two seconds
    axis = 0.5 * np.angle(np.sum((eastward + 1j * northward) ** 2))
    along = np.asarray(east * np.cos(axis) + north * np.sin(axis))
    ahead = eastward * np.cos(axis) + northward * np.sin(axis)
    way = np.where((np.abs(ahead) > 0.9 * speed) & (speed > 2.0), np.sign(ahead), 0.0)
    edges = np.flatnonzero(np.diff(way, prepend=0.0, append=0.0))
    runs = zip(edges[:-1].tolist(), (edges[1:] - 1).tolist(), strict=True)
    lines = [
        (first, last)
        for first, last in runs
        if way[first] != 0.0 and abs(along[last] - along[first]) > LINE_M
    ]
    return along, lines


def _agreement(
    time: FloatArray,
    along: FloatArray,
    values: FloatArray,
    lines: list[tuple[int, int]],
    lag: float,
) -> float:
    """Correlation of neighbouring opposite lines, at the slant that suits them best."""
    where = np.interp(time - lag, time, along)
    zero = along.min()
    size = int((along.max() - zero) / CELL_M) + 1
    profiles = [
        _profile(where[first : last + 1] - zero, values[first : last + 1], size)
        for first, last in lines
    ]
    forward = [along[last] > along[first] for first, last in lines]
    opposite = [k for k in range(len(lines) - 1) if forward[k] != forward[k + 1]]
    best = 0.0
    for shift in range(-SHIFT_CELLS, SHIFT_CELLS + 1):
        product = left = right = 0.0
        for k in opposite:
            here, there = profiles[k], np.roll(profiles[k + 1], shift)
            both = np.isfinite(here) & np.isfinite(there)
            product += float((here[both] * there[both]).sum())
            left += float((here[both] ** 2).sum())
            right += float((there[both] ** 2).sum())
        if left > 0.0 and right > 0.0:
            best = max(best, product / np.sqrt(left * right))
    return best


def _profile(where: FloatArray, values: FloatArray, size: int) -> FloatArray:
    """Mean of the values in each cell along the line less the line's mean, NaN where none."""
    cell = np.clip((where / CELL_M).astype(np.int64), 0, size - 1)
    count = np.bincount(cell, minlength=size)
    total = np.bincount(cell, weights=values - values.mean(), minlength=size)
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / count, np.nan)
