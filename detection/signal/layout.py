"""What a baseline filter remembers: one flat list or array, and where in it each number is."""

from __future__ import annotations

import math
from typing import Protocol

TIME, AGE, STEP, ELAPSED = 0, 1, 2, 3  # last time, since the first, usual and latest step [s]
COUNT, CHANGES, LAST, SCALE = 4, 5, 6, 7  # readings, changes between them, the last, the noise
PLUME, ABOVE, BELOW = 8, 9, 10  # probability; how long above and below the baseline [s]
ADAPTS, SETTLING = 11, 12  # 1 if live, to learn the noise; 1 until it is known
HUMIDITY_ZERO, TEMPERATURE_ZERO = 13, 14  # the first known, regressors count from there
BASELINE, VARIANCE, INNOVATION, NOISE, TRUST, DENSITY = 15, 16, 17, 18, 19, 20
SLOPE_CARRIED, SLOPE_KEPT = 21, 22  # what `advance` did to level and slope, for the smoother
FREEDOM = 23  # variance of the level's walk over the usual
CHANGED = 24  # the first changes between readings, sorted
ORDER = 5  # level, slope, humidity, temperature, warm-up
X, H, GAIN = 40, 45, 50  # estimate, regressors (1, 0, ...) and P H'
P00, P01, P02, P03, P04 = 55, 56, 57, 58, 59  # covariance: its upper triangle, row by row
P11, P12, P13, P14 = 60, 61, 62, 63
P22, P23, P24 = 64, 65, 66
P33, P34, P44 = 67, 68, 69
SIZE = P44 + 1
# Where row i, column j of the covariance is: COVARIANCE[i][j].
COVARIANCE = (
    (P00, P01, P02, P03, P04),
    (P01, P11, P12, P13, P14),
    (P02, P12, P22, P23, P24),
    (P03, P13, P23, P33, P34),
    (P04, P14, P24, P34, P44),
)


class Numbers(Protocol):
    """A list or an array of numbers."""

    def __getitem__(self, index: int, /) -> float: ...
    def __setitem__(self, index: int, value: float, /) -> None: ...


def new_state() -> list[float]:
    """State of a channel before its first reading; all a filter remembers, `SIZE` numbers."""
    state = [0.0] * SIZE
    for unknown in (TIME, HUMIDITY_ZERO, TEMPERATURE_ZERO, BASELINE, LAST):
        state[unknown] = math.nan
    state[H] = 1.0
    state[ADAPTS] = 1.0
    state[FREEDOM] = 1.0
    return state
