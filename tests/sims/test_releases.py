"""Sources that begin, end, pulse and move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sims.plume import concentration
from sims.releases import release_of, source_path
from sims.settings import Scenario, Source, Survey, Turbulence, Wake, Wind
from sims.simulate import simulate
from sims.turbulence import Gusts, eddies
from sims.wind import WindHistory

STILL = Gusts(1e-6, 1e-6, 1e-6, scale_base_m=1.0, scale_slope=0.0, horizontal_ratio=2.0)
STEP_S = 0.2
EAST_M_S = 4.0


def steady(from_s, to_s):
    time = from_s + STEP_S * np.arange(round((to_s - from_s) / STEP_S) + 2)
    still = np.zeros(time.size)
    return WindHistory(time, np.full(time.size, EAST_M_S), still, still.copy(), still.copy())


def gas_at(place, source, *, seconds=60.0, wakes=()):
    """Concentration at one place in a wind of 4 m/s to the east without turbulence."""
    wind = steady(-60.0, seconds)
    scenario = Scenario(
        source=(source,), wind=Wind(roughness_m=1e-6), survey=Survey(size_m=400.0), wake=wakes
    )
    receptors = np.broadcast_to(np.array(place), (round(seconds / STEP_S), 1, 3)).copy()
    return concentration(
        receptors,
        wind,
        rate_hz=1.0 / STEP_S,
        release=release_of(scenario, wind.time_s)._replace(sigma_m=3.0),
        gusts=STILL,
        eddies=eddies(Turbulence(kind="ou"), Wind(), rng=np.random.default_rng(0)),
        rng=np.random.default_rng(0),
    )[:, 0]


def test_gas_of_a_source_that_begins_late_comes_later_by_the_way_it_has_to_go():
    source = Source(east_m=0.0, north_m=0.0, height_m=10.0, begins_s=10.0)
    gas = gas_at((60.0, 0.0, 10.0), source)
    time = STEP_S * np.arange(gas.size)
    settled = gas[time > 40.0].mean()
    assert gas[time < 20.0].max() < 1e-3 * settled
    half = time[np.argmax(gas > 0.5 * settled)]
    assert half == pytest.approx(10.0 + 60.0 / EAST_M_S, abs=1.0)


def test_a_source_that_ends_is_not_smelt_once_its_gas_has_passed():
    source = Source(east_m=0.0, north_m=0.0, height_m=10.0, ends_s=10.0)
    gas = gas_at((60.0, 0.0, 10.0), source)
    time = STEP_S * np.arange(gas.size)
    assert gas[time < 15.0].min() > 0.0
    assert gas[time > 35.0].max() == 0.0


def test_a_source_that_is_on_a_third_of_the_time_gives_a_third_of_the_gas():
    steadily = Source(east_m=0.0, north_m=0.0, height_m=10.0)
    by_turns = replace(steadily, on_s=5.0, off_s=10.0, phase_s=2.0)
    place = (60.0, 0.0, 10.0)
    share = gas_at(place, by_turns).sum() / gas_at(place, steadily).sum()
    assert share == pytest.approx(1.0 / 3.0, rel=0.03)


def test_a_source_moves_from_where_it_is_at_the_start():
    time = np.array([-10.0, 0.0, 10.0])
    path = source_path(Source(east_m=1.0, north_m=2.0, eastward_m_s=0.5, northward_m_s=-1.0), time)
    assert_allclose(path[:, 0], [-4.0, 1.0, 6.0])
    assert_allclose(path[:, 1], [12.0, 2.0, -8.0])
    moving = Source(east_m=0.0, north_m=-30.0, height_m=10.0, northward_m_s=1.0)
    gas = gas_at((40.0, 0.0, 10.0), moving)
    # It passes the sensor's line at 30 s, and its gas is 10 s on the way.
    assert STEP_S * np.argmax(gas) == pytest.approx(40.0, abs=2.0)


def test_a_wake_bends_the_plume_to_the_right():
    source = Source(east_m=-20.0, north_m=0.0, height_m=10.0)
    wake = (Wake(east_m=0.0, north_m=0.0, radius_m=15.0, turn_deg=40.0),)
    straight, right, left = (60.0, 0.0, 10.0), (60.0, -16.0, 10.0), (60.0, 16.0, 10.0)
    assert gas_at(straight, source).sum() > 10.0 * gas_at(right, source).sum()
    assert gas_at(right, source, wakes=wake).sum() > 10.0 * gas_at(left, source, wakes=wake).sum()


def test_filaments_of_a_source_outside_the_square_are_followed_into_it():
    survey = Survey(size_m=80.0, spacing_m=20.0, height_m=3.0, rate_hz=5.0)
    outside = Source(east_m=-250.0, north_m=0.0, height_m=1.0, rate_g_s=5.0)
    wind = Wind(speed_m_s=5.0, from_deg=270.0, direction_sd_deg=3.0)
    flight = simulate(
        Scenario(source=(outside,), survey=survey, wind=wind), rng=np.random.default_rng(1)
    )
    assert flight.truth["peak_ppb"] > 10.0


def test_a_world_with_a_source_that_changes_keeps_its_wind_track_and_noise():
    survey = Survey(size_m=60.0, spacing_m=30.0, rate_hz=5.0)
    steadily = Scenario(source=(Source(east_m=0.0, north_m=0.0),), survey=survey)
    pulsed = replace(steadily, source=(Source(east_m=0.0, north_m=0.0, off_s=30.0),))
    one, other = (simulate(world, rng=np.random.default_rng(3)) for world in (steadily, pulsed))
    for name in ("latitude", "wind_from_deg", "temperature_c"):
        assert_array_equal(one.columns[name], other.columns[name])
    assert other.gas_ppb.sum() < one.gas_ppb.sum()


def test_the_truth_of_a_moving_source_is_where_it_was_at_half_time():
    survey = Survey(size_m=60.0, spacing_m=30.0, rate_hz=5.0)
    moving = Source(east_m=0.0, north_m=0.0, eastward_m_s=1.0)
    flight = simulate(Scenario(source=(moving,), survey=survey), rng=np.random.default_rng(3))
    metres = (flight.truth["sources"][0]["longitude"] - 5.1) * 111_320.0 * np.cos(np.deg2rad(52.1))
    assert metres == pytest.approx(0.5 * flight.path.time_s[-1], rel=0.01)
