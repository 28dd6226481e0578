"""The wind without its gusts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sims.settings import Turbulence, Wind
from sims.turbulence import gusts
from sims.wind import ornstein_uhlenbeck, profile, wind_history

STEADY = {"direction_sd_deg": 0.0, "speed_sd": 0.0, "gradient_deg_100m": 0.0}


@pytest.mark.parametrize(
    ("from_deg", "east", "north"),
    [(0.0, 0.0, -4.0), (90.0, -4.0, 0.0), (180.0, 0.0, 4.0), (270.0, 4.0, 0.0)],
)
def test_air_moves_away_from_where_the_wind_comes_from(from_deg, east, north, rng):
    wind = Wind(speed_m_s=4.0, from_deg=from_deg, **STEADY)
    history = wind_history(wind, from_s=-5.0, to_s=5.0, step_s=0.5, rng=rng)
    assert_allclose(history.east, east, atol=1e-12)
    assert_allclose(history.north, north, atol=1e-12)
    assert history.time_s[0] == -5.0
    assert history.time_s[-1] >= 5.0


def test_wind_grows_as_the_logarithm_of_height():
    heights = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    growth = np.diff(profile(heights, 0.001))
    assert_allclose(growth, np.log(2.0) / np.log(10_001.0), rtol=1e-3)
    assert profile(0.0, 0.1) == 0.0


def test_the_wind_wanders_as_much_and_as_long_as_asked(rng):
    wind = Wind(direction_sd_deg=12.0, direction_time_s=50.0, speed_sd=0.2, speed_time_s=30.0)
    history = wind_history(wind, from_s=0.0, to_s=100_000.0, step_s=1.0, rng=rng)
    speed = np.hypot(history.east, history.north)
    bearing = np.rad2deg(np.arctan2(-history.east, -history.north)) % 360.0 - wind.from_deg
    assert np.mean(speed) == pytest.approx(wind.speed_m_s, rel=0.02)
    assert np.std(np.log(speed)) == pytest.approx(0.2, rel=0.06)
    assert np.std(bearing) == pytest.approx(12.0, rel=0.06)
    correlation = np.corrcoef(bearing[:-50], bearing[50:])[0, 1]
    assert correlation == pytest.approx(np.exp(-1.0), abs=0.06)


def test_an_ornstein_uhlenbeck_series_is_stationary_from_its_first_value(rng):
    starts = [ornstein_uhlenbeck(3, 1.0, time_scale_s=100.0, rng=rng)[[0, 2]] for _ in range(4000)]
    assert_allclose(np.std(starts, axis=0), 1.0, rtol=0.04)


def test_wind_at_a_place_turns_with_the_gradient(rng):
    wind = Wind(speed_m_s=4.0, from_deg=270.0, **STEADY)
    history = wind_history(wind, from_s=0.0, to_s=10.0, step_s=1.0, rng=rng)
    history.turn_east[:] = 0.001
    east, north = history.at(np.array([5.0]), np.array([100.0]), np.array([0.0]))
    assert_allclose([east[0], north[0]], [4.0, 0.4], atol=1e-9)


def test_gusts_grow_with_wind_and_roughness_but_do_not_vanish_in_a_calm():
    rough = gusts(Turbulence(), Wind(speed_m_s=4.0, roughness_m=0.3))
    smooth = gusts(Turbulence(), Wind(speed_m_s=4.0, roughness_m=0.01))
    calm = gusts(Turbulence(), Wind(speed_m_s=0.3))
    assert rough.sigma_w > smooth.sigma_w > calm.sigma_w == pytest.approx(1.25 * 0.08)
    assert smooth.sigma_u / smooth.sigma_w == pytest.approx(2.4 / 1.25)
    assert gusts(Turbulence(intensity=2.0), Wind()).sigma_v == pytest.approx(
        2.0 * gusts(Turbulence(), Wind()).sigma_v
    )
