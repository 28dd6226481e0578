from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod

from mapping.grid import (
    Grid,
    convergence_deg,
    grid_over,
    local_crs,
    to_geographic,
    to_metric,
    track_bounds,
)
from sensors.errors import FlightError


@pytest.mark.parametrize(
    ("latitude", "longitude", "epsg"),
    [
        (52.37, 4.89, 32631),
        (-33.9, 151.2, 32756),
        (0.0, 0.0, 32631),
        (-0.001, 0.0, 32731),
        (60.39, 5.32, 32632),  # Bergen lies in the widened zone
        (78.2, 15.6, 32633),  # so does Svalbard
        (83.99, 20.0, 32633),
        (84.0, 20.0, 32661),
        (-80.0, 20.0, 32734),
        (-80.01, 20.0, 32761),
        (10.0, 180.0, 32601),
        (10.0, 179.999, 32660),
        (10.0, -180.0, 32601),
    ],
)
def test_the_crs_is_the_utm_zone_or_ups_of_the_place(latitude, longitude, epsg):
    assert local_crs([latitude], [longitude]).to_epsg() == epsg


def test_a_stray_fix_and_missing_positions_do_not_move_the_zone():
    latitude = [52.37] * 9 + [0.0, np.nan]
    longitude = [4.89] * 9 + [-120.0, 4.0]
    assert local_crs(latitude, longitude).to_epsg() == 32631


def test_a_flight_across_the_antimeridian_is_one_piece():
    latitude, longitude = np.array([-17.0, -17.0]), np.array([179.9995, -179.9995])
    crs = local_crs(latitude, longitude)
    east, north = to_metric(crs, latitude, longitude)
    _, _, distance = Geod(ellps="WGS84").inv(longitude[0], -17.0, longitude[1], -17.0)
    assert np.hypot(np.diff(east), np.diff(north)) == pytest.approx(distance, rel=2e-3)
    assert distance < 110
    back = to_geographic(crs, east, north)
    np.testing.assert_allclose(back, [latitude, longitude], atol=1e-9)


def test_a_flight_across_a_zone_border_is_one_piece():
    latitude, longitude = np.array([52.0, 52.0]), np.array([5.998, 6.002])
    crs = local_crs(latitude, longitude)
    east, north = to_metric(crs, latitude, longitude)
    _, _, distance = Geod(ellps="WGS84").inv(5.998, 52.0, 6.002, 52.0)
    assert np.hypot(np.diff(east), np.diff(north)) == pytest.approx(distance, rel=1e-3)


@settings(deadline=None)  # the first use of a zone reads its definition
@given(latitude=st.floats(-89.9, 89.9), longitude=st.floats(-180.0, 180.0))
def test_geographic_and_metric_positions_are_each_others_inverse(latitude, longitude):
    crs = local_crs([latitude], [longitude])
    back_latitude, back_longitude = to_geographic(crs, *to_metric(crs, [latitude], [longitude]))
    apart = (back_longitude[0] - longitude + 180.0) % 360.0 - 180.0
    assert abs(back_latitude[0] - latitude) < 1e-8
    assert abs(apart) * np.cos(np.radians(latitude)) < 1e-8


def test_missing_positions_stay_missing(utm):
    east, north = to_metric(utm, [52.0, np.nan], [5.0, 5.0])
    assert np.isfinite(east).tolist() == np.isfinite(north).tolist() == [True, False]


def test_convergence_turns_a_true_bearing_into_a_grid_bearing():
    crs = CRS.from_epsg(32631)
    east, north = to_metric(crs, [52.0, 52.01], [5.9, 5.9])  # straight north
    bearing = np.degrees(np.arctan2(np.diff(east), np.diff(north)))[0]
    assert bearing == pytest.approx(-convergence_deg(crs, 52.005, 5.9), abs=1e-3)


def test_the_domain_has_a_margin_of_100_m_or_half_the_longer_side():
    assert track_bounds([0.0, 10.0], [0.0, 0.0]) == (-100.0, -100.0, 110.0, 100.0)
    assert track_bounds([0.0, 100.0], [0.0, 600.0]) == (-300.0, -300.0, 400.0, 900.0)
    assert track_bounds([5.0, np.nan], [5.0, 1e9]) == (-95.0, -95.0, 105.0, 105.0)


def test_a_flight_without_positions_is_refused():
    for function in (local_crs, track_bounds):
        with pytest.raises(FlightError, match="no position"):
            function([np.nan], [np.nan])


def test_rows_go_south_and_columns_east(utm):
    grid = Grid(crs=utm, west=100.0, north=200.0, cell_m=2.0, nx=3, ny=2)
    assert grid.eastings.tolist() == [101.0, 103.0, 105.0]
    assert grid.northings.tolist() == [199.0, 197.0]
    assert grid.bounds == (100.0, 196.0, 106.0, 200.0)
    assert tuple(grid.transform)[:6] == (2.0, 0.0, 100.0, 0.0, -2.0, 200.0)


def test_a_grid_covers_its_box_and_no_more_than_a_cell_beyond(utm):
    for cell_m in (0.3, 2.0, 7.0, 1000.0):
        grid, notes = grid_over((3.0, 4.0, 103.0, 54.0), cell_m, crs=utm)
        west, south, east, north = grid.bounds
        assert (west, north) == (3.0, 54.0)
        assert 103.0 - 1e-9 <= east < 103.0 + cell_m
        assert 4.0 - cell_m < south <= 4.0 + 1e-9
        assert notes == []


def test_too_many_cells_become_larger_ones_and_it_is_said(utm):
    grid, notes = grid_over((0.0, 0.0, 1e5, 2e5), 2.0, crs=utm)
    assert grid.nx * grid.ny <= 16_000_000
    assert grid.cell_m == pytest.approx(np.sqrt(2e10 / 16e6), rel=0.02)
    assert notes == [
        f"map cells are {grid.cell_m:.3g} m, not 2 m, to stay below 16,000,000 cells; "
        "a smaller --area gives finer ones"
    ]


def test_cells_inside_an_area_are_those_whose_centre_is(utm):
    grid = Grid(crs=utm, west=0.0, north=4.0, cell_m=1.0, nx=4, ny=4)
    area = shapely.Polygon([(0.0, 4.0), (2.0, 4.0), (2.0, 2.0), (0.0, 2.0)])  # north-west corner
    expected = np.zeros((4, 4), dtype=bool)
    expected[:2, :2] = True
    assert np.array_equal(grid.inside(area), expected)
    assert grid.inside(None).all()
