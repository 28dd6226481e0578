"""Plume events: their place, their number, and how often noise alone makes one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detection.signal.baseline import correct
from detection.signal.events import (
    DURATIONS_S,
    _quiet_scales,
    _scores,
    bouts,
    detection_threshold,
    plume_events,
)
from tests.naive_signal import boxcar_scores, simulated_channel


def test_the_matched_filter_equals_its_naive_twin():
    rng = np.random.default_rng(0)
    time_s = np.cumsum(rng.uniform(0.1, 1.5, 120))
    time_s[60:] += 50.0
    whitened = rng.normal(size=120)
    score, _ = _scores(time_s, whitened, _quiet_scales(time_s, whitened))
    assert_allclose(score, boxcar_scores(time_s, whitened, DURATIONS_S), rtol=1e-9)


@pytest.mark.parametrize("rate_hz", [1.0, 5.0])
@pytest.mark.parametrize("per_hour", [1.0, 20.0])
def test_noise_alone_alarms_no_more_often_than_stated(rate_hz, per_hour):
    hours = 5.0
    noise = np.random.default_rng(1).normal(size=int(3600 * hours * rate_hz))
    events = plume_events(
        np.arange(noise.size) / rate_hz, noise, np.ones(noise.size), false_alarms_per_hour=per_hour
    )
    assert len(events) <= per_hour * hours
    assert len(events) >= 0.02 * per_hour * hours


def test_a_corrected_flight_without_gas_alarms_no_more_often_than_stated():
    number = 0
    for seed in range(8):
        channel = simulated_channel(np.random.default_rng(seed), peak=0.0)
        result = correct(
            channel.time_s,
            channel.reading,
            temperature=channel.temperature,
            humidity=channel.humidity,
        )
        number += len(plume_events(channel.time_s, result.signal, result.sigma))
    assert number <= 2  # two hours of flight at one false alarm an hour


def test_events_lie_where_the_plume_was():
    rng = np.random.default_rng(2)
    time_s = np.arange(0.0, 600.0, 0.2)
    middles, widths = (100.0, 250.0, 480.0), (1.5, 6.0, 20.0)
    truth = sum(
        60.0 * np.exp(-0.5 * ((time_s - middle) / width) ** 2)
        for middle, width in zip(middles, widths, strict=True)
    )
    events = plume_events(time_s, truth + 4.0 * rng.normal(size=time_s.size), np.full(3000, 4.0))
    assert len(events) == 3
    for event, middle, width in zip(events, middles, widths, strict=True):
        assert event.start_s < middle - width < middle + width < event.end_s
        assert event.end_s - event.start_s < 8.0 * width + 4.0
        assert abs(event.peak - 60.0) < 16.0
        assert abs(time_s[event.peak_index] - middle) < 2.0 * width


def test_a_weak_long_plume_is_found_that_no_single_reading_shows():
    rng = np.random.default_rng(3)
    time_s = np.arange(0.0, 600.0, 0.2)
    signal = 1.2 * (np.abs(time_s - 300.0) < 8.0) + rng.normal(size=time_s.size)
    (event,) = plume_events(time_s, signal, np.ones(time_s.size))
    assert event.start_s < 300.0 < event.end_s


def test_missing_and_unknown_readings_are_left_out():
    time_s = np.arange(100.0)
    signal = np.where(np.abs(time_s - 50.0) < 4.0, 20.0, 0.0)
    signal[10] = np.nan
    sigma = np.ones(100)
    sigma[20] = np.nan
    (event,) = plume_events(time_s, signal, sigma)
    assert signal[event.peak_index] == 20.0
    assert plume_events(time_s, signal, np.full(100, np.nan)) == []


def test_correlated_noise_does_not_multiply_the_alarms():
    rng = np.random.default_rng(4)
    white = rng.normal(size=36000)
    noise = np.convolve(white, np.full(10, 10.0**-0.5), "same")  # averaged over ten readings
    events = plume_events(np.arange(36000) / 5.0, noise, np.ones(36000))
    assert len(events) <= 2 * 3


def test_more_false_alarms_allowed_means_a_lower_threshold():
    thresholds = [detection_threshold(rate) for rate in (0.1, 1.0, 10.0)]
    assert thresholds == sorted(thresholds, reverse=True)
    with pytest.raises(ValueError, match="not positive"):
        detection_threshold(0.0)


def test_nearer_whiffs_make_more_bouts():
    time_s = np.arange(0.0, 60.0, 0.1)
    slow = np.sin(2.0 * np.pi * time_s / 20.0)
    fast = np.sin(2.0 * np.pi * time_s / 4.0)
    assert bouts(time_s, slow).size in {3, 4}
    assert bouts(time_s, fast).size in {15, 16}
    assert bouts(time_s[:2], slow[:2]).size == 0
