"""A wind sensor mounted backwards leads to doubt, not to a place."""

from __future__ import annotations

import pytest

from benchmarks.hard_worlds import HardWorld
from drone.choices import Choices
from drone.pipeline import analyse
from mapping.report.remarks import in_language
from sims.recording import write_flight_csv


@pytest.fixture(scope="module")
def backwards(tmp_path_factory):
    """A flight whose readings two sources explain wholly in either wind, and its gas."""
    flight = HardWorld("wind wrong by 180 degrees", "fourier", 23).flown()
    path = tmp_path_factory.mktemp("backwards") / "flight.csv"
    write_flight_csv(flight, path)
    return path, flight.scenario.gas


@pytest.mark.parametrize("estimator", ["grid", "smc"])
def test_gas_is_told_but_no_place_and_the_wind_is_doubted(backwards, estimator):
    path, gas = backwards
    analysis = analyse([path], choices=Choices(gas=gas, estimator=estimator))
    west, south, east, north = analysis.survey.domain.bounds
    for spot in analysis.survey.hotspots[:1]:
        assert spot.regions[0.9].area > 0.5 * (east - west) * (north - south)
    assert any("the wind may be reversed" in note for note in analysis.notes)
    assert any("no place explains them well" in note for note in analysis.notes)
    _, in_english = in_language(analysis.notes, "nl")
    assert in_english == []
