"""A Flight with its gas channels corrected, the raw ones left beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detection.signal import kernels, smoother
from detection.signal.baseline import Corrected, correct
from detection.signal.glitches import is_impossible, is_lone_spike
from sensors.flight import add_history
from sensors.flight_contract import gas_channels, validate
from sensors.records import Quality

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

__all__ = ["correct_flight", "is_airborne", "is_usable"]

GROUND_M = 2.0  # heights below are on the ground, unless moving
MOVED_M = 5.0  # displacement within `MOVED_S` that a receiver's jitter does not make
MOVED_S = 10.0
PAD_M = 10.0  # readings within this of where the drone stood, before leaving, are no survey
METRES_PER_DEGREE = 111_195.0  # of latitude, on a sphere of 6371 km
VOID = Quality.MISSING | Quality.OUT_OF_RANGE | Quality.FAULT


def correct_flight(ds: xr.Dataset, *, background_removed: bool = False) -> xr.Dataset:
    """The flight with what each gas channel reads above its baseline.

    Parameters
    ----------
    ds : Dataset
        A validated Flight.
    background_removed : bool
        The readings are already free of drift and background; also taken from the attribute
        of that name. They, and time averages (`averaging_time_s` > 0), are left alone:
        corrected = raw, baseline = 0.

    Returns
    -------
    Dataset
        With, beside each channel, `<name>_corrected`, `<name>_baseline`, `<name>_sigma`,
        `<name>_plume` and `<name>_warming_up`; with `airborne` and a history line a channel.
        Readings on the ground, and those that no gas can make (`glitches`, counted in an
        attribute of that name), take no part and are NaN in the corrected variables.

    Notes
    -----
    Metal-oxide channels in ohm become relative to clean air [1], see `correct`.
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
    leave = (
        background_removed
        or bool(ds.attrs.get("background_removed", 0))
        or float(ds.attrs.get("averaging_time_s", 0.0)) > 0.0
    )
    for name in gas_channels(ds):
        reading = _good_readings(ds, name, airborne)
        glitches = np.zeros(reading.size, np.bool_) if leave else _is_glitch(ds, name, reading)
        reading = np.where(glitches, np.nan, reading)
        corrected = _left_alone(ds, reading) if leave else _corrected(ds, name, reading)
        flight = flight.assign(_variables(ds, name, corrected, leave))
        flight[f"{name}_corrected"].attrs["glitches"] = int(glitches.sum())
        flight = add_history(flight, _history_line(name, corrected, leave, int(glitches.sum())))
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


def is_airborne(ds: xr.Dataset) -> BoolArray:
    """Which readings were taken in flight, away from where the drone stood.

    Parameters
    ----------
    ds : Dataset
        A Flight.

    Returns
    -------
    ndarray of bool, shape (obs,)
        False on the ground (below 2 m and not moving; where heights are unknown, not moving at
        the start or the end) and on the way straight up and down above that spot: what is
        smelt there is handling, rotor wash and warm-up. True everywhere when nothing ever
        moved: a fixed station; and for time averages.
    """
    height = np.asarray(ds["height_above_ground"].values, np.float64)
    moving = _is_moving(ds)
    if not moving.any() or float(ds.attrs.get("averaging_time_s", 0.0)) > 0.0:
        return np.ones(height.size, np.bool_)
    moved = np.flatnonzero(moving)
    outside = np.ones(height.size, np.bool_)
    outside[moved[0] : moved[-1] + 1] = False
    standing = ~moving & np.where(np.isfinite(height), height < GROUND_M, outside)
    return ~_above_pads(ds, standing)


def _above_pads(ds: xr.Dataset, standing: BoolArray) -> BoolArray:
    """Readings on the ground, and those before and after within 10 m of that spot."""
    east, north = _metres(ds)
    pads = standing.copy()
    edges = np.flatnonzero(np.diff(np.concatenate(([False], standing, [False]))))
    for first, last in zip(edges[::2], edges[1::2] - 1, strict=True):
        for spot, way in ((first, slice(first, None, -1)), (last, slice(last, None))):
            away = np.hypot(east[way] - east[spot], north[way] - north[spot])
            pads[way] |= np.logical_and.accumulate(away < PAD_M)
    return pads


def _is_moving(ds: xr.Dataset) -> BoolArray:
    time_s = _seconds(ds)
    known = np.unique(time_s, return_index=True)[1]
    moved = np.zeros(time_s.size)
    for metres in _metres(ds):
        if not np.isfinite(metres).all():
            return np.zeros(time_s.size, np.bool_)
        after, before = (
            np.interp(time_s + side, time_s[known], metres[known])
            for side in (0.5 * MOVED_S, -0.5 * MOVED_S)
        )
        moved += (after - before) ** 2
    return moved > MOVED_M**2


def _metres(ds: xr.Dataset) -> tuple[FloatArray, FloatArray]:
    """East and north of the first known position [m], filled between known ones."""
    latitude = np.asarray(ds["latitude"].values, np.float64)
    longitude = np.asarray(ds["longitude"].values, np.float64)
    known = np.flatnonzero(np.isfinite(latitude) & np.isfinite(longitude))
    if known.size == 0:
        return np.full(latitude.size, np.nan), np.full(latitude.size, np.nan)
    turn = np.unwrap(longitude[known], period=360.0)
    east = METRES_PER_DEGREE * np.cos(np.radians(latitude[known[0]])) * (turn - turn[0])
    north = METRES_PER_DEGREE * (latitude[known] - latitude[known[0]])
    sample = np.arange(latitude.size)
    return np.interp(sample, known, east), np.interp(sample, known, north)


def _seconds(ds: xr.Dataset) -> FloatArray:
    time = ds["time"].values.astype("datetime64[ns]").astype(np.int64)
    seconds: FloatArray = (time - (time.min() if time.size else 0)) * 1e-9
    return seconds


def _good_readings(ds: xr.Dataset, name: str, airborne: BoolArray) -> FloatArray:
    reading = np.asarray(ds[name].values, np.float64)
    void = ds[f"{name}_quality"].values & np.uint16(VOID) if f"{name}_quality" in ds else 0
    return np.where(airborne & (np.asarray(void) == 0), reading, np.nan)


def _is_glitch(ds: xr.Dataset, name: str, reading: FloatArray) -> BoolArray:
    attrs = ds[name].attrs
    impossible = is_impossible(reading, str(attrs.get("units", "1")))
    possible = np.where(impossible, np.nan, reading)
    family = str(attrs.get("sensor_family", "unknown"))
    glitch: BoolArray = impossible | is_lone_spike(_seconds(ds), possible, family=family)
    return glitch


def _corrected(ds: xr.Dataset, name: str, reading: FloatArray) -> Corrected:
    return correct(
        _seconds(ds),
        reading,
        temperature=ds["air_temperature"].values,
        humidity=ds["relative_humidity"].values,
        family=str(ds[name].attrs.get("sensor_family", "unknown")),
        log_scale=_is_resistance(ds, name),
    )


def _is_resistance(ds: xr.Dataset, name: str) -> bool:
    return bool(ds[name].attrs.get("units") == "ohm")


def _left_alone(ds: xr.Dataset, reading: FloatArray) -> Corrected:
    known = np.isfinite(reading)
    noise = max(smoother.quiet_noise(reading[known]), smoother.lower_spread(reading[known]))
    sigma = np.where(known & (noise > 0.0), noise, np.nan)
    plume, _ = kernels.plume_probability(
        _seconds(ds), reading, np.full(reading.size, noise), np.zeros(reading.size)
    )
    unflagged = np.zeros(reading.size, np.bool_)
    return Corrected(reading, np.where(known, 0.0, np.nan), sigma, plume, unflagged)


def _variables(
    ds: xr.Dataset, name: str, corrected: Corrected, leave: bool
) -> dict[str, tuple[str, NDArray[np.generic], dict[str, object]]]:
    raw = ds[name].attrs
    label = raw.get("long_name", name)
    units = "1" if _is_resistance(ds, name) and not leave else raw.get("units", "1")
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
                "long_name": f"{label}, transient after power-on",
                "flag_values": np.array([0, 1], np.uint8),
                "flag_meanings": "settled warming_up",
            },
        ),
    }


def _history_line(name: str, corrected: Corrected, leave: bool, glitches: int) -> str:
    known = np.isfinite(corrected.signal)
    sigma = corrected.sigma[np.isfinite(corrected.sigma)]
    noise = f"noise {np.median(sigma):.3g}" if sigma.size else "noise unknown"
    what = "left as given, baseline 0" if leave else "baseline smoothed and removed"
    share = float(np.mean(corrected.plume[known] > 0.5)) if known.any() else 0.0
    left_out = f"{glitches} glitches left out; " if glitches else ""
    return (
        f"detection.signal: {name}: {what}; {left_out}{known.sum()} of {known.size} readings, "
        f"{noise}, {100 * share:.0f} % in plume, {corrected.warming_up.sum()} warming up"
    )
