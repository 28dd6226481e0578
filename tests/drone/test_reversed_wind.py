"""A wind sensor mounted backwards leads to doubt, not to a place."""

from __future__ import annotations

import pytest

from benchmarks.hard_worlds import HardWorld
from drone.choices import Choices
from drone.pipeline import analyse
from mapping.survey import INDICATED
from sims.recording import write_flight_csv


@pytest.fixture(scope="module")
def backwards(tmp_path_factory):
    """A flight whose readings two sources explain wholly in either wind, and its gas."""
    flight = HardWorld("wind wrong by 180 degrees", "fourier", 23).flown()
    path = tmp_path_factory.mktemp("backwards") / "flight.csv"
    write_flight_csv(flight, path)
    return path, flight.scenario.gas


@pytest.mark.parametrize("estimator", ["grid", "smc"])
def test_no_place_is_named_and_the_wind_is_doubted(backwards, estimator):
    path, gas = backwards
    analysis = analyse([path], choices=Choices(gas=gas, estimator=estimator))
    assert analysis.survey.verdict != INDICATED
    assert any("the wind may be reversed" in note for note in analysis.notes)
