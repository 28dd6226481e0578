"""How the maps of two surveys differ, on one grid over the ground that both cover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import rasterio
import shapely
import xarray as xr
from affine import Affine
from rasterio.warp import Resampling, reproject

from mapping.area import Domain
from mapping.grid import Grid, grid_over
from mapping.hotspots import source_probability
from mapping.located import locate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mapping.grid import Bounds

    FloatArray = NDArray[np.float64]

__all__ = ["NOT_SEARCHED", "Maps", "difference_map", "on_grid", "shared_grid"]

NOT_SEARCHED = 0.1  # detection power below which ground does not count as searched
MOST_CELLS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Maps:
    """Maps of one survey that are compared.

    Attributes
    ----------
    mean, spread : ndarray, shape (ny, nx)
        Concentration and spread of readings, NaN where not measured.
    power : ndarray, shape (py, px)
        Detection power, NaN where not searched.
    transform, power_transform : affine.Affine
        Of the upper left corner.
    crs : pyproj.CRS
    unit : str
        Of the concentration.
    posterior : xarray.Dataset
        The Posterior contract, in `crs`.
    """

    mean: FloatArray
    spread: FloatArray
    power: FloatArray
    transform: Affine
    power_transform: Affine
    crs: pyproj.CRS
    unit: str
    posterior: xr.Dataset

    @property
    def bounds(self) -> Bounds:
        """West, south, east, north of the concentration map [m]."""
        return _bounds(self.transform, self.mean.shape)


def shared_grid(before: Maps, after: Maps) -> Grid | None:
    """Grid over the ground of both surveys, cells as large as the coarser of theirs.

    Parameters
    ----------
    before, after : Maps

    Returns
    -------
    Grid or None
        In the CRS of `before`; None where they have no ground in common.
    """
    first, second = shapely.box(*before.bounds), shapely.box(*after.bounds)
    if not after.crs.equals(before.crs):
        to_first = pyproj.Transformer.from_crs(after.crs, before.crs, always_xy=True)
        corners = shapely.segmentize(second, 50.0)
        second = shapely.transform(
            corners, lambda xy: np.column_stack(to_first.transform(xy[:, 0], xy[:, 1]))
        )
    if not np.isfinite(shapely.get_coordinates(second)).all():
        return None
    common = shapely.intersection(first, second)
    if common.area <= 0:
        return None
    cell_m = max(abs(before.transform.a), abs(after.transform.a))
    grid, _ = grid_over(common.bounds, cell_m, crs=before.crs, most_cells=MOST_CELLS)
    return grid


def on_grid(values: FloatArray, transform: Affine, crs: pyproj.CRS, grid: Grid) -> FloatArray:
    """A map on another grid, bilinear; NaN where its nearest cell is.

    Parameters
    ----------
    values : ndarray, shape (ny, nx)
    transform : affine.Affine
    crs : pyproj.CRS
    grid : Grid

    Returns
    -------
    ndarray, shape of `grid`
    """
    out = {}
    for how in (Resampling.nearest, Resampling.bilinear):
        out[how] = np.full(grid.shape, np.nan)
        reproject(
            values.astype(np.float64),
            out[how],
            src_transform=transform,
            src_crs=rasterio.CRS.from_wkt(crs.to_wkt()),
            src_nodata=np.nan,
            dst_transform=grid.transform,
            dst_crs=rasterio.CRS.from_wkt(grid.crs.to_wkt()),
            dst_nodata=np.nan,
            resampling=how,
            num_threads=1,
        )
    return np.where(np.isfinite(out[Resampling.nearest]), out[Resampling.bilinear], np.nan)


def difference_map(before: Maps, after: Maps, grid: Grid) -> xr.Dataset:
    """After minus before.

    Parameters
    ----------
    before, after : Maps
        Their posteriors in the grid's CRS.
    grid : Grid
        From `shared_grid`.

    Returns
    -------
    xarray.Dataset
        `concentration_difference`, the same over the spread of both surveys' readings, and
        `source_probability_difference` (expected number of sources in a cell), on (y, x);
        NaN where either survey did not search (detection power below `NOT_SEARCHED`), and in
        the first two also where either has no reading near or the units differ.
    """
    power = [on_grid(one.power, one.power_transform, one.crs, grid) for one in (before, after)]
    searched = (power[0] >= NOT_SEARCHED) & (power[1] >= NOT_SEARCHED)
    means = [on_grid(one.mean, one.transform, one.crs, grid) for one in (before, after)]
    spreads = [on_grid(one.spread, one.transform, one.crs, grid) for one in (before, after)]
    if before.unit != after.unit:
        means[1] = np.full(grid.shape, np.nan)
    change = means[1] - means[0]
    spread = np.hypot(*spreads)
    in_spreads = np.divide(change, spread, out=np.full(grid.shape, np.nan), where=spread > 0)
    domain = Domain(crs=grid.crs, bounds=grid.bounds)
    expected = [source_probability(locate(one.posterior), domain, grid) for one in (before, after)]
    columns = {
        "concentration_difference": (change, before.unit, "concentration after minus before"),
        "concentration_difference_in_spreads": (
            in_spreads,
            "1",
            "the same over the spread of the readings of both surveys",
        ),
        "source_probability_difference": (
            expected[1] - expected[0],
            "1",
            "expected number of sources in the cell, after minus before",
        ),
    }
    return xr.Dataset(
        {
            name: (
                ("y", "x"),
                np.where(searched, values, np.nan),
                {"units": unit, "long_name": long_name},
            )
            for name, (values, unit, long_name) in columns.items()
        },
        coords={"y": ("y", grid.northings), "x": ("x", grid.eastings)},
        attrs={"crs_wkt": grid.crs.to_wkt(), "cell_m": grid.cell_m},
    )


def _bounds(transform: Affine, shape: tuple[int, ...]) -> Bounds:
    west, north = transform.c, transform.f
    east, south = west + transform.a * shape[1], north + transform.e * shape[0]
    return (min(west, east), min(south, north), max(west, east), max(south, north))
