"""The likelihood against Student's t written out, and how it is tempered."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from detection.source.likelihood import (
    attainable_log_ratio,
    expected_log_ratio,
    log_ratio,
    total_log_ratio,
)
from detection.source.noise import Noise, noise_of
from detection.source.tempering import Tempering
from tests import naive_source

RATES = np.geomspace(0.1, 10.0, 5)
SINGLE = {"rtol": 1e-6, "atol": 1e-4}  # the kernel counts in single precision


@pytest.fixture
def readings(rng):
    """Kernel, readings and their spread; no prediction small enough to be left out."""
    kernel = rng.uniform(0.3, 30.0, (23, 4)).astype(np.float32)
    kernel[rng.random(kernel.shape) < 0.3] = 0.0
    return kernel, rng.standard_normal(23) * 20, rng.uniform(0.5, 1.4, 23)


def test_log_ratio_equals_its_naive_twin(readings):
    kernel, excess, additive = readings
    expected = naive_source.log_ratio(
        kernel, excess, additive, RATES, relative=0.8, others=np.zeros(23)
    )
    assert_allclose(log_ratio(kernel, excess, additive, RATES, relative=0.8), expected, **SINGLE)


def test_log_ratio_beside_other_sources_equals_its_naive_twin(readings, rng):
    kernel, excess, additive = readings
    others = rng.gamma(1.0, 10.0, 23)
    expected = naive_source.log_ratio(kernel, excess, additive, RATES, relative=0.5, others=others)
    fast = log_ratio(kernel, excess, additive, RATES, relative=0.5, others=others)
    assert_allclose(fast, expected, **SINGLE)


def test_predictions_left_out_as_negligible_change_little(rng):
    kernel = rng.uniform(0.0, 0.03, (40, 3)).astype(np.float32)
    excess, additive, rates = rng.standard_normal(40), np.ones(40), np.array([0.5, 1.0])
    expected = naive_source.log_ratio(
        kernel, excess, additive, rates, relative=0.8, others=np.zeros(40)
    )
    fast = log_ratio(kernel, excess, additive, rates, relative=0.8)
    assert_allclose(fast, expected, atol=0.024 * 40 / 3)


def test_a_cell_no_reading_can_see_is_neither_likely_nor_unlikely(readings):
    kernel, excess, additive = readings
    kernel[:, 1] = 0.0
    assert not log_ratio(kernel, excess, additive, RATES, relative=0.8)[1].any()


@pytest.mark.parametrize("relative", [0.0, 0.05, 0.8])
@pytest.mark.parametrize("strength", [30.0, 1e3, 2.9e4])
def test_readings_far_beyond_the_noise_equal_the_naive_twin(strength, relative):
    kernel = np.full((64, 2), 0.1 * strength, dtype=np.float32)
    kernel[::5] *= 0.1
    excess = np.full(64, strength)
    excess[::2] = 0.0
    rates = np.geomspace(0.1, 10.0, 11)
    expected = naive_source.log_ratio(
        kernel, excess, np.ones(64), rates, relative=relative, others=np.zeros(64)
    )
    ratio = log_ratio(kernel, excess, np.ones(64), rates, relative=relative)
    assert_allclose(ratio, expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("strength", [1e6, 1e9])
def test_no_reading_stands_out_by_more_than_thirty_thousand_deviations(strength):
    kernel = np.full((64, 2), 0.1 * strength, dtype=np.float32)
    excess = np.full(64, strength)
    excess[::2] = 0.0
    additive = np.where(excess > 0.0, strength / 3e4, 1.0)
    expected = naive_source.log_ratio(
        kernel, excess, additive, RATES, relative=0.8, others=np.zeros(64)
    )
    ratio = log_ratio(kernel, excess, np.ones(64), RATES, relative=0.8)
    assert_allclose(ratio, expected, rtol=1e-5)


@pytest.mark.parametrize(("relative", "most"), [(0.0, 3e4), (0.05, 3e4), (0.2, 1e9), (0.8, 1e9)])
@pytest.mark.parametrize("gas", [1e3, 1e6, 1e12])
def test_a_prediction_counts_up_to_what_single_precision_can_tell(gas, relative, most):
    ratio = log_ratio(
        np.full((40, 1), gas, dtype=np.float32),
        np.zeros(40),
        np.ones(40),
        RATES,
        relative=relative,
    )
    told = np.minimum(RATES * gas, most)
    expected = naive_source.log_ratio(
        np.ones((1, 1)), [0.0], [1.0], told, relative=relative, others=[0.0]
    )
    assert_allclose(ratio, 40.0 * expected, rtol=1e-5)


@given(
    st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=40),
    st.floats(0.0, 2.0),
    st.floats(0.0, 1e12),
)
def test_no_reading_and_no_prediction_is_too_large_for_a_finite_ratio(excess, relative, gas):
    kernel = np.full((len(excess), 3), gas, dtype=np.float32)
    excess = np.array(excess)
    for others in (np.zeros(excess.size), np.abs(excess)):
        ratio = log_ratio(
            kernel, excess, np.ones(excess.size), RATES, relative=relative, others=others
        )
        assert np.isfinite(ratio).all()


def test_an_unknown_reading_gives_an_unknown_ratio(readings):
    kernel, excess, additive = readings
    excess[3] = np.nan
    assert np.isnan(log_ratio(kernel, excess, additive, RATES, relative=0.8)).all()


@pytest.mark.parametrize("rate", [1e-4, 1.0, 1e6])
def test_the_expected_ratio_is_that_of_readings_as_predicted(readings, rate):
    kernel, _, additive = readings
    strength = (rate * kernel.astype(float) / additive[:, None]) ** 2
    strength[strength < 0.02**2] = 0.0
    expected = (2 * np.log1p(strength / 3) - 0.5 * np.log1p(0.64 * strength)).sum(axis=0)
    ratio = expected_log_ratio(kernel, rate, additive, relative=0.8)
    assert_allclose(ratio, np.maximum(expected, 0.0), rtol=1e-9, atol=1e-12)


def test_clean_air_where_gas_was_expected_speaks_against_a_source():
    kernel = np.full((5, 1), 10.0, dtype=np.float32)
    clean = log_ratio(kernel, np.zeros(5), np.ones(5), np.array([1.0]), relative=0.8)
    gassy = log_ratio(kernel, np.full(5, 10.0), np.ones(5), np.array([1.0]), relative=0.8)
    assert clean < -5 < 5 < gassy


def test_a_whole_prediction_is_weighed_as_the_twin_does(readings):
    kernel, excess, additive = readings
    expected = naive_source.log_ratio(
        kernel[:, :1], excess, additive, [2.0], relative=0.8, others=np.zeros(23)
    )
    total = total_log_ratio(2.0 * kernel[:, 0].astype(float), excess, additive, relative=0.8)
    assert_allclose(total, expected[0, 0], rtol=1e-9)


def test_sources_one_by_one_weigh_as_much_as_together(readings):
    kernel, excess, additive = readings
    first, second = (kernel[:, k].astype(float) for k in (0, 1))
    both = total_log_ratio(first + 3.0 * second, excess, additive, relative=0.8)
    alone = total_log_ratio(first, excess, additive, relative=0.8)
    further = log_ratio(
        kernel[:, 1:2], excess, additive, np.array([3.0]), relative=0.8, others=first
    )
    assert_allclose(alone + further[0, 0], both, **SINGLE)


def test_expected_log_ratio_equals_its_naive_twin(readings):
    kernel, _, additive = readings
    for rate in (0.1, 1.0, 50.0):
        fast = expected_log_ratio(kernel, rate, additive, relative=0.8)
        twin = naive_source.expected_log_ratio(kernel, rate, additive, relative=0.8)
        assert_allclose(fast, twin, rtol=1e-9)


def test_stronger_signals_are_tempered_more_but_never_count_for_less():
    noise = Noise(temper=0.25, saturation=100.0, settled=0.5)
    strengths = np.array([-3.0, 0.0, 50.0, 100.0, 101.0, 400.0, 1e4])
    temperings = [noise.tempering_for(float(one), 1.0) for one in strengths]
    assert {one.slope for one in temperings} == {0.25}
    beyond = np.array([one.beyond for one in temperings])
    assert (beyond[:4] == 0.25).all()
    assert (np.diff(beyond) <= 0).all()
    assert_allclose(beyond[-1], 0.025)
    counted = [float(t.of(one)) for t, one in zip(temperings, strengths, strict=True)]
    assert (np.diff(counted) > 0).all()


def test_what_explains_too_little_is_judged_in_full():
    tempering = Noise(temper=0.25, saturation=100.0, settled=0.5).tempering_for(400.0, 1.0)
    assert_allclose(np.diff(tempering.of([100.0, 150.0, 200.0])), 50.0)
    assert_allclose(np.diff(tempering.of([200.0, 300.0, 400.0])), 12.5)


def test_all_that_the_best_place_of_a_weak_signal_explains_tells_that_there_is_a_source():
    noise = Noise(temper=0.2, settled=0.4, weak=20.0)
    for best in (1.0, 8.0, 15.0, 20.0):
        tempering = noise.tempering_for(best, 1.0)
        assert_allclose(tempering.of([0.0, 0.4 * best, best]), [0.0, best, 1.12 * best])
    at_weak, above = (noise.tempering_for(best, 1.0).of([0.4 * best]) for best in (20.0, 20.0001))
    assert_allclose(at_weak, above, rtol=1e-4)


def test_a_weak_signal_beside_known_plumes_tells_less(survey):
    seen = survey(naive_source.Source(east=-40, north=0, rate=1e-3))
    left = dataclasses.replace(seen, is_remainder=True)
    clear, doubted = (Noise().for_readings(one).tempering_for(10.0, 1.0) for one in (seen, left))
    assert doubted.of(10.0) < 0.6 * clear.of(10.0)


@given(st.floats(0.1, 100.0), st.floats(0.0, 1.0))
def test_no_signal_tells_less_of_a_source_than_a_weaker_one(best, more):
    noise = Noise()
    weaker, stronger = (float(noise.tempering_for(one, 1.0).of(one)) for one in (best, best + more))
    assert stronger >= weaker - 1e-9


def test_averages_count_alike_up_to_what_is_settled():
    noise = Noise().for_averages(600.0)
    tempering = noise.tempering_for(10.0, 1.0)
    assert tempering.sure == tempering.slope == noise.temper
    assert tempering.knee == 5.0


@given(
    st.floats(1e-3, 0.3),
    st.floats(0.0, 1.0),
    st.floats(0.0, 500.0),
    st.lists(st.floats(-50.0, 1e4), min_size=2, max_size=5),
    st.floats(0.0, 50.0),
    st.integers(1, 3),
)
def test_tempering_keeps_the_order_and_means_the_same_for_thinned_readings(
    slope, share, knee, ratios, chance, every
):
    tempering = Tempering(slope, slope * share, knee, sure=1.0 / 3.0, chance=chance)
    ratios = np.sort(ratios)
    assert (np.diff(tempering.of(ratios)) >= -1e-9).all()
    thinned = tempering.thinned(every).of(ratios / every)
    assert_allclose(thinned, tempering.of(ratios), rtol=1e-9, atol=1e-9)


def test_a_model_that_explains_little_is_hardly_believed():
    noise = Noise(temper=0.25, saturation=100.0, coherence=0.65)
    powers = [noise.tempering_for(50.0, share).slope for share in (1.0, 0.65, 0.6, 0.45, 0.0)]
    assert powers[:2] == [0.25, 0.25]
    assert (np.diff(powers[1:]) < 0).all()
    assert powers[3] < 0.01
    assert powers[4] == 0.0


def test_gas_that_fits_no_place_is_still_gas_to_a_sensor_that_nothing_else_moves(survey):
    seen = survey(naive_source.Source(east=-40, north=0, rate=1e-3))
    prone, steady = (
        dataclasses.replace(
            Noise().for_readings(dataclasses.replace(seen, sensor_family=family)), leap=0.0
        )
        for family in ("mox", "pid")
    )
    ratios = [5.0, 20.0, 30.0, 60.0]
    doubted = prone.tempering_for(60.0, 0.4, rival=0.2).of(ratios)
    assert doubted[-1] < 0.05
    vague = steady.tempering_for(60.0, 0.4, rival=0.2).of(ratios)
    assert_allclose(vague[1:], 20.0, atol=0.1)  # all alike
    for rival in (0.35, 1.0, None):  # the wind may be wrong, or was not asked
        doubted = prone.tempering_for(60.0, 0.4, rival=rival)
        assert steady.tempering_for(60.0, 0.4, rival=rival) == doubted
    assert steady.tempering_for(60.0, 1.0, rival=0.2) == prone.tempering_for(60.0, 1.0, rival=0.2)
    hour = dataclasses.replace(seen, sensor_family="pid", averaging_time_s=3600.0)
    assert Noise().for_readings(hour) == Noise().for_averages(3600.0)


def test_what_can_be_attained_is_a_perfect_prediction_of_what_stands_out():
    additive = np.ones(4)
    excess = np.array([-9.0, 2.9, 5.0, 40.0])
    perfect = np.array([0.0, 0.0, 5.0, 40.0])
    kept = np.where(perfect > 0, excess, 0.0)
    attainable, readings = attainable_log_ratio(excess, additive, relative=0.8)
    assert_allclose(attainable, total_log_ratio(perfect, kept, additive, relative=0.8))
    assert readings == 2


def test_model_error_is_added_to_the_instruments(survey):
    strong = survey(naive_source.Source(east=-40, north=0, rate=1e-3))
    peak = np.quantile(strong.concentration, 0.995)
    assert_allclose(noise_of(strong, Noise(floor=0.1)), np.hypot(strong.sigma, 0.1 * peak))
    below = dataclasses.replace(strong, concentration=-np.abs(strong.concentration))
    assert_allclose(noise_of(below, Noise(floor=0.1)), strong.sigma)


def test_a_model_is_distrusted_where_the_wind_turned_round_explains_more():
    noise = Noise()
    as_flown = noise.tempering_for(100.0, 0.8)
    assert as_flown.sure == 1.0
    assert noise.tempering_for(100.0, 0.8, rival=0.84) == as_flown
    doubted = noise.tempering_for(100.0, 0.8, rival=1.0)
    assert doubted.sure < 0.2
    assert doubted.slope / as_flown.slope == pytest.approx(doubted.sure)


def test_a_model_is_hardly_believed_where_one_source_explains_more_in_a_wind_turned_round():
    noise = Noise()
    as_flown = noise.tempering_for(100.0, 1.0)
    assert noise.tempering_for(100.0, 1.0, rival=1.0, gained=0.04) == as_flown
    sure = [noise.tempering_for(100.0, 1.0, rival=1.0, gained=by).sure for by in (0.06, 0.1, 0.2)]
    assert (np.diff([1.0, *sure]) < 0.0).all()
    assert sure[-1] < 0.01
