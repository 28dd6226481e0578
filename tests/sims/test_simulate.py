"""A whole simulated flight and its files."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pyproj import Geod

from sensors.errors import ConfigError
from sims.recording import flight_csv, gas_log_csv, write_flight_csv, write_gas_log, write_truth
from sims.settings import Mox, Scenario, Site, Source, Survey, Turbulence, Wind
from sims.simulate import simulate
from sims.site import geographic

SMALL = Survey(size_m=80.0, spacing_m=20.0, height_m=5.0, rate_hz=5.0)
ONE = Scenario(
    source=(Source(east_m=5.0, north_m=-10.0, height_m=1.0, rate_g_s=1.0),),
    survey=SMALL,
    mox=(Mox(), Mox(name="TGS2600")),
)


def fly(scenario, seed=7):
    return simulate(scenario, rng=np.random.default_rng(seed))


@pytest.fixture(scope="module")
def flight():
    return fly(ONE)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(flight):
    text = flight_csv(flight)
    assert flight_csv(fly(ONE)) == text
    assert flight_csv(fly(ONE, seed=8)) != text


def test_bytes_do_not_depend_on_the_time_zone_or_the_process(tmp_path, flight):
    code = (
        "import numpy as np; from tests_scenario import ONE; "
        "from sims.simulate import simulate; from sims.recording import flight_csv; "
        "print(flight_csv(simulate(ONE, rng=np.random.default_rng(7))), end='')"
    )
    lines = (
        "from sims.settings import *\n"
        "ONE = Scenario(source=(Source(east_m=5.0, north_m=-10.0, height_m=1.0, rate_g_s=1.0),),"
        "survey=Survey(size_m=80.0, spacing_m=20.0, height_m=5.0, rate_hz=5.0),"
        "mox=(Mox(), Mox(name='TGS2600')))\n"
    )
    (tmp_path / "tests_scenario.py").write_text(lines, encoding="utf-8")
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    environment = {**os.environ, "TZ": "Pacific/Auckland", "PYTHONPATH": paths}
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout == flight_csv(flight)


def test_gas_at_the_inlet_is_proportional_to_the_rate(flight):
    twice = replace(ONE, source=(replace(ONE.source[0], rate_g_s=2.0),))
    assert_array_equal(fly(twice).gas_ppb, 2.0 * flight.gas_ppb)
    assert flight.gas_ppb.max() > 50.0


def test_what_the_wash_dilutes_is_missing_at_the_inlet(flight):
    assert_allclose(fly(replace(ONE, gas_efficiency=0.5)).gas_ppb, 0.5 * flight.gas_ppb)


def test_a_world_without_a_source_has_no_gas_but_all_disturbances(flight):
    empty = fly(replace(ONE, kind="none", source=()))
    assert empty.gas_ppb.max() == 0.0
    assert empty.truth == {"kind": "none", "sources": [], "peak_ppb": 0.0}
    for name in ("wind_speed_m_s", "relative_humidity_pct", "latitude"):
        assert_array_equal(empty.columns[name], flight.columns[name])
    difference = flight.columns["pid_ppb"] - empty.columns["pid_ppb"]
    assert difference.min() == 0.0
    assert difference.max() > 20.0
    assert np.all(empty.columns["mox1_ohm"] >= flight.columns["mox1_ohm"])


def test_a_detector_does_not_see_what_its_lamp_cannot_ionise(flight):
    blind = fly(replace(ONE, gas="methanol"))
    empty = fly(replace(ONE, kind="none", source=()))
    assert blind.gas_ppb.max() > flight.gas_ppb.max()  # lighter, so more moles per gram
    assert_array_equal(blind.columns["pid_ppb"], empty.columns["pid_ppb"])
    with pytest.raises(ConfigError, match="acetone"):
        fly(replace(ONE, gas="acetnoe"))


@pytest.mark.parametrize("turbulence", ["ou", "fourier"])
@pytest.mark.parametrize("from_deg", [0.0, 90.0, 180.0, 270.0])
def test_gas_and_measured_wind_agree_on_where_the_wind_blows_to(turbulence, from_deg):
    steady = Wind(
        speed_m_s=4.0, from_deg=from_deg, direction_sd_deg=2.0, speed_sd=0.05, gradient_deg_100m=0
    )
    scenario = replace(
        ONE,
        source=(Source(east_m=0.0, north_m=0.0, height_m=3.0),),
        wind=steady,
        turbulence=Turbulence(kind=turbulence),
    )
    flight = fly(scenario)
    towards = np.deg2rad(from_deg + 180.0)
    downwind = flight.path.east * np.sin(towards) + flight.path.north * np.cos(towards)
    assert np.average(downwind, weights=flight.gas_ppb) > 8.0
    assert flight.gas_ppb[downwind < -10.0].max() < 0.05 * flight.gas_ppb.max()
    measured = np.deg2rad(flight.columns["wind_from_deg"])
    aloft = flight.path.height > 4.0
    mean = np.arctan2(np.sin(measured)[aloft].mean(), np.cos(measured)[aloft].mean())
    assert np.cos(mean - np.deg2rad(from_deg)) > np.cos(np.deg2rad(12.0))


def test_the_truth_names_kind_places_rates_and_peak(flight):
    assert set(flight.truth) == {"kind", "sources", "peak_ppb"}
    (source,) = flight.truth["sources"]
    assert set(source) == {"latitude", "longitude", "height_m", "rate_g_s"}
    azimuth, _, distance = Geod(ellps="WGS84").inv(
        5.1, 52.1, source["longitude"], source["latitude"]
    )
    assert distance == pytest.approx(np.hypot(5.0, 10.0), abs=0.01)
    assert azimuth % 360.0 == pytest.approx(np.rad2deg(np.arctan2(5.0, -10.0)), abs=0.05)
    best = max(flight.gas_ppb[i : i + 5].mean() for i in range(flight.gas_ppb.size - 4))
    assert flight.truth["peak_ppb"] == pytest.approx(best, abs=0.001)


def test_positions_are_those_of_the_path_within_the_receiver_error(flight):
    latitude, longitude = geographic(Site(), flight.path.east, flight.path.north)
    north_m = (flight.columns["latitude"] - latitude) * 111_267.0
    east_m = (flight.columns["longitude"] - longitude) * 68_500.0
    assert 0.1 < np.sqrt(np.mean(north_m**2 + east_m**2)) < 3.0


@pytest.mark.parametrize(("latitude", "longitude"), [(89.9995, 10.0), (0.0, 180.0), (-33.0, -70.0)])
def test_a_site_can_be_anywhere(latitude, longitude):
    site = Site(latitude=latitude, longitude=longitude)
    north, east = geographic(site, np.array([0.0, 120.0]), np.array([120.0, 0.0]))
    distance = Geod(ellps="WGS84").inv([longitude] * 2, [latitude] * 2, east, north)[2]
    assert_allclose(distance, 120.0, atol=1e-6)
    assert np.all(np.abs(north) <= 90.0)
    assert np.all(np.abs(east) <= 180.0)


def test_the_csv_follows_the_flight_contract(flight):
    rows = list(csv.DictReader(io.StringIO(flight_csv(flight))))
    assert list(rows[0]) == [
        "time",
        "latitude",
        "longitude",
        "altitude_agl_m",
        "wind_speed_m_s",
        "wind_from_deg",
        "temperature_c",
        "relative_humidity_pct",
        "pid_ppb",
        "mox1_ohm",
        "mox2_ohm",
    ]
    assert [row["time"] for row in rows[:2]] == [
        "2026-05-12T09:00:00.000Z",
        "2026-05-12T09:00:00.200Z",
    ]
    assert len(rows) == flight.time_ns.size
    assert_allclose([float(row["pid_ppb"]) for row in rows], flight.columns["pid_ppb"], atol=0.051)
    assert_allclose([float(row["latitude"]) for row in rows], flight.columns["latitude"], atol=1e-8)


def test_missing_values_are_blank_cells(flight):
    columns = {name: values.copy() for name, values in flight.columns.items()}
    columns["wind_speed_m_s"][0] = np.nan
    first = flight_csv(replace(flight, columns=columns)).splitlines()[1]
    assert first.split(",")[4] == ""


def test_a_gas_log_has_no_positions_and_no_wind(flight, tmp_path):
    header = gas_log_csv(flight).splitlines()[0]
    assert header == "time,temperature_c,relative_humidity_pct,pid_ppb,mox1_ohm,mox2_ohm"
    write_gas_log(flight, tmp_path / "gas.csv")
    assert (tmp_path / "gas.csv").read_text(encoding="utf-8") == gas_log_csv(flight)


def test_files_hold_what_the_functions_return(flight, tmp_path):
    write_flight_csv(flight, tmp_path / "flight.csv")
    write_truth(flight, tmp_path / "truth.json")
    assert (tmp_path / "flight.csv").read_bytes().decode() == flight_csv(flight)
    assert json.loads((tmp_path / "truth.json").read_text(encoding="utf-8")) == flight.truth
