"""A posterior kept up to date while readings come in, against a search of all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detection.source.estimators.grid import Settings, infer, search
from detection.source.flights import problem_of
from detection.source.likelihood import log_ratio
from detection.source.live import LivePosterior
from detection.source.noise import Noise
from detection.source.tables import response_of
from tests.naive_source import Source

SOURCE = Source(east=-40.0, north=10.0, rate=1e-3)
READINGS = ("time_s", "east", "north", "height", "concentration", "sigma")
EVEN = Noise(floor=0.0)
QUICK = Settings(
    pilots=12, hypotheses=18, scouts=6, rates=16, coarse_cells=625, fine_cells=700, draws=800,
    max_sources=1,
)  # fmt: skip


def until(flight, count):
    """The first readings of a flight, and the wind up to then."""
    known = flight.wind_time_s <= flight.time_s[count - 1]
    return replace(
        flight,
        **{name: getattr(flight, name)[:count] for name in READINGS},
        wind_time_s=flight.wind_time_s[known],
        eastward_wind=flight.eastward_wind[known],
        northward_wind=flight.northward_wind[known],
    )


def searched(flight, domain, settings=QUICK, noise=None):
    return search(flight, domain, rng=np.random.default_rng(0), settings=settings, noise=noise)


def carried_on(flight, domain, count, *, settings=QUICK, noise=None, step=1):
    """Searched after so many readings, the rest of them counted one by one, or by `step`."""
    live = LivePosterior(searched(until(flight, count), domain, settings, noise))
    for end in range(count + step, len(flight) + step, step):
        live.extend([until(flight, min(end, len(flight)))])
    return live


def test_straight_after_a_search_it_is_the_batch_posterior_bit_for_bit(survey, domain):
    flight, rng = survey(SOURCE), np.random.default_rng(0)
    live = LivePosterior(search(flight, domain, rng=rng, settings=QUICK))
    posterior = live.posterior(rng=rng)
    batch = infer(flight, domain, rng=np.random.default_rng(0), settings=QUICK)
    assert posterior.identical(batch)


@pytest.mark.parametrize("response_s", [(0.0, 0.0), (2.0, 6.0)])
@pytest.mark.parametrize("readings", [700, 40])  # 40: not every reading is looked at
def test_a_later_reading_adds_what_it_would_have_added_from_the_start(
    survey, domain, response_s, readings
):
    # in a steady wind, and if noise does not grow with the peak, nothing hangs on all readings
    flight = survey(SOURCE, response_s=response_s)
    count = int(np.argmax(flight.concentration)) + 7
    live = carried_on(flight, domain, count, settings=replace(QUICK, readings=readings), noise=EVEN)
    found = live.current(rng=np.random.default_rng(0))
    evidence = found.flights[0]
    assert evidence.every == max(1, count // readings)
    problem = problem_of(
        flight, domain, prior=found.prior, noise=found.noises[0], rates=QUICK.rates,
        smoothing_s=QUICK.smoothing_s,
    ).thinned(evidence.every)  # fmt: skip
    for nuisances, ratio in zip(evidence.hypotheses, evidence.ratios, strict=True):
        expected = log_ratio(
            response_of(problem.path, found.lattice, nuisances),
            problem.excess,
            problem.additive,
            evidence.problems[0].rates,
            relative=found.noises[0].relative,
        )
        assert_allclose(ratio, expected, atol=0.05, rtol=0.01)


def test_how_readings_are_grouped_makes_no_difference(survey, domain):
    flight = survey(SOURCE, response_s=(1.0, 4.0))
    one_by_one = carried_on(flight, domain, 110, noise=EVEN)
    in_tens = carried_on(flight, domain, 110, noise=EVEN, step=10)
    assert one_by_one.counted == in_tens.counted == len(flight)
    assert_allclose(one_by_one.log_weight(), in_tens.log_weight(), atol=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_half_a_minute_after_a_search_it_has_most_in_common_with_a_new_one(survey, domain, seed):
    flight = survey(SOURCE, seed=seed)
    batch = LivePosterior(searched(flight, domain))
    before = LivePosterior(searched(until(flight, 90), domain)).places().overlap(batch.places())
    live = carried_on(until(flight, 105), domain, 90)
    now = LivePosterior(searched(until(flight, 105), domain))
    assert live.places().overlap(now.places()) > max(0.75, before)


def test_gas_met_after_the_search_is_told(survey, domain):
    flight = survey(SOURCE)
    start = LivePosterior(searched(until(flight, 60), domain))
    live = carried_on(flight, domain, 60)
    assert 1.0 - start.number_shares()[0] < 0.6
    assert 1.0 - live.number_shares()[0] > 0.99
    posterior = live.posterior(rng=np.random.default_rng(1))
    assert posterior.attrs["p_any_source"] == pytest.approx(1.0 - live.number_shares()[0])
    assert abs(np.nanmedian(posterior["north"]) - SOURCE.north) < 12
    rates = live.rates(size=4000, rng=np.random.default_rng(1))
    assert np.median(rates) == pytest.approx(np.nanmedian(posterior["rate"]), rel=0.15)


def test_fewer_readings_or_several_flights_are_refused(survey, domain):
    flight = survey(SOURCE)
    live = LivePosterior(searched(flight, domain))
    with pytest.raises(ValueError, match="later readings"):
        live.extend([until(flight, 20)])
    two = [replace(until(flight, 60), flight="a"), replace(until(flight, 60), flight="b")]
    with pytest.raises(ValueError, match="one flight"):
        LivePosterior(searched(two, domain))
