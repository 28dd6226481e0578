"""What the grid estimator finds in surveys of a textbook plume it does not itself assume."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detection.source.estimators import grid
from detection.source.gusts import STILL_ERROR
from detection.source.noise import Noise
from tests.naive_source import Source

SOURCE = Source(east=-40.0, north=10.0, rate=1e-3)
LEFT, RIGHT = Source(east=-45.0, north=40.0, rate=2e-3), Source(east=-10.0, north=-40.0, rate=2e-3)


@pytest.fixture(scope="module")
def of_one_source(survey, posterior_of):
    return posterior_of(survey(SOURCE), draws=3000)


@pytest.fixture(scope="module")
def of_two_sources(survey, posterior_of):
    return posterior_of(survey(LEFT, RIGHT, sigma=1e-8), max_sources=3, fine_cells=1500)


def share_of_region_mass(found, source, *, cell_m=5.0):
    """Mass of the cells denser than the source's own: below 0.9, the 90 % region holds it."""
    columns = [np.floor((found[axis] - getattr(source, axis)) / cell_m + 0.5) for axis in
               ("east", "north")]  # fmt: skip
    _, inverse, counts = np.unique(np.column_stack(columns), axis=0, return_inverse=True,
                                   return_counts=True)  # fmt: skip
    own = ((columns[0] == 0) & (columns[1] == 0)).sum()
    return (counts[inverse.ravel()] > own).mean()


def test_a_source_is_indicated_and_lies_in_its_region(of_one_source, first_source):
    assert of_one_source.attrs["p_any_source"] > 0.99
    found = first_source(of_one_source)
    assert share_of_region_mass(found, SOURCE) < 0.9
    assert abs(np.median(found["east"]) - SOURCE.east) < 25
    assert abs(np.median(found["north"]) - SOURCE.north) < 8


@pytest.mark.parametrize("still", ["a", "b"])  # the flights are sorted by name
def test_a_flight_beside_others_is_trusted_as_it_is_alone(survey, domain, still):
    flights = [
        dataclasses.replace(
            survey(SOURCE, wind_error=STILL_ERROR if flight == still else (0.0, 0.0)), flight=flight
        )
        for flight in "ab"
    ]
    together = grid.search(flights, domain, rng=np.random.default_rng(0)).flights
    for own, beside in zip(flights, together, strict=True):
        (alone,) = grid.search(own, domain, rng=np.random.default_rng(0)).flights
        assert_allclose(beside.tempering.slope, alone.tempering.slope)


def test_the_rate_interval_holds_the_true_rate(of_one_source, first_source):
    low, high = np.quantile(first_source(of_one_source)["rate"], [0.05, 0.95])
    assert low < SOURCE.rate < high
    assert high < 30 * low


@pytest.mark.parametrize("wind", [(-3.0, 0.0), (0.0, 3.0), (2.0, -2.0)])
def test_the_source_is_found_whichever_way_the_wind_blows(wind, survey, posterior_of, first_source):
    near_middle = Source(east=5.0, north=-10.0, rate=1e-3)
    found = first_source(posterior_of(survey(near_middle, wind=wind)))
    offset = np.median(found["east"]) - 5.0, np.median(found["north"]) + 10.0
    speed = np.hypot(*wind)
    assert abs(offset[0] * wind[0] + offset[1] * wind[1]) / speed < 25
    assert abs(offset[0] * wind[1] - offset[1] * wind[0]) / speed < 8


def test_the_source_is_sought_upwind_of_the_gas(survey, posterior_of, first_source):
    """The same readings with the wind the other way round: the answer changes sides."""
    flight = survey(Source(east=0.0, north=0.0, rate=1e-3), lines=[30.0, 40.0, 50.0])
    turned = dataclasses.replace(flight, eastward_wind=-flight.eastward_wind)
    assert np.median(first_source(posterior_of(flight))["east"]) < 30
    assert np.median(first_source(posterior_of(turned))["east"]) > 50


def test_flights_without_gas_indicate_nothing(survey, posterior_of):
    for seed in range(10):
        clean = posterior_of(survey(seed=seed), seed=seed, max_sources=2 if seed == 0 else 1)
        assert clean.attrs["p_any_source"] < 0.5


def test_two_sources_apart_are_told_from_one(of_one_source, of_two_sources):
    number = np.isfinite(of_two_sources["east"].values).sum(axis=1)
    assert (number >= 2).mean() > 0.8
    assert np.isfinite(of_one_source["east"].values).sum(axis=1).max() == 1


@pytest.mark.parametrize("source", [LEFT, RIGHT])
def test_both_of_two_sources_are_found(source, of_two_sources):
    distance = np.hypot(
        of_two_sources["east"].values - source.east, of_two_sources["north"].values - source.north
    )
    assert (np.nanmin(distance, axis=1) < 30).mean() > 0.7


def test_one_source_is_not_taken_for_many(survey, posterior_of):
    alone = posterior_of(survey(SOURCE), max_sources=3)
    assert (np.isfinite(alone["east"].values).sum(axis=1) == 1).mean() > 0.6


def test_lines_that_met_no_gas_narrow_where_the_source_can_be(
    survey, posterior_of, first_source, region_area
):
    """Two lines met gas; three beyond the source did not: it is not further away."""
    wide = (-200.0, -100.0, 100.0, 100.0)
    few, more = (
        first_source(posterior_of(survey(SOURCE, lines=lines), where=wide, draws=2000))
        for lines in ([40.0, 60.0], [-90.0, -75.0, -60.0, 40.0, 60.0])
    )
    areas = [region_area(found["east"], found["north"], where=wide) for found in (few, more)]
    assert areas[1] < 0.8 * areas[0]
    assert (few["east"] < -70).mean() > 0.2
    assert (more["east"] < -70).mean() < 0.6 * (few["east"] < -70).mean()


def test_a_source_is_found_in_a_calm(survey, posterior_of, first_source):
    """Gas that only spreads: concentration falls with the distance from the source."""
    flight = survey()
    still = np.zeros_like(flight.wind_time_s)
    distance = np.sqrt((flight.east - 10) ** 2 + (flight.north + 20) ** 2 + flight.height**2)
    calm = dataclasses.replace(
        flight,
        concentration=flight.concentration + 1e-3 / (2 * np.pi * 0.5 * distance),
        eastward_wind=still,
        northward_wind=still,
    )
    posterior = posterior_of(calm)
    found = first_source(posterior)
    assert posterior.attrs["p_any_source"] > 0.95
    assert abs(np.median(found["east"]) - 10) < 30
    assert abs(np.median(found["north"]) + 20) < 30


def test_a_single_reading_is_enough_to_answer_and_none_is_refused(survey, posterior_of):
    flight = survey(SOURCE)
    names = ("time_s", "east", "north", "height", "concentration", "sigma")
    one, none = (
        dataclasses.replace(flight, **{name: getattr(flight, name)[:size] for name in names})
        for size in (1, 0)
    )
    assert 0.2 < posterior_of(one).attrs["p_any_source"] < 0.8
    with pytest.raises(ValueError, match="no readings"):
        posterior_of(none)


def test_a_likelihood_believed_less_gives_a_wider_answer(
    survey, posterior_of, first_source, region_area
):
    flight = survey(SOURCE)
    areas = []
    for temper in (0.4, 0.1):
        found = first_source(posterior_of(flight, noise=Noise(temper=temper), draws=2000))
        areas.append(region_area(found["east"], found["north"]))
    assert areas[1] > 1.3 * areas[0]


def test_progress_only_grows_and_stays_below_the_whole(survey, posterior_of):
    told = []
    posterior_of(survey(SOURCE), progress=told.append)
    assert len(told) > 1
    assert_allclose(told, np.sort(told))
    assert 0 <= told[0] <= told[-1] <= 1


def test_ground_left_out_of_a_close_look_is_not_taken_for_searched(
    survey, posterior_of, monkeypatch
):
    """Readings that turn out to fit badly say little, of a source or of none."""
    flight = survey(SOURCE)
    monkeypatch.setattr("detection.source.flights.share_explained", lambda *_, **__: 0.3)
    doubted = posterior_of(flight)
    assert 0.3 < doubted.attrs["p_any_source"] < 0.7
    spread = np.nanstd(doubted["east"]), np.nanstd(doubted["north"])
    assert min(spread) > 40  # of 58 m where nothing is known


def test_a_plume_that_every_second_line_missed_is_gas_to_a_pid_and_an_error_to_a_metal_oxide(
    survey, posterior_of, first_source
):
    """No source explains it, and only the latter is known to leap without gas."""
    source, lines = Source(east=-80.0, north=-15.0, rate=1e-3), np.linspace(-60.0, 60.0, 6)
    met, clean = survey(source, lines=lines, step_s=1.0), survey(lines=lines, step_s=1.0)
    line = np.abs(met.east[:, np.newaxis] - lines).argmin(axis=1)
    patchy = np.where(line % 2 == 1, clean.concentration, met.concentration)
    of_pid, of_mox = (
        posterior_of(
            dataclasses.replace(met, concentration=patchy, sensor_family=family), draws=2000
        )
        for family in ("pid", "mox")
    )
    assert max(of_pid.attrs["explained"], of_mox.attrs["explained"]) < Noise().coherence
    assert of_mox.attrs["p_any_source"] < 0.7
    assert of_pid.attrs["p_any_source"] > 0.99
    assert share_of_region_mass(first_source(of_pid), source) < 0.9


def test_a_further_source_that_nothing_tells_of_is_hardly_expected(survey, posterior_of):
    """Or its even spread would widen every region of the raster of expected sources."""
    found = posterior_of(survey(SOURCE), max_sources=3)
    expected = np.isfinite(found["east"].values).sum(axis=1).mean()
    assert 1.0 <= expected < 1.06
