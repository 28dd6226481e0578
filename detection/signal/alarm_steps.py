"""The steps from an excess to an alarm; `alarm.py` takes them live, `alarm_kernels.py` at once.

Those before them, from a reading to its excess over a reference, are in `alarm_reference.py`;
all are plain Python on scalars and work on the same flat `memory` and `state`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from detection.signal import alarm_layout as mem
from detection.signal import layout as at
from detection.signal.alarm_reference import AFTER_S, AFTER_WEIGHT, GAP_S, SIFTED_NOISE
from detection.signal.baseline_steps import FIRST_CHANGES, LONGEST_PLUME_S

if TYPE_CHECKING:
    from detection.signal.layout import Numbers

__all__ = ["average", "decide", "leap", "learn", "weigh"]

# What an excess counts.
LARGEST = 9.0  # in typical sizes: it counts as this at most ...
NEW_S = 30.0  # ... and more while the typical size is known from so many seconds or fewer

# What a mean spreads by.
LEARNING_S = 600.0  # quiet time over which spreads are learnt
EARLY_S = 60.0  # first quiet time, learnt from whatever happens
YOUNG_TIMES = 8.0  # averaging times, and seconds, of a stretch that is judged alone ...
QUIETER = 0.2  # ... and counts alone if its variance is so much less: there was gas before
LARGEST_SCORE = 2.0  # Huber's proposal 2: a score counts as this at most ...
HUBER = 0.9205  # ... which leaves so much of a normal variance
PRIOR_TIMES = 3.0  # averaging times that the prior counts for
PRIOR_SPREAD = 9.0  # variance of a mean before it is known, over that of white noise
PRIOR_FREEDOM = 10.0  # degrees of freedom of the prior
QUANTUM_SHARE = 1.0 / 3.0  # deviation of a mean for the resolution alone [smallest changes]
AIR_S = (2.0, 20.0)  # fast and slow means of the air [s]
AIR_SHARE = 1.25  # part of the response to their difference that the baseline may get wrong

# A channel that has hardly ever changed.
LEAP = 5.0  # assumed noises above the value it held
SURE = 100.0  # deviate that any threshold is below

# When an alarm begins and ends.
SETTLED_S = 10.0  # a channel may alarm after so long at the earliest
LASTING = 2  # means from this on last too long to tell that a plume is over
END_SHARE = 0.5  # of the threshold; an alarm ends when the other means are lower ...
END_S = 2.0  # ... after so long
REARM_S = 5.0  # least time from an end, or a new reference, to a beginning


def average(memory: Numbers, state: Numbers) -> None:
    """Carry the means on; each reading counts for the time since the last."""
    elapsed = state[at.ELAPSED]
    if math.isnan(memory[mem.SIFTED]) or elapsed == 0.0:
        return
    excess = memory[mem.EXCESS]
    if memory[mem.TYPICAL] > 0.0:
        ease = LARGEST * (1.0 + NEW_S / memory[mem.TYPICAL_S])
        size = max(memory[mem.TYPICAL], SIFTED_NOISE * state[at.SCALE])
        excess = min(excess, ease * max(size, memory[mem.QUANTUM]))
    is_held = memory[mem.IS_NEW] == 0.0
    for scale in range(mem.SCALES):
        kept = math.exp(-elapsed / mem.TIMES_S[scale])
        share = 1.0 - kept
        weight = kept * memory[mem.WEIGHT + scale] if is_held else 0.0
        memory[mem.MEAN + scale] += share * (excess - memory[mem.MEAN + scale])
        memory[mem.SHARE + scale] = kept * kept * memory[mem.SHARE + scale] + share * (
            2.0 * weight + share
        )
        memory[mem.WEIGHT + scale] = weight + share
    damp, warm = state[at.H + 2], state[at.H + 3]
    for place in range(2):
        share = 1.0 - math.exp(-elapsed / AIR_S[place])
        memory[mem.AIR + place] += share * (damp - memory[mem.AIR + place])
        memory[mem.AIR + 2 + place] += share * (warm - memory[mem.AIR + 2 + place])


def weigh(memory: Numbers, state: Numbers) -> None:
    """Compare each mean with its spread: that learnt, and no less than can be known.

    No less than white noise, the resolution, and what a change of the air just now may do. A
    spread known from few seconds makes a score Student's t; Wallace (1959),
    doi:10.1214/aoms/1177706093, turns that into a normal deviate.
    """
    if math.isnan(memory[mem.SIFTED]) or state[at.ELAPSED] == 0.0:
        return
    step = QUANTUM_SHARE * min(memory[mem.QUANTUM], 1e150)
    floor = step * step
    for row in range(2):
        moved = AIR_SHARE * (memory[mem.AIR + 2 * row] - memory[mem.AIR + 2 * row + 1])
        response = state[at.X + 2 + row]
        doubt = state[at.COVARIANCE[2 + row][2 + row]]
        floor += (response * response + doubt) * moved * moved
    white = state[at.SCALE] * state[at.SCALE]
    typical = memory[mem.TYPICAL] * memory[mem.TYPICAL]
    highest = surprise = recently = 0.0
    for scale in range(mem.SCALES):
        mean = memory[mem.MEAN + scale]
        least = floor + memory[mem.SHARE + scale] * white
        if not (mean > 0.0 and least > 0.0):
            continue
        time_s = mem.TIMES_S[scale]
        learnt = min(memory[mem.LEARNT_S + scale], LEARNING_S)
        prior_s = PRIOR_TIMES * time_s
        spread = learnt * memory[mem.SPREAD + scale] + prior_s * (PRIOR_SPREAD * least + typical)
        score = mean * mean / max(spread / (learnt + prior_s), least)
        highest = max(highest, score)
        if score > 4.0:
            freedom = PRIOR_FREEDOM + learnt / (2.0 * time_s + 1.0)
            shrunk = (8.0 * freedom + 1.0) / (8.0 * freedom + 3.0)
            normal = shrunk * math.sqrt(freedom * math.log(1.0 + score / freedom))
            surprise = max(surprise, normal)
            if scale < LASTING:
                recently = max(recently, normal)
    memory[mem.SNR] = math.sqrt(highest)
    memory[mem.SURPRISE] = surprise
    memory[mem.RECENTLY] = recently


def leap(memory: Numbers, state: Numbers, reading: float, share: float, least: float) -> None:
    """Judge a channel that has hardly ever changed, and so shows no noise to judge it by.

    In clean air a digital sensor may tell one and the same value for minutes. Two readings in a
    row far above a value that was held for ten seconds are then as good as a sure score.

    Parameters
    ----------
    memory, state : list or array
    reading : float
    share, least : float
        A noise to judge by: a share of the held value, and no less than so much, on the scale of
        `linear`.
    """
    if state[at.CHANGES] > FIRST_CHANGES or math.isnan(reading):
        return
    same = reading == memory[mem.STILL]
    memory[mem.STILL_S] = memory[mem.STILL_S] + state[at.ELAPSED] if same else 0.0
    memory[mem.STILL] = reading
    held_s = LONGEST_PLUME_S if memory[mem.ON] > 0.0 else SETTLED_S
    if memory[mem.STILL_S] >= held_s:
        memory[mem.CLEAN] = reading
    noise = max(share * abs(memory[mem.CLEAN]), least)
    above = (reading - memory[mem.CLEAN]) / noise
    memory[mem.LEAPT] = memory[mem.LEAPT] + 1.0 if above > LEAP else 0.0
    if memory[mem.LEAPT] > 1.0:
        memory[mem.SNR] = above
        memory[mem.SURPRISE] = SURE
        memory[mem.RECENTLY] = SURE


def learn(memory: Numbers, state: Numbers) -> None:
    """Learn the spread of each mean from its quiet (negative) half, where no plume reaches."""
    elapsed = state[at.ELAPSED]
    if math.isnan(memory[mem.SIFTED]) or elapsed == 0.0:
        return
    weighed = 1.0 if memory[mem.REST_S] > AFTER_S else AFTER_WEIGHT
    for scale in range(mem.SCALES):
        mean = memory[mem.MEAN + scale]
        learnt = memory[mem.LEARNT_S + scale]
        if mean <= 0.0 and (learnt < EARLY_S or memory[mem.ON] == 0.0):
            time_s = mem.TIMES_S[scale]
            square = mean * mean
            if learnt > 3.0 * time_s:
                square = min(square, LARGEST_SCORE * LARGEST_SCORE * memory[mem.SPREAD + scale])
            weight = min(elapsed, time_s) * (1.0 if learnt < EARLY_S else weighed)
            learnt += weight
            memory[mem.LEARNT_S + scale] = learnt
            share = weight / min(learnt, LEARNING_S)
            memory[mem.SPREAD + scale] += share * (square / HUBER - memory[mem.SPREAD + scale])
            young = memory[mem.YOUNG_S + scale] + weight
            share = weight / young
            memory[mem.YOUNG_S + scale] = young
            memory[mem.YOUNG + scale] += share * (square / HUBER - memory[mem.YOUNG + scale])
            if young > YOUNG_TIMES * (time_s + 1.0):
                if memory[mem.YOUNG + scale] < QUIETER * memory[mem.SPREAD + scale]:
                    memory[mem.SPREAD + scale] = memory[mem.YOUNG + scale]
                    memory[mem.LEARNT_S + scale] = young
                memory[mem.YOUNG_S + scale] = 0.0
                memory[mem.YOUNG + scale] = 0.0


def decide(
    memory: Numbers, state: Numbers, threshold: float, may_begin: bool, warming_up: bool
) -> None:
    """Begin or end the alarm."""
    memory[mem.CHANGE] = 0.0
    elapsed = state[at.ELAPSED]
    if memory[mem.ON] > 0.0:
        memory[mem.ON_S] += elapsed
        is_low = memory[mem.RECENTLY] < END_SHARE * threshold
        memory[mem.LOW_S] = memory[mem.LOW_S] + elapsed if is_low else 0.0
        if memory[mem.LOW_S] > END_S or memory[mem.SILENT_S] > GAP_S:
            memory[mem.ON] = 0.0
            memory[mem.CHANGE] = -1.0
            memory[mem.LOW_S] = 0.0
            memory[mem.REST_S] = 0.0
            for scale in range(LASTING, mem.SCALES):
                memory[mem.MEAN + scale] = min(
                    memory[mem.MEAN + scale], memory[mem.MEAN + LASTING - 1]
                )
        return
    memory[mem.REST_S] += elapsed
    unsettled = state[at.AGE] < SETTLED_S or (warming_up and state[at.SETTLING] == 0.0)
    if unsettled or not may_begin or math.isnan(memory[mem.SIFTED]):
        return
    if min(memory[mem.REST_S], memory[mem.AGE_S]) > REARM_S and memory[mem.SURPRISE] > threshold:
        memory[mem.ON] = 1.0
        memory[mem.ON_S] = 0.0
        memory[mem.CHANGE] = 1.0
