"""The baseline of a gas channel, one reading at a time, and how likely each reading is plume.

Plain Python on scalars, so that a flight computer runs it without a compiler; `baseline.py`
compiles the same four functions for whole flights. They work on one flat `state`, a list here
and an array there, laid out by the constants below.

The model of a reading is level + humidity + temperature + warm-up + noise (+ plume). Level and
slope wander (a local linear trend with a damped slope), the two coefficients wander slowly, the
warm-up amplitude is constant. A plume only ever adds: an innovation far above the prediction is
more likely plume than noise, and the more likely, the less it moves the baseline.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

__all__ = [
    "OnlineBaseline",
    "OnlineReading",
    "absorb",
    "advance",
    "compare",
    "is_warming_up",
    "judge",
    "learn_noise",
    "new_state",
]

# --- layout of the state -------------------------------------------------------------------
TIME, AGE, STEP, COUNT, CHANGES, LAST, SCALE = 0, 1, 2, 3, 4, 5, 6
PLUME, ABOVE, BELOW, MISFIT, ADAPTS = 7, 8, 9, 10, 11
HUMIDITY_ZERO, TEMPERATURE_ZERO = 12, 13
BASELINE, VARIANCE, INNOVATION, NOISE, TRUST, SURPRISE = 14, 15, 16, 17, 18, 19
SLOPE_CARRIED, SLOPE_KEPT = 20, 21  # what `advance` did to level and slope, for the smoother
SETTLING, ELAPSED = 22, 23  # 1 until the noise is known; [s] since the reading before
CHANGED = 24  # the first changes between readings, sorted
X, H, GAIN, P = 40, 45, 50, 55  # estimate, regressors, P H' and covariance, row by row
ORDER = 5  # level, slope, humidity, temperature, warm-up
SIZE = P + ORDER * ORDER

# --- how the baseline may move, in units of the noise of a one-second mean ------------------
LEVEL_S = 100.0  # [s] over which a wandering level is averaged, at drift 1
TREND_S = 100.0  # [s] over which a wandering slope is averaged, at drift 1
SLOPE_MEMORY_S = 300.0  # [s] after which a slope is forgotten
COEFFICIENT = 5.0  # prior spread of the response to 1 % humidity and to 1 K [noises]
COEFFICIENT_MEMORY_S = 20000.0  # [s] in which a coefficient wanders by its prior spread
WARM_UP = 200.0  # prior spread of the warm-up amplitude [noises]

# --- what a plume looks like ------------------------------------------------------------------
PLUME_RATE = 0.05  # share of readings in plume, before looking
PLUME_MEMORY_S = 4.0  # [s] after which having been in plume no longer matters
PLUME_SIZE = 5.0  # typical excess [noises]; the tail is heavy, P(excess) = s / (s + excess)^2
FAULT_RATE = 0.003  # share of readings that are spikes, either way
LONGEST_PLUME_S = 90.0  # after which the baseline is taken to have stepped instead
FALL_S = 2.0  # how long readings must lie below the baseline to pull it down at once
FIRST_CHANGES = 9  # changes between readings before the noise is known
CHANGE_TO_NOISE = 0.9539  # median |difference| of two readings of unit noise, 0.6745 * sqrt(2)
LEARN_UP, LEARN_DOWN = 1.02, 1.0 / 1.02
MISFIT_MEMORY_S = 30.0  # [s] over which a live baseline notices that it lags behind
DRIFT = 1.0  # how readily a live baseline moves
WARM_UP_S = {  # time constant of the transient after power-on [s]; a live filter's starting point
    "mox": 60.0,
    "pid": 60.0,
    "electrochemical": 60.0,
    "ndir": 60.0,
    "tdlas": 0.0,
    "unknown": 60.0,
}


class Numbers(Protocol):
    """A list or an array of numbers."""

    def __getitem__(self, index: int, /) -> float: ...
    def __setitem__(self, index: int, value: float, /) -> None: ...


class OnlineReading(NamedTuple):
    """What is known about one reading the moment it arrives; units are the reading's own."""

    signal: float
    baseline: float
    sigma: float
    plume: float
    warming_up: bool


class OnlineBaseline:
    """Takes drift out of a live channel, each reading at a fixed cost in work and memory.

    Parameters
    ----------
    drift : float
        How readily the baseline moves; at 1 it averages over some 100 s.
    warm_up_s : float
        Time constant of the transient after power-on [s]; 0 if there is none.

    Examples
    --------
    >>> channel = OnlineBaseline()
    >>> for index in range(60):
    ...     quiet = channel.feed(float(index), 400.0 + (-1.0) ** index)
    >>> plume = channel.feed(60.0, 420.0)
    >>> round(plume.signal), plume.plume > 0.9, quiet.plume < 0.1
    (20, True, True)
    """

    def __init__(self, *, drift: float = 1.0, warm_up_s: float = 60.0) -> None:
        self._state = new_state()
        self._drift = drift
        self._warm_up_s = warm_up_s

    def feed(
        self,
        time_s: float,
        reading: float,
        *,
        temperature: float = math.nan,
        humidity: float = math.nan,
    ) -> OnlineReading:
        """Signal, baseline, 1-sigma noise and plume probability of the reading just taken.

        Parameters
        ----------
        time_s : float
            Sample time [s]; a repeated or earlier one counts as the same moment.
        reading : float
            NaN if missing; the baseline is then carried on and the signal is NaN.
        temperature, humidity : float
            Air temperature [K] and relative humidity [1]; NaN keeps the last known value.

        Returns
        -------
        OnlineReading
        """
        state = self._state
        learn_noise(state, reading)
        advance(state, time_s, temperature, humidity, self._drift, self._warm_up_s)
        compare(state, reading, 1.0)
        judge(state, -1.0)
        absorb(state)
        return OnlineReading(
            signal=reading - state[BASELINE],
            baseline=state[BASELINE],
            sigma=math.sqrt(state[VARIANCE] + state[SCALE] * state[SCALE]),
            plume=state[PLUME],
            warming_up=is_warming_up(state),
        )


def new_state() -> list[float]:
    """State of a channel before its first reading; all a filter remembers, `SIZE` numbers."""
    state = [0.0] * SIZE
    for unknown in (TIME, HUMIDITY_ZERO, TEMPERATURE_ZERO, BASELINE, LAST):
        state[unknown] = math.nan
    state[H] = 1.0
    state[PLUME] = PLUME_RATE
    state[MISFIT] = 1.0
    state[ADAPTS] = 1.0
    return state


def is_warming_up(state: Numbers) -> bool:
    """Whether the noise is still unknown or the warm-up transient above three noises."""
    return state[SETTLING] > 0.0 or abs(state[X + 4] * state[H + 4]) > 3.0 * state[SCALE]


def learn_noise(state: Numbers, reading: float) -> None:
    """Follow the noise of single readings: the median change between unequal neighbours.

    Equal neighbours say nothing: a slow sensor is often recorded several times. The first nine
    changes give a median, later ones nudge it by 2 % (a stochastic quantile).
    """
    if not math.isfinite(reading):
        return
    change = abs(reading - state[LAST])
    state[LAST] = reading
    if not change > 0.0:  # also the first reading, whose change is NaN
        return
    state[CHANGES] += 1.0
    count = int(state[CHANGES])
    if count > FIRST_CHANGES:
        state[SCALE] *= LEARN_UP if change > CHANGE_TO_NOISE * state[SCALE] else LEARN_DOWN
        return
    slot = CHANGED + count - 1
    while slot > CHANGED and state[slot - 1] > change:
        state[slot] = state[slot - 1]
        slot -= 1
    state[slot] = change
    state[SCALE] = state[CHANGED + count // 2] / CHANGE_TO_NOISE


def advance(
    state: Numbers,
    time_s: float,
    temperature: float,
    humidity: float,
    drift: float,
    warm_up_s: float,
) -> None:
    """Carry the estimate on to `time_s` and note the regressors there."""
    elapsed = 0.0
    if time_s > state[TIME]:
        elapsed = time_s - state[TIME]
        pace = min(elapsed, 10.0)
        state[STEP] = pace if state[STEP] == 0.0 else state[STEP] + 0.05 * (pace - state[STEP])
    if elapsed > 0.0 or math.isnan(state[TIME]):
        state[TIME] = time_s
    state[AGE] += elapsed
    state[ELAPSED] = elapsed
    if math.isfinite(humidity):
        if math.isnan(state[HUMIDITY_ZERO]):
            state[HUMIDITY_ZERO] = humidity
        state[H + 2] = 100.0 * (humidity - state[HUMIDITY_ZERO])
    if math.isfinite(temperature):
        if math.isnan(state[TEMPERATURE_ZERO]):
            state[TEMPERATURE_ZERO] = temperature
        state[H + 3] = temperature - state[TEMPERATURE_ZERO]
    faded = state[AGE] >= 20.0 * warm_up_s  # also when there is none
    state[H + 4] = 0.0 if faded else math.exp(-state[AGE] / warm_up_s)
    kept = math.exp(-elapsed / SLOPE_MEMORY_S) if elapsed > 0.0 else 1.0
    carried = SLOPE_MEMORY_S * (1.0 - kept)
    state[SLOPE_KEPT] = kept
    state[SLOPE_CARRIED] = carried
    if elapsed == 0.0:
        return
    state[X] += carried * state[X + 1]
    state[X + 1] *= kept
    for column in range(ORDER):
        state[P + column] += carried * state[P + ORDER + column]
        state[P + ORDER + column] *= kept
    for row in range(ORDER):
        state[P + ORDER * row] += carried * state[P + ORDER * row + 1]
        state[P + ORDER * row + 1] *= kept
    misfit = max(state[MISFIT], 1.0) if state[ADAPTS] > 0.0 else 1.0
    unit = drift * misfit * misfit * state[SCALE] * state[SCALE] * state[STEP]
    slope_walk = unit / TREND_S**4
    state[P] += unit / LEVEL_S**2 * elapsed + slope_walk * carried * carried * elapsed / 3.0
    state[P + 1] += slope_walk * carried * elapsed / 2.0
    state[P + ORDER] += slope_walk * carried * elapsed / 2.0
    state[P + ORDER + 1] += slope_walk * elapsed
    coefficient_walk = (COEFFICIENT * state[SCALE]) ** 2 / COEFFICIENT_MEMORY_S * elapsed
    state[P + 2 * ORDER + 2] += coefficient_walk
    state[P + 3 * ORDER + 3] += coefficient_walk


def compare(state: Numbers, reading: float, inflation: float) -> None:
    """Predict the reading; the first ones found the state instead.

    `inflation` multiplies the noise variance of this reading.
    """
    state[NOISE] = inflation * state[SCALE] * state[SCALE]
    state[INNOVATION] = math.nan
    if math.isfinite(reading):
        state[COUNT] += 1.0
        starting = state[ADAPTS] > 0.0 and state[CHANGES] <= FIRST_CHANGES
        state[SETTLING] = 1.0 if starting else 0.0
        if starting or state[COUNT] == 1.0:
            nearness = min(state[COUNT], float(FIRST_CHANGES))
            state[X] += (reading - state[X]) / nearness
            for index in range(ORDER * ORDER):
                state[P + index] = 0.0
            state[P] = 9.0 * state[NOISE]
            state[P + ORDER + 1] = 0.0025 * state[NOISE]
            state[P + 2 * ORDER + 2] = COEFFICIENT**2 * state[NOISE]
            state[P + 3 * ORDER + 3] = COEFFICIENT**2 * state[NOISE]
            state[P + 4 * ORDER + 4] = WARM_UP**2 * state[NOISE] if state[H + 4] > 0.0 else 0.0
        state[INNOVATION] = reading
    state[BASELINE] = 0.0
    state[VARIANCE] = 0.0
    for row in range(ORDER):
        state[BASELINE] += state[H + row] * state[X + row]
        state[GAIN + row] = 0.0
        for column in range(ORDER):
            state[GAIN + row] += state[P + ORDER * row + column] * state[H + column]
        state[VARIANCE] += state[H + row] * state[GAIN + row]
    state[INNOVATION] -= state[BASELINE]


def judge(state: Numbers, trust: float) -> None:
    """Decide how likely the reading is plume, and how far it may pull the baseline.

    `trust` in 0..1 overrules the gate, -1 leaves it to decide.
    """
    excess = state[INNOVATION]
    noise = math.sqrt(state[NOISE])
    prior = PLUME_RATE
    if state[PLUME] != PLUME_RATE:
        prior += (state[PLUME] - PLUME_RATE) * math.exp(-state[ELAPSED] / PLUME_MEMORY_S)
    state[PLUME] = prior
    state[TRUST] = max(trust, 0.0)
    state[SURPRISE] = 0.0
    if math.isnan(excess) or noise == 0.0 or state[SETTLING] > 0.0:
        return
    spread = math.sqrt(state[VARIANCE] + state[NOISE])
    ratio = excess / spread
    gauss = 0.3989 / spread * math.exp(-0.5 * min(ratio * ratio, 1000.0))
    tail = PLUME_SIZE * noise / (PLUME_SIZE * noise + abs(excess)) ** 2
    upward = 1.0 / (1.0 + math.exp(-1.702 * min(max(ratio, -20.0), 20.0)))
    plume = prior * upward * tail
    quiet = (1.0 - prior) * (1.0 - FAULT_RATE) * gauss
    total = plume + quiet + (1.0 - prior) * FAULT_RATE * 0.5 * tail
    state[SURPRISE] = -math.log(total * noise)
    state[PLUME] = plume / total
    if trust < 0.0:
        state[TRUST] = quiet / total
        state[ABOVE] = state[ABOVE] + state[ELAPSED] if state[PLUME] > 0.5 else 0.0
        state[BELOW] = state[BELOW] + state[ELAPSED] if ratio < -3.0 else 0.0
        memory = min(state[ELAPSED] / MISFIT_MEMORY_S, 1.0) * state[TRUST]
        state[MISFIT] += memory * (min(ratio * ratio, 25.0) - state[MISFIT])


def absorb(state: Numbers) -> None:
    """Let the reading move the estimate as far as it is trusted."""
    excess = state[INNOVATION]
    if math.isnan(excess) or state[NOISE] == 0.0 or state[SETTLING] > 0.0:
        return
    widening = 0.0
    if state[BELOW] > FALL_S:  # readings stay below: the baseline itself was too high
        widening = excess * excess
        state[BELOW] = 0.0
    elif state[ABOVE] > LONGEST_PLUME_S:  # no plume lasts so long: the baseline has stepped up
        widening = excess * excess
        state[ABOVE] = 0.0
    if widening > 0.0:
        state[TRUST] = 1.0
        state[PLUME] = PLUME_RATE
        state[P] += widening
        state[VARIANCE] += widening
        state[GAIN] += widening
    if state[TRUST] < 1e-4:
        return
    precision = 1.0 / (state[VARIANCE] + state[NOISE] / state[TRUST])
    for row in range(ORDER):
        state[X + row] += state[GAIN + row] * precision * excess
    for row in range(ORDER):
        for column in range(ORDER):
            state[P + ORDER * row + column] -= state[GAIN + row] * precision * state[GAIN + column]
