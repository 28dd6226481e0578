"""Where one source is, cell by cell: what is told of it at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detection.source.lattice import Lattice

    FloatArray = NDArray[np.float64]

__all__ = ["PlaceTable"]


@dataclass(frozen=True, slots=True)
class PlaceTable:
    """Probability of each cell of a lattice.

    Attributes
    ----------
    lattice : Lattice
    share : ndarray, shape (m,)
        Of each active cell; sums to 1.
    """

    lattice: Lattice
    share: FloatArray

    def densest(self, level: float) -> NDArray[np.bool_]:
        """Fewest cells that together hold `level`, shape (m,)."""
        order = np.argsort(-self.share, kind="stable")
        held = np.cumsum(self.share[order])
        cells = int(np.searchsorted(held, level * held[-1])) + 1
        inside = np.zeros(self.share.size, dtype=bool)
        inside[order[:cells]] = True
        return inside

    def area_m2(self, level: float) -> float:
        """Ground they cover [m2]."""
        return float(self.densest(level).sum() * self.lattice.cell_m**2)

    def place(self) -> tuple[float, float]:
        """East and north of a likely place [m].

        The mean over the part of the densest half that holds most, so that it never falls
        between two places: as a source of a finished survey is told.
        """
        inside = np.zeros(self.lattice.index.shape, dtype=bool)
        inside[self.lattice.index >= 0] = self.densest(0.5)
        parts, count = ndimage.label(inside, structure=np.ones((3, 3)))
        own = parts[self.lattice.index >= 0]
        held = np.bincount(own, self.share, minlength=count + 1)[1:]
        within = own == 1 + int(held.argmax())
        share = self.share[within] / self.share[within].sum()
        east, north = self.lattice.centres()
        return float(share @ east[within]), float(share @ north[within])

    def radius_m(self, east: float, north: float, level: float) -> float:
        """Radius of the circle about a place that holds `level` [m].

        Parameters
        ----------
        east, north : float
            [m].
        level : float
            0 to 1.
        """
        centres = self.lattice.centres()
        distance = np.hypot(centres[0] - east, centres[1] - north)
        order = np.argsort(distance, kind="stable")
        held = np.cumsum(self.share[order])
        cell = order[min(int(np.searchsorted(held, level * held[-1])), order.size - 1)]
        # a source may lie anywhere in its cell
        return float(np.hypot(distance[cell], self.lattice.cell_m / np.sqrt(12.0)))

    def overlap(self, other: PlaceTable) -> float:
        """Share of probability two tables have in common, 1 minus their total variation.

        Compared on the larger cells; the smaller count where their centres lie.
        """
        frame = max(self.lattice, other.lattice, key=lambda lattice: lattice.cell_m)
        mine, theirs = self._on(frame), other._on(frame)
        return sum(min(share, theirs.get(key, 0.0)) for key, share in mine.items())

    def _on(self, frame: Lattice) -> dict[tuple[int, int], float]:
        east, north = self.lattice.centres()
        columns = np.floor((east - frame.west) / frame.cell_m + 0.5).astype(int).tolist()
        rows = np.floor((north - frame.south) / frame.cell_m + 0.5).astype(int).tolist()
        binned: dict[tuple[int, int], float] = {}
        for row, column, share in zip(rows, columns, self.share.tolist(), strict=True):
            binned[row, column] = binned.get((row, column), 0.0) + share
        return binned
