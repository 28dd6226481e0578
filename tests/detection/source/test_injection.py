"""Sources put into a flight are looked for as the estimator would."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detection.signal.slow_noise import CLEAR
from detection.source.injection import Trials, needed_log_evidence, thinned
from detection.source.noise import Noise
from detection.source.patches import Patchiness
from detection.source.prior import Prior


@pytest.fixture(scope="module")
def flight(survey):
    return survey(step_s=1.0, seed=3)


@pytest.fixture(scope="module")
def trials(flight, domain):
    return Trials.of(flight, domain, rng=np.random.default_rng(1))


def test_patches_have_unit_mean_the_stated_spread_and_last_as_long_as_stated(rng):
    time = np.arange(20_000.0)
    patches = Patchiness(shape=0.5, lasting_s=4.0, pass_log_sd=0.0).factors(time, 4, rng=rng)
    assert patches.min() >= 0
    assert_allclose(patches.mean(), 1.0, rtol=0.05)
    assert_allclose(patches.var(), 2.0, rtol=0.15)
    slow = Patchiness(shape=1e4, pass_log_sd=0.5, pass_s=20.0).factors(time, 4, rng=rng)
    assert_allclose(slow.mean(), 1.0, rtol=0.05)
    logs = np.log(slow) - np.log(slow).mean()
    kept = (logs[:, 20:] * logs[:, :-20]).mean() / logs.var()
    assert_allclose(kept, np.exp(-1.0), atol=0.1)


def test_patches_far_apart_in_time_have_nothing_in_common(rng):
    series = Patchiness().factors(np.array([0.0, 1e5]), 4000, rng=rng)
    assert abs(np.corrcoef(series.T)[0, 1]) < 0.06


@pytest.mark.parametrize("rate", [1e-6, 1e-4, 1e-2])
def test_evidence_about_an_injected_source_is_about_the_estimators(
    flight, domain, posterior_of, trials, rate
):
    """The estimator weighs all cells and rates; those near the source hold nearly all of it."""
    east, north = trials.lattice.centres()
    cell = int(np.argmin((east + 80) ** 2 + north**2))
    needed = needed_log_evidence(Prior(), 0.95)
    near, whole = [], []
    for seed in range(8):
        (readings,), (log_evidence,) = trials.injected(
            np.array([cell]), rate, rngs=[np.random.default_rng(seed)]
        )
        seen = dataclasses.replace(flight, concentration=readings)
        found = posterior_of(seen)
        slope = found.attrs["tempering"][0]
        if slope == Noise().temper:  # injections do not ask what another wind explains
            assert (log_evidence > needed) == (found.attrs["log_evidence"][1] > needed)
            near.append(log_evidence)
            whole.append(found.attrs["log_evidence"][1])
    assert len(near) >= 6
    assert abs(np.median(np.subtract(near, whole))) < 1.5
    assert abs(np.subtract(near, whole)).max() < 4.0


def test_an_injected_source_shows_where_its_gas_goes(trials, flight):
    east, north = trials.lattice.centres()
    cell = int(np.argmin((east + 80) ** 2 + north**2))
    readings, _ = trials.injected(np.full(40, cell), 1e-2, rngs=np.random.default_rng(0).spawn(40))
    gas = readings.mean(axis=0)
    added = gas - flight.concentration
    downwind = abs(flight.north - (flight.east + 80) * 0.5 / 3.0) < 15
    assert added[downwind].mean() > 5 * added[~downwind].mean()


def test_nothing_injected_is_no_evidence(trials, flight):
    east, north = trials.lattice.centres()
    cell = int(np.argmin((east + 80) ** 2 + north**2))
    (log_evidence,) = trials.log_evidence_before(np.array([cell]), 1e-3)
    assert log_evidence < 0
    (again,) = trials.log_evidence(flight.concentration[None], np.array([cell]), 1e-3)
    assert again == log_evidence


def test_sources_injected_together_are_those_injected_one_by_one(trials):
    cells = np.array([0, 5, 300, trials.lattice.size - 1])
    rngs = np.random.default_rng(2).spawn
    readings, together = trials.injected(cells, 1e-3, rngs=rngs(4))
    rngs = np.random.default_rng(2).spawn(4)
    for k, rng in enumerate(rngs):
        (alone,), log_evidence = trials.injected(cells[k : k + 1], 1e-3, rngs=[rng])
        assert_allclose(alone, readings[k], rtol=1e-9)
        assert_allclose(log_evidence, together[k], rtol=1e-9)


def test_metal_oxides_are_believed_only_where_a_reading_is_clear(trials, flight):
    """As the estimator does, whose noise grows where none is."""
    east, north = trials.lattice.centres()
    cell = np.array([int(np.argmin((east + 80) ** 2 + north**2))])
    unit = trials.kernels[0, cell[0]]
    needed = needed_log_evidence(Prior(), 0.95)
    said = {}
    for family in ("pid", "mox"):
        sensor = dataclasses.replace(flight, sensor_family=family)
        quiet = dataclasses.replace(trials, observations=sensor)
        for name, height in (("faint", 0.95 * CLEAR), ("clear", 2.0 * CLEAR)):
            rate = height * flight.sigma.max() / unit.max()
            (evidence,) = quiet.log_evidence(rate * unit[None], cell, rate)
            said[family, name] = evidence > needed
    assert said == {
        ("pid", "faint"): True,
        ("pid", "clear"): True,
        ("mox", "faint"): False,
        ("mox", "clear"): True,
    }


def test_thinning_keeps_every_kth_reading(flight):
    few = thinned(flight, 3)
    assert_allclose(few.time_s, flight.time_s[::3])
    assert_allclose(few.concentration, flight.concentration[::3])
    assert few.wind_time_s is flight.wind_time_s


def test_cells_at_the_edge_have_fewer_about_them(trials):
    ny, nx = trials.lattice.index.shape
    assert trials.around(0).tolist() == [
        row * nx + column for row in range(3) for column in (0, 1, 2)
    ]
    assert trials.around(ny * nx - 1).size == 9
    assert trials.around(2 * nx + 2).size == 25


def test_the_evidence_needed_raises_the_prior_to_the_threshold():
    needed = needed_log_evidence(Prior(any_source=0.2), 0.9)
    odds = 0.25 * np.exp(needed)
    assert_allclose(odds / (1 + odds), 0.9)
