"""When to say that there is gas, one reading at a time, at a stated rate of false alarms.

A reading's excess over a reference is freed of single spikes and averaged over 1, 3 and 9 s, and
each mean is divided by its own spread. That is learnt from the quiet (negative) half, so it holds
for noise that a slow sensor, a coarse resolution or a filter has correlated. The largest of the
three is a likelihood ratio maximised over durations; it alarms above what noise reaches so many
times an hour. The steps are in `alarm_reference.py` and `alarm_steps.py`, what it means in
docs/detector.md.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from detection.signal import alarm_layout as mem
from detection.signal import alarm_reference, alarm_steps, baseline_steps
from detection.signal import layout as at
from sensors.records import GOOD, Quality

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["MOX_EXPONENT", "LiveDetector", "OnlineAlarm", "threshold_for"]

MOX_EXPONENT = -0.5  # as in `baseline.py`: B of Rs/R0 = A C^B
ASSUMED_SHARE = 0.02  # 1-sigma noise of a channel that has shown none, as a share of its reading
# and the least: 50 ppb, 10 ug/m3, 10 mV, 10 /cm3, 50 ppm m; anything else counts in ones
ASSUMED_LEAST = {"1": 5e-8, "kg m-3": 1e-8, "V": 1e-2, "m-3": 1e7, "m": 5e-5}
ASSUMED_OTHER = 1.0
NO_WARM_UP = ("tdlas",)  # as in `baseline.py`

SPARE = 2.0  # noise is not normal: thresholds are for so much less than is asked

NOT_FED = Quality.MISSING | Quality.FAULT | Quality.OUT_OF_RANGE
CANNOT_BEGIN = Quality.WARMING_UP | Quality.DISTURBED


class OnlineAlarm(NamedTuple):
    """What is known about one reading the moment it arrives.

    Attributes
    ----------
    excess, baseline, sigma : float
        Reading above its baseline, that baseline, and the 1-sigma noise of the excess, in
        `unit`; for a resistance excess and sigma are relative to clean air, `baseline` in ohm.
        NaN for a reading that was not fed.
    unit : str
        Of `excess` and `sigma`: that of the reading, but "1" for a resistance in "ohm".
    plume : float
        Probability that this reading is in plume.
    snr : float
        Largest of the means over some seconds, in its own spreads; NaN before the noise is known.
    warming_up : bool
        The channel cannot alarm yet.
    in_alarm : bool
    change : {"", "begin", "end"}
        Whether the alarm began or ended with this reading.
    """

    excess: float
    baseline: float
    sigma: float
    unit: str
    plume: float
    snr: float
    warming_up: bool
    in_alarm: bool
    change: str


class _Channel:
    """State of one channel."""

    __slots__ = ("is_resistance", "least", "memory", "share", "state", "unit", "warm_up_s")

    def __init__(self, unit: str, family: str) -> None:
        self.state = at.new_state()
        self.memory = mem.new_memory()
        self.is_resistance = unit == "ohm"
        self.unit = "1" if self.is_resistance else unit
        self.warm_up_s = 0.0 if family in NO_WARM_UP else baseline_steps.WARM_UP_S
        self.share, self.least = assumed_noise(unit)


class LiveDetector:
    """Alarms of several live channels, each reading at a fixed cost in work and memory.

    Parameters
    ----------
    false_alarms_per_hour : float
        Of all channels together, at most; each channel is given an equal share.
    channels : int
        How many there will be, if known; else the share falls as channels appear.

    Raises
    ------
    ValueError
        `false_alarms_per_hour` is not positive.

    Examples
    --------
    >>> detector = LiveDetector(false_alarms_per_hour=0.2)
    >>> for index in range(1200):
    ...     quiet = detector.feed("pid", 0.1 * index, 4e-7 + 1e-9 * (-1.0) ** index, unit="1")
    >>> for index in range(10):
    ...     met = detector.feed("pid", 120.0 + 0.1 * index, 4.5e-7 + 1e-10 * index, unit="1")
    >>> quiet.in_alarm, met.in_alarm, detector.alarmed
    (False, True, ('pid',))
    """

    def __init__(self, *, false_alarms_per_hour: float = 0.2, channels: int = 0) -> None:
        self._per_hour = false_alarms_per_hour
        self._expected = channels
        self._channels: dict[Hashable, _Channel] = {}
        self._threshold = threshold_for(false_alarms_per_hour / max(channels, 1))

    @property
    def alarmed(self) -> tuple[Hashable, ...]:
        """Channels in alarm, in the order in which they were first fed."""
        return tuple(key for key, one in self._channels.items() if one.memory[mem.ON] > 0.0)

    @property
    def in_alarm(self) -> bool:
        """Whether any channel is."""
        return any(one.memory[mem.ON] > 0.0 for one in self._channels.values())

    def feed(
        self,
        channel: Hashable,
        time_s: float,
        value: float,
        unit: str,
        *,
        temperature: float = math.nan,
        humidity: float = math.nan,
        quality: Quality = GOOD,
        family: str = "unknown",
    ) -> OnlineAlarm:
        """What is made of the reading just taken.

        Parameters
        ----------
        channel : hashable
            Name, of whatever kind.
        time_s : float
            Sample time [s]; a repeated or earlier one counts as the same moment.
        value : float
            Any unit; NaN if missing.
        unit : str
            "ohm" for a metal-oxide resistance, which gas lowers.
        temperature, humidity : float
            Air temperature [K] and relative humidity [1]; NaN, or what air cannot have, keeps the
            last known value.
        quality : Quality
            MISSING, FAULT and OUT_OF_RANGE readings are not fed, WARMING_UP and DISTURBED ones
            begin no alarm, SATURATED ones count as in plume (a resistance is then missing: its
            upper end is clean air).
        family : str
            Sensor family; all but "tdlas" may have a warm-up.

        Returns
        -------
        OnlineAlarm
        """
        one = self._channels.get(channel)
        if one is None:
            one = self._channels[channel] = _Channel(unit, family)
            share = self._per_hour / max(self._expected, len(self._channels))
            self._threshold = threshold_for(share)
        state, memory = one.state, one.memory
        trust = -1.0
        reading = value
        if quality:
            if quality & NOT_FED:
                reading = math.nan
            elif quality & Quality.SATURATED:
                trust = 0.0
        reading = alarm_reference.linear(reading, trust, one.is_resistance)
        baseline_steps.learn_noise(state, reading)
        kelvin = alarm_reference.within(
            temperature, alarm_reference.COLDEST_K, alarm_reference.HOTTEST_K
        )
        humidity = alarm_reference.within(humidity, 0.0, alarm_reference.WETTEST)
        baseline_steps.tick(state, time_s, kelvin, humidity, one.warm_up_s)
        baseline_steps.advance(state, baseline_steps.SPAN_S)
        baseline_steps.compare(state, reading, 1.0)
        alarm_reference.recover(state)
        baseline_steps.judge(state, trust)
        baseline_steps.absorb(state)
        warming_up = baseline_steps.is_warming_up(state)
        alarm_reference.sift(memory, state, reading, trust)
        alarm_reference.follow(memory, state, trust)
        alarm_steps.average(memory, state)
        alarm_steps.weigh(memory, state)
        alarm_steps.leap(memory, state, reading, one.share, one.least)
        alarm_steps.learn(memory, state)
        may_begin = not (quality and quality & CANNOT_BEGIN)
        alarm_steps.decide(memory, state, self._threshold, may_begin, warming_up)
        return _told(one, reading, trust, warming_up)


def assumed_noise(unit: str) -> tuple[float, float]:
    """Noise of a channel that shows none: a share of what it reads, and the least of it.

    Examples
    --------
    >>> assumed_noise("1"), assumed_noise("ohm")
    ((0.02, 5e-08), (0.0, 0.02))
    """
    if unit == "ohm":
        return 0.0, ASSUMED_SHARE  # of a logarithm
    return ASSUMED_SHARE, ASSUMED_LEAST.get(unit, ASSUMED_OTHER)


def _told(one: _Channel, reading: float, trust: float, warming_up: bool) -> OnlineAlarm:
    state, memory = one.state, one.memory
    baseline = state[at.BASELINE]
    excess = reading - baseline
    sigma = math.sqrt(state[at.VARIANCE] + state[at.SCALE] * state[at.SCALE])
    if one.is_resistance:
        baseline = math.exp(min(-baseline, 700.0))
        ratio = math.exp(min(-excess / MOX_EXPONENT, 50.0))
        excess, sigma = ratio - 1.0, ratio * sigma / -MOX_EXPONENT
    change = memory[mem.CHANGE]
    return OnlineAlarm(
        excess=excess,
        baseline=baseline,
        sigma=sigma,
        unit=one.unit,
        plume=1.0 if trust == 0.0 and not math.isnan(reading) else state[at.PLUME],
        snr=memory[mem.SNR],
        warming_up=warming_up,
        in_alarm=memory[mem.ON] > 0.0,
        change="begin" if change > 0.0 else "end" if change < 0.0 else "",
    )


def threshold_for(false_alarms_per_hour: float) -> float:
    """Normal deviate that a channel's noise exceeds so many times an hour.

    Raises
    ------
    ValueError
        `false_alarms_per_hour` is not positive.

    Notes
    -----
    The exponential mean of white noise over a time T has autocorrelation exp(-|t| / T), and such
    a process rises above u at the rate u phi(u) / T (Leadbetter, Lindgren & Rootzen 1983, theorem
    12.2.9). The rates of all times are added, as if they alarmed independently, and sampling is
    taken as continuous: both overstate the rate. Twice the rate is allowed for, because noise
    has heavier tails than the normal.

    Examples
    --------
    >>> round(threshold_for(0.2), 2)  # 2 * 3600 (1 + 1/3 + 1/9) / s * 4.8 * phi(4.8) = 0.2
    4.8
    """
    if not false_alarms_per_hour > 0.0:
        raise ValueError(f"false_alarms_per_hour {false_alarms_per_hour} is not positive")
    per_hour = 3600.0 * sum(1.0 / time_s for time_s in mem.TIMES_S) / math.sqrt(2.0 * math.pi)
    low, high = 1.0, 40.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        rate = SPARE * per_hour * middle * math.exp(-0.5 * middle * middle)
        is_low = rate > false_alarms_per_hour
        low, high = (middle, high) if is_low else (low, middle)
    return high
