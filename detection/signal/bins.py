"""One-second means of a channel, and how noisy readings are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["Bins", "bin_means", "lower_spread", "quiet_noise"]

BIN_S = 1.0  # width of a bin [s]


class Bins(NamedTuple):
    """Means over one-second bins; all of shape (bins,) but `first`, where each bin starts."""

    first: NDArray[np.int64]
    time_s: FloatArray
    reading: FloatArray
    temperature: FloatArray
    humidity: FloatArray
    inflation: FloatArray


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
