"""Simpler alarms to compare with: fixed thresholds and a textbook CUSUM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from detection.signal.baseline import correct

if TYPE_CHECKING:
    from benchmarks.alarm_worlds import Channel

    Array = np.ndarray

ZERO_S = 30.0  # at the start of the flight, from which level and noise are taken
CUSUM_SLACK = 0.5  # noises that each reading must exceed


def zeroed(channel: Channel, _: float) -> Array:
    """Reading over the mean of the first 30 s, in their standard deviations."""
    first = channel.value[channel.time_s < ZERO_S]
    score = (channel.value - first.mean()) / max(float(first.std()), 1e-30)
    return np.where(channel.time_s < ZERO_S, 0.0, score)


def _over(channel: Channel) -> Array:
    told = correct(
        channel.time_s,
        channel.value,
        temperature=channel.temperature,
        humidity=channel.humidity,
        causal=True,
        log_scale=channel.is_resistance,
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        score = told.signal / told.sigma
    return np.where(told.warming_up | ~np.isfinite(score), 0.0, score)


def over_live_baseline(channel: Channel, _: float) -> Array:
    """Single readings over the live baseline, in noises."""
    return _over(channel)


def cusum(channel: Channel, threshold: float) -> Array:
    """Page's one-sided cumulative sum of the same (1954), doi:10.1093/biomet/41.1-2.100.

    Bounded at twice the threshold, or it would go on for minutes after a plume.
    """
    return _summed(_over(channel), CUSUM_SLACK, 2.0 * threshold)


@njit(cache=True, nogil=True)
def _summed(score: Array, slack: float, limit: float) -> Array:
    total = np.empty(score.size)
    level = 0.0
    for index in range(score.size):
        level = min(max(0.0, level + score[index] - slack), limit)
        total[index] = level
    return total


@njit(cache=True, nogil=True)
def latched(time_s: Array, score: Array, threshold: float) -> tuple[Array, Array]:
    """Whether in alarm, and whether one begins: it ends 2 s below half, and rests for 5 s."""
    in_alarm = np.zeros(score.size, np.bool_)
    begins = np.zeros(score.size, np.bool_)
    on = False
    low_since, ended = np.inf, -np.inf
    for index in range(score.size):
        if on:
            if score[index] >= 0.5 * threshold:
                low_since = np.inf
            elif low_since == np.inf:
                low_since = time_s[index]
            if time_s[index] - low_since > 2.0:
                on = False
                ended = time_s[index]
        elif score[index] > threshold and time_s[index] - ended > 5.0:
            on = True
            low_since = np.inf
            begins[index] = True
        in_alarm[index] = on
    return in_alarm, begins
