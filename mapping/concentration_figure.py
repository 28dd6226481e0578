"""Pictures of concentration maps, side by side to one scale, with the track they are made from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from mapping.cartography import INK, MUTED, north_arrow, scale_bar
from mapping.map_frame import show_box
from mapping.track_lines import READING
from sensors.whole_file import whole_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage
    from numpy.typing import NDArray

    from mapping.survey import Track

    FloatArray = NDArray[np.float64]
    Box = tuple[float, float, float, float]

__all__ = ["concentration_figure", "write_concentration_figure"]

LEAST_M = 20.0
PANEL_IN = 5.2
MOST_TRACK = 4_000


def write_concentration_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG; the same maps give the same bytes."""
    with whole_file(path) as partial:
        figure.savefig(partial, format="png", metadata={"Software": None})
    return path


def concentration_figure(
    panels: Sequence[tuple[str, xr.DataArray]],
    track: Track,
    *,
    title: str,
    label: str,
    footer: str,
    turn_deg: float = 0.0,
) -> Figure:
    """Maps side by side, four in a row at most, in one scale of colours.

    Parameters
    ----------
    panels : sequence of (str, xarray.DataArray)
        What each shows, and values on (y, x) of one even grid; NaN stays bare.
    track : Track
    title, label, footer : str
        Above all, of the colours, and below all.
    turn_deg : float
        Angle from true to grid north, clockwise.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = min(4, len(panels))
    rows = math.ceil(len(panels) / columns)
    width, depth = PANEL_IN * columns + 1.3, PANEL_IN * rows + 1.3
    figure = Figure(figsize=(width, depth), dpi=130, facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False, gridspec_kw={"wspace": 0.04})
    figure.subplots_adjust(0.2 / width, 0.6 / depth, 1.0 - 1.1 / width, 1.0 - 0.85 / depth)
    norm = _norm([values for _, values in panels])
    place = _places(track)
    box = _box_around(place, [values for _, values in panels])
    images = [
        _draw(axes, name, values, place, box, norm)
        for (name, values), axes in zip(panels, grid.flat, strict=False)
    ]
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_axis_off()
    first = grid.flat[0]
    scale_bar(first)
    north_arrow(first, turn_deg=turn_deg, height=0.9)
    colours = figure.add_axes((1.0 - 0.95 / width, 0.6 / depth, 0.16 / width, 1.0 - 1.45 / depth))
    bar = figure.colorbar(images[0], cax=colours, extend="max")
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=10, labelcolor=MUTED)
    bar.set_label(label, fontsize=11, color=MUTED)
    left = 0.2 / width
    figure.text(left, 1.0 - 0.3 / depth, title, fontsize=16, fontweight="bold", color=INK)
    figure.text(left, 0.22 / depth, footer, fontsize=10, color=MUTED)
    return figure


def _places(track: Track) -> FloatArray:
    known = np.isfinite(track.east) & np.isfinite(track.north)
    place = np.stack([track.east[known], track.north[known]], axis=1)
    return place[:: max(1, len(place) // MOST_TRACK)]


def _box_around(place: FloatArray, maps: list[xr.DataArray]) -> Box:
    """Box of the track and of all that is known of any map."""
    x, y = maps[0]["x"].to_numpy(), maps[0]["y"].to_numpy()
    known = np.any([np.isfinite(one.to_numpy()) for one in maps], axis=0)
    rows, columns = np.nonzero(known)
    points = np.concatenate([place, np.stack([x[columns], y[rows]], axis=1)])
    if not len(points):
        return float(x[0]), float(y[-1]), float(x[-1]), float(y[0])
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    return float(west), float(south), float(east), float(north)


def _draw(
    axes: Axes, name: str, values: xr.DataArray, place: FloatArray, box: Box, norm: PowerNorm
) -> AxesImage:
    x, y = values["x"].to_numpy(), values["y"].to_numpy()
    half = 0.5 * (x[-1] - x[0]) / max(1, x.size - 1)
    show_box(axes, box, least_m=LEAST_M, margin=1.1)
    image = axes.imshow(
        np.ma.masked_invalid(values.to_numpy()),
        extent=(x[0] - half, x[-1] + half, y[-1] - half, y[0] + half),
        cmap=READING,
        norm=norm,
        interpolation="nearest",
        zorder=1,
    )
    axes.plot(place[:, 0], place[:, 1], color=MUTED, lw=0.5, alpha=0.6, zorder=3)
    axes.set_title(name, fontsize=11, color=INK, loc="left", pad=4)
    return image


def _norm(maps: list[xr.DataArray]) -> PowerNorm:
    """Square-root scale up to the highest cell; below zero is the lowest colour."""
    known = np.concatenate([one.to_numpy()[np.isfinite(one.to_numpy())] for one in maps])
    top = float(known.max()) if known.size else 0.0
    return PowerNorm(0.5, vmin=0.0, vmax=top if top > 0 else 1.0, clip=True)
