"""Ground by whether a source on it would have been noticed: searched, perhaps, not searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from affine import Affine
from rasterio.features import shapes

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from mapping.survey import Survey

__all__ = ["NOT_SEARCHED_BELOW", "SEARCHED_FROM", "Ground", "searched_ground"]

SEARCHED_FROM = 0.9  # detection power from which ground counts as searched
NOT_SEARCHED_BELOW = 0.1  # and below which it does not
HECTARE_M2 = 10_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """All ground of one class.

    Attributes
    ----------
    name : {"searched", "perhaps", "not searched"}
    power_from, power_to : float
        Detection power of the reference rate in it.
    shape : shapely geometry
        MultiPolygon in the CRS of the domain, never empty.
    """

    name: str
    power_from: float
    power_to: float
    shape: BaseGeometry

    @property
    def area_ha(self) -> float:
        """Size on the map [ha]."""
        return float(self.shape.area) / HECTARE_M2


def searched_ground(survey: Survey) -> tuple[Ground, ...]:
    """The domain cut into what was searched, what perhaps, and what was not.

    Parameters
    ----------
    survey : Survey
        Its `detection_power` says which; ground where it is NaN was not searched.

    Returns
    -------
    tuple of Ground
        Those there are, the best searched first; together they are the domain, without overlap.
    """
    power = np.nan_to_num(survey.maps["detection_power"].to_numpy())
    steps = (SEARCHED_FROM, NOT_SEARCHED_BELOW)
    level = np.sum([power >= step for step in steps], axis=0).astype(np.uint8)
    cells = _shapes_of(level, survey)
    domain = survey.domain
    inside = shapely.box(*domain.bounds) if domain.area is None else domain.area
    classes = (("searched", 2, 0.9, 1.0), ("perhaps", 1, 0.1, 0.9), ("not searched", 0, 0.0, 0.1))
    grounds = []
    for name, value, low, high in classes:
        shape = shapely.intersection(shapely.MultiPolygon(cells[value]), inside)
        parts = [part for part in shapely.get_parts(shape) if part.area > 0.0]
        if parts:
            whole = shapely.MultiPolygon(parts)
            grounds.append(Ground(name=name, power_from=low, power_to=high, shape=whole))
    return tuple(grounds)


def _shapes_of(level: np.ndarray, survey: Survey) -> dict[int, list[shapely.Polygon]]:
    """Outlines of the cells of each level; the outermost ones reach to the domain's edge."""
    maps = survey.maps
    cell_m = float(maps.attrs["cell_m"])
    padded = np.pad(level, 1, mode="edge")
    west = float(maps["x"][0]) - 1.5 * cell_m
    north = float(maps["y"][0]) + 1.5 * cell_m
    transform = Affine(cell_m, 0.0, west, 0.0, -cell_m, north)
    found: dict[int, list[shapely.Polygon]] = {0: [], 1: [], 2: []}
    for outline, value in shapes(padded, connectivity=4, transform=transform):
        rings = [np.asarray(ring) for ring in outline["coordinates"]]
        found[int(value)].append(shapely.Polygon(rings[0], rings[1:]))
    return found
