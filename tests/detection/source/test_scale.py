"""The scale of an uncalibrated series, from a calibrated one that hardly sees what it sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from detection.signal.deconvolution import apply_lag
from detection.source.observations import Observations
from detection.source.scale import lagged_like, scale_beside

SIZE = 900
QUICK, SLOW = (2.5, 3.0), (3.7, 13.5)
UNIT = 1e-8  # kg m-3


def series_of(concentration, sigma, response_s, *, gain_log_sd):
    time_s = np.arange(SIZE, dtype=float)
    still = np.zeros(SIZE)
    return Observations(
        time_s=time_s,
        east=still,
        north=still,
        height=still + 8.0,
        concentration=UNIT * concentration,
        sigma=np.full(SIZE, UNIT * sigma),
        wind_time_s=time_s,
        eastward_wind=still + 3.0,
        northward_wind=still,
        response_s=response_s,
        gain_log_sd=gain_log_sd,
        gas="acetone",
    )


def pair_of(seed, *, true=0.3, noise=1.0, peak=6.0, answers=True):
    """A PID of noise 1 and an array of noise 0.2, which read gas over `true`."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(SIZE, dtype=float)
    gas = peak * np.exp(-0.5 * (((time_s + 60.0) % 120.0 - 60.0) / 3.0) ** 2)
    quick = apply_lag(time_s, gas, rise_s=QUICK[0], decay_s=QUICK[1]) * answers
    slow = apply_lag(time_s, gas, rise_s=SLOW[0], decay_s=SLOW[1])
    pid = quick + noise * rng.standard_normal(SIZE)
    array = (slow + 0.2 * rng.standard_normal(SIZE)) / true
    return (
        series_of(array, 0.2 / true, SLOW, gain_log_sd=1.2),
        series_of(pid, noise, QUICK, gain_log_sd=0.2),
    )


@given(seed=st.integers(0, 10**6), true=st.floats(0.1, 3.0))
@settings(max_examples=25, deadline=None)
def test_the_scale_is_found_within_its_error(seed, true):
    array, pid = pair_of(seed, true=true)
    found = scale_beside(array, pid)
    assert found is not None
    assert abs(np.log(found.factor / true)) < 3.0 * found.log_sd
    assert found.log_sd < 0.8


def test_gas_that_no_single_reading_shows_still_tells_the_scale():
    array, pid = pair_of(3, noise=3.0)
    assert (pid.concentration > 4.0 * pid.sigma).sum() <= 1
    found = scale_beside(array, pid)
    assert found is not None
    assert found.log_sd < 0.6 * array.gain_log_sd
    assert found.factor == pytest.approx(0.3, rel=0.6)


def test_more_noise_tells_less():
    spreads = []
    for noise in (0.5, 4.0, 40.0):
        found = scale_beside(*pair_of(5, noise=noise))
        assert found is not None
        spreads.append(found.log_sd)
    assert spreads[0] < spreads[1] < spreads[2]
    assert spreads[2] > 0.5


def test_a_calibrated_series_that_answers_nothing_says_so():
    found = scale_beside(*pair_of(7, noise=0.1, answers=False))
    assert found is not None
    assert found.factor * np.exp(2.0 * found.log_sd) < 0.06


def test_no_scale_where_nothing_tells_it():
    array, pid = pair_of(1, peak=0.0)
    assert scale_beside(array, pid) is None
    array, pid = pair_of(1)
    assert scale_beside(array, replace(pid, response_s=(9.0, 9.0))) is None
    elsewhere = replace(pid, time_s=pid.time_s + 1e5, wind_time_s=pid.wind_time_s + 1e5)
    assert scale_beside(array, elsewhere) is None


def test_the_scale_follows_the_units_of_the_series():
    array, pid = pair_of(2)
    one = scale_beside(array, pid)
    other = scale_beside(
        replace(array, concentration=2.0 * array.concentration, sigma=2.0 * array.sigma), pid
    )
    assert one is not None
    assert other is not None
    assert other.factor == pytest.approx(0.5 * one.factor, rel=0.2)  # the prior pulls a little


def test_a_series_is_lagged_by_what_it_lacks_only():
    array, pid = pair_of(4)
    assert_allclose(lagged_like(pid, pid.time_s, QUICK), pid.concentration)
    assert_allclose(lagged_like(array, array.time_s, QUICK), array.concentration)
    later = lagged_like(pid, pid.time_s, SLOW)
    plume = pid.concentration.argmax()
    assert later[plume : plume + 40].argmax() > 0
    around = lagged_like(pid, np.array([-5.0, 10.0, SIZE + 5.0]), SLOW)
    assert np.isnan(around).tolist() == [True, False, True]
