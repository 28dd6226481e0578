"""Readings of unit sources at scattered points, each under nuisances of its own.

What `footprint` gives for all cells of a lattice under one draw of the nuisances, this gives
for a few points under many draws: what a sampler that moves its sources about needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from detection.source.scattering import CUTOFF
from detection.source.sensor_memory import respond
from detection.source.spreads import levels_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detection.source.footprint import Path
    from detection.source.spreads import Spreads

    FloatArray = NDArray[np.float64]

__all__ = ["responses_at"]


def responses_at(path: Path, spreads: Spreads, places: FloatArray) -> NDArray[np.float32]:
    """Readings per unit rate, as the sensor reports them, of sources at points.

    Parameters
    ----------
    path : Path
        n readings.
    spreads : Spreads
        Of p draws, from the same path.
    places : ndarray, shape (p, k, 2)
        East and north of k sources under each draw [m]; NaN where there is none.

    Returns
    -------
    ndarray of float32, shape (p, n, k)
        [s m-3]; zero where there is no source.
    """
    levels = levels_of(path)
    out = np.zeros((len(spreads), path.time_s.size, places.shape[1]), dtype=np.float32)
    _gather(
        out,
        places,
        (path.time_s - path.grid_start_s) / path.grid_step_s,
        path.east,
        path.north,
        path.height,
        (path.height - levels[0]) / (levels[1] - levels[0]),
        path.air_east,
        path.air_north,
        path.grid_step_s,
        float(np.hypot(np.diff(path.air_east), np.diff(path.air_north)).max()) / path.grid_step_s,
        spreads.age_s,
        spreads.lateral,
        spreads.vertical,
        spreads.fraction,
        spreads.count,
        spreads.turn,
        spreads.release_height,
    )
    for kernel, (rise_s, decay_s) in zip(out, spreads.response_s, strict=True):
        if rise_s > 0 or decay_s > 0:
            respond(kernel, path.time_s, rise_s=float(rise_s), decay_s=float(decay_s))
    out *= spreads.gain[:, None, None].astype(np.float32)
    return out


@njit(cache=True, nogil=True)
def _gather(
    out: NDArray[np.float32],
    places: FloatArray,
    when: FloatArray,
    east: FloatArray,
    north: FloatArray,
    height: FloatArray,
    level: FloatArray,
    air_east: FloatArray,
    air_north: FloatArray,
    grid_step_s: float,
    fastest: float,
    ages: FloatArray,
    lateral: FloatArray,
    vertical: FloatArray,
    fraction: FloatArray,
    count: NDArray[np.int64],
    turn: FloatArray,
    release: FloatArray,
) -> None:
    """Sum every age's Gaussian of every reading at the points it reaches."""
    draws, readings, sources = out.shape
    root = np.sqrt(2.0 * np.pi)
    for p in range(draws):
        last = count[p] - 1
        age_steps = ages[p] / grid_step_s
        reaches = CUTOFF * lateral[p]
        fraction_span = _span(fraction[p])
        pace = fraction[p].max() * fastest
        for i in range(readings):
            floor = min(int(level[i]), fraction.shape[1] - 2)
            part = level[i] - floor
            here_east, here_north = _moved(air_east, air_north, when[i])
            k = 0
            while k <= last:
                then_east, then_north = _moved(air_east, air_north, when[i] - age_steps[k])
                back_east, back_north = here_east - then_east, here_north - then_north
                slow = (1.0 - part) * fraction[p, floor, k] + part * fraction[p, floor + 1, k]
                x = east[i] - slow * (turn[p, 0] * back_east - turn[p, 1] * back_north)
                y = north[i] - slow * (turn[p, 1] * back_east + turn[p, 0] * back_north)
                scale = -1.0
                nearest = np.inf
                for s in range(sources):
                    away_east = places[p, s, 0] - x
                    away_north = places[p, s, 1] - y
                    away = max(abs(away_east), abs(away_north))
                    if not away <= reaches[k]:
                        nearest = min(nearest, away)
                        continue
                    if scale < 0.0:
                        above = (height[i] - release[p]) / vertical[p, k]
                        image = (height[i] + release[p]) / vertical[p, k]
                        density = np.exp(-0.5 * above * above) + np.exp(-0.5 * image * image)
                        density /= vertical[p, k] * root
                        before = ages[p, k] - ages[p, k - 1] if k > 0 else ages[p, 0]
                        after = ages[p, k + 1] - ages[p, k] if k < last else before
                        scale = 0.5 * (before + after) / (2.0 * np.pi * lateral[p, k] ** 2)
                        scale = scale * density if density >= 1e-9 else 0.0
                    squared = (away_east**2 + away_north**2) / lateral[p, k] ** 2
                    out[p, i, s] += np.float32(scale * np.exp(-0.5 * squared))
                if scale < 0.0:
                    moved = np.sqrt(back_east**2 + back_north**2)
                    k = _still_away(k, last, nearest, moved, ages[p], reaches, fraction_span, pace)
                k += 1


@njit(cache=True, nogil=True)
def _still_away(
    k: int,
    last: int,
    nearest: float,
    moved: float,
    ages: FloatArray,
    reaches: FloatArray,
    fraction_span: FloatArray,
    pace: float,
) -> int:
    """Last age up to which air that was `nearest` to a source cannot come within its reach."""
    first, beyond = k, last + 1
    while beyond - first > 1:
        middle = (first + beyond) // 2
        step = (fraction_span[middle] - fraction_span[k]) * moved + pace * (ages[middle] - ages[k])
        if nearest - step > reaches[middle]:
            first = middle
        else:
            beyond = middle
    return first


@njit(cache=True, nogil=True)
def _span(fraction: FloatArray) -> FloatArray:
    """How far the speed of transport can have changed up to each age."""
    span = np.zeros(fraction.shape[1])
    for k in range(1, fraction.shape[1]):
        span[k] = span[k - 1] + np.abs(fraction[:, k] - fraction[:, k - 1]).max()
    return span


@njit(cache=True, nogil=True, inline="always")
def _moved(air_east: FloatArray, air_north: FloatArray, position: float) -> tuple[float, float]:
    """Displacement of the air between two of its times: straight on before them, held after."""
    if position <= 0.0:
        low, share = 0, position
    elif position >= air_east.size - 1:
        low, share = air_east.size - 2, 1.0
    else:
        low = int(position)
        share = position - low
    return (
        air_east[low] + (air_east[low + 1] - air_east[low]) * share,
        air_north[low] + (air_north[low + 1] - air_north[low]) * share,
    )
