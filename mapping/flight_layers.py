"""Layers of what was flown and read: the track, its readings, the wind along it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import shapely

from mapping.grid import convergence_deg, to_geographic
from mapping.vector_layer import VectorLayer, numbers, points, shapes, texts, times
from sensors.records import Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mapping.survey import Survey, Track

    FloatArray = NDArray[np.float64]

__all__ = ["legs", "readings_layer", "track_layer", "wind_layer", "wind_means"]

GAP_S = 5.0
GAP_M = 50.0
GAP_STEPS = 8.0  # usual steps between readings that make a gap
WIND_MEANS = 60


def legs(track: Track) -> list[NDArray[np.intp]]:
    """Rows of a track without gaps, each run of them one leg.

    Parameters
    ----------
    track : Track

    Returns
    -------
    list of ndarray
        Rows with a position, in order of time. A new leg starts where the time to the next is
        over 5 s or the way over 50 m, or eight times the usual where that is more.
    """
    placed = np.flatnonzero(np.isfinite(track.east) & np.isfinite(track.north))
    if placed.size < 2:
        return [placed] if placed.size else []
    seconds = np.diff(track.time[placed]) / np.timedelta64(1, "s")
    metres = np.hypot(np.diff(track.east[placed]), np.diff(track.north[placed]))
    broken = seconds > max(GAP_S, GAP_STEPS * float(np.median(seconds)))
    broken |= metres > max(GAP_M, GAP_STEPS * float(np.median(metres)))
    return np.split(placed, np.flatnonzero(broken) + 1)


def wind_means(track: Track, *, most: int = WIND_MEANS) -> tuple[NDArray[np.intp], FloatArray]:
    """Mean wind over equal parts of a track.

    Parameters
    ----------
    track : Track
    most : int
        Parts at most.

    Returns
    -------
    rows : ndarray, shape (n,)
        In the middle of each part.
    wind : ndarray, shape (n, 2)
        Mean vector the air moves towards, true east and north [m s-1].
    """
    columns = (track.east, track.north, track.eastward_wind, track.northward_wind)
    known = np.flatnonzero(np.isfinite(np.stack(columns)).all(axis=0))
    if not known.size:
        return known, np.zeros((0, 2))
    parts = np.array_split(known, min(most, known.size))
    rows = np.array([part[part.size // 2] for part in parts])
    means = [[track.eastward_wind[p].mean(), track.northward_wind[p].mean()] for p in parts]
    return rows, np.array(means)


def track_layer(survey: Survey) -> VectorLayer:
    """Layer ``track``."""
    track = survey.track
    flown = [leg for leg in legs(track) if leg.size > 1]
    lines = [
        shapely.LineString(np.stack([track.east[leg], track.north[leg]], axis=1)) for leg in flown
    ]
    return VectorLayer(
        name="track",
        description="Way flown, cut where readings or positions are missing; times are UTC",
        kind="LineString",
        geometry=shapes(lines),
        columns={
            "leg": np.arange(1, len(flown) + 1, dtype=np.int32),
            "start": times(track.time[[leg[0] for leg in flown]]),
            "end": times(track.time[[leg[-1] for leg in flown]]),
            "readings": np.array([leg.size for leg in flown], dtype=np.int32),
            "length_m": numbers([line.length for line in lines]),
            "highest_reading": numbers([_highest(track.reading[leg]) for leg in flown]),
            "unit": texts([track.unit] * len(flown)),
        },
    )


def readings_layer(survey: Survey) -> VectorLayer:
    """Layer ``readings``."""
    track = survey.track
    rows = np.flatnonzero(np.isfinite(track.east) & np.isfinite(track.north))
    east, north = track.eastward_wind[rows], track.northward_wind[rows]
    quality = track.quality[rows]
    meanings = {value: _meaning(int(value)) for value in np.unique(quality)}
    return VectorLayer(
        name="readings",
        description=(
            f"Readings of {survey.channel} ({survey.gas}) above background [{track.unit}], as the "
            f"device said them [{track.raw_unit}], quality (0 is good), wind [m/s, degrees true "
            "it comes from]; times are UTC"
        ),
        kind="Point",
        geometry=points(track.east[rows], track.north[rows]),
        columns={
            "time": times(track.time[rows]),
            "channel": texts([survey.channel] * rows.size),
            "reading": track.reading[rows],
            "unit": texts([track.unit] * rows.size),
            "raw_reading": track.raw[rows],
            "raw_unit": texts([track.raw_unit] * rows.size),
            "quality": quality.astype(np.int32),
            "quality_meaning": texts([meanings[value] for value in quality]),
            "height_m": track.height_m[rows],
            "altitude_m": track.altitude_m[rows],
            "wind_speed_m_s": np.hypot(east, north),
            "wind_from_deg": _from_deg(east, north),
        },
    )


def wind_layer(survey: Survey) -> VectorLayer:
    """Layer ``wind``."""
    track = survey.track
    rows, wind = wind_means(track)
    from_deg = _from_deg(wind[:, 0], wind[:, 1])
    return VectorLayer(
        name="wind",
        description=(
            "Mean wind of parts of the flight [m/s]; from_deg is true, grid_towards_deg turns an "
            "arrow on this map the way the air went"
        ),
        kind="Point",
        geometry=points(track.east[rows], track.north[rows]),
        columns={
            "time": times(track.time[rows]),
            "speed_m_s": np.hypot(wind[:, 0], wind[:, 1]),
            "from_deg": from_deg,
            "grid_towards_deg": (from_deg + 180.0 - _axis_turn_deg(survey)) % 360.0,
        },
    )


def _axis_turn_deg(survey: Survey) -> float:
    west, south, east, north = survey.domain.bounds
    middle = [0.5 * (west + east)], [0.5 * (south + north)]
    latitude, longitude = to_geographic(survey.domain.crs, *middle)
    return convergence_deg(survey.domain.crs, float(latitude[0]), float(longitude[0]))


def _from_deg(eastward: FloatArray, northward: FloatArray) -> FloatArray:
    """True bearing that wind comes from; NaN in calm air."""
    bearing = np.degrees(np.arctan2(-eastward, -northward)) % 360.0
    return np.where(np.hypot(eastward, northward) > 0.0, bearing, np.nan)


def _meaning(quality: int) -> str:
    return " ".join(str(flag.name).lower() for flag in Quality if quality & flag) or "good"


def _highest(reading: FloatArray) -> float:
    known = reading[np.isfinite(reading)]
    return float(known.max()) if known.size else math.nan
