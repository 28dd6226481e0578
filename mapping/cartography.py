"""Furniture of a map on projected ground: scale bar, north arrow, wind arrow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.patheffects import withStroke

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["HALO", "INK", "MUTED", "north_arrow", "round_length", "scale_bar", "wind_arrow"]

INK = "#1d2733"
MUTED = "#5d6b7a"
HALO = withStroke(linewidth=3.0, foreground="white")


def round_length(longest: float) -> float:
    """Largest of 1, 2 or 5 times a power of ten that is not above a length.

    Examples
    --------
    >>> round_length(137.0), round_length(99.0), round_length(0.3)
    (100.0, 50.0, 0.2)
    """
    power = 10.0 ** math.floor(math.log10(longest))
    return max(step for step in (power, 2 * power, 5 * power) if step <= longest)


def scale_bar(axes: Axes) -> None:
    """Draw a bar of a round length, about a fifth of the width, in the lower left."""
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    width, depth = right - left, top - bottom
    length = round_length(0.22 * width)
    x, y, thick = left + 0.035 * width, bottom + 0.035 * depth, 0.008 * depth
    for part in range(4):
        colour = INK if part % 2 == 0 else "white"
        corner = (x + part * length / 4, y)
        axes.add_patch(
            Rectangle(corner, length / 4, thick, facecolor=colour, edgecolor=INK, lw=0.8, zorder=20)
        )
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    axes.annotate(
        text,
        (x + length / 2, y + thick),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=11,
        color=INK,
        zorder=20,
        path_effects=[HALO],
    )


def north_arrow(axes: Axes, *, turn_deg: float = 0.0, height: float = 0.925) -> None:
    """Draw an arrow to true north in the upper left.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    turn_deg : float
        Angle from true to grid north, clockwise.
    height : float
        Of its middle, in shares of the map's.
    """
    _dial(axes, (0.055, height), -turn_deg, "N", colour=INK, length=0.032)


def wind_arrow(axes: Axes, *, towards_deg: float, text: str) -> None:
    """Draw an arrow the way the air goes, in the upper right, with a line of text below it.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    towards_deg : float
        Clockwise from the top of the map.
    text : str
    """
    _dial(axes, (0.92, 0.925), towards_deg, "", colour="#1f6fb2", length=0.042)
    axes.annotate(
        text,
        (0.985, 0.862),
        xycoords="axes fraction",
        ha="right",
        va="top",
        fontsize=11,
        color="#1f6fb2",
        linespacing=1.3,
        zorder=20,
        path_effects=[HALO],
    )


def _dial(
    axes: Axes,
    centre: tuple[float, float],
    bearing_deg: float,
    letter: str,
    *,
    colour: str,
    length: float,
) -> None:
    box = axes.get_window_extent()
    radius_x, radius_y = length * box.height / box.width, length
    sin, cos = math.sin(math.radians(bearing_deg)), math.cos(math.radians(bearing_deg))
    tail = (centre[0] - radius_x * sin, centre[1] - radius_y * cos)
    head = (centre[0] + radius_x * sin, centre[1] + radius_y * cos)
    arrow = FancyArrowPatch(
        tail,
        head,
        transform=axes.transAxes,
        arrowstyle="simple,head_length=11,head_width=11,tail_width=3.2",
        facecolor=colour,
        edgecolor="white",
        linewidth=1.0,
        zorder=20,
        shrinkA=0,
        shrinkB=0,
    )
    axes.add_patch(arrow)
    if letter:
        axes.annotate(
            letter,
            (centre[0] + 1.75 * radius_x * sin, centre[1] + 1.75 * radius_y * cos),
            xycoords="axes fraction",
            ha="center",
            va="center",
            fontsize=13,
            fontweight="bold",
            color=colour,
            zorder=20,
            path_effects=[HALO],
        )
