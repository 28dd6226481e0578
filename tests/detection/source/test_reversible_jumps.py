"""Moves of the sampler leave alone what they must: priors, and posteriors known otherwise."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import expit, logsumexp

from detection.source.annealing import Schedule, annealed, swept
from detection.source.footprint import path_of
from detection.source.lattice import Lattice
from detection.source.moves import Bridge, born_or_dead, drifted, jumped, shaken, stepped
from detection.source.noise import Noise
from detection.source.observations import Observations
from detection.source.place_map import PlaceMap
from detection.source.prior import Prior
from detection.source.scattered import Target
from detection.source.series import ReadSeries
from detection.source.tables import Problem, weigh
from detection.source.tempering import Tempering
from tests import naive_source

DOMAIN = (-20.0, -10.0, 30.0, 40.0)
PRIOR = Prior(rate=1e-3, rate_log_sd=1.0, rate_min=1e-5, rate_max=1e-1)
NUMBERS = np.log([0.35, 0.3, 0.2, 0.1, 0.05])
EVEN = PlaceMap(Lattice.covering(DOMAIN, 10.0), np.full(25, 1 / 25))
LOPSIDED = PlaceMap(EVEN.lattice, np.arange(1.0, 26.0) / np.arange(1.0, 26.0).sum())
ALL_MOVES = (drifted, shaken, stepped, jumped, born_or_dead)


def target_of(series=(), *, log_number=NUMBERS, reference=EVEN):
    return Target(
        series=series,
        prior=PRIOR,
        domain=DOMAIN,
        reference=reference,
        log_number_reference=log_number,
        log_number_prior=log_number,
        bins=20,
    )


def bridge_of(target, draws, *, temper=1.0, newcomers=LOPSIDED):
    there = np.flatnonzero(draws.number > 0)
    return Bridge(target, temper, newcomers, draws.points[there].copy(), draws.places[there, 0])


def is_likely(counts, shares):
    """Whether counts of independent draws agree with shares; false once in a million."""
    expected = np.asarray(shares) / np.sum(shares) * np.sum(counts)
    return stats.chisquare(counts, expected).pvalue > 1e-6


@pytest.fixture
def at_the_prior(rng):
    """A target without readings, and draws from its prior."""
    target = target_of()
    return target, target.drawn(4000, rng=rng)


@pytest.mark.parametrize("moves", [*((move,) * 12 for move in ALL_MOVES), ALL_MOVES * 4])
def test_without_readings_draws_from_the_prior_stay_so(moves, at_the_prior, rng):
    """However lopsided the places where new sources are tried; a wrong ratio would drift."""
    target, draws = at_the_prior
    for move in moves:
        assert move(bridge_of(target, draws), draws, rng=rng) > 0.03
    assert is_likely(np.bincount(draws.number, minlength=5), np.exp(NUMBERS))
    there = np.isfinite(draws.log_rates)
    east, north = draws.places[there].T
    counts = np.histogram2d(east, north, bins=4, range=[DOMAIN[::2], DOMAIN[1::2]])[0]
    assert counts.sum() == there.sum()
    assert is_likely(counts.ravel(), np.ones(16))
    scaled = (draws.log_rates[there] - np.log(PRIOR.rate)) / PRIOR.rate_log_sd
    low, high = -np.log(100.0), np.log(100.0)
    assert stats.kstest(scaled, stats.truncnorm(low, high).cdf).pvalue > 1e-6
    assert stats.kstest(draws.points.ravel(), "norm").pvalue > 1e-6


def test_without_readings_annealing_leads_from_the_reference_to_the_prior(rng):
    target = dataclasses.replace(
        target_of(reference=LOPSIDED), log_number_reference=np.log([0.1, 0.2, 0.2, 0.2, 0.3])
    )
    schedule = Schedule(guesses=4000, particles=2000, effective=0.5, sweeps=3, last_sweeps=1)
    found = annealed(target, lambda draws, temper: LOPSIDED, schedule, rng=rng)
    assert abs(found.log_evidence) < 0.1
    assert is_likely(np.bincount(found.number, minlength=5), np.exp(NUMBERS))
    assert_allclose(np.nanmean(found.places, axis=(0, 1)), [5.0, 15.0], atol=1.5)


@dataclasses.dataclass(frozen=True)
class Scale:
    """What the toy's responses need to know of the nuisances."""

    values: np.ndarray

    def taken(self, which):
        return Scale(self.values[which])

    def replaced(self, where, others):
        values = self.values.copy()
        values[where] = others.values
        return Scale(values)


class Discouraging:
    """A likelihood whose posterior is known: each source alone, exp(-dose), and no other terms.

    The dose is the rate, times a sensitivity that grows eastward and with one nuisance.
    """

    per_rate = 600.0
    flight = ""
    tempering = Tempering(slope=1.0, beyond=1.0, knee=0.0)

    def sensitivity(self, east):
        return self.per_rate * (east - DOMAIN[0]) / (DOMAIN[2] - DOMAIN[0])

    def spreads(self, points):
        return Scale(np.exp(0.7 * points[:, 0]))

    def responses(self, spreads, places):
        dose = spreads.values[:, None] * self.sensitivity(places[..., 0])
        return np.nan_to_num(np.stack([0.25 * dose, 0.75 * dose], axis=1)).astype(np.float32)

    def log_likelihood(self, prediction):
        return -float(prediction.sum())

    def log_likelihoods(self, response, rates, others):
        return -others.sum() - rates * response.sum()

    def per_source(self):
        """Mean likelihood of a source for evenly likely values of the nuisance and eastings."""
        normal = stats.norm.ppf((np.arange(200) + 0.5) / 200)
        east = DOMAIN[0] + (np.arange(50) + 0.5)
        bound = np.log(100.0)
        rates = np.exp(stats.truncnorm(-bound, bound).ppf((np.arange(200) + 0.5) / 200)) * 1e-3
        dose = np.exp(0.7 * normal)[:, None, None] * self.sensitivity(east)[:, None] * rates
        return np.exp(-dose).mean(axis=2)


@pytest.fixture(scope="module")
def of_the_toy():
    rng = np.random.default_rng(3)
    target = target_of((Discouraging(),), reference=LOPSIDED)
    schedule = Schedule(guesses=3000, particles=1500, effective=0.5, sweeps=3, last_sweeps=4)
    return annealed(target, lambda draws, temper: LOPSIDED, schedule, rng=rng)


def test_number_of_sources_and_evidence_of_a_toy_are_as_worked_out(of_the_toy):
    per_source = Discouraging().per_source().mean(axis=1)
    each = np.exp(NUMBERS)[:, None] * per_source ** np.arange(5)[:, None]
    weights = each.mean(axis=1)
    assert_allclose(of_the_toy.log_evidence, np.log(weights.sum()), atol=0.08)
    shares = np.bincount(of_the_toy.number, minlength=5) / of_the_toy.number.size
    assert_allclose(shares, weights / weights.sum(), atol=0.03)


def test_nuisances_and_places_of_a_toy_are_as_worked_out(of_the_toy):
    normal = stats.norm.ppf((np.arange(200) + 0.5) / 200)
    by_east = Discouraging().per_source()
    per_source = by_east.mean(axis=1)
    number = np.arange(5)[:, None]
    each = np.exp(NUMBERS)[:, None] * per_source**number
    weight = each.sum(axis=0)
    sources = (number * each / per_source).sum(axis=0) @ by_east  # how many lie at each easting
    mean_east = sources @ (DOMAIN[0] + np.arange(50) + 0.5) / sources.sum()
    assert_allclose(of_the_toy.points[:, 0].mean(), weight @ normal / weight.sum(), atol=0.08)
    west, north = np.nanmean(of_the_toy.places, axis=(0, 1))
    assert_allclose(west, mean_east, atol=0.8)
    assert_allclose(north, 15.0, atol=1.5)
    assert_allclose(of_the_toy.points[:, 1:].mean(), 0.0, atol=0.05)


STILL = Prior(
    rate=1e-3,
    rate_log_sd=1.0,
    rate_min=1e-5,
    rate_max=1e-1,
    release_height_m=1e-6,
    lateral_log_sd=1e-9,
    vertical_log_sd=1e-9,
    time_scale_log_sd=1e-9,
    eddy_log_sd=1e-9,
    eddy_growth_spread=0.0,
    roughness_log_sd=1e-9,
    wind_bias_sd_deg=1e-9,
    wind_speed_log_sd=1e-9,
    wind_error_m_s=1e-9,
)


@pytest.fixture(scope="module")
def small_problem():
    """A few readings downwind of a small domain, nuisances known, and the lattice to sum over."""
    rng = np.random.default_rng(8)
    north = np.tile(np.linspace(-15, 45, 13), 2)
    east, ones = np.repeat([45.0, 60.0], 13), np.ones(26)
    clean = naive_source.plume(
        naive_source.Source(east=5.0, north=20.0, rate=2e-3), east, north, 4.0, (3.0, 0.0)
    )
    observations = Observations(
        time_s=4.0 * np.arange(26.0), east=east, north=north, height=4.0 * ones,
        concentration=clean + 2e-7 * rng.standard_normal(26), sigma=2e-7 * ones,
        wind_time_s=4.0 * np.arange(26.0), eastward_wind=3.0 * ones, northward_wind=0.0 * ones,
    )  # fmt: skip
    edges = np.linspace(np.log(STILL.rate_min), np.log(STILL.rate_max), 25)
    middles = 0.5 * (edges[1:] + edges[:-1])
    log_prior = stats.norm.logpdf(middles, np.log(STILL.rate), STILL.rate_log_sd)
    problem = Problem(
        path=path_of(observations, DOMAIN),
        excess=observations.concentration,
        additive=observations.sigma,
        rates=np.exp(middles),
        log_rate_prior=log_prior - logsumexp(log_prior),
        noise=Noise(),
        tempering=Tempering(slope=0.5, beyond=0.5, knee=1e9),
        domain=DOMAIN,
    )
    return ReadSeries(problem, STILL, 3.0, (0.0, 0.0))


def of_small(series, log_number, *, seed):
    target = dataclasses.replace(
        target_of((series,), log_number=log_number, reference=LOPSIDED), prior=STILL
    )
    schedule = Schedule(guesses=2000, particles=400, effective=0.5, sweeps=2, last_sweeps=4)
    rng = np.random.default_rng(seed)
    return annealed(target, lambda draws, temper: LOPSIDED, schedule, rng=rng)


def test_one_source_is_placed_as_by_summing_over_all_cells(small_problem):
    with np.errstate(divide="ignore"):
        found = of_small(small_problem, np.log([0.0, 1.0]), seed=1)
    lattice = Lattice.covering(DOMAIN, 2.0)
    table = weigh(small_problem.problem, lattice, small_problem.nuisances(np.zeros(10)))
    assert_allclose(found.log_evidence, table.log_total, atol=0.2)
    share = np.exp(table.cells() - table.log_total)
    places = np.column_stack(lattice.centres())
    mean = share @ places
    sd = np.sqrt(share @ (places - mean) ** 2)
    assert_allclose(found.places[:, 0].mean(axis=0), mean, atol=0.2 * sd.max())
    assert_allclose(found.places[:, 0].std(axis=0), sd, rtol=0.15)
    rate_share = np.exp(table.rates() - table.log_total)
    assert_allclose(
        found.log_rates[:, 0].mean(), rate_share @ np.log(small_problem.problem.rates), atol=0.1
    )


def test_one_or_two_sources_are_told_as_by_averaging_over_the_prior(small_problem, rng):
    """Mean likelihood of many draws from the prior, one source and two: slow but plain."""
    size = 40_000
    places = rng.uniform(DOMAIN[:2], DOMAIN[2:], (2 * size, 2))
    bound = np.log(100.0)
    rates = np.exp(stats.truncnorm(-bound, bound).rvs(2 * size, random_state=rng)) * STILL.rate
    spreads = small_problem.spreads(np.zeros((1, 10)))
    alone = rates * small_problem.responses(spreads, places[None])[0]
    pairs = alone[:, :size] + alone[:, size:]
    log_evidence = [
        logsumexp(log_likelihood_of(small_problem, readings.T)) - np.log(readings.shape[1])
        for readings in (alone, pairs)
    ]
    with np.errstate(divide="ignore"):
        found = of_small(small_problem, np.log([0.0, 0.5, 0.5]), seed=2)
    share_of_two = expit(log_evidence[1] - log_evidence[0])
    assert 0.1 < share_of_two < 0.9
    assert_allclose((found.number == 2).mean(), share_of_two, atol=0.06)
    assert_allclose(found.log_evidence, logsumexp(log_evidence) - np.log(2), atol=0.2)


def log_likelihood_of(series, predictions):
    """Tempered log ratio of many predictions, written out."""
    one = series.problem
    spread = one.additive**2 + (one.noise.relative * predictions) ** 2
    with_it = stats.t.logpdf(one.excess, 3, predictions, np.sqrt(spread))
    without = stats.t.logpdf(one.excess, 3, 0.0, one.additive)
    return one.tempering.slope * (with_it - without).sum(axis=1)


def test_a_sweep_moves_most_draws(at_the_prior, rng):
    target, draws = at_the_prior
    before = draws.places.copy()
    swept(bridge_of(target, draws), draws, rng=rng)
    there = np.isfinite(before[:, 0, 0]) & np.isfinite(draws.places[:, 0, 0])
    assert (before[there, 0] != draws.places[there, 0]).any(axis=1).mean() > 0.5


def test_the_map_of_places_draws_as_it_says(rng):
    places = LOPSIDED.draw(20_000, rng=rng)
    counts = np.histogram2d(places[:, 1], places[:, 0], bins=5, range=[DOMAIN[1::2], DOMAIN[::2]])
    assert is_likely(counts[0].ravel(), np.arange(1, 26))
    density = np.exp(LOPSIDED.log_density(places))
    assert_allclose(np.mean(1 / density), 50.0 * 50.0, rtol=0.02)
    assert np.isneginf(
        LOPSIDED.log_density(np.array([[-21.0, 0.0], [0.0, 41.0], [np.nan, 0]]))
    ).all()
