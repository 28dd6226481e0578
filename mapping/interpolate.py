"""Concentration maps from readings along a track: Kernel DM+V and its wind-stretched kin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mapping.concentration import ConcentrationMap
from mapping.kernel_sums import kernel_precision, kernel_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mapping.grid import Grid

    FloatArray = NDArray[np.float64]

__all__ = [
    "CONFIDENT",
    "at_nearest_cell",
    "blended",
    "confidence_of",
    "kernel_dmvw",
    "map_confidence",
    "weight_beside_line",
]

CONFIDENT = 0.5


def kernel_dmvw(
    grid: Grid,
    samples: tuple[FloatArray, FloatArray, FloatArray],
    *,
    width_m: float,
    wind: tuple[FloatArray, FloatArray] | None = None,
    stretch_s: float = 1.0,
    sure_weight: float | None = None,
    threshold: float = math.inf,
    importance: FloatArray | None = None,
) -> ConcentrationMap:
    """Mean, variance and confidence of concentration, each reading spread by a Gaussian.

    Parameters
    ----------
    grid : Grid
    samples : tuple of ndarray, shape (n,)
        East, north [m] and reading; where one is not finite the sample is left out.
    width_m : float
        Standard deviation of the kernel [m], > 0.
    wind : tuple of ndarray, shape (n,), optional
        Eastward and northward wind on the grid's axes [m s-1], for DM+V/W; where it is not
        finite the kernel stays round.
    stretch_s : float
        How far a kernel is drawn out per metre a second of wind [s].
    sure_weight : float, optional
        Weight at which confidence is 1 - 1/e; a sample on the spot weighs 1. By default the
        weight two widths beside a straight line sampled like this track, at least 1.
    threshold : float
        For `exceedance`, in the unit of the readings.
    importance : ndarray, shape (n,), optional
        Factor on the weight of each sample, 0 to 1: by age or height (`mapping.stacks`).

    Returns
    -------
    ConcentrationMap

    Notes
    -----
    Every weight above 2e-8 of a kernel's peak is summed (`kernel_sums`); nothing is binned. With
    weight Omega, confidence is alpha = 1 - exp(-(Omega / sure_weight)**2); mean and variance are
    blended with those of all readings by it. The stretched kernel is an ellipse along the wind
    with half axes width + stretch * speed and width**2 over that, so its area is that of the
    circle. `exceedance` is the share of the weight that is of readings above the threshold.

    Lilienthal et al., IROS 2009, doi:10.1109/IROS.2009.5354282; Reggente & Lilienthal, IEEE
    Sensors 2009, doi:10.1109/ICSENS.2009.5398498.
    """
    if not width_m > 0:
        raise ValueError(f"kernel width must be positive, not {width_m}")
    keep = np.isfinite(samples).all(axis=0)
    east, north, reading = (np.ascontiguousarray(column[keep]) for column in samples)
    share = np.ones(east.size) if importance is None else importance[keep]
    if not share.any():
        empty = np.full(grid.shape, np.nan)
        return ConcentrationMap(
            mean=empty, variance=empty, exceedance=empty, confidence=np.zeros(grid.shape)
        )
    blown = None if wind is None else (wind[0][keep], wind[1][keep])
    precision = kernel_precision(east.size, width_m, wind=blown, stretch_s=stretch_s)
    columns = [share, share * reading]
    if math.isfinite(threshold):
        columns.append(share * (reading > threshold))
    weight, weighted, *above = kernel_sums(grid, east, north, precision, np.stack(columns))
    sure = weight_beside_line(east, north, width_m) if sure_weight is None else sure_weight
    alpha = confidence_of(weight, sure)
    mean = blended(alpha, weight, weighted, float(np.average(reading, weights=share)))
    residual = (reading - at_nearest_cell(grid, mean, east, north)) ** 2
    values = (share * residual)[np.newaxis]
    (squares,) = kernel_sums(grid, east, north, precision, values)
    variance = blended(alpha, weight, squares, float(np.average(residual, weights=share)))
    beyond = above[0] if above else np.full(grid.shape, float(threshold < 0)) * weight
    exceedance = np.clip(blended(np.ones(grid.shape), weight, beyond, 0.0), 0.0, 1.0)
    unsure = alpha < CONFIDENT
    for values_ in (mean, variance, exceedance):
        values_[unsure] = np.nan
    return ConcentrationMap(mean=mean, variance=variance, exceedance=exceedance, confidence=alpha)


def confidence_of(weight: FloatArray, sure_weight: float) -> FloatArray:
    """Confidence in a mean with a total weight, 0 to 1."""
    return np.asarray(-np.expm1(-((weight / sure_weight) ** 2)))


def map_confidence(
    grid: Grid, east: FloatArray, north: FloatArray, *, width_m: float
) -> FloatArray:
    """Confidence of the Kernel DM+V map of a track, shape (ny, nx)."""
    precision = kernel_precision(east.size, width_m)
    (weight,) = kernel_sums(grid, east, north, precision, np.ones((1, east.size)))
    return confidence_of(weight, weight_beside_line(east, north, width_m))


def blended(alpha: FloatArray, weight: FloatArray, sums: FloatArray, overall: float) -> FloatArray:
    """Weighted mean where confidence is one, the overall mean where it is none."""
    ratio = np.divide(sums, weight, out=np.full(weight.shape, overall), where=weight > 0)
    return np.asarray(alpha * ratio + (1.0 - alpha) * overall)


def weight_beside_line(east: FloatArray, north: FloatArray, width_m: float) -> float:
    """Weight two widths beside a straight line sampled like a track, at least 1."""
    step = np.hypot(np.diff(east), np.diff(north))
    step = step[step > 0]
    if not step.size:
        return 1.0
    return max(1.0, math.exp(-2.0) * math.sqrt(2.0 * math.pi) * width_m / float(np.median(step)))


def at_nearest_cell(
    grid: Grid, values: FloatArray, east: FloatArray, north: FloatArray
) -> FloatArray:
    """Value of the cell at each place, or of the cell at the edge nearest to it."""
    column = np.clip(((east - grid.west) / grid.cell_m).astype(np.int64), 0, grid.nx - 1)
    row = np.clip(((grid.north - north) / grid.cell_m).astype(np.int64), 0, grid.ny - 1)
    return np.asarray(values[row, column])
