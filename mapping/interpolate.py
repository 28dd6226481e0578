"""Concentration maps from readings along a track: Kernel DM+V and its wind-stretched kin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numba import njit
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mapping.grid import Grid

    FloatArray = NDArray[np.float64]

__all__ = ["KernelMap", "kernel_dmvw", "kernel_width", "line_spacing"]

REACH = 5.3  # in kernel widths: exp(-5.3**2 / 2) < 1e-6
CONFIDENT = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelMap:
    """Maps of shape (ny, nx), NaN where confidence is below one half.

    Attributes
    ----------
    mean : ndarray
        In the unit of the readings.
    variance : ndarray
        Of readings about the mean map, in that unit squared.
    exceedance : ndarray
        Share of the weight that is of readings above the threshold, 0 to 1.
    confidence : ndarray
        0 far from all readings, to 1; never NaN.
    """

    mean: FloatArray
    variance: FloatArray
    exceedance: FloatArray
    confidence: FloatArray


def kernel_dmvw(
    grid: Grid,
    samples: tuple[FloatArray, FloatArray, FloatArray],
    *,
    width_m: float,
    wind: tuple[FloatArray, FloatArray] | None = None,
    stretch_s: float = 1.0,
    sure_weight: float | None = None,
    threshold: float = math.inf,
) -> KernelMap:
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

    Returns
    -------
    KernelMap

    Notes
    -----
    Every weight above 1e-6 of a kernel's peak is summed; nothing is binned. With weight Omega,
    confidence is alpha = 1 - exp(-(Omega / sure_weight)**2); mean and variance are blended with
    those of all readings by it. The stretched kernel is an ellipse along the wind with half
    axes width + stretch * speed and width**2 over that, so its area is that of the circle.

    Lilienthal et al., IROS 2009, doi:10.1109/IROS.2009.5354282; Reggente & Lilienthal, IEEE
    Sensors 2009, doi:10.1109/ICSENS.2009.5398498.
    """
    if not width_m > 0:
        raise ValueError(f"kernel width must be positive, not {width_m}")
    keep = np.isfinite(samples).all(axis=0)
    east, north, reading = (np.ascontiguousarray(column[keep]) for column in samples)
    if not east.size:
        empty = np.full(grid.shape, np.nan)
        return KernelMap(
            mean=empty, variance=empty, exceedance=empty, confidence=np.zeros(grid.shape)
        )
    blown = None if wind is None else (wind[0][keep], wind[1][keep])
    precision = _precision(east.size, width_m, blown, stretch_s)
    values = np.stack([np.ones(east.size), reading, reading > threshold])
    weight, weighted, above = _spread(grid, east, north, precision, values)
    if sure_weight is None:
        sure_weight = _weight_beside_line(east, north, width_m)
    alpha = -np.expm1(-((weight / sure_weight) ** 2))
    mean = _blend(alpha, weight, weighted, float(reading.mean()))
    residual = (reading - _at_nearest_cell(grid, mean, east, north)) ** 2
    (squares,) = _spread(grid, east, north, precision, residual[np.newaxis])
    variance = _blend(alpha, weight, squares, float(residual.mean()))
    unsure = alpha < CONFIDENT
    exceedance = _blend(np.ones(grid.shape), weight, above, 0.0)
    for values_ in (mean, variance, exceedance):
        values_[unsure] = np.nan
    return KernelMap(mean=mean, variance=variance, exceedance=exceedance, confidence=alpha)


def line_spacing(east: FloatArray, north: FloatArray) -> float:
    """Spacing of the even survey lines that would leave ground as far from the track [m].

    Four times the median distance to the track of the ground in its convex hull: exactly the
    spacing for parallel lines, and meaningful for any other track. NaN for a straight line.

    Parameters
    ----------
    east, north : ndarray, shape (n,)
        [m], in order; not finite is left out.

    Returns
    -------
    float
        [m].
    """
    known = np.isfinite(east) & np.isfinite(north)
    track = np.unique(np.stack([east[known], north[known]], axis=1).round(2), axis=0)
    hull = shapely.MultiPoint(track).convex_hull
    west, south, east_, north_ = hull.bounds if len(track) else (0.0, 0.0, 0.0, 0.0)
    longest = max(east_ - west, north_ - south)
    if hull.area < 0.01 * longest**2 or longest == 0:
        return math.nan
    step = math.sqrt(hull.area / 4000.0)
    x, y = np.meshgrid(np.arange(west, east_, step), np.arange(south, north_, step))
    within = shapely.contains_xy(hull, x, y)
    line = shapely.segmentize(shapely.LineString(_thinned(east[known], north[known])), step / 4)
    path = shapely.get_coordinates(line)
    distance, _ = cKDTree(path).query(np.stack([x[within], y[within]], axis=1))
    return 4.0 * float(np.median(distance))


def kernel_width(east: FloatArray, north: FloatArray) -> float:
    """Kernel width for a track: 0.6 of its line spacing, within 2..50 m; 10 m for one line.

    Parameters
    ----------
    east, north : ndarray, shape (n,)
        [m].

    Returns
    -------
    float
        [m].
    """
    spacing = line_spacing(east, north)
    return 10.0 if math.isnan(spacing) else float(np.clip(0.6 * spacing, 2.0, 50.0))


def _thinned(east: FloatArray, north: FloatArray) -> FloatArray:
    """At most some thousand corners of a track, its ends kept."""
    every = max(1, east.size // 4000)
    index = np.append(np.arange(0, east.size - 1, every), east.size - 1)
    return np.stack([east[index], north[index]], axis=1)


def _precision(
    size: int, width_m: float, wind: tuple[FloatArray, FloatArray] | None, stretch_s: float
) -> FloatArray:
    """Inverse covariance of each kernel: xx, xy, yy, shape (size, 3) [m-2]."""
    along = np.full(size, width_m)
    cos, sin = np.ones(size), np.zeros(size)
    if wind is not None:
        speed = np.hypot(*wind)
        blown = np.isfinite(speed) & (speed > 0)
        along[blown] += stretch_s * speed[blown]
        cos[blown], sin[blown] = wind[0][blown] / speed[blown], wind[1][blown] / speed[blown]
    tight, wide = along**-2.0, (along / width_m**2) ** 2
    columns = (
        tight * cos**2 + wide * sin**2,
        (tight - wide) * cos * sin,
        tight * sin**2 + wide * cos**2,
    )
    return np.stack(columns, axis=1)


def _spread(
    grid: Grid, east: FloatArray, north: FloatArray, precision: FloatArray, values: FloatArray
) -> FloatArray:
    sums = np.zeros((len(values), *grid.shape))
    _accumulate(
        (east - grid.west) / grid.cell_m - 0.5,
        (grid.north - north) / grid.cell_m - 0.5,
        precision * np.array([1.0, -1.0, 1.0]) * grid.cell_m**2,
        np.ascontiguousarray(values, dtype=np.float64),
        sums,
    )
    return sums


@njit(cache=True)
def _accumulate(
    column: FloatArray,
    row: FloatArray,
    precision: FloatArray,
    values: FloatArray,
    sums: FloatArray,
) -> None:
    """Add to `sums` (m, ny, nx) each sample's `values` (m, n) times its kernel, in cells.

    Along a row a kernel is exp(-a (x0 + j)**2 / 2) = exp(-a x0**2 / 2) exp(-a x0)**j
    exp(-a j**2 / 2): the last factor is a table, the powers are made by doubling.
    """
    kinds, ny, nx = sums.shape
    table, weight = np.empty(nx), np.empty(nx)
    for i in range(column.size):
        a, b, c = precision[i]
        across = c - b * b / a
        reach = REACH / math.sqrt(across)
        half = min(nx, int(2.0 * REACH / math.sqrt(a)) + 2)
        for j in range(half):
            table[j] = math.exp(-0.5 * a * j * j)
        first = max(0, math.ceil(row[i] - reach))
        last = min(ny - 1, math.floor(row[i] + reach))
        for y in range(first, last + 1):
            dy = y - row[i]
            left = REACH * REACH - across * dy * dy
            if left < 0.0:
                continue
            middle = column[i] - b / a * dy
            low = max(0, math.ceil(middle - math.sqrt(left / a)))
            count = min(nx - 1, math.floor(middle + math.sqrt(left / a))) - low + 1
            if count <= 0:
                continue
            x0 = low - middle
            weight[0] = math.exp(-0.5 * (a * x0 * x0 + across * dy * dy))
            factor, done = math.exp(-a * x0), 1
            while done < count:
                fresh = weight[done : min(2 * done, count)]
                for j in range(fresh.size):
                    fresh[j] = weight[j] * factor
                factor *= factor
                done *= 2
            for k in range(kinds):
                value = values[k, i]
                line = sums[k, y, low : low + count]
                for j in range(line.size):
                    line[j] += value * weight[j] * table[j]


def _weight_beside_line(east: FloatArray, north: FloatArray, width_m: float) -> float:
    step = np.hypot(np.diff(east), np.diff(north))
    step = step[step > 0]
    if not step.size:
        return 1.0
    return max(1.0, math.exp(-2.0) * math.sqrt(2.0 * math.pi) * width_m / float(np.median(step)))


def _blend(alpha: FloatArray, weight: FloatArray, sums: FloatArray, overall: float) -> FloatArray:
    ratio = np.divide(sums, weight, out=np.full(weight.shape, overall), where=weight > 0)
    return np.asarray(alpha * ratio + (1.0 - alpha) * overall)


def _at_nearest_cell(
    grid: Grid, values: FloatArray, east: FloatArray, north: FloatArray
) -> FloatArray:
    column = np.clip(((east - grid.west) / grid.cell_m).astype(np.int64), 0, grid.nx - 1)
    row = np.clip(((grid.north - north) / grid.cell_m).astype(np.int64), 0, grid.ny - 1)
    return np.asarray(values[row, column])
