"""The Posterior contract: draws of zero or more sources, and what is asked of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["number_probabilities", "posterior_dataset", "said"]

_UNITS = {"east": "m", "north": "m", "height": "m", "rate": "kg s-1"}
_LONG = {
    "east": "easting of the source in crs_wkt",
    "north": "northing of the source in crs_wkt",
    "height": "release height above ground",
    "rate": "emission rate",
}


def posterior_dataset(
    columns: Mapping[str, FloatArray], *, attrs: Mapping[str, object]
) -> xr.Dataset:
    """Posterior dataset from padded draws.

    Parameters
    ----------
    columns : mapping
        `east`, `north`, `height` [m] and `rate` [kg s-1], each of shape (draw, source),
        NaN past each draw's number of sources.
    attrs : mapping
        Model, prior and evidence; `p_any_source` is added from the draws if not given.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    ValueError
        A column is missing, or they disagree on which sources a draw has.
    """
    if set(columns) != set(_UNITS):
        raise ValueError(f"a Posterior has {sorted(_UNITS)}, not {sorted(columns)}")
    missing = np.isnan(columns["east"])
    if any(not np.array_equal(np.isnan(column), missing) for column in columns.values()):
        raise ValueError("columns of a Posterior must be NaN in the same places")
    posterior = xr.Dataset(
        {
            name: (
                ("draw", "source"),
                columns[name],
                {"units": _UNITS[name], "long_name": _LONG[name]},
            )
            for name in _UNITS
        }
    )
    posterior.attrs = dict(attrs)
    if "p_any_source" not in posterior.attrs:
        posterior.attrs["p_any_source"] = float((~missing).any(axis=1).mean())
    return posterior


def number_probabilities(posterior: xr.Dataset) -> FloatArray:
    """Probability of 0, 1, 2, ... sources.

    Parameters
    ----------
    posterior : xarray.Dataset

    Returns
    -------
    ndarray, shape (source + 1,)
        Sums to 1.
    """
    number = np.isfinite(posterior["east"].to_numpy()).sum(axis=1)
    counts = np.bincount(number, minlength=posterior.sizes["source"] + 1)
    return np.asarray(counts / counts.sum())


def said(*settings: Any) -> str:
    """Fields of settings and their values, as a posterior's attributes carry them, each once."""
    each = (
        ", ".join(f"{name} = {value}" for name, value in asdict(one).items()) for one in settings
    )
    return "; ".join(dict.fromkeys(each))
