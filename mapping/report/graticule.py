"""Coordinates along the edges of a map: degrees of WGS 84, metres of the Dutch grid."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyproj

from mapping.grid import to_geographic

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    _Label = Callable[[float, float], str]

__all__ = ["RD", "DutchGrid", "draw_graticule", "dutch_grid", "round_step"]

RD = 28992  # Amersfoort / RD New
_SAMPLES = 33
_LABEL = "#5d6b7a"


@dataclass(frozen=True, slots=True)
class DutchGrid:
    """Amersfoort / RD New, where it is meant to be used.

    Attributes
    ----------
    transformer : pyproj.Transformer
    accuracy_m : float
        Of the conversion from WGS 84 as installed here; NaN if unknown.
    area : tuple of float
        West, south, east, north [degrees].
    """

    transformer: pyproj.Transformer
    accuracy_m: float
    area: tuple[float, float, float, float]

    def holds(self, latitude: float, longitude: float) -> bool:
        """Whether a place lies in the area of use."""
        west, south, east, north = self.area
        return west <= longitude <= east and south <= latitude <= north

    def of(self, latitude: ArrayLike, longitude: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """RD x and y of places [m]."""
        x, y = self.transformer.transform(np.asarray(longitude, float), np.asarray(latitude, float))
        return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


@functools.cache
def dutch_grid() -> DutchGrid:
    """The best conversion to EPSG:28992 that needs no download.

    Examples
    --------
    >>> grid = dutch_grid()  # the tower of Amersfoort, origin of the grid
    >>> [round(float(one), -1) for one in grid.of(52.155172897, 5.387203657)]
    [155000.0, 463000.0]
    """
    group = pyproj.transformer.TransformerGroup(4326, RD, always_xy=True)
    best = group.transformers[0]
    area = pyproj.CRS.from_epsg(RD).area_of_use
    if area is None:  # pragma: no cover - EPSG states one
        raise ValueError(f"EPSG:{RD} has no area of use")
    return DutchGrid(best, best.accuracy if best.accuracy >= 0 else math.nan, area.bounds)


def round_step(span: float, *, most: int) -> float:
    """Largest step of 1, 2 or 5 times a power of ten that cuts a span at least `most` / 2.5 times.

    Examples
    --------
    >>> round_step(470.0, most=5), round_step(0.0041, most=4)
    (100.0, 0.002)
    """
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(step for step in (power, 2 * power, 5 * power, 10 * power) if step * most >= span)


def draw_graticule(axes: Axes, crs: pyproj.CRS, *, decimal_mark: str, dutch: bool) -> None:
    """Write degrees along the left and bottom edges, and RD metres along the right and top.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        With its limits, in metres of `crs`.
    crs : pyproj.CRS
    decimal_mark : str
    dutch : bool
    """
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    along = np.linspace(0.0, 1.0, _SAMPLES)
    x, y = left + along * (right - left), bottom + along * (top - bottom)
    _, longitude = to_geographic(crs, x, np.full(_SAMPLES, bottom))
    latitude, _ = to_geographic(crs, np.full(_SAMPLES, left), y)
    longitude = np.unwrap(longitude, period=360.0)
    degrees = functools.partial(_degrees, decimal_mark=decimal_mark)
    _edge(axes, "bottom", x, longitude, lambda value, step: degrees(value, step, "EW"), most=5)
    _edge(axes, "left", y, latitude, lambda value, step: degrees(value, step, "NS"), most=4)
    if not dutch:
        return
    grid = dutch_grid()
    rd_x, _ = grid.of(*to_geographic(crs, x, np.full(_SAMPLES, top)))
    _, rd_y = grid.of(*to_geographic(crs, np.full(_SAMPLES, right), y))
    _edge(axes, "top", x, rd_x, lambda value, _: _metres(value), most=6)
    _edge(axes, "right", y, rd_y, lambda value, _: _metres(value), most=5)


def _edge(
    axes: Axes,
    side: str,
    place: FloatArray,
    value: FloatArray,
    text: _Label,
    *,
    most: int,
) -> None:
    """Ticks at round values along one edge."""
    order = np.argsort(value)
    value, place = value[order], place[order]
    step = round_step(float(value[-1] - value[0]), most=most)
    ticks = np.arange(math.ceil(value[0] / step), math.floor(value[-1] / step) + 1) * step
    at = np.interp(ticks, value, place)
    along_x = side in {"bottom", "top"}
    (low, high) = axes.get_xlim() if along_x else axes.get_ylim()
    out = {"bottom": (0, -1), "top": (0, 1), "left": (-1, 0), "right": (1, 0)}[side]
    for tick, where in zip(ticks, at, strict=True):
        share = (where - low) / (high - low)
        edge = {"bottom": (share, 0.0), "top": (share, 1.0), "left": (0.0, share)}.get(
            side, (1.0, share)
        )
        if not 0.03 < share < 0.97:
            continue
        axes.annotate(
            "",
            edge,
            xycoords="axes fraction",
            xytext=(5 * out[0], 5 * out[1]),
            textcoords="offset points",
            arrowprops={"arrowstyle": "-", "color": _LABEL, "lw": 0.8, "shrinkA": 0, "shrinkB": 0},
        )
        axes.annotate(
            text(float(tick), step),
            edge,
            xycoords="axes fraction",
            xytext=(7 * out[0], 7 * out[1]),
            textcoords="offset points",
            ha={"left": "right", "right": "left"}.get(side, "center"),
            va={"bottom": "top", "top": "bottom"}.get(side, "center"),
            rotation=0 if along_x else 90,
            fontsize=8.5,
            color=_LABEL,
        )


def _degrees(value: float, step: float, hemispheres: str, *, decimal_mark: str) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    turned = (value + 180.0) % 360.0 - 180.0 if hemispheres == "EW" else value
    letter = hemispheres[0] if turned >= 0 else hemispheres[1]
    return f"{abs(turned):.{decimals}f}".replace(".", decimal_mark) + f"° {letter}"


def _metres(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\N{NO-BREAK SPACE}")
