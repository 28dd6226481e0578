"""Densities of place that are even within each cell: where a sampler looks for sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detection.source.lattice import Lattice

    FloatArray = NDArray[np.float64]

__all__ = ["PlaceMap"]


@dataclass(frozen=True, slots=True)
class PlaceMap:
    """Probability density of a place, even within each cell of a lattice.

    Attributes
    ----------
    lattice : Lattice
        All of its m cells active.
    share : ndarray, shape (m,)
        Probability of each cell; sums to 1.
    """

    lattice: Lattice
    share: FloatArray

    @classmethod
    def flattened(
        cls, lattice: Lattice, log_weights: Sequence[FloatArray], *, power: float, even: float
    ) -> PlaceMap:
        """Equal mixture of maps of log weight raised to a power, and the same in every cell.

        Parameters
        ----------
        lattice : Lattice
        log_weights : sequence of ndarray, shape (m,)
        power : float
            Below 1, cells that weigh little are looked at more often.
        even : float
            Share of draws that may fall anywhere.
        """
        parts = [np.exp(power * one - logsumexp(power * one)) for one in log_weights]
        share = even / lattice.size + (1.0 - even) * np.mean(parts, axis=0)
        return cls(lattice, np.asarray(share / share.sum()))

    def draw(self, size: int, *, rng: np.random.Generator) -> FloatArray:
        """Places drawn from the map, shape (size, 2) [m]."""
        edges = np.cumsum(self.share)
        cells = np.searchsorted(edges, rng.random(size) * edges[-1], side="right")
        cells = np.minimum(cells, edges.size - 1)
        centres = np.column_stack(self.lattice.centres())[cells]
        return np.asarray(centres + rng.uniform(-0.5, 0.5, (size, 2)) * self.lattice.cell_m)

    def log_density(self, places: FloatArray) -> FloatArray:
        """Log of the density at places of shape (..., 2) [m-2]; -inf beyond the lattice."""
        ny, nx = self.lattice.index.shape
        column = np.floor((places[..., 0] - self.lattice.west) / self.lattice.cell_m + 0.5)
        row = np.floor((places[..., 1] - self.lattice.south) / self.lattice.cell_m + 0.5)
        within = (column >= 0) & (column < nx) & (row >= 0) & (row < ny)
        cell = self.lattice.index[
            np.where(within, row, 0).astype(np.int64), np.where(within, column, 0).astype(np.int64)
        ]
        log_share = np.log(self.share[cell]) - 2.0 * np.log(self.lattice.cell_m)
        return np.where(within, log_share, -np.inf)
