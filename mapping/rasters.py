"""The HotspotMap: what was smelt, where sources are, and where one would have been noticed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import map_coordinates

from mapping.concentration_maps import (
    DEFAULT_METHOD,
    concentration_maps,
    map_dataset,
    readings_of,
)
from mapping.grid import grid_over
from mapping.hotspots import source_probability
from mapping.survey_lines import kernel_width

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from mapping.area import Domain
    from mapping.grid import Grid
    from mapping.located import Located
    from mapping.survey import Track

    FloatArray = NDArray[np.float64]
    Power = Callable[[FloatArray, FloatArray], FloatArray]

__all__ = ["concentration_grid", "hotspot_map", "source_map"]

CELLS_PER_WIDTH = 5.0
FINEST_M = 1.0
MOST_CELLS = 250_000
MOST_POWER_CELLS = 10_000


def concentration_grid(domain: Domain, track: Track) -> tuple[Grid, list[str]]:
    """Grid for a HotspotMap: an eighth of the line spacing, at least 1 m.

    Parameters
    ----------
    domain : Domain
    track : Track

    Returns
    -------
    grid : Grid
    notes : list of str
        One line if the domain is so large that its cells are wider than the kernel.
    """
    width_m = kernel_width(track.east, track.north)
    wanted = max(FINEST_M, width_m / CELLS_PER_WIDTH)
    grid, notes = grid_over(domain.bounds, wanted, crs=domain.crs, most_cells=MOST_CELLS)
    return grid, notes if grid.cell_m > width_m else []


def hotspot_map(
    grid: Grid,
    domain: Domain,
    track: Track,
    sources: Sequence[Located] | None,
    *,
    detection_power: FloatArray | Power | None = None,
    threshold: float = math.inf,
    axis_turn_deg: float = 0.0,
    method: str = DEFAULT_METHOD,
) -> xr.Dataset:
    """HotspotMap of a survey.

    Parameters
    ----------
    grid : Grid
        From `concentration_grid`.
    domain : Domain
    track : Track
    sources : sequence of Located or None
        From `locate`; None if there was too little data for a posterior.
    detection_power : ndarray, shape (ny, nx), or callable, optional
        Probability that a source of the reference rate would have been noticed, NaN where
        nobody searched; or a function of east and north, both of shape (n,) [m], that is asked
        at up to 10,000 places between which the map is bilinear.
    threshold : float
        Reading whose exceedance is mapped, in the track's unit.
    axis_turn_deg : float
        Clockwise angle from true to grid north (`convergence_deg`), to turn the wind by.
    method : str
        How concentration is mapped, a file in `mapping.interpolators`.

    Returns
    -------
    xarray.Dataset
        (y, x); cells outside the domain's area are NaN in every map.
    """
    maps = concentration_maps(
        grid,
        domain,
        readings_of(track, axis_turn_deg=axis_turn_deg),
        unit=track.unit,
        method=method,
        threshold=threshold,
    )
    inside = grid.inside(domain.area)
    columns = {
        "source_probability": (
            _sources_on(grid, domain, sources),
            "1",
            "expected number of sources in the cell",
        ),
        "detection_power": (
            _power_on(grid, detection_power),
            "1",
            "probability that a source of the reference rate here would have been noticed",
        ),
    }
    for values, _, _ in columns.values():
        values[~inside] = np.nan
    return maps.assign(map_dataset(grid, columns).data_vars)


def source_map(grid: Grid, domain: Domain, sources: Sequence[Located] | None) -> xr.Dataset:
    """Expected number of sources on a finer grid than the HotspotMap's.

    Parameters
    ----------
    grid : Grid
        From `probability_grid`.
    domain : Domain
    sources : sequence of Located or None

    Returns
    -------
    xarray.Dataset
        `source_probability` on (y, x); all NaN if they are None.
    """
    long_name = "expected number of sources in the cell"
    values = _sources_on(grid, domain, sources)
    return map_dataset(grid, {"source_probability": (values, "1", long_name)})


def _sources_on(grid: Grid, domain: Domain, sources: Sequence[Located] | None) -> FloatArray:
    if sources is None:
        return np.full(grid.shape, np.nan)
    return source_probability(sources, domain, grid)


def _power_on(grid: Grid, power: FloatArray | Power | None) -> FloatArray:
    if power is None:
        return np.full(grid.shape, np.nan)
    if not callable(power):
        if np.shape(power) != grid.shape:
            raise ValueError(f"detection power of shape {np.shape(power)} on a {grid.shape} grid")
        return np.array(power, dtype=np.float64)
    every = max(1, math.ceil(math.sqrt(grid.nx * grid.ny / MOST_POWER_CELLS)))
    columns, rows = _places(grid.nx, every), _places(grid.ny, every)
    x, y = np.meshgrid(grid.eastings[columns], grid.northings[rows])
    coarse = np.asarray(power(x.ravel(), y.ravel()), dtype=np.float64).reshape(x.shape)
    return _bilinear(coarse, rows, columns, grid.shape)


def _places(count: int, every: int) -> NDArray[np.int64]:
    """About every n-th index, first and last among them."""
    return np.unique(np.linspace(0, count - 1, (count - 2) // every + 2).round().astype(np.int64))


def _bilinear(
    coarse: FloatArray,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    shape: tuple[int, int],
) -> FloatArray:
    """Values between coarse places; NaN where the nearest of them is NaN."""
    at_row = np.interp(np.arange(shape[0]), rows, np.arange(rows.size))
    at_column = np.interp(np.arange(shape[1]), columns, np.arange(columns.size))
    places = np.meshgrid(at_row, at_column, indexing="ij")
    known = np.isfinite(coarse)
    weight = map_coordinates(known.astype(np.float64), places, order=1)
    total = map_coordinates(np.where(known, coarse, 0.0), places, order=1)
    near = coarse[np.ix_(np.rint(at_row).astype(int), np.rint(at_column).astype(int))]
    ratio = np.divide(total, weight, out=np.full(shape, np.nan), where=weight > 0)
    return np.where(np.isfinite(near), ratio, np.nan)
