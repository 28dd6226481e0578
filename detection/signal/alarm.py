"""When to say that there is gas, one reading at a time, at a stated rate of false alarms.

Plain Python on scalars, like `online.py`, whose baseline it judges; `alarm_kernels.py` compiles
the same functions for whole flights. What they remember is laid out in `alarm_layout.py`.

A reading's excess over the predicted baseline is freed of single spikes, averaged over 1, 3 and
9 s, and each mean divided by its own spread. That spread is learnt from the quiet (negative)
half, so it holds for noise that a slow sensor, a coarse resolution or a filter has correlated.
The largest of the three is a likelihood ratio maximised over durations; it alarms above what
noise reaches so many times an hour. See docs/detector.md.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from detection.signal import alarm_layout as mem
from detection.signal import layout as at
from detection.signal import online
from sensors.records import GOOD, Quality

if TYPE_CHECKING:
    from collections.abc import Hashable

    from detection.signal.layout import Numbers

__all__ = [
    "MOX_EXPONENT",
    "LiveDetector",
    "OnlineAlarm",
    "average",
    "decide",
    "sift",
    "threshold_for",
    "weigh",
]

MOX_EXPONENT = -0.5  # as in `baseline.py`: B of Rs/R0 = A C^B
NO_WARM_UP = ("tdlas",)  # as in `baseline.py`

HELD_LONGEST_S = 1.0  # a value repeated for longer is a new reading
GAP_S = 30.0  # without a reading, after which what was before says nothing
PRIOR_TIMES = 12.0  # averaging times that the theory of white noise counts for
LEARNING_S = 600.0  # quiet time that spreads are learnt over [s]
LARGEST_SCORE = 5.0  # a quiet score counts as this at most
END_SHARE = 0.5  # of the threshold, below which an alarm may end ...
END_S = 2.0  # ... after so long
REARM_S = 5.0  # least time from an end to the next beginning

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

    __slots__ = ("is_resistance", "memory", "state", "unit", "warm_up_s")

    def __init__(self, unit: str, family: str) -> None:
        self.state = at.new_state()
        self.memory = mem.new_memory()
        self.is_resistance = unit == "ohm"
        self.unit = "1" if self.is_resistance else unit
        self.warm_up_s = 0.0 if family in NO_WARM_UP else online.WARM_UP_S


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
    >>> plume = (4.48e-7, 4.52e-7, 4.51e-7)
    >>> met = [detector.feed("pid", 120 + n, plume[n], unit="1").change for n in range(3)]
    >>> quiet.in_alarm, met, detector.alarmed
    (False, ['', 'begin', ''], ('pid',))
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
            Air temperature [K] and relative humidity [1]; NaN keeps the last known value.
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
        reading = linear(reading, trust, one.is_resistance)
        online.learn_noise(state, reading)
        online.tick(state, time_s, temperature, humidity, one.warm_up_s)
        online.advance(state, online.SPAN_S)
        online.compare(state, reading, 1.0)
        online.judge(state, trust)
        online.absorb(state)
        warming_up = online.is_warming_up(state)
        sift(memory, state, reading)
        average(memory, state)
        weigh(memory, state)
        may_begin = not warming_up and not quality & CANNOT_BEGIN
        decide(memory, state, self._threshold, may_begin)
        return _told(one, reading, trust, warming_up)


def _told(one: _Channel, reading: float, trust: float, warming_up: bool) -> OnlineAlarm:
    state, memory = one.state, one.memory
    baseline = state[at.BASELINE]
    excess = reading - baseline
    sigma = math.sqrt(state[at.VARIANCE] + state[at.SCALE] * state[at.SCALE])
    if one.is_resistance:
        baseline = math.exp(-baseline)
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
    taken as continuous: both overstate the rate.

    Examples
    --------
    >>> round(threshold_for(0.2), 2)  # 3600 (1 + 1/3 + 1/9) / s * 4.64 * phi(4.64) = 0.2
    4.64
    """
    if not false_alarms_per_hour > 0.0:
        raise ValueError(f"false_alarms_per_hour {false_alarms_per_hour} is not positive")
    per_hour = 3600.0 * sum(1.0 / time_s for time_s in mem.TIMES_S) / math.sqrt(2.0 * math.pi)
    low, high = 1.0, 40.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        is_low = per_hour * middle * math.exp(-0.5 * middle * middle) > false_alarms_per_hour
        low, high = (middle, high) if is_low else (low, middle)
    return high


def linear(reading: float, trust: float, is_resistance: bool) -> float:
    """The reading on a scale on which gas adds: minus the logarithm of a resistance."""
    if not math.isfinite(reading):
        return math.nan
    if not is_resistance:
        return reading
    if trust == 0.0 or not reading > 0.0:  # saturated, or no resistance
        return math.nan
    return -math.log(reading)


def sift(memory: Numbers, state: Numbers, reading: float) -> None:
    """Take the median of the last three excesses, which no single spike moves.

    A value that is repeated counts once: a slow sensor is often recorded several times.
    """
    memory[mem.SILENT_S] += state[at.ELAPSED]
    memory[mem.HELD_S] += state[at.ELAPSED]
    memory[mem.SIFTED] = math.nan
    if math.isnan(state[at.INNOVATION]) or state[at.SETTLING] > 0.0:
        return
    excess = state[at.INNOVATION]
    if memory[mem.SILENT_S] > GAP_S:
        memory[mem.FILLED] = 0.0
    memory[mem.SILENT_S] = 0.0
    if reading != memory[mem.HELD] or memory[mem.HELD_S] > HELD_LONGEST_S:
        memory[mem.HELD] = reading
        memory[mem.HELD_S] = 0.0
        memory[mem.RECENT] = memory[mem.RECENT + 1]
        memory[mem.RECENT + 1] = memory[mem.RECENT + 2]
        memory[mem.FILLED] = min(memory[mem.FILLED] + 1.0, 3.0)
    memory[mem.RECENT + 2] = excess
    if memory[mem.FILLED] < 3.0:
        return
    low = min(memory[mem.RECENT], memory[mem.RECENT + 1])
    high = max(memory[mem.RECENT], memory[mem.RECENT + 1])
    memory[mem.SIFTED] = max(low, min(high, excess))


def average(memory: Numbers, state: Numbers) -> None:
    """Carry the means on; each reading counts for the time since the last."""
    elapsed = state[at.ELAPSED]
    excess = memory[mem.SIFTED]
    if math.isnan(excess) or elapsed == 0.0:
        return
    for scale in range(mem.SCALES):
        kept = math.exp(-elapsed / mem.TIMES_S[scale])
        memory[mem.MEAN + scale] += (1.0 - kept) * (excess - memory[mem.MEAN + scale])
        memory[mem.SHARE + scale] = kept * kept * memory[mem.SHARE + scale] + (1.0 - kept) * (
            1.0 - kept
        )


def weigh(memory: Numbers, state: Numbers) -> None:
    """Compare each mean with its spread, and learn that from the quiet half.

    A spread known from few seconds makes a score Student's t; Wallace (1959),
    doi:10.1214/aoms/1177706093, turns that into a normal deviate.
    """
    elapsed = state[at.ELAPSED]
    if math.isnan(memory[mem.SIFTED]) or elapsed == 0.0:
        return
    memory[mem.SNR] = 0.0
    memory[mem.SURPRISE] = 0.0
    for scale in range(mem.SCALES):
        variance = memory[mem.SHARE + scale] * state[at.NOISE] + state[at.VARIANCE]
        mean = memory[mem.MEAN + scale]
        if not variance > 0.0:
            continue
        square = mean * mean / variance
        time_s = mem.TIMES_S[scale]
        learnt = min(memory[mem.LEARNT_S + scale], LEARNING_S)
        if mean > 0.0:
            freedom = PRIOR_TIMES + learnt / time_s
            score = square / max(memory[mem.SPREAD + scale], 1.0)
            memory[mem.SNR] = max(memory[mem.SNR], math.sqrt(score))
            if score > 4.0:
                shrunk = (8.0 * freedom + 1.0) / (8.0 * freedom + 3.0)
                normal = shrunk * math.sqrt(freedom * math.log(1.0 + score / freedom))
                memory[mem.SURPRISE] = max(memory[mem.SURPRISE], normal)
        elif memory[mem.ON] == 0.0:
            capped = min(square, LARGEST_SCORE * LARGEST_SCORE * memory[mem.SPREAD + scale])
            weight = min(elapsed, time_s) / (learnt + PRIOR_TIMES * time_s)
            memory[mem.SPREAD + scale] += weight * (capped - memory[mem.SPREAD + scale])
            memory[mem.LEARNT_S + scale] += min(elapsed, time_s)


def decide(memory: Numbers, state: Numbers, threshold: float, may_begin: bool) -> None:
    """Begin or end the alarm."""
    memory[mem.CHANGE] = 0.0
    elapsed = state[at.ELAPSED]
    surprise = memory[mem.SURPRISE]
    if memory[mem.ON] > 0.0:
        is_low = surprise < END_SHARE * threshold
        memory[mem.LOW_S] = memory[mem.LOW_S] + elapsed if is_low else 0.0
        if memory[mem.LOW_S] > END_S or memory[mem.SILENT_S] > GAP_S:
            memory[mem.ON] = 0.0
            memory[mem.CHANGE] = -1.0
            memory[mem.REST_S] = 0.0
            memory[mem.LOW_S] = 0.0
        return
    memory[mem.REST_S] += elapsed
    if not may_begin or math.isnan(memory[mem.SIFTED]) or memory[mem.REST_S] < REARM_S:
        return
    if surprise > threshold:
        memory[mem.ON] = 1.0
        memory[mem.CHANGE] = 1.0
