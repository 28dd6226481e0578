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
    IndexArray = NDArray[np.int64]

__all__ = ["kernel_width", "line_spacing", "survey_lines"]

WITHOUT_LINES = 5  # stretches that a track of no lines is cut into
SAME_LINE_COSINE = math.cos(math.radians(20.0))


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
    if not len(track):
        return math.nan
    hull = shapely.LinearRing(np.resize(track, (max(len(track), 3), 2))).convex_hull
    west, south, east_, north_ = hull.bounds
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


def kernel_width(east: FloatArray, north: FloatArray, *, spacing_m: float | None = None) -> float:
    """Kernel width for a track: 0.6 of its line spacing, within 2..50 m; 10 m for one line.

    Parameters
    ----------
    east, north : ndarray, shape (n,)
        [m].
    spacing_m : float, optional
        Its `line_spacing`, if that is known already.

    Returns
    -------
    float
        [m].
    """
    spacing = line_spacing(east, north) if spacing_m is None else spacing_m
    return 10.0 if math.isnan(spacing) else float(np.clip(0.6 * spacing, 2.0, 50.0))


def survey_lines(
    east: FloatArray, north: FloatArray, *, spacing_m: float | None = None
) -> IndexArray:
    """Survey line that each reading of a track was taken on.

    Parameters
    ----------
    east, north : ndarray, shape (n,)
        Finite [m], in order of time.
    spacing_m : float, optional
        Its `line_spacing`, if that is known already.

    Returns
    -------
    ndarray of int, shape (n,)
        From 0. All zero if the track has no length.

    Notes
    -----
    The track is simplified (Douglas & Peucker 1973, doi:10.3138/FM57-6770-U75U-7727) by a quarter
    of its line spacing; straight parts longer than one and a half spacings are lines, turns belong
    half to the line before and half to the one after. Parts side by side within a third of the
    spacing are one line flown more than once. A track with fewer than three lines is cut into five
    stretches of equal length.

    Examples
    --------
    >>> x = np.array([0.0, 50.0, 100.0, 100.0, 50.0, 0.0, 0.0, 50.0, 100.0])
    >>> survey_lines(x, np.repeat([0.0, 20.0, 40.0], 3))
    array([0, 0, 0, 1, 1, 1, 2, 2, 2])
    """
    step = np.hypot(np.diff(east), np.diff(north))
    flown = np.concatenate([[0.0], np.cumsum(step)])[: east.size]
    if not east.size or not flown[-1] > 0:
        return np.zeros(east.size, dtype=np.int64)
    spacing = line_spacing(east, north) if spacing_m is None else spacing_m
    corners = _corners(east, north, 0.25 * spacing) if math.isfinite(spacing) else np.zeros(0, int)
    ends = np.stack([corners[:-1], corners[1:]], axis=1)
    straight = np.hypot(np.diff(east[corners]), np.diff(north[corners]))
    lines = ends[straight >= 1.5 * spacing]
    if len(lines):
        label = _same_line(east, north, lines, spacing)
        middle = 0.5 * (flown[lines[:-1, 1]] + flown[lines[1:, 0]])
        found = label[np.searchsorted(middle, flown, side="right")]
        if found.max() >= 2:
            return np.asarray(found, dtype=np.int64)
    share = (WITHOUT_LINES * flown / flown[-1]).astype(np.int64)
    return np.asarray(np.minimum(share, WITHOUT_LINES - 1))


def _corners(east: FloatArray, north: FloatArray, tolerance_m: float) -> IndexArray:
    """Indices of the readings at which a track turns, its ends among them."""
    every = max(1, east.size // 4000)
    index = np.unique(np.append(np.arange(0, east.size, every), east.size - 1))
    places = np.stack([east[index], north[index]], axis=1)
    kept = shapely.get_coordinates(shapely.simplify(shapely.LineString(places), tolerance_m))
    corners, after = [], 0
    for corner in kept:  # in order, so each is sought after the one before
        after += int(np.argmax((places[after:] == corner).all(axis=1)))
        corners.append(after)
    return np.asarray(index[corners], dtype=np.int64)


def _same_line(
    east: FloatArray, north: FloatArray, lines: IndexArray, spacing_m: float
) -> IndexArray:
    """Number of each straight part; parts side by side have one number."""
    start = np.stack([east[lines[:, 0]], north[lines[:, 0]]], axis=1)
    way = np.stack([east[lines[:, 1]], north[lines[:, 1]]], axis=1) - start
    length = np.hypot(*way.T)
    way /= np.maximum(length, 1e-9)[:, np.newaxis]
    label = np.arange(len(lines))
    for j in range(len(lines)):
        for i in range(j):
            away = start[j] + 0.5 * length[j] * way[j] - start[i]
            along = float(away @ way[i])
            across = abs(float(away[0] * way[i, 1] - away[1] * way[i, 0]))
            is_parallel = abs(float(way[i] @ way[j])) >= SAME_LINE_COSINE
            if is_parallel and across < spacing_m / 3.0 and 0.0 <= along <= length[i]:
                label[j] = label[i]
                break
    _, number = np.unique(label, return_inverse=True)
    return np.asarray(number, dtype=np.int64)


def _thinned(east: FloatArray, north: FloatArray) -> FloatArray:
    """At most some thousand corners of a track, its ends kept."""
    every = max(1, east.size // 4000)
    index = np.append(np.arange(0, east.size - 1, every), east.size - 1)
    return np.stack([east[index], north[index]], axis=1)
