"""Ordinary kriging in a moving neighbourhood, with a variogram fitted to the readings."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import ndtr

from mapping.concentration import ConcentrationMap
from mapping.interpolate import CONFIDENT, map_confidence
from mapping.kriging_systems import average_in_blocks, krige
from mapping.scores import cross_validate
from mapping.survey_lines import kernel_width, line_spacing, survey_lines
from mapping.variogram import MODELS, Variogram, fit_variogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mapping.concentration import Readings
    from mapping.grid import Grid
    from mapping.scores import Scores

    FloatArray = NDArray[np.float64]
    IndexArray = NDArray[np.int64]

__all__ = ["Kriging", "fit"]

NEIGHBOURS = 160
ALL_WITHIN = 8e9  # multiplications for which every place may see all data: some seconds
TOGETHER = 256  # places whose right sides are solved at once
MOST_EXACT = 1_000
TILE_CELLS = 12
BLOCKS_PER_SPACING, BLOCKS_PER_RANGE = 8.0, 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kriging:
    """A variogram and the readings that are interpolated with it.

    Attributes
    ----------
    readings : Readings
    variogram : Variogram
    mask_width_m : float
        Kernel width of the confidence by which ground counts as measured [m].
    block_m : float
        Readings in squares of this side are averaged first [m]; 0 if each is used alone.
    scores : Scores or None
        On left-out lines, where they are known; the variogram is that of all lines.
    """

    readings: Readings
    variogram: Variogram
    mask_width_m: float
    block_m: float
    scores: Scores | None = None

    @property
    def told(self) -> dict[str, str | float]:
        """Settings that were fitted."""
        return {
            "variogram_model": self.variogram.model,
            "variogram_nugget": self.variogram.nugget,
            "variogram_sill": self.variogram.sill,
            "variogram_range_m": self.variogram.range_m,
            "block_m": self.block_m,
        }

    def on(self, grid: Grid, *, threshold: float = math.inf) -> ConcentrationMap:
        """Maps on a grid, NaN where the kernel map of this track would be.

        Notes
        -----
        `variance` is that of a reading: of the estimate, and the nugget. `exceedance` takes
        readings for normal about the mean with that variance. Where all blocks of readings cannot
        be used for all cells, tiles of up to 12 by 12 cells share the 160 nearest to their middle.
        """
        confidence = map_confidence(
            grid, self.readings.east, self.readings.north, width_m=self.mask_width_m
        )
        seen = confidence >= CONFIDENT
        mean, variance = np.full((2, *grid.shape), np.nan)
        rows, columns = np.nonzero(seen)
        places = grid.eastings[columns], grid.northings[rows]
        tile = min(TILE_CELLS, max(1, int(self._reach_m() / (4.0 * grid.cell_m))))
        tiles = (rows // tile) * (grid.nx // tile + 1) + columns // tile
        mean[seen], variance[seen] = self._at(*places, tiles)
        with np.errstate(divide="ignore", invalid="ignore"):
            exceedance = ndtr((mean - threshold) / np.sqrt(variance))
        exceedance[seen & (variance == 0)] = mean[seen & (variance == 0)] > threshold
        return ConcentrationMap(
            mean=mean, variance=variance, exceedance=exceedance, confidence=confidence
        )

    def at(self, east: FloatArray, north: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of a reading at places, each seen from its own neighbourhood."""
        return self._at(east, north, np.arange(east.size))

    def refitted(self, readings: Readings) -> Kriging:
        """The same variogram with other readings."""
        return replace(self, readings=readings, scores=None)

    def _reach_m(self) -> float:
        """Radius of a typical neighbourhood, if readings are along lines [m]."""
        side = max(self.block_m, 0.1 * self.mask_width_m)
        return math.sqrt(NEIGHBOURS * side * self.mask_width_m / math.pi)

    def _at(
        self, east: FloatArray, north: FloatArray, tiles: IndexArray
    ) -> tuple[FloatArray, FloatArray]:
        value, nugget = self.readings.value, self.variogram.nugget
        if not self.variogram.sill > 0 or np.ptp(value) == 0:
            return np.full(east.size, value.mean()), np.full(east.size, nugget)
        data = _data(self.readings, self.block_m, nugget)
        size = data.shape[1]
        if size <= NEIGHBOURS or size**2 * (size + east.size) <= ALL_WITHIN:
            near = np.arange(size)[np.newaxis]
            tiles = np.arange(east.size) // TOGETHER
        else:
            near = _nearest(data, _middles(east, north, tiles))
        order = np.argsort(tiles, kind="stable")
        _, first = np.unique(tiles[order], return_index=True)
        result = np.empty((2, east.size))
        krige(
            data,
            near,
            np.ascontiguousarray(np.stack([east[order], north[order]])),
            np.append(first, east.size),
            MODELS.index(self.variogram.model),
            self.variogram.sill,
            self.variogram.range_m,
            result,
        )
        back = np.empty_like(result)
        back[:, order] = result
        return back[0], back[1] + nugget


def fit(readings: Readings, *, variogram: Variogram | None = None) -> Kriging:
    """Kriging of readings with the variogram that fits them, or one that is given.

    Parameters
    ----------
    readings : Readings
        At least one.
    variogram : Variogram, optional

    Returns
    -------
    Kriging
        With its scores.

    Notes
    -----
    Up to a thousand readings are used one by one. More are averaged in squares of an eighth of
    the line spacing or a twelfth of the variogram's range, whichever is less; a block of k has
    the nugget over k.

    Matheron (1963), doi:10.2113/gsecongeo.58.8.1246; moving neighbourhoods: Chilès & Delfiner
    (2012), Geostatistics, doi:10.1002/9781118136188.
    """
    one = variogram or fit_variogram(readings.east, readings.north, readings.value)
    spacing = line_spacing(readings.east, readings.north)
    block_m = 0.0
    if len(readings) > MOST_EXACT:
        block_m = one.range_m / BLOCKS_PER_RANGE
        if math.isfinite(spacing):
            block_m = min(block_m, spacing / BLOCKS_PER_SPACING)
    fitted = Kriging(
        readings=readings,
        variogram=one,
        mask_width_m=kernel_width(readings.east, readings.north, spacing_m=spacing),
        block_m=block_m,
    )
    if np.ptp(readings.value) == 0:
        return fitted
    lines = survey_lines(readings.east, readings.north, spacing_m=spacing)
    return replace(fitted, scores=cross_validate(fitted, readings, lines))


def _data(readings: Readings, block_m: float, nugget: float) -> FloatArray:
    east, north, value, count = average_in_blocks(
        readings.east, readings.north, readings.value, side_m=block_m
    )
    return np.stack([east, north, value, nugget / count])


def _middles(east: FloatArray, north: FloatArray, tiles: IndexArray) -> FloatArray:
    _, group, count = np.unique(tiles, return_inverse=True, return_counts=True)
    return np.stack([np.bincount(group, weights=axis) / count for axis in (east, north)], axis=1)


def _nearest(data: FloatArray, middles: FloatArray) -> IndexArray:
    _, near = cKDTree(data[:2].T).query(middles, k=NEIGHBOURS)
    return np.sort(np.asarray(near, dtype=np.int64), axis=1)
