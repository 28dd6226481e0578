"""Readings of unit sources at scattered points, each under nuisances of its own.

What `footprint` gives for all cells of a lattice under one draw of the nuisances, this gives
for a few points under many draws: what a sampler that moves its sources about needs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from detection.source.dispersion import layer_sigma, taylor_sigma, transport_fraction
from detection.source.footprint import (
    AGE_RATIO,
    AGE_STEP,
    CUTOFF,
    FIRST_AGE_STEP_S,
    INITIAL_SPREAD_M,
    LEAST_VERTICAL_M,
    respond,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detection.source.footprint import Path
    from detection.source.prior import Nuisances

    FloatArray = NDArray[np.float64]

__all__ = ["Spreads", "responses_at", "spreads_of"]

LEVELS = 8  # heights at which the speed of transport is worked out


@dataclass(frozen=True, slots=True)
class Spreads:
    """How plumes spread and travel under each of p draws of the nuisances.

    Attributes
    ----------
    age_s, lateral, vertical : ndarray, shape (p, a)
        Ages [s] and standard deviations at them [m]; ages past a draw's `count` mean nothing.
    fraction : ndarray, shape (p, 8, a)
        Speed of transport over the wind's, at evenly spaced heights of arrival.
    count : ndarray of int, shape (p,)
        Ages that each draw uses.
    turn : ndarray, shape (p, 2)
        Cosine and sine of the wind's bias.
    release_height : ndarray, shape (p,)
        [m].
    response_s : ndarray, shape (p, 2)
        Rise and decay time constants [s].
    gain : ndarray, shape (p,)
        What the sensor shows over what is there.
    """

    age_s: FloatArray
    lateral: FloatArray
    vertical: FloatArray
    fraction: FloatArray
    count: NDArray[np.int64]
    turn: FloatArray
    release_height: FloatArray
    response_s: FloatArray
    gain: FloatArray

    def __len__(self) -> int:
        return int(self.count.size)

    def taken(self, which: NDArray[np.int64]) -> Spreads:
        """Those of some draws, in the order of their indices."""
        return Spreads(*(getattr(self, one.name)[which] for one in fields(self)))

    def replaced(self, where: NDArray[np.int64], others: Spreads) -> Spreads:
        """The same with those at the indices `where` replaced by `others`, in their order."""
        longest = max(self.age_s.shape[-1], others.age_s.shape[-1])
        columns = []
        for one in fields(self):
            old, new = getattr(self, one.name), getattr(others, one.name)
            if one.name in _BY_AGE:
                old, new = (_padded(values, longest) for values in (old, new))
            columns.append(old.copy())
            columns[-1][where] = new
        return Spreads(*columns)


def spreads_of(
    path: Path,
    draws: Sequence[Nuisances],
    *,
    cell_m: float = 0.0,
    gain: FloatArray | None = None,
) -> Spreads:
    """Spread and travel of plumes under each draw of the nuisances.

    Parameters
    ----------
    path : Path
    draws : sequence of Nuisances
        p >= 1 of them.
    cell_m : float
        Size of a source [m], which adds to the spread as a lattice's cell does.
    gain : ndarray, shape (p,), optional
        Of the sensor; 1 unless told.

    Returns
    -------
    Spreads

    Notes
    -----
    The equations are those of `footprint.footprints`, for all draws at once.
    """

    def column(name: str) -> FloatArray:
        return np.array([getattr(one, name) for one in draws], dtype=np.float64)

    least = float(np.hypot(INITIAL_SPREAD_M, cell_m / np.sqrt(12.0)))
    ages, count = _ages(path, column("lateral_sd"), column("lateral_time_scale_s"), least)
    lateral = taylor_sigma(
        ages,
        column("lateral_sd")[:, None],  # type: ignore[arg-type]
        column("lateral_time_scale_s")[:, None],  # type: ignore[arg-type]
    )
    vertical = layer_sigma(
        ages,
        column("vertical_sd"),
        column("release_height_m"),
        eddy_length_m=column("eddy_length_m"),
        eddy_growth=column("eddy_growth"),
    )
    vertical = np.hypot(vertical, LEAST_VERTICAL_M)
    release = column("release_height_m")
    bias = column("wind_bias_rad")
    levels = _levels(path)
    fraction = transport_fraction(
        levels[None, :, None],
        release[:, None, None],  # type: ignore[arg-type]
        vertical[:, None, :],
        reference_height_m=path.wind_height_m,
        roughness_m=column("roughness_m")[:, None, None],  # type: ignore[arg-type]
    )
    return Spreads(
        ages,
        np.hypot(lateral, least),
        vertical,
        column("wind_speed_factor")[:, None, None] * fraction,
        count,
        np.column_stack([np.cos(bias), np.sin(bias)]),
        release,
        np.column_stack([column("rise_s"), column("decay_s")]),
        np.ones(len(draws)) if gain is None else gain,
    )


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
    levels = _levels(path)
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


_BY_AGE = ("age_s", "lateral", "vertical", "fraction")


def _padded(values: FloatArray, size: int) -> FloatArray:
    """Its last axis made as long as `size` by repeating the last entry."""
    missing = size - values.shape[-1]
    return np.concatenate([values, np.repeat(values[..., -1:], missing, axis=-1)], axis=-1)


def _levels(path: Path) -> FloatArray:
    low, high = float(path.height.min()), float(path.height.max())
    return np.linspace(low, max(high, low + 0.1), LEVELS)


def _ages(
    path: Path, sd: FloatArray, scale: FloatArray, least: float
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Ages that resolve the plume of each draw, as `footprint.ages_for` steps them."""
    speed = max(path.wind_speed, 0.3)
    columns = [np.full(sd.size, 0.25 * least / speed)]
    count = np.ones(sd.size, dtype=np.int64)
    while True:
        last = columns[-1]
        growing = (last < path.oldest_s) & (speed * last < 1.0e4) & (count == len(columns))
        if not growing.any():
            break
        sigma = taylor_sigma(last, sd, scale)  # type: ignore[arg-type]
        step = AGE_STEP * np.hypot(sigma, least) / speed
        columns.append(last + np.minimum(step, AGE_RATIO * last + FIRST_AGE_STEP_S))
        count[growing] += 1
    return np.column_stack(columns), count


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
        for i in range(readings):
            floor = min(int(level[i]), fraction.shape[1] - 2)
            part = level[i] - floor
            low, share = _position(when[i], air_east.size)
            here_east = air_east[low] + (air_east[low + 1] - air_east[low]) * share
            here_north = air_north[low] + (air_north[low + 1] - air_north[low]) * share
            for k in range(last + 1):
                low, share = _position(when[i] - age_steps[k], air_east.size)
                back_east = here_east - air_east[low]
                back_east -= (air_east[low + 1] - air_east[low]) * share
                back_north = here_north - air_north[low]
                back_north -= (air_north[low + 1] - air_north[low]) * share
                slow = (1.0 - part) * fraction[p, floor, k] + part * fraction[p, floor + 1, k]
                x = east[i] - slow * (turn[p, 0] * back_east - turn[p, 1] * back_north)
                y = north[i] - slow * (turn[p, 1] * back_east + turn[p, 0] * back_north)
                scale = -1.0
                for s in range(sources):
                    away_east = places[p, s, 0] - x
                    away_north = places[p, s, 1] - y
                    if not (abs(away_east) <= reaches[k] and abs(away_north) <= reaches[k]):
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


@njit(cache=True, nogil=True, inline="always")
def _position(position: float, size: int) -> tuple[int, float]:
    """Interval of an evenly spaced series, and the share of it: straight on before, held after."""
    if position <= 0.0:
        return 0, position
    if position >= size - 1:
        return size - 2, 1.0
    low = int(position)
    return low, position - low
