"""Layers of the picture: concentration, searched ground, track, wind, sources."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

import numpy as np
import shapely
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from mapping.cartography import HALO, INK, MUTED
from mapping.track_lines import READING, reading_scale

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from mapping.hotspots import Hotspot
    from mapping.survey import Survey, Track

    FloatArray = NDArray[np.float64]

__all__ = [
    "AIR",
    "SEARCHED",
    "SOURCE",
    "draw_concentration",
    "draw_domain",
    "draw_known",
    "draw_searched",
    "draw_sources",
    "draw_wind",
    "known_mark",
]

SOURCE = "#0072b2"
AIR = "#3d5a73"
KNOWN = "#e69f00"
FEW_KNOWN = 8
LONGEST_NAME = 25
SEARCHED = {0.2: "#e3ecdf", 0.5: "#c4d9bf", 0.9: "#9fc29b"}
FAINT = 0.38


def _fading_in(colours: Colormap, opacity: float) -> ListedColormap:
    """The same colours, clear at 0 and soon of an opacity."""
    share = np.linspace(0.0, 1.0, 256)
    rgba = colours(share)
    rgba[:, 3] = np.clip(1.6 * share, 0.0, opacity)
    return ListedColormap(rgba)


FAINT_READING = _fading_in(READING, FAINT)
WIND_ARROWS = 24


def _extent(survey: Survey) -> tuple[float, float, float, float]:
    cell = float(survey.maps.attrs["cell_m"]) / 2
    x, y = survey.maps["x"].to_numpy(), survey.maps["y"].to_numpy()
    return x[0] - cell, x[-1] + cell, y[-1] - cell, y[0] + cell


def draw_concentration(axes: Axes, survey: Survey) -> None:
    """Concentration map, faint."""
    norm = reading_scale(survey.track)
    share = np.nan_to_num(np.asarray(norm(survey.maps["concentration_mean"].to_numpy())))
    axes.imshow(
        share.astype(np.float32),
        cmap=FAINT_READING,
        vmin=0.0,
        vmax=1.0,
        extent=_extent(survey),
        interpolation="bilinear",
        interpolation_stage="data",  # a third of the time that colours take
        zorder=1,
        aspect="equal",
    )


def draw_searched(axes: Axes, survey: Survey) -> None:
    """Ground on which a source would have been noticed, in steps of detection power."""
    power = survey.maps["detection_power"]
    if not np.isfinite(power.to_numpy()).any():
        return
    filled = np.nan_to_num(power.to_numpy())
    axes.contourf(
        power["x"].to_numpy(),
        power["y"].to_numpy(),
        filled,
        levels=[*SEARCHED, 1.01],
        colors=list(SEARCHED.values()),
        zorder=1,
    )
    axes.contour(
        power["x"].to_numpy(),
        power["y"].to_numpy(),
        filled,
        levels=[0.5],
        colors=["#4f8457"],
        linewidths=1.2,
        zorder=2,
    )


def draw_sources(
    axes: Axes, survey: Survey, *, name: Callable[[Hotspot], str] | None = None
) -> None:
    """Position and credible regions of each source told, named by rank or by `name`."""
    for spot in survey.told:
        _outline(axes, spot.regions[0.9], linestyle=(0, (4, 2)), fill=0.10)
        _outline(axes, spot.regions[0.5], linestyle="solid", fill=0.22)
        axes.plot(spot.east, spot.north, "+", ms=12, mew=4.5, color="white", zorder=12)
        axes.plot(spot.east, spot.north, "+", ms=11, mew=2.2, color=SOURCE, zorder=13)
        text = f"source {spot.rank}" if len(survey.told) > 1 else "source"
        text = text if name is None else name(spot)
        axes.annotate(
            text,
            (spot.east, _top(spot)),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=13,
            fontweight="bold",
            color=SOURCE,
            zorder=14,
            path_effects=[HALO],
        )


def draw_known(axes: Axes, survey: Survey, *, name: Callable[[str], str] | None = None) -> None:
    """Mark known emitters inside the sheet, with what `name` makes of their names if few."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    shown = [
        one.emitter
        for one in survey.known
        if left <= one.emitter.east <= right and bottom <= one.emitter.north <= top
    ]
    for emitter in shown:
        axes.add_line(known_mark(emitter.east, emitter.north))
        if name is None or len(shown) > FEW_KNOWN:
            continue
        axes.annotate(
            textwrap.shorten(name(emitter.name), LONGEST_NAME, placeholder=" …"),
            (emitter.east, emitter.north),
            xytext=(7, -4),
            textcoords="offset points",
            fontsize=9.5,
            zorder=12,
            path_effects=[HALO],
        )


def known_mark(east: float | None = None, north: float | None = None, label: str = "") -> Line2D:
    """The mark of a known emitter, on a map or in its legend."""
    return Line2D(
        [] if east is None else [east],
        [] if north is None else [north],
        marker="D",
        ms=7,
        mfc=KNOWN,
        mec=INK,
        lw=0,
        zorder=11,
        label=label,
    )


def _outline_of(polygon: BaseGeometry) -> Outline:
    rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(polygon)]
    return Outline.make_compound_path(*(Outline(ring, closed=True) for ring in rings))


def _top(spot: Hotspot) -> float:
    """Northern edge of the part of the 90 % region around a position [m]."""
    here = shapely.Point(spot.east, spot.north)
    parts = shapely.get_parts(spot.regions[0.9])
    return float(parts[int(np.argmin(shapely.distance(parts, here)))].bounds[3])


def _outline(
    axes: Axes, region: BaseGeometry, *, linestyle: str | tuple[int, tuple[int, int]], fill: float
) -> None:
    for part in shapely.get_parts(region):
        outline = _outline_of(part)
        axes.add_artist(PathPatch(outline, facecolor=SOURCE, alpha=fill, lw=0, zorder=9))
        for colour, width in (("white", 3.6), (SOURCE, 1.9)):
            style = "solid" if colour == "white" else linestyle
            axes.add_artist(
                PathPatch(
                    outline,
                    facecolor="none",
                    edgecolor=colour,
                    lw=width,
                    linestyle=style,
                    alpha=0.8 if colour == "white" else 1.0,
                    zorder=10,
                )
            )


def draw_domain(axes: Axes, survey: Survey) -> None:
    """Pale veil over ground outside the domain, and its outline."""
    domain = survey.domain
    inside = shapely.box(*domain.bounds) if domain.area is None else domain.area
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    frame = shapely.box(left, bottom, right, top)
    for part in shapely.get_parts(frame.difference(inside)):
        axes.add_artist(PathPatch(_outline_of(part), facecolor="white", alpha=0.72, lw=0, zorder=6))
    for part in shapely.get_parts(inside):
        style = {"facecolor": "none", "edgecolor": MUTED, "linestyle": (0, (1, 2))}
        axes.add_artist(PathPatch(_outline_of(part), lw=1.2, zorder=6, **style))


def draw_wind(axes: Axes, track: Track, *, turn_deg: float) -> None:
    """Short arrows along the track, each the way the air went there.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    track : Track
    turn_deg : float
        Angle from true to grid north, clockwise.
    """
    columns = np.stack([track.east, track.north, track.eastward_wind, track.northward_wind])
    known = columns[:, np.isfinite(columns).all(axis=0)]
    if known.shape[1] < 2:
        return
    parts = np.array_split(known, min(WIND_ARROWS, known.shape[1]), axis=1)
    means = np.stack([part.mean(axis=1) for part in parts])
    place = np.stack([part[:2, part.shape[1] // 2] for part in parts])
    cos, sin = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    blown = np.stack([means[:, 2] * cos - means[:, 3] * sin, means[:, 2] * sin + means[:, 3] * cos])
    longest = float(np.hypot(*blown).max())
    if longest > 0:
        axes.quiver(
            place[:, 0],
            place[:, 1],
            *blown,
            color=AIR,
            alpha=0.7,
            pivot="mid",
            scale=longest / 0.036,
            scale_units="width",
            width=0.0026,
            headwidth=4.2,
            headlength=4.8,
            headaxislength=4.2,
            zorder=7,
        )
