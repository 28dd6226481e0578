"""The difference of two surveys' maps: after minus before, empty where either did not search."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyproj
import pytest
from affine import Affine
from numpy.testing import assert_allclose

from detection.source.posterior import posterior_dataset
from mapping.difference import Maps, difference_map, on_grid, shared_grid

UTM = pyproj.CRS.from_epsg(32631)
WEST, NORTH = 629_000.0, 5_804_000.0
SIZE = 40


def no_draws(*places):
    east = np.array([[place[0] for place in places] or [np.nan]] * 50, dtype=float)
    north = np.array([[place[1] for place in places] or [np.nan]] * 50, dtype=float)
    wobble = np.linspace(-3, 3, 50)[:, None]
    rest = np.where(np.isnan(east), np.nan, 1e-3)
    columns = {"east": east + wobble, "north": north - wobble, "height": rest, "rate": rest}
    return posterior_dataset(columns, attrs={})


def maps_of(mean, *, power=1.0, west=WEST, cell=5.0, size=SIZE, places=(), unit="ppb", crs=UTM):
    values = np.broadcast_to(np.asarray(mean, dtype=float), (size, size)).copy()
    transform = Affine(cell, 0, west, 0, -cell, NORTH)
    return Maps(
        mean=values,
        spread=np.ones((size, size)),
        power=np.broadcast_to(np.asarray(power, dtype=float), (size, size)).copy(),
        transform=transform,
        power_transform=transform,
        crs=crs,
        unit=unit,
        posterior=no_draws(*places),
    )


def compared(before, after):
    grid = shared_grid(before, after)
    return difference_map(before, after, grid)


def test_it_is_after_minus_before_in_units_and_in_spreads():
    found = compared(maps_of(3.0), maps_of(10.0))
    assert_allclose(found["concentration_difference"], 7.0)
    assert_allclose(found["concentration_difference_in_spreads"], 7.0 / np.sqrt(2))
    assert found["concentration_difference"].attrs["units"] == "ppb"


def test_a_survey_compared_with_its_like_differs_nowhere(rng):
    one = maps_of(rng.normal(size=(SIZE, SIZE)), places=[(WEST + 100, NORTH - 100)])
    found = compared(one, one)
    for name in found.data_vars:
        assert_allclose(found[name], 0.0, atol=1e-12)


def test_ground_that_either_did_not_search_is_empty():
    power = np.full((SIZE, SIZE), 0.9)
    power[:, :10], power[:, 10:20] = np.nan, 0.05
    for found in (
        compared(maps_of(1.0, power=power), maps_of(2.0)),
        compared(maps_of(1.0), maps_of(2.0, power=power)),
    ):
        for name in found.data_vars:
            assert np.isnan(found[name].values[:, :20]).all()
            assert np.isfinite(found[name].values[:, 20:]).all()


def test_ground_without_readings_has_no_difference_of_concentration():
    mean = np.full((SIZE, SIZE), 1.0)
    mean[:5] = np.nan
    found = compared(maps_of(mean), maps_of(2.0))
    assert np.isnan(found["concentration_difference"].values[:5]).all()
    assert np.isfinite(found["source_probability_difference"].values[:5]).all()


def test_a_new_source_adds_up_to_one():
    found = compared(maps_of(1.0), maps_of(1.0, places=[(WEST + 100, NORTH - 100)]))
    assert float(found["source_probability_difference"].sum()) == pytest.approx(1.0, abs=0.01)


def test_readings_in_other_units_are_not_subtracted():
    found = compared(maps_of(1.0), maps_of(1.0, unit="ohm"))
    assert np.isnan(found["concentration_difference"]).all()
    assert np.isfinite(found["source_probability_difference"]).all()


def test_only_common_ground_is_compared_on_the_coarser_cells():
    grid = shared_grid(maps_of(1.0), maps_of(1.0, west=WEST + 100, cell=4.0))
    assert grid.cell_m == 5.0
    assert grid.bounds == pytest.approx((WEST + 100, NORTH - 160, WEST + 200, NORTH), abs=5)
    assert shared_grid(maps_of(1.0), maps_of(1.0, west=WEST + 1e4)) is None
    assert shared_grid(maps_of(1.0), maps_of(1.0, west=WEST + SIZE * 5.0)) is None


def test_another_crs_is_brought_to_the_first():
    plane = maps_of(np.arange(SIZE)[None, :] * 1.0, cell=5.0)
    neighbour = pyproj.CRS.from_epsg(32632)
    to_other = pyproj.Transformer.from_crs(UTM, neighbour, always_xy=True)
    east, north = to_other.transform(WEST + 100, NORTH - 100)
    wide = 300
    other = dataclasses.replace(
        maps_of(7.0, size=wide, crs=neighbour),
        transform=Affine(5, 0, east - 750, 0, -5, north + 750),
        power_transform=Affine(5, 0, east - 750, 0, -5, north + 750),
    )
    found = compared(plane, dataclasses.replace(other, posterior=plane.posterior))
    values = found["concentration_difference"].values
    assert np.isfinite(values).all()
    assert_allclose(values[SIZE // 2], 7.0 - np.arange(SIZE), atol=1e-6)


def test_resampling_keeps_a_plane_and_its_empty_cells():
    plane = maps_of(np.arange(SIZE)[None, :] * 1.0)
    plane.mean[10, 10] = np.nan
    finer = shared_grid(plane, plane)
    again = on_grid(plane.mean, plane.transform, UTM, finer)
    assert_allclose(again, plane.mean)
