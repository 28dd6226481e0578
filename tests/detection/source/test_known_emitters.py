"""Known emitters: what they explain is theirs, what they do not is still found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from detection.source.emitters import KnownEmitter, known_responses, log_rate_prior
from detection.source.footprint import path_of
from detection.source.known_fit import fit_known, that_matter, without_known
from detection.source.lattice import Lattice
from detection.source.prior import Prior, nuisances_at
from detection.source.tables import response_of
from tests.naive_source import Source

KNOWN = Source(east=-40.0, north=10.0, rate=1e-3)
UNKNOWN = Source(east=5.0, north=-50.0, rate=1e-3)
RATES = np.concatenate([[0.0], np.geomspace(1e-6, 0.3, 30)])


@pytest.fixture(scope="module")
def emitter():
    return KnownEmitter(name="Autoschade 'De Brug'", kind="car paint", east=-40.0, north=10.0)


@pytest.fixture(scope="module")
def fit_of(domain):
    """Function from series and emitters to their fit."""

    def fit(series, emitters, *, seed=0):
        return fit_known(series, emitters, domain, rng=np.random.default_rng(seed))

    return fit


@pytest.fixture(scope="module")
def of_the_known_alone(survey, fit_of, emitter):
    flight = survey(KNOWN)
    return flight, fit_of([flight], [emitter])


def test_a_known_emitter_alone_leaves_nothing_to_indicate(of_the_known_alone, posterior_of):
    flight, fit = of_the_known_alone
    assert posterior_of(flight).attrs["p_any_source"] > 0.95
    assert posterior_of(without_known(flight, fit)).attrs["p_any_source"] < 0.5


def test_its_rate_and_its_share_of_the_gas_are_told(of_the_known_alone):
    _, fit = of_the_known_alone
    assert fit.probability[0] > 0.95
    assert fit.rate_p05[0] < KNOWN.rate < fit.rate_p95[0] * 1.2
    assert fit.rate_p05[0] < fit.rate[0] < fit.rate_p95[0]
    assert 0.4 < fit.share[0] < 1.2


def test_a_source_nobody_told_of_is_found_beside_it(
    survey, fit_of, emitter, posterior_of, first_source
):
    flight = survey(KNOWN, UNKNOWN)
    left = posterior_of(without_known(flight, fit_of([flight], [emitter])))
    found = first_source(left)
    assert left.attrs["p_any_source"] > 0.95
    assert abs(np.median(found["north"]) - UNKNOWN.north) < 12
    assert abs(np.median(found["east"]) - UNKNOWN.east) < 30


def test_an_emitter_that_emits_nothing_changes_nothing(survey, fit_of, emitter, posterior_of):
    flight = survey(UNKNOWN)
    fit = fit_of([flight], [emitter])
    assert fit.probability[0] < 0.5
    left = without_known(flight, fit)
    assert left.concentration == pytest.approx(flight.concentration, abs=0.75 * flight.sigma[0])
    before, after = posterior_of(flight), posterior_of(left)
    assert after.attrs["p_any_source"] == pytest.approx(before.attrs["p_any_source"], abs=0.05)


def test_clean_air_gives_an_emitter_no_rate(survey, fit_of, emitter):
    assert fit_of([survey()], [emitter]).probability[0] < 0.3


def test_two_channels_of_one_flight_agree_on_one_rate(survey, fit_of, emitter):
    flight = survey(KNOWN, seed=1)
    fit = fit_of([flight, survey(KNOWN, seed=2)], [emitter])
    assert [one.shape for one in fit.explained] == [(len(flight),)] * 2
    assert fit.rate_p05[0] < KNOWN.rate < fit.rate_p95[0] * 1.2


def test_the_same_seed_gives_the_same_fit(survey, fit_of, emitter, of_the_known_alone):
    flight, first = of_the_known_alone
    again = fit_of([flight], [emitter])
    assert_array_equal(first.explained[0], again.explained[0])
    assert_array_equal(first.rate, again.rate)


def test_an_emitter_downwind_of_everything_cannot_matter(survey, domain, emitter):
    flight = survey(KNOWN)  # air goes east
    beyond = KnownEmitter(name="far", kind="", east=400.0, north=0.0)
    assert that_matter([flight], [beyond, emitter], domain) == [1]
    assert that_matter([flight], [emitter] * 5, domain, most=2) == [0, 1]


def test_responses_are_those_of_single_cells_at_their_heights(survey, domain):
    path = path_of(survey(KNOWN), domain)
    nuisances = nuisances_at(
        Prior(), np.zeros(10), wind_speed=3.0, wind_height_m=10.0, response_s=(1.0, 2.0)
    )
    low = KnownEmitter(name="low", kind="", east=-40.0, north=10.0)
    high = KnownEmitter(name="stack", kind="", east=-40.0, north=10.0, height_m=60.0)
    both = known_responses(path, [low, high], nuisances)
    spot = Lattice(-40.0, 10.0, low.size_m, np.zeros((1, 1), dtype=np.int32))
    assert_allclose(both[:, 0], response_of(path, spot, nuisances)[:, 0])
    assert both[:, 1].max() < 0.1 * both[:, 0].max()


@settings(max_examples=60, deadline=None)
@given(
    rate=st.floats(1e-5, 0.1),
    width=st.floats(1.0, 50.0),
    chance=st.floats(0.01, 0.99),
)
def test_a_rate_prior_is_a_distribution_about_the_stated_rate(rate, width, chance):
    one = KnownEmitter(
        name="", kind="", east=0.0, north=0.0, rate=rate, rate_low=rate / width,
        rate_high=rate * width, chance=chance,
    )  # fmt: skip
    share = np.exp(log_rate_prior(one, RATES, Prior()))
    assert share.sum() == pytest.approx(1.0)
    assert share[0] == pytest.approx(1 - chance)
    assert abs(np.log(RATES[1:][share[1:].argmax()] / rate)) < 0.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": -1.0},
        {"rate": np.nan},
        {"rate": 1.0, "rate_low": 2.0, "rate_high": 3.0},
        {"rate_low": 1.0},
        {"east": np.inf},
        {"chance": 1.0},
        {"size_m": 0.0},
    ],
)
def test_an_emitter_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=r"rate|place|chance|interval"):
        KnownEmitter(**{"name": "", "kind": "", "east": 0.0, "north": 0.0, **wrong})


def test_a_fit_without_readings_is_refused(emitter, domain, rng):
    with pytest.raises(ValueError, match="at least one"):
        fit_known([], [emitter], domain, rng=rng)
