"""What a slow sensor is exposed to while it recovers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detection.signal.baseline import correct
from detection.signal.recovery import Decay, exposure, is_recovering, measured_decay
from tests.naive_signal import lagged

PRIOR = Decay(13.6, 0.5, 0)


def crossings(rng, *, decay_s, rise_s=4.0, peak=300.0, noise=1.0, size=900):
    """Plume crossings of 8 s each minute, as a slow sensor reads them."""
    time_s = np.arange(float(size))
    gas = peak * ((time_s % 60.0) < 8.0) * (time_s > 30.0)
    truth = lagged(gas, time_s, rise_s, decay_s)
    return time_s, truth, truth + noise * rng.normal(size=size)


@pytest.mark.parametrize("decay_s", [6.0, 13.6, 25.0])
def test_the_decay_is_measured_within_its_standard_deviation_or_two(decay_s):
    errors = []
    for seed in range(5):
        time_s, _, reading = crossings(np.random.default_rng(seed), decay_s=decay_s)
        found = measured_decay(time_s, reading, 1.0, prior=PRIOR)
        assert found.timings > 0
        errors.append(np.log(found.decay_s / decay_s) / found.log_sd)
    assert np.abs(errors).max() < 2.0


def test_without_strong_falls_the_prior_is_left():
    noise = np.random.default_rng(0).normal(size=600)
    assert measured_decay(np.arange(600.0), noise, 1.0, prior=PRIOR) == PRIOR


def test_the_exposure_of_a_recovering_sensor_is_clean_air():
    time_s = np.arange(200.0)
    reading = 100.0 + 500.0 * np.exp(-time_s / 15.0)
    found = exposure(time_s, reading, 15.0)
    # a Gaussian of width w lifts an exponential of decay d by exp(w^2 / 2 d^2)
    assert_allclose(found.value[10:-10], 100.0, atol=0.5)


def test_the_noise_of_an_exposure_is_as_said():
    noise = np.random.default_rng(1).normal(size=20_000)
    found = exposure(np.arange(20_000.0), noise, 13.6)
    # the slope is taken over two samples, which smooths it a little more
    assert_allclose(np.std(found.value), found.noisier, rtol=0.1)


def test_a_falling_baseline_is_no_recovery():
    time_s = np.arange(300.0)
    excess = np.where(time_s > 150.0, -5.0, 0.0)
    clean = np.ones(300)
    assert not is_recovering(time_s, excess, clean, 1.0, rise_s=4.0, decay_s=14.0).any()
    met = np.where(np.abs(time_s - 50.0) < 5.0, 200.0, 0.0)
    tail = is_recovering(time_s, met, np.where(met > 0.0, 0.0, 1.0), 1.0, rise_s=4.0, decay_s=14.0)
    assert tail[60:80].all()
    assert not tail[:45].any()
    assert not tail[150:].any()


def test_a_metal_oxide_that_never_comes_back_between_plumes_keeps_its_baseline():
    rng = np.random.default_rng(2)
    time_s = np.arange(900.0)
    gas = 300.0 * ((time_s % 40.0) < 8.0) * (time_s > 60.0) * (time_s < 700.0)
    truth = lagged(gas, time_s, 4.0, 16.0)
    assert truth[100:700].min() > 5.0
    result = correct(time_s, 50.0 + truth + rng.normal(size=900), family="mox")
    error = (result.baseline - 50.0)[100:700]
    assert np.sqrt(np.mean(error**2)) < 8.0  # a baseline through the minima is 20 or more off
    assert np.abs(error.mean()) < 6.0
