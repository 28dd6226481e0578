"""Wind and state of the air at each gas reading, and where the wind comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sensors.alignment import series_at
from sensors.placing import own_rows
from sensors.units import towards_vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.streams import Stream

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

__all__ = ["AUTOPILOT", "GIVEN", "WIND_GAP_S", "Air", "air_at"]

WIND_GAP_S = 10.0  # wind is believed to stay itself over this long
AIR_GAP_S = 60.0  # temperature, humidity and pressure change slowly
# names a reader may give the source of a wind series that is no anemometer's
AUTOPILOT, GIVEN = "autopilot", "given"


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


def air_at(
    streams: list[Stream],
    gases: list[Stream],
    order: IntArray,
    time_ns: IntArray,
    *,
    given: tuple[float, float] | None,
) -> Air:
    """Wind and air at the times of the readings.

    An anemometer's wind goes before the autopilot's estimate, which goes before what was given;
    the kinds are not mixed. Wind is interpolated as a vector, never across more than
    `WIND_GAP_S`; the state of the air never across more than `AIR_GAP_S`.

    Parameters
    ----------
    streams, gases, order, time_ns
        As in `placing.place`.
    given : (speed, from_deg) or None
        [m s-1], clockwise from true north [degree].

    Returns
    -------
    Air
    """
    east, north, kind, source = _wind(streams, gases, order, time_ns, given)
    without = int(np.isnan(east).sum())
    notes = []
    if kind == "none":
        notes.append("wind: none in the logs; give --wind-speed and --wind-from if you know it")
    elif without:
        notes.append(f"wind: {without} of {time_ns.size} readings have none ({source})")
    if given is not None and kind != GIVEN:
        notes.append(f"wind: what was given is not used, the flight has wind from {source}")
    state = {
        name: _environment(streams, gases, order, time_ns, name)
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
            f"{without} of {time_ns.size} readings without",
        ),
    )


def _wind(
    streams: list[Stream],
    gases: list[Stream],
    order: IntArray,
    time_ns: IntArray,
    given: tuple[float, float] | None,
) -> tuple[FloatArray, FloatArray, str, str]:
    winds = [stream for stream in streams if stream.kind == "wind"]
    for kind in ("anemometer", AUTOPILOT):
        series = [
            (*_wind_series(stream, gases, order, time_ns), kind, stream.source)
            for stream in winds
            if _wind_kind(stream) == kind
        ]
        known = [entry for entry in series if np.isfinite(entry[0]).any()]
        if known:
            return max(known, key=lambda entry: int(np.isfinite(entry[0]).sum()))
    if given is None:
        given_streams = [stream for stream in winds if _wind_kind(stream) == GIVEN]
        if given_streams:
            east, north = _wind_series(given_streams[0], gases, order, time_ns)
            return east, north, GIVEN, "as given before"
        nothing = np.full(time_ns.shape, np.nan)
        return nothing, nothing.copy(), "none", "no log holds any"
    east, north = towards_vector(*given)
    return (
        np.full(time_ns.shape, float(east)),
        np.full(time_ns.shape, float(north)),
        GIVEN,
        f"{given[0]:g} m/s from {given[1]:g} degrees",
    )


def _wind_kind(stream: Stream) -> str:
    if stream.source in {AUTOPILOT, GIVEN}:
        return stream.source
    return "anemometer" if stream.is_gas_log else AUTOPILOT


def _wind_series(
    stream: Stream, gases: list[Stream], order: IntArray, time_ns: IntArray
) -> tuple[FloatArray, FloatArray]:
    east, north = stream.column("eastward"), stream.column("northward")
    is_known = np.isfinite(east) & np.isfinite(north)
    columns = [np.where(is_known, component, np.nan) for component in (east, north)]
    at_readings = [
        _at(stream, gases, order, time_ns, component, WIND_GAP_S) for component in columns
    ]
    return at_readings[0], at_readings[1]


def _environment(
    streams: list[Stream], gases: list[Stream], order: IntArray, time_ns: IntArray, name: str
) -> FloatArray:
    """Values of the series that knows the most readings; a gas log's own goes first."""
    known = [
        (stream.is_gas_log, _at(stream, gases, order, time_ns, stream.column(name), AIR_GAP_S))
        for stream in streams
        if stream.kind == "environment"
    ]
    known = [entry for entry in known if np.isfinite(entry[1]).any()]
    if not known:
        return np.full(time_ns.shape, np.nan)
    return max(known, key=lambda entry: (entry[0], int(np.isfinite(entry[1]).sum())))[1]


def _at(
    stream: Stream,
    gases: list[Stream],
    order: IntArray,
    time_ns: IntArray,
    values: FloatArray,
    max_gap_s: float,
) -> FloatArray:
    between = series_at(stream.time_ns, values, time_ns, max_gap_s=max_gap_s)
    own = own_rows(stream, gases, order, values)
    return between if own is None else np.where(np.isfinite(own), own, between)
