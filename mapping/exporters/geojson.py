"""``sources.geojson``: the sources told, with their credible regions, as RFC 7946."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely.affinity import translate
from shapely.geometry.polygon import orient

from mapping.grid import to_geographic
from sensors.whole_file import whole_file

if TYPE_CHECKING:
    from pathlib import Path

    import pyproj
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from mapping.hotspots import Hotspot
    from mapping.survey import Survey

    FloatArray = NDArray[np.float64]

__all__ = ["bounding_box", "region_geometry", "sources_collection", "write", "write_collection"]

DECIMALS = 7  # of a degree: a centimetre
SIGNIFICANT = 5


def write(survey: Survey, folder: Path) -> list[Path]:
    """Write `sources.geojson`.

    Parameters
    ----------
    survey : Survey
    folder : Path
        Exists.

    Returns
    -------
    list of Path
    """
    return [write_collection(sources_collection(survey), folder / "sources.geojson")]


def write_collection(collection: dict[str, Any], path: Path) -> Path:
    """Write a FeatureCollection whole, or not at all."""
    text = json.dumps(collection, indent=1, allow_nan=False)
    with whole_file(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")
    return path


def sources_collection(survey: Survey) -> dict[str, Any]:
    """FeatureCollection of the sources told: for each a Point and its two regions.

    Parameters
    ----------
    survey : Survey

    Returns
    -------
    dict
        Ready for JSON: no NaN in it.
    """
    crs = survey.domain.crs
    features = []
    for spot in survey.told:
        features.append(_point(spot, crs, survey.channel))
        features += [_region(spot, level, crs) for level in sorted(spot.regions)]
    return {
        "type": "FeatureCollection",
        **bounding_box(features),
        "verdict": survey.verdict,
        "p_any_source": _number(survey.p_any_source),
        "sniffdrone_version": survey.version,
        "note": "indication, confirm by sampling",
        "features": features,
    }


def bounding_box(features: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Member ``bbox`` of a collection: west, south, east, north; nothing where it is empty.

    Parameters
    ----------
    features : list of dict
        Features of GeoJSON.

    Returns
    -------
    dict
        West is more than east across the antimeridian (RFC 7946, 5.2).

    Examples
    --------
    >>> ends = [[179.0, -17.0], [-179.0, -16.0]]
    >>> bounding_box([{"geometry": {"type": "MultiPoint", "coordinates": ends}}])
    {'bbox': [179.0, -17.0, -179.0, -16.0]}
    """
    if not features:
        return {}
    shapes = [shapely.geometry.shape(one["geometry"]) for one in features]
    longitude, latitude = shapely.get_coordinates(shapes).T
    west, east = float(longitude.min()), float(longitude.max())
    if east - west > 180.0:
        west, east = float(longitude[longitude > 0].min()), float(longitude[longitude <= 0].max())
    return {"bbox": [west, float(latitude.min()), east, float(latitude.max())]}


def region_geometry(region: BaseGeometry, crs: pyproj.CRS) -> dict[str, Any]:
    """GeoJSON geometry of projected ground: WGS 84, right-hand rule, cut at the antimeridian.

    Parameters
    ----------
    region : shapely geometry
        Polygon or MultiPolygon in `crs`.
    crs : pyproj.CRS

    Returns
    -------
    dict
        Polygon or MultiPolygon, 7 decimals.
    """
    middle = float(to_geographic(crs, [region.centroid.x], [region.centroid.y])[1][0])

    def project(place: FloatArray) -> FloatArray:
        latitude, longitude = to_geographic(crs, place[:, 0], place[:, 1])
        near = middle + (longitude - middle + 180.0) % 360.0 - 180.0
        return np.stack([near, latitude], axis=1)

    whole = shapely.make_valid(shapely.transform(region, project))
    parts = []
    for turn in (-360.0, 0.0, 360.0):
        window = shapely.box(turn - 180.0, -90.0, turn + 180.0, 90.0)
        cut = shapely.intersection(whole, window) if not window.contains(whole) else whole
        parts += _rounded_polygons(translate(cut, xoff=-turn))
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def _rounded_polygons(geometry: BaseGeometry) -> list[list[list[list[float]]]]:
    """Coordinates of the polygons in a geometry, still valid after rounding."""
    rounded = shapely.set_precision(geometry, 10.0**-DECIMALS)
    polygons = [part for part in shapely.get_parts(rounded) if part.geom_type == "Polygon"]
    return [
        [
            shapely.get_coordinates(ring).round(DECIMALS).tolist()
            for ring in (one.exterior, *one.interiors)
        ]
        for one in (orient(part, 1.0) for part in polygons)
        if one.area > 0
    ]


def _point(spot: Hotspot, crs: pyproj.CRS, channel: str) -> dict[str, Any]:
    latitude, longitude = to_geographic(crs, [spot.east], [spot.north])
    place = [round(float(longitude[0]), DECIMALS), round(float(latitude[0]), DECIMALS)]
    numbers = {
        "probability": spot.probability,
        "rate_g_s": spot.rate_g_s,
        "rate_g_s_p05": spot.rate_g_s_p05,
        "rate_g_s_p95": spot.rate_g_s_p95,
        "radius_50_m": spot.radius_50_m,
        "radius_90_m": spot.radius_90_m,
        "height_m": spot.height_m,
    }
    properties = {name: _number(value) for name, value in numbers.items()}
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": place},
        "properties": {"rank": spot.rank, **properties, "channel": channel},
    }


def _region(spot: Hotspot, level: float, crs: pyproj.CRS) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": region_geometry(spot.regions[level], crs),
        "properties": {"rank": spot.rank, "level": level},
    }


def _number(value: float) -> float | None:
    return float(f"{value:.{SIGNIFICANT}g}") if math.isfinite(value) else None
