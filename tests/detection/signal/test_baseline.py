"""Drift taken out after the flight: what is asked of it, and how well it does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from detection.signal.baseline import correct
from tests.naive_signal import lagged, simulated_channel

CASES = {
    # what the sensor adds                  5 s rmse, peak bias (noises), plume claimed outside
    "moderate": ({}, 0.5, 0.5, 0.01),
    "weak plume": ({"peak": 15.0}, 0.5, 0.5, 0.01),
    "strong plume": ({"peak": 500.0}, 1.0, 1.0, 0.01),
    "broad plume, 40 % of readings": ({"spread": 40.0, "reach": 200.0}, 2.0, 2.0, 0.01),
    "humidity front": ({"front": 0.1}, 0.5, 0.5, 0.01),
    "warm-up": ({"warm_up": 150.0}, 0.5, 0.5, 0.02),
    "no drift": ({"drift": 0.0}, 0.4, 0.4, 0.01),
    "steep drift": ({"drift": 100.0}, 1.2, 1.0, 0.05),
    "10 Hz": ({"rate_hz": 10.0}, 0.5, 0.5, 0.01),
    "0.5 Hz": ({"rate_hz": 0.5}, 1.0, 1.0, 0.03),
    "tight lines": ({"side": 160.0, "spacing": 12.0, "lag_s": 4.0}, 0.6, 0.6, 0.01),
}


def corrected(channel, **options):
    return correct(
        channel.time_s,
        channel.reading,
        temperature=channel.temperature,
        humidity=channel.humidity,
        **options,
    )


def errors(channel, result):
    """Root mean square of 5 s means, bias at the peaks (both in noises), false plume share."""
    used = ~result.warming_up
    error = (result.signal - channel.truth) / channel.noise
    window = max(int(5.0 / np.median(np.diff(channel.time_s))), 1)
    slow = np.convolve(error, np.full(window, 1.0 / window), "same")
    peaks = channel.truth > 0.5 * channel.truth.max()
    clean = used & (channel.truth < 0.2 * channel.noise)
    return (
        np.sqrt(np.mean(slow[used] ** 2)),
        error[peaks & used].mean() if (peaks & used).any() else 0.0,
        np.mean(result.plume[clean] > 0.5),
    )


@pytest.mark.parametrize("case", CASES)
def test_what_is_left_is_the_plume(case):
    options, rmse, bias, false = CASES[case]
    channels = [simulated_channel(np.random.default_rng(seed), **options) for seed in range(4)]
    found = np.mean([errors(channel, corrected(channel)) for channel in channels], axis=0)
    assert found[0] < rmse
    assert abs(found[1]) < bias
    assert found[2] < false


def test_a_flight_without_gas_shows_no_plume():
    shares = []
    for seed in range(8):
        channel = simulated_channel(np.random.default_rng(seed), peak=0.0, front=0.05)
        shares.append(np.mean(corrected(channel).plume > 0.5))
    assert np.mean(shares) < 0.005


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("rate_hz", [1.0, 5.0])
def test_sigma_is_the_spread_of_the_error(rate_hz, causal):
    ratios = []
    for seed in range(6):
        channel = simulated_channel(np.random.default_rng(seed), rate_hz=rate_hz)
        result = corrected(channel, causal=causal)
        clean = (channel.truth < 0.2 * channel.noise) & ~result.warming_up
        ratios.append(np.std((result.signal[clean] - channel.truth[clean]) / result.sigma[clean]))
    assert 0.75 < np.mean(ratios) < (1.2 if causal else 1.1)


@pytest.mark.parametrize("middle_s", [0.0, 12.0, 288.0, 300.0])
def test_a_plume_at_the_edge_of_the_flight_is_not_taken_for_baseline(middle_s):
    rng = np.random.default_rng(7)
    time_s = np.arange(0.0, 300.0, 0.2)
    truth = 80.0 * np.exp(-0.5 * ((time_s - middle_s) / 5.0) ** 2)
    result = correct(time_s, 50.0 + truth + 4.0 * rng.normal(size=time_s.size))
    inside = (truth > 40.0) & ~result.warming_up
    assert inside.any() or middle_s == 0.0
    assert (np.abs(result.signal - truth)[~result.warming_up] < 20.0).all()
    assert (result.plume[inside] > 0.9).all()


@pytest.mark.parametrize("duration_s", [10.0, 30.0, 60.0])
def test_a_long_plume_keeps_its_height(duration_s):
    rng = np.random.default_rng(8)
    time_s = np.arange(0.0, 600.0, 0.2)
    truth = lagged(40.0 * (np.abs(time_s - 300.0) < 0.5 * duration_s), time_s, 2.5, 3.0)
    reading = 100.0 + 0.05 * time_s + truth + 4.0 * rng.normal(size=time_s.size)
    result = correct(time_s, reading)
    top = truth > 35.0
    assert abs((result.signal - truth)[top].mean()) < 4.0


def test_a_warm_up_transient_is_no_plume_though_it_is_the_largest_reading():
    rng = np.random.default_rng(9)
    time_s = np.arange(0.0, 600.0, 0.5)
    transient = 200.0 * np.exp(-time_s / 40.0)
    result = correct(time_s, 400.0 + transient + 3.0 * rng.normal(size=time_s.size))
    assert (result.plume[~result.warming_up] < 0.5).all()
    assert np.abs(result.signal[~result.warming_up]).max() < 5.0 * 3.0


@pytest.mark.parametrize("seed", range(5))
def test_what_is_left_of_a_transient_that_gas_had_spoilt_is_no_plume(seed):
    """Gas met while a detector warms up makes the transient seem larger, or to fade sooner."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(0.0, 600.0, 0.2)
    gas = 500.0 * np.exp(-np.clip(time_s - 14.0, 0.0, None) / 8.0)
    transient = 60.0 * np.exp(-time_s / 25.0) + 20.0 * np.exp(-time_s / 120.0)
    reading = 80.0 + transient + gas + 4.0 * rng.normal(size=time_s.size)
    result = correct(time_s, reading, family="pid")
    used = np.flatnonzero(~result.warming_up & (time_s > 14.0))
    assert time_s[used[0]] < 120.0
    means = result.signal[used][: 10 * (used.size // 10)].reshape(-1, 10).mean(axis=1)
    assert means[:10].mean() < 1.5  # of the first twenty seconds: noise is 4


@pytest.mark.parametrize(("family", "is_gas"), [("pid", True), ("mox", False)])
def test_a_flight_that_begins_in_gas_is_believed_once_it_rises(family, is_gas):
    """A photoionisation detector's transient only falls; a metal oxide's has a maximum."""
    rng = np.random.default_rng(11)
    time_s = np.arange(0.0, 600.0, 0.5)
    gas = lagged(np.where(time_s < 10.0, 20.0, 300.0) * (time_s < 25.0), time_s, 2.5, 3.0)
    result = correct(time_s, 400.0 + gas + 3.0 * rng.normal(size=time_s.size), family=family)
    assert result.warming_up[time_s < 10.0].all()
    assert (~result.warming_up[(time_s > 12.0) & (time_s < 30.0)]).all() == is_gas


@pytest.mark.parametrize("seed", range(5))
def test_a_plume_after_weak_gas_at_power_on_is_gas(seed):
    """The detector has not come down to its baseline when it enters the plume: it rises far."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(0.0, 400.0, 0.2)
    plume = 900.0 * np.exp(-0.5 * ((time_s - 36.0) / 2.5) ** 2)
    gas = np.where(time_s < 27.0, 20.0, 0.0) + plume
    result = correct(time_s, 80.0 + gas + 3.0 * rng.normal(size=time_s.size), family="pid")
    assert result.warming_up[time_s < 20.0].all()
    assert not result.warming_up[plume > 450.0].any()


@pytest.mark.parametrize("seed", range(3))
def test_gas_that_lasts_from_power_on_is_believed_after_a_while(seed):
    """No sensor warms up for longer; the limit is not granted anew to what fades afterwards."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(0.0, 600.0, 0.2)
    gas = np.where(time_s < 240.0, 300.0 * (0.6 + 0.4 * np.sin(time_s / 3.0)), 0.0)
    result = correct(time_s, 80.0 + gas + 3.0 * rng.normal(size=time_s.size), family="pid")
    assert result.warming_up[0]
    assert not result.warming_up[time_s > 91.0].any()


@pytest.mark.parametrize("family", ["tdlas", "electrochemical", "unknown"])
def test_only_a_photoionisation_detector_must_come_down_to_its_baseline(family):
    rng = np.random.default_rng(1)
    time_s = np.arange(0.0, 600.0, 0.2)
    after = np.clip(time_s - 14.0, 0.0, None)
    gas = 500.0 * np.exp(-after / 4.0) + 8.0 * np.exp(-after / 40.0)
    last = {}
    for one in (family, "pid"):
        result = correct(time_s, 80.0 + gas + 3.0 * rng.normal(size=time_s.size), family=one)
        last[one] = time_s[result.warming_up].max()
    assert last[family] < last["pid"]


def test_metal_oxide_resistance_becomes_relative_gas():
    rng = np.random.default_rng(10)
    time_s = np.arange(0.0, 400.0, 0.5)
    gas = 2.0 * np.exp(-0.5 * ((time_s - 200.0) / 6.0) ** 2)  # relative to clean air
    resistance = 50e3 * (1.0 + gas) ** -0.5 * np.exp(0.004 * rng.normal(size=time_s.size))
    result = correct(time_s, resistance, family="mox", log_scale=True)
    assert_allclose(result.baseline, 50e3, rtol=0.02)
    assert_allclose(result.signal[400], 2.0, rtol=0.1)
    assert_allclose(np.median(result.sigma[:300]), 2.0 * 0.004, rtol=0.25)


def test_a_resistance_that_is_not_positive_is_missing():
    reading = np.where(np.arange(100) % 10 == 3, 0.0, 1e4 + np.arange(100) % 2)
    result = correct(np.arange(100.0), reading, log_scale=True)
    assert np.isnan(result.signal[3::10]).all()
    assert np.isfinite(result.signal[4::10]).all()


@pytest.mark.parametrize("causal", [False, True])
def test_a_constant_channel_has_no_signal_and_unknown_noise(causal):
    result = correct(np.arange(50.0), np.full(50, 400.0), causal=causal)
    assert_array_equal(result.signal, 0.0)
    if not causal:
        assert np.isnan(result.sigma).all()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("size", [0, 1, 2, 7])
def test_too_few_readings_give_no_sigma_and_no_error(size, causal):
    result = correct(np.arange(float(size)), np.arange(size) * 3.0, causal=causal)
    assert result.signal.shape == (size,)
    if not causal:
        assert np.isnan(result.sigma).all()


@pytest.mark.parametrize("causal", [False, True])
def test_all_missing_stays_missing(causal):
    result = correct(np.arange(50.0), np.full(50, np.nan), causal=causal)
    assert np.isnan(result.signal).all()
    assert not (result.plume > 0.5).any()


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="differ in shape"):
        correct(np.arange(3.0), np.arange(3.0), humidity=np.arange(2.0))


def test_whole_number_readings_have_a_noise_of_at_least_their_rounding():
    rng = np.random.default_rng(11)
    reading = np.round(3.0 + 0.2 * rng.normal(size=600))
    result = correct(np.arange(600.0), reading)
    assert (result.sigma >= 1.0 / np.sqrt(12.0)).all()
    assert np.median(result.sigma) < 1.0


def test_order_and_repeated_times_do_not_matter():
    channel = simulated_channel(np.random.default_rng(12), duration_s=300.0)
    time_s = np.floor(channel.time_s)  # five readings each second
    shuffled = np.argsort(np.random.default_rng(1).normal(size=time_s.size))
    straight = correct(time_s, channel.reading)
    turned = correct(time_s[shuffled], channel.reading[shuffled])
    assert_allclose(turned.baseline, straight.baseline[shuffled], atol=0.2)


def test_a_gap_of_an_hour_is_bridged():
    channel = simulated_channel(np.random.default_rng(13), duration_s=600.0)
    later = channel.time_s + np.where(channel.time_s > 300.0, 3600.0, 0.0)
    result = correct(later, channel.reading)
    assert abs(errors(channel, result)[1]) < 1.0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), offset=st.integers(-2000, 2000), causal=st.booleans())
def test_adding_a_constant_leaves_the_signal(seed, offset, causal):
    channel = simulated_channel(np.random.default_rng(seed), duration_s=120.0, rate_hz=2.0)
    plain = correct(channel.time_s, channel.reading, causal=causal)
    raised = correct(channel.time_s, channel.reading + offset, causal=causal)
    assert_allclose(raised.signal, plain.signal, atol=1e-5)
    assert_allclose(raised.plume, plain.plume, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), power=st.integers(-20, 20), causal=st.booleans())
def test_another_unit_scales_the_signal(seed, power, causal):
    channel = simulated_channel(np.random.default_rng(seed), duration_s=120.0, rate_hz=2.0)
    plain = correct(channel.time_s, channel.reading, causal=causal)
    scaled = correct(channel.time_s, channel.reading * 2.0**power, causal=causal)
    assert_allclose(scaled.signal, plain.signal * 2.0**power, rtol=1e-9, atol=1e-9 * 2.0**power)
    assert_allclose(scaled.plume, plain.plume, atol=1e-9)
