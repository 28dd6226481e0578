"""The baseline of a whole channel, from both sides, with the plumes left out.

Readings are averaged to one-second bins first (a baseline needs no more). The gate of
`online.py` finds the plumes from either end; how readily the baseline moves, and whether there
is a warm-up, is chosen by likelihood. Then the bins are smoothed without the plume, and who is
plume is asked again of the smoothed residuals, until it settles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detection.signal import kernels, online

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["Baseline", "smooth_baseline"]

BIN_S = 1.0  # width of a bin [s]
DRIFTS = (1e-2, 1.0, 1e2, 1e4)  # how readily the baseline moves, see `online.OnlineBaseline`
WARM_UPS_S = (20.0, 60.0, 180.0)  # time constants tried for the transient after power-on [s]
WARM_UP_GAIN = 10.0  # log likelihood a warm-up must gain to be believed
ROUNDS = 4


class Bins(NamedTuple):
    """Means over one-second bins; all of shape (bins,) but `first`, where each bin starts."""

    first: NDArray[np.int64]
    time_s: FloatArray
    reading: FloatArray
    temperature: FloatArray
    humidity: FloatArray
    inflation: FloatArray


class Baseline(NamedTuple):
    """Baseline of each reading, its variance, and the warm-up part of it; shape (n,)."""

    level: FloatArray
    variance: FloatArray
    warm_up: FloatArray


def smooth_baseline(
    time_s: FloatArray,
    reading: FloatArray,
    temperature: FloatArray,
    humidity: FloatArray,
    resolution: float,
) -> Baseline:
    """Baseline of a channel whose every reading is known.

    Parameters
    ----------
    time_s, reading : ndarray, shape (n,)
        Non-decreasing times [s]; finite readings in any unit.
    temperature, humidity : ndarray, shape (n,)
        [K] and [1], NaN where unknown.
    resolution : float
        Smallest step between readings, in their unit; noise is taken to be at least a third.

    Returns
    -------
    Baseline
    """
    bins = bin_means(time_s, reading, temperature, humidity)
    noise = max(quiet_noise(bins.reading), resolution / np.sqrt(12.0))
    drift, warm_up_s = _liveliest(bins, noise)
    plume = np.maximum(*_both_ways(bins, noise, drift, warm_up_s))
    trust = 1.0 - plume
    for _ in range(ROUNDS):
        estimate, regressors, variance = _smooth(bins, noise, drift, warm_up_s, trust)
        excess = bins.reading - (estimate * regressors).sum(axis=1)
        noise = max(lower_spread(excess), resolution / np.sqrt(12.0))
        plume, trust = kernels.plume_probability(
            bins.time_s, excess, noise * np.sqrt(bins.inflation), variance
        )
    estimate, regressors, variance = _smooth(bins, noise, drift, warm_up_s, trust)
    return _at_readings(time_s, temperature, humidity, bins, estimate, variance, warm_up_s)


def bin_means(
    time_s: FloatArray, reading: FloatArray, temperature: FloatArray, humidity: FloatArray
) -> Bins:
    """Means over the one-second bins that hold a reading; a slow sensor keeps its own readings.

    Parameters and units are those of `smooth_baseline`; a regressor's mean leaves out NaN.
    """
    number = np.floor((time_s - time_s[0]) / BIN_S)
    first = np.flatnonzero(np.diff(number, prepend=-1.0))
    size = np.diff(first, append=time_s.size)
    usual = float(np.median(size))
    return Bins(
        first,
        np.add.reduceat(time_s, first) / size,
        np.add.reduceat(reading, first) / size,
        _known_means(temperature, first),
        _known_means(humidity, first),
        np.clip(usual / size, 0.25, 16.0),
    )


def _known_means(values: FloatArray, first: NDArray[np.int64]) -> FloatArray:
    known = np.isfinite(values)
    total = np.add.reduceat(np.where(known, values, 0.0), first)
    size = np.add.reduceat(known.astype(np.float64), first)
    return np.where(size > 0.0, total / np.maximum(size, 1.0), np.nan)


def quiet_noise(reading: FloatArray) -> float:
    """Noise of readings from their second differences, the quietest third of them [unit]."""
    bend = np.abs(reading[1:-1] - 0.5 * (reading[:-2] + reading[2:]))
    bend = bend[bend > 0.0]
    if bend.size == 0:
        return 0.0
    return float(np.quantile(bend, 0.3) / (0.3853 * np.sqrt(1.5)))


def lower_spread(excess: FloatArray) -> float:
    """Standard deviation of residuals from those below zero, which no plume reaches [unit]."""
    below = -excess[excess < 0.0]
    if below.size == 0:
        return 0.0
    usual = float(np.median(below)) / 0.6745
    return float(np.sqrt(np.mean(np.minimum(below, 3.0 * usual) ** 2)))


def _liveliest(bins: Bins, noise: float) -> tuple[float, float]:
    surprise = {
        (drift, warm_up_s): _surprise(bins, noise, drift, warm_up_s)
        for drift in DRIFTS
        for warm_up_s in (0.0, *WARM_UPS_S)
    }
    steady = min((d for d in DRIFTS), key=lambda drift: surprise[drift, 0.0])
    best = min(surprise, key=lambda choice: surprise[choice])
    if surprise[best] < surprise[steady, 0.0] - WARM_UP_GAIN:
        return best
    return steady, 0.0


def _surprise(bins: Bins, noise: float, drift: float, warm_up_s: float) -> float:
    return float(
        kernels.filter_pass(
            _started(noise),
            bins.time_s,
            bins.reading,
            bins.temperature,
            bins.humidity,
            bins.inflation,
            drift,
            warm_up_s,
        )[4]
    )


def _both_ways(
    bins: Bins, noise: float, drift: float, warm_up_s: float
) -> tuple[FloatArray, FloatArray]:
    onward = _plume_ahead(bins, noise, drift, warm_up_s)
    turned = Bins(bins.first, *(column[::-1].copy() for column in bins[1:]))
    backward = _plume_ahead(turned._replace(time_s=-turned.time_s), noise, drift, 0.0)
    return onward, backward[::-1]


def _plume_ahead(bins: Bins, noise: float, drift: float, warm_up_s: float) -> FloatArray:
    plume: FloatArray = kernels.filter_pass(
        _started(noise),
        bins.time_s,
        bins.reading,
        bins.temperature,
        bins.humidity,
        bins.inflation,
        drift,
        warm_up_s,
    )[2]
    return plume


def _smooth(
    bins: Bins, noise: float, drift: float, warm_up_s: float, trust: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    smoothed: tuple[FloatArray, FloatArray, FloatArray] = kernels.smooth_pass(
        _started(noise),
        bins.time_s,
        bins.reading,
        bins.temperature,
        bins.humidity,
        bins.inflation,
        trust,
        drift,
        warm_up_s,
    )
    return smoothed


def _started(noise: float) -> FloatArray:
    state = np.array(online.new_state())
    state[online.ADAPTS] = 0.0
    state[online.SCALE] = noise
    return state


def _at_readings(
    time_s: FloatArray,
    temperature: FloatArray,
    humidity: FloatArray,
    bins: Bins,
    estimate: FloatArray,
    variance: FloatArray,
    warm_up_s: float,
) -> Baseline:
    columns = [np.interp(time_s, bins.time_s, column) for column in estimate.T]
    level = columns[0]
    level += columns[2] * 100.0 * _departure(humidity, bins.humidity)
    level += columns[3] * _departure(temperature, bins.temperature)
    warm_up = np.zeros(time_s.size)
    if warm_up_s > 0.0:
        warm_up = columns[4] * np.exp(-(time_s - bins.time_s[0]) / warm_up_s)
    return Baseline(level + warm_up, np.interp(time_s, bins.time_s, variance), warm_up)


def _departure(values: FloatArray, means: FloatArray) -> FloatArray:
    """Departure from the first known mean, the last known one held; 0 before any is known."""
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(values.size)
    zero = means[np.isfinite(means)][0]
    last = np.maximum.accumulate(np.where(known, np.arange(values.size), -1))
    return np.where(last >= 0, values[np.maximum(last, 0)] - zero, 0.0)
