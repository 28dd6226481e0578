"""Values of a series at other times: linear between neighbours, never across a long gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

__all__ = ["Bracket", "bracket", "longitudes_between", "series_at", "values_between", "wrapped"]


class Bracket(NamedTuple):
    """Where wanted times lie among known ones, shape (n,).

    `before` and `after` index the known series and `weight` is the share of `after`;
    `is_exact` marks times the series has itself, `is_within` those it can answer for.
    """

    before: IntArray
    after: IntArray
    weight: FloatArray
    is_exact: BoolArray
    is_within: BoolArray


def bracket(known_ns: IntArray, wanted_ns: IntArray, *, max_gap_s: float) -> Bracket:
    """Neighbours of each wanted time in a sorted series.

    Parameters
    ----------
    known_ns : ndarray of int64, shape (m,)
        Ascending; may be empty.
    wanted_ns : ndarray of int64, shape (n,)
    max_gap_s : float
        Neighbours further apart than this [s] answer for nothing between them.

    Returns
    -------
    Bracket

    Examples
    --------
    >>> known = np.array([0, 1, 9]) * 1_000_000_000
    >>> wanted = np.array([-1, 0.25, 1, 5]) * 1e9
    >>> found = bracket(known, wanted.astype(np.int64), max_gap_s=2.0)
    >>> found.weight[1], found.is_exact.tolist(), found.is_within.tolist()
    (np.float64(0.25), [False, False, True, False], [False, True, True, False])
    """
    if known_ns.size == 0:
        nothing = np.zeros(wanted_ns.shape, np.bool_)
        zeros = np.zeros(wanted_ns.shape, np.int64)
        return Bracket(zeros, zeros, np.zeros(wanted_ns.shape), nothing, nothing)
    last = known_ns.size - 1
    at_or_after = np.searchsorted(known_ns, wanted_ns, side="left")
    after = np.minimum(at_or_after, last)
    is_exact = (at_or_after <= last) & (known_ns[after] == wanted_ns)
    before = np.where(is_exact, after, np.maximum(at_or_after - 1, 0))
    span = known_ns[after] - known_ns[before]
    passed = wanted_ns - known_ns[before]
    weight = np.divide(passed, span, out=np.zeros(wanted_ns.shape), where=span > 0)
    is_between = (at_or_after > 0) & (at_or_after <= last)
    is_within = is_exact | (is_between & (span <= max_gap_s * 1e9))
    return Bracket(before, after, weight, is_exact, is_within)


def values_between(found: Bracket, values: FloatArray) -> FloatArray:
    """Linear interpolation; NaN where the series cannot answer."""
    return _between(found, values, lambda start, end: end - start)


def longitudes_between(found: Bracket, longitude: FloatArray) -> FloatArray:
    """Linear interpolation of longitudes the short way round, in [-180, 180).

    Examples
    --------
    >>> found = bracket(np.array([0, 2]), np.array([1]), max_gap_s=1.0)
    >>> longitudes_between(found, np.array([179.0, -179.0]))
    array([-180.])
    """
    return wrapped(_between(found, longitude, lambda start, end: wrapped(end - start)))


def wrapped(degrees: FloatArray) -> FloatArray:
    """Angles in [-180, 180), those already there untouched [degree]."""
    is_inside = (degrees >= -180.0) & (degrees < 180.0)
    return np.where(is_inside, degrees, (degrees + 180.0) % 360.0 - 180.0)


def series_at(
    known_ns: IntArray, values: FloatArray, wanted_ns: IntArray, *, max_gap_s: float
) -> FloatArray:
    """Values of a series, NaN in it left out, at other times.

    Parameters
    ----------
    known_ns : ndarray of int64, shape (m,)
        In any order; of equal times the first value counts.
    values : ndarray, shape (m,)
    wanted_ns : ndarray of int64, shape (n,)
    max_gap_s : float
        [s].

    Returns
    -------
    ndarray, shape (n,)
        NaN outside the series and in gaps longer than `max_gap_s`.
    """
    is_known = np.isfinite(values)
    times, first = np.unique(known_ns[is_known], return_index=True)
    found = bracket(times, wanted_ns, max_gap_s=max_gap_s)
    return values_between(found, values[is_known][first])


def _between(
    found: Bracket, values: FloatArray, difference: Callable[[FloatArray, FloatArray], FloatArray]
) -> FloatArray:
    if values.size == 0:
        return np.full(found.weight.shape, np.nan)
    start, end = values[found.before], values[found.after]
    # at an exact time start and end are one: the value itself
    return np.where(found.is_within, start + found.weight * difference(start, end), np.nan)
