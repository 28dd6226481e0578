"""Sums of many Gaussian kernels on the cells of a grid, to a stated error, without binning."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from detection.pacing import in_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mapping.grid import Grid

    FloatArray = NDArray[np.float64]

__all__ = ["REACH", "kernel_precision", "kernel_sums"]

REACH = 6.0  # in standard deviations: exp(-6**2 / 2) = 1.5e-8 of a kernel's peak
NODES_PER_DEVIATION = 3.0
TAPS = 16  # by fours
LATTICE_STEP = 1.25


def kernel_precision(
    size: int,
    width_m: float,
    *,
    wind: tuple[FloatArray, FloatArray] | None = None,
    stretch_s: float = 1.0,
) -> FloatArray:
    """Inverse covariance of each kernel, drawn out along the wind at an unchanged area.

    Parameters
    ----------
    size : int
        Number of kernels.
    width_m : float
        Standard deviation in a calm [m], > 0.
    wind : tuple of ndarray, shape (size,), optional
        Eastward and northward on the grid's axes [m s-1]; where not finite a kernel is round.
    stretch_s : float
        Added to the deviation along the wind for each metre a second of it [s].

    Returns
    -------
    ndarray, shape (size, 3)
        xx, xy, yy [m-2].
    """
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


def kernel_sums(
    grid: Grid, east: FloatArray, north: FloatArray, precision: FloatArray, values: FloatArray
) -> FloatArray:
    """Sum over kernels of a value times exp(-d' P d / 2), at the centre of each cell.

    Parameters
    ----------
    grid : Grid
    east, north : ndarray, shape (n,)
        Centres of the kernels [m], on the grid or off it.
    precision : ndarray, shape (n, 3)
        P of each kernel: xx, xy, yy [m-2].
    values : ndarray, shape (m, n)

    Returns
    -------
    ndarray, shape (m, ny, nx)

    Notes
    -----
    A kernel is smooth, so it is summed on the coarsest lattice that resolves its narrow axis:
    10/3 nodes a standard deviation or more, never finer than the cells. Kernels of about one
    width share a lattice; it is brought to the cells by Lagrange polynomials through 16 nodes
    each way, which is off by less than 2e-8 of the peak of one kernel. Terms below 1.5e-8 of a
    peak are left out. Where kernels are narrow the lattice is the cells and nothing is
    interpolated.
    """
    values = np.ascontiguousarray(values, dtype=np.float64)
    half_trace = 0.5 * (precision[:, 0] + precision[:, 2])
    skew = np.hypot(0.5 * (precision[:, 0] - precision[:, 2]), precision[:, 1])
    cells = 1.0 / (np.sqrt(half_trace + skew) * grid.cell_m * NODES_PER_DEVIATION)
    level = np.maximum(0, np.floor(np.log(np.maximum(cells, 1.0)) / math.log(LATTICE_STEP)))
    column = (east - grid.west) / grid.cell_m - 0.5
    row = (grid.north - north) / grid.cell_m - 0.5
    in_cells = precision * np.array([1.0, -1.0, 1.0]) * grid.cell_m**2

    def of_level(one: float) -> FloatArray:
        some, sums = level == one, np.zeros((len(values), *grid.shape))
        kernels = column[some], row[some], in_cells[some], np.ascontiguousarray(values[:, some])
        if one == 0:
            _accumulate(*kernels, sums)
        else:
            _by_lattice(LATTICE_STEP**one, *kernels, sums)
        return sums

    return sum(in_order(of_level, np.unique(level)), start=np.zeros((len(values), *grid.shape)))


def _by_lattice(
    step: float,
    column: FloatArray,
    row: FloatArray,
    precision: FloatArray,
    values: FloatArray,
    sums: FloatArray,
) -> None:
    """Add to `sums` by way of nodes `step` cells apart."""
    kinds, ny, nx = sums.shape
    before = TAPS // 2 - 1
    nodes = [int((count - 1) / step) + TAPS for count in (ny, nx)]
    coarse = np.zeros((kinds, *nodes))
    _accumulate(column / step + before, row / step + before, precision * step**2, values, coarse)
    starts_y, weights_y = _lagrange(ny, step)
    starts_x, weights_x = _lagrange(nx, step)
    for kind in range(kinds):
        tall = np.zeros((nx, nodes[0]))
        _refine(np.ascontiguousarray(coarse[kind].T), starts_x, weights_x, tall)
        _refine(np.ascontiguousarray(tall.T), starts_y, weights_y, sums[kind])


def _lagrange(count: int, step: float) -> tuple[NDArray[np.int64], FloatArray]:
    """First node and the weights of `TAPS` nodes, for each of `count` cells."""
    at = np.arange(count) / step
    start = np.floor(at).astype(np.int64)
    away = (at - start)[:, np.newaxis] - (np.arange(TAPS) - (TAPS // 2 - 1))
    weights = np.ones((count, TAPS))
    for node in range(TAPS):
        for other in range(TAPS):
            if other != node:
                weights[:, node] *= away[:, other] / (node - other)
    return start, weights


@njit(cache=True, nogil=True)
def _refine(
    coarse: FloatArray, starts: NDArray[np.int64], weights: FloatArray, fine: FloatArray
) -> None:
    """Add to each row of `fine` (ny, nx) the weighted rows of `coarse` (nodes, nx)."""
    for y in range(fine.shape[0]):
        line = fine[y]
        for tap in range(0, weights.shape[1], 4):
            a, b, c, d = weights[y, tap : tap + 4]
            first = coarse[starts[y] + tap]
            second = coarse[starts[y] + tap + 1]
            third = coarse[starts[y] + tap + 2]
            fourth = coarse[starts[y] + tap + 3]
            for x in range(line.size):
                line[x] += a * first[x] + b * second[x] + c * third[x] + d * fourth[x]


@njit(cache=True, nogil=True)
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
    table, weight = np.empty(nx), np.empty(nx + 8)
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
            factor = math.exp(-a * x0)
            square = factor * factor
            weight[0] = math.exp(-0.5 * (a * x0 * x0 + across * dy * dy))
            weight[1] = weight[0] * factor
            for j in range(2, 8):
                weight[j] = weight[j - 2] * square
            eighth = square * square
            eighth *= eighth
            for j in range(8, count):
                weight[j] = weight[j - 8] * eighth
            for j in range(count):
                weight[j] *= table[j]
            for k in range(kinds):
                value = values[k, i]
                line = sums[k, y, low : low + count]
                for j in range(line.size):
                    line[j] += value * weight[j]
