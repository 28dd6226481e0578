"""What must change with the flight, what must not, and what makes the answer wider."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detection.source.gusts import GIVEN_ERROR, STILL_ERROR
from detection.source.prior import Prior
from tests.naive_source import Source, respond

SOURCE = Source(east=-30.0, north=10.0, rate=1e-3)
NAMES = ("east", "north", "height", "rate")


@pytest.fixture(scope="module")
def flight(survey):
    return survey(SOURCE)


@pytest.fixture(scope="module")
def posterior(flight, posterior_of):
    return posterior_of(flight, max_sources=2)


def test_the_same_seed_gives_the_same_bytes(flight, posterior, posterior_of):
    again = posterior_of(flight, max_sources=2)
    for name in NAMES:
        assert again[name].values.tobytes() == posterior[name].values.tobytes()
    assert again.attrs == posterior.attrs


def test_another_seed_gives_other_draws(flight, posterior, posterior_of):
    other = posterior_of(flight, max_sources=2, seed=1)
    assert not np.array_equal(other["east"].values, posterior["east"].values, equal_nan=True)


@pytest.mark.parametrize("processors", [1, 3, None])
def test_the_number_of_threads_changes_nothing(
    processors, flight, posterior, posterior_of, monkeypatch
):
    monkeypatch.setattr("detection.pacing.os.cpu_count", lambda: processors)
    again = posterior_of(flight, max_sources=2)
    for name in NAMES:
        assert again[name].values.tobytes() == posterior[name].values.tobytes()


def test_a_flight_a_kilometre_away_has_its_source_a_kilometre_away(
    flight, domain, posterior_of, first_source
):
    shift_east, shift_north = 1024.0, -2048.0
    moved = dataclasses.replace(
        flight, east=flight.east + shift_east, north=flight.north + shift_north
    )
    west, south, east, north = domain
    there = posterior_of(
        moved,
        where=(west + shift_east, south + shift_north, east + shift_east, north + shift_north),
    )
    here = posterior_of(flight)
    assert_allclose(there.attrs["log_evidence"], here.attrs["log_evidence"], rtol=1e-4)
    found_here, found_there = first_source(here), first_source(there)
    assert_allclose(found_there["east"].mean() - found_here["east"].mean(), shift_east, atol=2)
    assert_allclose(found_there["north"].mean() - found_here["north"].mean(), shift_north, atol=2)
    assert_allclose(np.median(found_there["rate"]), np.median(found_here["rate"]), rtol=0.1)


def test_a_later_flight_has_the_same_source(flight, posterior_of):
    later = dataclasses.replace(
        flight, time_s=flight.time_s + 4096.0, wind_time_s=flight.wind_time_s + 4096.0
    )
    evidence = [posterior_of(one).attrs["log_evidence"] for one in (flight, later)]
    assert_allclose(evidence[0], evidence[1], rtol=1e-4)


def test_turning_the_world_turns_the_answer(flight, posterior_of, first_source):
    """A quarter turn, anticlockwise: east becomes north, north becomes minus east."""
    turned = dataclasses.replace(
        flight,
        east=-flight.north,
        north=flight.east,
        eastward_wind=-flight.northward_wind,
        northward_wind=flight.eastward_wind,
    )
    here, there = posterior_of(flight, draws=2000), posterior_of(turned, draws=2000)
    assert_allclose(there.attrs["log_evidence"], here.attrs["log_evidence"], rtol=1e-3)
    found_here, found_there = first_source(here), first_source(there)
    assert_allclose(found_there["east"].mean(), -found_here["north"].mean(), atol=2)
    assert_allclose(found_there["north"].mean(), found_here["east"].mean(), atol=2)
    assert_allclose(found_there["north"].std(), found_here["east"].std(), rtol=0.15)


def test_swapping_east_and_north_in_the_wind_alone_changes_the_answer(
    flight, posterior_of, first_source
):
    swapped = dataclasses.replace(
        flight, eastward_wind=flight.northward_wind, northward_wind=flight.eastward_wind
    )
    here, there = (first_source(posterior_of(one)) for one in (flight, swapped))
    assert abs(here["east"].mean() - there["east"].mean()) > 15


def test_twice_the_gas_is_twice_the_rate(survey, posterior_of, first_source):
    """In other units altogether, prior included, the draws differ by the factor only."""
    once = survey(SOURCE)
    twice = dataclasses.replace(once, concentration=2 * once.concentration, sigma=2 * once.sigma)
    plain = Prior()
    doubled = dataclasses.replace(
        plain, rate=2 * plain.rate, rate_min=2 * plain.rate_min, rate_max=2 * plain.rate_max
    )
    here, there = posterior_of(once, prior=plain), posterior_of(twice, prior=doubled)
    assert_allclose(there["rate"].values, 2 * here["rate"].values, rtol=1e-6)
    assert_allclose(there["east"].values, here["east"].values)


def test_twice_the_gas_is_about_twice_the_rate_under_one_prior(survey, posterior_of, first_source):
    weak = survey(SOURCE)
    strong = survey(dataclasses.replace(SOURCE, rate=2 * SOURCE.rate))
    medians = [
        np.median([np.median(first_source(posterior_of(one, seed=k))["rate"]) for k in range(4)])
        for one in (weak, strong)
    ]
    assert 1.5 < medians[1] / medians[0] < 2.7


MORE = {"pilots": 24, "hypotheses": 36}  # enough that the region does not hang on a few
WIDTHS = {
    "wind bias": ("wind_bias_sd_deg",),
    "lag": ("lag_log_sd",),
    "dispersion": ("lateral_log_sd", "vertical_log_sd", "time_scale_log_sd"),
}


def test_one_wind_for_all_readings_widens_the_region(
    survey, posterior_of, first_source, region_area
):
    def area(seed, error):
        flight = survey(SOURCE, seed=seed, wind_error=error)
        found = first_source(posterior_of(flight, seed=seed, draws=3000))
        return region_area(found["east"], found["north"])

    errors = [(0.0, 0.0), GIVEN_ERROR, STILL_ERROR]
    measured, given, still = (np.mean([area(seed, error) for seed in range(4)]) for error in errors)
    assert 1.3 * measured < given < still


@pytest.mark.parametrize("what", WIDTHS)
def test_knowing_less_widens_the_region(what, survey, posterior_of, first_source, region_area):
    """Each width doubled; the lag's on lines flown one way, from which it cannot be learnt."""
    base = Prior()
    flights = [survey(SOURCE, seed=k) for k in range(6)]
    if what == "lag":
        base = Prior(wind_bias_sd_deg=1.5, lateral_log_sd=0.1, vertical_log_sd=0.1)
        flights = [late_on_every_line(survey, seed) for seed in range(6)]
    wide = dataclasses.replace(base, **{name: 2 * getattr(base, name) for name in WIDTHS[what]})

    def area(flight, prior, seed):
        found = first_source(posterior_of(flight, seed=seed, prior=prior, draws=3000, **MORE))
        return region_area(found["east"], found["north"])

    known, unknown = (
        np.mean([area(flight, prior, seed) for seed, flight in enumerate(flights)])
        for prior in (base, wide)
    )
    assert unknown > 1.01 * known


def late_on_every_line(survey, seed):
    """Survey by a sensor with a lag, every line flown to the north at 10 m/s."""
    lag = {"rise_s": 3.0, "decay_s": 8.0}
    sharp = survey(
        SOURCE, seed=seed, one_way=True, step_s=0.5, response_s=(lag["rise_s"], lag["decay_s"])
    )
    late = respond(sharp.concentration, sharp.time_s, **lag)
    return dataclasses.replace(sharp, concentration=late)
