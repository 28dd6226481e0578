"""Worlds of the benchmarks are what their names say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.blind_worlds import FAMILIES, TURBULENCES, BlindWorld, blind_worlds
from benchmarks.flight_cache import kept_flight, without_columns
from benchmarks.hard_worlds import CASES
from benchmarks.paired_worlds import _another_day
from benchmarks.shifted_worlds import FAMILIES as SHIFTED
from benchmarks.shifted_worlds import _scattered
from sims.checks import check_scenario
from sims.flightpath import waypoints


def drawn(family, count=30):
    rng = np.random.default_rng(3)
    return [FAMILIES[family].draw(rng, TURBULENCES[number % 2]) for number in range(count)]


def to_lee(scenario, east, north):
    """How far places lie downwind of the source [m]."""
    (source,) = scenario.source
    from_rad = np.deg2rad(scenario.wind.from_deg)
    return -(east - source.east_m) * np.sin(from_rad) - (north - source.north_m) * np.cos(from_rad)


@pytest.mark.parametrize("family", FAMILIES)
def test_blind_worlds_are_possible_and_as_the_table_of_targets_asks(family):
    for scenario in drawn(family):
        check_scenario(scenario, family)
        assert 160 <= scenario.survey.size_m <= 320
        assert 12 <= scenario.survey.spacing_m <= 25
        assert scenario.pid.noise_ppb == 4.0
        assert scenario.survey.rate_hz == 5.0
        assert len(scenario.mox) == 4
        if family == "calm":
            assert 0.8 <= scenario.wind.speed_m_s <= 1.6
        elif family != "none":
            assert 2.0 <= scenario.wind.speed_m_s <= 7.0
        if family == "low":
            assert 0.0 < scenario.survey.height_m - scenario.source[0].height_m <= 5.0
        else:
            assert 8 <= scenario.survey.height_m <= 16
        if family == "two":
            first, second = scenario.source
            away = np.hypot(first.east_m - second.east_m, first.north_m - second.north_m)
            assert away >= 60.0
        assert len(scenario.source) == {"none": 0, "two": 2}.get(family, 1)


def test_a_source_is_scaled_to_the_peak_that_is_asked_for():
    (world,) = blind_worlds("peak 15-25", 1)
    assert 15.0 <= world.flown().truth["peak_ppb"] < 25.0


def test_half_of_the_worlds_are_of_each_turbulence_and_no_two_are_the_same():
    worlds = blind_worlds("single", 10)
    assert len(set(worlds)) == 10
    assert sum(world.turbulence == "ou" for world in worlds) == 5


def test_a_kept_flight_is_not_flown_again(tmp_path, monkeypatch):
    world = BlindWorld("none", "ou", 1)
    first = kept_flight(world, tmp_path)
    monkeypatch.setattr(BlindWorld, "flown", lambda _: pytest.fail("was flown again"))
    again = kept_flight(world, tmp_path)
    assert again == first
    assert again.truth["sources"] == []
    shorn = without_columns(first.path, "pid", tmp_path / "shorn.csv").read_text().splitlines()
    whole = first.path.read_text().splitlines()
    assert "pid_ppb" not in shorn[0]
    assert "mox4_ohm" in shorn[0]
    assert len(shorn) == len(whole)
    assert shorn[1].split(",")[:3] == whole[1].split(",")[:3]


@pytest.mark.parametrize("case", CASES)
def test_hard_cases_are_possible_and_have_the_fault_they_are_named_for(case):
    rng = np.random.default_rng(4)
    for sound in drawn("single", 20):
        scenario = CASES[case](sound, rng, 80.0)
        check_scenario(scenario, case)
        assert (scenario == sound) is (case == "nothing wrong")
        east, north = waypoints(scenario.survey).T
        if case == "upwind half only":
            assert to_lee(scenario, east, north).max() == pytest.approx(5.0, abs=1.0)
        if case == "all on one line":
            assert np.linalg.matrix_rank(np.stack((east - east[0], north - north[0])), tol=0.1) == 1
            assert 15.0 < to_lee(scenario, east.mean(), north.mean()) < 65.0
        if case == "source outside the square":
            turn = np.deg2rad(scenario.survey.line_deg)
            (source,) = scenario.source
            ahead = source.east_m * np.sin(turn) + source.north_m * np.cos(turn)
            right = source.east_m * np.cos(turn) - source.north_m * np.sin(turn)
            assert max(abs(ahead), abs(right)) > 0.5 * scenario.survey.size_m
            assert to_lee(scenario, 0.0, 0.0) > 0.5 * scenario.survey.size_m


@pytest.mark.parametrize("family", SHIFTED)
def test_shifted_worlds_are_possible(family):
    rng = np.random.default_rng(5)
    for sound in drawn("single", 20):
        check_scenario(SHIFTED[family](sound, rng), family)
    assert 20 <= len(_scattered(rng, 60.0).places) <= 40


def test_another_day_keeps_source_and_square_and_changes_the_wind():
    first, weather = drawn("single", 2)
    second = _another_day(first, weather)
    assert second.source == first.source
    assert second.survey.size_m == first.survey.size_m
    assert second.wind == weather.wind
    assert second.wind != first.wind
