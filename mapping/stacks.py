"""Kernel DM+V by height and by time: stacks of maps, each of the readings near its layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from mapping.concentration_maps import map_dataset
from mapping.interpolate import (
    CONFIDENT,
    at_nearest_cell,
    blended,
    confidence_of,
    kernel_dmvw,
    weight_beside_line,
)
from mapping.kernel_sums import kernel_precision, kernel_sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mapping.concentration import Readings
    from mapping.grid import Grid

    FloatArray = NDArray[np.float64]

__all__ = ["height_maps", "time_maps"]


def height_maps(
    grid: Grid,
    readings: Readings,
    height_m: FloatArray,
    *,
    levels_m: Sequence[float],
    width_m: float,
    height_width_m: float,
    unit: str,
    stretch_s: float = 1.0,
) -> xr.Dataset:
    """Maps at several heights: 3-D Kernel DM+V/W.

    Parameters
    ----------
    grid : Grid
    readings : Readings
        n of them.
    height_m : ndarray, shape (n,)
        Of each reading above ground [m]; one that is not finite takes no part.
    levels_m : sequence of float
        Heights to map, ascending [m].
    width_m, height_width_m : float
        Standard deviations of the kernel along the ground and upright [m], > 0.
    unit : str
        Of the readings.
    stretch_s : float
        As in `kernel_dmvw`.

    Returns
    -------
    xarray.Dataset
        `concentration_mean`, `concentration_std` and `confidence` on (height, y, x); the first
        two NaN where confidence is below one half.

    Notes
    -----
    A weight is that of `kernel_dmvw` times exp(-(height - level)**2 / (2 height_width**2));
    a residual is about the mean at the cell and level nearest to the reading.

    Asadi, Reggente, Stachniss, Plagemann & Lilienthal (2011), Statistical gas distribution
    modelling using kernel methods.
    """
    if not (width_m > 0 and height_width_m > 0):
        raise ValueError(f"kernel widths must be positive, not {width_m} and {height_width_m}")
    levels = np.asarray(levels_m, dtype=np.float64)
    known = np.isfinite(height_m)
    some, height = readings[known], height_m[known]
    away = (height - levels[:, np.newaxis]) / height_width_m
    shares = np.exp(-0.5 * away**2)
    precision = kernel_precision(
        len(some), width_m, wind=(some.eastward_wind, some.northward_wind), stretch_s=stretch_s
    )
    sure = weight_beside_line(some.east, some.north, width_m)

    def sums(values: FloatArray) -> FloatArray:
        return kernel_sums(grid, some.east, some.north, precision, values)

    weight, weighted = sums(shares), sums(shares * some.value)
    alpha = confidence_of(weight, sure)
    overall = float(some.value.mean()) if len(some) else np.nan
    mean = blended(alpha, weight, weighted, overall)
    nearest = np.abs(away).argmin(axis=0) if levels.size else np.zeros(0, dtype=np.int64)
    at_reading = np.empty(len(some))
    for layer in range(levels.size):
        here = nearest == layer
        at_reading[here] = at_nearest_cell(grid, mean[layer], some.east[here], some.north[here])
    residual = (some.value - at_reading) ** 2
    usual = float(residual.mean()) if len(some) else np.nan
    variance = blended(alpha, weight, sums(shares * residual), usual)
    unsure = alpha < CONFIDENT
    mean[unsure] = variance[unsure] = np.nan
    layers = [
        _layer(grid, mean[k], variance[k], alpha[k], unit, method="3-D Kernel DM+V/W")
        for k in range(levels.size)
    ]
    attrs = {"units": "m", "long_name": "height above ground", "positive": "up"}
    return _stacked(layers, xr.Variable("height", levels, attrs)).assign_attrs(
        kernel_width_m=width_m, kernel_height_width_m=height_width_m
    )


def time_maps(
    grid: Grid,
    readings: Readings,
    time: NDArray[np.datetime64],
    *,
    moments: NDArray[np.datetime64],
    width_m: float,
    scale_s: float,
    unit: str,
    stretch_s: float = 1.0,
    is_causal: bool = False,
) -> xr.Dataset:
    """Maps at several moments, in which readings from long before or after count less.

    Parameters
    ----------
    grid : Grid
    readings : Readings
        n of them.
    time : ndarray of datetime64, shape (n,)
        Of each reading.
    moments : ndarray of datetime64, shape (k,)
        Times to map.
    width_m : float
        Standard deviation of the kernel [m], > 0.
    scale_s : float
        Age at which a reading counts for 1/e [s], > 0.
    unit : str
        Of the readings.
    stretch_s : float
        As in `kernel_dmvw`.
    is_causal : bool
        Readings after a moment take no part, as when the map was drawn then.

    Returns
    -------
    xarray.Dataset
        `concentration_mean`, `concentration_std` and `confidence` on (time, y, x); the first two
        NaN where confidence is below one half, so ground is known for a while around its visit.

    Notes
    -----
    A weight is that of `kernel_dmvw` times exp(-age / scale).

    Asadi, Reggente, Stachniss, Plagemann & Lilienthal (2011), Statistical gas distribution
    modelling using kernel methods; there only readings before the moment, as `is_causal` has it.
    """
    if not scale_s > 0:
        raise ValueError(f"time scale must be positive, not {scale_s}")
    samples = readings.east, readings.north, readings.value
    layers = []
    for moment in moments:
        age = (moment - time) / np.timedelta64(1, "s")
        share = np.exp(-np.abs(age) / scale_s)
        if is_causal:
            share[age < 0] = 0.0
        maps = kernel_dmvw(
            grid,
            samples,
            width_m=width_m,
            wind=(readings.eastward_wind, readings.northward_wind),
            stretch_s=stretch_s,
            importance=share,
        )
        name = "TD Kernel DM+V/W"
        layers.append(_layer(grid, maps.mean, maps.variance, maps.confidence, unit, method=name))
    axis = xr.Variable("time", moments.astype("datetime64[ns]"), {"standard_name": "time"})
    return _stacked(layers, axis).assign_attrs(kernel_width_m=width_m, time_scale_s=scale_s)


def _layer(
    grid: Grid,
    mean: FloatArray,
    variance: FloatArray,
    confidence: FloatArray,
    unit: str,
    *,
    method: str,
) -> xr.Dataset:
    return map_dataset(
        grid,
        {
            "concentration_mean": (mean, unit, f"corrected reading, {method} mean"),
            "concentration_std": (np.sqrt(variance), unit, "spread of readings"),
            "confidence": (confidence, "1", "confidence, 0 far from all readings"),
        },
    )


def _stacked(layers: list[xr.Dataset], axis: xr.Variable) -> xr.Dataset:
    if not layers:
        raise ValueError("no layer to map; name at least one")
    stack = xr.concat(
        layers,
        dim=str(axis.dims[0]),
        data_vars="all",
        coords="minimal",
        compat="override",
        join="override",
        combine_attrs="override",
    )
    return stack.assign_coords({str(axis.dims[0]): axis})
