"""What every way to map concentration takes and gives: readings in, maps or values out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mapping.grid import Grid
    from mapping.scores import Scores

    FloatArray = NDArray[np.float64]

__all__ = ["ConcentrationMap", "Interpolator", "Readings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Readings and the wind beside them, on a grid's axes, in order of time.

    Attributes
    ----------
    east, north : ndarray, shape (n,)
        Finite [m].
    value : ndarray, shape (n,)
        Finite, in one unit.
    eastward_wind, northward_wind : ndarray, shape (n,)
        The way the air goes [m s-1]; NaN where unknown.
    """

    east: FloatArray
    north: FloatArray
    value: FloatArray
    eastward_wind: FloatArray
    northward_wind: FloatArray

    def __len__(self) -> int:
        """Number of readings."""
        return self.value.size

    def __getitem__(self, chosen: slice | NDArray[np.bool_] | NDArray[np.int64]) -> Readings:
        """Some of the readings."""
        return Readings(
            east=self.east[chosen],
            north=self.north[chosen],
            value=self.value[chosen],
            eastward_wind=self.eastward_wind[chosen],
            northward_wind=self.northward_wind[chosen],
        )

    @classmethod
    def of(
        cls,
        east: FloatArray,
        north: FloatArray,
        value: FloatArray,
        wind: tuple[FloatArray, FloatArray] | None = None,
    ) -> Readings:
        """Readings of a track, without those that have no position or no value.

        Examples
        --------
        >>> axis = np.array([0.0, 1.0, np.nan])
        >>> len(Readings.of(axis, np.zeros(3), np.ones(3)))
        2
        """
        known = np.isfinite(east) & np.isfinite(north) & np.isfinite(value)
        blown = (np.full(value.size, np.nan),) * 2 if wind is None else wind
        columns = [np.asarray(one, float)[known] for one in (east, north, value, *blown)]
        return cls(**dict(zip(cls.__slots__, columns, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcentrationMap:
    """Maps of shape (ny, nx), NaN where confidence is below one half.

    Attributes
    ----------
    mean : ndarray
        In the unit of the readings.
    variance : ndarray
        Of a reading there, in that unit squared.
    exceedance : ndarray
        Probability that a reading there is above the threshold.
    confidence : ndarray
        0 far from all readings, to 1; never NaN.
    """

    mean: FloatArray
    variance: FloatArray
    exceedance: FloatArray
    confidence: FloatArray


class Interpolator(Protocol):
    """A way to map concentration, fitted; what ``fit(readings)`` of any method returns."""

    @property
    def scores(self) -> Scores | None:
        """On survey lines left out; None where nothing could be."""

    def on(self, grid: Grid, *, threshold: float) -> ConcentrationMap:
        """Maps on a grid."""

    def at(self, east: FloatArray, north: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of a reading at places, each of shape (n,); never NaN."""

    def refitted(self, readings: Readings) -> Interpolator:
        """The same settings with other readings, for cross-validation."""

    @property
    def told(self) -> dict[str, str | float]:
        """Settings that were fitted, by name with unit, as attributes of the maps."""
