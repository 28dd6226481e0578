"""Fixed sensors told by positions that repeat: several stations in one table of readings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["place_at_once", "station_of"]

SAME_DEG = 5e-6  # half a metre of latitude: less than a receiver on a moving drone stands still
FEWEST = 8  # readings of a station; fewer cannot tell its background
MOSTLY = 0.95  # of all readings at stations, or it is a flight that also hovered
APART_DEG = 5e-4  # 55 m of latitude: farther than a drone flies in the second its clock may tell
FEWEST_PLACES = 4  # at one time, that no drone made


def station_of(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.int64]:
    """Number of the fixed sensor that each reading is from.

    Parameters
    ----------
    latitude, longitude : array_like, shape (n,)
        [degrees], NaN where unknown.

    Returns
    -------
    ndarray of int, shape (n,)
        From 0 on, in order of first appearance; -1 everywhere unless nearly all readings are at
        positions that repeat eight times or more; -1 for readings that are at none of these.

    Examples
    --------
    >>> station_of([52.0, 52.1] * 9, [5.0, 5.0] * 9).tolist()[:4]
    [0, 1, 0, 1]
    >>> station_of(52.0 + 1e-4 * np.arange(9), np.full(9, 5.0)).max()
    np.int64(-1)
    """
    places, known = _known_places(latitude, longitude)
    number = np.full(places.shape[1], -1)
    if known.size == 0:
        return number
    cells = np.round(places[:, known] / SAME_DEG).astype(np.int64)
    _, first, cell, count = np.unique(
        cells, axis=1, return_index=True, return_inverse=True, return_counts=True
    )
    often = count >= FEWEST
    if often[cell.ravel()].mean() < MOSTLY:
        return number
    order = np.full(count.size, -1)
    order[np.flatnonzero(often)[np.argsort(first[often])]] = np.arange(int(often.sum()))
    number[known] = order[cell.ravel()]
    return number


def place_at_once(
    time_s: ArrayLike, latitude: ArrayLike, longitude: ArrayLike
) -> NDArray[np.int64]:
    """Number of the place of each reading, where no single sensor can have made them all.

    Parameters
    ----------
    time_s, latitude, longitude : array_like, shape (n,)
        [s], [degrees]; NaN where unknown.

    Returns
    -------
    ndarray of int, shape (n,)
        From 0 on; -1 everywhere unless, in the median over times, four places or more, some of
        them 55 m apart, read at the same time; -1 where the place is unknown.

    Examples
    --------
    >>> place_at_once([0.0] * 4 + [60.0] * 4, [52.0, 52.1, 52.2, 52.3] * 2, [5.0] * 8).tolist()
    [0, 1, 2, 3, 0, 1, 2, 3]
    >>> place_at_once(np.arange(8.0), 52.0 + 0.1 * np.arange(8), [5.0] * 8).max()
    np.int64(-1)
    """
    time = np.asarray(time_s, np.float64)
    places, known = _known_places(latitude, longitude)
    known = known[np.isfinite(time[known])]
    number = np.full(time.size, -1)
    _, moment, readings = np.unique(time[known], return_inverse=True, return_counts=True)
    if known.size == 0 or np.median(readings) < FEWEST_PLACES:
        return number
    cells = np.round(places[:, known] / SAME_DEG).astype(np.int64)
    _, cell = np.unique(cells, axis=1, return_inverse=True)
    cell = cell.ravel()
    together = np.bincount(np.unique(np.stack((moment, cell)), axis=1)[0])
    in_turn = places[:, known[np.argsort(moment, kind="stable")]]
    starts = np.cumsum(readings) - readings
    most = np.maximum.reduceat(in_turn, starts, axis=1)
    least = np.minimum.reduceat(in_turn, starts, axis=1)
    is_far = (most - least > APART_DEG).any(axis=0)
    if np.median(np.where(is_far, together, 1)) >= FEWEST_PLACES:
        number[known] = cell
    return number


def _known_places(
    latitude: ArrayLike, longitude: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Places of shape (2, n) [degrees], and which of them are known."""
    places = np.stack([np.asarray(column, np.float64) for column in (latitude, longitude)])
    return places, np.flatnonzero(np.isfinite(places).all(axis=0))
