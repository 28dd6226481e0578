"""Known emitters from the files a person has: GeoJSON or GeoPackage, in any CRS."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely

from detection.source.emitters import SIZE_M, KnownEmitter
from drone.known_fields import name_of, told_of
from drone.known_layer import read_features
from mapping.known import Known
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from drone.known_fields import Told
    from mapping.area import Domain

    FloatArray = NDArray[np.float64]

__all__ = ["read_known"]

REACH_M = 1_000.0  # beyond the domain's edge; gas from farther away is thin and wide
LARGEST_M = 200.0  # side of an area that is taken as one emitter at its middle
NOTES_SHOWN = 5  # lines about features of one file
CHANCE_STATED = 0.8  # that an emitter whose rate is stated emits during the flight
CHANCE = 0.5  # that any other does


def read_known(
    paths: Iterable[Path], domain: Domain, *, gas: str
) -> tuple[tuple[Known, ...], list[str]]:
    """Emitters in and near a domain, and what was left out of the files.

    Parameters
    ----------
    paths : iterable of Path
        GeoJSON or GeoPackage with points or areas. Fields, all optional: ``name``, ``kind``,
        ``rate_g_s`` or ``rate_kg_year`` (also with ``_low`` and ``_high``), ``gas`` the rate is
        of, ``height_m``; some Dutch names and OpenStreetMap tags are understood.
    domain : Domain
    gas : str
        Looked for; rates of other gases are not used.

    Returns
    -------
    known : tuple of Known
        In the order of files and features.
    notes : list of str
        One line for each feature left out or corrected, the first few of a file.

    Raises
    ------
    ConfigError
        A file cannot be read, or holds no emitter that can be used.
    """
    found: list[Known] = []
    notes: list[str] = []
    for path in paths:
        some, lines = _of_file(path, domain, gas)
        found += some
        notes += lines[:NOTES_SHOWN]
        if len(lines) > NOTES_SHOWN:
            notes.append(f"{path.name}: {len(lines) - NOTES_SHOWN} more notes like these")
    return tuple(found), notes


def _of_file(path: Path, domain: Domain, gas: str) -> tuple[list[Known], list[str]]:
    features, crs = read_features(path)
    to_domain = pyproj.Transformer.from_crs(crs, domain.crs, always_xy=True)
    found: list[Known] = []
    notes: list[str] = []
    far = 0
    for feature in features:
        name = name_of(feature.fields)
        where = f"{path.name}: feature {feature.number}" + (f' "{name}"' if name else "")
        reason = _fault(feature.shape)
        places = [] if reason else _places(feature.shape, to_domain)
        if not reason and not np.isfinite(places).all():
            reason = f"its position cannot be in {crs.to_string()}"
        if reason:
            notes.append(f"{where}: {reason}; left out")
            continue
        near = [place for place in places if _is_near(place, domain)]
        far += not near
        if near:
            told = told_of(feature.fields, gas=gas)
            found += [
                Known(emitter=one, kind=told.known_kind, file=path.name)
                for one in _emitters(told, near, f"feature {feature.number}")
            ]
            notes += [f"{where}: {line}" for line in told.notes]
    if not found and not far:
        raise ConfigError(f"{path}: holds no emitter that can be used; {notes[0]}")
    if far:
        notes.insert(
            0,
            f"{path.name}: {far} of {len(features)} features are over {REACH_M:.0f} m from the "
            "ground searched and left out",
        )
    return found, notes


def _fault(shape: BaseGeometry | None) -> str | None:
    """Why a geometry is no place; None if it is one."""
    if shape is None:
        return "it has no geometry that can be read"
    if shape.is_empty or not np.isfinite(shapely.get_coordinates(shape)).all():
        return "its geometry is empty"
    if shape.geom_type not in {"Point", "MultiPoint", "Polygon", "MultiPolygon"}:
        return f"a {shape.geom_type} is no place; give a point or an area"
    if not shape.is_valid:
        return f"broken {shape.geom_type}: {' '.join(shapely.is_valid_reason(shape).split())}"
    return None


def _places(shape: BaseGeometry | None, to_domain: pyproj.Transformer) -> list[FloatArray]:
    """East, north and size of each part [m]; infinite where the CRS cannot hold it."""
    places = []
    for part in shapely.get_parts(shapely.force_2d(shape)):
        spot = part if part.geom_type == "Point" else shapely.point_on_surface(part)
        east, north = to_domain.transform(spot.x, spot.y)
        size = SIZE_M
        if part.geom_type == "Polygon" and math.isfinite(east) and math.isfinite(north):
            corners = shapely.get_coordinates(part)
            x, y = to_domain.transform(corners[:, 0], corners[:, 1])
            area = float(shapely.Polygon(np.column_stack([x, y])).area)
            size = min(max(math.sqrt(area), SIZE_M), LARGEST_M)
        places.append(np.array([east, north, size]))
    return places


def _is_near(place: FloatArray, domain: Domain) -> bool:
    west, south, east, north = domain.bounds
    return bool(
        west - REACH_M <= place[0] <= east + REACH_M
        and south - REACH_M <= place[1] <= north + REACH_M
    )


def _emitters(told: Told, places: list[FloatArray], otherwise: str) -> list[KnownEmitter]:
    """An emitter at each place; a stated rate is shared evenly."""
    low, middle, high = (None if one is None else one / len(places) for one in told.rate)
    name = told.name or otherwise
    return [
        KnownEmitter(
            name=name if len(places) == 1 else f"{name} ({k})",
            kind=told.kind,
            east=float(place[0]),
            north=float(place[1]),
            height_m=told.height_m,
            size_m=float(place[2]),
            rate=middle,
            rate_low=low,
            rate_high=high,
            chance=CHANCE if middle is None and low is None else CHANCE_STATED,
        )
        for k, place in enumerate(places, start=1)
    ]
