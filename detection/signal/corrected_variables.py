"""The variables that a corrected channel adds to a Flight, with what CF wants to know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from detection.signal.baseline import Corrected

__all__ = ["corrected_variables"]


def corrected_variables(
    ds: xr.Dataset, name: str, corrected: Corrected, *, units: str
) -> dict[str, tuple[str, NDArray[np.generic], dict[str, object]]]:
    """Variables of a corrected channel as a Dataset takes them: dimension, values, attributes.

    Parameters
    ----------
    ds : Dataset
        A Flight.
    name : str
        The raw channel.
    corrected : Corrected
    units : str
        Of the corrected signal; the baseline keeps those of the channel.

    Returns
    -------
    dict
    """
    raw = ds[name].attrs
    label = raw.get("long_name", name)
    channel = {"gas": raw.get("gas", ""), "sensor_family": raw.get("sensor_family", "unknown")}
    return {
        f"{name}_corrected": (
            "obs",
            corrected.signal,
            {
                "units": units,
                "long_name": f"{label}, above its baseline",
                "channel_role": "corrected",
                "ancillary_variables": f"{name}_sigma {name}_plume {name}_warming_up",
                **channel,
            },
        ),
        f"{name}_baseline": (
            "obs",
            corrected.baseline,
            {"units": raw.get("units", "1"), "long_name": f"{label}, without plume"},
        ),
        f"{name}_sigma": (
            "obs",
            corrected.sigma,
            {"units": units, "long_name": f"{label}, 1-sigma noise of the corrected reading"},
        ),
        f"{name}_plume": (
            "obs",
            corrected.plume,
            {"units": "1", "long_name": f"{label}, probability that the reading is in plume"},
        ),
        f"{name}_warming_up": (
            "obs",
            corrected.warming_up.astype(np.uint8),
            {
                "long_name": f"{label}, may still show the transient after power-on",
                "flag_values": np.array([0, 1], np.uint8),
                "flag_meanings": "settled warming_up",
            },
        ),
    }
