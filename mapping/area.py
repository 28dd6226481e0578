"""Domain of a survey: the ground that is mapped and searched, drawn by hand or from the track."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely.errors import ShapelyError

from mapping.grid import centre_of, local_crs, to_metric, track_bounds
from mapping.reference_system import check_there
from sensors.errors import ConfigError

if TYPE_CHECKING:
    import pyproj
    from numpy.typing import ArrayLike, NDArray
    from shapely.geometry.base import BaseGeometry

    from mapping.grid import Bounds

__all__ = ["Domain", "read_area", "survey_domain"]

LONGEST_M = 200_000.0
FAR_M = 1_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """Ground on which sources are sought.

    Attributes
    ----------
    crs : pyproj.CRS
        Projected, in metres.
    bounds : tuple of float
        West, south, east, north [m].
    area : shapely geometry or None
        Polygon or MultiPolygon in `crs`; None means all of `bounds`.
    """

    crs: pyproj.CRS
    bounds: Bounds
    area: BaseGeometry | None = None

    def contains(self, east: ArrayLike, north: ArrayLike) -> NDArray[np.bool_]:
        """Whether positions lie in the domain; NaN does not.

        Parameters
        ----------
        east, north : array_like, shape (n,)
            [m].

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        x, y = np.asarray(east, float), np.asarray(north, float)
        west, south, east_, north_ = self.bounds
        within = (x >= west) & (x <= east_) & (y >= south) & (y <= north_)
        if self.area is not None:
            within[within] = shapely.intersects_xy(self.area, x[within], y[within])
        return np.asarray(within, dtype=bool)


def survey_domain(
    latitude: ArrayLike,
    longitude: ArrayLike,
    *,
    area: Path | None = None,
    crs: pyproj.CRS | None = None,
) -> Domain:
    """Domain of a flight: its box with a margin, or an area drawn by hand.

    Parameters
    ----------
    latitude, longitude : array_like, shape (n,)
        Track, WGS 84 [degrees].
    area : Path, optional
        GeoJSON with a Polygon or MultiPolygon, alone or in features.
    crs : pyproj.CRS, optional
        From `mapping.reference_system.read_crs`; the UTM zone of the flight unless told.

    Returns
    -------
    Domain

    Raises
    ------
    FlightError
        There is no position.
    ConfigError
        The area cannot be read, or the flight was not there; `crs` is for elsewhere.
    """
    if crs is None:
        crs = local_crs(latitude, longitude)
    else:
        check_there(crs, *centre_of(latitude, longitude))
    east, north = to_metric(crs, latitude, longitude)
    around = track_bounds(east, north)
    if area is None:
        return Domain(crs=crs, bounds=around)
    drawn = read_area(area)
    projected = _projected(drawn, crs)
    box = shapely.box(*around)
    if projected is None or not projected.intersects(box):
        raise ConfigError(f"{area}: {_elsewhere(drawn, projected, crs, box)}")
    west, south, east_, north_ = projected.bounds
    if max(east_ - west, north_ - south) > LONGEST_M:
        raise ConfigError(f"{area}: the area is over {LONGEST_M / 1000:.0f} km long; draw less")
    return Domain(crs=crs, bounds=(west, south, east_, north_), area=projected)


def read_area(path: Path) -> BaseGeometry:
    """Area drawn in a GeoJSON file.

    Parameters
    ----------
    path : Path
        Polygon, MultiPolygon, or features of these; RFC 7946, WGS 84.

    Returns
    -------
    shapely geometry
        Valid Polygon or MultiPolygon, (longitude, latitude) [degrees].

    Raises
    ------
    ConfigError
        Not readable, not GeoJSON, no polygon in it, coordinates off the Earth, or edges cross.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be read: {fault.strerror or fault}") from fault
    except (ValueError, RecursionError) as fault:
        reason = " ".join(str(fault).split())
        raise ConfigError(f"{path}: not GeoJSON: {reason}; export a polygon as GeoJSON") from fault
    _refuse_other_crs(content, path)
    parts = [_polygon(geometry, path) for geometry in _geometries(content, path)]
    if not parts:
        raise ConfigError(f"{path}: holds no area; draw a polygon around the ground to search")
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)


def _geometries(content: Any, path: Path) -> list[dict[str, Any]]:
    kind = content.get("type") if isinstance(content, dict) else None
    if kind == "FeatureCollection" and isinstance(content.get("features"), list):
        return [one for feature in content["features"] for one in _geometries(feature, path)]
    if kind == "Feature" and isinstance(content.get("geometry"), dict):
        return _geometries(content["geometry"], path)
    if kind == "GeometryCollection" and isinstance(content.get("geometries"), list):
        return [one for part in content["geometries"] for one in _geometries(part, path)]
    if kind in {"Polygon", "MultiPolygon"}:
        return [content]
    raise ConfigError(
        f"{path}: a {kind or type(content).__name__} is no area; draw a Polygon or MultiPolygon"
    )


def _polygon(geometry: dict[str, Any], path: Path) -> BaseGeometry:
    try:
        shape = shapely.force_2d(shapely.from_geojson(json.dumps(geometry)))
    except (ShapelyError, ValueError) as fault:
        reason = " ".join(str(fault).split())
        raise ConfigError(f"{path}: broken {geometry['type']}: {reason}") from fault
    if shape is None or shape.is_empty:
        raise ConfigError(f"{path}: empty {geometry['type']}; draw at least three corners")
    longitude, latitude = shapely.get_coordinates(shape).T
    if not ((np.abs(longitude) <= 180).all() and (np.abs(latitude) <= 90).all()):
        raise ConfigError(
            f"{path}: coordinates are not degrees; GeoJSON wants [longitude, latitude], WGS 84"
        )
    if not shape.is_valid or shape.area == 0:
        reason = shapely.is_valid_reason(shape) if not shape.is_valid else "it has no area"
        raise ConfigError(f"{path}: broken {geometry['type']}: {reason}; redraw it")
    return shape


def _refuse_other_crs(content: Any, path: Path) -> None:
    declared = content.get("crs") if isinstance(content, dict) else None
    if declared is not None and not any(
        name in json.dumps(declared) for name in ("CRS84", "4326", "4979")
    ):
        raise ConfigError(f"{path}: its crs is not WGS 84; export it in EPSG:4326")


def _projected(area: BaseGeometry, crs: pyproj.CRS) -> BaseGeometry | None:
    """Area in a CRS; None where parts lie so far off that the CRS cannot hold them."""
    extent = max(area.bounds[2] - area.bounds[0], area.bounds[3] - area.bounds[1])
    fine = shapely.segmentize(area, max(0.002, extent / 2000.0))

    def project(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack(to_metric(crs, lonlat[:, 1], lonlat[:, 0]), axis=1)

    moved = shapely.transform(fine, project)
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        return None
    return shapely.union_all([shapely.make_valid(moved)], grid_size=0.001)


def _elsewhere(
    drawn: BaseGeometry, projected: BaseGeometry | None, crs: pyproj.CRS, box: BaseGeometry
) -> str:
    turned = shapely.transform(drawn, lambda lonlat: lonlat[:, ::-1])
    if np.abs(shapely.get_coordinates(turned)[:, 1]).max() <= 90:
        swapped = _projected(turned, crs)
        if swapped is not None and swapped.intersects(box):
            return "latitude and longitude are swapped; GeoJSON wants [longitude, latitude]"
    away = projected.distance(box) if projected is not None else np.inf
    far = f"{away / 1000:.1f} km" if FAR_M <= away < LONGEST_M else "far"
    far = f"{away:.0f} m" if away < FAR_M else far
    return f"the area is {far} from the flight; draw it around the track"
