"""Noise over the time in which a plume is crossed, where drift counts and quick noise averages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detection.signal.smoother import lower_spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["CLEAR", "drift_inflation", "lasting_inflation"]

CROSSING_BINS = (4, 8)  # averaged: a plume is crossed in some seconds
FEWEST_MEANS = 10  # independent ones that a spread is told from
LARGEST = 4.0
CLEAR = 6.0  # noises that drift does not reach: 5.3 at most by arrays in 180 simulated flights
LASTING_BINS = (16, 32, 64)
BY_CHANCE = 3.0  # noises that the largest of a flight's means over so long reaches


def drift_inflation(ratio: FloatArray) -> float:
    """Factor by which noise over the time of a plume exceeds that of single bins, at least 1.

    Parameters
    ----------
    ratio : ndarray, shape (n,)
        Excess over its standard deviation, in consecutive bins.

    Notes
    -----
    What is left of drift, humidity and temperature does not average out as quick noise does.
    Told from means below the baseline only, where no plume reaches.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal(900)
    >>> drift = np.repeat(np.random.default_rng(1).standard_normal(90), 10)
    >>> drift_inflation(noise) < 1.2, drift_inflation(noise + drift) > 2.0
    (True, True)
    """
    spreads = [
        lower_spread(_means(ratio, bins))
        for bins in CROSSING_BINS
        if ratio.size >= FEWEST_MEANS * bins
    ]
    return float(min(max([1.0, *spreads]), LARGEST))


def lasting_inflation(ratio: FloatArray) -> float:
    """Factor on the noise of metal oxides that stand out by nothing but lasting, at least 1.

    Parameters
    ----------
    ratio : ndarray, shape (n,)
        Excess over its standard deviation, in consecutive bins.

    Returns
    -------
    float
        With which no mean over some time stands out; 1 where a reading reaches `CLEAR`.

    Notes
    -----
    What drift leaves above the baseline is a plateau of 30-80 s at 2-4 noises: sixty readings
    that agree, and one error. Plumes that the drone crosses reach their height at once.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal(900)
    >>> plateau = np.where(np.arange(900) // 60 == 7, 3.0, 0.0)
    >>> lasting_inflation(noise) < 1.3, lasting_inflation(noise + plateau) > 5.0
    (True, True)
    >>> lasting_inflation(noise + 3.0 * plateau)
    1.0
    """
    if not ratio.size or ratio.max() >= CLEAR:
        return 1.0
    highest = [_means(ratio, bins).max() for bins in LASTING_BINS if ratio.size >= bins]
    return float(max([BY_CHANCE, *highest]) / BY_CHANCE)


def _means(ratio: FloatArray, bins: int) -> FloatArray:
    """Means of all so many bins in a row, over the deviation of means of independent bins."""
    return np.convolve(ratio, np.full(bins, 1.0 / np.sqrt(bins)), mode="valid")
