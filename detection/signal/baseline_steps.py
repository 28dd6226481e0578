"""The baseline of a gas channel, one reading at a time, and how likely each reading is plume.

Plain Python on scalars, so that a flight computer runs it without a compiler; `kernels.py`
compiles the same functions for whole flights, and `online.py` takes them live. They work on one
flat `state`, a list here and an array there, laid out in `layout.py`. No powers: x**2 and x * x
differ in the last bit.

A reading is level + humidity + temperature + warm-up + noise (+ plume). Level and slope wander
(a local linear trend with a damped slope), so do, slowly, the two coefficients; the warm-up
amplitude is constant. A plume only adds: a reading far above the prediction is more likely
plume than noise, and the more likely, the less it moves the baseline.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from detection.signal import layout as at

if TYPE_CHECKING:
    from detection.signal.layout import Numbers

__all__ = [
    "absorb",
    "advance",
    "compare",
    "is_warming_up",
    "judge",
    "learn_noise",
    "tick",
]

# How the baseline may move, in noises of a one-second mean; coefficients in noises of a reading.
LEVEL_SPANS = 2.0  # a wandering level is averaged over so many spans, a slope over one
SLOPE_MEMORY_S = 300.0  # [s] after which a slope is forgotten
SLOPE_HELD_S = 20.0  # [s] the same while a live channel stands above its baseline
COEFFICIENT = 5.0  # prior spread of the response to 1 % humidity and to 1 K [noises]
COEFFICIENT_MEMORY_S = 1e6  # [s] in which a coefficient wanders by its prior spread
WARM_UP = 200.0  # prior spread of the warm-up amplitude [noises]

# What a plume looks like.
PLUME_RATE = 0.05  # share of readings in plume, before looking
PLUME_MEMORY_S = 4.0  # [s] after which having been in plume no longer matters
PLUME_SIZE = 5.0  # typical excess [noises]; the tail is heavy, P(excess) = s / (s + excess)^2
FAULT_RATE = 0.003  # share of readings that are spikes, either way
LONGEST_PLUME_S = 90.0  # after which the baseline is taken to have stepped instead
FALL_S = 2.0  # how long readings must lie below the baseline to pull it down at once
FIRST_CHANGES = 9  # changes between readings before the noise is known
CHANGE_TO_NOISE = 0.9539  # median |difference| of two readings of unit noise, 0.6745 * sqrt(2)
LEARN_UP, LEARN_DOWN = 1.02, 1.0 / 1.02
SPAN_S = 12.0  # time over which a live baseline averages [s]
WARM_UP_S = 60.0  # time constant of the transient after power-on [s], where there is one


def is_warming_up(state: Numbers) -> bool:
    """Whether the noise is still unknown or the warm-up transient above three noises."""
    return (
        state[at.SETTLING] > 0.0 or abs(state[at.X + 4] * state[at.H + 4]) > 3.0 * state[at.SCALE]
    )


def learn_noise(state: Numbers, reading: float) -> None:
    """Follow the noise of single readings: the median change between unequal neighbours.

    Equal neighbours say nothing: a slow sensor is often recorded several times. The first nine
    changes give a median, later ones nudge it by 2 % (a stochastic quantile).
    """
    if not math.isfinite(reading):
        return
    change = abs(reading - state[at.LAST])
    state[at.LAST] = reading
    if not change > 0.0:  # also the first reading, whose change is NaN
        return
    state[at.CHANGES] += 1.0
    count = int(state[at.CHANGES])
    if count > FIRST_CHANGES:
        state[at.SCALE] *= LEARN_UP if change > CHANGE_TO_NOISE * state[at.SCALE] else LEARN_DOWN
        return
    slot = at.CHANGED + count - 1
    while slot > at.CHANGED and state[slot - 1] > change:
        state[slot] = state[slot - 1]
        slot -= 1
    state[slot] = change
    state[at.SCALE] = state[at.CHANGED + count // 2] / CHANGE_TO_NOISE


def tick(
    state: Numbers, time_s: float, temperature: float, humidity: float, warm_up_s: float
) -> None:
    """Note how much time has passed, and the regressors now."""
    elapsed = 0.0
    if time_s > state[at.TIME]:
        elapsed = time_s - state[at.TIME]
        share = 1.0 if state[at.STEP] == 0.0 else 0.05
        state[at.STEP] += share * (min(elapsed, 10.0) - state[at.STEP])
    if elapsed > 0.0 or math.isnan(state[at.TIME]):
        state[at.TIME] = time_s
    state[at.AGE] += elapsed
    state[at.ELAPSED] = elapsed
    if math.isfinite(humidity):
        if math.isnan(state[at.HUMIDITY_ZERO]):
            state[at.HUMIDITY_ZERO] = humidity
        state[at.H + 2] = 100.0 * (humidity - state[at.HUMIDITY_ZERO])
    if math.isfinite(temperature):
        if math.isnan(state[at.TEMPERATURE_ZERO]):
            state[at.TEMPERATURE_ZERO] = temperature
        state[at.H + 3] = temperature - state[at.TEMPERATURE_ZERO]
    faded = state[at.AGE] >= 8.0 * warm_up_s  # also when there is none
    state[at.H + 4] = 0.0 if faded else math.exp(-state[at.AGE] / warm_up_s)


def advance(state: Numbers, span_s: float) -> None:
    """Carry the estimate on through the time that has passed."""
    elapsed = state[at.ELAPSED]
    # What is held for plume may be the baseline itself, left behind by a slope that was wrong.
    is_held = state[at.ADAPTS] > 0.0 and state[at.ABOVE] > 0.0
    memory_s = SLOPE_HELD_S if is_held else SLOPE_MEMORY_S
    kept = math.exp(-elapsed / memory_s) if elapsed > 0.0 else 1.0
    carried = memory_s * (1.0 - kept)
    state[at.SLOPE_KEPT] = kept
    state[at.SLOPE_CARRIED] = carried
    if elapsed == 0.0:
        return
    state[at.X] += carried * state[at.X + 1]
    state[at.X + 1] *= kept
    joint, slope = state[at.P01], state[at.P11]
    state[at.P00] += carried * (joint + joint + carried * slope)
    state[at.P01] = kept * (joint + carried * slope)
    state[at.P11] = kept * kept * slope
    damp, warm, fresh = state[at.P12], state[at.P13], state[at.P14]
    state[at.P02] += carried * damp
    state[at.P03] += carried * warm
    state[at.P04] += carried * fresh
    state[at.P12] = kept * damp
    state[at.P13] = kept * warm
    state[at.P14] = kept * fresh
    variance = state[at.SCALE] * state[at.SCALE]
    unit = variance * state[at.STEP]
    level_walk = state[at.FREEDOM] * unit / (LEVEL_SPANS * LEVEL_SPANS * span_s * span_s)
    slope_walk = unit / (span_s * span_s * span_s * span_s)
    state[at.P00] += level_walk * elapsed + slope_walk * carried * carried * elapsed / 3.0
    state[at.P01] += slope_walk * carried * elapsed / 2.0
    state[at.P11] += slope_walk * elapsed
    coefficient_walk = COEFFICIENT * COEFFICIENT * variance / COEFFICIENT_MEMORY_S * elapsed
    state[at.P22] += coefficient_walk
    state[at.P33] += coefficient_walk


def compare(state: Numbers, reading: float, inflation: float) -> None:
    """Predict the reading; the first ones found the state instead.

    `inflation` multiplies the noise variance of this reading.
    """
    state[at.NOISE] = inflation * state[at.SCALE] * state[at.SCALE]
    state[at.INNOVATION] = math.nan
    if math.isfinite(reading):
        state[at.COUNT] += 1.0
        starting = state[at.ADAPTS] > 0.0 and state[at.CHANGES] <= FIRST_CHANGES
        state[at.SETTLING] = 1.0 if starting else 0.0
        if starting or state[at.COUNT] == 1.0:
            state[at.PLUME] = PLUME_RATE
            nearness = min(state[at.COUNT], float(FIRST_CHANGES))
            state[at.X] += (reading - state[at.X]) / nearness
            for index in range(at.P00, at.SIZE):
                state[index] = 0.0
            state[at.P00] = 9.0 * state[at.NOISE]
            state[at.P11] = 0.04 * state[at.NOISE]
            state[at.P22] = COEFFICIENT * COEFFICIENT * state[at.NOISE]
            state[at.P33] = COEFFICIENT * COEFFICIENT * state[at.NOISE]
            if state[at.H + 4] > 0.0:
                state[at.P44] = WARM_UP * WARM_UP * state[at.NOISE]
        state[at.INNOVATION] = reading
    damp, warm, fresh = state[at.H + 2], state[at.H + 3], state[at.H + 4]
    level = state[at.P00] + state[at.P02] * damp + state[at.P03] * warm + state[at.P04] * fresh
    slope = state[at.P01] + state[at.P12] * damp + state[at.P13] * warm + state[at.P14] * fresh
    third = state[at.P02] + state[at.P22] * damp + state[at.P23] * warm + state[at.P24] * fresh
    fourth = state[at.P03] + state[at.P23] * damp + state[at.P33] * warm + state[at.P34] * fresh
    fifth = state[at.P04] + state[at.P24] * damp + state[at.P34] * warm + state[at.P44] * fresh
    state[at.GAIN] = level
    state[at.GAIN + 1] = slope
    state[at.GAIN + 2] = third
    state[at.GAIN + 3] = fourth
    state[at.GAIN + 4] = fifth
    state[at.VARIANCE] = level + damp * third + warm * fourth + fresh * fifth
    state[at.BASELINE] = (
        state[at.X] + damp * state[at.X + 2] + warm * state[at.X + 3] + fresh * state[at.X + 4]
    )
    state[at.INNOVATION] -= state[at.BASELINE]


def judge(state: Numbers, trust: float) -> None:
    """Decide how likely the reading is plume, and how far it may pull the baseline.

    `trust` in 0..1 overrules the gate, -1 leaves it to decide.
    """
    excess = state[at.INNOVATION]
    noise = math.sqrt(state[at.NOISE])
    prior = PLUME_RATE
    if state[at.PLUME] != PLUME_RATE:
        prior += (state[at.PLUME] - PLUME_RATE) * math.exp(-state[at.ELAPSED] / PLUME_MEMORY_S)
    state[at.PLUME] = prior
    state[at.TRUST] = max(trust, 0.0)
    state[at.DENSITY] = 1.0
    if math.isnan(excess) or noise == 0.0 or state[at.SETTLING] > 0.0:
        return
    spread = math.sqrt(state[at.VARIANCE] + state[at.NOISE])
    ratio = excess / spread
    gauss = 0.3989 / spread * math.exp(-0.5 * min(ratio * ratio, 1000.0))
    size = PLUME_SIZE * noise
    tail = size / ((size + abs(excess)) * (size + abs(excess)))
    upward = 1.0 / (1.0 + math.exp(-1.702 * min(max(ratio, -20.0), 20.0)))
    plume = prior * upward * tail
    quiet = (1.0 - prior) * (1.0 - FAULT_RATE) * gauss
    total = plume + quiet + (1.0 - prior) * FAULT_RATE * 0.5 * tail
    state[at.DENSITY] = total * noise
    state[at.PLUME] = plume / total
    if trust < 0.0:
        state[at.TRUST] = quiet / total
        state[at.ABOVE] = state[at.ABOVE] + state[at.ELAPSED] if state[at.PLUME] > 0.5 else 0.0
        state[at.BELOW] = state[at.BELOW] + state[at.ELAPSED] if ratio < -3.0 else 0.0


def absorb(state: Numbers) -> None:
    """Let the reading move the estimate as far as it is trusted."""
    excess = state[at.INNOVATION]
    if math.isnan(excess) or state[at.NOISE] == 0.0 or state[at.SETTLING] > 0.0:
        return
    # Readings stay below the baseline, or above it for longer than a plume: it has moved itself.
    if state[at.BELOW] > FALL_S or state[at.ABOVE] > LONGEST_PLUME_S:
        widening = excess * excess
        state[at.BELOW] = 0.0
        state[at.ABOVE] = 0.0
        state[at.TRUST] = 1.0
        state[at.PLUME] = PLUME_RATE
        state[at.P00] += widening
        if state[at.ADAPTS] > 0.0:  # live, the fall of a plume looks like this
            state[at.X + 1] = 0.0
        else:
            state[at.P11] += widening / 900.0
        state[at.VARIANCE] += widening
        state[at.GAIN] += widening
    if state[at.TRUST] < 1e-4:
        return
    precision = 1.0 / (state[at.VARIANCE] + state[at.NOISE] / state[at.TRUST])
    level, slope = state[at.GAIN], state[at.GAIN + 1]
    damp, warm, fresh = state[at.GAIN + 2], state[at.GAIN + 3], state[at.GAIN + 4]
    pull = precision * level
    state[at.X] += pull * excess
    state[at.P00] -= pull * level
    state[at.P01] -= pull * slope
    state[at.P02] -= pull * damp
    state[at.P03] -= pull * warm
    state[at.P04] -= pull * fresh
    pull = precision * slope
    state[at.X + 1] += pull * excess
    state[at.P11] -= pull * slope
    state[at.P12] -= pull * damp
    state[at.P13] -= pull * warm
    state[at.P14] -= pull * fresh
    pull = precision * damp
    state[at.X + 2] += pull * excess
    state[at.P22] -= pull * damp
    state[at.P23] -= pull * warm
    state[at.P24] -= pull * fresh
    pull = precision * warm
    state[at.X + 3] += pull * excess
    state[at.P33] -= pull * warm
    state[at.P34] -= pull * fresh
    pull = precision * fresh
    state[at.X + 4] += pull * excess
    state[at.P44] -= pull * fresh
