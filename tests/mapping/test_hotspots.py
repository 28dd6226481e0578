from __future__ import annotations

import numpy as np
import pytest
import shapely
from pyproj import CRS

from mapping.area import Domain
from mapping.hotspots import find_hotspots, probability_grid, source_probability
from mapping.located import locate
from tests.mapping.conftest import CENTRE, DRAWS

NAN = np.nan


def draws_of(*columns):
    places = np.full((DRAWS, 4, 2), NAN)
    for slot, column in enumerate(columns):
        places[:, slot] = column
    return places


def told(posterior, **how):
    return find_hotspots(locate(posterior), **how)


def off(spot):
    return spot.east - CENTRE[0], spot.north - CENTRE[1]


def test_one_source_is_told_with_its_place_rate_and_radii(posterior_of, around):
    places = draws_of(around((10.0, -20.0), 6.0))
    places[:100] = NAN
    (spot,) = told(posterior_of(places, rate_g_s=0.4, height_m=2.5))
    assert spot.rank == 1
    assert spot.probability == pytest.approx(0.95)
    assert off(spot) == pytest.approx((10.0, -20.0), abs=0.5)
    assert spot.height_m == 2.5
    assert spot.rate_g_s == pytest.approx(0.4, rel=0.05)
    assert spot.rate_g_s_p05 == pytest.approx(0.4 * np.exp(-1.645 * 0.3), rel=0.08)
    assert spot.rate_g_s_p95 == pytest.approx(0.4 * np.exp(1.645 * 0.3), rel=0.08)
    assert spot.radius_50_m == pytest.approx(6.0 * 1.177, rel=0.06)
    assert spot.radius_90_m == pytest.approx(6.0 * 2.146, rel=0.06)


def test_one_source_that_may_be_in_two_places_is_one_and_lies_in_the_likelier(
    rng, posterior_of, around
):
    at_first = rng.random(DRAWS)[:, None] < 0.6
    places = draws_of(np.where(at_first, around((0.0, 0.0), 5.0), around((100.0, 0.0), 7.0)))
    (spot,) = told(posterior_of(places))
    assert spot.probability == 1.0
    assert off(spot) == pytest.approx((0.0, 0.0), abs=1.0)
    assert spot.regions[0.9].geom_type == "MultiPolygon"
    assert spot.radius_90_m > 90.0


def test_two_sources_are_two_whatever_the_slots_say(rng, posterior_of, around):
    swap = rng.random(DRAWS)[:, None] < 0.5
    first, second = around((0.0, 0.0), 5.0), around((90.0, 20.0), 8.0)
    places = draws_of(np.where(swap, first, second), np.where(swap, second, first))
    places[:40, 1] = NAN
    spots = told(posterior_of(places))
    assert [spot.rank for spot in spots] == [1, 2]
    assert sum(spot.probability for spot in spots) == pytest.approx(1.98)
    assert sorted(off(spot)[0] for spot in spots) == pytest.approx([0.0, 90.0], abs=1.5)
    assert all(spot.regions[0.5].geom_type == "Polygon" for spot in spots)


def test_ranks_go_from_the_most_probable_down(posterior_of, around):
    places = draws_of(around((0.0, 0.0), 5.0), around((90.0, 20.0), 8.0))
    places[: DRAWS // 4, 0] = NAN
    spots = told(posterior_of(places))
    assert [spot.probability for spot in spots] == [1.0, 0.75]
    assert off(spots[0])[0] == pytest.approx(90.0, abs=1.5)


def test_what_hardly_any_draw_has_is_not_told(posterior_of, around):
    places = draws_of(around((0.0, 0.0), 5.0), around((90.0, 20.0), 8.0))
    places[80:, 1] = NAN
    assert len(told(posterior_of(places))) == 1
    assert len(told(posterior_of(places), at_least=0.03)) == 2


def test_no_source_is_an_empty_list(posterior_of):
    assert told(posterior_of(draws_of())) == []


def raster(posterior, domain):
    hotspots = told(posterior)
    grid, _ = probability_grid(domain, hotspots)
    return source_probability(locate(posterior), domain, grid), grid


@pytest.mark.parametrize("spread", [0.0, 1.0, 6.0, 60.0])
def test_the_raster_sums_to_the_expected_number_of_sources(domain, posterior_of, around, spread):
    places = draws_of(around((0.0, 0.0), spread), around((60.0, 60.0), spread))
    places[:500, 0] = NAN
    places[:1500, 1] = NAN
    values, _ = raster(posterior_of(places), domain)
    inside = domain.contains(*(places[..., k].ravel() + CENTRE[k] for k in range(2))).sum()
    assert values.sum() == pytest.approx(inside / DRAWS, abs=1e-12)
    assert values.min() >= 0


def test_draws_outside_the_domain_are_not_expected_in_it(domain, posterior_of, around):
    places = draws_of(around((0.0, 0.0), 5.0))
    places[:800, 0] = [5000.0, 0.0]
    values, _ = raster(posterior_of(places), domain)
    assert values.sum() == pytest.approx(0.6)


def test_cells_are_at_most_2_m_and_a_fifth_of_the_50_percent_radius(domain, posterior_of, around):
    for spread in (1.5, 4.0, 30.0):
        posterior = posterior_of(draws_of(around((0.0, 0.0), spread)))
        _, grid = raster(posterior, domain)
        (spot,) = told(posterior)
        assert grid.cell_m <= min(2.0, spot.radius_50_m / 5.0)
        assert grid.cell_m > 0.2 * min(2.0, spot.radius_50_m / 5.0)


def test_the_raster_is_where_the_draws_are(domain, posterior_of, around):
    values, grid = raster(posterior_of(draws_of(around((70.0, -40.0), 8.0))), domain)
    east = (values.sum(axis=0) * grid.eastings).sum()
    north = (values.sum(axis=1) * grid.northings).sum()
    assert (east - CENTRE[0], north - CENTRE[1]) == pytest.approx((70.0, -40.0), abs=0.7)


def test_the_raster_and_the_regions_tell_the_same(domain, posterior_of, around):
    posterior = posterior_of(draws_of(around((0.0, 0.0), 8.0)))
    values, grid = raster(posterior, domain)
    (spot,) = told(posterior)
    for level, region in spot.regions.items():
        assert values[grid.inside(region)].sum() == pytest.approx(level, abs=0.05)


def test_an_area_holds_all_of_the_raster(utm, posterior_of, around):
    triangle = shapely.Polygon(CENTRE + np.array([[0.0, -90.0], [90.0, 90.0], [-90.0, 90.0]]))
    domain = Domain(crs=utm, bounds=triangle.bounds, area=triangle)
    places = draws_of(around((0.0, 0.0), 30.0))
    values, grid = raster(posterior_of(places), domain)
    inside = shapely.intersects_xy(triangle, places[:, 0] + CENTRE).mean()
    assert np.array_equal(np.isnan(values), ~grid.inside(triangle))
    assert np.nansum(values) == pytest.approx(inside)


def test_a_domain_too_large_for_fine_cells_keeps_the_sum_and_says_so(posterior_of, around):
    half = 20_000.0
    west, south = CENTRE - half
    bounds = (west, south, west + 2 * half, south + 2 * half)
    domain = Domain(crs=CRS.from_epsg(32631), bounds=bounds)
    posterior = posterior_of(draws_of(around((0.0, 0.0), 0.5)))
    grid, notes = probability_grid(domain, told(posterior))
    assert len(notes) == 1
    assert grid.cell_m >= 8.0
    assert source_probability(locate(posterior), domain, grid).sum() == pytest.approx(1.0)
