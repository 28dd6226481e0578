"""Which channel a flight is judged by: the best one that can be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detection.source.array import observe_array
from detection.source.faults import is_resistance, left_out
from detection.source.observe import best_channel, observe
from sensors.flight_contract import gas_channels

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from numpy.typing import NDArray

    from detection.source.observations import Observations

    FloatArray = NDArray[np.float64]

__all__ = ["believable_channel", "observed"]


def believable_channel(flight: xr.Dataset, *, gas: str | None) -> tuple[str, list[str]]:
    """Channel to judge a flight by, and what to know about those that are left out.

    Parameters
    ----------
    flight : xarray.Dataset
        From `correct_flight`.
    gas : str or None
        Gas looked for.

    Returns
    -------
    channel : str
        The best one without a fault, or the best one if all have faults.
    notes : list of str
    """
    faults = left_out(flight, gas=gas)
    notes = [f"{name}: left out as faulty ({why})" for name, why in faults.items()]
    best = best_channel(flight, gas=gas)
    if best in faults and set(gas_channels(flight)) - set(faults):
        instead = best_channel(flight.drop_vars(list(faults)), gas=gas)
        if flight[instead].attrs["gas"] == flight[best].attrs["gas"]:
            return instead, notes
    return best, notes


def observed(
    flight: xr.Dataset, channel: str, *, east: FloatArray, north: FloatArray, gas: str | None
) -> Observations:
    """What a channel has seen; a metal oxide together with the others of the array.

    Parameters
    ----------
    flight : xarray.Dataset
        n readings.
    channel : str
        From `believable_channel`.
    east, north : ndarray, shape (n,)
        Projected positions [m], NaN where unknown.
    gas : str or None
        Gas looked for.

    Returns
    -------
    Observations
    """
    if is_resistance(flight, channel):
        for one in observe_array(flight, east=east, north=north, gas=gas):
            if channel in one.channel.split("+"):
                return one
    return observe(flight, channel, east=east, north=north)
