"""Square cells that a source may lie in, a part of them active."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["Lattice"]


@dataclass(frozen=True, slots=True)
class Lattice:
    """Square cells, a part of them active.

    Attributes
    ----------
    west, south : float
        Centre of the first cell [m].
    cell_m : float
    index : ndarray of int32, shape (ny, nx)
        Position of each cell among the active ones; -1 where inactive.
    """

    west: float
    south: float
    cell_m: float
    index: NDArray[np.int32]

    @classmethod
    def covering(cls, domain: tuple[float, float, float, float], cell_m: float) -> Lattice:
        """Lattice over (west, south, east, north), all cells active."""
        west, south, east, north = domain
        nx = max(1, int(np.ceil((east - west) / cell_m)))
        ny = max(1, int(np.ceil((north - south) / cell_m)))
        index = np.arange(nx * ny, dtype=np.int32).reshape(ny, nx)
        return cls(west + cell_m / 2, south + cell_m / 2, cell_m, index)

    def restricted(self, mask: NDArray[np.bool_]) -> Lattice:
        """The same lattice with only the cells active where `mask`, shape (ny, nx), is true."""
        index = np.full(mask.shape, -1, dtype=np.int32)
        index[mask] = np.arange(mask.sum(), dtype=np.int32)
        return Lattice(self.west, self.south, self.cell_m, index)

    def only(self, which: NDArray[np.bool_]) -> Lattice:
        """The same with some of its active cells, as shape (size,) says of each."""
        mask = self.index >= 0
        mask[mask] = which
        return self.restricted(mask)

    @property
    def size(self) -> int:
        """Number of active cells."""
        return int((self.index >= 0).sum())

    def centres(self) -> tuple[FloatArray, FloatArray]:
        """East and north of the active cells' centres [m], each of shape (size,)."""
        rows, columns = np.nonzero(self.index >= 0)
        return (
            np.asarray(self.west + columns * self.cell_m, dtype=np.float64),
            np.asarray(self.south + rows * self.cell_m, dtype=np.float64),
        )
