"""Metric ground under a flight: its projection, the domain that is mapped, and grids over it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyproj
from affine import Affine
from rasterio.features import geometry_mask

from mapping.reference_system import conversion_of
from sensors.errors import FlightError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from shapely.geometry.base import BaseGeometry

    FloatArray = NDArray[np.float64]
    Bounds = tuple[float, float, float, float]

__all__ = [
    "Grid",
    "centre_of",
    "convergence_deg",
    "grid_over",
    "local_crs",
    "to_geographic",
    "to_metric",
    "track_bounds",
]

UPS_NORTH, UPS_SOUTH = 32661, 32761
MOST_CELLS = 16_000_000


def local_crs(latitude: ArrayLike, longitude: ArrayLike) -> pyproj.CRS:
    """Projected reference system of a flight's centre: UTM, or UPS near the poles.

    Parameters
    ----------
    latitude, longitude : array_like
        WGS 84 [degrees]; NaN is left out.

    Returns
    -------
    pyproj.CRS

    Raises
    ------
    FlightError
        There is no position.

    Notes
    -----
    The centre is the median, of longitudes about their direction, so that a stray fix or the
    antimeridian does not move it. The wider zones of Norway and Svalbard are kept.

    Examples
    --------
    >>> local_crs([52.37], [4.89]).to_epsg(), local_crs([-17.0, -17.0], [179.9, -179.7]).to_epsg()
    (32631, 32701)
    """
    lat, lon = centre_of(latitude, longitude)
    if lat >= 84.0:
        return pyproj.CRS.from_epsg(UPS_NORTH)
    if lat < -80.0:
        return pyproj.CRS.from_epsg(UPS_SOUTH)
    return pyproj.CRS.from_epsg((32600 if lat >= 0 else 32700) + _utm_zone(lat, lon))


def centre_of(latitude: ArrayLike, longitude: ArrayLike) -> tuple[float, float]:
    """Median latitude and longitude of positions, also about the antimeridian [degrees].

    Raises
    ------
    FlightError
        There is no position.
    """
    lat, lon = np.asarray(latitude, float), np.asarray(longitude, float)
    known = np.isfinite(lat) & np.isfinite(lon)
    if not known.any():
        raise FlightError("no position in the flight; a map needs latitude and longitude")
    angle = np.radians(lon[known])
    direction = math.degrees(math.atan2(np.sin(angle).mean(), np.cos(angle).mean()))
    offset = np.median((lon[known] - direction + 180.0) % 360.0 - 180.0)
    centre = (direction + float(offset) + 180.0) % 360.0 - 180.0
    return float(np.median(lat[known])), centre


def to_metric(
    crs: pyproj.CRS, latitude: ArrayLike, longitude: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Easting and northing of WGS 84 positions [m]; NaN stays NaN.

    Parameters
    ----------
    crs : pyproj.CRS
        Projected, in metres.
    latitude, longitude : array_like, shape (n,)
        [degrees].

    Returns
    -------
    east, north : ndarray, shape (n,)
        [m].
    """
    east, north = conversion_of(crs.to_wkt()).transformer.transform(
        np.asarray(longitude, float), np.asarray(latitude, float)
    )
    return _finite(east), _finite(north)


def to_geographic(
    crs: pyproj.CRS, east: ArrayLike, north: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Latitude and longitude, the reverse of `to_metric`.

    Parameters
    ----------
    crs : pyproj.CRS
    east, north : array_like, shape (n,)
        [m].

    Returns
    -------
    latitude, longitude : ndarray, shape (n,)
        WGS 84 [degrees], longitude in -180..180.
    """
    longitude, latitude = conversion_of(crs.to_wkt()).transformer.transform(
        np.asarray(east, float), np.asarray(north, float), direction="INVERSE"
    )
    return _finite(latitude), _finite(longitude)


def convergence_deg(crs: pyproj.CRS, latitude: float, longitude: float) -> float:
    """Angle from true north to grid north, clockwise positive [degrees].

    A vector towards true bearing b points towards b minus this angle on the grid.

    Examples
    --------
    >>> round(convergence_deg(pyproj.CRS.from_epsg(32631), 52.0, 4.0), 2)  # sin(52) * 1 degree
    0.79
    """
    factors = pyproj.Proj(crs.to_epsg() or crs).get_factors(longitude, latitude)
    return float(np.asarray(factors.meridian_convergence).item())


def track_bounds(east: ArrayLike, north: ArrayLike) -> Bounds:
    """Box of a track with a margin of 100 m or half its longer side, whichever is more.

    Parameters
    ----------
    east, north : array_like, shape (n,)
        [m]; NaN is left out.

    Returns
    -------
    west, south, east, north : float
        [m].

    Raises
    ------
    FlightError
        There is no position.

    Examples
    --------
    >>> track_bounds([0.0, 400.0], [0.0, 50.0])
    (-200.0, -200.0, 600.0, 250.0)
    """
    x, y = np.asarray(east, float), np.asarray(north, float)
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        raise FlightError("no position in the flight; a map needs latitude and longitude")
    west, east_ = float(x[known].min()), float(x[known].max())
    south, north_ = float(y[known].min()), float(y[known].max())
    margin = max(100.0, 0.5 * max(east_ - west, north_ - south))
    return west - margin, south - margin, east_ + margin, north_ + margin


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Square cells on projected ground, row 0 in the north.

    Attributes
    ----------
    crs : pyproj.CRS
    west, north : float
        Outer corner of the first cell [m].
    cell_m : float
    nx, ny : int
        Columns and rows.
    """

    crs: pyproj.CRS
    west: float
    north: float
    cell_m: float
    nx: int
    ny: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.ny, self.nx

    @property
    def bounds(self) -> Bounds:
        """West, south, east, north of the outer edges [m]."""
        return (
            self.west,
            self.north - self.ny * self.cell_m,
            self.west + self.nx * self.cell_m,
            self.north,
        )

    @property
    def eastings(self) -> FloatArray:
        """Centres of the columns, shape (nx,), ascending [m]."""
        return np.asarray(self.west + (np.arange(self.nx) + 0.5) * self.cell_m, dtype=np.float64)

    @property
    def northings(self) -> FloatArray:
        """Centres of the rows, shape (ny,), descending [m]."""
        return np.asarray(self.north - (np.arange(self.ny) + 0.5) * self.cell_m, dtype=np.float64)

    @property
    def transform(self) -> Affine:
        """From column and row to easting and northing, as GDAL has it."""
        return Affine(self.cell_m, 0.0, self.west, 0.0, -self.cell_m, self.north)

    def inside(self, area: BaseGeometry | None) -> NDArray[np.bool_]:
        """Whether a cell's centre lies in an area of this CRS, shape (ny, nx); None is all."""
        if area is None:
            return np.ones(self.shape, dtype=bool)
        mask = geometry_mask([area], out_shape=self.shape, transform=self.transform, invert=True)
        return np.asarray(mask, dtype=bool)


def grid_over(
    bounds: Bounds, cell_m: float, *, crs: pyproj.CRS, most_cells: int = MOST_CELLS
) -> tuple[Grid, list[str]]:
    """Grid that covers a box, with larger cells if there would be too many.

    Parameters
    ----------
    bounds : tuple of float
        West, south, east, north [m]; the north-west corner is kept.
    cell_m : float
        Wanted size of a cell [m], > 0.
    crs : pyproj.CRS
    most_cells : int

    Returns
    -------
    grid : Grid
    notes : list of str
        One line if the cells had to be larger than wanted.

    Examples
    --------
    >>> grid, notes = grid_over((0.0, 0.0, 10.0, 5.0), 2.0, crs=pyproj.CRS.from_epsg(32631))
    >>> grid.shape, grid.bounds, notes
    ((3, 5), (0.0, -1.0, 10.0, 5.0), [])
    """
    west, south, east, north = bounds
    width, depth = east - west, north - south
    if not (cell_m > 0 and width > 0 and depth > 0):
        raise ValueError(f"no grid of {cell_m} m cells over {bounds}")
    wanted = cell_m
    while _count(width, cell_m) * _count(depth, cell_m) > most_cells:
        cell_m = max(cell_m * 1.01, math.sqrt(width * depth / most_cells))
    notes = []
    if cell_m > wanted:
        notes = [
            f"map cells are {cell_m:.3g} m, not {wanted:.3g} m, to stay below {most_cells:,} "
            "cells; a smaller --area gives finer ones"
        ]
    nx, ny = _count(width, cell_m), _count(depth, cell_m)
    return Grid(crs=crs, west=west, north=north, cell_m=cell_m, nx=nx, ny=ny), notes


def _utm_zone(latitude: float, longitude: float) -> int:
    if 56.0 <= latitude < 64.0 and 3.0 <= longitude < 12.0:
        return 32
    if latitude >= 72.0 and 0.0 <= longitude < 42.0:
        return 31 + 2 * int((longitude + 3.0) // 12.0)
    return int((longitude + 180.0) // 6.0) % 60 + 1


def _finite(values: ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(array), array, np.nan)


def _count(length: float, cell_m: float) -> int:
    return max(1, math.ceil(length / cell_m - 1e-9))
