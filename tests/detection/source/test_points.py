"""Footprints at points: the same physics as on lattices, for any points and nuisances."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from detection.source.footprint import path_of
from detection.source.lattice import Lattice
from detection.source.observations import Observations
from detection.source.points import responses_at
from detection.source.prior import Prior, nuisances_at
from detection.source.proposals import normal_points
from detection.source.spreads import spreads_of
from detection.source.tables import response_of

DOMAIN = (-80.0, -80.0, 80.0, 80.0)
RESPONSE_S = (2.0, 6.0)


def flown(rng, *, wind_m_s, climbs):
    """Readings at odd times along a crooked track in a wind that turns."""
    time = np.cumsum(rng.uniform(0.4, 3.0, 60))
    angle = rng.uniform(0, 2 * np.pi) + 0.4 * np.sin(time / 30)
    ones = np.ones_like(time)
    return Observations(
        time_s=time,
        east=rng.uniform(-60, 60, time.size),
        north=np.linspace(-60, 60, time.size),
        height=rng.uniform(1, 20, time.size) if climbs else 8.0 * ones,
        concentration=0 * ones,
        sigma=ones,
        wind_time_s=time,
        eastward_wind=wind_m_s * np.cos(angle),
        northward_wind=wind_m_s * np.sin(angle),
    )


def drawn(observations, points):
    return [
        nuisances_at(
            Prior(),
            point,
            wind_speed=observations.mean_wind_speed,
            wind_height_m=10.0,
            response_s=RESPONSE_S,
        )
        for point in points
    ]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    wind_m_s=st.sampled_from([0.0, 0.6, 3.0, 9.0]),
    climbs=st.booleans(),
    cell_m=st.sampled_from([0.5, 2.0, 8.0]),
)
def test_a_point_reads_as_a_lattice_of_one_cell(seed, wind_m_s, climbs, cell_m):
    rng = np.random.default_rng(seed)
    observations = flown(rng, wind_m_s=wind_m_s, climbs=climbs)
    path = path_of(observations, DOMAIN, smoothing_s=15.0)
    draws = drawn(observations, normal_points(3, rng=rng))
    places = rng.uniform(-80, 80, (3, 2, 2))
    found = responses_at(path, spreads_of(path, draws, cell_m=cell_m), places)
    for p, nuisances in enumerate(draws):
        for k, (east, north) in enumerate(places[p]):
            spot = Lattice(east, north, cell_m, np.zeros((1, 1), dtype=np.int32))
            expected = response_of(path, spot, nuisances)[:, 0]
            assert_allclose(found[p, :, k], expected, rtol=2e-5, atol=1e-6 * expected.max())


def test_sources_do_not_see_each_other_and_draws_neither(rng):
    observations = flown(rng, wind_m_s=2.0, climbs=True)
    path = path_of(observations, DOMAIN)
    draws = drawn(observations, normal_points(5, rng=rng))
    places = rng.uniform(-40, 40, (5, 3, 2))
    together = responses_at(path, spreads_of(path, draws), places)
    assert together.any(axis=(0, 1)).all()
    for p in range(5):
        alone = responses_at(path, spreads_of(path, [draws[p]]), places[[p]][:, [2]])
        assert np.array_equal(alone[0, :, 0], together[p, :, 2])


def test_no_source_reads_nothing(rng):
    observations = flown(rng, wind_m_s=2.0, climbs=False)
    path = path_of(observations, DOMAIN)
    draws = drawn(observations, normal_points(2, rng=rng))
    places = np.zeros((2, 2, 2))
    places[1, 1] = np.nan
    found = responses_at(path, spreads_of(path, draws), places)
    assert found[1, :, 0].any()
    assert not found[1, :, 1].any()


@pytest.mark.parametrize("shift", [(30.0, 0.0), (0.0, -25.0)])
def test_readings_depend_on_where_the_source_is_from_them(rng, shift):
    observations = flown(rng, wind_m_s=2.0, climbs=False)
    moved = dataclasses.replace(
        observations, east=observations.east + shift[0], north=observations.north + shift[1]
    )
    draws = drawn(observations, normal_points(4, rng=rng))
    places = rng.uniform(-40, 40, (4, 1, 2))
    here, there = (
        responses_at(path, spreads_of(path, draws), at)
        for path, at in (
            (path_of(observations, DOMAIN), places),
            (path_of(moved, DOMAIN), places + shift),
        )
    )
    assert_allclose(here, there, rtol=1e-3, atol=1e-5 * here.max())


def test_a_sensor_that_shows_twice_as_much_reads_twice_as_much(rng):
    observations = flown(rng, wind_m_s=2.0, climbs=False)
    path = path_of(observations, DOMAIN)
    draws = drawn(observations, normal_points(2, rng=rng))
    places = rng.uniform(-40, 40, (2, 1, 2))
    plain, doubled = (
        responses_at(path, spreads_of(path, draws, gain=gain), places)
        for gain in (None, np.array([1.0, 2.0]))
    )
    assert_allclose(doubled, plain * np.array([1.0, 2.0], np.float32)[:, None, None])
