"""Ordinary kriging of groups of places, each from the data near it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from mapping.variogram import correlation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IndexArray = NDArray[np.int64]

__all__ = ["average_in_blocks", "krige"]

LEAST_NOISE = 1e-11  # of the sill: keeps readings on one spot from making a system singular


def average_in_blocks(
    east: FloatArray, north: FloatArray, value: FloatArray, *, side_m: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Means of place and reading in squares, and of how many readings each is.

    Parameters
    ----------
    east, north, value : ndarray, shape (n,)
        [m], and readings.
    side_m : float
        0 joins only readings on one spot.

    Returns
    -------
    east, north, value, count : ndarray, shape (k,)
        In an order that does not depend on that of the readings.
    """
    places = np.stack([east, north], axis=1)
    squares = np.floor(places / side_m) if side_m > 0 else places
    _, block, count = np.unique(squares, axis=0, return_inverse=True, return_counts=True)
    block = block.ravel()
    means = [np.bincount(block, weights=column) / count for column in (east, north, value)]
    return means[0], means[1], means[2], count.astype(np.float64)


@njit(cache=True)
def krige(
    data: FloatArray,
    near: IndexArray,
    places: FloatArray,
    groups: IndexArray,
    model: int,
    sill: float,
    range_m: float,
    result: FloatArray,
) -> None:
    """Write the mean and its estimation variance at each place to `result` (2, m).

    `data` (4, k) are east, north, value and variance of noise; group g of places is those from
    ``groups[g]`` to ``groups[g + 1]`` of `places` (2, m) and sees the data in ``near[g]``, or all
    groups those in ``near[0]`` if there is one row only.

    With K = U'U, a = U'^-1 z, o = U'^-1 1 and v = U'^-1 k, the mean is b + v'(a - b o) with
    b = o'a / o'o, and the variance sill - v'v + (1 - v'o)**2 / o'o.
    """
    size, last_group = near.shape[1], groups.size - 1
    widest = 0
    for g in range(last_group):
        widest = max(widest, groups[g + 1] - groups[g])
    K = np.empty((size, size))
    rows = np.empty((size, widest + 2))
    for g in range(last_group):
        first, last = groups[g], groups[g + 1]
        count = last - first
        if count == 0:
            continue
        here = near[min(g, near.shape[0] - 1)]
        if g == 0 or near.shape[0] > 1:
            _covariances(data, here, model, sill, range_m, K)
            _factor(K)
        _right_sides(data, here, places[:, first:last], model, sill, range_m, rows)
        _forward(K, rows[:, : count + 2])
        ones = rows[:, count]
        values = rows[:, count + 1]
        oo, oa = 0.0, 0.0
        for i in range(size):
            oo += ones[i] * ones[i]
            oa += ones[i] * values[i]
        mean = oa / oo
        explained = np.zeros(count)
        of_mean = np.zeros(count)
        total = np.full(count, mean)
        for i in range(size):
            row = rows[i, :count]
            left = values[i] - mean * ones[i]
            for t in range(count):
                total[t] += row[t] * left
                explained[t] += row[t] * row[t]
                of_mean[t] += row[t] * ones[i]
        for t in range(count):
            result[0, first + t] = total[t]
            variance = sill - explained[t] + (1.0 - of_mean[t]) ** 2 / oo
            result[1, first + t] = max(0.0, variance)


@njit(cache=True)
def _covariances(
    data: FloatArray, near: IndexArray, model: int, sill: float, range_m: float, K: FloatArray
) -> None:
    """Covariances among data, in the upper half."""
    for i in range(near.size):
        x, y = data[0, near[i]], data[1, near[i]]
        K[i, i] = sill + data[3, near[i]] + LEAST_NOISE * sill
        for j in range(i + 1, near.size):
            away = math.hypot(data[0, near[j]] - x, data[1, near[j]] - y)
            K[i, j] = sill * correlation(model, away / range_m)


@njit(cache=True)
def _right_sides(
    data: FloatArray,
    near: IndexArray,
    places: FloatArray,
    model: int,
    sill: float,
    range_m: float,
    rows: FloatArray,
) -> None:
    """Covariances of data with places, then ones, then values."""
    count = places.shape[1]
    for i in range(near.size):
        x, y = data[0, near[i]], data[1, near[i]]
        for t in range(count):
            away = math.sqrt((places[0, t] - x) ** 2 + (places[1, t] - y) ** 2)
            rows[i, t] = sill * correlation(model, away / range_m)
        rows[i, count] = 1.0
        rows[i, count + 1] = data[2, near[i]]


@njit(cache=True)
def _factor(K: FloatArray) -> None:
    """Upper Cholesky factor, in place of the upper half."""
    size = K.shape[0]
    for k in range(size):
        pivot = 1.0 / math.sqrt(K[k, k])
        top = K[k]
        for j in range(k, size):
            top[j] *= pivot
        for i in range(k + 1, size):
            factor = top[i]
            row = K[i, i:]
            right = top[i:]
            for j in range(row.size):
                row[j] -= factor * right[j]


@njit(cache=True)
def _forward(U: FloatArray, rows: FloatArray) -> None:
    """Solve U'x = rows in place."""
    size, count = rows.shape
    for k in range(size):
        top = rows[k]
        pivot = 1.0 / U[k, k]
        for t in range(count):
            top[t] *= pivot
        for i in range(k + 1, size):
            factor = U[k, i]
            row = rows[i]
            for t in range(count):
                row[t] -= factor * top[t]
