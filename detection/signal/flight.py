"""A Flight with its gas channels corrected, the raw ones left beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detection.pacing import in_order
from detection.signal import kernels
from detection.signal.airborne import is_airborne, metres, seconds
from detection.signal.baseline import Corrected, correct
from detection.signal.bins import lower_spread, quiet_noise
from detection.signal.censoring import Censored, censored
from detection.signal.corrected_variables import corrected_variables
from detection.signal.glitches import is_impossible, is_lone_spike
from detection.signal.places import averaging_s, places_of
from detection.signal.response import estimate_response, family_response
from detection.signal.shared_background import above_shared_background
from sensors.flight import add_history
from sensors.flight_contract import gas_channels, validate
from sensors.records import Quality

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from detection.signal.places import Places

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
        Readings on the ground, those that no gas can make and those held at the lowest value the
        channel can show (`glitches` and `censoring`, counted in attributes `glitches` and
        `held_at_lowest`), take no part and are NaN in the corrected variables. Where the sensor
        moved, `<name>_corrected` has the attributes `rise_s`, `decay_s`,
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
    removed = background_removed or bool(ds.attrs.get("background_removed", 0))
    places = places_of(ds, background_removed=removed)
    # each channel by itself; the kernels release Python's lock
    found = in_order(lambda name: _channel(ds, name, airborne, places), gas_channels(ds))
    for variables, history in found:
        flight = add_history(flight.assign(variables), history)
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


def _channel(
    ds: xr.Dataset, name: str, airborne: BoolArray, places: Places
) -> tuple[dict[str, Any], str]:
    """Variables that a channel adds to a Flight, and a line of its history."""
    reading, glitches = _without_glitches(ds, name, airborne, places)
    corrected, what = _above_baseline(ds, name, reading, places)
    is_relative = _is_resistance(ds, name) and not places.leave
    units = "1" if is_relative else str(ds[name].attrs.get("units", "1"))
    variables = corrected_variables(ds, name, corrected, units=units)
    _, _, attrs = variables[f"{name}_corrected"]
    attrs["glitches"] = glitches
    attrs["held_at_lowest"] = int(np.sum(np.isfinite(reading) & ~np.isfinite(corrected.signal)))
    response = {}
    if places.averaging_s == 0.0 and not places.are_fixed and not places.are_few:
        response = _response(ds, name, corrected)
    attrs |= response
    return variables, _history_line(name, corrected, what, glitches, response)


def _without_glitches(
    ds: xr.Dataset, name: str, airborne: BoolArray, places: Places
) -> tuple[FloatArray, int]:
    """Good readings taken in flight, NaN the others, and how many of them no gas can make."""
    reading = _good_readings(ds, name, airborne)
    family = str(ds[name].attrs.get("sensor_family", "unknown"))
    glitches = is_impossible(reading, str(ds[name].attrs.get("units", "1")))
    reading = np.where(glitches, np.nan, reading)
    for rows in [] if places.leave else places.rows:
        glitches[rows] |= is_lone_spike(places.time_s[rows], reading[rows], family=family)
    return np.where(glitches, np.nan, reading), int(glitches.sum())


def _above_baseline(
    ds: xr.Dataset, name: str, reading: FloatArray, places: Places
) -> tuple[Corrected, str]:
    """A channel with its drift and background removed, and what was done in a few words."""
    time_s, step_s = places.time_s, places.step_s
    if places.share_background and not _is_resistance(ds, name):
        if places.are_fixed:
            corrected = above_shared_background(time_s, reading, places.stations, step_s=step_s)
            return corrected, f"background shared by {len(places.rows)} fixed sensors removed"
        corrected = above_shared_background(time_s, reading, places.few, step_s=step_s, alike=True)
        count = places.few.max() + 1
        return corrected, f"background shared by {count} places that read at once removed"
    what = "left as given, baseline 0" if places.leave else "baseline smoothed and removed"
    if places.are_fixed:
        what = f"{len(places.rows)} fixed sensors one by one, {what}"
    return _each_alone(ds, name, reading, places), what


def _each_alone(ds: xr.Dataset, name: str, reading: FloatArray, places: Places) -> Corrected:
    """Each fixed sensor by itself, or the one that moves; NaN at rows of none."""
    every = places.rows
    parts = [
        (_left_alone if places.leave else _corrected)(ds.isel(obs=rows), name, reading[rows])
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
    average_s = averaging_s(ds)
    time_s, is_resistance = seconds(ds), _is_resistance(ds, name)
    hidden = Censored(np.zeros(reading.size, np.bool_), 0.0)
    if not average_s and not is_resistance:
        hidden = censored(time_s, reading)
    return correct(
        time_s / (average_s or 1.0),
        np.where(hidden.says_nothing, np.nan, reading),
        temperature=ds["air_temperature"].values,
        humidity=ds["relative_humidity"].values,
        family=AVERAGED if average_s else str(ds[name].attrs.get("sensor_family", "unknown")),
        log_scale=is_resistance,
        least_noise=hidden.noise,
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


def _history_line(
    name: str, corrected: Corrected, what: str, glitches: int, response: dict[str, float | int]
) -> str:
    known = np.isfinite(corrected.signal)
    sigma = corrected.sigma[np.isfinite(corrected.sigma)]
    noise = f"noise {np.median(sigma):.3g}" if sigma.size else "noise unknown"
    share = float(np.mean(corrected.plume[known] > 0.5)) if known.any() else 0.0
    left_out = f"{glitches} glitches left out; " if glitches else ""
    answers = (
        f", rise {response['rise_s']:.2g} s and decay {response['decay_s']:.2g} s to a factor of "
        f"{np.exp(response['response_log_sd']):.2g} from {response['response_lines']} lines"
        if response
        else ""
    )
    return (
        f"detection.signal: {name}: {what}; {left_out}{known.sum()} of {known.size} readings, "
        f"{noise}, {100 * share:.0f} % in plume, {corrected.warming_up.sum()} warming up{answers}"
    )
