"""Plume events: when gas was met, how strongly, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["DURATIONS_S", "Event", "bouts", "detection_threshold", "plume_events"]

DURATIONS_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # of the boxcars an event is matched with
FEWEST_QUIET = 20  # scores below zero from which their spread is taken
TOUCH_S = 2.0  # boxcars nearer than this belong to one event


class Event(NamedTuple):
    """One meeting with gas; times in seconds, `peak` in the signal's unit.

    `snr` is that of the best matching boxcar, `peak_index` the reading of the peak.
    """

    start_s: float
    end_s: float
    peak: float
    snr: float
    peak_index: int


def plume_events(
    time_s: ArrayLike,
    signal: ArrayLike,
    sigma: ArrayLike,
    *,
    false_alarms_per_hour: float = 1.0,
) -> list[Event]:
    """Stretches in which a boxcar of some duration stands out of the noise.

    Parameters
    ----------
    time_s : array_like, shape (n,)
        Non-decreasing [s].
    signal, sigma : array_like, shape (n,)
        Reading above its baseline and its 1-sigma noise; NaN is left out.
    false_alarms_per_hour : float
        Events expected per hour of nothing but noise, at most.

    Returns
    -------
    list of Event
        In order of time; they do not overlap.

    Raises
    ------
    ValueError
        `false_alarms_per_hour` is not positive.

    Notes
    -----
    A matched filter over `DURATIONS_S`: the mean of signal / sigma in a centred window times
    the root of its number of readings. Where the quiet (negative) half of a window's values
    spreads by more than one, as with correlated noise, they are divided by that spread.

    Examples
    --------
    >>> time_s = np.arange(600.0)
    >>> noise = np.random.default_rng(1).normal(size=600)
    >>> event, = plume_events(time_s, noise + 8.0 * (abs(time_s - 300.0) < 5.0), np.ones(600))
    >>> event.start_s < 300.0 < event.end_s, event.snr > 10.0
    (True, True)
    """
    columns = (np.asarray(values, np.float64) for values in (time_s, signal, sigma))
    time, values, noise = columns
    known = np.flatnonzero(np.isfinite(time) & np.isfinite(values) & (noise > 0.0))
    threshold = detection_threshold(false_alarms_per_hour)
    if known.size == 0:
        return []
    time, values, noise = time[known], values[known], noise[known]
    whitened = values / noise
    scales = _quiet_scales(time, whitened)
    events = []
    for start, end in _spans(time, whitened, scales, threshold):
        first, last = np.searchsorted(time, start), np.searchsorted(time, end, side="right")
        peak = int(first + np.argmax(values[first:last]))
        best = float(_scores(time[first:last], whitened[first:last], scales)[0].max())
        span = float(time[first]), float(time[last - 1])
        events.append(Event(*span, float(values[peak]), best, int(known[peak])))
    return events


def detection_threshold(false_alarms_per_hour: float) -> float:
    """Signal-to-noise ratio that noise alone exceeds so many times an hour, at most.

    Parameters
    ----------
    false_alarms_per_hour : float

    Returns
    -------
    float

    Notes
    -----
    A boxcar of length D over white noise has autocorrelation 1 - |t| / D; such a process rises
    above u at the rate u phi(u) / D (Pickands' theorem with alpha = 1; Leadbetter, Lindgren &
    Rootzen 1983, theorem 12.2.9). The rates of all durations are added, as if they alarmed
    independently, and sampling is taken as continuous: both overstate the rate.

    Examples
    --------
    >>> round(detection_threshold(1.0), 2)  # 3600 * 1.97 / s * 4.34 * phi(4.34) = 1
    4.34
    """
    if not false_alarms_per_hour > 0.0:
        raise ValueError(f"false_alarms_per_hour {false_alarms_per_hour} is not positive")
    per_hour = 3600.0 * sum(1.0 / duration for duration in DURATIONS_S)
    low, high = 1.0, 40.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        rate = per_hour * middle * np.exp(-0.5 * middle**2) / np.sqrt(2.0 * np.pi)
        low, high = (middle, high) if rate > false_alarms_per_hour else (low, middle)
    return high


def bouts(
    time_s: ArrayLike, signal: ArrayLike, *, smooth_s: float = 0.3, half_life_s: float = 0.4
) -> FloatArray:
    """Amplitudes of the rises in a signal, whose number tells of the distance to a source.

    Parameters
    ----------
    time_s : array_like, shape (n,)
        Evenly spaced [s].
    signal : array_like, shape (n,)
        Finite.
    smooth_s, half_life_s : float
        Standard deviation of the Gaussian, and half-life of the average of slopes [s].

    Returns
    -------
    ndarray, shape (bouts,)
        Rise of the averaged slope over each positive run; keep those above the mean plus three
        standard deviations of a blank period.

    Notes
    -----
    Schmuker, Bahr & Huerta (2016), doi:10.1016/j.snb.2016.05.098. Needs some 5 Hz or more.

    Examples
    --------
    >>> time_s = np.arange(0.0, 20.0, 0.1)
    >>> bouts(time_s, np.exp(-((time_s - 5.0) ** 2)) + np.exp(-((time_s - 15.0) ** 2))).size
    2
    """
    from scipy.ndimage import gaussian_filter1d  # noqa: PLC0415 - only desks need scipy
    from scipy.signal import lfilter  # noqa: PLC0415

    time, values = np.asarray(time_s, np.float64), np.asarray(signal, np.float64)
    if time.size < 3:
        return np.zeros(0)
    step = float(np.median(np.diff(time)))
    slope = np.diff(gaussian_filter1d(values, smooth_s / step)) / step
    share = 1.0 - 0.5 ** (step / half_life_s)
    average = lfilter([share], [1.0, share - 1.0], slope)
    rising = np.diff(average, prepend=average[0]) > 1e-9 * np.abs(average).max()
    edges = np.flatnonzero(np.diff(np.concatenate(([False], rising, [False]))))
    starts, ends = edges[::2], edges[1::2] - 1
    amplitude = average[ends] - average[np.maximum(starts - 1, 0)]
    return np.asarray(amplitude[average[ends] > 0.0])


def _scores(
    time: FloatArray, whitened: FloatArray, scales: list[float]
) -> tuple[FloatArray, FloatArray]:
    """Best score over all durations at each reading, and the duration it came from [s]."""
    best = np.full(time.size, -np.inf)
    reach = np.zeros(time.size)
    for duration, scale in zip(DURATIONS_S, scales, strict=True):
        score = _boxcar(time, whitened, duration) / scale
        better = score > best
        best = np.where(better, score, best)
        reach = np.where(better, duration, reach)
    return best, reach


def _boxcar(time: FloatArray, whitened: FloatArray, duration: float) -> FloatArray:
    """Sum over the centred window at each reading, in units of its standard deviation."""
    total = np.concatenate(([0.0], np.cumsum(whitened)))
    first = np.searchsorted(time, time - 0.5 * duration)
    last = np.maximum(np.searchsorted(time, time + 0.5 * duration), first + 1)
    score: FloatArray = (total[last] - total[first]) / np.sqrt(last - first)
    return score


def _quiet_scales(time: FloatArray, whitened: FloatArray) -> list[float]:
    """Spread of each duration's scores below zero, where no plume reaches; 1 at least."""
    scales = []
    for duration in DURATIONS_S:
        score = _boxcar(time, whitened, duration)
        quiet = score[score < 0.0]
        spread = float(np.sqrt(np.mean(quiet**2))) if quiet.size >= FEWEST_QUIET else 1.0
        scales.append(max(spread, 1.0))
    return scales


def _spans(
    time: FloatArray, whitened: FloatArray, scales: list[float], threshold: float
) -> list[tuple[float, float]]:
    """The best boxcar, taken out, then the next best, until none stands out; joined by touch."""
    score, _ = _scores(time, whitened, scales)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], score > threshold, [False]))))
    spans = []
    for first, last in edges.reshape(-1, 2):
        left = np.searchsorted(time, time[first] - 0.5 * DURATIONS_S[-1])
        right = np.searchsorted(time, time[last - 1] + 0.5 * DURATIONS_S[-1], side="right")
        near, rest = time[left:right], whitened[left:right].copy()
        score, reach = _scores(near, rest, scales)
        while score.max() > threshold:
            peak = int(np.argmax(score))
            span = near[peak] - 0.5 * reach[peak], near[peak] + 0.5 * reach[peak]
            spans.append((float(span[0]), float(span[1])))
            inside = (near >= span[0]) & (near <= span[1])
            rest[inside] = np.minimum(rest[inside], 0.0)
            score, reach = _scores(near, rest, scales)
    return _joined(sorted(spans))


def _joined(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1] + TOUCH_S:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
