"""Slow, obvious twins of detection.signal, and channels whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass

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
