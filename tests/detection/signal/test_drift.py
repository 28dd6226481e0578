"""How a channel drifts, found from its readings."""

from __future__ import annotations

import time

import numpy as np
import pytest

from detection.signal.baseline import correct
from detection.signal.bins import bin_means, quiet_noise
from detection.signal.drift import PRIORS, Drift, fitted_drift
from tests.naive_signal import simulated_channel


def fitted(rng, *, walk, noise=1.0, size=1800, humidity_response=0.0, air_lag_s=0.0):
    """The drift found in a random walk with white noise, humidity and no plume."""
    time_s = np.arange(float(size))
    humidity = 0.5 + 0.1 * np.sin(time_s / 25.0) + 0.001 * rng.normal(size=size)
    late = 0.5 + 0.1 * np.sin((time_s - air_lag_s) / 25.0)
    reading = 400.0 + walk * np.cumsum(rng.normal(size=size)) + noise * rng.normal(size=size)
    reading += humidity_response * 100.0 * (humidity - 0.5)
    bins = bin_means(time_s, reading, np.full(size, np.nan), late)
    usual = quiet_noise(bins.reading)
    begin = Drift(0.02 * usual, 40.0, 0.0, usual)
    return fitted_drift(bins, np.ones(size), usual, prior=PRIORS["unknown"], begin=begin)


@pytest.mark.parametrize("walk", [0.02, 0.08, 0.25])
def test_a_random_walk_and_its_noise_are_found_to_a_factor_of_two(walk):
    found = [fitted(np.random.default_rng(seed), walk=walk) for seed in range(3)]
    assert walk / 2.0 < np.median([one.level_walk for one in found]) < 2.0 * walk
    assert 0.85 < np.median([one.noise for one in found]) < 1.15


def test_the_lag_of_the_humidity_sensor_is_found():
    found = fitted(np.random.default_rng(3), walk=0.01, humidity_response=1.0, air_lag_s=6.0)
    assert found.air_lag_s == 6.0
    assert fitted(np.random.default_rng(3), walk=0.01, humidity_response=1.0).air_lag_s == 0.0


def test_plumes_do_not_pass_for_drift():
    """The walk found with plumes in the readings is that without them, within a factor of two."""
    ratios = []
    for seed in range(4):
        walks = []
        for peak in (0.0, 60.0):
            channel = simulated_channel(np.random.default_rng(seed), peak=peak)
            result = correct(
                channel.time_s,
                channel.reading,
                temperature=channel.temperature,
                humidity=channel.humidity,
                family="pid",
            )
            assert result.drift is not None
            walks.append(result.drift.level_walk)
        ratios.append(walks[1] / walks[0])
    assert 0.5 <= np.median(ratios) <= 2.0


@pytest.mark.parametrize("start", ["strong plume", "clean air"])
def test_a_flight_that_begins_in_a_strong_plume_keeps_its_baseline(start):
    """The first reading once found the level; a minute of 5000 noises then lost the baseline."""
    rng = np.random.default_rng(4)
    time_s = np.arange(0.0, 600.0, 0.2)
    truth = 5000.0 * np.exp(-time_s / 8.0) if start == "strong plume" else np.zeros(time_s.size)
    noise = rng.normal(size=time_s.size)
    result = correct(time_s, 80.0 + 0.01 * time_s + truth + noise, family="pid")
    later = time_s > 60.0
    assert np.sqrt(np.mean((result.baseline - 80.0 - 0.01 * time_s)[later] ** 2)) < 0.5
    assert result.signal[:50].min() > 0.9 * truth[:50].min() - 5.0


@pytest.mark.parametrize("peak", [0.0, 20.0, 200.0])
def test_one_and_two_sigma_hold_as_often_as_they_say_in_clean_air(peak):
    within = []
    for seed in range(8):
        channel = simulated_channel(np.random.default_rng(100 + seed), peak=peak, front=0.05)
        result = correct(
            channel.time_s,
            channel.reading,
            temperature=channel.temperature,
            humidity=channel.humidity,
            family="pid",
        )
        clean = (channel.truth < 0.2 * channel.noise) & ~result.warming_up
        ratio = np.abs(result.signal - channel.truth)[clean] / result.sigma[clean]
        within.append((np.mean(ratio < 1.0), np.mean(ratio < 2.0)))
    one, two = np.mean(within, axis=0)
    assert 0.62 < one < 0.76
    assert 0.92 < two < 0.98


def test_half_an_hour_of_eight_channels_takes_less_than_a_second_of_computing():
    channels = [
        simulated_channel(np.random.default_rng(seed), duration_s=1800.0, rate_hz=10.0)
        for seed in range(8)
    ]
    correct(channels[0].time_s[:300], channels[0].reading[:300])  # compiled or read from the cache
    begin = time.process_time()
    for channel in channels:
        correct(
            channel.time_s,
            channel.reading,
            temperature=channel.temperature,
            humidity=channel.humidity,
            family="pid",
        )
    assert time.process_time() - begin < 1.0
