"""Gaussians added to the active cells of a lattice: what a footprint's time is spent on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["CUTOFF", "scatter"]

CUTOFF = 3.2  # standard deviations beyond which a Gaussian is taken as nothing


@njit(cache=True, nogil=True, error_model="numpy")
def scatter(
    kernel: NDArray[np.float32],
    index: NDArray[np.int32],
    corner: FloatArray,
    when: FloatArray,
    east: FloatArray,
    north: FloatArray,
    level: FloatArray,
    air_east: FloatArray,
    air_north: FloatArray,
    ages: FloatArray,
    sigma: FloatArray,
    height: FloatArray,
    fraction: FloatArray,
    turn: FloatArray,
) -> None:
    """Add every age's Gaussian of every reading to the active cells it reaches.

    Lengths are in cells, times in steps of the air's path.

    Parameters
    ----------
    kernel : ndarray of float32, shape (n, m)
        Added to.
    index : ndarray of int32, shape (ny, nx)
        Of a lattice.
    corner : ndarray, shape (2,)
        East and north of its first cell's centre.
    when, east, north, level : ndarray, shape (n,)
        Time and place of each reading; height among the levels of `fraction`.
    air_east, air_north : ndarray
        Displacement of the air at each step.
    ages, sigma : ndarray, shape (k,)
        Of gas, and its horizontal spread by then.
    height : ndarray, shape (n, k)
        Of each Gaussian; 0 where there is none.
    fraction : ndarray, shape (levels, k)
        Share of the air's displacement that gas has gone.
    turn : ndarray, shape (2,)
        Cosine and sine of the angle to turn displacements by.
    """
    runs = _runs(index)
    if runs.shape[0] == 0:
        return
    west_most, east_most = runs[:, 1].min(), runs[:, 2].max()
    south_most, north_most = runs[0, 0], runs[-1, 0]
    row_starts = np.searchsorted(runs[:, 0], np.arange(index.shape[0] + 1))
    across = np.empty(index.shape[1])
    step = 1.0 / sigma
    bend = np.exp(-(step**2))
    for i in range(when.size):
        floor = min(int(level[i]), fraction.shape[0] - 2)
        part = level[i] - floor
        here_east = _at(air_east, when[i])
        here_north = _at(air_north, when[i])
        for k in range(ages.size):
            if height[i, k] == 0.0:
                continue
            back_east = here_east - _at(air_east, when[i] - ages[k])
            back_north = here_north - _at(air_north, when[i] - ages[k])
            share = (1.0 - part) * fraction[floor, k] + part * fraction[floor + 1, k]
            x = east[i] - share * (turn[0] * back_east - turn[1] * back_north) - corner[0]
            y = north[i] - share * (turn[1] * back_east + turn[0] * back_north) - corner[1]
            reach = CUTOFF * sigma[k]
            first_column = max(west_most, int(np.ceil(x - reach)))
            last_column = min(east_most, int(np.floor(x + reach)))
            first_row = max(south_most, int(np.ceil(y - reach)))
            last_row = min(north_most, int(np.floor(y + reach)))
            if first_column > last_column or first_row > last_row:
                continue
            # neighbours on a Gaussian have a ratio, and neighbouring ratios a constant one
            offset = (first_column - x) * step[k]
            value = np.exp(-0.5 * offset * offset)
            ratio = np.exp(-step[k] * (offset + 0.5 * step[k]))
            for column in range(first_column, last_column + 1):
                across[column] = value
                value *= ratio
                ratio *= bend[k]
            offset = (first_row - y) * step[k]
            value = height[i, k] * np.exp(-0.5 * offset * offset)
            ratio = np.exp(-step[k] * (offset + 0.5 * step[k]))
            for row in range(first_row, last_row + 1):
                for run in range(row_starts[row], row_starts[row + 1]):
                    low, high = max(first_column, runs[run, 1]), min(last_column, runs[run, 2])
                    if low <= high:
                        first = runs[run, 3] + low - runs[run, 1]
                        target = kernel[i, first : first + high - low + 1]
                        source = across[low : high + 1]
                        for column in range(target.size):
                            target[column] += np.float32(value * source[column])
                value *= ratio
                ratio *= bend[k]


@njit(cache=True, nogil=True)
def _runs(index: NDArray[np.int32]) -> NDArray[np.int64]:
    """Stretches of neighbouring active cells: row, first and last column, number of the first."""
    rows, columns = index.shape
    runs = np.empty((index.size, 4), dtype=np.int64)
    count = 0
    for row in range(rows):
        for column in range(columns):
            if index[row, column] < 0:
                continue
            if column == 0 or index[row, column - 1] < 0:
                runs[count, 0], runs[count, 1] = row, column
                runs[count, 3] = index[row, column]
                count += 1
            runs[count - 1, 2] = column
    return runs[:count]


@njit(cache=True, nogil=True)
def _at(series: FloatArray, position: float) -> float:
    """Linear interpolation in an evenly spaced series, held at its ends."""
    if position <= 0.0:
        value = series[0] + (series[1] - series[0]) * position
    elif position >= series.size - 1:
        value = series[-1]
    else:
        low = int(position)
        value = series[low] + (series[low + 1] - series[low]) * (position - low)
    return float(value)
