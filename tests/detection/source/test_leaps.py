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
    AGREED_WITHIN_S,
    LEAP,
    LEAP_LOG_EVIDENCE,
    agreed_leap,
    at_least,
    evidence_of_leap,
    largest_leaps,
    leap_of,
)
from detection.source.noise import Noise
from detection.source.observations import Observations
from drone.channels import heard_best
from tests.naive_source import Source

INFER = {
    "grid": lambda *args, **rest: grid.infer(
        *args, settings=grid.Settings(coarse_cells=625, fine_cells=700, draws=800), **rest
    ),
    "smc": lambda *args, **rest: smc.infer(
        *args, settings=smc.Settings(guesses=256, particles=64, draws=800), **rest
    ),
}


def readings_of(time_s, ratio, family):
    """Readings in noises, taken nowhere in particular."""
    here, wind = np.zeros(time_s.size), np.zeros(2)
    return Observations(
        time_s=time_s, east=here, north=here, height=here, concentration=ratio,
        sigma=np.ones(time_s.size), wind_time_s=np.array([0.0, 99.0]), eastward_wind=wind,
        northward_wind=wind, sensor_family=family,
    )  # fmt: skip


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


def faint(whiff, readings, *, starts=60, noises=3.3, **rest):
    """Clean air but for so many readings, none of which leaps."""
    seen = whiff(0.0, **rest)
    gas = np.zeros(len(seen))
    gas[starts : starts + readings] = noises * seen.sigma[0]
    return replace(seen, concentration=gas)


def as_far_as_confirmed(observations):
    """Each reading in its noises, capped by its larger neighbour, one by one."""
    ratio = [float(one) for one in observations.concentration / observations.sigma]
    beside = [0.0, *ratio, 0.0]
    return [min(one, 2.0 * max(beside[k], beside[k + 2])) for k, one in enumerate(ratio)]


def obvious_agreement(steady, other):
    """Each reading of the one, with each mean of three of the other that lies near enough."""
    best = 0.0
    mine, theirs = as_far_as_confirmed(steady), as_far_as_confirmed(other)
    for k, at in enumerate(other.time_s):
        for j in range(1, len(mine) - 1):
            lasts = steady.time_s[j + 1] - steady.time_s[j - 1]
            if abs(steady.time_s[j] - at) <= AGREED_WITHIN_S and lasts < AGREED_WITHIN_S:
                best = max(best, min(theirs[k], sum(mine[j - 1 : j + 2]) / np.sqrt(3.0)))
    return best


@given(data=st.data())
def test_sensors_agree_in_what_both_met_within_seconds(data):
    def series(family):
        n = data.draw(st.integers(3, 12))
        numbers = st.floats(-20.0, 20.0)
        steps = data.draw(arrays(np.float64, n, elements=st.floats(0.5, 5.0)))
        return readings_of(
            np.cumsum(steps), data.draw(arrays(np.float64, n, elements=numbers)), family
        )

    steady, other = series("pid"), series("mox")
    assert agreed_leap(steady, other) == pytest.approx(obvious_agreement(steady, other))


def test_faint_gas_counts_where_both_sensors_met_it(whiff):
    pid = faint(whiff, 5, sensor_family="pid")
    later, elsewhere = (
        faint(whiff, 12, starts=starts, noises=9.0, sensor_family="mox") for starts in (63, 90)
    )
    assert evidence_of_leap(pid) == 0.0
    assert agreed_leap(pid, later) == pytest.approx(3.3 * np.sqrt(3.0))
    assert agreed_leap(pid, elsewhere) == 0.0
    assert agreed_leap(later, pid) == 0.0  # metal oxides leap without gas
    heard = heard_best(pid, [later])
    assert heard.observations.sensor_family == "mox"
    assert evidence_of_leap(heard.observations) == LEAP_LOG_EVIDENCE
    assert evidence_of_leap(heard_best(pid, [elsewhere]).observations) == 0.0


def test_one_reading_of_the_steady_sensor_is_no_gas_beside_the_other():
    """A humidity front lifts the array for long; one spike of the detector must not prove it."""
    time_s = np.arange(60.0)
    front = readings_of(time_s, np.where((time_s > 20) & (time_s < 40), 12.0, 0.0), "mox")
    spike = readings_of(time_s, np.where(time_s == 30, 50.0, 1.0), "pid")
    assert agreed_leap(spike, front) < LEAP
    lasting = readings_of(time_s, np.where(np.abs(time_s - 30) < 1.5, 4.0, 0.0), "pid")
    assert agreed_leap(lasting, front) > LEAP


def test_readings_that_a_gap_divides_are_not_one_whiff():
    time_s = np.array([0.0, 1.0, 2.0, 3.0, 30.0, 60.0, 61.0, 62.0, 63.0])
    seen = np.where(np.arange(9) // 3 == 1, 5.0, 0.0)
    array = readings_of(np.arange(64.0), np.full(64, 9.0), "mox")
    assert agreed_leap(readings_of(time_s, seen, "pid"), array) < LEAP
    assert agreed_leap(readings_of(np.arange(9.0), seen, "pid"), array) > LEAP


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
