"""A faulty channel is named and left out; the metal oxides beside it still find the source."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from drone.choices import Choices
from drone.pipeline import analyse
from mapping.grid import to_metric
from sims.recording import write_flight_csv
from sims.settings import Mox, Scenario, Source, Survey, Wind
from sims.simulate import simulate

ELEMENTS = (Mox(), Mox(name="TGS2600", rise_s=4.8, decay_s=18.75))


@pytest.fixture(scope="module")
def flown(tmp_path_factory):
    """A flight with a PID and two metal oxides: its table's rows, and its source."""
    scenario = Scenario(
        source=(Source(east_m=-10.0, north_m=15.0, rate_g_s=2.0),),
        wind=Wind(speed_m_s=3.5, from_deg=240.0),
        survey=Survey(size_m=140.0, height_m=7.0),
        mox=ELEMENTS,
    )
    flight = simulate(scenario, rng=np.random.default_rng(7))
    path = tmp_path_factory.mktemp("flown") / "flight.csv"
    write_flight_csv(flight, path)
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return rows, flight.truth["sources"][0]


@pytest.fixture
def analysed(flown, tmp_path):
    """Function from a change of every row to what is found in the flight then."""

    def analyse_with(change):
        rows = [change(dict(row)) for row in flown[0]]
        path = tmp_path / "flight.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return analyse([path], choices=Choices())

    return analyse_with


def error_m(analysis, truth):
    east, north = to_metric(analysis.survey.domain.crs, [truth["latitude"]], [truth["longitude"]])
    spot = analysis.survey.hotspots[0]
    return float(np.hypot(spot.east - east[0], spot.north - north[0]))


def test_a_stuck_channel_is_named_and_another_takes_its_place(flown, analysed):
    found = analysed(lambda row: row | {"pid_ppb": "55.0"})
    assert any(note.startswith("pid: left out as faulty") for note in found.notes)
    assert found.survey.channel.startswith("mox")
    assert found.survey.told
    assert error_m(found, flown[1]) < 30.0


def test_metal_oxides_alone_are_read_together(flown, analysed):
    found = analysed(lambda row: {name: cell for name, cell in row.items() if name != "pid_ppb"})
    assert found.posterior.attrs["channel"] == "mox1+mox2"
    assert found.survey.told
    assert error_m(found, flown[1]) < 30.0


def test_a_sound_flight_names_no_fault(analysed):
    found = analysed(lambda row: row)
    assert found.survey.channel == "pid"
    assert not any("faulty" in note for note in found.notes)
