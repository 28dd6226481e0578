"""False alarms come no oftener than asked, whatever the noise and the sampling rate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from detection.signal import alarm, alarm_layout, baseline_steps, layout
from detection.signal.alarm_kernels import alarm_pass

HOURS = 4.0
FLIGHT_S = 1200.0


def begins(value, rate_hz, per_hour):
    """Alarms of one channel without gas, at once."""
    size = value.size
    nothing = np.full(size, np.nan)
    told = alarm_pass(
        np.array(layout.new_state()),
        np.array(alarm_layout.new_memory()),
        np.arange(size) / rate_hz,
        value,
        nothing,
        nothing,
        np.zeros(size, np.bool_),
        np.ones(size, np.bool_),
        False,
        alarm.threshold_for(per_hour),
        baseline_steps.WARM_UP_S,
        alarm.ASSUMED_SHARE,
        1.0,
    )
    return int((told[7] > 0.0).sum())


def white(rng, size, rate_hz):
    return rng.standard_normal(size)


def drifting(rng, size, rate_hz):
    return rng.standard_normal(size) + 0.1 / np.sqrt(rate_hz) * rng.standard_normal(size).cumsum()


def coarse(rng, size, rate_hz):
    return 3.0 * np.round(drifting(rng, size, rate_hz) / 3.0)


def held(rng, size, rate_hz):
    every = max(round(rate_hz), 1)
    return np.repeat(rng.standard_normal(size // every + 1), every)[:size]


def filtered(rng, size, rate_hz):
    """First-order response of 3 s to white noise."""
    lags = np.arange(round(20.0 * rate_hz))
    kernel = np.exp(-lags / (3.0 * rate_hz))
    return np.convolve(rng.standard_normal(size + lags.size), kernel / np.sqrt(kernel @ kernel))[
        lags.size : lags.size + size
    ] + 0.2 * rng.standard_normal(size)


def spiky(rng, size, rate_hz):
    spikes = 40.0 * rng.choice([-1.0, 1.0], size) * (rng.random(size) < 0.001)
    return rng.standard_normal(size) + spikes


def pinned(rng, size, rate_hz):
    """Noise that a sensor cuts off at zero."""
    return np.maximum(rng.standard_normal(size), 0.0)


@pytest.mark.parametrize("rate_hz", [1.0, 2.0, 10.0])
@pytest.mark.parametrize("noise", [white, drifting, coarse, held, filtered, spiky, pinned])
def test_false_alarms_are_no_more_than_asked(noise, rate_hz):
    asked = 2.0
    rng = np.random.default_rng([1, int(rate_hz)])
    flights = int(HOURS * 3600.0 / FLIGHT_S)
    size = int(FLIGHT_S * rate_hz)
    found = sum(begins(100.0 + noise(rng, size, rate_hz), rate_hz, asked) for _ in range(flights))
    assert found <= poisson.ppf(0.99, asked * HOURS)


def test_white_noise_alarms_nearly_as_often_as_asked():
    asked = 60.0  # low thresholds are reached often enough to count
    rng = np.random.default_rng(2)
    flights = 30
    found = sum(begins(rng.standard_normal(12_000), 10.0, asked) for _ in range(flights))
    per_hour = found / (flights * FLIGHT_S / 3600.0)
    assert 0.02 * asked < per_hour < asked
