"""Metal-oxide elements: their law, what an array of them agrees on, and laws found in flight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from detection.signal.baseline import correct
from detection.signal.mox import Laws, agreed, fitted_laws, log_excess, usual_laws
from detection.signal.slow_noise import CLEAR, drift_inflation, lasting_inflation

LAWS = Laws(np.array([0.4, 0.5, 0.65]), np.array([0.4, 1.2, 2.0]))
SIGMA = np.array([0.002, 0.003, 0.002])


def met(seed=0, size=600, crossings=6, peak=3.0):
    """Gas of some crossings and what three elements make of it."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(float(size))
    gas = np.zeros(size)
    for centre in np.linspace(40, size - 40, crossings):
        gas += rng.uniform(0.1, 1.0) * peak * np.exp(-0.5 * ((time_s - centre) / 5.0) ** 2)
    return gas, LAWS.log_excess(gas) + SIGMA[:, None] * rng.standard_normal((3, size))


@given(exponent=st.floats(0.3, 0.8), threshold=st.floats(0.05, 20.0), gas=st.floats(0.0, 100.0))
def test_a_law_is_undone_by_its_inverse(exponent, threshold, gas):
    laws = Laws(np.array([exponent]), np.array([threshold]))
    assert_allclose(laws.gas(laws.log_excess(np.array([gas]))), [[gas]], rtol=1e-9, atol=1e-12)


def test_more_gas_lowers_the_resistance_of_every_element():
    fall = LAWS.log_excess(np.linspace(0.0, 50.0, 100))
    assert (np.diff(fall, axis=1) > 0).all()


def test_the_slope_is_that_of_the_law():
    gas, step = np.array([0.0, 0.7, 9.0]), 1e-6
    rise = LAWS.log_excess(gas + step) - LAWS.log_excess(gas)
    assert_allclose(step / rise, LAWS.slope(gas), rtol=1e-4)


def test_the_log_excess_of_a_corrected_resistance_is_the_logarithm_of_its_fall():
    time_s = np.arange(300.0)
    fall = 0.3 * np.exp(-0.5 * ((time_s - 150.0) / 4.0) ** 2)
    noise = 0.001 * np.random.default_rng(1).standard_normal(300)
    corrected = correct(time_s, 2e4 * np.exp(noise - fall), family="mox", log_scale=True)
    value, sigma = log_excess(corrected.signal, corrected.sigma)
    assert value[150] == pytest.approx(0.3, abs=0.01)
    assert sigma[150] == pytest.approx(sigma[20], rel=0.5)  # noise of a logarithm does not grow
    assert 0.0005 < np.median(sigma) < 0.002


def test_an_array_in_clean_air_agrees_on_nothing_within_its_sigma():
    noise = SIGMA[:, None] * np.random.default_rng(2).standard_normal((3, 4000))
    air = agreed(noise, SIGMA, LAWS)
    ratio = air.gas / air.sigma
    assert abs(ratio.mean()) < 0.1
    assert ratio.std() == pytest.approx(1.0, abs=0.1)


def test_an_array_is_surer_than_its_best_element():
    noise = np.zeros((3, 50))
    together = agreed(noise, SIGMA, LAWS).sigma
    alone = [
        agreed(noise[[k]], SIGMA[[k]], Laws(LAWS.exponent[[k]], LAWS.threshold[[k]])).sigma
        for k in range(3)
    ]
    assert (together < np.min(alone, axis=0)).all()
    assert_allclose(together**-2, np.sum(np.array(alone) ** -2.0, axis=0), rtol=1e-6)


def test_an_element_without_a_reading_leaves_it_to_the_others():
    _, falls = met()
    falls[1, 100:300] = np.nan
    without = agreed(np.delete(falls, 1, axis=0), np.delete(SIGMA, 1), _without(LAWS, 1))
    assert_allclose(agreed(falls, SIGMA, LAWS).gas[100:300], without.gas[100:300], rtol=1e-9)


def test_the_order_of_elements_does_not_matter():
    _, falls = met()
    turned = [2, 0, 1]
    laws = fitted_laws(falls, SIGMA)
    again = fitted_laws(falls[turned], SIGMA[turned])
    assert_allclose(again.exponent, laws.exponent[turned], rtol=1e-6)
    assert_allclose(again.threshold, laws.threshold[turned], rtol=1e-6)


def test_a_calibrated_channel_beside_tells_the_laws():
    gas, falls = met(crossings=12)
    noise = 0.02 * np.random.default_rng(3).standard_normal(gas.size)
    laws = fitted_laws(falls, SIGMA, reference=gas + noise, reference_sigma=0.02)
    sensitivity = LAWS.exponent / LAWS.threshold
    assert_allclose(laws.exponent / laws.threshold, sensitivity, rtol=0.15)
    assert_allclose(agreed(falls, SIGMA, laws).gas[gas > 1], gas[gas > 1], rtol=0.15)


def test_an_array_alone_finds_which_elements_answer_more():
    _, falls = met(crossings=12)
    laws = fitted_laws(falls, SIGMA)
    found = np.log(laws.exponent / laws.threshold)
    true = np.log(LAWS.exponent / LAWS.threshold)
    usual = np.log(usual_laws(3).exponent / usual_laws(3).threshold)
    assert np.ptp(found - true) < 0.4 * np.ptp(usual - true)


def test_what_fitted_laws_agree_on_is_proportional_to_the_gas():
    gas, falls = met(crossings=12)
    array = agreed(falls, SIGMA, fitted_laws(falls, SIGMA)).gas
    assert np.corrcoef(array, gas)[0, 1] > 0.99


@pytest.mark.parametrize("rows", [1, 3])
def test_laws_stay_as_usual_where_nothing_is_met(rows):
    noise = SIGMA[:rows, None] * np.random.default_rng(4).standard_normal((rows, 500))
    laws = fitted_laws(noise, SIGMA[:rows])
    assert_allclose(laws.threshold, usual_laws(rows).threshold)


def test_plumes_are_not_taken_for_slow_noise():
    rng = np.random.default_rng(5)
    gas, _ = met(seed=5, peak=100.0)
    assert drift_inflation(gas + rng.standard_normal(gas.size)) < 1.25


def test_slow_noise_has_a_bound_and_short_flights_have_none():
    walk = 50.0 * np.cumsum(np.random.default_rng(6).standard_normal(500))
    assert drift_inflation(walk) == 4.0
    assert drift_inflation(walk[:20]) == 1.0


@pytest.mark.parametrize("seconds", [20, 60, 120])
def test_a_plateau_below_clear_readings_counts_as_one_error(seconds):
    noise = np.random.default_rng(7).standard_normal(900)
    plateau = np.where((np.arange(900) > 400) & (np.arange(900) <= 400 + seconds), 2.5, 0.0)
    ratio = np.minimum(noise + plateau, CLEAR - 0.1)
    calmer = ratio / lasting_inflation(ratio)
    mean = calmer[plateau > 0].mean()
    assert mean * np.sqrt(min(seconds, 64)) < 3.5  # as the largest of so many means by chance


def test_a_plume_that_lasts_is_no_plateau():
    noise = np.random.default_rng(8).standard_normal(900)
    plume = 8.0 * np.exp(-0.5 * ((np.arange(900) - 400.0) / 30.0) ** 2)
    assert lasting_inflation(noise + plume) == 1.0


def test_clean_air_and_short_flights_hardly_gain_noise():
    clean = [np.random.default_rng(seed).standard_normal(900) for seed in range(20)]
    assert max(lasting_inflation(one) for one in clean) < 1.4
    assert lasting_inflation(np.full(10, 3.0)) == 1.0
    assert lasting_inflation(np.zeros(0)) == 1.0


def _without(laws, place):
    return Laws(*(np.delete(column, place) for column in laws))
