"""What a channel's reading is worth to an alarm, and the reference it is compared with.

The first of the steps to an alarm; the others are in `alarm_steps.py`. Plain Python on scalars,
like those of `baseline_steps.py`, which come before them. They work on one flat `memory`, laid
out in `alarm_layout.py`, and read the baseline's `state`. No powers: x**2 and x * x differ in
the last bit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from detection.signal import alarm_layout as mem
from detection.signal import layout as at
from detection.signal.baseline_steps import LONGEST_PLUME_S, PLUME_RATE

if TYPE_CHECKING:
    from detection.signal.layout import Numbers

__all__ = ["follow", "linear", "recover", "sift", "within"]

SATURATED = 0.0  # trust in a reading at the upper end of its range; -1 in any other

# What a reading is.
LARGEST_READING = 1e60  # in any unit; more is garbage
COLDEST_K, HOTTEST_K, WETTEST = 150.0, 400.0, 1.5  # air temperatures and relative humidity [1]
HELD_LONGEST_S = 1.0  # a value repeated for longer is a new reading
GAP_S = 30.0  # without a reading, after which what was before says nothing

# What it is compared with: a level with a slope, critically damped.
REFERENCE_S = 20.0  # time constant [s]
SIFTED_NOISE = 0.5  # typical size of white noise of one, sifted
FAR = 3.0  # in typical sizes: an excess pulls the reference as if it were this at most
FALL_S = 3.0  # after so long twice as far below, the reference has moved
TYPICAL_S = 60.0  # time over which the typical size is learnt
AFTER_S, AFTER_WEIGHT = 30.0, 0.25  # after an alarm, when the reference may be off


def linear(reading: float, trust: float, is_resistance: bool) -> float:
    """The reading on a scale on which gas adds: minus the logarithm of a resistance.

    NaN for what is no reading; squares of what remains neither overflow nor vanish.
    """
    if not abs(reading) < LARGEST_READING:
        return math.nan
    if not is_resistance:
        return reading if abs(reading) > 1.0 / LARGEST_READING else 0.0
    if trust == SATURATED or not reading > 0.0:  # clean air is the upper end of a resistance
        return math.nan
    return -math.log(reading)


def within(value: float, low: float, high: float) -> float:
    """The value if it lies between two limits, or NaN."""
    return value if low <= value <= high else math.nan


def recover(state: Numbers) -> None:
    """Begin the baseline anew where garbage has cost its covariance all digits."""
    if state[at.VARIANCE] >= 0.0 and math.isfinite(state[at.BASELINE]):
        return
    for row in range(at.ORDER):
        state[at.X + row] = 0.0
    state[at.COUNT] = 0.0
    state[at.CHANGES] = 0.0
    state[at.SETTLING] = 1.0
    state[at.VARIANCE] = 0.0
    state[at.PLUME] = PLUME_RATE


def sift(memory: Numbers, state: Numbers, reading: float, trust: float) -> None:
    """Take the median of the last three readings, which no single spike moves.

    What humidity, temperature and warm-up explain is taken off. A value that is repeated counts
    once: a slow sensor is often recorded several times.
    """
    memory[mem.SILENT_S] += state[at.ELAPSED]
    memory[mem.HELD_S] += state[at.ELAPSED]
    memory[mem.SIFTED] = math.nan
    if math.isnan(reading) or (trust == SATURATED and math.isnan(memory[mem.LEVEL])):
        return
    rest = reading
    for row in range(2, at.ORDER):
        rest -= state[at.H + row] * state[at.X + row]
    if memory[mem.SILENT_S] > GAP_S:
        memory[mem.FILLED] = 0.0
    memory[mem.SILENT_S] = 0.0
    memory[mem.IS_NEW] = 0.0
    change = abs(reading - memory[mem.HELD])
    if change != 0.0 or memory[mem.HELD_S] > HELD_LONGEST_S or trust == SATURATED:
        if change > 0.0:
            memory[mem.QUANTUM] = min(memory[mem.QUANTUM], change)
        memory[mem.HELD] = reading
        memory[mem.HELD_S] = 0.0
        memory[mem.IS_NEW] = 1.0
        memory[mem.RECENT] = memory[mem.RECENT + 1]
        memory[mem.RECENT + 1] = memory[mem.RECENT + 2]
        memory[mem.FILLED] = min(memory[mem.FILLED] + 1.0, 3.0)
    memory[mem.RECENT + 2] = rest
    if memory[mem.FILLED] < 3.0:
        return
    low = min(memory[mem.RECENT], memory[mem.RECENT + 1])
    high = max(memory[mem.RECENT], memory[mem.RECENT + 1])
    memory[mem.SIFTED] = max(low, min(high, rest))


def follow(memory: Numbers, state: Numbers, trust: float) -> None:
    """Carry the reference on: pulled alike from above and below, and held during an alarm.

    The baseline of `baseline_steps.py` follows readings down faster than up, which is right for
    plumes but makes correlated noise look like them.
    """
    if math.isnan(memory[mem.SIFTED]):
        return
    elapsed = state[at.ELAPSED]
    excess = memory[mem.SIFTED] - memory[mem.LEVEL] - memory[mem.SLOPE] * elapsed
    size = max(memory[mem.TYPICAL], SIFTED_NOISE * state[at.SCALE])
    far = FAR * size
    memory[mem.FALLEN_S] = memory[mem.FALLEN_S] + elapsed if excess < -2.0 * far else 0.0
    memory[mem.BEFORE_S] += elapsed
    fallen = memory[mem.FALLEN_S] > FALL_S
    back = (
        excess > 2.0 * far
        and abs(memory[mem.SIFTED] - memory[mem.BEFORE]) < far
        and memory[mem.BEFORE_S] < LONGEST_PLUME_S
    )
    stays = memory[mem.ON] > 0.0 and memory[mem.ON_S] > LONGEST_PLUME_S and trust != SATURATED
    if math.isnan(excess) or fallen or back or stays:
        if fallen and memory[mem.AGE_S] > REFERENCE_S:
            memory[mem.BEFORE] = memory[mem.LEVEL]
            memory[mem.BEFORE_S] = 0.0
        excess = 0.0
        memory[mem.LEVEL] = memory[mem.SIFTED]
        memory[mem.SLOPE] = 0.0
        memory[mem.AGE_S] = 0.0
        memory[mem.FALLEN_S] = 0.0
        for scale in range(mem.SCALES):
            memory[mem.MEAN + scale] = 0.0
    memory[mem.EXCESS] = excess
    if elapsed == 0.0:
        return
    memory[mem.AGE_S] += elapsed
    memory[mem.LEVEL] += memory[mem.SLOPE] * elapsed
    kept = math.exp(-elapsed / min(REFERENCE_S, 0.5 * memory[mem.AGE_S]))
    if memory[mem.ON] > 0.0 or trust == SATURATED:
        memory[mem.SLOPE] *= kept
        return
    pulled = max(-far, min(far, excess))
    memory[mem.LEVEL] += (1.0 - kept * kept) * pulled
    if memory[mem.AGE_S] > REFERENCE_S:
        memory[mem.SLOPE] += (1.0 - kept) * (1.0 - kept) * pulled / elapsed
    weight = elapsed if memory[mem.REST_S] > AFTER_S else AFTER_WEIGHT * elapsed
    memory[mem.TYPICAL_S] += weight
    share = min(weight / min(memory[mem.TYPICAL_S], TYPICAL_S), 1.0)
    size = abs(excess) if far == 0.0 else min(abs(excess), far)
    memory[mem.TYPICAL] += share * (size - memory[mem.TYPICAL])
