"""What each source lets go, and where, at every step of a world's wind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sims.plume import Release
from sims.wakes import wake_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sims.settings import Scenario, Source

    FloatArray = NDArray[np.float64]

__all__ = ["release_of", "source_path"]

# Filaments are followed until they are this far outside the square and all sources.
_BEYOND_M = 60.0


def release_of(scenario: Scenario, time_s: FloatArray) -> Release:
    """The release of a scenario's sources.

    Parameters
    ----------
    scenario : Scenario
    time_s : ndarray, shape (steps,)
        Of the wind's steps, since the flight's start.

    Returns
    -------
    Release
    """
    rows = [source_path(source, time_s) for source in scenario.source]
    places = np.stack(rows, axis=1) if rows else np.zeros((time_s.size, 0, 4))
    survey = scenario.survey
    corner = float(np.hypot(survey.east_m, survey.north_m))
    corner += float(np.sqrt(0.5)) * survey.size_m
    farthest = float(np.hypot(places[..., 0], places[..., 1]).max(initial=0.0))
    return Release(
        places=places,
        filaments_per_s=scenario.turbulence.filaments_per_s,
        sigma_m=scenario.turbulence.filament_sigma_m,
        growth_m2_s=scenario.turbulence.filament_growth_m2_s,
        limit_m=max(corner, farthest) + _BEYOND_M,
        roughness_m=scenario.wind.roughness_m,
        wakes=wake_table(scenario.wake),
    )


def source_path(source: Source, time_s: FloatArray) -> FloatArray:
    """East, north, height [m] and rate [kg s-1] of a source over time, shape (n, 4).

    Examples
    --------
    >>> from sims.settings import Source
    >>> cart = Source(east_m=0.0, north_m=5.0, eastward_m_s=2.0, begins_s=1.0, rate_g_s=1.0)
    >>> source_path(cart, np.array([0.0, 1.0]))[:, [0, 1, 3]].tolist()
    [[0.0, 5.0, 0.0], [2.0, 5.0, 0.001]]
    """
    is_on = np.ones(time_s.size, dtype=bool)
    if source.begins_s is not None:
        is_on &= time_s >= source.begins_s
    if source.ends_s is not None:
        is_on &= time_s < source.ends_s
    if source.off_s > 0.0:
        is_on &= np.mod(time_s - source.phase_s, source.on_s + source.off_s) < source.on_s
    return np.stack(
        (
            source.east_m + source.eastward_m_s * time_s,
            source.north_m + source.northward_m_s * time_s,
            np.full(time_s.size, source.height_m),
            1e-3 * source.rate_g_s * is_on,
        ),
        axis=1,
    )
