"""The picture of a comparison: where gas and sources differ, and how rates changed."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pyproj
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as Outline
from matplotlib.ticker import FuncFormatter, NullFormatter
from shapely import get_parts

from mapping.cartography import HALO, INK, MUTED, north_arrow, scale_bar
from mapping.grid import convergence_deg, to_geographic
from mapping.map_frame import EDGE, GROUND, show_box
from sensors.whole_file import whole_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import xarray as xr
    from matplotlib.axes import Axes
    from shapely.geometry.base import BaseGeometry

    from mapping.changes import Change, Side

__all__ = ["difference_figure", "write_difference_figure"]

BEFORE, AFTER = "#0072b2", "#d55e00"
CHANGE_COLOURS = "PRGn_r"  # ColorBrewer; told apart with any colour vision
MAP_PLACE = (0.02, 0.1, 0.56, 0.81)
RATES_PLACE = (0.67, 0.2, 0.31, 0.66)
MOST_RATES = 8
LEAST_ROWS = 4
LEAST_SHOWN_M = 60.0


def write_difference_figure(
    maps: xr.Dataset,
    changes: Sequence[Change],
    path: Path,
    *,
    title: str,
    names: tuple[str, str],
    version: str,
) -> Path:
    """Write the picture as PNG; the same comparison gives the same bytes.

    Parameters
    ----------
    maps, changes, title, names, version
        As `difference_figure` takes them.
    path : Path

    Returns
    -------
    Path
        As given.
    """
    figure = difference_figure(maps, changes, title=title, names=names, version=version)
    with whole_file(path) as partial:
        figure.savefig(partial, format="png", metadata={"Software": None})
    return path


def difference_figure(
    maps: xr.Dataset,
    changes: Sequence[Change],
    *,
    title: str,
    names: tuple[str, str],
    version: str,
) -> Figure:
    """Map of what differs between two surveys, and the rates of their sources.

    Parameters
    ----------
    maps : xarray.Dataset
        From `difference_map`.
    changes : sequence of Change
    title : str
        One sentence.
    names : tuple of str
        Of the survey before and the one after.
    version : str
        Of this program.

    Returns
    -------
    matplotlib.figure.Figure
        1,800 by 1,170 pixels.
    """
    figure = Figure(figsize=(12.0, 7.8), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes(MAP_PLACE)
    _map(figure, axes, maps, changes)
    _rates(figure, changes)
    wrapped = textwrap.fill(title[:1].upper() + title[1:], 88)
    figure.text(0.02, 0.955, wrapped, fontsize=15, fontweight="bold", color=INK, va="center")
    legend = [
        Patch(facecolor="none", edgecolor=BEFORE, ls="--", lw=1.8, label=f"before: {names[0]}"),
        Patch(facecolor="none", edgecolor=AFTER, lw=1.8, label=f"after: {names[1]}"),
        Patch(facecolor=GROUND, edgecolor=EDGE, label="not searched or not measured in both"),
    ]
    figure.legend(
        handles=legend,
        loc="lower left",
        bbox_to_anchor=(0.012, 0.005),
        ncols=3,
        frameon=False,
        fontsize=10,
        labelcolor=INK,
        columnspacing=1.6,
    )
    figure.text(0.98, 0.03, f"sniffdrone {version}", fontsize=9, color=MUTED, ha="right")
    figure.text(
        0.98,
        0.075,
        "outlines hold nine tenths of the draws; indication, confirm by sampling",
        fontsize=9,
        color=MUTED,
        ha="right",
    )
    return figure


def _map(figure: Figure, axes: Axes, maps: xr.Dataset, changes: Sequence[Change]) -> None:
    values = maps["concentration_difference"]
    _frame(axes, maps, changes)
    known = np.abs(values.to_numpy()[np.isfinite(values.to_numpy())])
    largest = float(np.quantile(known, 0.995)) if known.size else 0.0
    half = 0.5 * float(maps.attrs["cell_m"])
    x, y = maps["x"].to_numpy(), maps["y"].to_numpy()
    if largest > 0:
        image = axes.pcolormesh(
            np.append(x - half, x[-1] + half),
            np.append(y + half, y[-1] - half),
            values.to_numpy(),
            cmap=CHANGE_COLOURS,
            vmin=-largest,
            vmax=largest,
            rasterized=True,
        )
        bar = figure.colorbar(image, cax=figure.add_axes((0.59, 0.2, 0.012, 0.5)), extend="both")
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, labelsize=9.5, labelcolor=MUTED)
        unit = str(values.attrs["units"])
        bar.set_label(f"after minus before [{unit}]", fontsize=10, color=MUTED)
    for change in changes:
        _side(axes, change.before, BEFORE, "--", "b")
        _side(axes, change.after, AFTER, "-", "a")
    scale_bar(axes)
    north_arrow(axes, turn_deg=_turn_deg(maps))


def _frame(axes: Axes, maps: xr.Dataset, changes: Sequence[Change]) -> None:
    """Show what was measured in both and all regions, in the shape of the axes."""
    columns = np.isfinite(maps["concentration_difference"].to_numpy())
    x, y = maps["x"].to_numpy(), maps["y"].to_numpy()
    if columns.any():
        east, north = x[columns.any(axis=0)], y[columns.any(axis=1)]
    else:
        east, north = x, y
    boxes = [(east.min(), north.min(), east.max(), north.max())]
    sides = [side for change in changes for side in (change.before, change.after) if side]
    boxes += [side.spot.regions[0.9].bounds for side in sides]
    west, south, right, top = (
        edge([box[k] for box in boxes]) for k, edge in enumerate((min, min, max, max))
    )
    show_box(axes, (west, south, right, top), least_m=LEAST_SHOWN_M, margin=1.15)


def _side(axes: Axes, side: Side | None, colour: str, style: str, letter: str) -> None:
    if side is None:
        return
    axes.add_patch(
        PathPatch(
            _outline(side.spot.regions[0.9]),
            facecolor=colour + "14",
            edgecolor=colour,
            lw=1.8,
            ls=style,
            zorder=10,
        )
    )
    axes.annotate(
        f"{side.spot.rank}{letter}",
        (side.spot.east, side.spot.north),
        ha="right" if letter == "b" else "left",
        va="center",
        fontsize=12,
        fontweight="bold",
        color=colour,
        path_effects=[HALO],
        zorder=12,
    )


def _outline(region: BaseGeometry) -> Outline:
    rings = [
        np.asarray(ring.coords)[:, :2]
        for part in get_parts(region)
        for ring in (part.exterior, *part.interiors)
    ]
    return Outline.make_compound_path(*[Outline(ring, closed=True) for ring in rings])


def _rates(figure: Figure, changes: Sequence[Change]) -> None:
    axes = figure.add_axes(RATES_PLACE)
    shown = changes[:MOST_RATES]
    for row, change in enumerate(shown):
        for side, colour, letter, lift in (
            (change.before, BEFORE, "b", 0.16),
            (change.after, AFTER, "a", -0.16),
        ):
            if side is not None:
                spot = side.spot
                span = [spot.rate_g_s_p05, spot.rate_g_s_p95]
                axes.plot(span, [-row + lift] * 2, color=colour, lw=3.0, alpha=0.6)
                axes.plot(spot.rate_g_s, -row + lift, "o", color=colour, ms=7)
                axes.annotate(
                    f"{spot.rank}{letter}",
                    (span[1], -row + lift),
                    xytext=(6, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=9.5,
                    color=colour,
                )
        axes.annotate(
            _said(change),
            (0.0, -row + 0.42),
            xycoords=("axes fraction", "data"),
            fontsize=9.5,
            color=INK,
            va="center",
        )
    axes.set_title("Emission rate [g/s], 90 % interval", fontsize=11, color=INK, loc="left", pad=10)
    axes.set_yticks([])
    for name in ("left", "top", "right"):
        axes.spines[name].set_visible(False)
    axes.spines["bottom"].set_color(EDGE)
    if not shown:
        axes.text(0.5, 0.5, "no source told in either survey", transform=axes.transAxes,
                  ha="center", color=MUTED, fontsize=11)  # fmt: skip
        axes.set_xticks([])
        return
    axes.set_xscale("log")
    axes.set_ylim(-max(len(shown), LEAST_ROWS) + 0.4, 0.7)
    axes.margins(x=0.12)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize=10, labelcolor=MUTED, color=EDGE)
    axes.grid(axis="x", color="#e7e5df", lw=0.8)
    axes.set_axisbelow(True)
    if len(changes) > MOST_RATES:
        axes.set_xlabel(f"{len(changes) - MOST_RATES} more in changes.csv", color=MUTED)


def _said(change: Change) -> str:
    if change.status == "both":
        way = "rose" if change.p_rose >= 0.5 else "fell"
        return f"rate {way}: probability {_share(change.p_changed)}"
    if change.status == "new":
        return f"new: probability {_share(change.p_changed)}"
    return f"gone: probability {_share(change.p_changed)}"


def _share(value: float) -> str:
    return "> 0.99" if value > 0.99 else f"{value:.2f}"


def _turn_deg(maps: xr.Dataset) -> float:
    crs = pyproj.CRS.from_wkt(maps.attrs["crs_wkt"])
    middle = [float(maps["x"].mean())], [float(maps["y"].mean())]
    latitude, longitude = to_geographic(crs, *middle)
    return convergence_deg(crs, float(latitude[0]), float(longitude[0]))
