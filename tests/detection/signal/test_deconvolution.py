"""Lag forward and backward."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from detection.signal.deconvolution import RESPONSE, apply_lag, invert_lag
from tests.naive_signal import lagged


def test_lag_equals_its_naive_twin():
    rng = np.random.default_rng(0)
    time_s = np.cumsum(rng.uniform(0.0, 1.0, 300))
    signal = np.abs(rng.normal(size=300).cumsum())
    assert_allclose(
        apply_lag(time_s, signal, rise_s=2.0, decay_s=7.0), lagged(signal, time_s, 2.0, 7.0)
    )


def test_a_step_reaches_63_percent_after_one_time_constant():
    time_s = np.arange(0.0, 60.0, 0.5)
    up = apply_lag(time_s, (time_s > 0.0) * 1.0, rise_s=4.0, decay_s=9.0)
    down = apply_lag(time_s, (time_s <= 0.0) * 1.0, rise_s=4.0, decay_s=9.0)
    assert_allclose(np.interp(4.0, time_s, up), 1.0 - np.exp(-1.0), atol=1e-12)
    assert_allclose(np.interp(9.0, time_s, down), np.exp(-1.0), atol=1e-12)


def test_no_lag_changes_nothing_and_missing_readings_hold():
    signal = np.array([0.0, 3.0, np.nan, 1.0])
    out = apply_lag(np.arange(4.0), signal, rise_s=0.0, decay_s=0.0)
    assert_allclose(out, [0.0, 3.0, 3.0, 1.0])


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=30), st.floats(0.1, 20.0))
def test_a_lagged_signal_stays_within_the_signal(values, constant):
    out = apply_lag(np.arange(len(values)), values, rise_s=constant, decay_s=constant)
    assert out.min() >= min(values) - 1e-9
    assert out.max() <= max(values) + 1e-9


def test_a_negative_time_constant_is_refused():
    with pytest.raises(ValueError, match="not positive"):
        apply_lag([0.0], [1.0], rise_s=-1.0, decay_s=1.0)


@pytest.mark.parametrize("family", ["pid", "mox"])
def test_inverting_the_lag_gives_the_exposure_back(family):
    rng = np.random.default_rng(1)
    rise_s, decay_s = RESPONSE[family]
    time_s = np.arange(0.0, 200.0, 0.5)
    exposure = 50.0 * np.exp(-0.5 * ((time_s - 60.0) / 6.0) ** 2)
    exposure += 30.0 * np.exp(-0.5 * ((time_s - 130.0) / 9.0) ** 2)
    reading = apply_lag(time_s, exposure, rise_s=rise_s, decay_s=decay_s)
    noisy = reading + 0.5 * rng.normal(size=time_s.size)
    found = invert_lag(time_s, noisy, rise_s=rise_s, decay_s=decay_s, noise=0.5)
    assert np.sqrt(np.mean((found - exposure) ** 2)) < 0.35 * np.sqrt(
        np.mean((reading - exposure) ** 2)
    )
    assert abs(time_s[np.argmax(found)] - 60.0) < 1.5


def test_what_is_inverted_lags_to_the_reading_within_its_noise():
    rng = np.random.default_rng(2)
    time_s = np.arange(0.0, 100.0, 0.5)
    reading = np.exp(-0.5 * ((time_s - 50.0) / 8.0) ** 2) * 20.0 + rng.normal(size=time_s.size)
    found = invert_lag(time_s, reading, rise_s=3.0, decay_s=3.0, noise=1.0)
    again = apply_lag(time_s, found, rise_s=3.0, decay_s=3.0)
    assert 0.8 < np.sqrt(np.mean((again - reading) ** 2)) < 1.2


def test_times_that_do_not_increase_are_refused():
    with pytest.raises(ValueError, match="increasing"):
        invert_lag([0, 1, 1, 2, 3], np.ones(5), rise_s=1.0, decay_s=1.0, noise=1.0)
