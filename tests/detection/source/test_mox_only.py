"""The whole way with metal oxide only: simulated resistances to a place, and to no place."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.blind_worlds import BlindWorld
from detection.source.array import observe_array
from drone.analysis import corrected_flight
from drone.choices import Choices
from drone.inputs import read_inputs
from mapping.area import survey_domain
from mapping.grid import to_metric
from sims.recording import write_flight_csv

WORK = {"pilots": 16, "hypotheses": 24, "scouts": 8, "coarse_cells": 1600, "fine_cells": 1600}


def without_pid(world, folder):
    """A flight's series without its PID, the domain's bounds, and the true places."""
    flown = world.flown()
    log = folder / "flight.csv"
    del flown.columns["pid_ppb"]
    write_flight_csv(flown, log)
    flight, _ = corrected_flight(read_inputs([log]), Choices(gas=flown.scenario.gas))
    domain = survey_domain(flight["latitude"], flight["longitude"], area=None)
    east, north = to_metric(domain.crs, flight["latitude"], flight["longitude"])
    sources = flown.truth["sources"]
    true = to_metric(
        domain.crs, [one["latitude"] for one in sources], [one["longitude"] for one in sources]
    )
    return observe_array(flight, east=east, north=north), domain.bounds, np.transpose(true)


@pytest.mark.parametrize("seed", [5, 9])
def test_elements_alone_find_a_source(seed, tmp_path, posterior_of):
    (series,), bounds, (true,) = without_pid(BlindWorld("single", "ou", seed), tmp_path)
    posterior = posterior_of(series, where=bounds, **WORK)
    assert posterior.attrs["p_any_source"] > 0.95
    place = [np.nanmedian(posterior[axis].values[:, 0]) for axis in ("east", "north")]
    assert np.hypot(*(np.array(place) - true)) < 25.0


# in the last two drift stays at three noises for a minute
CLEAN = [("ou", 3), ("ou", 4), ("ou", 18), ("fourier", 11)]


@pytest.mark.parametrize(("turbulence", "seed"), CLEAN)
def test_elements_in_clean_air_find_nothing(turbulence, seed, tmp_path, posterior_of):
    (series,), bounds, _ = without_pid(BlindWorld("none", turbulence, seed), tmp_path)
    assert posterior_of(series, where=bounds, **WORK).attrs["p_any_source"] < 0.95
