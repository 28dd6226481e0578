"""Which readings of a Flight were taken in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detection.signal.stations import station_of

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

__all__ = ["is_airborne", "metres", "seconds"]

GROUND_M = 2.0  # heights below are on the ground, unless moving
MOVED_M = 5.0  # displacement within `MOVED_S` that a receiver's jitter does not make
MOVED_S = 10.0
PAD_M = 10.0  # readings within this of where the drone stood, before leaving, are no survey
METRES_PER_DEGREE = 111_195.0  # of latitude, on a sphere of 6371 km


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
        moved, at fixed stations, and for time averages.
    """
    height = np.asarray(ds["height_above_ground"].values, np.float64)
    if station_of(ds["latitude"].values, ds["longitude"].values).max(initial=-1) >= 0:
        return np.ones(height.size, np.bool_)
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
    east, north = metres(ds)
    pads = standing.copy()
    edges = np.flatnonzero(np.diff(np.concatenate(([False], standing, [False]))))
    for first, last in zip(edges[::2], edges[1::2] - 1, strict=True):
        for spot, way in ((first, slice(first, None, -1)), (last, slice(last, None))):
            away = np.hypot(east[way] - east[spot], north[way] - north[spot])
            pads[way] |= np.logical_and.accumulate(away < PAD_M)
    return pads


def _is_moving(ds: xr.Dataset) -> BoolArray:
    time_s = seconds(ds)
    known = np.unique(time_s, return_index=True)[1]
    moved = np.zeros(time_s.size)
    for places in metres(ds):
        if not np.isfinite(places).all():
            return np.zeros(time_s.size, np.bool_)
        after, before = (
            np.interp(time_s + side, time_s[known], places[known])
            for side in (0.5 * MOVED_S, -0.5 * MOVED_S)
        )
        moved += (after - before) ** 2
    return moved > MOVED_M**2


def metres(ds: xr.Dataset) -> tuple[FloatArray, FloatArray]:
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


def seconds(ds: xr.Dataset) -> FloatArray:
    """Time since the first reading [s]."""
    time = ds["time"].values.astype("datetime64[ns]").astype(np.int64)
    seconds: FloatArray = (time - (time.min() if time.size else 0)) * 1e-9
    return seconds
