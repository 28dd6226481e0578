"""Places where the wind is not that of the open site: behind buildings, trees, dikes."""
# mypy: allow-untyped-decorators

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sims.settings import Wake

    FloatArray = NDArray[np.float64]

__all__ = ["NO_WAKES", "wake_table", "waked", "waked_along"]

NO_WAKES: FloatArray = np.zeros((0, 5))


def wake_table(wakes: Sequence[Wake]) -> FloatArray:
    """Wakes as the kernels take them, shape (wakes, 5).

    East, north, radius [m], turn to the right [rad], and the change of speed as a fraction.
    """
    rows = [
        (one.east_m, one.north_m, one.radius_m, np.deg2rad(one.turn_deg), one.speed - 1.0)
        for one in wakes
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, 5)


@njit(cache=True)
def waked(wakes: FloatArray, east: float, north: float, u: float, v: float) -> tuple[float, float]:
    """Wind at a place once the wakes have turned and slowed it [m s-1].

    Parameters
    ----------
    wakes : ndarray, shape (wakes, 5)
        From `wake_table`.
    east, north : float
        [m].
    u, v : float
        Wind of the open site, towards east and north [m s-1].

    Returns
    -------
    u, v : float
        Turn and slowing fade with distance from the middle as a Gaussian of the wake's radius.

    Examples
    --------
    >>> from sims.settings import Wake
    >>> behind = wake_table([Wake(east_m=0.0, north_m=0.0, turn_deg=90.0, speed=0.5)])
    >>> u, v = waked(behind, 0.0, 0.0, 0.0, 4.0)  # a wind to the north turns to the east
    >>> round(u, 6), round(v, 6)
    (2.0, 0.0)
    """
    for index in range(wakes.shape[0]):
        away = (east - wakes[index, 0]) ** 2 + (north - wakes[index, 1]) ** 2
        weight = np.exp(-0.5 * away / wakes[index, 2] ** 2)
        turn = weight * wakes[index, 3]
        speed = 1.0 + weight * wakes[index, 4]
        cos, sin = np.cos(turn), np.sin(turn)
        u, v = speed * (cos * u + sin * v), speed * (cos * v - sin * u)
    return u, v


@njit(cache=True)
def waked_along(
    wakes: FloatArray, east: FloatArray, north: FloatArray, u: FloatArray, v: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """`waked` at each place of a track, arrays of shape (n,)."""
    there_u, there_v = np.empty_like(u), np.empty_like(v)
    for index in range(u.size):
        there_u[index], there_v[index] = waked(wakes, east[index], north[index], u[index], v[index])
    return there_u, there_v
