"""A Flight with its gas channels corrected, the raw ones left beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detection.pacing import breathe
from detection.signal import kernels
from detection.signal.airborne import is_airborne, metres, seconds
from detection.signal.baseline import Corrected, correct
from detection.signal.bins import lower_spread, quiet_noise
from detection.signal.corrected_variables import corrected_variables
from detection.signal.glitches import is_impossible, is_lone_spike
from detection.signal.response import estimate_response, family_response
from detection.signal.shared_background import (
    FEWEST_TOGETHER,
    above_shared_background,
    usually_together,
)
from detection.signal.stations import place_at_once, station_of
from sensors.flight import add_history
from sensors.flight_contract import gas_channels, validate
from sensors.records import Quality

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

__all__ = ["correct_flight", "is_usable"]

AVERAGED = "tdlas"  # family that answers within an average
VOID = Quality.MISSING | Quality.OUT_OF_RANGE | Quality.FAULT


def correct_flight(ds: xr.Dataset, *, background_removed: bool = False) -> xr.Dataset:
    """The flight with what each gas channel reads above its baseline.

    Parameters
    ----------
    ds : Dataset
        A validated Flight.
    background_removed : bool
        The readings are already free of drift and background; also taken from the attribute
        of that name. They, and time averages (`averaging_time_s` > 0) of which no position
        repeats and no four are from one time, are left alone: corrected = raw, baseline = 0.

    Returns
    -------
    Dataset
        With, beside each channel, `<name>_corrected`, `<name>_baseline`, `<name>_sigma`,
        `<name>_plume` and `<name>_warming_up`; with `airborne` and a history line a channel.
        Readings on the ground, and those that no gas can make (`glitches`, counted in an
        attribute of that name), take no part and are NaN in the corrected variables. Where the
        sensor moved, `<name>_corrected` has the attributes `rise_s`, `decay_s`,
        `response_log_sd` and `response_lines`, see `estimate_response`.

    Notes
    -----
    Metal-oxide channels in ohm become relative to clean air [1], see `correct`. Positions that
    repeat are fixed sensors (`stations.station_of`), each with a baseline and noise of its own;
    four or more that read at once share a background (`shared_background`), and where each has
    too few readings to tell its own offset, how far those lie apart is part of the noise.
    """
    airborne = is_airborne(ds)
    flight = ds.assign(
        airborne=(
            "obs",
            airborne.astype(np.uint8),
            {
                "long_name": "reading taken in flight, not on the ground",
                "flag_values": np.array([0, 1], np.uint8),
                "flag_meanings": "on_ground in_flight",
            },
        )
    )
    time_s = seconds(ds)
    positions = ds["latitude"].values, ds["longitude"].values
    stations = station_of(*positions)
    leave = background_removed or bool(ds.attrs.get("background_removed", 0))
    few = np.full(stations.size, -1)  # places of sensors with too few readings to tell them apart
    if not leave and stations.max(initial=-1) < 0:
        few = place_at_once(time_s, *positions)
        leave = _averaging_s(ds) > 0.0 and few.max(initial=-1) < 0
    for name in gas_channels(ds):
        breathe()
        reading = _good_readings(ds, name, airborne)
        family = str(ds[name].attrs.get("sensor_family", "unknown"))
        glitches = is_impossible(reading, str(ds[name].attrs.get("units", "1")))
        reading = np.where(glitches, np.nan, reading)
        for rows in [] if leave else _rows_of(stations):
            glitches[rows] |= is_lone_spike(time_s[rows], reading[rows], family=family)
        reading = np.where(glitches, np.nan, reading)
        shared = not leave and _shares_background(ds, name, stations)
        if shared:
            corrected = above_shared_background(
                time_s, reading, stations, step_s=_station_step_s(ds, stations)
            )
        elif few.max(initial=-1) >= 0 and not _is_resistance(ds, name):
            corrected = above_shared_background(
                time_s,
                reading,
                few,
                step_s=_station_step_s(ds, np.minimum(few, 0)),
                alike=True,
            )
        else:
            corrected = _each_alone(ds, name, reading, stations, leave)
        is_relative = _is_resistance(ds, name) and not leave
        units = "1" if is_relative else str(ds[name].attrs.get("units", "1"))
        flight = flight.assign(corrected_variables(ds, name, corrected, units=units))
        attrs = flight[f"{name}_corrected"].attrs
        attrs["glitches"] = int(glitches.sum())
        if _averaging_s(ds) == 0.0 and stations.max(initial=-1) < 0 and few.max(initial=-1) < 0:
            attrs.update(_response(ds, name, corrected))
        what = "left as given, baseline 0" if leave else "baseline smoothed and removed"
        if shared:
            what = f"background shared by {stations.max() + 1} fixed sensors removed"
        elif stations.max(initial=-1) >= 0:
            what = f"{stations.max() + 1} fixed sensors one by one, {what}"
        elif few.max(initial=-1) >= 0:
            what = f"background shared by {few.max() + 1} places that read at once removed"
        flight = add_history(flight, _history_line(name, corrected, what, attrs))
    return validate(flight)


def is_usable(ds: xr.Dataset, name: str) -> BoolArray:
    """Which readings of a corrected channel say something: known, in flight, warmed up.

    Parameters
    ----------
    ds : Dataset
        From `correct_flight`.
    name : str
        The raw channel.

    Returns
    -------
    ndarray of bool, shape (obs,)
    """
    known = np.isfinite(ds[f"{name}_corrected"].values) & np.isfinite(ds[f"{name}_sigma"].values)
    in_flight = known & (ds["airborne"].values == 1)
    usable: BoolArray = in_flight & (ds[f"{name}_warming_up"].values == 0)
    return usable


def _averaging_s(ds: xr.Dataset) -> float:
    return float(ds.attrs.get("averaging_time_s", 0.0))


def _rows_of(stations: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Rows of each fixed sensor, or all rows where there is none."""
    count = int(stations.max(initial=-1)) + 1
    if count == 0:
        return [np.arange(stations.size)]
    return [np.flatnonzero(stations == station) for station in range(count)]


def _station_step_s(ds: xr.Dataset, stations: NDArray[np.int64]) -> float:
    """Time between readings of a fixed sensor, or that of which they are means [s]."""
    steps = np.concatenate([np.diff(np.unique(seconds(ds)[rows])) for rows in _rows_of(stations)])
    return _averaging_s(ds) or (float(np.median(steps)) if steps.size else 1.0)


def _shares_background(ds: xr.Dataset, name: str, stations: NDArray[np.int64]) -> bool:
    if stations.max(initial=-1) < 0 or _is_resistance(ds, name):
        return False
    together = usually_together(seconds(ds), stations, _station_step_s(ds, stations))
    return together >= FEWEST_TOGETHER


def _each_alone(
    ds: xr.Dataset, name: str, reading: FloatArray, stations: NDArray[np.int64], leave: bool
) -> Corrected:
    """Each fixed sensor by itself, or the one that moves; NaN at rows of none."""
    every = _rows_of(stations)
    parts = [
        (_left_alone if leave else _corrected)(ds.isel(obs=rows), name, reading[rows])
        for rows in every
    ]
    if len(parts) == 1 and every[0].size == reading.size:
        return parts[0]
    unknown = np.full(reading.size, np.nan)
    joined = Corrected(
        unknown, unknown.copy(), unknown.copy(), unknown.copy(), np.zeros(reading.size, np.bool_)
    )
    for part, rows in zip(parts, every, strict=True):
        joined.signal[rows] = part.signal
        joined.baseline[rows] = part.baseline
        joined.sigma[rows] = part.sigma
        joined.plume[rows] = part.plume
        joined.warming_up[rows] = part.warming_up
    return joined


def _response(ds: xr.Dataset, name: str, corrected: Corrected) -> dict[str, float | int]:
    """Attributes that say how fast the channel answers."""
    signal, sigma = corrected.signal, corrected.sigma
    if _is_resistance(ds, name):  # it is the logarithm that answers exponentially
        with np.errstate(invalid="ignore", divide="ignore"):
            signal, sigma = np.log1p(signal), sigma / (1.0 + signal)
    known = np.isfinite(signal) & np.isfinite(sigma) & ~corrected.warming_up
    prior = family_response(str(ds[name].attrs.get("sensor_family", "unknown")))
    found = prior
    if known.any():
        found = estimate_response(
            seconds(ds),
            *metres(ds),
            np.where(known, signal, np.nan),
            noise=float(np.median(sigma[known])),
            prior=prior,
            decay=corrected.decay,
        )
    return {
        "rise_s": found.rise_s,
        "decay_s": found.decay_s,
        "response_log_sd": found.log_sd,
        "response_lines": found.lines,
    }


def _good_readings(ds: xr.Dataset, name: str, airborne: BoolArray) -> FloatArray:
    reading = np.asarray(ds[name].values, np.float64)
    void = ds[f"{name}_quality"].values & np.uint16(VOID) if f"{name}_quality" in ds else 0
    return np.where(airborne & (np.asarray(void) == 0), reading, np.nan)


def _corrected(ds: xr.Dataset, name: str, reading: FloatArray) -> Corrected:
    # minute means have no lag, and of a steady background as seconds have of a steady zero
    average_s = _averaging_s(ds)
    return correct(
        seconds(ds) / (average_s or 1.0),
        reading,
        temperature=ds["air_temperature"].values,
        humidity=ds["relative_humidity"].values,
        family=AVERAGED if average_s else str(ds[name].attrs.get("sensor_family", "unknown")),
        log_scale=_is_resistance(ds, name),
    )


def _is_resistance(ds: xr.Dataset, name: str) -> bool:
    return bool(ds[name].attrs.get("units") == "ohm")


def _left_alone(ds: xr.Dataset, _name: str, reading: FloatArray) -> Corrected:
    known = np.isfinite(reading)
    noise = max(quiet_noise(reading[known]), lower_spread(reading[known]))
    sigma = np.where(known & (noise > 0.0), noise, np.nan)
    plume, _ = kernels.plume_probability(
        seconds(ds), reading, np.full(reading.size, noise), np.zeros(reading.size)
    )
    unflagged = np.zeros(reading.size, np.bool_)
    return Corrected(reading, np.where(known, 0.0, np.nan), sigma, plume, unflagged)


def _history_line(name: str, corrected: Corrected, what: str, attrs: dict[str, Any]) -> str:
    known = np.isfinite(corrected.signal)
    sigma = corrected.sigma[np.isfinite(corrected.sigma)]
    noise = f"noise {np.median(sigma):.3g}" if sigma.size else "noise unknown"
    share = float(np.mean(corrected.plume[known] > 0.5)) if known.any() else 0.0
    left_out = f"{attrs['glitches']} glitches left out; " if attrs["glitches"] else ""
    answers = (
        f", rise {attrs['rise_s']:.2g} s and decay {attrs['decay_s']:.2g} s to a factor of "
        f"{np.exp(attrs['response_log_sd']):.2g} from {attrs['response_lines']} lines"
        if "rise_s" in attrs
        else ""
    )
    return (
        f"detection.signal: {name}: {what}; {left_out}{known.sum()} of {known.size} readings, "
        f"{noise}, {100 * share:.0f} % in plume, {corrected.warming_up.sum()} warming up{answers}"
    )
