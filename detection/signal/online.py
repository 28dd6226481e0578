"""Drift taken out of a live channel, reading by reading, by the steps of `baseline_steps.py`."""

from __future__ import annotations

import math
from typing import NamedTuple

from detection.signal import layout as at
from detection.signal.baseline_steps import (
    SPAN_S,
    WARM_UP_S,
    absorb,
    advance,
    compare,
    is_warming_up,
    judge,
    learn_noise,
    tick,
)

__all__ = ["OnlineBaseline", "OnlineReading"]


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
    span_s : float
        Time over which the baseline averages [s]; plumes should be shorter.
    warm_up_s : float
        Time constant of the transient after power-on [s]; 0 if there is none.

    Examples
    --------
    >>> channel = OnlineBaseline()
    >>> for index in range(60):
    ...     quiet = channel.feed(float(index), 400.0 + (-1.0) ** index)
    >>> plume = channel.feed(60.0, 450.0)
    >>> round(plume.signal), plume.plume > 0.8, quiet.plume < 0.1
    (50, True, True)
    """

    def __init__(self, *, span_s: float = SPAN_S, warm_up_s: float = WARM_UP_S) -> None:
        self._state = at.new_state()
        self._span_s = span_s
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
        tick(state, time_s, temperature, humidity, self._warm_up_s)
        advance(state, self._span_s)
        compare(state, reading, 1.0)
        judge(state, -1.0)
        absorb(state)
        return OnlineReading(
            signal=reading - state[at.BASELINE],
            baseline=state[at.BASELINE],
            sigma=math.sqrt(state[at.VARIANCE] + state[at.SCALE] * state[at.SCALE]),
            plume=state[at.PLUME],
            warming_up=is_warming_up(state),
        )
