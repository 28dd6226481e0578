"""Noise over the time in which a plume is crossed, where drift counts and quick noise averages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detection.signal.smoother import lower_spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["drift_inflation"]

CROSSING_BINS = (4, 8)  # averaged: a plume is crossed in some seconds
FEWEST_MEANS = 10  # independent ones that a spread is told from
LARGEST = 4.0


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
    spreads = [1.0]
    for bins in CROSSING_BINS:
        if ratio.size >= FEWEST_MEANS * bins:
            means = np.convolve(ratio, np.full(bins, 1.0 / np.sqrt(bins)), mode="valid")
            spreads.append(lower_spread(means))
    return float(min(max(spreads), LARGEST))
