"""Slow, obvious twins of detection.signal, and channels whose truth is known."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


@dataclass
class Channel:
    """A simulated channel: `truth` is the noise-free, drift-free, lagged signal."""

    time_s: np.ndarray
    reading: np.ndarray
    truth: np.ndarray
    temperature: np.ndarray
    humidity: np.ndarray
    east: np.ndarray
    north: np.ndarray
    noise: float
    plume: np.ndarray


def survey_track(duration_s, rate_hz, *, side=240.0, spacing=18.0, speed=5.0):
    """East, north [m] of a lawnmower over a square, to and fro, begun anew when done."""
    time_s = np.arange(0.0, duration_s, 1.0 / rate_hz)
    along = speed * time_s
    lines = int(side // spacing) + 1
    stride = side + spacing
    number = (along // stride).astype(int)
    within = along % stride
    east = np.minimum(within, side)
    east = np.where(number % 2 == 1, side - east, east)
    line = number % (2 * lines)
    line = np.where(line < lines, line, 2 * lines - 1 - line)
    north = line * spacing + np.maximum(within - side, 0.0)
    return time_s, east, north


class Site(NamedTuple):
    """Fixed sensors: `truth` and `reading` have shape (times, sensors)."""

    time_s: np.ndarray
    east: np.ndarray
    north: np.ndarray
    truth: np.ndarray
    reading: np.ndarray
    background: np.ndarray
    offset: np.ndarray
    noise: float


def fixed_sensors(rng, *, hours=4.0, sensors=16, noise=3.0, peak=150.0, swing=60.0):
    """Minute means of sensors about a release that starts and stops, in a turning wind."""
    time_s = np.arange(0.0, 3600.0 * hours, 60.0)
    azimuth = 2.0 * np.pi * np.arange(sensors) / sensors
    distance = rng.uniform(30.0, 80.0, sensors)
    east, north = distance * np.sin(azimuth), distance * np.cos(azimuth)
    heading = rng.uniform(0.0, 2.0 * np.pi) + 0.08 * np.cumsum(rng.normal(size=time_s.size))
    source = rng.uniform(-15.0, 15.0, 2)
    away = np.stack((east - source[0], north - source[1]))
    down = np.outer(np.sin(heading), away[0]) + np.outer(np.cos(heading), away[1])
    across = np.outer(np.cos(heading), away[0]) - np.outer(np.sin(heading), away[1])
    width = 0.25 * np.maximum(down, 1.0)
    truth = peak * (30.0 / np.maximum(down, 5.0)) ** 1.5 * np.exp(-0.5 * (across / width) ** 2)
    hour = time_s / time_s[-1]
    truth *= (down > 0.0) * ((hour > 0.3) & (hour < 0.8))[:, None]
    truth *= rng.gamma(3.0, 1.0 / 3.0, time_s.size)[:, None]
    turns = hour * rng.uniform(0.5, 2.0) + rng.uniform()
    walk = np.cumsum(rng.normal(size=time_s.size)) / np.sqrt(time_s.size)
    background = 2000.0 + swing * np.sin(2.0 * np.pi * turns) + 0.5 * swing * walk
    offset = 20.0 * rng.normal(size=sensors)
    reading = background[:, None] + offset + truth + noise * rng.normal(size=truth.shape)
    return Site(time_s, east, north, truth, reading, background, offset, noise)


def lagged(signal, time_s, rise_s, decay_s):
    """First-order response with different time constants up and down, sample by sample."""
    out = np.zeros(len(signal))
    value = signal[0]
    out[0] = value
    for index in range(1, len(signal)):
        constant = rise_s if signal[index] > value else decay_s
        elapsed = max(time_s[index] - time_s[index - 1], 0.0)
        value += (signal[index] - value) * (1.0 - np.exp(-elapsed / constant))
        out[index] = value
    return out


def simulated_channel(
    rng,
    *,
    duration_s=900.0,
    rate_hz=5.0,
    peak=60.0,
    noise=4.0,
    drift=20.0,
    front=0.0,
    warm_up=0.0,
    lag_s=2.5,
    side=240.0,
    spacing=18.0,
    humidity_response=1.5,
    spread=15.0,
    reach=90.0,
):
    """A survey through one meandering, intermittent plume, with all that a sensor adds."""
    time_s, east, north = survey_track(duration_s, rate_hz, side=side, spacing=spacing)
    size = time_s.size
    middle, base = side * rng.uniform(0.3, 0.7), side * rng.uniform(0.2, 0.5)
    meander = _wander(rng, size, rate_hz, 40.0) * 10.0
    down = north - base
    width = spread * np.sqrt(np.maximum(down, 5.0) / 60.0)
    shape = np.exp(-0.5 * ((east - middle - meander) / width) ** 2)
    shape *= (down > 0.0) * np.exp(-np.maximum(down, 0.0) / reach)
    whiff = np.exp(0.8 * _wander(rng, size, rate_hz, 1.5))
    truth = lagged(peak * shape * whiff, time_s, lag_s, lag_s * 1.5)
    slow = drift * (
        np.sin(2 * np.pi * (time_s / duration_s * rng.uniform(0.5, 2.0) + rng.uniform()))
        + 0.3 * np.cumsum(rng.normal(size=size)) / np.sqrt(size)
    )
    humidity = 0.6 + 0.03 * _wander(rng, size, rate_hz, 200.0)
    humidity += front / (1.0 + np.exp(-(time_s - duration_s * rng.uniform(0.3, 0.7)) / 3.0))
    temperature = 288.0 + 1.5 * _wander(rng, size, rate_hz, 300.0)
    reading = 300.0 + truth + slow + rng.normal(size=size) * noise
    reading += humidity_response * 100.0 * (humidity - 0.6) + 1.0 * (temperature - 288.0)
    reading += warm_up * np.exp(-time_s / 60.0)
    return Channel(
        time_s, reading, truth, temperature, humidity, east, north, noise, truth > 2.0 * noise
    )


def _wander(rng, size, rate_hz, memory_s):
    """Unit-variance Ornstein-Uhlenbeck path."""
    keep = np.exp(-1.0 / (rate_hz * memory_s))
    path = np.empty(size)
    path[0] = rng.normal()
    kicks = rng.normal(size=size) * np.sqrt(1.0 - keep**2)
    for index in range(1, size):
        path[index] = keep * path[index - 1] + kicks[index]
    return path


def local_trend_smoother(time_s, reading, noise, *, span_s=20.0, memory_s=300.0):
    """Level of a local linear trend: textbook Kalman filter, Rauch-Tung-Striebel backward.

    Level and damped slope only, matrices and inverses as in the books; NaN readings are
    predicted over. Returns level and its variance, shape (n,) each.
    """
    known = np.isfinite(reading)
    start = int(np.flatnonzero(known)[0])
    mean = np.array([reading[start], 0.0])
    covariance = np.diag([9.0 * noise**2, 0.04 * noise**2])
    measure = np.array([[1.0, 0.0]])
    pace = None
    filtered, predicted, steps = [], [], []
    for index in range(start, len(time_s)):
        elapsed = time_s[index] - time_s[index - 1] if index > start else 0.0
        if elapsed > 0.0:
            pace = elapsed if pace is None else pace + 0.05 * (min(elapsed, 10.0) - pace)
        kept = np.exp(-elapsed / memory_s)
        carried = memory_s * (1.0 - kept)
        step = np.array([[1.0, carried], [0.0, kept]])
        unit = noise**2 * (pace or 0.0)
        level, slope = unit / (2.0 * span_s) ** 2, unit / span_s**4
        walk = elapsed * np.array(
            [
                [level + slope * carried**2 / 3.0, slope * carried / 2.0],
                [slope * carried / 2.0, slope],
            ]
        )
        if elapsed > 0.0:
            mean, covariance = step @ mean, step @ covariance @ step.T + walk
        predicted.append((mean, covariance))
        steps.append(step)
        if known[index]:
            spread = measure @ covariance @ measure.T + noise**2
            gain = covariance @ measure.T / spread
            mean = mean + gain[:, 0] * (reading[index] - mean[0])
            covariance = (np.eye(2) - gain @ measure) @ covariance
        filtered.append((mean, covariance))
    smoothed = [filtered[-1]]
    for index in range(len(filtered) - 2, -1, -1):
        mean, covariance = filtered[index]
        ahead_mean, ahead_covariance = predicted[index + 1]
        pull = covariance @ steps[index + 1].T @ np.linalg.inv(ahead_covariance)
        later_mean, later_covariance = smoothed[0]
        smoothed.insert(
            0,
            (
                mean + pull @ (later_mean - ahead_mean),
                covariance + pull @ (later_covariance - ahead_covariance) @ pull.T,
            ),
        )
    return np.array([m[0] for m, _ in smoothed]), np.array([c[0, 0] for _, c in smoothed])


def boxcar_scores(time_s, whitened, durations_s):
    """Best matched-filter score at each reading, window by window."""
    scores = np.full((len(durations_s), len(time_s)), -np.inf)
    for row, duration in enumerate(durations_s):
        for index, now in enumerate(time_s):
            first, last = now - 0.5 * duration, now + 0.5 * duration
            inside = [v for t, v in zip(time_s, whitened, strict=True) if first <= t < last]
            inside = inside or [whitened[index]]
            scores[row, index] = sum(inside) / np.sqrt(len(inside))
        quiet = scores[row][scores[row] < 0.0]
        if quiet.size >= 20:
            scores[row] /= max(np.sqrt(np.mean(quiet**2)), 1.0)
    return scores.max(axis=0)


def plume_histories(time_s, excess, noise, variance, *, rate=0.05, memory_s=4.0):
    """Probability of being in plume at each reading, by adding up every possible history."""
    size = len(time_s)
    total = 0.0
    inside = np.zeros(size)
    for history in itertools.product((0, 1), repeat=size):
        weight = 1.0
        for index, plume in enumerate(history):
            before = rate
            if index > 0:
                kept = np.exp(-(time_s[index] - time_s[index - 1]) / memory_s)
                before = rate + (history[index - 1] - rate) * kept
            weight *= before if plume else 1.0 - before
            if np.isnan(excess[index]):
                continue
            spread = np.sqrt(noise[index] ** 2 + variance[index])
            ratio = excess[index] / spread
            tail = 5.0 * noise[index] / (5.0 * noise[index] + abs(excess[index])) ** 2
            gauss = np.exp(-0.5 * ratio**2) / spread / np.sqrt(2.0 * np.pi)
            quiet = 0.997 * gauss + 0.003 * 0.5 * tail
            weight *= tail / (1.0 + np.exp(-1.702 * ratio)) if plume else quiet
        total += weight
        inside += weight * np.array(history)
    return inside / total


def place_at_once(time_s, latitude, longitude, *, same_deg, apart_deg, fewest):
    """Twin of `detection.signal.stations.place_at_once`, one moment after the other."""
    both = (latitude, longitude)
    places = zip(*both, strict=True)
    cells = [tuple(np.round(np.array(place) / same_deg)) for place in places]
    numbers = {cell: number for number, cell in enumerate(sorted(set(cells)))}
    together = []
    for moment in set(time_s):
        at = [row for row, one in enumerate(time_s) if one == moment]
        is_far = any(
            np.ptp([axis[row] for row in at]) > apart_deg for axis in (latitude, longitude)
        )
        together.append(len({cells[row] for row in at}) if is_far else 1)
    if np.median(together) < fewest:
        return [-1] * len(cells)
    return [numbers[cell] for cell in cells]
