from __future__ import annotations

import numpy as np
import pytest
import shapely

from mapping.area import Domain
from mapping.grid import Grid
from mapping.located import locate
from mapping.rasters import concentration_grid, hotspot_map, source_map
from tests.mapping.conftest import CENTRE, DRAWS, searched

CONTRACT = {
    "concentration_mean": "ppb",
    "concentration_std": "ppb",
    "exceedance": "1",
    "source_probability": "1",
    "detection_power": "1",
}


@pytest.fixture
def sources(posterior_of, around):
    return locate(posterior_of(around((0.0, 0.0), 6.0)[:, None]))


def test_a_hotspot_map_has_the_five_maps_with_units_on_one_grid(domain, track, sources):
    grid, notes = concentration_grid(domain, track)
    maps = hotspot_map(grid, domain, track, sources, detection_power=searched, threshold=20.0)
    assert notes == []
    assert {name: maps[name].attrs["units"] for name in maps.data_vars} == CONTRACT
    assert all(maps[name].dims == ("y", "x") for name in maps.data_vars)
    assert maps["y"].to_numpy()[0] > maps["y"].to_numpy()[-1]
    assert maps.attrs["cell_m"] == grid.cell_m
    assert float(maps["source_probability"].sum()) == pytest.approx(1.0)


def test_concentration_is_high_downwind_and_unknown_where_nobody_flew(domain, track, sources):
    grid, _ = concentration_grid(domain, track)
    maps = hotspot_map(grid, domain, track, sources, threshold=20.0)

    def at(name, east, north):
        place = {"x": CENTRE[0] + east, "y": CENTRE[1] + north}
        return float(maps[name].sel(place, method="nearest"))

    assert at("concentration_mean", 45.0, 45.0) > 10 * abs(at("concentration_mean", -60.0, -60.0))
    assert at("exceedance", 45.0, 45.0) > 0.5
    assert at("exceedance", -60.0, -60.0) < 0.05
    assert np.isnan(at("concentration_mean", 220.0, -200.0))
    assert np.isnan(maps["detection_power"]).all()


def test_wind_is_turned_onto_the_grid(utm, domain, track):
    """At a turn of 90 degrees grid north is true east: wind to the true north is to grid west."""
    track = type(track)(
        east=np.zeros(1),
        north=np.zeros(1),
        time=np.array(["2026-05-12T09:00:00"], dtype="datetime64[ns]"),
        height_m=np.full(1, 8.0),
        altitude_m=np.full(1, np.nan),
        reading=np.ones(1),
        raw=np.ones(1),
        raw_unit="ppb",
        quality=np.zeros(1, dtype=np.uint16),
        eastward_wind=np.zeros(1),
        northward_wind=np.full(1, 8.0),
        unit="ppb",
    )
    grid = Grid(crs=utm, west=-25.5, north=25.5, cell_m=1.0, nx=51, ny=51)
    here = Domain(crs=utm, bounds=grid.bounds)
    for turn_deg, long_axis in ((0.0, "y"), (90.0, "x")):
        mean = hotspot_map(grid, here, track, None, axis_turn_deg=turn_deg)["concentration_mean"]
        seen = np.isfinite(mean)
        reach = {"x": int(seen.any("y").sum()), "y": int(seen.any("x").sum())}
        assert max(reach, key=reach.get) == long_axis


def test_detection_power_may_be_an_array_or_a_function(domain, track, sources):
    grid, _ = concentration_grid(domain, track)
    x, y = np.meshgrid(grid.eastings, grid.northings)
    exact = searched(x, y)
    given = hotspot_map(grid, domain, track, sources, detection_power=exact)
    asked = hotspot_map(grid, domain, track, sources, detection_power=searched)
    np.testing.assert_array_equal(given["detection_power"], exact)
    both = np.isfinite(exact) & np.isfinite(asked["detection_power"].to_numpy())
    assert abs(asked["detection_power"].to_numpy() - exact)[both].max() < 0.1
    assert (np.isfinite(exact) == both).mean() > 0.97


def test_detection_power_is_asked_at_no_more_places_than_needed(domain, track, sources):
    asked = []

    def power(east, north):
        asked.append(east.size)
        return np.ones_like(east)

    grid = Grid(crs=domain.crs, west=domain.bounds[0], north=domain.bounds[3],
                cell_m=1.0, nx=500, ny=480)  # fmt: skip
    maps = hotspot_map(grid, domain, track, sources, detection_power=power)
    assert 8_000 < sum(asked) < 12_000
    assert (maps["detection_power"] == 1.0).all()


def test_detection_power_of_another_shape_is_refused(domain, track, sources):
    grid, _ = concentration_grid(domain, track)
    with pytest.raises(ValueError, match="detection power of shape"):
        hotspot_map(grid, domain, track, sources, detection_power=np.ones((3, 3)))


def test_outside_an_area_every_map_is_unknown(utm, track, sources):
    triangle = shapely.Polygon(CENTRE + np.array([[-90.0, -90.0], [90.0, -90.0], [0.0, 90.0]]))
    domain = Domain(crs=utm, bounds=triangle.bounds, area=triangle)
    grid, _ = concentration_grid(domain, track)
    maps = hotspot_map(grid, domain, track, sources, detection_power=searched)
    outside = ~grid.inside(triangle)
    for name in maps.data_vars:
        assert np.isnan(maps[name].to_numpy()[outside]).all()
        assert np.isfinite(maps[name].to_numpy()[~outside]).all()


def test_without_a_posterior_the_source_map_is_unknown(domain, track):
    grid, _ = concentration_grid(domain, track)
    assert np.isnan(source_map(grid, domain, None)["source_probability"]).all()


def test_a_huge_domain_gets_wide_cells_and_a_note(utm, track):
    west, south = CENTRE - 50_000.0
    domain = Domain(crs=utm, bounds=(west, south, west + 1e5, south + 1e5))
    grid, notes = concentration_grid(domain, track)
    assert grid.nx * grid.ny <= 250_000
    assert len(notes) == 1
    assert "map cells are 2" in notes[0]


def test_source_maps_of_different_cells_have_the_same_sum(domain, posterior_of, around):
    sources = locate(posterior_of(around((0.0, 0.0), 6.0)[: DRAWS // 2, None]))
    for cell_m in (0.5, 1.0, 5.0, 40.0):
        nx, ny = int(500 / cell_m), int(480 / cell_m)
        grid = Grid(crs=domain.crs, west=domain.bounds[0], north=domain.bounds[3],
                    cell_m=cell_m, nx=nx, ny=ny)  # fmt: skip
        total = float(source_map(grid, domain, sources)["source_probability"].sum())
        assert total == pytest.approx(1.0)
