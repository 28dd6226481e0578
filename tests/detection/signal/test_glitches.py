"""Readings that no gas can make."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.signal.flight import correct_flight
from detection.signal.glitches import is_impossible, is_lone_spike
from tests.detection.signal.test_correct_flight import flight_of

TIME_S = np.arange(600) / 10.0


def quiet(seed=0):
    return 50.0 + np.random.default_rng(seed).normal(0.0, 2.0, TIME_S.size)


@given(place=st.integers(1, 598), size=st.floats(1e3, 1e300), sign=st.sampled_from([-1.0, 1.0]))
def test_one_wild_reading_is_found_wherever_it_is(place, size, sign):
    reading = quiet()
    reading[place] = sign * size
    assert np.flatnonzero(is_lone_spike(TIME_S, reading)).tolist() == [place]


@given(seed=st.integers(0, 1000), response_s=st.floats(0.3, 5.0), peak=st.floats(10.0, 1e6))
def test_gas_seen_by_a_sensor_with_a_response_is_none(seed, response_s, peak):
    reading, rng = quiet(seed), np.random.default_rng(seed)
    inside = np.zeros(TIME_S.size)
    begin = int(rng.integers(10, 500))
    inside[begin : begin + int(rng.integers(1, 30))] = peak
    kept = np.exp(-0.1 / response_s)
    seen = 0.0
    for index, true in enumerate(inside):
        seen = kept * seen + (1.0 - kept) * true
        reading[index] += seen
    assert not is_lone_spike(TIME_S, reading).any()


def test_slow_readings_and_lasers_may_leap():
    reading = quiet()
    reading[300] = 1e5
    assert not is_lone_spike(TIME_S * 10.0, reading).any()
    assert not is_lone_spike(TIME_S, reading, family="tdlas").any()


def test_a_channel_that_mostly_holds_its_value_is_let_alone():
    reading = np.full(TIME_S.size, 400.0)
    reading[::7] += 1.0
    assert not is_lone_spike(TIME_S, reading).any()


@pytest.mark.parametrize(
    ("unit", "most"), [("1", 1.0), ("1e-9", 1e9), ("1e-6", 1e6), ("ohm", np.inf), ("V", np.inf)]
)
def test_there_is_no_more_gas_than_air(unit, most):
    values = np.array([0.0, 0.5 * min(most, 1e300), np.nan])
    assert not is_impossible(values, unit).any()
    if np.isfinite(most):
        assert is_impossible([1.01 * most, -1.01 * most], unit).all()


def test_a_flight_is_corrected_as_if_its_glitches_were_not_there():
    east = 4.0 * TIME_S
    plain, wild = quiet(), quiet()
    wild[[100, 333]] = 5e7, 4e9
    plain[[100, 333]] = np.nan
    corrected = [
        correct_flight(
            flight_of(
                TIME_S,
                east,
                np.zeros(TIME_S.size),
                np.full(TIME_S.size, 10.0),
                {"pid": reading},
                {"pid": "1e-9"},
            )
        )
        for reading in (plain, wild)
    ]
    assert [one["pid_corrected"].glitches for one in corrected] == [0, 2]
    assert "2 glitches left out" in corrected[1].history
    np.testing.assert_array_equal(*(one["pid_corrected"].values for one in corrected))
    assert corrected[1]["pid"].values[333] == 4e9


def test_no_gas_is_more_than_all_of_the_air_though_drift_is_left_alone():
    reading = quiet()
    reading[[100, 333]] = 5e7, 4e9  # a spike, which averages may have, and no gas at all
    flight = flight_of(
        TIME_S,
        4.0 * TIME_S,
        np.zeros(TIME_S.size),
        np.full(TIME_S.size, 10.0),
        {"pid": reading},
        {"pid": "1e-9"},
    )
    left = correct_flight(flight, background_removed=True)["pid_corrected"]
    assert left.glitches == 1
    assert np.isnan(left.values[333])
    assert left.values[100] == 5e7
