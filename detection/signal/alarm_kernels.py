"""The live alarm of `alarm_reference.py` and `alarm_steps.py` compiled for whole flights.

The loop takes the very steps a live channel takes, in the same order, so a flight judged at once
equals the same flight fed reading by reading, to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from detection.signal import alarm_layout as mem
from detection.signal import alarm_reference, alarm_steps, baseline_steps
from detection.signal.layout import BASELINE, PLUME, SCALE, VARIANCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["alarm_pass"]

_learn_noise = njit(cache=True, nogil=True)(baseline_steps.learn_noise)
_tick = njit(cache=True, nogil=True)(baseline_steps.tick)
_advance = njit(cache=True, nogil=True)(baseline_steps.advance)
_compare = njit(cache=True, nogil=True)(baseline_steps.compare)
_judge = njit(cache=True, nogil=True)(baseline_steps.judge)
_absorb = njit(cache=True, nogil=True)(baseline_steps.absorb)
_is_warming_up = njit(cache=True, nogil=True)(baseline_steps.is_warming_up)
_linear = njit(cache=True, nogil=True)(alarm_reference.linear)
_within = njit(cache=True, nogil=True)(alarm_reference.within)
_leap = njit(cache=True, nogil=True)(alarm_steps.leap)
_recover = njit(cache=True, nogil=True)(alarm_reference.recover)
_sift = njit(cache=True, nogil=True)(alarm_reference.sift)
_follow = njit(cache=True, nogil=True)(alarm_reference.follow)
_average = njit(cache=True, nogil=True)(alarm_steps.average)
_weigh = njit(cache=True, nogil=True)(alarm_steps.weigh)
_learn = njit(cache=True, nogil=True)(alarm_steps.learn)
_decide = njit(cache=True, nogil=True)(alarm_steps.decide)


@njit(nogil=True)  # no cache: it would not see that a step has changed
def alarm_pass(
    state: FloatArray,
    memory: FloatArray,
    time_s: FloatArray,
    value: FloatArray,
    temperature: FloatArray,
    humidity: FloatArray,
    saturated: NDArray[np.bool_],
    may_begin: NDArray[np.bool_],
    is_resistance: bool,
    threshold: float,
    warm_up_s: float,
    share: float,
    least: float,
) -> FloatArray:
    """Rows of excess, baseline, sigma, plume, snr, warming up, in alarm, change; shape (8, n).

    All arrays have shape (n,); excess, baseline and sigma are on the scale of `linear`;
    `share` and `least` are what `alarm.assumed_noise` says of the unit. `state`
    (from `layout.new_state`) and `memory` (from `alarm_layout.new_memory`) are left as after the
    last reading.
    """
    told = np.empty((8, time_s.size))
    for index in range(time_s.size):
        trust = 0.0 if saturated[index] else -1.0
        reading = _linear(value[index], trust, is_resistance)
        _learn_noise(state, reading)
        kelvin = _within(temperature[index], alarm_reference.COLDEST_K, alarm_reference.HOTTEST_K)
        damp = _within(humidity[index], 0.0, alarm_reference.WETTEST)
        _tick(state, time_s[index], kelvin, damp, warm_up_s)
        _advance(state, baseline_steps.SPAN_S)
        _compare(state, reading, 1.0)
        _recover(state)
        _judge(state, trust)
        _absorb(state)
        warming_up = _is_warming_up(state)
        _sift(memory, state, reading, trust)
        _follow(memory, state, trust)
        _average(memory, state)
        _weigh(memory, state)
        _leap(memory, state, reading, share, least)
        _learn(memory, state)
        _decide(memory, state, threshold, may_begin[index], warming_up)
        in_plume = trust == 0.0 and not np.isnan(reading)
        told[0, index] = reading - state[BASELINE]
        told[1, index] = state[BASELINE]
        told[2, index] = np.sqrt(state[VARIANCE] + state[SCALE] * state[SCALE])
        told[3, index] = 1.0 if in_plume else state[PLUME]
        told[4, index] = memory[mem.SNR]
        told[5, index] = 1.0 if warming_up else 0.0
        told[6, index] = memory[mem.ON]
        told[7, index] = memory[mem.CHANGE]
    return told
