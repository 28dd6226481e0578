"""Where each gas reading was taken: its own position, or one interpolated between fixes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sensors.alignment import (
    bracket,
    longitudes_between,
    series_at,
    values_between,
    wrapped,
)
from sensors.errors import FlightError
from sensors.records import Quality
from sensors.streams import Stream, iso_utc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

__all__ = ["Placed", "own_rows", "place"]

_HEIGHTS = ("altitude_amsl_m", "height_above_ground_m", "height_above_home_m")
# of two sources that place equally many readings, the one listed first
_PREFERRED = ("GLOBAL_POSITION_INT", "POS", "vehicle_global_position", "GPS_RAW_INT", "GPS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Positions of the readings, each column of shape (n,), and how they were found."""

    latitude: FloatArray
    longitude: FloatArray
    altitude: FloatArray
    height_above_ground: FloatArray
    quality: NDArray[np.uint16]
    source: str
    notes: tuple[str, ...]
    history: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Fixes:
    """Positions for the readings from one source; `state` 0 own, 1 between fixes, 2 none."""

    stream: Stream
    latitude: FloatArray
    longitude: FloatArray
    heights: dict[str, FloatArray]
    state: NDArray[np.int8]

    @property
    def number(self) -> int:
        return int((self.state < 2).sum())


def place(
    streams: list[Stream],
    gases: list[Stream],
    order: IntArray,
    time_ns: IntArray,
    *,
    max_gap_s: float,
) -> Placed:
    """Positions of gas readings.

    A position in the row of the reading is taken as it is; else it is interpolated between fixes
    no more than `max_gap_s` apart, of the source that places the most readings. Sources are not
    mixed.

    Parameters
    ----------
    streams : list of Stream
        Of all kinds, on UTC.
    gases : list of Stream
        Those of kind "gas".
    order : ndarray of int64, shape (n,)
        Sorts the joined gas records in time.
    time_ns : ndarray of int64, shape (n,)
        Sorted times of the gas records.
    max_gap_s : float
        [s].

    Returns
    -------
    Placed

    Raises
    ------
    FlightError
        There is no position at all, or none at the time of a reading.
    """
    poses = [stream for stream in streams if stream.kind == "pose"]
    candidates = [
        _fixes(stream, gases, order, time_ns, max_gap_s)
        for stream in poses
        if np.isfinite(_latitude(stream)).any()
    ]
    if not candidates:
        names = ", ".join(dict.fromkeys(stream.source for stream in gases))
        raise FlightError(f"{names}: no positions; give the autopilot log of the flight beside it")
    own = {stream.source for stream in gases}
    most = max(fixes.number for fixes in candidates)
    best = max(candidates, key=lambda fixes: _rank(fixes, own, most))
    if best.number == 0:
        raise _apart(best.stream, gases, time_ns, max_gap_s)
    return _placed(best, max_gap_s)


def own_rows(
    stream: Stream, gases: list[Stream], order: IntArray, values: FloatArray
) -> FloatArray | None:
    """Values for the readings where a series was recorded row by row with a gas series.

    Parameters
    ----------
    stream : Stream
        Any kind.
    gases : list of Stream
    order : ndarray of int64, shape (n,)
    values : ndarray, shape (m,)
        Of `stream`.

    Returns
    -------
    ndarray, shape (n,), or None
        NaN at readings of other gas series; None if the series has no rows in common with any.
    """
    parts, found = [], False
    for gas in gases:
        is_same = gas.source == stream.source and np.array_equal(gas.time_ns, stream.time_ns)
        parts.append(values if is_same else np.full(gas.time_ns.shape, np.nan))
        found = found or is_same
    return np.concatenate(parts)[order] if found else None


def _latitude(stream: Stream) -> FloatArray:
    latitude, longitude = stream.column("latitude"), stream.column("longitude")
    is_fix = np.isfinite(longitude) & ((latitude != 0.0) | (longitude != 0.0))
    is_fix &= (np.abs(latitude) <= 90.0) & (np.abs(longitude) <= 360.0)
    return np.where(is_fix, latitude, np.nan)


def _fixes(
    stream: Stream, gases: list[Stream], order: IntArray, time_ns: IntArray, max_gap_s: float
) -> _Fixes:
    latitude, longitude = _latitude(stream), wrapped(stream.column("longitude"))
    is_fix = np.isfinite(latitude)
    times, first = np.unique(stream.time_ns[is_fix], return_index=True)
    found = bracket(times, time_ns, max_gap_s=max_gap_s)
    state = np.where(found.is_exact, 0, np.where(found.is_within, 1, 2)).astype(np.int8)
    placed_latitude = values_between(found, latitude[is_fix][first])
    placed_longitude = longitudes_between(found, longitude[is_fix][first])
    own = own_rows(stream, gases, order, latitude)
    own_longitude = own_rows(stream, gases, order, longitude)
    if own is not None and own_longitude is not None:
        is_own = np.isfinite(own)
        placed_latitude = np.where(is_own, own, placed_latitude)
        placed_longitude = np.where(is_own, own_longitude, placed_longitude)
        state = np.where(is_own, np.int8(0), np.maximum(state, 1)).astype(np.int8)
    return _Fixes(
        stream=stream,
        latitude=placed_latitude,
        longitude=placed_longitude,
        heights=_heights(stream, gases, order, time_ns, max_gap_s),
        state=state,
    )


def _heights(
    stream: Stream, gases: list[Stream], order: IntArray, time_ns: IntArray, max_gap_s: float
) -> dict[str, FloatArray]:
    heights = {}
    for name in _HEIGHTS:
        values = stream.column(name)
        between = series_at(stream.time_ns, values, time_ns, max_gap_s=max_gap_s)
        own = own_rows(stream, gases, order, values)
        heights[name] = between if own is None else np.where(np.isfinite(own), own, between)
    return heights


def _rank(fixes: _Fixes, own: set[str], most: int) -> tuple[bool, int, int]:
    """Orders sources; the gas log's own positions go first unless they place few readings."""
    source = fixes.stream.source
    preference = _PREFERRED.index(source) if source in _PREFERRED else len(_PREFERRED)
    return source in own and fixes.number * 2 >= most, fixes.number, -preference


def _apart(stream: Stream, gases: list[Stream], time_ns: IntArray, max_gap_s: float) -> FlightError:
    names = ", ".join(dict.fromkeys(gas.source for gas in gases))
    first, last = int(stream.time_ns.min()), int(stream.time_ns.max())
    spans = (
        f"{names} runs from {iso_utc(int(time_ns[0]))} to {iso_utc(int(time_ns[-1]))}, "
        f"{stream.source} from {iso_utc(first)} to {iso_utc(last)}"
    )
    if last < time_ns[0] or first > time_ns[-1]:
        return FlightError(
            f"{spans}: they do not overlap in time; if a clock was wrong, give the seconds to add "
            "to the gas log's times with --offset-s"
        )
    return FlightError(
        f"{spans}: no reading lies between two positions at most {max_gap_s:g} s apart; "
        "check the clocks and set --offset-s"
    )


def _placed(fixes: _Fixes, max_gap_s: float) -> Placed:
    is_placed = fixes.state < 2
    quality = np.select(
        [fixes.state == 1, fixes.state == 2],
        [int(Quality.INTERPOLATED), int(Quality.NO_POSITION)],
        0,
    ).astype(np.uint16)
    source, total = fixes.stream.source, is_placed.size
    between, without = int((fixes.state == 1).sum()), int((fixes.state == 2).sum())
    notes = []
    if without:
        notes.append(
            f"position: {without} of {total} readings have none: {source} has a gap longer than "
            f"{max_gap_s:g} s there, or had not begun or had ended"
        )
    height, height_note = _height_above_ground(fixes, is_placed)
    history = (
        f"position: {total - between - without} of {total} as recorded in {source}, {between} "
        f"interpolated between fixes at most {max_gap_s:g} s apart, {without} without",
        f"height: {height_note}",
    )
    if not height_note.startswith("above ground"):
        notes.append(f"height: {height_note}")
    return Placed(
        latitude=fixes.latitude,
        longitude=fixes.longitude,
        altitude=np.where(is_placed, fixes.heights["altitude_amsl_m"], np.nan),
        height_above_ground=np.where(is_placed, height, np.nan),
        quality=quality,
        source=source,
        notes=tuple(notes),
        history=history,
    )


def _height_above_ground(fixes: _Fixes, is_placed: NDArray[np.bool_]) -> tuple[FloatArray, str]:
    ground = fixes.heights["height_above_ground_m"]
    home = fixes.heights["height_above_home_m"]
    has_ground = int(np.isfinite(ground[is_placed]).sum())
    if has_ground * 2 >= is_placed.sum():
        return ground, f"above ground, from {fixes.stream.source}"
    if np.isfinite(home[is_placed]).any():
        return home, f"above home, taken as above ground ({fixes.stream.source} knows no terrain)"
    if has_ground:
        return ground, f"above ground, from {fixes.stream.source}, at {has_ground} readings only"
    return ground, f"unknown: {fixes.stream.source} has no height above ground or home"
