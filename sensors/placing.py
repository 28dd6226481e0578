"""Where each gas reading was taken: its own position, or one interpolated between fixes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sensors.alignment import bracket, longitudes_between, values_between, wrapped
from sensors.errors import FlightError
from sensors.records import Quality
from sensors.series import Readings, Series, series_of
from sensors.streams import iso_utc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.streams import Stream

    FloatArray = NDArray[np.float64]

__all__ = ["Placed", "place"]

_HEIGHTS = ("altitude_amsl_m", "height_above_ground_m", "height_above_home_m")
BELOW_M = -3.0  # barometers wander by less during a flight
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

    series: Series
    latitude: FloatArray
    longitude: FloatArray
    heights: dict[str, FloatArray]
    state: NDArray[np.int8]

    @property
    def number(self) -> int:
        return int((self.state < 2).sum())


def place(streams: list[Stream], readings: Readings, *, max_gap_s: float) -> Placed:
    """Positions of gas readings.

    A position in the row of the reading is taken as it is; else it is interpolated between fixes
    no more than `max_gap_s` apart, of the source that places the most readings. Sources are not
    mixed, but every gas log has its own.

    Parameters
    ----------
    streams : list of Stream
        Of all kinds, on UTC.
    readings : Readings
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
    candidates = [
        _fixes(series, readings, max_gap_s)
        for series in series_of(streams, "pose", readings)
        if np.isfinite(_latitude(series)).any()
    ]
    if not candidates:
        raise FlightError(
            f"{readings.sources}: no positions; give the autopilot log of the flight beside it"
        )
    most = max(fixes.number for fixes in candidates)
    best = max(candidates, key=lambda fixes: _rank(fixes, most))
    if best.number == 0:
        raise _apart(best.series, readings, max_gap_s)
    return _placed(best, max_gap_s)


def _latitude(series: Series) -> FloatArray:
    latitude, longitude = series.column("latitude"), series.column("longitude")
    is_fix = np.isfinite(longitude) & ((latitude != 0.0) | (longitude != 0.0))
    is_fix &= (np.abs(latitude) <= 90.0) & (np.abs(longitude) <= 360.0)
    return np.where(is_fix, latitude, np.nan)


def _fixes(series: Series, readings: Readings, max_gap_s: float) -> _Fixes:
    latitude, longitude = _latitude(series), wrapped(series.column("longitude"))
    is_fix = np.isfinite(latitude)
    times, first = np.unique(series.time_ns[is_fix], return_index=True)
    found = bracket(times, readings.time_ns, max_gap_s=max_gap_s)
    state = np.where(found.is_exact, 0, np.where(found.is_within, 1, 2)).astype(np.int8)
    placed_latitude = values_between(found, latitude[is_fix][first])
    placed_longitude = longitudes_between(found, longitude[is_fix][first])
    if series.is_own:
        own = series.in_rows_of(readings, latitude)
        is_own = np.isfinite(own)
        own_longitude = series.in_rows_of(readings, longitude)
        placed_latitude = np.where(is_own, own, placed_latitude)
        placed_longitude = np.where(is_own, own_longitude, placed_longitude)
        state = np.where(is_own, np.int8(0), np.maximum(state, 1)).astype(np.int8)
    heights = {
        name: series.at(readings, series.column(name), max_gap_s=max_gap_s) for name in _HEIGHTS
    }
    return _Fixes(series, placed_latitude, placed_longitude, heights, state)


def _rank(fixes: _Fixes, most: int) -> tuple[bool, int, int]:
    """Orders sources; the gas logs' own positions go first unless they place few readings."""
    source = fixes.series.source
    preference = _PREFERRED.index(source) if source in _PREFERRED else len(_PREFERRED)
    return fixes.series.is_own and fixes.number * 2 >= most, fixes.number, -preference


def _apart(series: Series, readings: Readings, max_gap_s: float) -> FlightError:
    first, last = int(series.time_ns.min()), int(series.time_ns.max())
    start, end = int(readings.time_ns[0]), int(readings.time_ns[-1])
    spans = (
        f"{readings.sources} runs from {iso_utc(start)} to {iso_utc(end)}, "
        f"{series.source} from {iso_utc(first)} to {iso_utc(last)}"
    )
    if last < start or first > end:
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
    if (fixes.series.quality & np.uint16(Quality.CLOCK_POOR)).any():
        quality |= np.uint16(Quality.CLOCK_POOR)
    source, total = fixes.series.source, is_placed.size
    between, without = int((fixes.state == 1).sum()), int((fixes.state == 2).sum())
    notes = []
    if without:
        notes.append(
            f"position: {without} of {total} readings have none: {source} has a gap longer than "
            f"{max_gap_s:g} s there, or had not begun or had ended"
        )
    height, height_note = _height_above_ground(fixes, is_placed)
    is_below = is_placed & (height < BELOW_M)
    if is_below.any():
        notes.append(
            f"height: {int(is_below.sum())} of {total} readings lie below the ground, down to "
            f"{float(height[is_below].min()):.0f} m, so at what height they were taken is not "
            "known and they take no part in the search; the zero of the height is not the ground "
            "here"
        )
        height = np.where(is_below, np.nan, height)
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
        return ground, f"above ground, from {fixes.series.source}"
    if np.isfinite(home[is_placed]).any():
        return home, f"above home, taken as above ground ({fixes.series.source} knows no terrain)"
    if has_ground:
        return ground, f"above ground, from {fixes.series.source}, at {has_ground} readings only"
    return ground, f"unknown: {fixes.series.source} has no height above ground or home"
