"""What an alarm remembers of a channel: one flat list or array, and where in it each number is."""

from __future__ import annotations

import math

TIMES_S = (1.0, 3.0, 9.0)  # over which readings are averaged [s]
SCALES = len(TIMES_S)

RECENT = 0  # the last three readings that differed, as excesses
FILLED, HELD, HELD_S = 3, 4, 5  # how many of them are known; the last reading, and since when [s]
SIFTED = 6  # the median of the three; NaN if there is no reading
SNR, SURPRISE = 7, 8  # largest mean in its own spreads, and as a normal deviate
ON, LOW_S, REST_S, SILENT_S = 9, 10, 11, 12  # in alarm; low, at rest, silent for [s]
CHANGE = 13  # 1 begins, -1 ends
MEAN, SHARE, SPREAD, LEARNT_S = 16, 20, 24, 28  # per time: mean excess, its variance in noises,
# the square of what it spreads by over what white noise would, and the time that was learnt in
SIZE = 32


def new_memory() -> list[float]:
    """Memory of a channel before its first reading, `SIZE` numbers."""
    memory = [0.0] * SIZE
    memory[HELD] = memory[SIFTED] = memory[SNR] = math.nan
    memory[REST_S] = math.inf
    for scale in range(SCALES):
        memory[SPREAD + scale] = 1.0
    return memory
