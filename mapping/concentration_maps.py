"""Concentration maps as xarray, by any method: what was measured, without any inference."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from mapping.concentration import Readings
from sensors import plugins

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mapping.area import Domain
    from mapping.concentration import Interpolator
    from mapping.grid import Grid
    from mapping.survey import Track

    FloatArray = NDArray[np.float64]

__all__ = ["DEFAULT_METHOD", "INTERPOLATORS", "concentration_maps", "map_dataset", "readings_of"]

INTERPOLATORS = "mapping.interpolators"
DEFAULT_METHOD = "kernel"
_NAMES = {"kernel": "Kernel DM+V/W", "kriging": "ordinary kriging"}


def concentration_maps(
    grid: Grid,
    domain: Domain,
    readings: Readings,
    *,
    unit: str,
    method: str = DEFAULT_METHOD,
    threshold: float = math.inf,
) -> xr.Dataset:
    """Maps of what readings say of the air between them, and how well they say it.

    Parameters
    ----------
    grid : Grid
        From `mapping.rasters.concentration_grid`.
    domain : Domain
        Cells outside its area are NaN.
    readings : Readings
    unit : str
        Of the readings, as people write it.
    method : str
        A file in ``mapping/interpolators``: ``"kernel"`` or ``"kriging"``.
    threshold : float
        Reading whose exceedance is mapped, in `unit`.

    Returns
    -------
    xarray.Dataset
        `concentration_mean`, `concentration_std` and `exceedance` on (y, x), NaN where nothing
        was measured; attributes have the method, what was fitted, and scores on survey lines
        left out (``cv_…``, as `mapping.scores.Scores` has them).

    Raises
    ------
    ConfigError
        There is no such method.
    """
    fit = plugins.load(INTERPOLATORS, method).fit
    told: dict[str, str | float] = {"method": method}
    mean, variance, exceedance = np.full((3, *grid.shape), np.nan)
    if len(readings):
        fitted: Interpolator = fit(readings)
        maps = fitted.on(grid, threshold=threshold)
        mean, variance, exceedance = maps.mean, maps.variance, maps.exceedance
        told |= fitted.told | (fitted.scores.told() if fitted.scores else {})
    outside = ~grid.inside(domain.area)
    for values in (mean, variance, exceedance):
        values[outside] = np.nan
    name = _NAMES.get(method, method)
    above = f"probability of a reading above {threshold:.4g} {unit}"
    dataset = map_dataset(
        grid,
        {
            "concentration_mean": (mean, unit, f"corrected reading, {name} mean"),
            "concentration_std": (np.sqrt(variance), unit, "spread of readings"),
            "exceedance": (exceedance, "1", above),
        },
    )
    if math.isfinite(threshold):
        dataset["exceedance"].attrs["threshold"] = threshold
    return dataset.assign_attrs(told)


def readings_of(track: Track, *, axis_turn_deg: float = 0.0) -> Readings:
    """Readings of a track, its wind turned onto the grid's axes.

    Parameters
    ----------
    track : Track
    axis_turn_deg : float
        Clockwise angle from true to grid north (`mapping.grid.convergence_deg`).

    Returns
    -------
    Readings
    """
    cos, sin = math.cos(math.radians(axis_turn_deg)), math.sin(math.radians(axis_turn_deg))
    east, north = track.eastward_wind, track.northward_wind
    wind = east * cos - north * sin, east * sin + north * cos
    return Readings.of(track.east, track.north, track.reading, wind)


def map_dataset(grid: Grid, columns: dict[str, tuple[FloatArray, str, str]]) -> xr.Dataset:
    """Dataset on (y, x) of values, each with its unit and what it is.

    Parameters
    ----------
    grid : Grid
    columns : dict of name to (values, unit, long name)
        Values of shape (ny, nx).

    Returns
    -------
    xarray.Dataset
    """
    return xr.Dataset(
        {
            name: (("y", "x"), values, {"units": unit, "long_name": long_name})
            for name, (values, unit, long_name) in columns.items()
        },
        coords={
            "y": ("y", grid.northings, {"units": "m", "standard_name": "projection_y_coordinate"}),
            "x": ("x", grid.eastings, {"units": "m", "standard_name": "projection_x_coordinate"}),
        },
        attrs={"crs_wkt": grid.crs.to_wkt(), "cell_m": grid.cell_m},
    )
