"""A wind sensor that stood still since take-off leads to a wide region, not to a wrong place."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.hard_worlds import HardWorld
from benchmarks.truth import places
from drone.choices import Choices
from drone.pipeline import analyse
from mapping.survey import INDICATED
from sims.recording import write_flight_csv


@pytest.fixture(scope="module")
def still():
    """A flight whose wind sensor holds a quarter of the speed, from 175 degrees off."""
    return HardWorld("wind constant", "ou", 12).flown()


@pytest.mark.parametrize("estimator", ["grid", "smc"])
def test_the_source_is_told_within_a_wide_region_and_why(still, estimator, tmp_path):
    write_flight_csv(still, tmp_path / "flight.csv")
    analysis = analyse(
        [tmp_path / "flight.csv"], choices=Choices(gas=still.scenario.gas, estimator=estimator)
    )
    assert analysis.survey.verdict == INDICATED
    first = analysis.survey.told[0]
    ((east, north),) = places(analysis, still.truth["sources"])
    assert np.hypot(first.east - east, first.north - north) < first.radius_90_m
    assert first.radius_90_m > 40.0
    assert any("from the first reading to the last" in note for note in analysis.notes)
