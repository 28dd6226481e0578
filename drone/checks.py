"""What a posterior leaves open: how the model fits, and what the search can rule out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detection.source.diagnostics import diagnose
from detection.source.effort import SEARCHED, probability_of_none

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

    from detection.source.diagnostics import Diagnosis
    from detection.source.observations import Observations
    from detection.source.search import Search
    from mapping.area import Domain
    from mapping.survey import Survey

__all__ = ["Checks", "checks_of"]

MOST_PLACES = 2000  # of the searched ground, at which rates are tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """Beside a posterior.

    Attributes
    ----------
    diagnosis : Diagnosis
    p_none_above_reference : float
        Probability that the searched ground holds no source above the reference rate.
    found_down_to_g_s : float
        Smallest rate that would have been found with 90 % over 90 % of the searched ground;
        NaN if none would.
    found_down_to_over_half_g_s : float
        The same over half of it.
    """

    diagnosis: Diagnosis
    p_none_above_reference: float
    found_down_to_g_s: float
    found_down_to_over_half_g_s: float

    def searched(self) -> dict[str, float | None]:
        """What goes into ``summary.json`` under ``searched``: None, never NaN."""
        return {
            "p_no_source_above_reference": round(self.p_none_above_reference, 4),
            "found_down_to_g_s": _plain(self.found_down_to_g_s),
            "found_down_to_over_half_g_s": _plain(self.found_down_to_over_half_g_s),
        }


def checks_of(
    series: Sequence[Observations],
    domain: Domain,
    posterior: xr.Dataset,
    survey: Survey,
    search: Search,
    *,
    seed: int,
) -> Checks:
    """Check a posterior and the search behind it.

    Parameters
    ----------
    series : sequence of Observations
        The first is looked at for faults.
    domain : Domain
    posterior : xarray.Dataset
    survey : Survey
        With the map of detection power.
    search : Search
        Behind that map.
    seed : int

    Returns
    -------
    Checks
    """
    power = survey.maps["detection_power"]
    rows, columns = np.nonzero(np.nan_to_num(power.to_numpy()) >= SEARCHED)
    every = max(1, math.ceil(rows.size / MOST_PLACES))
    east, north = power["x"].to_numpy()[columns[::every]], power["y"].to_numpy()[rows[::every]]
    found: tuple[float, ...] = (math.nan, math.nan)
    if rows.size:
        found = search.smallest_rates(east, north, shares=(0.9, 0.5))
    return Checks(
        diagnosis=diagnose(
            series[0], domain.bounds, rng=np.random.default_rng(seed), posterior=posterior
        ),
        p_none_above_reference=probability_of_none(
            posterior["east"].to_numpy(),
            posterior["north"].to_numpy(),
            posterior["rate"].to_numpy(),
            _at_sources(power, posterior),
            above=1e-3 * survey.reference_rate_g_s,
        ),
        found_down_to_g_s=1e3 * found[0],
        found_down_to_over_half_g_s=1e3 * found[1],
    )


def _at_sources(power: xr.DataArray, posterior: xr.Dataset) -> np.ndarray:
    """Power in the map's cell of each source of each draw; NaN where there is none."""
    there = posterior["east"].notnull()
    east, north = posterior["east"].fillna(0.0), posterior["north"].fillna(0.0)
    nearest = power.sel(x=east, y=north, method="nearest")
    return np.asarray(nearest.where(there).to_numpy())


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.2g}")
