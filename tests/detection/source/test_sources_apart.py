"""What another source explains of readings that the first does not reach counts as a first's."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp

from detection.source.apart import Apart, rows_of, unreached
from detection.source.chains import Chain
from detection.source.configurations import Configuration, kernels_of
from detection.source.flights import problem_of
from detection.source.lattice import Lattice
from detection.source.likelihood import total_log_ratio
from detection.source.noise import MET, Noise
from detection.source.observations import nuisances_of
from detection.source.prior import Prior
from detection.source.several import further_source
from detection.source.tables import evidence_of_all
from tests.naive_source import Source

STRONG, WEAK = Source(east=-45.0, north=45.0, rate=6e-3), Source(east=-30.0, north=-45.0, rate=1e-3)
FIRST, SECOND, BOTH, NOTHING = range(4)  # what the cells of `kernel` explain


@pytest.fixture(scope="module")
def problem(survey, domain):
    """A flight past two plumes, the second a tenth as strong."""
    flight = survey()
    plumes = kernel_of(flight.time_s.size)
    excess = 1e-6 * (plumes[:, FIRST] + 0.1 * plumes[:, SECOND])
    noise = 2e-9 * np.random.default_rng(1).standard_normal(flight.time_s.size)
    return problem_of(
        dataclasses.replace(flight, concentration=excess + noise, sigma=np.full(noise.size, 2e-9)),
        domain,
        prior=Prior(),
        noise=Noise(),
        rates=60,
        smoothing_s=15.0,
    )


def kernel_of(readings):
    """Shape (n, 4): two bumps far apart, their sum, and nothing."""
    first, second = (
        np.exp(-0.5 * ((np.arange(readings) - share * readings) / 4.0) ** 2) for share in (0.3, 0.7)
    )
    return np.stack([first, second, first + second, 0.0 * first], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def masks(problem):
    """Readings that draws about the first source do not reach; some draws are elsewhere."""
    plumes = 1e-6 * kernel_of(problem.excess.size).astype(float)
    draws = [scale * plumes[:, FIRST] for scale in np.linspace(0.5, 2.0, 39)]
    return unreached([problem], [[*draws, plumes[:, SECOND]]])


@pytest.fixture(scope="module")
def kernels(problem):
    return [1e-3 * kernel_of(problem.excess.size)]


def judged(problem, masks, kernels, *, trust=1.0):
    """Readings judged with what the best of all cells reaches where the first does not."""
    apart = Apart((problem,), (1,))
    ratios = apart.ratios(masks, rows_of(kernels, masks), nothing(problem))
    best = {name: float(one.max()) for name, one in ratios.items()}
    level = apart.judged(masks, best, trust={problem.flight: trust})
    return dataclasses.replace(apart, levels=(level,)), ratios[problem.flight]


def nothing(problem):
    return [np.zeros_like(problem.excess)]


def test_readings_are_unreached_where_hardly_a_draw_gives_them_gas(problem, masks):
    plumes = kernel_of(problem.excess.size)
    assert not masks[0][plumes[:, FIRST] > 1e-3].any()
    assert masks[0][plumes[:, SECOND] > 1e-3].all()  # one draw in forty gives them some
    given = [[1e-6 * plumes[:, SECOND].astype(float)] * 4 + [0.0 * problem.excess] * 36]
    assert not unreached([problem], given)[0][plumes[:, SECOND] > 1e-3].any()


def test_another_source_counts_as_a_first_one_beyond_chance(problem, masks, kernels):
    apart, ratios = judged(problem, masks, kernels)
    counted = apart.beside(apart.rows(kernels), nothing(problem))
    first = problem.noise.tempering_for(float(ratios.max()) - problem.noise.chance, 1.0)
    assert ratios[SECOND].max() > 50.0
    known = ratios[SECOND] > problem.noise.chance
    assert_allclose(counted[SECOND, known], first.of(ratios[SECOND, known] - problem.noise.chance))


def test_gas_where_clean_air_was_met_counts_against_a_source_in_full(problem, masks, kernels):
    """Nothing else tells against it there: the ordinary likelihood leaves such readings out."""
    apart, ratios = judged(problem, masks, kernels)
    counted = apart.beside(apart.rows(kernels), nothing(problem))
    missed = ratios < 0.0
    assert missed[SECOND].any()
    assert_allclose(counted[missed], problem.noise.temper * ratios[missed])


def test_what_the_first_source_reaches_counts_for_nothing_more(problem, masks, kernels):
    apart, _ = judged(problem, masks, kernels)
    counted = apart.beside(apart.rows(kernels), nothing(problem))
    assert_allclose(counted[NOTHING], 0.0)
    assert counted[FIRST].max() < 0.01 * counted.max()
    assert apart.of([1e-6 * kernel_of(problem.excess.size)[:, FIRST]]) < 0.01 * counted.max()


def test_a_source_counts_beside_others_as_in_their_sum(problem, masks, kernels):
    apart, _ = judged(problem, masks, kernels)
    cell = kernels[0].astype(float)
    first, rate = 1e-6 * kernel_of(problem.excess.size)[:, FIRST].astype(float), 20
    counted = apart.beside(apart.rows(kernels), [first])
    for other in (FIRST, SECOND, BOTH, NOTHING):
        prediction = first + problem.rates[rate] * cell[:, other]
        assert_allclose(counted[other, rate], apart.of([prediction]), rtol=1e-3, atol=1e-3)


def test_what_chance_reaches_counts_for_nothing(problem, masks, kernels):
    faint = dataclasses.replace(problem, excess=0.025 * problem.excess)
    apart, ratios = judged(faint, masks, kernels)
    assert 0.5 < ratios.max() < problem.noise.chance
    assert apart.beside(apart.rows(kernels), nothing(problem)).max() == 0.0


def test_levels_add_up(problem, masks, kernels):
    apart, _ = judged(problem, masks, kernels)
    twice = dataclasses.replace(apart, levels=apart.levels * 2)
    counted = [one.beside(one.rows(kernels), nothing(problem)) for one in (apart, twice)]
    assert_allclose(counted[1], 2.0 * counted[0])


@given(reached=st.lists(st.binary(min_size=4, max_size=4), min_size=1, max_size=3))
def test_each_reading_is_judged_once(problem, reached):
    """By the ordinary likelihood or by one level, whatever the levels reach."""
    size = problem.excess.size
    apart = Apart((problem,), (1,))
    for pattern in reached:
        mask = np.resize(np.frombuffer(pattern, np.uint8) % 2 == 1, size)
        best = {problem.flight: 50.0}
        apart = apart.under(apart.judged((mask,), best, trust={problem.flight: 1.0}))
    judges = [apart.reached[0], *(level.masks[0] for level in apart.levels)]
    assert_array_equal(np.sum(judges, axis=0), 1)
    assert apart.within[0].excess.size == apart.reached[0].sum()


def test_chains_agree_with_a_sum_over_all_pairs(problem, masks, kernels, domain):
    few = problem.narrowed(np.arange(problem.rates.size) % 6 == 0)
    apart, _ = judged(few, masks, kernels)
    lattice = Lattice.covering(domain, 100.0)
    lattice = lattice.only(np.arange(lattice.size) < kernels[0].shape[1])
    visits = [
        visit
        for seed in range(8)
        for visit in Chain(apart, lattice, kernels).visits(
            [FIRST], [6], np.random.default_rng(seed)
        )
    ]
    found = logsumexp([one.log_evidence for one in visits]) - np.log(len(visits))
    log_prior, cells = few.log_prior(lattice), kernels[0].astype(float)
    every = []
    for one, other in itertools.product(range(lattice.size), repeat=2):
        for i, j in itertools.product(range(few.rates.size), repeat=2):
            plume = few.rates[i] * cells[:, one] + few.rates[j] * cells[:, other]
            ratio = total_log_ratio(
                plume[apart.reached[0]],
                few.excess[apart.reached[0]],
                few.additive[apart.reached[0]],
                relative=few.noise.relative,
            )
            counted = float(few.tempering.of(ratio)) + apart.of([plume])
            every.append(log_prior[i] + log_prior[j] + counted)
    # a chain tells one order of the two: the other is as likely
    assert found + np.log(2.0) == pytest.approx(logsumexp(every), abs=0.3)


def test_a_flight_the_model_does_not_fit_tells_no_sources_apart(problem, masks, kernels):
    trusted, poor = (judged(problem, masks, kernels, trust=trust)[0] for trust in (1.0, 0.01))
    plume = [1e-7 * kernel_of(problem.excess.size)[:, SECOND].astype(float)]
    assert poor.of(plume) == pytest.approx(0.01 * trusted.of(plume)) != 0.0


def test_readings_that_no_source_explains_well_tell_of_none(problem, masks, kernels):
    """Scattered gas where the first source does not reach is no second plume."""
    scattered = np.array(problem.excess)
    scattered[::3] += 1e-7
    apart, ratios = judged(dataclasses.replace(problem, excess=scattered), masks, kernels)
    plain, _ = judged(problem, masks, kernels)
    plume = [1e-7 * kernel_of(problem.excess.size)[:, SECOND].astype(float)]
    assert ratios[SECOND].max() > 20.0
    assert apart.of(plume) < 0.01 * plain.of(plume)


def test_gas_that_was_met_tells_of_another_source_however_badly_it_fits(problem, masks, kernels):
    """A sensor that leaps with gas alone has met some: so much of it counts in full."""
    scattered = np.array(problem.excess)
    scattered[::3] += 1e-7
    leaps = dataclasses.replace(problem.noise, met=MET)
    poor, ratios = judged(
        dataclasses.replace(problem, excess=scattered, noise=leaps), masks, kernels
    )
    plume = [1e-7 * kernel_of(problem.excess.size)[:, SECOND].astype(float)]
    assert 0.4 * ratios.max() > MET
    assert poor.of(plume) == pytest.approx(MET, rel=0.1)
    fits, _ = judged(dataclasses.replace(problem, noise=leaps), masks, kernels)
    plain, _ = judged(problem, masks, kernels)
    assert fits.of(plume) == pytest.approx(plain.of(plume))


def test_where_the_first_source_reaches_all_nothing_counts(problem, kernels):
    apart, _ = judged(problem, (np.zeros(problem.excess.size, dtype=bool),), kernels)
    assert_allclose(apart.beside(apart.rows(kernels), nothing(problem)), 0.0)


def test_thinned_readings_know_their_instrument(problem):
    """Large readings far away do not hide a weak plume: their share of the error is left out."""
    assert problem.sigma.max() < 0.1 * problem.additive.max()
    assert_allclose(problem.thinned(3).sigma, problem.sigma[::3])


def test_a_weak_source_aside_of_a_strong_one_is_told(survey, posterior_of):
    """It would not be, were what it explains counted as the strong one's eddies are."""
    flight = survey(STRONG, WEAK)
    size = {"max_sources": 2, "fine_cells": 1500}
    found = posterior_of(flight, **size)
    alone = posterior_of(survey(STRONG), **size)
    assert found.attrs["number_probability"][2] > 0.95
    assert alone.attrs["number_probability"][2] < 0.2
    both = np.isfinite(found["east"].values).sum(axis=1) == 2
    for source in (STRONG, WEAK):
        distance = np.hypot(found["east"] - source.east, found["north"] - source.north).values
        assert np.median(np.nanmin(distance[both], axis=1)) < 30.0


def test_a_draw_that_misplaces_the_first_source_hides_no_other(survey, domain):
    """Beside it the strong source would be the next one, and outweigh the weak one by far."""
    faint = dataclasses.replace(WEAK, rate=2e-4)
    flight, noise = survey(STRONG, faint), Noise()
    problem = dataclasses.replace(
        problem_of(flight, domain, prior=Prior(), noise=noise, rates=30, smoothing_s=15.0),
        tempering=noise.tempering_for(300.0, 1.0),
    )
    right = Configuration(
        nuisances=(nuisances_of(flight, Prior(), np.zeros(10)),),
        gains=(1.0,),
        gain_log_sd=(0.0,),
        places=np.array([[STRONG.east, STRONG.north]]),
        rates=np.array([STRONG.rate]),
        log_evidence=0.0,
    )
    coarse = Lattice.covering(domain, 8.0)
    nobody = [np.zeros_like(problem.excess)]
    one = evidence_of_all([problem], kernels_of([problem], coarse, right), coarse, others=nobody)
    right = dataclasses.replace(right, log_evidence=one.log_total)
    wrong = dataclasses.replace(right, places=np.array([[90.0, 90.0]]), rates=np.array([1e-6]))
    found = further_source(
        [problem], [wrong, *[right] * 63], coarse, finest_m=3.0, rng=np.random.default_rng(0)
    )
    assert found.log_gain > 5.0
    pairs = np.array([draw.places for draw in found.configurations])
    assert pairs.shape == (64, 2, 2)
    for source in (STRONG, faint):
        off = np.hypot(*(pairs - [source.east, source.north]).transpose(2, 0, 1)).min(axis=1)
        assert np.median(off) < 25.0


def test_a_wind_of_one_value_tells_no_sources_apart(survey):
    """Where a plume does not go is not known then."""
    flight = survey()
    still = dataclasses.replace(flight, wind_error=(0.35, 0.3))
    assert Noise().for_readings(still).chance == np.inf
    assert np.isfinite(Noise().for_readings(flight).chance)


def test_metal_oxides_tell_no_sources_apart(survey):
    """Their baseline wanders as far as faint gas, away from the first plume too."""
    seen = survey()
    for family, finite in (("mox", False), ("pid", True), ("laser", True)):
        one = dataclasses.replace(seen, sensor_family=family)
        assert np.isfinite(Noise().for_readings(one).chance) == finite
    minutes = dataclasses.replace(seen, sensor_family="mox", averaging_time_s=600.0)
    assert np.isfinite(Noise().for_readings(minutes).chance)


def test_no_reading_is_unreached_where_chance_reaches_anything(problem):
    draws = [[np.zeros(problem.excess.size)]]
    still = dataclasses.replace(problem, noise=dataclasses.replace(problem.noise, chance=np.inf))
    assert unreached([problem], draws)[0].all()
    assert not unreached([still], draws)[0].any()
