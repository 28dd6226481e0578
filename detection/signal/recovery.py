"""How a slow sensor recovers: its decay measured, and what it is exposed to meanwhile.

A first-order sensor that has left a plume reads tail, not gas, for several decay times. What it
is exposed to, reading + decay * slope, is back at the baseline at once, only noisier; so there
the baseline can be seen although the reading has not come back to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from detection.signal.air import level_and_slope, with_slope_noise
from detection.signal.deconvolution import apply_lag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

__all__ = ["Decay", "Exposure", "exposure", "is_recovering", "measured_decay"]

STRONG = 20.0  # noises above the baseline from which a decay can be timed
WINDOWS = (4, 6, 10)  # readings over which it is timed
FASTEST = 0.9  # quantile of the rates found: gas met on the way down only slows a decay
TIMED_TO = 0.1  # relative standard error that a single timing must have
FEWEST = 6  # timings
LOG_SD = 0.2  # of the decay so found, on simulated flights
TAIL = 5.0  # noises of expected tail below which the reading is as good
EXPOSED = 0.3  # probability of clean air below which an excess was gas


class Decay(NamedTuple):
    """Time constant [s] of the way back, its log standard deviation, from how many timings."""

    decay_s: float
    log_sd: float
    timings: int


class Exposure(NamedTuple):
    """What the sensor is exposed to, shape (n,), and how many times noisier that is."""

    value: FloatArray
    noisier: float


def measured_decay(time_s: FloatArray, excess: FloatArray, noise: float, *, prior: Decay) -> Decay:
    """The decay of a channel from how fast it falls after plumes, or the prior.

    Parameters
    ----------
    time_s : ndarray, shape (n,)
        Non-decreasing [s].
    excess : ndarray, shape (n,)
        Reading above a first guess of the baseline, any unit.
    noise : float
        1-sigma noise of a reading, in its unit.
    prior : Decay
        Of the sensor family.

    Returns
    -------
    Decay
        The prior, with no timings, where fewer than six falls are strong enough.

    Notes
    -----
    The logarithm of the excess is fitted by a line over a few readings; of all rates the 90 %
    quantile is taken, since air that still holds gas slows a decay and nothing hastens it.

    Examples
    --------
    >>> time_s = np.arange(60.0)
    >>> found = measured_decay(time_s, 1e3 * np.exp(-time_s / 12.0), 1.0, prior=Decay(5, 0.5, 0))
    >>> round(found.decay_s, 2)
    12.0
    """
    rates = [_rates(time_s, excess / noise, window) for window in WINDOWS if time_s.size > window]
    every = np.concatenate(rates) if rates else np.empty(0)
    if every.size < FEWEST:
        return prior
    return Decay(1.0 / float(np.quantile(every, FASTEST)), LOG_SD, int(every.size))


def _rates(time_s: FloatArray, ratio: FloatArray, window: int) -> FloatArray:
    """Rates [s-1] of the falls that are timed well enough."""
    values, times = sliding_window_view(ratio, window), sliding_window_view(time_s, window)
    long_s = 1.5 * window * max(float(np.median(np.diff(time_s))), 1e-9)
    strong = (values.min(axis=1) > STRONG) & (np.ptp(times, axis=1) < long_s)
    values, times = values[strong], times[strong]
    weight = values**2  # of a logarithm whose error is that of the reading over the reading
    total = weight.sum(axis=1, keepdims=True)
    logs = np.log(values)
    apart = times - (weight * times).sum(axis=1, keepdims=True) / total
    width = (weight * apart**2).sum(axis=1)
    timed = width > 0.0
    rate = -(weight * apart * logs).sum(axis=1)[timed] / width[timed]
    rates: FloatArray = rate[rate * TIMED_TO > 1.0 / np.sqrt(width[timed])]
    return rates


def exposure(time_s: FloatArray, reading: FloatArray, decay_s: float) -> Exposure:
    """What a recovering sensor is exposed to.

    Parameters
    ----------
    time_s, reading : ndarray, shape (n,)
        Non-decreasing [s]; any unit, finite.
    decay_s : float
        [s].

    Returns
    -------
    Exposure
    """
    level, slope = level_and_slope(time_s, reading)
    value = level + decay_s * slope
    return Exposure(value, float(with_slope_noise(time_s, decay_s)))


def is_recovering(
    time_s: FloatArray,
    excess: FloatArray,
    clean: FloatArray,
    noise: float,
    *,
    rise_s: float,
    decay_s: float,
) -> BoolArray:
    """Where an earlier exposure must have left a tail of more than five noises.

    Parameters
    ----------
    time_s : ndarray, shape (n,)
        Non-decreasing [s].
    excess : ndarray, shape (n,)
        Exposure above the baseline, any unit.
    clean : ndarray, shape (n,)
        Probability that it is clean air.
    noise : float
        1-sigma noise of a reading, in its unit.
    rise_s, decay_s : float
        Time constants [s].

    Returns
    -------
    ndarray of bool, shape (n,)
        A baseline that falls, as behind a humidity front, has no exposure before and is False.
    """
    met = np.where(clean < EXPOSED, np.maximum(excess, 0.0), 0.0)
    tail: BoolArray = apply_lag(time_s, met, rise_s=rise_s, decay_s=decay_s) > TAIL * noise
    return tail
