"""What the sampler finds: two sources, several sensors, several flights, and the grid's answer."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detection.source.estimators.smc import Settings, infer
from detection.source.noise import Noise
from detection.source.prior import Prior
from tests.naive_source import Source

SOURCE = Source(east=-40.0, north=10.0, rate=1e-3)
LEFT, RIGHT = Source(east=-45.0, north=40.0, rate=2e-3), Source(east=-10.0, north=-40.0, rate=2e-3)
QUICK = {"guesses": 512, "particles": 128, "scouts": 6, "coarse_cells": 625, "last_sweeps": 5,
         "draws": 600, "max_sources": 1}  # fmt: skip


@pytest.fixture(scope="module")
def sampled(domain):
    """Function from one or more Observations to the sampler's Posterior, quickly."""

    def make(*series, seed=0, prior=None, noise=None, **work):
        rng = np.random.default_rng(seed)
        settings = Settings(**{**QUICK, **work})
        return infer(series, domain, rng=rng, prior=prior, noise=noise, settings=settings)

    return make


@pytest.fixture(scope="module")
def of_one_source(survey, sampled):
    return sampled(survey(SOURCE), draws=1000, particles=256)


def test_it_agrees_with_the_grid(survey, posterior_of, of_one_source):
    """Two ways to the same posterior that share the model, and nothing of how they compute."""
    grid = posterior_of(survey(SOURCE), draws=3000, pilots=24, hypotheses=36, fine_cells=1500)
    for axis, scatter in (("east", 9.0), ("north", 3.0)):  # a third of the spread along
        here, there = (found[axis].values[:, 0] for found in (of_one_source, grid))
        assert_allclose(np.nanmean(here), np.nanmean(there), atol=scatter)
        assert_allclose(np.nanstd(here), np.nanstd(there), rtol=0.4)
    here, there = (np.log(found["rate"].values[:, 0]) for found in (of_one_source, grid))
    assert_allclose(np.nanmean(here), np.nanmean(there), atol=0.25)
    assert_allclose(of_one_source.attrs["log_evidence"][1], grid.attrs["log_evidence"][1], atol=1.5)


def test_both_of_two_sources_are_found(survey, sampled):
    found = sampled(
        survey(LEFT, RIGHT, sigma=1e-8),
        max_sources=3,
        prior=Prior(another_source=0.2),  # it does not count what they explain apart in full,
        noise=Noise(temper=0.25),  # as the grid does: it needs more belief in them and the model
    )
    assert (np.isfinite(found["east"].values).sum(axis=1) >= 2).mean() > 0.8
    for source in (LEFT, RIGHT):
        away = np.hypot(found["east"].values - source.east, found["north"].values - source.north)
        assert (np.nanmin(away, axis=1) < 30).mean() > 0.6


def test_one_source_is_not_taken_for_many(survey, sampled):
    alone = sampled(survey(SOURCE), max_sources=4)
    assert (np.isfinite(alone["east"].values).sum(axis=1) == 1).mean() > 0.6


def spread(posterior):
    return np.hypot(*(np.nanstd(posterior[axis].values[:, 0]) for axis in ("east", "north")))


@pytest.fixture(scope="module")
def two_sensors(survey):
    """A sensor, and one beside it that shows a third of the gas and does not know it."""
    first = survey(SOURCE, seed=0)
    second = survey(SOURCE, seed=1)
    return (
        dataclasses.replace(first, channel="pid"),
        dataclasses.replace(
            second, concentration=second.concentration / 3, gain_log_sd=1.1, channel="mox"
        ),
    )


@pytest.fixture(scope="module")
def of_two_sensors(two_sensors, sampled):
    return sampled(*two_sensors)


def test_a_sensor_of_unknown_gain_does_not_spoil_the_rate(of_two_sensors):
    joint = of_two_sensors
    low, high = np.nanquantile(joint["rate"].values[:, 0], [0.05, 0.95])
    assert low < SOURCE.rate < high
    assert high / low < 12
    assert joint.attrs["channel"] == "pid, mox"


def test_the_order_of_series_means_nothing(two_sensors, of_two_sensors, sampled):
    here, there = of_two_sensors, sampled(*two_sensors[::-1])
    for name in ("east", "north"):
        mine, other = here[name].values[:, 0], there[name].values[:, 0]
        assert abs(np.nanmean(mine) - np.nanmean(other)) < 0.5 * spread(here)
    assert_allclose(here.attrs["log_evidence"][1], there.attrs["log_evidence"][1], atol=1.5)


def test_two_flights_in_different_winds_cross_where_the_source_is(survey, sampled, of_one_source):
    north_wind = {"wind": (0.5, -3.0), "lines": np.linspace(-60, 60, 6), "seed": 5}
    alone = of_one_source
    joint = sampled(survey(SOURCE), survey(SOURCE, flight="another", **north_wind))
    assert spread(joint) < 0.8 * spread(alone)
    away = [np.nanmean(joint["east"].values[:, 0]) - SOURCE.east,
            np.nanmean(joint["north"].values[:, 0]) - SOURCE.north]  # fmt: skip
    assert np.hypot(*away) < 15


def test_a_series_without_readings_is_left_out(survey, sampled):
    flight = survey(SOURCE)
    names = ("time_s", "east", "north", "height", "concentration", "sigma")
    empty = dataclasses.replace(flight, **{name: getattr(flight, name)[:0] for name in names})
    little = {"guesses": 64, "particles": 32, "last_sweeps": 2, "draws": 50}
    assert sampled(flight, empty, **little).identical(sampled(flight, **little))
