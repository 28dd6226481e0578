"""Kernel DM+V/W with the width that foretells left-out survey lines best."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from mapping.interpolate import blended, confidence_of, kernel_dmvw, weight_beside_line
from mapping.kernel_sums import REACH, kernel_precision
from mapping.kernel_width import best_width, width_scores
from mapping.survey_lines import survey_lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mapping.concentration import ConcentrationMap, Readings
    from mapping.grid import Grid
    from mapping.scores import Scores

    FloatArray = NDArray[np.float64]

__all__ = ["Kernel", "fit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A kernel's width and the readings that are spread with it.

    Attributes
    ----------
    readings : Readings
    width_m : float
        Standard deviation in a calm [m].
    stretch_s : float
        As in `kernel_dmvw`.
    scores : Scores or None
        Of that width on left-out lines, where they are known.
    """

    readings: Readings
    width_m: float
    stretch_s: float = 1.0
    scores: Scores | None = None

    @property
    def told(self) -> dict[str, str | float]:
        """Settings that were fitted."""
        return {"kernel_width_m": self.width_m}

    def on(self, grid: Grid, *, threshold: float = math.inf) -> ConcentrationMap:
        """Maps on a grid: `kernel_dmvw`."""
        one = self.readings
        return kernel_dmvw(
            grid,
            (one.east, one.north, one.value),
            width_m=self.width_m,
            wind=(one.eastward_wind, one.northward_wind),
            stretch_s=self.stretch_s,
            threshold=threshold,
        )

    def at(self, east: FloatArray, north: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of a reading at places; residuals are about the mean at each reading.

        Every pair is summed, so this is for some places, not for maps.
        """
        one = self.readings
        precision = kernel_precision(
            len(one),
            self.width_m,
            wind=(one.eastward_wind, one.northward_wind),
            stretch_s=self.stretch_s,
        )
        sure = weight_beside_line(one.east, one.north, self.width_m)
        overall = float(one.value.mean())

        def mean_at(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
            columns = np.stack([one.east, one.north, one.value])
            weight, weighted = _sums_at(columns, precision, x, y)
            alpha = confidence_of(weight, sure)
            return alpha, weight, blended(alpha, weight, weighted, overall)

        _, _, own = mean_at(one.east, one.north)
        residual = (one.value - own) ** 2
        alpha, weight, mean = mean_at(east, north)
        columns = np.stack([one.east, one.north, residual])
        _, squares = _sums_at(columns, precision, east, north)
        return mean, blended(alpha, weight, squares, float(residual.mean()))

    def refitted(self, readings: Readings) -> Kernel:
        """The same width with other readings."""
        return replace(self, readings=readings, scores=None)


def fit(readings: Readings, *, width_m: float | None = None) -> Kernel:
    """Kernel of the width that leave-one-line-out cross-validation finds, or of one given.

    Parameters
    ----------
    readings : Readings
        At least one.
    width_m : float, optional
        [m].

    Returns
    -------
    Kernel
        With the scores of its width.
    """
    if width_m is None:
        width_m, scores = best_width(readings)
        return Kernel(readings=readings, width_m=width_m, scores=scores)
    lines = survey_lines(readings.east, readings.north)
    if not lines.any() or np.ptp(readings.value) == 0:
        return Kernel(readings=readings, width_m=width_m)
    (scores,) = width_scores(readings, lines, np.array([width_m]))
    return Kernel(readings=readings, width_m=width_m, scores=scores)


@njit(cache=True)
def _sums_at(
    samples: FloatArray, precision: FloatArray, east: FloatArray, north: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Sum of kernels at places, and of kernels times values; `samples` (3, n)."""
    weight, weighted = np.zeros(east.size), np.zeros(east.size)
    for j in range(samples.shape[1]):
        a, b, c = precision[j]
        for i in range(east.size):
            dx, dy = east[i] - samples[0, j], north[i] - samples[1, j]
            away = a * dx * dx + 2.0 * b * dx * dy + c * dy * dy
            if away < REACH * REACH:
                share = math.exp(-0.5 * away)
                weight[i] += share
                weighted[i] += share * samples[2, j]
    return weight, weighted
