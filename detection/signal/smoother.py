"""The baseline of a whole channel, from both sides, with the plumes left out.

Readings are averaged to one-second bins first (a baseline needs no more). The gate of
`online.py` finds the plumes from either end, the bins are smoothed without them, and who is
plume is asked again of the smoothed residuals, until it settles. The slowest baseline wins that
readings do not fall below by more than their quick noise: plumes only add, drift does both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detection.signal import kernels, layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["Baseline", "smooth_baseline"]

BIN_S = 1.0  # width of a bin [s]
SPANS_S = (20.0, 10.0, 6.0)  # tried in turn: time over which the baseline averages
ACCEPTED = 1.15  # spread below the baseline, in quick noises, at which a span is slow no more
WARM_UPS_S = (20.0, 60.0, 180.0)  # time constants tried for the transient after power-on
WARM_UP_GAIN = 10.0  # log likelihood a warm-up must gain to be believed
LONGEST_S = 150.0  # plumes that last longer are the baseline itself
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


class _Fit(NamedTuple):
    level: FloatArray
    variance: FloatArray
    noise: float


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
    least = resolution / np.sqrt(12.0)
    noise = max(quiet_noise(bins.reading), least)
    warm_up_s, amplitude = _warm_up(bins, noise)
    bins = bins._replace(reading=bins.reading - _fading(bins.time_s, bins, warm_up_s, amplitude))
    for span_s in SPANS_S:
        fit = _settled(bins, noise, least, span_s)
        if fit.noise < ACCEPTED * noise:
            break
    level = np.interp(time_s, bins.time_s, fit.level)
    fading = _fading(time_s, bins, warm_up_s, amplitude)
    return Baseline(level + fading, np.interp(time_s, bins.time_s, fit.variance), fading)


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


def _warm_up(bins: Bins, noise: float) -> tuple[float, float]:
    """Time constant [s] and amplitude of the transient after power-on; zeros if there is none."""
    early = bins.time_s < bins.time_s[0] + 5.0 * max(WARM_UPS_S)
    bins = Bins(*(column[early] for column in bins))
    runs = {
        warm_up_s: _filtered(bins, noise, SPANS_S[0], warm_up_s) for warm_up_s in (0.0, *WARM_UPS_S)
    }
    likeliest = min(runs, key=lambda warm_up_s: runs[warm_up_s][1])
    if runs[likeliest][1] > runs[0.0][1] - WARM_UP_GAIN:
        return 0.0, 0.0
    trust = 1.0 - runs[likeliest][0]
    return likeliest, _smoothed(bins, noise, SPANS_S[0], likeliest, trust)[2]


def _fading(time_s: FloatArray, bins: Bins, warm_up_s: float, amplitude: float) -> FloatArray:
    if warm_up_s == 0.0:
        return np.zeros(time_s.size)
    fading: FloatArray = amplitude * np.exp(-(time_s - bins.time_s[0]) / warm_up_s)
    return fading


def _settled(bins: Bins, noise: float, least: float, span_s: float) -> _Fit:
    """Baseline whose plumes agree with its residuals."""
    turned = Bins(bins.first, *(column[::-1].copy() for column in bins[1:]))
    turned = turned._replace(time_s=-turned.time_s)
    onward, _ = _filtered(bins, noise, span_s, 0.0)
    backward, _ = _filtered(turned, noise, span_s, 0.0)
    trust = 1.0 - np.maximum(onward, backward[::-1])
    for _ in range(ROUNDS):
        level, variance, _ = _smoothed(bins, noise, span_s, 0.0, trust)
        excess = bins.reading - level
        noise = max(lower_spread(excess), least)
        _, trust = kernels.plume_probability(
            bins.time_s, excess, noise * np.sqrt(bins.inflation), variance
        )
        trust[_lasts_too_long(bins.time_s, trust)] = 1.0
    level, variance, _ = _smoothed(bins, noise, span_s, 0.0, trust)
    return _Fit(level, variance, noise)


def _lasts_too_long(time_s: FloatArray, trust: FloatArray) -> NDArray[np.bool_]:
    """Bins of plumes longer than any: there the baseline itself must have risen."""
    doubted = np.concatenate(([False], trust < 0.5, [False]))
    edges = np.flatnonzero(np.diff(doubted))
    too_long = np.zeros(time_s.size, np.bool_)
    for start, end in edges.reshape(-1, 2):
        if time_s[end - 1] - time_s[start] > LONGEST_S:
            too_long[start:end] = True
    return too_long


def _filtered(
    bins: Bins, noise: float, span_s: float, warm_up_s: float
) -> tuple[FloatArray, float]:
    """Plume probability of each bin from those before, and the surprise of them all."""
    _, _, plume, _, surprise = kernels.filter_pass(
        _started(noise),
        bins.time_s,
        bins.reading,
        bins.temperature,
        bins.humidity,
        bins.inflation,
        span_s,
        warm_up_s,
    )
    return plume, surprise


def _smoothed(
    bins: Bins, noise: float, span_s: float, warm_up_s: float, trust: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Baseline of each bin, its variance, and the amplitude of the warm-up."""
    estimate, regressors, variance = kernels.smooth_pass(
        _started(noise),
        bins.time_s,
        bins.reading,
        bins.temperature,
        bins.humidity,
        bins.inflation,
        trust,
        span_s,
        warm_up_s,
    )
    return (estimate * regressors).sum(axis=1), variance, float(estimate[-1, 4])


def _started(noise: float) -> FloatArray:
    state = np.array(layout.new_state())
    state[layout.ADAPTS] = 0.0
    state[layout.SCALE] = noise
    return state
