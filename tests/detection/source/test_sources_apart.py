"""What two sources explain apart from each other counts, and what they share does not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detection.source.apart import Apart, Split, Weights
from detection.source.flights import problem_of
from detection.source.noise import Noise
from detection.source.prior import Prior
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
def judged(problem):
    """Function from the cell of a first source to what it and one more in each cell explain."""
    kernels = [1e-3 * kernel_of(problem.excess.size)]
    apart = Apart((problem,), (1,), {})
    alone = apart.tables(kernels)

    def judge(cell):
        rate = problem.rates[alone[problem.flight][cell].argmax()]
        part = [rate * kernels[0][:, cell].astype(float)]
        return apart, apart.splits(kernels, alone, [part])[problem.flight], part, alone

    return judge


def test_sources_of_plumes_that_nowhere_meet_are_distinct(judged):
    _, split, _, alone = judged(FIRST)
    best = alone[""][SECOND].argmax()
    assert_allclose(split.distinct()[SECOND, best], 1.0, atol=0.02)
    assert_allclose(split.together[SECOND, best], split.alone[SECOND, best], rtol=0.02)


def test_a_source_that_explains_the_same_again_is_not_distinct(judged):
    _, split, _, alone = judged(FIRST)
    best = alone[""][FIRST].argmax()
    assert split.distinct()[FIRST, best] < 0.2
    assert split.distinct()[BOTH, alone[""][BOTH].argmax()] < 0.6


def test_a_source_nobody_could_notice_changes_nothing(judged, problem):
    _, split, part, _ = judged(FIRST)
    apart = Apart((problem,), (1,), {})
    assert_allclose(split.together[NOTHING], apart.totals(part)[""])
    assert_allclose(split.distinct()[NOTHING], 1.0)


def test_large_readings_far_away_do_not_hide_a_weak_plume(problem):
    """A hundredth of the largest reading, not four, is in doubt where no plume is."""
    assert problem.aside_sd.max() < 0.5 * problem.additive.max()
    thinned = problem.thinned(3)
    assert_allclose(thinned.aside_sd, problem.aside_sd[::3])


def test_only_what_exceeds_the_best_single_source_by_a_margin_counts(judged, problem):
    _, split, _, alone = judged(FIRST)
    best = float(alone[""].max())
    weights = Weights.of(problem, best, [split])
    assert weights.bar == pytest.approx(best + max(15.0, 0.1 * best))
    counted = weights.counted(split)
    assert counted[SECOND].max() == pytest.approx(0.2 * 5.0 + (15.0 - 5.0))
    assert_allclose(counted[[FIRST, NOTHING]], 0.0, atol=1e-9)
    never = dataclasses.replace(problem, noise=Noise(margin=np.inf))
    assert_allclose(Weights.of(never, best, [split]).counted(split), 0.0, atol=1e-9)


def test_pairs_that_explain_about_as_much_count_alike(judged, problem):
    """Where they are hangs on the likelihood as tempered for one plume."""
    _, split, _, alone = judged(FIRST)
    weights = Weights.of(problem, float(alone[""].max()), [split])
    counted, beyond = weights.counted(split), split.beyond(weights.bar)
    good = beyond > 15.0
    assert good.sum() > 1
    assert beyond[good].min() < 0.5 * beyond.max()
    assert np.ptp(counted[good]) == pytest.approx(0.0, abs=1e-9)


def test_a_flight_the_model_does_not_fit_tells_no_sources_apart(judged, problem):
    _, split, _, alone = judged(FIRST)
    poor = dataclasses.replace(problem, tempering=Noise().tempering_for(300.0, 0.4))
    counted = Weights.of(poor, float(alone[""].max()), [split]).counted(split)
    assert counted.max() < 0.01 * split.beyond(Weights.of(poor, 0.0, [split]).bar).max()


def test_the_share_that_is_distinct_is_of_the_least_source():
    split = Split(
        np.array([100.0, 100.0, 100.0]), np.array([100.0, 120.0, 300.0]), np.full(3, 40.0)
    )
    assert_allclose(split.distinct(), [1.0, 0.5, 0.0])
    assert_allclose(split.beyond(60.0), [40.0, 40.0 / 4096.0, 0.0])


def test_one_source_counts_as_it_did(judged, problem):
    apart, split, part, alone = judged(FIRST)
    weights = {"": Weights.of(problem, float(alone[""].max()), [split])}
    judge = dataclasses.replace(apart, weights=weights)
    other = [0.1 * 1e-6 * kernel_of(problem.excess.size)[:, SECOND].astype(float)]
    assert judge.counted_of([part]) == 0.0
    assert judge.counted_of([part, other]) == pytest.approx(0.2 * 5.0 + (15.0 - 5.0))
    assert judge.counted_of([part, [0.5 * part[0]]]) == pytest.approx(0.0, abs=1e-9)


def test_a_weak_source_aside_of_a_strong_one_is_told(survey, posterior_of):
    """It would not be, were what it explains counted as the strong one's eddies are."""
    flight = survey(STRONG, WEAK)
    size = {"max_sources": 2, "fine_cells": 1500}
    found = posterior_of(flight, **size)
    before = posterior_of(flight, noise=Noise(margin=np.inf), **size)
    assert found.attrs["number_probability"][2] > 0.95 > before.attrs["number_probability"][2]
    both = np.isfinite(found["east"].values).sum(axis=1) == 2
    for source in (STRONG, WEAK):
        distance = np.hypot(found["east"] - source.east, found["north"] - source.north).values
        assert np.median(np.nanmin(distance[both], axis=1)) < 30.0
