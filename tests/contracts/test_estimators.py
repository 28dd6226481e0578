"""What every estimator of sources must do, whichever it is: one suite over all of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detection.source.gusts import STILL_ERROR
from detection.source.observations import Observations
from detection.source.posterior import number_probabilities
from detection.source.tempering import Tempering
from sensors import plugins
from tests import naive_source

FOLDER = "detection.source.estimators"
ESTIMATORS = plugins.available(FOLDER)
DOMAIN = (-100.0, -100.0, 100.0, 100.0)
SOURCE = naive_source.Source(east=-40.0, north=10.0, rate=1e-3)
# less work than they do by themselves; an estimator not named here does all of it
QUICK = {
    "grid": {"pilots": 12, "hypotheses": 18, "scouts": 6, "rates": 16, "coarse_cells": 625,
             "fine_cells": 700, "draws": 600, "max_sources": 2},
    "smc": {"guesses": 512, "particles": 128, "scouts": 6, "coarse_cells": 625,
            "last_sweeps": 5, "draws": 600, "max_sources": 2},
}  # fmt: skip


def flown(*sources, seed=0, readings=None):
    """A survey of a textbook plume in a west wind, noise of 4 ug/m3 included."""
    time, east, north, height = naive_source.lawnmower(np.linspace(-60, 60, 6))
    wind = (3.0, 0.5)
    total = sum(naive_source.plume(one, east, north, height, wind) for one in sources)
    noise = 4e-9 * np.random.default_rng(seed).standard_normal(time.size)
    part = slice(readings)
    return Observations(
        time_s=time[part],
        east=east[part],
        north=north[part],
        height=height[part],
        concentration=(total + noise)[part],
        sigma=np.full(time.size, 4e-9)[part],
        wind_time_s=time,
        eastward_wind=np.full(time.size, wind[0]),
        northward_wind=np.full(time.size, wind[1]),
        channel="pid",
        gas="acetone",
    )


def inferred(name, observations, *, seed=0, **more):
    module = plugins.load(FOLDER, name)
    settings = module.Settings(**QUICK.get(name, {}))
    rng = np.random.default_rng(seed)
    return module.infer(observations, DOMAIN, rng=rng, settings=settings, **more)


@pytest.fixture(scope="module", params=ESTIMATORS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def of_a_plume(name):
    return inferred(name, flown(SOURCE))


@pytest.fixture(scope="module")
def of_clean_air(name):
    return inferred(name, flown())


def test_it_gives_a_posterior(of_a_plume, name):
    assert dict(of_a_plume.sizes) == {"draw": 600, "source": 2}
    assert set(of_a_plume.data_vars) == {"east", "north", "height", "rate"}
    assert of_a_plume.attrs["estimator"] == name
    assert (of_a_plume.attrs["channel"], of_a_plume.attrs["gas"]) == ("pid", "acetone")
    missing = np.isnan(of_a_plume["east"].values)
    assert not (missing[:, :-1] & ~missing[:, 1:]).any()  # sources come first
    for column in of_a_plume.data_vars.values():
        assert np.array_equal(np.isnan(column.values), missing)
    assert of_a_plume["rate"].min() > 0
    assert of_a_plume["height"].min() >= 0


def test_sources_lie_in_the_domain(of_a_plume, of_clean_air):
    for posterior in (of_a_plume, of_clean_air):
        east, north = posterior["east"].values, posterior["north"].values
        assert np.nanmin(east) >= DOMAIN[0]
        assert np.nanmax(east) <= DOMAIN[2]
        assert np.nanmin(north) >= DOMAIN[1]
        assert np.nanmax(north) <= DOMAIN[3]


def test_its_draws_are_as_many_as_its_probabilities_say(of_a_plume, of_clean_air):
    for posterior in (of_a_plume, of_clean_air):
        drawn = number_probabilities(posterior)
        said = np.zeros(3)
        said[: len(posterior.attrs["number_probability"])] = posterior.attrs["number_probability"]
        assert_allclose(said.sum(), 1.0)
        assert_allclose(drawn, said, atol=0.06)
        assert_allclose(1.0 - drawn[0], posterior.attrs["p_any_source"], atol=0.01)


def test_it_says_what_the_answer_rests_on(of_a_plume):
    attrs = of_a_plume.attrs
    assert "any_source = 0.5" in attrs["prior"]
    assert "temper = " in attrs["model"]
    assert 0.0 <= attrs["explained"] <= 1.0
    assert len(attrs["tempering"]) == len(dataclasses.fields(Tempering))
    assert attrs["leap"] >= 0.0
    assert attrs["log_evidence"][0] == 0.0


@pytest.mark.parametrize("still", ["a", "b"])  # the flights are sorted by name
def test_each_flight_counts_by_its_own_wind(name, still):
    flights = [
        dataclasses.replace(
            flown(SOURCE, seed=seed),
            flight=flight,
            wind_error=STILL_ERROR if flight == still else (0.0, 0.0),
        )
        for seed, flight in enumerate("ab")
    ]
    model = inferred(name, flights).attrs["model"]
    assert "temper = 0.2" in model
    assert "temper = 0.1" in model


def test_a_plain_plume_leads_to_its_source(of_a_plume):
    assert of_a_plume.attrs["p_any_source"] > 0.95
    east, north = (np.nanmedian(of_a_plume[axis].values[:, 0]) for axis in ("east", "north"))
    assert np.hypot(east - SOURCE.east, north - SOURCE.north) < 25.0


def test_the_true_rate_is_within_what_it_says(of_a_plume):
    low, high = np.nanquantile(of_a_plume["rate"].values[:, 0], [0.025, 0.975])
    assert low < SOURCE.rate < high


def test_clean_air_is_no_source(of_clean_air):
    assert of_clean_air.attrs["p_any_source"] < 0.5
    assert np.isnan(of_clean_air["east"].values).all(axis=1).mean() > 0.5


def test_the_same_seed_gives_the_same_answer(of_a_plume, name):
    again = inferred(name, flown(SOURCE))
    assert again.identical(of_a_plume)


def test_another_seed_gives_much_the_same(of_a_plume, name):
    other = inferred(name, flown(SOURCE), seed=1)
    assert not other.identical(of_a_plume)
    for axis in ("east", "north"):
        here, there = of_a_plume[axis].values[:, 0], other[axis].values[:, 0]
        assert abs(np.nanmedian(here) - np.nanmedian(there)) < 8.0


def test_the_order_of_series_means_nothing(name):
    first, second = flown(SOURCE), dataclasses.replace(flown(SOURCE, seed=1), flight="second")
    third = dataclasses.replace(flown(SOURCE, seed=2), channel="mox", gain_log_sd=1.1)
    here, there = inferred(name, [first, second, third]), inferred(name, [third, second, first])
    assert here.identical(there)


def test_no_readings_are_refused(name):
    with pytest.raises(ValueError, match="no readings"):
        inferred(name, flown(readings=0))


def test_one_reading_is_enough_to_answer(name):
    assert 0.2 < inferred(name, flown(readings=1)).attrs["p_any_source"] < 0.8


def test_its_progress_only_grows(name):
    told = []
    inferred(name, flown(SOURCE), progress=told.append)
    assert len(told) > 2
    assert told == sorted(told)
    assert told[0] >= 0
    assert told[-1] <= 1
