"""Where sources are: a Posterior told as places a person can go to, and as a raster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mapping.density import credible_regions, largest_part
from mapping.grid import grid_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from mapping.area import Domain
    from mapping.grid import Grid
    from mapping.located import Located

    FloatArray = NDArray[np.float64]

__all__ = ["LEVELS", "Hotspot", "find_hotspots", "probability_grid", "source_probability"]

LEVELS = (0.5, 0.9)
COARSEST_M = 2.0
FINEST_M = 0.1
CELLS_PER_RADIUS = 5.0
WORTH_TELLING = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Hotspot:
    """One probable source.

    Attributes
    ----------
    rank : int
        1 is the most probable.
    probability : float
        Share of the draws that have this source.
    east, north : float
        Mean of the draws in the part of the 50 % region that holds most of them [m].
    height_m, rate_g_s, rate_g_s_p05, rate_g_s_p95 : float
        Median height above ground; median and 5th and 95th percentile of the emission rate.
    radius_50_m, radius_90_m : float
        Of the circles about the position that hold half and nine tenths of the draws.
    regions : dict of float to shapely geometry
        Polygon or MultiPolygon of highest density, by the share of the draws it holds.
    """

    rank: int
    probability: float
    east: float
    north: float
    height_m: float
    rate_g_s: float
    rate_g_s_p05: float
    rate_g_s_p95: float
    radius_50_m: float
    radius_90_m: float
    regions: dict[float, BaseGeometry]


def find_hotspots(sources: Sequence[Located], *, at_least: float = WORTH_TELLING) -> list[Hotspot]:
    """Sources of a Posterior as places a person can go to.

    Parameters
    ----------
    sources : sequence of Located
        From `locate`, in whose order they are told.
    at_least : float
        Probability below which a source is not told.

    Returns
    -------
    list of Hotspot
    """
    told = [one for one in sources if one.probability >= at_least]
    return [_hotspot(one, rank) for rank, one in enumerate(told, start=1)]


def probability_grid(domain: Domain, hotspots: Sequence[Hotspot]) -> tuple[Grid, list[str]]:
    """Grid fine enough for the source raster: 2 m, or a fifth of the smallest 50 % radius.

    Parameters
    ----------
    domain : Domain
    hotspots : sequence of Hotspot

    Returns
    -------
    grid : Grid
    notes : list of str
        One line if the domain is too large for that.
    """
    smallest = min((spot.radius_50_m for spot in hotspots), default=np.inf)
    cell_m = float(np.clip(smallest / CELLS_PER_RADIUS, FINEST_M, COARSEST_M))
    return grid_over(domain.bounds, cell_m, crs=domain.crs)


def source_probability(sources: Sequence[Located], domain: Domain, grid: Grid) -> FloatArray:
    """Expected number of sources in each cell.

    Parameters
    ----------
    sources : sequence of Located
        From `locate`.
    domain : Domain
    grid : Grid
        Covers the domain.

    Returns
    -------
    ndarray, shape (ny, nx)
        Sums to the expected number of sources in the domain; NaN outside its area.
    """
    inside = grid.inside(domain.area)
    expected = np.zeros(grid.shape)
    for source in sources:
        within = domain.contains(source.east, source.north)
        if within.any():
            _add(expected, inside, grid, source, within)
    expected[~inside] = np.nan
    return expected


def _add(
    expected: FloatArray,
    inside: NDArray[np.bool_],
    grid: Grid,
    source: Located,
    within: NDArray[np.bool_],
) -> None:
    """Add a source to the cells near its draws, as probable as it is within the domain."""
    density, probability = source.density, within.sum() / source.total
    columns = slice(*_span(grid.west, grid.cell_m, grid.nx, density.east[[0, -1]]))
    rows = slice(*_span(-grid.north, grid.cell_m, grid.ny, -density.north[[-1, 0]]))
    near = density.on(grid.eastings[columns], grid.northings[rows])
    near *= inside[rows, columns]
    total = near.sum()
    if total * grid.cell_m**2 > 0.1 * within.mean():
        near *= probability / total
        expected[rows, columns] += near
    else:  # cells too large to see the density between their centres, or a sliver of an area
        share = _shares(inside, grid, source.east[within], source.north[within])
        expected += probability * share


def _shares(
    inside: NDArray[np.bool_], grid: Grid, east: FloatArray, north: FloatArray
) -> FloatArray:
    """Share of draws in each cell, those beside the area in the nearest cell of it."""
    column = np.clip(((east - grid.west) / grid.cell_m).astype(np.int64), 0, grid.nx - 1)
    row = np.clip(((grid.north - north) / grid.cell_m).astype(np.int64), 0, grid.ny - 1)
    beside = ~inside[row, column]
    if beside.any() and inside.any():
        rows, columns = np.nonzero(inside)
        for k in np.flatnonzero(beside):
            nearest = np.argmin((rows - row[k]) ** 2 + (columns - column[k]) ** 2)
            row[k], column[k] = rows[nearest], columns[nearest]
    counted = np.zeros(grid.shape)
    np.add.at(counted, (row, column), 1.0)
    return counted / east.size


def _span(start: float, cell_m: float, count: int, ends: FloatArray) -> tuple[int, int]:
    low, high = (int(np.clip((end - start) // cell_m, 0, count - 1)) for end in ends)
    return low, high + 1


def _hotspot(draws: Located, rank: int) -> Hotspot:
    regions = credible_regions(draws.density, draws.east, draws.north, levels=LEVELS)
    main = largest_part(regions[0.5], draws.east, draws.north)
    east, north = float(draws.east[main].mean()), float(draws.north[main].mean())
    away = np.hypot(draws.east - east, draws.north - north)
    radius_50, radius_90 = (float(np.quantile(away, level)) for level in LEVELS)
    low, middle, high = (float(q) for q in np.quantile(draws.rate * 1e3, [0.05, 0.5, 0.95]))
    return Hotspot(
        rank=rank,
        probability=draws.probability,
        east=east,
        north=north,
        height_m=float(np.median(draws.height)),
        rate_g_s=middle,
        rate_g_s_p05=low,
        rate_g_s_p95=high,
        radius_50_m=radius_50,
        radius_90_m=radius_90,
        regions=regions,
    )
