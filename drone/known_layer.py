"""Features of a GeoJSON file or a GeoPackage, each told apart if it is broken."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import shapely

from sensors.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

__all__ = ["LAYER", "Feature", "read_features"]

LAYER = "known_emitters"  # of the template; taken where a GeoPackage has several
MOST_FEATURES = 50_000


@dataclass(frozen=True, slots=True)
class Feature:
    """One row of a layer.

    Attributes
    ----------
    number : int
        From 1.
    fields : dict
        By lower-case name; missing values left out.
    shape : shapely geometry or None
        None where the file has none that can be read.
    """

    number: int
    fields: dict[str, Any]
    shape: BaseGeometry | None


def read_features(path: Path) -> tuple[list[Feature], pyproj.CRS]:
    """Features of a file, and the CRS of their geometries.

    Parameters
    ----------
    path : Path
        GeoJSON, or a GeoPackage with one spatial layer or one called `LAYER`.

    Returns
    -------
    features : list of Feature
    crs : pyproj.CRS

    Raises
    ------
    ConfigError
        Not readable, neither format, no layer or several, no CRS, nothing or too much in it.
    """
    import pyogrio  # noqa: PLC0415 - GDAL is heavy, and most runs name no layer

    driver = _format(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # broken features are told one by one
            layer = None if driver == "GeoJSON" else _layer(path, pyogrio.list_layers(path))
            count = pyogrio.read_info(path, layer=layer, force_feature_count=True)["features"]
            if count > MOST_FEATURES:
                raise ConfigError(
                    f"{path}: holds {count} features, at most {MOST_FEATURES} are taken; crop the "
                    "layer to the surroundings of the flight"
                )
            meta, _, shapes, columns = pyogrio.raw.read(path, layer=layer, datetime_as_string=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as fault:
        reason = " ".join(str(fault).split()).partition("; It might help")[0]
        raise ConfigError(f"{path}: not a {driver} that can be read: {reason}") from fault
    if not count:
        raise ConfigError(f"{path}: holds no features; put a point for each emitter in it")
    if shapes is None:
        raise ConfigError(f"{path}: a table without geometry; give each emitter a point")
    if not meta["crs"]:
        raise ConfigError(f"{path}: names no CRS; set one when you export the layer")
    names = [str(name).casefold() for name in meta["fields"]]
    features = [
        Feature(k + 1, _fields(names, [column[k] for column in columns]), _shape(shapes[k]))
        for k in range(len(shapes))
    ]
    return features, pyproj.CRS(meta["crs"])


def _format(path: Path) -> str:
    """Format by content: GDAL would open much else, some of it from the network."""
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be read: {fault.strerror or fault}") from fault
    if start.startswith(b"SQLite format 3\0"):
        return "GeoPackage"
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return "GeoJSON"
    raise ConfigError(
        f"{path}: neither GeoJSON nor GeoPackage; export the layer as one of them (QGIS: Export, "
        "Save Features As)"
    )


def _layer(path: Path, layers: Any) -> str:
    spatial = [str(name) for name, kind in layers if kind is not None and name != "layer_styles"]
    if LAYER in spatial:
        return LAYER
    if len(spatial) == 1:
        return spatial[0]
    said = ", ".join(spatial) or "none"
    raise ConfigError(
        f"{path}: needs one layer with geometry, or one called {LAYER} (has: {said}); export the "
        "layer of emitters alone"
    )


def _fields(names: list[str], values: list[Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in zip(names, values, strict=True)
        if value is not None and not (isinstance(value, float | np.floating) and np.isnan(value))
    }


def _shape(wkb: bytes | None) -> BaseGeometry | None:
    if wkb is None:
        return None
    shape: BaseGeometry | None = shapely.from_wkb(wkb, on_invalid="ignore")
    return shape
