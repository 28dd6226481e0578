"""One layer of a map as a table with geometry, and the columns it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    FloatArray = NDArray[np.float64]

__all__ = ["VectorLayer", "numbers", "points", "shapes", "texts", "times"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorLayer:
    """One table with a geometry in every row.

    Attributes
    ----------
    name : str
        Of the table.
    description : str
        What a row is, and the units of its columns.
    kind : {"Point", "LineString", "MultiPolygon"}
    geometry : ndarray of shapely geometries, shape (n,)
        In the CRS of the domain.
    columns : dict of str to ndarray, each of shape (n,)
        Numbers (NaN is missing), texts (None is missing) or ``datetime64[ms]``, UTC.
    """

    name: str
    description: str
    kind: str
    geometry: NDArray[np.object_]
    columns: dict[str, NDArray[Any]]


def numbers(values: Sequence[float]) -> FloatArray:
    """Column of numbers."""
    return np.array(values, dtype=np.float64)


def texts(values: Sequence[str]) -> NDArray[np.object_]:
    """Column of texts."""
    return np.array(values, dtype=object)


def times(values: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """Column of UTC times, to the millisecond."""
    return np.asarray(values).astype("datetime64[ms]")


def points(east: FloatArray, north: FloatArray) -> NDArray[np.object_]:
    """Column of Points."""
    return np.asarray(shapely.points(np.stack([east, north], axis=1)), dtype=object)


def shapes(values: Iterable[BaseGeometry]) -> NDArray[np.object_]:
    """Column of geometries of any kind."""
    rows = list(values)
    column = np.empty(len(rows), dtype=object)
    column[:] = rows
    return column
