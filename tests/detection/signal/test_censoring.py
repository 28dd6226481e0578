"""Channels that show nothing below their zero."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.signal.censoring import censored
from detection.signal.flight import correct_flight, is_usable
from detection.source.faults import left_out
from tests.detection.signal.test_correct_flight import flight_of

RATE_HZ = 5.0
TIME_S = np.arange(0.0, 600.0, 1.0 / RATE_HZ)
NOISE = 4.0
HALF = TIME_S < 300.0


def shown(level, seed=0, *, step=1.0, noise=NOISE):
    """What a detector shows that rounds, and knows nothing below 0."""
    reading = level + noise * np.random.default_rng(seed).standard_normal(TIME_S.size)
    return np.maximum(step * np.round(reading / step), 0.0)


def below_then_above(**options):
    """Far below its zero for half of the time, as one that has not warmed up is."""
    return shown(np.where(HALF, -40.0, 30.0), **options)


def corrected(reading):
    size = TIME_S.size
    return correct_flight(
        flight_of(
            TIME_S,
            4.0 * TIME_S,
            np.zeros(size),
            np.full(size, 10.0),
            {"pid": reading},
            {"pid": "1e-9"},
        )
    )


@given(seed=st.integers(0, 1000), scale=st.sampled_from([1e-9, 1.0, 37.0]))
def test_what_is_held_below_the_zero_says_nothing(seed, scale):
    found = censored(TIME_S, scale * below_then_above(seed=seed))
    assert found.says_nothing[TIME_S < 288.0].all()
    assert not found.says_nothing[TIME_S > 310.0].any()
    assert found.noise == pytest.approx(scale * NOISE, rel=0.1)


@given(seed=st.integers(0, 1000), step=st.sampled_from([0.1, 1.0, 3.0]))
def test_a_channel_above_its_zero_is_not_censored(seed, step):
    found = censored(TIME_S, shown(30.0, seed, step=step))
    assert not found.says_nothing.any()
    assert found.noise == 0.0


def test_coarse_steps_are_not_censoring():
    reading = shown(400.0 + 3.0 * np.sin(TIME_S / 50.0), step=5.0, noise=1.0)
    assert censored(TIME_S, reading) == (pytest.approx(np.zeros(TIME_S.size)), 0.0)


@pytest.mark.parametrize("level", [-5.0, -8.0])
def test_a_channel_that_nearly_always_shows_its_lowest_value_is_believed_there(level):
    reading = shown(level)
    assert np.mean(reading == 0.0) > 0.85
    found = censored(TIME_S, reading)
    assert not found.says_nothing.any()
    assert found.noise == pytest.approx(NOISE, rel=0.35)


def test_gas_that_lifts_a_channel_off_its_lowest_value_is_kept():
    gas = 400.0 * np.exp(-0.5 * ((TIME_S - 150.0) / 8.0) ** 2)
    found = censored(TIME_S, shown(np.where(HALF, -40.0, 30.0) + gas))
    inside = np.abs(TIME_S - 150.0) < 12.0
    assert not found.says_nothing[inside].any()
    assert found.says_nothing[TIME_S < 100.0].all()


@given(gap=st.lists(st.integers(0, TIME_S.size - 1), max_size=40))
def test_missing_readings_are_no_part_of_it(gap):
    reading = below_then_above()
    reading[gap] = np.nan
    found = censored(TIME_S, reading)
    assert not found.says_nothing[gap].any()
    known = np.isfinite(reading)
    again = censored(TIME_S[known], reading[known])
    np.testing.assert_array_equal(found.says_nothing[known], again.says_nothing)


@pytest.mark.parametrize("reading", [[], [np.nan] * 3, [0.0] * 50, [1.0, 2.0]])
def test_few_or_equal_readings_are_not_censored(reading):
    found = censored(np.arange(len(reading)), reading)
    assert (found.says_nothing.any(), found.noise) == (False, 0.0)


def test_clean_air_stays_clean_where_a_channel_warms_up_from_below_its_zero():
    flight = corrected(shown(30.0 - 120.0 * np.exp(-TIME_S / 300.0)))  # at zero after 416 s
    excess = flight["pid_corrected"].values / flight["pid_sigma"].values
    assert np.nanmax(excess) < 4.0  # 30 where the silence was taken for the noise
    usable = is_usable(flight, "pid")
    assert not usable[TIME_S < 350.0].any()
    assert usable[TIME_S > 450.0].all()
    assert np.nanmedian(flight["pid_sigma"].values) == pytest.approx(NOISE, rel=0.1)
    assert flight["pid_corrected"].held_at_lowest == pytest.approx(416.0 * RATE_HZ, rel=0.1)
    assert left_out(flight) == {}


def test_flickers_about_the_lowest_value_are_noise():
    flight = corrected(shown(-5.0))
    excess = flight["pid_corrected"].values / flight["pid_sigma"].values
    assert np.nanmax(excess) < 5.0  # 24 where equal readings are taken for quiet ones
    assert flight["pid_corrected"].held_at_lowest == 0
