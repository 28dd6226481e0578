"""The picture a person understands in five seconds: track, wind, and where the source is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from mapping.captions import footer, subtitle, title, wind_text
from mapping.cartography import INK, MUTED, north_arrow, scale_bar, wind_arrow
from mapping.grid import convergence_deg, to_geographic
from mapping.layers import (
    AIR,
    SEARCHED,
    SOURCE,
    draw_concentration,
    draw_domain,
    draw_searched,
    draw_sources,
    draw_track,
    draw_wind,
)
from sensors.whole_file import whole_file

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection
    from shapely.geometry.base import BaseGeometry

    from mapping.survey import Survey

__all__ = ["quicklook", "write_quicklook"]

GROUND = "#f6f4ef"
HERE = "source lies here"


def write_quicklook(survey: Survey, path: Path) -> Path:
    """Write the picture as PNG; the same survey gives the same bytes.

    Parameters
    ----------
    survey : Survey
    path : Path

    Returns
    -------
    Path
        As given.
    """
    with whole_file(path) as partial:
        quicklook(survey).savefig(partial, format="png", metadata={"Software": None})
    return path


def quicklook(survey: Survey) -> Figure:
    """Map of a survey: readings along the track, wind, sources with their regions.

    Parameters
    ----------
    survey : Survey

    Returns
    -------
    matplotlib.figure.Figure
        1,500 by 1,350 pixels.
    """
    figure = Figure(figsize=(10.0, 9.0), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.025, 0.06, 0.85, 0.805))
    _frame(axes, survey)
    turn_deg = _turn(survey)
    if survey.told:
        draw_concentration(axes, survey)
    else:
        draw_searched(axes, survey)
    draw_domain(axes, survey)
    readings = draw_track(axes, survey.track)
    draw_wind(axes, survey.track, turn_deg=turn_deg)
    draw_sources(axes, survey)
    scale_bar(axes)
    north_arrow(axes, turn_deg=turn_deg)
    blown = wind_text(survey.track)
    if blown is not None:
        wind_arrow(axes, towards_deg=blown[0] - turn_deg, text=blown[1])
    if readings is not None:
        _colour_bar(figure, readings, survey)
    _legend(axes, survey)
    _words(figure, survey)
    return figure


def _turn(survey: Survey) -> float:
    west, south, east, north = survey.domain.bounds
    latitude, longitude = to_geographic(
        survey.domain.crs, [(west + east) / 2], [(south + north) / 2]
    )
    return convergence_deg(survey.domain.crs, float(latitude[0]), float(longitude[0]))


def _frame(axes: Axes, survey: Survey) -> None:
    """Ground that holds the track and all regions, in the shape of the axes."""
    track = survey.track
    known = np.isfinite(track.east) & np.isfinite(track.north)
    points = np.stack([track.east[known], track.north[known]], axis=1)
    shown: list[BaseGeometry] = [shapely.MultiPoint(points)]
    shown += [spot.regions[0.9] for spot in survey.told]
    if not survey.told:
        shown.append(shapely.box(*survey.domain.bounds))
    west, south, east, north = shapely.union_all([shapely.box(*one.bounds) for one in shown]).bounds
    box = axes.get_window_extent()
    shape = box.width / box.height
    depth = max(north - south, (east - west) / shape, 20.0) * (1.18 if survey.told else 1.02)
    middle = ((west + east) / 2, (south + north) / 2)
    axes.set_xlim(middle[0] - depth * shape / 2, middle[0] + depth * shape / 2)
    axes.set_ylim(middle[1] - depth / 2, middle[1] + depth / 2)
    axes.set_aspect("equal")
    axes.set_facecolor(GROUND)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color("#c9c4b8")


def _colour_bar(figure: Figure, readings: LineCollection, survey: Survey) -> None:
    axes = figure.add_axes((0.892, 0.06, 0.018, 0.805))
    low, high = (float(end or 0.0) for end in readings.get_clim())
    bar = figure.colorbar(readings, cax=axes, extend="both", extendfrac=0.018)
    ticks = _ticks(low, high)
    bar.set_ticks(
        [low, *ticks], labels=["noise" if low > 0 else "0", *(f"{tick:g}" for tick in ticks)]
    )
    bar.minorticks_off()
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=10.5, labelcolor=MUTED, pad=4)
    bar.set_label(
        f"{survey.channel}, corrected [{survey.track.unit}]", fontsize=11, color=MUTED, labelpad=6
    )


def _ticks(low: float, high: float) -> list[float]:
    """Round readings that stay apart on a square-root scale."""
    ticks: list[float] = []
    for tick in MaxNLocator(7).tick_values(low, high):
        last = ticks[-1] if ticks else low
        apart = np.sqrt(np.clip([(last - low), (tick - low)], 0.0, None) / (high - low))
        if tick <= high and apart[1] - apart[0] > 0.06:
            ticks.append(float(tick))
    return ticks


def _legend(axes: Axes, survey: Survey) -> None:
    if survey.told:
        dashed = (0, (4, 2))
        rows = [
            Patch(fc=SOURCE + "59", ec=SOURCE, lw=1.9, label=f"{HERE} (50 %)"),
            Patch(fc=SOURCE + "1f", ec=SOURCE, lw=1.9, ls=dashed, label=f"{HERE} (90 %)"),
        ]
    else:
        rate = f"{survey.reference_rate_g_s:g} g/s"
        labels = {0.9: f"{rate} would have shown (over 90 %)", 0.5: "over 50 %", 0.2: "over 20 %"}
        rows = [Patch(facecolor=SEARCHED[least], label=text) for least, text in labels.items()]
        rows.append(Patch(facecolor=GROUND, edgecolor="#c9c4b8", label="not searched"))
    arrow = Line2D([], [], color=AIR, lw=1.6, marker=">", ms=5, label="air goes this way")
    legend = axes.legend(
        handles=[*rows, arrow],
        loc="lower right",
        fontsize=10.5,
        labelcolor=INK,
        frameon=True,
        framealpha=0.9,
        edgecolor="none",
        borderpad=0.7,
        handlelength=1.8,
    )
    legend.set_zorder(25)


def _words(figure: Figure, survey: Survey) -> None:
    figure.text(0.025, 0.955, title(survey), fontsize=22, fontweight="bold", color=INK, va="center")
    figure.text(
        0.025, 0.905, subtitle(survey), fontsize=12, color=MUTED, va="center", linespacing=1.4
    )
    figure.text(0.025, 0.028, footer(survey), fontsize=11.5, color=INK, va="center")
    figure.text(
        0.975,
        0.028,
        f"sniffdrone {survey.version}",
        fontsize=9.5,
        color=MUTED,
        va="center",
        ha="right",
    )
