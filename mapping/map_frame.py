"""The sheet a map is drawn on: the ground it shows, its background, and its colour bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from mapping.cartography import MUTED
from mapping.grid import convergence_deg, to_geographic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure

    from mapping.survey import Survey

__all__ = ["EDGE", "GROUND", "colour_bar", "frame_map", "grid_turn_deg", "show_box"]

GROUND = "#f6f4ef"
EDGE = "#c9c4b8"
LEAST_M = 20.0


def frame_map(axes: Axes, survey: Survey, *, whole: bool) -> None:
    """Set the limits of a map, in the shape of its axes, and paint its ground.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        In their place in the figure.
    survey : Survey
    whole : bool
        Show all of the domain, not only the track and the regions of the sources told.
    """
    track = survey.track
    known = np.isfinite(track.east) & np.isfinite(track.north)
    points = np.stack([track.east[known], track.north[known]], axis=1)
    boxes = [spot.regions[0.9].bounds for spot in survey.told]
    if len(points):
        boxes.append((*points.min(axis=0), *points.max(axis=0)))
    if whole or not boxes:
        boxes.append(survey.domain.bounds)
    west, south = np.min(boxes, axis=0)[:2]
    east, north = np.max(boxes, axis=0)[2:]
    show_box(axes, (west, south, east, north), least_m=LEAST_M, margin=1.02 if whole else 1.18)


def show_box(
    axes: Axes, box: tuple[float, float, float, float], *, least_m: float, margin: float
) -> None:
    """Show a box (west, south, east, north) [m] to scale, in the middle of plain ground."""
    west, south, east, north = box
    window = axes.get_window_extent()
    shape = window.width / window.height
    depth = max(north - south, (east - west) / shape, least_m) * margin
    middle = ((west + east) / 2, (south + north) / 2)
    axes.set_xlim(middle[0] - depth * shape / 2, middle[0] + depth * shape / 2)
    axes.set_ylim(middle[1] - depth / 2, middle[1] + depth / 2)
    axes.set_aspect("equal")
    axes.set_facecolor(GROUND)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(EDGE)


def grid_turn_deg(survey: Survey) -> float:
    """Angle from true to grid north in the middle of the domain, clockwise [degrees]."""
    west, south, east, north = survey.domain.bounds
    latitude, longitude = to_geographic(
        survey.domain.crs, [(west + east) / 2], [(south + north) / 2]
    )
    return convergence_deg(survey.domain.crs, float(latitude[0]), float(longitude[0]))


def colour_bar(
    figure: Figure,
    readings: PathCollection,
    place: tuple[float, float, float, float],
    *,
    label: str,
    noise: str = "noise",
    decimal_mark: str = ".",
) -> None:
    """Draw the scale of the readings along a track.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    readings : matplotlib.collections.PathCollection
        From `mapping.track_lines.draw_track`.
    place : tuple of float
        Left, bottom, width and height in shares of the figure.
    label, noise : str
        Of the whole scale, and of its lower end.
    decimal_mark : str
    """
    axes = figure.add_axes(place)
    low, high = (float(end or 0.0) for end in readings.get_clim())
    bar = figure.colorbar(readings, cax=axes, extend="both", extendfrac=0.018)
    ticks = _ticks(low, high)
    bar.set_ticks(
        [low, *ticks],
        labels=[
            noise if low > 0 else "0",
            *(f"{tick:g}".replace(".", decimal_mark) for tick in ticks),
        ],
    )
    bar.minorticks_off()
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=10.5, labelcolor=MUTED, pad=4)
    bar.set_label(label, fontsize=11, color=MUTED, labelpad=6)


def _ticks(low: float, high: float) -> list[float]:
    """Round readings that stay apart on a square-root scale."""
    ticks: list[float] = []
    for tick in MaxNLocator(7).tick_values(low, high):
        last = ticks[-1] if ticks else low
        apart = np.sqrt(np.clip([(last - low), (tick - low)], 0.0, None) / (high - low))
        if tick <= high and apart[1] - apart[0] > 0.06:
            ticks.append(float(tick))
    return ticks
