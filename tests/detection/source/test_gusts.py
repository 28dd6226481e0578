"""Turbulence from the wind record: gusts count, and nothing that only looks like them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.ndimage import gaussian_filter1d

from detection.source.gusts import (
    GIVEN_ERROR,
    HORIZONTAL_RATIO,
    STILL_ERROR,
    error_of_one_wind,
    friction_of_gusts,
)
from detection.source.observations import Observations

TIME = np.arange(900.0)
NOTHING = np.zeros(1)


def blowing(east, north, time=TIME):
    return Observations(
        time_s=NOTHING,
        east=NOTHING,
        north=NOTHING,
        height=NOTHING + 10.0,
        concentration=NOTHING,
        sigma=NOTHING + 1.0,
        wind_time_s=time,
        eastward_wind=6.0 + east,
        northward_wind=north,
    )


@pytest.fixture
def gusts(rng):
    """Of a deviation of 1 m/s, without memory."""
    return rng.standard_normal((2, TIME.size))


@pytest.mark.parametrize("strength", [0.8, 1.5])
def test_friction_velocity_is_a_share_of_the_deviation_of_gusts(gusts, strength):
    found = friction_of_gusts(blowing(strength * gusts[0], strength * gusts[1]))
    assert_allclose(found, strength / HORIZONTAL_RATIO, rtol=0.08)


def test_a_wind_that_slowly_turns_is_no_more_turbulent(gusts):
    still = friction_of_gusts(blowing(*gusts))
    turn = TIME / 120.0
    turning = blowing(5.0 * np.cos(turn) + gusts[0], 5.0 * np.sin(turn) + gusts[1])
    assert_allclose(friction_of_gusts(turning), still, rtol=0.05)


def test_single_wild_values_do_not_count(gusts):
    still = friction_of_gusts(blowing(*gusts))
    gusts[0][::90] += 40.0
    assert_allclose(friction_of_gusts(blowing(*gusts)), still, rtol=0.2)


def test_a_gap_bridged_by_a_straight_line_does_not_count(gusts):
    there = (TIME < 200) | (TIME > 600)
    found = friction_of_gusts(blowing(*gusts[:, there], time=TIME[there]))
    assert_allclose(found, friction_of_gusts(blowing(*gusts)), rtol=0.1)


def test_an_estimate_too_smooth_to_follow_gusts_tells_nothing(gusts):
    assert friction_of_gusts(blowing(*gaussian_filter1d(gusts, 4.0, axis=1))) is None


def test_a_wind_that_was_given_tells_nothing():
    assert friction_of_gusts(blowing(np.full(TIME.size, 3.0), np.zeros(TIME.size))) is None


@pytest.mark.parametrize("strength", [0.1, 10.0])
def test_gusts_that_no_ground_makes_tell_nothing(gusts, strength):
    """A direction that jitters by a few degrees, say, or an anemometer in the rotors' wash."""
    blown = blowing(strength * gusts[0], strength * gusts[1])
    assert friction_of_gusts(blown) is None


def test_wind_measured_seldom_or_shortly_or_averaged_tells_nothing(gusts):
    assert friction_of_gusts(blowing(*gusts[:, ::5], time=TIME[::5])) is None
    assert friction_of_gusts(blowing(*gusts[:, :60], time=TIME[:60])) is None
    assert friction_of_gusts(replace(blowing(*gusts), averaging_time_s=600.0)) is None


@pytest.mark.parametrize(("source", "error"), [("given", GIVEN_ERROR), ("anemometer", STILL_ERROR)])
def test_a_wind_that_is_one_value_is_known_badly(source, error):
    still = np.full(60, 3.0)
    assert error_of_one_wind(still, 0.0 * still, source=source) == error
    assert error_of_one_wind(still[:1], still[:1], source=source) == error
    turning = still + 1e-3 * (np.arange(60) == 59)
    assert error_of_one_wind(turning, 0.0 * still, source=source) == (0.0, 0.0)
    assert error_of_one_wind(0.0 * still, turning, source=source) == (0.0, 0.0)


def test_a_sensor_that_stood_still_says_less_than_a_person():
    assert all(still > given > 0.0 for still, given in zip(STILL_ERROR, GIVEN_ERROR, strict=True))
