"""Wind and state of the air at each gas reading, and where the wind comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sensors.series import Readings, Series, series_of
from sensors.units import from_speed_direction, towards_vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.streams import Stream

    FloatArray = NDArray[np.float64]

__all__ = ["AUTOPILOT", "GIVEN", "WIND_GAP_S", "Air", "air_at", "is_one_wind"]

WIND_GAP_S = 10.0  # wind is believed to stay itself over this long
AIR_GAP_S = 60.0  # temperature, humidity and pressure change slowly
STILL_S = 60.0  # no wind that is measured stays the same to the last digit so long
ROUNDING_M_S = 1e-9  # by which a wind that is one value may seem to change
# names a reader may give the source of a wind series that is no anemometer's
AUTOPILOT, GIVEN = "autopilot", "given"
MEASURED = ("anemometer", AUTOPILOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Air:
    """Wind and air at the readings, each column of shape (n,), and how they were found."""

    eastward_wind: FloatArray
    northward_wind: FloatArray
    temperature: FloatArray
    relative_humidity: FloatArray
    pressure: FloatArray
    wind_source: str
    notes: tuple[str, ...]
    history: tuple[str, ...]


def air_at(streams: list[Stream], readings: Readings, *, given: tuple[float, float] | None) -> Air:
    """Wind and air at the times of the readings.

    An anemometer's wind goes before the autopilot's estimate, which goes before what was given;
    the kinds are not mixed. Wind is interpolated as a vector, never across more than
    `WIND_GAP_S`; the state of the air never across more than `AIR_GAP_S`. A wind of exactly 0
    from the first reading to the last is that of a sensor that does not turn, and is not used.

    Parameters
    ----------
    streams : list of Stream
        Of all kinds, on UTC.
    readings : Readings
    given : (speed, from_deg) or None
        [m s-1], clockwise from true north [degree].

    Returns
    -------
    Air
    """
    east, north, kind, source, notes = _wind(series_of(streams, "wind", readings), readings, given)
    total = readings.time_ns.size
    without = int(np.isnan(east).sum())
    if kind == "none":
        notes.append("wind: none in the logs; give --wind-speed and --wind-from if you know it")
    elif without:
        notes.append(f"wind: {without} of {total} readings have none ({source})")
    if kind in MEASURED and _stands_still(east, north, readings):
        speed, from_deg = from_speed_direction(np.nanmean(east), np.nanmean(north))
        notes.append(
            f"wind: {float(speed):.1f} m/s from {float(from_deg):.0f} degrees from the first "
            f"reading to the last ({source}): a sensor that stands still, or one value for the "
            "whole flight; a wrong wind misplaces a source"
        )
    if given is not None and kind != GIVEN:
        notes.append(f"wind: what was given is not used, the flight has wind from {source}")
    environments = series_of(streams, "environment", readings)
    state = {
        name: _environment(environments, readings, name)
        for name in ("temperature", "relative_humidity", "pressure")
    }
    return Air(
        eastward_wind=east,
        northward_wind=north,
        **state,
        wind_source=kind,
        notes=tuple(notes),
        history=(
            f"wind: {kind} ({source}), as a vector across gaps of at most {WIND_GAP_S:g} s, "
            f"{without} of {total} readings without",
        ),
    )


def is_one_wind(eastward: FloatArray, northward: FloatArray) -> bool:
    """Whether all of a wind is one value but for rounding, shape (n,) each and no NaN [m s-1].

    Examples
    --------
    >>> is_one_wind(np.full(3, 2.0), np.zeros(3)), is_one_wind(np.zeros(2), np.array([0.0, 0.1]))
    (True, False)
    """
    away = np.hypot(eastward - eastward[:1], northward - northward[:1])
    return bool((away < ROUNDING_M_S).all())


def _wind(
    winds: list[Series], readings: Readings, given: tuple[float, float] | None
) -> tuple[FloatArray, FloatArray, str, str, list[str]]:
    """The wind, its kind, whose it is, and what to know of those passed over."""
    notes = []
    for kind in MEASURED:
        found = [
            (*_vector_at(series, readings), kind, series.source)
            for series in winds
            if _wind_kind(series) == kind
        ]
        known = []
        for entry in found:
            if _stands_still(*entry[:2], readings) and not np.nansum(np.hypot(*entry[:2])):
                notes.append(
                    f"wind: 0 m/s from the first reading to the last ({entry[3]}), as no wind is; "
                    "not used, look at the sensor"
                )
            elif np.isfinite(entry[0]).any():
                known.append(entry)
        if known:
            return *max(known, key=lambda entry: int(np.isfinite(entry[0]).sum())), notes
    shape = readings.time_ns.shape
    if given is not None:
        east, north = towards_vector(*given)
        source = f"{given[0]:g} m/s from {given[1]:g} degrees"
        return np.full(shape, float(east)), np.full(shape, float(north)), GIVEN, source, notes
    for series in winds:
        if _wind_kind(series) == GIVEN:
            return *_vector_at(series, readings), GIVEN, "as given before", notes
    return np.full(shape, np.nan), np.full(shape, np.nan), "none", "no log holds any", notes


def _stands_still(east: FloatArray, north: FloatArray, readings: Readings) -> bool:
    """Whether a wind is the same from its first reading to its last, and long enough to tell."""
    known = np.isfinite(east) & np.isfinite(north)
    if not known.any() or np.ptp(readings.time_ns[known]) < STILL_S * 1e9:
        return False
    return is_one_wind(east[known], north[known])


def _wind_kind(series: Series) -> str:
    if series.source in {AUTOPILOT, GIVEN}:
        return series.source
    return "anemometer" if series.is_gas_log else AUTOPILOT


def _vector_at(series: Series, readings: Readings) -> tuple[FloatArray, FloatArray]:
    components = series.column("eastward"), series.column("northward")
    is_known = np.isfinite(components[0]) & np.isfinite(components[1])
    east, north = (
        series.at(readings, np.where(is_known, component, np.nan), max_gap_s=WIND_GAP_S)
        for component in components
    )
    return east, north


def _environment(environments: list[Series], readings: Readings, name: str) -> FloatArray:
    """Values of the series that knows the most readings; a gas log's own goes first."""
    found = [
        (series.is_gas_log, series.at(readings, series.column(name), max_gap_s=AIR_GAP_S))
        for series in environments
    ]
    known = [entry for entry in found if np.isfinite(entry[1]).any()]
    if not known:
        return np.full(readings.time_ns.shape, np.nan)
    return max(known, key=lambda entry: (entry[0], int(np.isfinite(entry[1]).sum())))[1]
