"""What is wrong with a flight is said in plain words, and of good flights nothing is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detection.source.diagnostics import diagnose, ljung_box
from detection.source.posterior import posterior_dataset
from tests import naive_source

WIND = (3.0, 0.5)
LINES = np.linspace(-60, 60, 9)


@pytest.fixture(scope="module")
def flown(survey):
    """Function from a seed and a place to a flight beside a source there."""

    def make(seed, *, east=-50.0, north=5.0, rate=3e-3):
        source = naive_source.Source(east=east, north=north, rate=rate)
        return survey(source, lines=LINES, wind=WIND, seed=seed, step_s=1.0)

    return make


@pytest.fixture(scope="module")
def told(domain):
    """Function from a flight to the sentences about it."""

    def ask(flight, **rest):
        return diagnose(flight, domain, rng=np.random.default_rng(0), **rest)

    return ask


def has(diagnosis, words):
    return any(words in note for note in diagnosis.notes)


def test_good_flights_are_seldom_complained_of(flown, told, rng):
    complaints = [
        told(flown(seed, east=float(rng.uniform(-70, 0)), north=float(rng.uniform(-40, 40)))).notes
        for seed in range(40)
    ]
    assert sum(map(bool, complaints)) <= 2


def test_flights_without_gas_are_not_complained_of(survey, told):
    for seed in range(5):
        diagnosis = told(survey(lines=LINES, seed=seed))
        assert diagnosis.notes == ()
        assert diagnosis.values["share_explained"] is None


@pytest.mark.parametrize("seed", range(3))
def test_a_reversed_wind_is_named(flown, told, seed):
    flight = flown(seed)
    turned = replace(
        flight, eastward_wind=-flight.eastward_wind, northward_wind=-flight.northward_wind
    )
    assert has(told(turned), "wind may be reversed")


@pytest.mark.parametrize(("lines", "is_said"), [([0.0] * 6, True), (LINES, False)])
def test_of_lines_on_one_side_it_is_said_that_a_wind_turned_round_fits(
    survey, told, lines, is_said
):
    source = naive_source.Source(east=-30.0, north=5.0, rate=3e-3)
    seen = survey(source, lines=np.array(lines), wind=WIND, step_s=1.0)
    assert has(told(seen), "wind from the other side as well") == is_said
    assert not has(told(seen), "wind may be reversed")


@pytest.mark.parametrize("late_s", [5.0, -5.0])
def test_a_clock_offset_is_named_with_its_sign(flown, told, late_s):
    flight = flown(1, rate=1e-2)
    time = flight.time_s
    late = replace(flight, concentration=np.interp(time - late_s, time, flight.concentration))
    diagnosis = told(late)
    assert has(diagnosis, "lags behind" if late_s > 0 else "runs ahead of")
    assert np.sign(diagnosis.values["gas_moved_s"]) == np.sign(late_s)


def test_of_means_over_minutes_no_seconds_are_told(flown, told):
    flight = flown(1, rate=1e-2)
    time = flight.time_s
    late = replace(flight, concentration=np.interp(time - 5.0, time, flight.concentration))
    assert has(told(late), "lags behind")
    diagnosis = told(replace(late, averaging_time_s=60.0))
    assert not has(diagnosis, "clock offset")
    assert diagnosis.values["gas_moved_s"] == 0.0


def test_a_strong_reading_far_from_the_plume_is_named(flown, told):
    flight = flown(2)
    concentration = flight.concentration.copy()
    concentration[3:5] += 3 * concentration.max()  # the first line, upwind of the source
    diagnosis = told(replace(flight, concentration=concentration))
    assert has(diagnosis, "strongest reading is not explained")


@pytest.mark.parametrize(("east", "is_said"), [(95.0, True), (-50.0, False)])
def test_gas_upwind_of_every_candidate_is_named(flown, told, east, is_said):
    place = np.full((50, 1), east)
    columns = {"east": place, "north": 0 * place, "height": 0 * place, "rate": 0 * place + 1e-3}
    posterior = posterior_dataset(columns, attrs={})
    assert has(told(flown(3), posterior=posterior), "readings rise upwind") == is_said


def test_whiteness_tells_noise_from_drift(rng):
    noise = rng.standard_normal((200, 300))
    p_noise = np.array([ljung_box(one, 10) for one in noise])
    assert 0.01 <= (p_noise < 0.05).mean() <= 0.10
    drifting = noise[0] + np.cumsum(noise[1]) / 3
    assert ljung_box(drifting, 10) < 1e-6
    assert ljung_box(np.zeros(100), 10) == 1.0
    assert ljung_box(noise[0, :5], 10) == 1.0
