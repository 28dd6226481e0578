"""The live filter of `baseline_steps.py` compiled for whole flights, and its smoother.

The loops below call the very functions a live channel calls, in the same order, so a flight
filtered at once equals the same flight fed reading by reading, to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from detection.signal import baseline_steps, layout
from detection.signal.layout import (
    ADAPTS,
    BASELINE,
    COVARIANCE,
    DENSITY,
    GAIN,
    INNOVATION,
    NOISE,
    ORDER,
    P00,
    PLUME,
    SCALE,
    SIZE,
    SLOPE_CARRIED,
    SLOPE_KEPT,
    TRUST,
    VARIANCE,
    H,
    X,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["filter_pass", "plume_probability", "quiet_surprise", "smooth_pass"]

UNLIKELY = 1e-12  # least probability of plume, and of clean air

_learn_noise = njit(cache=True, nogil=True)(baseline_steps.learn_noise)
_tick = njit(cache=True, nogil=True)(baseline_steps.tick)
_advance = njit(cache=True, nogil=True)(baseline_steps.advance)
_compare = njit(cache=True, nogil=True)(baseline_steps.compare)
_judge = njit(cache=True, nogil=True)(baseline_steps.judge)
_absorb = njit(cache=True, nogil=True)(baseline_steps.absorb)
_is_warming_up = njit(cache=True, nogil=True)(baseline_steps.is_warming_up)


@njit(cache=True, nogil=True)
def filter_pass(
    state: FloatArray,
    time_s: FloatArray,
    reading: FloatArray,
    temperature: FloatArray,
    humidity: FloatArray,
    inflation: FloatArray,
    span_s: float,
    warm_up_s: float,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, float]:
    """Causal baseline, sigma, plume probability and warming-up flag; and the total surprise.

    All arrays have shape (n,); `state` (from `layout.new_state`) is left as after the last
    reading. Surprise is minus the log likelihood in units of the noise, where that is given.
    """
    baseline = np.empty(time_s.size)
    sigma = np.empty(time_s.size)
    plume = np.empty(time_s.size)
    warming_up = np.empty(time_s.size)
    surprise = 0.0
    for index in range(time_s.size):
        if state[ADAPTS] > 0.0:
            _learn_noise(state, reading[index])
        _tick(state, time_s[index], temperature[index], humidity[index], warm_up_s)
        _advance(state, span_s)
        _compare(state, reading[index], inflation[index])
        _judge(state, -1.0)
        _absorb(state)
        baseline[index] = state[BASELINE]
        sigma[index] = np.sqrt(state[VARIANCE] + state[SCALE] * state[SCALE])
        plume[index] = state[PLUME]
        warming_up[index] = 1.0 if _is_warming_up(state) else 0.0
        if state[ADAPTS] == 0.0:
            surprise -= np.log(state[DENSITY])
    return baseline, sigma, plume, warming_up, surprise


@njit(cache=True, nogil=True)
def smooth_pass(
    state: FloatArray,
    time_s: FloatArray,
    reading: FloatArray,
    temperature: FloatArray,
    humidity: FloatArray,
    inflation: FloatArray,
    trust: FloatArray,
    span_s: float,
    warm_up_s: float,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Smoothed estimate (n, 5), its regressors (n, 5) and the variance of the baseline (n,).

    Modified Bryson-Frazier form of the fixed-interval smoother (Bierman 1973,
    doi:10.1016/0005-1098(73)90048-9): no matrix is inverted. `trust` (n,) weighs each reading.
    """
    count = time_s.size
    estimate = np.empty((count, ORDER))
    regressors = np.empty((count, ORDER))
    covariance = np.empty((count, SIZE - P00))  # upper triangle
    projected = np.empty((count, ORDER))  # P H'
    steps = np.empty((count, 4))  # innovation, precision, slope carried, slope kept
    for index in range(count):
        _tick(state, time_s[index], temperature[index], humidity[index], warm_up_s)
        _advance(state, span_s)
        _compare(state, reading[index], inflation[index])
        estimate[index] = state[X : X + ORDER]
        regressors[index] = state[H : H + ORDER]
        covariance[index] = state[P00:SIZE]
        projected[index] = state[GAIN : GAIN + ORDER]
        _judge(state, trust[index])
        heard = state[TRUST] >= 1e-4 and state[NOISE] > 0.0 and np.isfinite(state[INNOVATION])
        precision = 1.0 / (state[VARIANCE] + state[NOISE] / state[TRUST]) if heard else 0.0
        steps[index, 0] = state[INNOVATION] if heard else 0.0
        steps[index, 1] = precision
        steps[index, 2] = state[SLOPE_CARRIED]
        steps[index, 3] = state[SLOPE_KEPT]
        _absorb(state)
    return _look_back(estimate, regressors, covariance, projected, steps)


@njit(cache=True, nogil=True)
def quiet_surprise(
    state: FloatArray,
    time_s: FloatArray,
    reading: FloatArray,
    temperature: FloatArray,
    humidity: FloatArray,
    inflation: FloatArray,
    trust: FloatArray,
    span_s: float,
) -> float:
    """Minus the log likelihood of the innovations, each weighted by the trust in its reading.

    Arguments are those of `smooth_pass`. The first reading only finds the level, and a reading
    that is not trusted neither moves the filter nor counts.
    """
    surprise = 0.0
    heard = False
    for index in range(time_s.size):
        _tick(state, time_s[index], temperature[index], humidity[index], 0.0)
        _advance(state, span_s)
        _compare(state, reading[index], inflation[index])
        _judge(state, trust[index])
        if trust[index] >= 1e-4 and np.isfinite(state[INNOVATION]):
            variance = state[VARIANCE] + state[NOISE]
            if heard:
                excess = state[INNOVATION] * state[INNOVATION]
                surprise += 0.5 * trust[index] * (np.log(variance) + excess / variance)
            heard = True
        _absorb(state)
    return surprise


@njit(cache=True, nogil=True)
def _look_back(
    estimate: FloatArray,
    regressors: FloatArray,
    covariance: FloatArray,
    projected: FloatArray,
    steps: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    variance = np.empty(estimate.shape[0])
    pull = np.zeros(ORDER)
    weight = np.zeros((ORDER, ORDER))
    turned = np.empty(ORDER)
    for index in range(estimate.shape[0] - 1, -1, -1):
        row = regressors[index]
        innovation, precision, carried, kept = steps[index]
        along = innovation * precision
        inner = precision
        for i in range(ORDER):
            turned[i] = 0.0
            for j in range(ORDER):
                turned[i] += weight[i, j] * projected[index, j] * precision
            along += projected[index, i] * precision * pull[i]
        for i in range(ORDER):
            inner += projected[index, i] * precision * turned[i]
        prior = 0.0
        learnt = 0.0
        for i in range(ORDER):
            pull[i] -= row[i] * along
            prior += row[i] * projected[index, i]
            for j in range(ORDER):
                weight[i, j] += row[i] * row[j] * inner - row[i] * turned[j] - turned[i] * row[j]
                learnt += projected[index, i] * weight[i, j] * projected[index, j]
        variance[index] = max(prior - learnt, 0.0)
        for i in range(ORDER):
            for j in range(ORDER):
                estimate[index, i] -= covariance[index, COVARIANCE[i][j] - P00] * pull[j]
        pull[1] = carried * pull[0] + kept * pull[1]
        for j in range(ORDER):
            weight[1, j] = carried * weight[0, j] + kept * weight[1, j]
        for i in range(ORDER):
            weight[i, 1] = carried * weight[i, 0] + kept * weight[i, 1]
    return estimate, regressors, variance


@njit(cache=True, nogil=True)
def plume_probability(
    time_s: FloatArray, excess: FloatArray, noise: FloatArray, variance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Plume probability and trust of each reading, given all readings (forward-backward).

    The two-state chain and the densities are those of `baseline_steps.judge`; `excess` is reading
    minus baseline, `noise` its 1-sigma noise and `variance` that of the baseline, all shape (n,).
    """
    count = time_s.size
    state = np.zeros(layout.SIZE)
    ahead = np.empty(count)
    odds = np.empty(count)  # density in plume over density out of it
    clean = np.empty(count)  # share of plain noise in the density out of plume
    state[PLUME] = baseline_steps.PLUME_RATE
    for index in range(count):
        state[layout.ELAPSED] = max(time_s[index] - time_s[max(index - 1, 0)], 0.0)
        state[INNOVATION] = excess[index]
        state[NOISE] = noise[index] * noise[index]
        state[VARIANCE] = variance[index]
        memory = np.exp(-state[layout.ELAPSED] / baseline_steps.PLUME_MEMORY_S)
        # many readings of one time would multiply it down to nothing, or up to all
        state[PLUME] = min(max(state[PLUME], UNLIKELY), 1.0 - UNLIKELY)
        prior = baseline_steps.PLUME_RATE + (state[PLUME] - baseline_steps.PLUME_RATE) * memory
        _judge(state, -1.0)
        ahead[index] = state[PLUME]
        odds[index] = 1.0
        clean[index] = 0.0
        if not np.isnan(excess[index]):
            out = max(1.0 - state[PLUME], 1e-300)
            odds[index] = state[PLUME] / out * (1.0 - prior) / prior
            clean[index] = min(state[TRUST] / out, 1.0)
    plume = np.empty(count)
    later = 1.0  # likelihood of all later readings in plume now, over that out of it
    for index in range(count - 1, -1, -1):
        out = 1.0 - ahead[index]
        plume[index] = ahead[index] * later / max(ahead[index] * later + out, 1e-300)
        elapsed = max(time_s[index] - time_s[max(index - 1, 0)], 0.0)
        memory = np.exp(-elapsed / baseline_steps.PLUME_MEMORY_S)
        both = min(odds[index] * later, 1e12)
        enter = baseline_steps.PLUME_RATE * (1.0 - memory)
        stay = enter + memory
        later = (stay * both + 1.0 - stay) / (enter * both + 1.0 - enter)
    return plume, (1.0 - plume) * clean
