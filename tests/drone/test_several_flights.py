"""Flights over one area on different days: told apart by their times, inferred together."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from drone.choices import Choices
from drone.flights import apart, together
from drone.inputs import read_inputs
from drone.pipeline import analyse, process_flight
from mapping.grid import to_metric
from sensors.flight import validate
from sims.recording import write_flight_csv
from sims.settings import Scenario, Site, Source, Survey, Wind
from sims.simulate import simulate

SOURCE = Source(east_m=-10.0, north_m=15.0, height_m=1.0, rate_g_s=1.5)
SMALL = Survey(size_m=120.0, spacing_m=20.0, height_m=6.0)


def flown(path, *, from_deg, day, seed, source=(SOURCE,)):
    """One flight of the same survey, in its own wind, on its own day."""
    scenario = Scenario(
        site=Site(start=f"2026-05-{day:02d}T09:00:00Z"),
        source=source,
        wind=Wind(speed_m_s=3.0, from_deg=from_deg),
        survey=SMALL,
    )
    flight = simulate(scenario, rng=np.random.default_rng(seed))
    write_flight_csv(flight, path)
    return flight


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flights")
    paths = [folder / "monday.csv", folder / "tuesday.csv"]
    flights = [
        flown(path, from_deg=from_deg, day=day, seed=day)
        for path, from_deg, day in zip(paths, (240.0, 150.0), (11, 12), strict=True)
    ]
    return paths, flights[0].truth["sources"][0]


@pytest.fixture(scope="module")
def both(files):
    return analyse(files[0], choices=Choices())


def error_m(analysis, truth):
    spot = analysis.survey.hotspots[0]
    east, north = to_metric(analysis.survey.domain.crs, [truth["latitude"]], [truth["longitude"]])
    return float(np.hypot(spot.east - east[0], spot.north - north[0]))


def test_winds_that_cross_place_a_source_where_either_wind_alone_leaves_a_strip(files, both):
    alone = [analyse([path], choices=Choices()) for path in files[0]]
    radii = [one.survey.hotspots[0].radius_90_m for one in alone]
    assert both.survey.told
    assert both.survey.hotspots[0].radius_90_m < min(radii)
    assert error_m(both, files[1]) < 15.0


def test_the_order_of_the_files_changes_nothing(files, both):
    turned = analyse(files[0][::-1], choices=Choices())
    np.testing.assert_array_equal(turned.posterior["east"], both.posterior["east"])
    assert turned.survey.name == both.survey.name == "monday + tuesday"


def test_the_flights_are_one_valid_dataset_with_all_rows(files, both):
    flight = validate(both.flight)
    parts = apart(read_inputs(files[0]))
    assert [part.files[0].file for part in parts] == ["monday.csv", "tuesday.csv"]
    one = [analyse([path], choices=Choices()).flight for path in files[0]]
    assert flight.sizes["obs"] == sum(each.sizes["obs"] for each in one)
    np.testing.assert_array_equal(
        flight["pid_corrected"].values,
        np.concatenate([each["pid_corrected"].values for each in one]),
    )


def test_ground_searched_by_either_flight_is_searched(files, both):
    power = both.survey.maps["detection_power"].values
    assert np.nanmax(power) <= 1.0
    alone = analyse(files[0][:1], choices=Choices()).survey.maps["detection_power"].values
    assert np.isfinite(power).sum() >= np.isfinite(alone).sum()


def test_files_of_one_flight_stay_together(tmp_path, files):
    text = files[0][0].read_text(encoding="utf-8").splitlines()
    halves = [tmp_path / "first.csv", tmp_path / "second.csv"]
    middle = len(text) // 2
    halves[0].write_text("\n".join(text[:middle]) + "\n", encoding="utf-8")
    halves[1].write_text("\n".join([text[0], *text[middle:]]) + "\n", encoding="utf-8")
    assert len(apart(read_inputs(halves))) == 1


def test_a_channel_of_one_flight_only_is_named_and_left_out(files, both):
    flights = [analyse([path], choices=Choices()).flight for path in files[0]]
    extra = flights[0].rename(
        {str(name): str(name).replace("pid", "nh3") for name in flights[0] if "pid" in str(name)}
    )
    joined, notes = together([flights[0].merge(extra), flights[1]])
    assert "nh3" not in joined
    assert any("nh3" in note and "monday" in note for note in notes)
    assert both.flight.attrs["source_files"].count(".csv") == 2


def test_flights_with_wind_of_different_sources_go_together(both, files):
    flights = [analyse([path], choices=Choices()).flight for path in files[0]]
    joined, _ = together([flights[0], flights[1].assign_attrs(wind_source="autopilot")])
    assert joined.attrs["wind_source"] == "mixed"
    assert both.flight.attrs["wind_source"] == "anemometer"


def test_the_summary_names_every_file_and_both_flights(tmp_path, files):
    summary = process_flight(files[0], tmp_path / "out", choices=replace(Choices(), seed=1))
    assert [one["file"] for one in summary["inputs"]] == ["monday.csv", "tuesday.csv"]
    assert summary["verdict"] == "source indicated"
    stored = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert stored == summary
