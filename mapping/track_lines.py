"""The track on a map, coloured by its readings, in few lines however many readings there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.path import Path

from mapping.cartography import MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from mapping.survey import Track

    FloatArray = NDArray[np.float64]

__all__ = ["READING", "draw_plain_track", "draw_track", "reading_scale"]

# low readings fade into the ground, high ones are dark: magma's steps, from light to dark
READING = LinearSegmentedColormap.from_list(
    "reading", ["#d9cfc3", "#f7b37c", "#f1605d", "#b5367a", "#641a80", "#1d1147"]
)
UNREAD = "#b9b2a6"
GAP_STEPS = 8.0
MOST_PIECES = 3000
SHADES = 64  # of the colours, so near each other that the eye takes them for all


def draw_track(axes: Axes, track: Track) -> PathCollection | None:
    """Track coloured by reading, the highest on top; a thin line where nothing was read.

    Returns
    -------
    matplotlib.collections.PathCollection or None
        What a colour bar explains; None if there is nothing to explain.
    """
    place, reading = _for_the_eye(track)
    if len(place) < 2:
        _draw_point(axes, place)
        return None
    whole = _whole_pieces(place)
    _draw_line(axes, place, whole, color=UNREAD, width=0.8, zorder=3)
    value = 0.5 * (reading[:-1] + reading[1:])
    drawn = np.flatnonzero(whole & np.isfinite(value))
    if not drawn.size:
        return None
    norm = reading_scale(track)
    share = np.asarray(norm(value), dtype=np.float64)
    shade = np.minimum((share[drawn] * SHADES).astype(np.int64), SHADES - 1)
    groups = [drawn[shade == one] for one in np.unique(shade)]
    lines = PathCollection(
        [_path_along(place, group) for group in groups],
        array=[value[group].mean() for group in groups],
        cmap=READING,
        norm=norm,
        facecolors="none",
        linewidths=[2.0 + 3.6 * share[group].mean() for group in groups],
        capstyle="round",
        joinstyle="round",
        zorder=4,
    )
    axes.add_collection(lines)
    return lines


def draw_plain_track(
    axes: Axes, track: Track, *, color: str, alpha: float, width: float, zorder: float
) -> None:
    """The track as one line, whatever was read."""
    place, _ = _for_the_eye(track)
    if len(place) < 2:
        _draw_point(axes, place)
        return
    whole = _whole_pieces(place)
    _draw_line(axes, place, whole, color=color, width=width, zorder=zorder, alpha=alpha)


def reading_scale(track: Track) -> PowerNorm:
    """Square-root scale from twice the noise, which is judged by readings below zero."""
    _, reading = _for_the_eye(track)
    known = reading[np.isfinite(reading)]
    below = known[known < 0]
    noise = float(np.sqrt(np.mean(below**2))) if below.size else 0.0
    top = float(np.quantile(known, 0.998)) if known.size else 0.0
    return PowerNorm(0.5, vmin=2.0 * noise, vmax=max(top, 12.0 * noise) or 1.0, clip=True)


def _for_the_eye(track: Track) -> tuple[FloatArray, FloatArray]:
    """Places and mean readings of runs of samples, as many as a picture can show."""
    known = np.isfinite(track.east) & np.isfinite(track.north)
    place = np.stack([track.east[known], track.north[known]], axis=1)
    reading = track.reading[known]
    run = -(-len(place) // MOST_PIECES)
    if run <= 1:
        return place, reading
    starts = np.arange(0, len(place), run)
    read = np.isfinite(reading)
    total = np.add.reduceat(np.where(read, reading, 0.0), starts)
    count = np.add.reduceat(read.astype(np.float64), starts)
    mean = np.divide(total, count, out=np.full(starts.size, np.nan), where=count > 0)
    return place[starts], mean


def _whole_pieces(place: FloatArray) -> NDArray[np.bool_]:
    """Which pieces from one place to the next are no gap, shape (n - 1,)."""
    length = np.hypot(*np.diff(place, axis=0).T)
    usual = np.median(length[length > 0]) if (length > 0).any() else 1.0
    return np.asarray(length <= max(GAP_STEPS * usual, 5.0))


def _draw_point(axes: Axes, place: FloatArray) -> None:
    axes.plot(place[:, 0], place[:, 1], "o", color=MUTED, ms=5, zorder=4)


def _draw_line(
    axes: Axes,
    place: FloatArray,
    whole: NDArray[np.bool_],
    *,
    color: str,
    width: float,
    zorder: float,
    alpha: float = 1.0,
) -> None:
    pieces = np.flatnonzero(whole)
    if pieces.size:
        line = PathCollection(
            [_path_along(place, pieces)],
            facecolors="none",
            edgecolors=color,
            linewidths=width,
            joinstyle="round",
            alpha=alpha,
            zorder=zorder,
        )
        axes.add_collection(line)


def _path_along(place: FloatArray, pieces: NDArray[np.int64]) -> Path:
    """Pieces k from place k to place k + 1, ascending, as one path that is lifted between them."""
    is_last = np.append(np.diff(pieces) > 1, True)
    is_first = np.append(True, is_last[:-1])
    ends = np.flatnonzero(is_last) + 1
    index = np.insert(pieces, ends, pieces[is_last] + 1)
    codes = np.insert(np.where(is_first, Path.MOVETO, Path.LINETO), ends, Path.LINETO)
    return Path(place[index], codes.astype(Path.code_type))
