"""Draws of a Posterior, source by source, and how densely those of each lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mapping.density import draw_density
from mapping.relabel import label_sources

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from mapping.density import Density

    FloatArray = NDArray[np.float64]

__all__ = ["Located", "locate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """One source of a Posterior.

    Attributes
    ----------
    east, north, height : ndarray, shape (n,)
        In the draws that have it [m].
    rate : ndarray, shape (n,)
        [kg s-1].
    density : Density
        Of those draws in the plane.
    total : int
        Draws of the Posterior, with this source or without.
    """

    east: FloatArray
    north: FloatArray
    height: FloatArray
    rate: FloatArray
    density: Density
    total: int

    @property
    def probability(self) -> float:
        """Share of the draws that have this source."""
        return self.east.size / self.total

    @property
    def spread(self) -> float:
        """Standard distance of the draws [m]."""
        return float(np.hypot(np.std(self.east), np.std(self.north)))


def locate(posterior: xr.Dataset) -> list[Located]:
    """Sources of a Posterior, the most probable first; of those as probable the best placed.

    Parameters
    ----------
    posterior : xarray.Dataset
        The Posterior contract.

    Returns
    -------
    list of Located
        Empty if no draw has a source.
    """
    columns = {name: posterior[name].to_numpy() for name in ("east", "north", "height", "rate")}
    labels = label_sources(columns["east"], columns["north"])
    found = []
    for label in range(int(labels.max(initial=-1)) + 1):
        its = {name: column[labels == label] for name, column in columns.items()}
        if its["east"].size:
            density = draw_density(its["east"], its["north"])
            found.append(Located(**its, density=density, total=len(labels)))
    return sorted(found, key=lambda one: (-round(one.probability, 2), one.spread))
