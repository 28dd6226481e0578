"""Gas that was met for certain, wherever it came from."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from detection.source.estimators import grid, smc
from detection.source.injection import Trials
from detection.source.leaps import (
    LEAP,
    LEAP_LOG_EVIDENCE,
    at_least,
    evidence_of_leap,
    largest_leaps,
    leap_of,
)
from detection.source.noise import Noise
from tests.naive_source import Source

INFER = {
    "grid": lambda *args, **rest: grid.infer(
        *args, settings=grid.Settings(coarse_cells=625, fine_cells=700, draws=800), **rest
    ),
    "smc": lambda *args, **rest: smc.infer(
        *args, settings=smc.Settings(guesses=256, particles=64, draws=800), **rest
    ),
}


def obvious(ratio):
    """Each reading as far as a neighbour confirms it, one by one."""
    best = 0.0
    for k, one in enumerate(ratio):
        beside = [ratio[j] for j in (k - 1, k + 1) if 0 <= j < len(ratio)]
        best = max(best, min(one, 2.0 * max(beside, default=0.0)))
    return best


@given(ratio=arrays(np.float64, st.integers(0, 12), elements=st.floats(-50.0, 50.0)))
def test_a_leap_counts_as_far_as_a_neighbour_confirms_it(ratio):
    assert largest_leaps(ratio) == obvious(ratio.tolist())
    both = np.stack([ratio, ratio[::-1]])
    np.testing.assert_array_equal(largest_leaps(both), [obvious(ratio.tolist())] * 2)


@given(
    log_evidence=st.lists(st.floats(-40.0, 400.0), min_size=1, max_size=5),
    least=st.floats(0.0, 10.0),
)
def test_evidence_is_raised_as_a_whole_or_not_at_all(log_evidence, least):
    raised = at_least([0.0, *log_evidence], least)
    assert raised[0] == 0.0
    assert raised[1] >= log_evidence[0]
    np.testing.assert_allclose(np.diff(raised[1:]), np.diff(log_evidence), atol=1e-9)
    if least == 0.0 or log_evidence[0] >= least:
        assert raised[1:] == log_evidence


@given(
    ratio=st.floats(-500.0, 500.0),
    explained=st.floats(0.0, 1.0),
    best=st.floats(2.0, 500.0),
    every=st.integers(1, 9),
)
def test_gas_counts_for_what_explains_some_of_it_and_anywhere_if_no_model_is_trusted(
    ratio, explained, best, every
):
    plain, leapt = (Noise(leap=leap).tempering_for(best, explained) for leap in (0.0, 4.0))
    more = float(leapt.of(ratio) - plain.of(ratio))
    trust = plain.slope / Noise().temper
    anywhere = 4.0 * (1.0 - trust)
    assert more == pytest.approx(anywhere + (4.0 - anywhere) * min(max(ratio, 0.0), 1.0), abs=1e-9)
    thinned = float(leapt.thinned(every).of(ratio / every) - plain.thinned(every).of(ratio / every))
    assert thinned == pytest.approx(more, abs=1e-9)


@pytest.fixture
def whiff(survey):
    """A survey that met gas for some seconds where no steady plume passes: on one line only."""

    def make(noises=30.0, **rest):
        seen = survey(lines=np.linspace(-60.0, 60.0, 9), **{"sensor_family": "pid", **rest})
        gas = np.zeros(len(seen))
        middle = np.argmin(np.hypot(seen.east, seen.north))
        gas[middle - 1 : middle + 2] = noises * seen.sigma[0] * np.array([0.6, 1.0, 0.5])
        return replace(seen, concentration=seen.concentration + gas)

    return make


@pytest.mark.parametrize("estimator", ["grid", "smc"])
@pytest.mark.parametrize("noises", [8.0, 30.0])
def test_gas_that_was_met_is_told_though_no_place_explains_it(whiff, domain, estimator, noises):
    posterior = INFER[estimator](whiff(noises), domain, rng=np.random.default_rng(1))
    assert posterior.attrs["leap"] == LEAP_LOG_EVIDENCE
    assert posterior.attrs["p_any_source"] > 0.95
    assert np.isfinite(posterior["east"].values[:, 0]).mean() > 0.95


def test_a_whiff_is_sought_where_the_air_came_from(whiff, domain):
    upwind = []
    for seed in range(4):
        posterior = INFER["grid"](whiff(8.0), domain, rng=np.random.default_rng(seed))
        east = posterior["east"].values[:, 0]
        upwind.append(np.mean(east[np.isfinite(east)] < 0.0))  # the wind is from the west
    assert np.mean(upwind) > 0.7


@pytest.mark.parametrize("estimator", ["grid", "smc"])
@pytest.mark.parametrize(
    "rest",
    [{"sensor_family": "mox"}, {"averaging_time_s": 10.0}, {"is_remainder": True}],
    ids=["metal oxide", "averages", "known emitters taken off"],
)
def test_what_gas_alone_need_not_have_made_is_no_leap(whiff, domain, estimator, rest):
    seen = whiff(8.0, **rest)
    assert evidence_of_leap(seen) == 0.0
    posterior = INFER[estimator](seen, domain, rng=np.random.default_rng(1))
    assert posterior.attrs["leap"] == 0.0


def test_a_leap_beside_counts_for_the_series_in_its_place(whiff):
    seen = whiff(8.0)
    stand_in = replace(whiff(0.0, sensor_family="mox"), leap_beside=leap_of(seen))
    assert evidence_of_leap(stand_in) == LEAP_LOG_EVIDENCE
    assert evidence_of_leap(replace(stand_in, is_remainder=True)) == 0.0


def test_a_place_that_explains_gas_is_no_other_for_its_leap(survey, posterior_of):
    seen = survey(Source(east=-30.0, north=10.0, rate=1e-3), sensor_family="pid")
    assert leap_of(seen) > LEAP
    leapt = posterior_of(seen)
    plain = posterior_of(replace(seen, is_remainder=True))  # of which no leap counts
    for name in ("east", "north"):
        assert float(leapt[name].median()) == pytest.approx(float(plain[name].median()), abs=3.0)
    assert leapt.attrs["p_any_source"] > 0.99


def test_injected_leaps_are_found_as_the_estimator_finds_them(whiff, domain):
    trials = Trials.of(whiff(0.0), domain, rng=np.random.default_rng(0))
    seen, middle = trials.observations, trials.lattice.size // 2
    quiet = seen.concentration
    row = int(trials.kernels[0, middle].argmax())
    near = np.abs(np.arange(quiet.size) - row) < 2
    leaps = quiet + np.where(near, 8.0, 0.0) * seen.sigma
    rate = float(8.0 * seen.sigma[row] / trials.kernels[0, middle, row])
    cells = np.array([middle])
    gained = trials.log_evidence(leaps[None], cells, rate)
    assert gained > trials.log_evidence(quiet[None], cells, rate) + 1.0
    deaf = replace(trials, observations=replace(seen, sensor_family="mox"))
    assert gained > deaf.log_evidence(leaps[None], cells, rate) + 1.0
