"""Gas at take-off and landing and while sensors warm up: not searched with, but never unsaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detection.signal.airborne import seconds
from detection.source.faults import is_resistance
from detection.source.observations import bin_samples
from sensors.flight_contract import gas_channels
from sensors.units import readable

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["pad_notes", "warm_up_notes"]

STRONG = 20.0  # noises of a reading; a second's mean has fewer
RISE = 2.0  # times the first second's: what only falls since power-on is warm-up


def pad_notes(flight: xr.Dataset) -> list[str]:
    """What was smelt on the ground and straight above it, where that is strong.

    Such readings are left out of the search, see `detection.signal.airborne`.

    Parameters
    ----------
    flight : Dataset
        From `correct_flight`.

    Returns
    -------
    list of str
        One line for each channel and place.
    """
    airborne = np.flatnonzero(flight["airborne"].values == 1)
    if not airborne.size:
        return []
    time_s = seconds(flight)
    notes = []
    for name in gas_channels(flight):
        if is_resistance(flight, name):
            continue
        baseline, noise = flight[f"{name}_baseline"].values, flight[f"{name}_sigma"].values
        known = np.flatnonzero(np.isfinite(baseline))
        if not known.size or not np.isfinite(noise).any():
            continue
        least = STRONG * float(np.nanmedian(noise))
        for rows, level, where in (
            (slice(None, airborne[0]), baseline[known[0]], "took off"),
            (slice(airborne[-1] + 1, None), baseline[known[-1]], "landed"),
        ):
            excess = _each_second(time_s[rows], flight[name].values[rows]) - level
            if not excess.size or excess.max() < least:
                continue
            if where == "took off" and excess.max() < RISE * max(excess[0], 0.0) + 0.5 * least:
                continue
            notes.append(
                f"{name}: up to {readable(float(excess.max()), flight[name].attrs['units'])} above "
                f"clean air where the drone {where}; left out, since handling, rotor wash and "
                "warm-up are smelt there too: if it is none of these, look there first"
            )
    return notes


def warm_up_notes(flight: xr.Dataset) -> list[str]:
    """What was smelt in flight while a sensor may have been warming up, where that is strong.

    Such readings are left out of the search, see `detection.signal.baseline`.

    Parameters
    ----------
    flight : Dataset
        From `correct_flight`.

    Returns
    -------
    list of str
        One line for each channel.
    """
    is_airborne = flight["airborne"].values == 1
    time_s = seconds(flight)
    notes = []
    for name in gas_channels(flight):
        rows = is_airborne & (flight[f"{name}_warming_up"].values == 1)
        noise = flight[f"{name}_sigma"].values
        if is_resistance(flight, name) or not np.isfinite(noise[rows]).any():
            continue
        excess = _each_second(time_s[rows], flight[f"{name}_corrected"].values[rows])
        if not excess.size or excess.max() < STRONG * float(np.nanmedian(noise)):
            continue
        amount = readable(float(excess.max()), flight[name].attrs["units"])
        last = time_s[np.flatnonzero(rows)[-1]] - time_s[0]
        notes.append(
            f"{name}: up to {amount} above its baseline in flight within the first {last:.0f} s; "
            "left out, since a sensor that warms up reads high too: if it was warm, look there "
            "first"
        )
    return notes


def _each_second(time_s: FloatArray, reading: FloatArray) -> FloatArray:
    """Means of the known readings of each second that has some."""
    known = np.isfinite(reading)
    return bin_samples(time_s[known], {"reading": reading[known]}, width_s=1.0)[1]["reading"]
