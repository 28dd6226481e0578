from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.interpolate import PchipInterpolator

from mapping.density import (
    _widths,
    credible_regions,
    draw_density,
    largest_part,
    rising_slope,
)
from tests import naive_mapping as naive


def test_the_density_integrates_to_one(around):
    for spread in (0.0, 0.5, 40.0):
        density = draw_density(*around((5.0, -3.0), spread).T)
        step = density.east[1] - density.east[0]
        assert density.value.sum() * step**2 == pytest.approx(1.0)
        assert density.value.min() >= 0.0


def test_the_density_equals_a_sum_of_kernels(rng, around):
    draws = np.concatenate([around((0.0, 0.0), 4.0, draws=60), around((30.0, 5.0), 9.0, draws=30)])
    density = draw_density(*draws.T)
    widths = _widths(*draws.T)
    places = draws[::9] + 1.0
    expected = [naive.density(draws, widths, x, y) for x, y in places]
    assert_allclose(density.at(*places.T), expected, rtol=0.12, atol=0.02 * max(expected))


def test_a_normal_density_is_found_again(around):
    density = draw_density(*around((0.0, 0.0), 6.0, draws=4000).T)
    peak = density.at(np.zeros(1), np.zeros(1))[0]
    assert peak == pytest.approx(1.0 / (2.0 * math.pi * 36.0), rel=0.15)


def test_regions_have_the_area_of_a_normal_distributions(around):
    draws = around((0.0, 0.0), 6.0, draws=4000)
    regions = credible_regions(draw_density(*draws.T), *draws.T, levels=(0.5, 0.9))
    for level, region in regions.items():
        radius = 6.0 * math.sqrt(-2.0 * math.log(1.0 - level))
        assert region.area == pytest.approx(math.pi * radius**2, rel=0.1)


@pytest.mark.parametrize("spread", [0.0, 0.2, 5.0, 300.0])
@pytest.mark.parametrize("draws", [1, 2, 3, 40, 2000])
def test_a_region_is_valid_and_holds_its_share_of_the_draws(around, spread, draws):
    places = around((5e5, 5.8e6), spread, draws=draws)
    regions = credible_regions(draw_density(*places.T), *places.T, levels=(0.5, 0.9))
    for level, region in regions.items():
        assert region.is_valid
        assert region.area > 0
        held = shapely.intersects_xy(region.buffer(1e-6), places).mean()
        assert held >= level - 0.02
        if draws == 2000 and spread > 1.0:
            assert held == pytest.approx(level, abs=0.02)
    assert regions[0.9].buffer(1e-6).contains(regions[0.5])


SHAPES = {
    "round": lambda rng, count: rng.normal(0.0, 15.0, (count, 2)),
    "long": lambda rng, count: rng.normal(0.0, (30.0, 6.0), (count, 2)),
    "bent": lambda rng, count: np.stack(
        [x := rng.normal(0.0, 30.0, count), 0.01 * x**2 + rng.normal(0.0, 5.0, count)], axis=1
    ),
    "two": lambda rng, count: (
        rng.normal(0.0, 8.0, (count, 2))
        + np.where(rng.random(count) < 0.3, 60.0, 0.0)[:, None] * (1.0, 0.0)
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_densest_share_of_the_density_holds_that_share_of_the_draws(rng, shape):
    draws, others = SHAPES[shape](rng, 2000), SHAPES[shape](rng, 20_000)
    density = draw_density(*draws.T)
    falling = np.sort(density.value, axis=None)[::-1]
    held = np.cumsum(falling) / falling.sum()
    for level in (0.5, 0.75, 0.9):
        least = falling[np.searchsorted(held, level)]
        assert (density.at(*draws.T) >= least).mean() == pytest.approx(level, abs=0.02)
        assert (density.at(*others.T) >= least).mean() == pytest.approx(level, abs=0.04)


def test_holding_to_the_draws_changes_no_order(around):
    draws = around((0.0, 0.0), 8.0, draws=400)
    density, widths = draw_density(*draws.T), _widths(*draws.T)
    x, y = (axis.ravel() for axis in np.meshgrid(density.east[::20], density.north[::20]))
    kernels = [naive.density(draws, widths, *place) for place in zip(x, y, strict=True)]
    found = density.at(x, y)[np.argsort(kernels)]
    assert np.diff(found).min() >= -0.03 * found.max()


def test_two_far_modes_are_two_parts_no_wider_than_one(around):
    one = around((0.0, 0.0), 5.0)
    two = np.concatenate([one[:1000], one[1000:] + np.array([150.0, 0.0])])
    regions = {
        name: credible_regions(draw_density(*draws.T), *draws.T, levels=(0.9,))[0.9]
        for name, draws in (("one", one), ("two", two))
    }
    assert regions["two"].geom_type == "MultiPolygon"
    assert len(regions["two"].geoms) == 2
    assert regions["two"].area == pytest.approx(2.0 * regions["one"].area, rel=0.15)


def test_a_few_strays_make_no_islands(rng, around):
    draws = np.concatenate([around((0.0, 0.0), 5.0), rng.uniform(-200.0, 200.0, (80, 2))])
    region = credible_regions(draw_density(*draws.T), *draws.T, levels=(0.9,))[0.9]
    assert region.geom_type == "Polygon"


def test_a_ring_of_draws_keeps_its_hole(rng):
    angle = rng.uniform(0.0, 2.0 * np.pi, 3000)
    radius = rng.normal(50.0, 3.0, 3000)
    draws = np.stack([radius * np.cos(angle), radius * np.sin(angle)])
    region = credible_regions(draw_density(*draws), *draws, levels=(0.9,))[0.9]
    assert not region.contains(shapely.Point(0.0, 0.0))
    assert region.area == pytest.approx(2 * np.pi * 50.0 * 3.29 * 3.0, rel=0.25)


def test_the_largest_part_is_the_one_with_most_draws(around):
    draws = np.concatenate(
        [around((0.0, 0.0), 2.0, draws=700), around((80.0, 0.0), 9.0, draws=300)]
    )
    region = credible_regions(draw_density(*draws.T), *draws.T, levels=(0.9,))[0.9]
    main = largest_part(region, *draws.T)
    assert np.hypot(*draws[main].mean(axis=0)) < 1.0
    assert main[:700].mean() > 0.8
    assert not main[700:].any()
    assert largest_part(shapely.Polygon(), *draws.T).all()


_STEP = st.floats(1e-3, 1e3)


@given(st.lists(st.tuples(_STEP, _STEP), min_size=1, max_size=12))
def test_a_rising_slope_is_that_of_scipys_monotone_curve(steps):
    x, y = np.cumsum([(0.0, 0.0), *steps], axis=0).T
    at = np.concatenate([x, np.linspace(x[0], x[-1], 30)])
    expected = PchipInterpolator(x, y)(at, nu=1)
    assert_allclose(rising_slope(x, y, at), expected, rtol=1e-6, atol=1e-9 * expected.max())
