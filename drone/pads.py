"""Gas at take-off and landing and while sensors warm up: not searched with, but never unsaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detection.signal.airborne import seconds
from detection.signal.stations import station_of
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
AFTERWARDS_S = 5.0  # after the last reading that is left out, where gas that ended has gone


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
    """What was smelt while a sensor may have been warming up, where that is strong.

    Such readings are left out of the search, see `detection.signal.baseline`; what was smelt
    before take-off is told by `pad_notes`. What only fades since power-on is warm-up.

    Parameters
    ----------
    flight : Dataset
        From `correct_flight`.

    Returns
    -------
    list of str
        One line for each channel.
    """
    time_s = seconds(flight)
    stations = station_of(flight["latitude"].values, flight["longitude"].values)
    notes = []
    for name in gas_channels(flight):
        is_warming = flight[f"{name}_warming_up"].values == 1
        corrected, noise = flight[f"{name}_corrected"].values, flight[f"{name}_sigma"].values
        if is_resistance(flight, name) or not np.isfinite(noise[is_warming]).any():
            continue
        least = STRONG * float(np.nanmedian(noise))
        met = 0.0
        for station in np.unique(stations[is_warming]):
            here = stations == station
            rows = here & is_warming
            excess = _each_second(time_s[rows], corrected[rows])
            rows = here & np.isfinite(corrected) & (time_s <= time_s[rows].max() + AFTERWARDS_S)
            if excess.size and _is_more_than_fading(time_s[rows], flight[name].values[rows], least):
                met = max(met, float(excess.max()))
        if met < least:
            continue
        amount = readable(met, flight[name].attrs["units"])
        notes.append(
            f"{name}: up to {amount} above its baseline within the first "
            f"{time_s[is_warming].max():.0f} s; left out, since a sensor that warms up reads high "
            "too: if it was warm, look there first"
        )
    return notes


def _is_more_than_fading(time_s: FloatArray, reading: FloatArray, least: float) -> bool:
    """Somewhere far above the straight line between its ends: what only fades is convex."""
    at, binned, _ = bin_samples(time_s, {"reading": reading}, width_s=1.0)
    mean = binned["reading"]
    line = np.interp(at, at[[0, -1]], mean[[0, -1]])
    return bool((mean - line).max() > 0.5 * least)


def _each_second(time_s: FloatArray, reading: FloatArray) -> FloatArray:
    """Means of the known readings of each second that has some."""
    known = np.isfinite(reading)
    return bin_samples(time_s[known], {"reading": reading[known]}, width_s=1.0)[1]["reading"]
