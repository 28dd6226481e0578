from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from mapping.concentration import Readings
from mapping.grid import Grid
from mapping.interpolators import kriging
from mapping.kriging_systems import average_in_blocks
from mapping.variogram import MODELS, Variogram
from tests import naive_mapping as naive


def readings(rng, count, *, noise=0.3):
    x, y = rng.uniform(0.0, 60.0, (2, count))
    return Readings.of(x, y, np.sin(x / 9.0) + np.cos(y / 7.0) + rng.normal(0.0, noise, count))


def lawnmower(rng, lines=9, per_line=160, spacing=20.0):
    x, y = np.meshgrid(np.linspace(0.0, 160.0, per_line), np.arange(lines) * spacing)
    x[1::2] = x[1::2, ::-1]
    x, y = x.ravel(), y.ravel()
    field = 10.0 * np.exp(-((x - 80.0) ** 2 + (y - 70.0) ** 2) / (2 * 25.0**2))
    return Readings.of(x, y, field + rng.normal(0.0, 0.5, x.size))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("nugget", [0.0, 0.2])
def test_kriging_equals_its_naive_twin(rng, model, nugget):
    some = readings(rng, 40)
    variogram = Variogram(model=model, nugget=nugget, sill=1.3, range_m=35.0)
    fitted = kriging.fit(some, variogram=variogram)
    places = rng.uniform(-10.0, 70.0, (2, 8))
    mean, variance = fitted.at(*places)
    data = list(zip(some.east, some.north, some.value, strict=True))

    def covariance(distance):
        return 1.3 * correlation(model, distance / 35.0)

    slow = [naive.ordinary_kriging(data, place, covariance, nugget) for place in places.T]
    assert_allclose(mean, [one[0] for one in slow], atol=1e-6)
    assert_allclose(variance, [one[1] for one in slow], atol=1e-6)


def correlation(model, share):
    """As the textbooks have them; 95 % is lost at a share of 1 (all, if spherical)."""
    if model == "exponential":
        return math.exp(-3.0 * share)
    if model == "spherical":
        return max(0.0, 1.0 - 1.5 * share + 0.5 * share**3) if share < 1.0 else 0.0
    return (1.0 + 4.7439 * share) * math.exp(-4.7439 * share)


def test_kriging_is_the_gaussian_process_whose_mean_is_unknown(rng):
    """scikit-learn's, with a constant of a variance so large that it says nothing."""
    some = readings(rng, 80)
    fitted = kriging.fit(
        some, variogram=Variogram(model="matern32", nugget=0.09, sill=1.5, range_m=30.0)
    )
    places = rng.uniform(0.0, 60.0, (2, 30))
    mean, variance = fitted.at(*places)
    kernel = 1.5 * Matern(math.sqrt(3.0) * 30.0 / 4.7439, nu=1.5, length_scale_bounds="fixed")
    process = GaussianProcessRegressor(
        kernel + ConstantKernel(1e5) + WhiteKernel(0.09), optimizer=None
    ).fit(np.stack([some.east, some.north], axis=1), some.value)
    expected, deviation = process.predict(places.T, return_std=True)
    assert_allclose(mean, expected, atol=1e-4)
    assert_allclose(variance, deviation**2, atol=1e-4)


def test_a_moving_neighbourhood_is_near_what_all_readings_say(rng, utm):
    some = lawnmower(rng)
    grid = Grid(crs=utm, west=0.0, north=160.0, cell_m=2.0, nx=80, ny=80)
    fitted = kriging.fit(some)
    assert fitted.block_m > 0
    near = fitted.on(grid)
    whole = kriging.Kriging(
        readings=some, variogram=fitted.variogram, mask_width_m=12.0, block_m=0.0
    )
    rows, columns = rng.integers(0, 80, (2, 40))
    mean, variance = whole.at(grid.eastings[columns], grid.northings[rows])
    deviation = np.sqrt(variance - fitted.variogram.nugget)
    share = (near.mean[rows, columns] - mean) / deviation
    assert np.sqrt(np.mean(share**2)) < 0.35
    assert_allclose(near.variance[rows, columns], variance, rtol=0.05)


def test_neighbouring_tiles_meet_without_a_step(rng, utm):
    some = lawnmower(rng, lines=25, per_line=400, spacing=10.0)
    grid = Grid(crs=utm, west=0.0, north=160.0, cell_m=1.0, nx=160, ny=160)
    fitted = kriging.fit(some)
    maps = fitted.on(grid)
    steps = np.abs(np.diff(maps.mean, axis=1))
    seam = steps[:, kriging.TILE_CELLS - 1 :: kriging.TILE_CELLS]
    noise = np.sqrt(np.nanmedian(maps.variance - fitted.variogram.nugget))
    assert np.nanmax(seam) < np.nanmax(steps) + noise


def test_the_map_of_a_field_is_recovered_between_lines(rng, utm):
    some = lawnmower(rng)
    grid = Grid(crs=utm, west=40.0, north=120.0, cell_m=4.0, nx=20, ny=20)
    maps = kriging.fit(some).on(grid, threshold=5.0)
    x, y = np.meshgrid(grid.eastings, grid.northings)
    field = 10.0 * np.exp(-((x - 80.0) ** 2 + (y - 70.0) ** 2) / (2 * 25.0**2))
    assert np.sqrt(np.mean((maps.mean - field) ** 2)) < 0.3
    assert ((maps.exceedance > 0.5) == (maps.mean > 5.0)).all()


def test_ground_nobody_flew_over_is_unknown(rng, utm):
    some = lawnmower(rng)
    grid = Grid(crs=utm, west=0.0, north=600.0, cell_m=5.0, nx=32, ny=120)
    maps = kriging.fit(some).on(grid)
    assert np.isnan(maps.mean[:60]).all()
    assert np.isfinite(maps.mean[-30:]).all()
    assert not np.isnan(maps.confidence).any()


@pytest.mark.parametrize("value", [0.0, 7.5])
def test_readings_that_are_all_the_same_map_to_that_value(utm, value):
    x, y = np.meshgrid(np.arange(0.0, 60.0, 2.0), np.arange(0.0, 60.0, 10.0))
    some = Readings.of(x.ravel(), y.ravel(), np.full(x.size, value))
    grid = Grid(crs=utm, west=0.0, north=60.0, cell_m=5.0, nx=12, ny=12)
    maps = kriging.fit(some).on(grid, threshold=1.0)
    known = np.isfinite(maps.mean)
    assert known.any()
    assert (maps.mean[known] == value).all()
    assert (maps.variance[known] == 0.0).all()
    assert (maps.exceedance[known] == float(value > 1.0)).all()


def test_readings_on_one_spot_do_not_make_a_system_singular():
    some = Readings.of(np.zeros(5), np.zeros(5), np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    variogram = Variogram(model="spherical", nugget=0.0, sill=2.0, range_m=10.0)
    mean, _ = kriging.fit(some, variogram=variogram).at(np.array([0.0]), np.array([0.0]))
    assert mean[0] == pytest.approx(3.0)


def test_blocks_do_not_depend_on_the_order_of_readings(rng):
    columns = rng.uniform(0.0, 30.0, (3, 400))
    order = rng.permutation(400)
    blocks = average_in_blocks(*columns, side_m=3.0)
    turned = average_in_blocks(*columns[:, order], side_m=3.0)
    assert blocks[3].sum() == 400
    for one, other in zip(blocks, turned, strict=True):
        assert_allclose(one, other, rtol=1e-12)
