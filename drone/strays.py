"""Readings whose time cannot be of this flight: a torn clock cell, a clock not yet set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensors.errors import FlightError
from sensors.flight import add_history

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["without_strays"]

_DAY_S = 86_400.0
FAR_S = _DAY_S  # readings further than this from the middle one are strays, if few
FEW = 0.1
LONGEST_S = 31 * _DAY_S


def without_strays(flight: xr.Dataset) -> tuple[xr.Dataset, tuple[str, ...]]:
    """The flight without readings far from all others in time, and a note if there were any.

    Parameters
    ----------
    flight : xarray.Dataset

    Returns
    -------
    flight : xarray.Dataset
    notes : tuple of str

    Raises
    ------
    FlightError
        The readings are spread over more than a month.
    """
    seconds = flight["time"].values.astype("datetime64[ns]").astype(np.int64) * 1e-9
    is_far = np.abs(seconds - np.median(seconds)) > FAR_S
    if is_far.any() and is_far.mean() <= FEW:
        note = (
            f"time: {int(is_far.sum())} of {is_far.size} readings are more than a day from the "
            "others and are left out; correct their times"
        )
        return add_history(flight.isel(obs=~is_far), note), (note,)
    if np.ptp(seconds) > LONGEST_S:
        files = ", ".join(str(flight.attrs["source_files"]).split("\n"))
        raise FlightError(
            f"{files}: the readings are spread over {np.ptp(seconds) / _DAY_S:.0f} days; "
            "give the files of one flight, and correct its times"
        )
    return flight, ()
