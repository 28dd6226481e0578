"""What a baseline filter remembers: one flat list or array, and where in it each number is."""

from __future__ import annotations

import math
from typing import Protocol

TIME, AGE, STEP, ELAPSED = 0, 1, 2, 3  # last time, since the first, usual and latest step [s]
COUNT, CHANGES, LAST, SCALE = 4, 5, 6, 7  # readings, changes between them, the last, the noise
PLUME, ABOVE, BELOW = 8, 9, 10  # probability; how long above and below the baseline [s]
ADAPTS, SETTLING = 11, 12  # 1 to learn the noise; 1 until it is known
HUMIDITY_ZERO, TEMPERATURE_ZERO = 13, 14  # the first known, regressors count from there
BASELINE, VARIANCE, INNOVATION, NOISE, TRUST, DENSITY = 15, 16, 17, 18, 19, 20
SLOPE_CARRIED, SLOPE_KEPT = 21, 22  # what `advance` did to level and slope, for the smoother
FREEDOM = 23  # variance of the level's walk over the usual
CHANGED = 24  # the first changes between readings, sorted
X, H, GAIN, P = 40, 45, 50, 55  # estimate, regressors, P H' and covariance, row by row
ORDER = 5  # level, slope, humidity, temperature, warm-up
SIZE = P + ORDER * ORDER


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
