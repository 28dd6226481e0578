"""How plumes spread and travel under many draws of the nuisances at once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from detection.source.dispersion import layer_sigma, taylor_sigma, transport_fraction
from detection.source.footprint import (
    AGE_RATIO,
    AGE_STEP,
    FIRST_AGE_STEP_S,
    INITIAL_SPREAD_M,
    LEAST_VERTICAL_M,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detection.source.footprint import Path
    from detection.source.prior import Nuisances

    FloatArray = NDArray[np.float64]

__all__ = ["Spreads", "levels_of", "spreads_of"]

LEVELS = 8


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
    lateral = _taylor(ages, column("lateral_sd"), column("lateral_time_scale_s"))
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
    levels = levels_of(path)
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


_BY_AGE = ("age_s", "lateral", "vertical", "fraction")


def _padded(values: FloatArray, size: int) -> FloatArray:
    """Its last axis made as long as `size` by repeating the last entry."""
    missing = size - values.shape[-1]
    return np.concatenate([values, np.repeat(values[..., -1:], missing, axis=-1)], axis=-1)


def levels_of(path: Path) -> FloatArray:
    """Heights of arrival at which the speed of transport is worked out, shape (8,) [m]."""
    low, high = float(path.height.min()), float(path.height.max())
    return np.linspace(low, max(high, low + 0.1), LEVELS)


def _taylor(ages: FloatArray, sd: FloatArray, scale: FloatArray) -> FloatArray:
    return taylor_sigma(ages, sd[:, None], scale[:, None])  # type: ignore[arg-type]


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
