"""The floor: its plumes are the simulator's, and its posterior finds what can be found."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from benchmarks.floor_plumes import ACROSS, ALONG, _carry
from benchmarks.floor_posterior import POWERS, answers
from sims.plume import Release, concentration
from sims.settings import Turbulence, Wind
from sims.turbulence import eddies, gusts
from sims.wind import WindHistory


def test_a_source_of_the_lattice_gives_what_the_moved_flight_meets():
    """Before any filament is forgotten both draw the same random numbers."""
    rate_hz, air = 5.0, Wind(speed_m_s=2.0)
    turbulence = Turbulence(kind="fourier")
    time = np.arange(-20.0, 20.0, 0.2)
    steady = np.full(time.size, 2.0)
    wind = WindHistory(time, steady, 0.0 * time, 0.0 * time, 0.0 * time)
    track = np.tile([30.0, 0.0, 2.0], (90, 1))
    places = np.tile([0.0, 0.0, 1.0, 1e-3], (time.size, 1, 1))
    release = Release(places, 10.0, 0.5, 0.1, 1e4, 0.05)
    air_moved = (gusts(turbulence, air), eddies(turbulence, air, rng=np.random.default_rng(1)))
    samples = np.zeros((len(track), ALONG.size, ACROSS.size))
    _carry(
        samples,
        track,
        np.array([1.0, 0.0]),
        (ALONG[0], ALONG[1] - ALONG[0], ACROSS[0], ACROSS[1] - ACROSS[0]),
        np.stack((wind.east, wind.north, wind.turn_east, wind.turn_north), axis=1),
        (float(time[0]), float(time[1] - time[0]), 1),
        release,
        *air_moved,
        np.random.default_rng(2),
    )
    a, b = ALONG.size // 2 + 1, ACROSS.size // 2 + 1
    moved = track - np.array([ALONG[a], -ACROSS[b], 0.0])  # to the right of east is south
    met = concentration(
        np.stack((track, moved), axis=1),
        wind,
        rate_hz=rate_hz,
        release=release,
        gusts=air_moved[0],
        eddies=air_moved[1],
        rng=np.random.default_rng(2),
    )
    assert met.min(axis=0).max() < met.max(axis=0).min()  # both meet gas
    assert_allclose(samples[:, a - 1, b - 1], met[:, 0], rtol=1e-9)
    assert_allclose(samples[:, a, b], met[:, 1], rtol=1e-9)


def test_a_source_that_readings_tell_is_found():
    """When gas is met says how far along, how long how far across; runs differ by a tenth."""
    rng = np.random.default_rng(0)
    bins = np.arange(120.0)[:, None, None]
    shape = np.exp(-0.5 * ((bins - 60.0 - ALONG[:, None] / 4.0) / (4.0 + ACROSS / 16.0)) ** 2)
    runs = 100.0 * shape * rng.uniform(0.9, 1.1, (6, 1, 1, 1))
    flown = runs[:, :, ALONG.size // 2, ACROSS.size // 2]
    said = answers(runs, flown, rate_g_s=1.0, rng=rng)
    assert len(said) == len(flown)
    for each in said:
        assert len(each) == len(POWERS)
        assert abs(each[0].along_m) < 8.0
        assert abs(each[0].log_rate_ratio) < np.log(2.0)
        assert each[0].radius_90_m <= each[-1].radius_90_m


def test_flights_that_meet_too_little_gas_are_not_judged():
    runs = np.full((4, 120, ALONG.size, ACROSS.size), 10.0)
    flown = np.full((1, 120), 10.0)
    assert answers(runs, flown, rate_g_s=1.0, rng=np.random.default_rng(0)) == []
