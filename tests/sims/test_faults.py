"""Instruments that repeat themselves, fall silent, saturate or keep another clock."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sims.flightpath import waypoints
from sims.settings import Anemometer, Mox, Pid, Scenario, Source, Survey, Wind
from sims.simulate import simulate

RATE_HZ = 5.0
SOUND = Scenario(
    source=(Source(east_m=5.0, north_m=-10.0, height_m=1.0, rate_g_s=3.0),),
    survey=Survey(size_m=60.0, spacing_m=20.0, height_m=4.0, rate_hz=RATE_HZ),
    mox=(Mox(),),
)


def columns_of(**changed):
    return simulate(replace(SOUND, **changed), rng=np.random.default_rng(7)).columns


@pytest.fixture(scope="module")
def sound():
    return columns_of()


def assert_others_equal(columns, sound, *changed):
    for name in set(sound) - set(changed):
        assert_array_equal(columns[name], sound[name], err_msg=name)


def test_a_stuck_channel_repeats_itself_and_harms_no_other(sound):
    columns = columns_of(pid=Pid(stuck_from_s=20.0))
    first = round(20.0 * RATE_HZ)
    assert_array_equal(columns["pid_ppb"][:first], sound["pid_ppb"][:first])
    assert np.unique(columns["pid_ppb"][first:]).tolist() == [sound["pid_ppb"][first]]
    assert_others_equal(columns, sound, "pid_ppb")
    columns = columns_of(mox=(Mox(stuck_from_s=0.0),))
    assert np.unique(columns["mox1_ohm"]).size == 1


def test_a_saturated_channel_is_cut_off_at_its_ceiling(sound):
    ceiling = float(np.quantile(sound["pid_ppb"], 0.9))
    columns = columns_of(pid=Pid(ceiling_ppb=ceiling))
    assert_array_equal(columns["pid_ppb"], np.minimum(sound["pid_ppb"], ceiling))


def test_a_wind_sensor_can_fall_silent_stick_or_be_mounted_the_wrong_way_round(sound):
    silent = columns_of(anemometer=Anemometer(silent_from_s=0.0))
    assert np.isnan(silent["wind_speed_m_s"]).all()
    assert np.isnan(silent["wind_from_deg"]).all()
    assert_others_equal(silent, sound, "wind_speed_m_s", "wind_from_deg")
    constant = columns_of(anemometer=Anemometer(stuck_from_s=0.0))
    assert np.unique(constant["wind_from_deg"]).size == 1
    calm = {"anemometer": Anemometer(noise_m_s=0.0, bias_deg=0.0)}
    turned = {"anemometer": Anemometer(noise_m_s=0.0, bias_deg=180.0)}
    right, wrong = (columns_of(**one)["wind_from_deg"] for one in (calm, turned))
    assert_allclose((wrong - right) % 360.0, 180.0, atol=1e-6)


@pytest.mark.parametrize("ahead_s", [5.0, -5.0])
def test_a_gas_logger_s_clock_moves_gas_and_air_but_not_position_and_wind(sound, ahead_s):
    columns = columns_of(gas_clock_s=ahead_s)
    shift = round(ahead_s * RATE_HZ)
    names = ("pid_ppb", "mox1_ohm", "temperature_c", "relative_humidity_pct")
    for name in names:
        lost = slice(None, shift) if shift > 0 else slice(shift, None)
        assert np.isnan(columns[name][lost]).all()
        moved = np.roll(sound[name], shift)
        kept = np.isfinite(columns[name])
        assert kept.sum() == sound[name].size - abs(shift)
        assert_array_equal(columns[name][kept], moved[kept])
    assert_others_equal(columns, sound, *names)


def test_a_survey_of_one_line_flown_to_and_fro():
    there_and_back = Survey(size_m=100.0, lines=1, passes=2, line_deg=90.0, north_m=30.0)
    assert_allclose(waypoints(there_and_back)[:, 0], [-50.0, 50.0, 50.0, -50.0], atol=1e-9)
    assert_allclose(waypoints(there_and_back)[:, 1], 30.0, atol=1e-9)


def test_a_survey_beside_the_origin_is_flown_there():
    beside = Survey(size_m=40.0, spacing_m=40.0, east_m=100.0, north_m=-50.0)
    assert_allclose(waypoints(beside).mean(axis=0), [100.0, -50.0], atol=1e-9)
    scenario = Scenario(survey=replace(beside, rate_hz=5.0), wind=Wind(speed_m_s=5.0))
    flight = simulate(scenario, rng=np.random.default_rng(0))
    assert abs(flight.path.east.mean() - 100.0) < 10.0
