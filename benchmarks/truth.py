"""Where true sources are on the axes of an analysis, and which told ones are theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from mapping.grid import to_metric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drone.analysis import Analysis


def places(analysis: Analysis, sources: Sequence[Mapping[str, float]]) -> np.ndarray:
    """Of sources (latitude, longitude) on the analysis' axes, shape (k, 2) [m]."""
    east, north = to_metric(
        analysis.survey.domain.crs,
        [one["latitude"] for one in sources],
        [one["longitude"] for one in sources],
    )
    return np.stack((east, north), axis=1)


def matched(told: np.ndarray, true: np.ndarray) -> tuple[float, ...]:
    """Distances of told hotspots and true sources, each used once, nearest first [m]."""
    if not told.size:
        return ()
    away = np.hypot(*(told[:, None, :] - true[None, :, :]).transpose(2, 0, 1))
    rows, columns = linear_sum_assignment(away)
    return tuple(sorted(away[rows, columns].tolist()))
