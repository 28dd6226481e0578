"""Fixed sensors told by positions that repeat: several stations in one table of readings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["station_of"]

SAME_DEG = 5e-6  # half a metre of latitude: less than a receiver on a moving drone stands still
FEWEST = 8  # readings of a station; fewer cannot tell its background
MOSTLY = 0.95  # of all readings at stations, or it is a flight that also hovered


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
    places = np.stack([np.asarray(column, np.float64) for column in (latitude, longitude)])
    number = np.full(places.shape[1], -1)
    known = np.flatnonzero(np.isfinite(places).all(axis=0))
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
