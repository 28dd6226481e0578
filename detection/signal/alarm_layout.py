"""What an alarm remembers of a channel: one flat list or array, and where in it each number is."""

from __future__ import annotations

import math

TIMES_S = (1.0, 3.0, 9.0)  # over which readings are averaged [s]
SCALES = len(TIMES_S)

RECENT = 0  # the last three different readings, less what air and warm-up explain
FILLED, HELD, HELD_S, IS_NEW = 3, 4, 5, 6  # how many; the last as it came, its age; 1 if it differs
QUANTUM, SIFTED = 7, 8  # smallest change yet; median of the three, NaN if there is none
LEVEL, SLOPE, AGE_S, EXCESS = 9, 10, 11, 12  # reference; its age; the sifted reading above it
TYPICAL, TYPICAL_S, FALLEN_S = 13, 14, 15  # usual size of that, learnt in; far below zero for
SNR, SURPRISE = 16, 17  # largest mean in its own spreads; the same as a normal deviate
ON, ON_S, LOW_S, REST_S, SILENT_S, CHANGE = 18, 19, 20, 21, 22, 23  # 1 in alarm; times; +1 or -1
MEAN, SHARE, WEIGHT, SPREAD, LEARNT_S = 24, 28, 32, 36, 40  # one for each of the times: mean
# excess; its variance if readings are white and of unit variance; weight of equal readings in it;
# its mean square in the quiet half; the time that took
BEFORE, BEFORE_S = 27, 31  # the reference from which readings fell, and how long ago
RECENTLY = 35  # the deviate of the shorter means alone
AIR = 44  # fast and slow mean of humidity [%], then of temperature [K]
YOUNG, YOUNG_S = 48, 51  # as spread and time, of the last stretch alone
STILL, STILL_S, CLEAN, LEAPT = 54, 55, 56, 57  # value and for how long; the one held longest
# before; readings in a row far above that
SIZE = 58


def new_memory() -> list[float]:
    """Memory of a channel before its first reading, `SIZE` numbers."""
    memory = [0.0] * SIZE
    for unknown in (HELD, SIFTED, LEVEL, BEFORE, SNR, STILL, CLEAN):
        memory[unknown] = math.nan
    memory[REST_S] = memory[QUANTUM] = math.inf
    return memory
