"""Every file in mapping/interpolators: one way to map concentration, one contract."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pyproj import CRS

from mapping.concentration import ConcentrationMap, Readings
from mapping.concentration_maps import INTERPOLATORS
from mapping.grid import Grid
from sensors import plugins

NAMES = plugins.available(INTERPOLATORS)


@pytest.fixture(params=NAMES)
def fit(request):
    return plugins.load(INTERPOLATORS, request.param).fit


def survey(*, shift=(0.0, 0.0), scale=1.0, offset=0.0, count=40):
    """Six lines in a plume, with wind and noise; the same draw of noise each time."""
    rng = np.random.default_rng(11)
    along = np.linspace(0.0, 150.0, count)
    x = np.concatenate([along if k % 2 == 0 else along[::-1] for k in range(6)])
    y = np.repeat(25.0 * np.arange(6), count)
    value = 50.0 * np.exp(-((x - 70.0) ** 2 + (y - 60.0) ** 2) / (2 * 30.0**2))
    value = offset + scale * (value + rng.normal(0.0, 1.0, x.size))
    wind = rng.normal(2.0, 0.5, (2, x.size))
    return Readings.of(x + shift[0], y + shift[1], value, (wind[0], wind[1]))


def ground(shift=(0.0, 0.0)):
    return Grid(
        crs=CRS.from_epsg(32631),
        west=shift[0] - 100.0,
        north=shift[1] + 250.0,
        cell_m=5.0,
        nx=70,
        ny=70,
    )


def test_there_are_methods_to_choose_from():
    assert {"kernel", "kriging"} <= set(NAMES)


def test_maps_are_known_where_it_was_flown_and_only_there(fit):
    maps = fit(survey()).on(ground(), threshold=20.0)
    assert isinstance(maps, ConcentrationMap)
    known = np.isfinite(maps.mean)
    assert known.any()
    for values in (maps.variance, maps.exceedance):
        assert np.array_equal(np.isfinite(values), known)
    assert np.array_equal(maps.confidence >= 0.5, known)
    assert not known[[0, -1]].any()
    assert not known[:, [0, -1]].any()
    assert (maps.variance[known] >= 0).all()
    assert ((maps.exceedance[known] >= 0) & (maps.exceedance[known] <= 1)).all()
    assert ((maps.confidence >= 0) & (maps.confidence <= 1)).all()


def test_places_have_the_values_of_the_map(fit):
    fitted = fit(survey())
    grid = ground()
    maps = fitted.on(grid, threshold=np.inf)
    rows, columns = np.nonzero(maps.confidence > 0.9)
    mean, _ = fitted.at(grid.eastings[columns], grid.northings[rows])
    assert_allclose(mean, maps.mean[rows, columns], atol=1e-3 * np.nanmax(maps.mean))


def test_another_unit_gives_the_same_map_in_it(fit):
    grid = ground()
    ppb = fit(survey()).on(grid, threshold=20.0)
    ppm = fit(survey(scale=1e-3)).on(grid, threshold=0.02)
    assert_allclose(ppm.mean, 1e-3 * ppb.mean, rtol=1e-3, atol=1e-6)
    assert_allclose(ppm.variance, 1e-6 * ppb.variance, rtol=1e-2, atol=1e-9)
    assert_allclose(ppm.exceedance, ppb.exceedance, atol=1e-2)


def test_another_zero_moves_the_mean_and_nothing_else(fit):
    grid = ground()
    first = fit(survey()).on(grid, threshold=20.0)
    lifted = fit(survey(offset=400.0)).on(grid, threshold=420.0)
    assert_allclose(lifted.mean - 400.0, first.mean, atol=0.05)
    assert_allclose(lifted.variance, first.variance, rtol=1e-2, atol=1e-3)


def test_another_place_gives_the_same_map_there(fit):
    far = (640_000.0, 5_770_000.0)
    here, there = fit(survey()).on(ground()), fit(survey(shift=far)).on(ground(far))
    assert_allclose(there.mean, here.mean, atol=0.05)
    assert_allclose(there.confidence, here.confidence, atol=1e-4)


def test_a_method_says_what_it_fitted_and_how_well(fit):
    fitted = fit(survey())
    assert fitted.told
    assert all(isinstance(value, str) or np.isfinite(value) for value in fitted.told.values())
    assert fitted.scores.skill > 0.3
    assert fitted.scores.rmse < 20.0


def test_other_readings_are_taken_with_the_same_settings(fit):
    fitted = fit(survey())
    again = fitted.refitted(survey(count=20))
    assert again.told == fitted.told
    assert again.scores is None
    assert len(again.readings) == 120


@pytest.mark.parametrize("count", [1, 2, 3])
def test_very_few_readings_are_a_map_all_the_same(fit, count):
    few = survey()[:count]
    maps = fit(few).on(ground(), threshold=20.0)
    assert not np.isnan(maps.confidence).any()
    known = np.isfinite(maps.mean)
    assert (maps.mean[known] <= few.value.max() + 1e-9).all()
