"""Survey lines of a track: how far apart they are, and which reading was taken on which."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["kernel_width", "line_spacing"]


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
