"""The compiled smoother against its textbook twin."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detection.signal import kernels, layout
from tests.naive_signal import local_trend_smoother, plume_histories


def started(noise):
    state = np.array(layout.new_state())
    state[layout.ADAPTS] = 0.0
    state[layout.SCALE] = noise
    return state


def smoothed(time_s, reading, noise, **regressors):
    unknown = np.full(time_s.size, np.nan)
    return kernels.smooth_pass(
        started(noise),
        time_s,
        reading,
        regressors.get("temperature", unknown),
        regressors.get("humidity", unknown),
        np.ones(time_s.size),
        np.ones(time_s.size),
        20.0,
        0.0,
    )


@pytest.mark.parametrize("missing", [False, True])
def test_the_smoother_equals_its_textbook_twin(missing):
    rng = np.random.default_rng(0)
    time_s = np.cumsum(rng.uniform(0.2, 2.0, 150))
    time_s[80:] += 40.0  # a gap
    time_s[20] = time_s[19]  # a repeated time
    reading = 100.0 + 0.2 * time_s + 3.0 * rng.normal(size=150)
    if missing:
        reading[rng.random(150) < 0.3] = np.nan
        reading[0] = 100.0
    estimate, _, variance = smoothed(time_s, reading, 3.0)
    level, spread = local_trend_smoother(time_s, reading, 3.0)
    assert_allclose(estimate[:, 0], level, rtol=1e-8)
    assert_allclose(variance, spread, rtol=1e-6)


def test_a_humidity_response_is_told_from_drift():
    rng = np.random.default_rng(1)
    time_s = np.arange(600.0)
    humidity = 0.5 + 0.05 * np.sin(time_s / 15.0)
    reading = 50.0 + 0.01 * time_s + 200.0 * (humidity - 0.5) + rng.normal(size=600)
    estimate, _, _ = smoothed(time_s, reading, 1.0, humidity=humidity)
    assert_allclose(estimate[:, 2], 2.0, atol=0.1)  # per 1 % of humidity


def test_plume_probability_looks_both_ways():
    time_s = np.arange(40.0)
    excess = np.where(np.abs(time_s - 20.0) < 4.0, 10.0, 0.0)
    excess[20] = 1.0  # a reading that alone would pass for noise
    plume, trust = kernels.plume_probability(time_s, excess, np.ones(40), np.zeros(40))
    assert plume[17:24].min() > 0.5
    assert plume[:12].max() < 0.1
    assert trust[:12].min() > 0.9
    mirrored, _ = kernels.plume_probability(time_s, excess[::-1].copy(), np.ones(40), np.zeros(40))
    assert_allclose(mirrored[::-1], plume, atol=1e-9)


def test_any_number_of_readings_may_be_of_one_time():
    """Arcs of samplers: clean ones, then some in the plume, all of the same ten minutes."""
    excess = np.where(np.arange(600) < 500, 0.0, 50.0)
    for one in (excess, excess[::-1].copy()):
        plume, trust = kernels.plume_probability(np.zeros(600), one, np.ones(600), np.zeros(600))
        assert ((plume >= 0.0) & (plume <= 1.0)).all()
        assert ((trust >= 0.0) & (trust <= 1.0)).all()


def test_plume_probability_equals_the_sum_over_all_histories():
    rng = np.random.default_rng(2)
    time_s = np.cumsum(rng.uniform(0.1, 6.0, 9))
    excess = 2.5 * rng.normal(size=9) + 2.0
    excess[4] = np.nan
    noise, variance = rng.uniform(0.5, 1.5, 9), rng.uniform(0.0, 0.5, 9)
    plume, _ = kernels.plume_probability(time_s, excess, noise, variance)
    assert_allclose(plume, plume_histories(time_s, excess, noise, variance), rtol=1e-3)


def test_a_missing_reading_carries_the_plume_of_its_neighbours():
    excess = np.full(30, 12.0)
    excess[15] = np.nan
    plume, _ = kernels.plume_probability(np.arange(30.0), excess, np.ones(30), np.zeros(30))
    assert plume[15] > 0.9
