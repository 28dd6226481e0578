"""How alike readings are at a distance: a variogram, found robustly and fitted with a nugget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from scipy.optimize import least_squares

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["MODELS", "Variogram", "correlation", "empirical_variogram", "fit_variogram"]

MODELS = ("exponential", "spherical", "matern32")
BINS = 24
MOST_PAIRED = 2_500  # readings of which every pair is taken
NEIGHBOURS_PAIRED = 40  # readings after each that it is paired with along the track
FEWEST_PAIRS, SURE_PAIRS = 30, 1_000
_MATERN = 4.7439  # (1 + u) exp(-u) = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Variogram:
    """Model of half the mean squared difference of readings a distance apart.

    Attributes
    ----------
    model : {"exponential", "spherical", "matern32"}
    nugget : float
        Of readings on one spot, in their unit squared.
    sill : float
        What distance adds to that.
    range_m : float
        Distance at which it has added 95 % (all, if spherical) [m].
    """

    model: str
    nugget: float
    sill: float
    range_m: float

    def covariance(self, distance: FloatArray) -> FloatArray:
        """Covariance of the field itself, without the nugget, at distances [m]."""
        flat = np.ascontiguousarray(distance, dtype=np.float64).ravel()
        values = _correlations(MODELS.index(self.model), flat / self.range_m)
        return np.asarray(self.sill * values.reshape(np.shape(distance)))

    def at(self, distance: FloatArray) -> FloatArray:
        """Value at distances above zero [m]."""
        return self.nugget + self.sill - self.covariance(distance)


@njit(cache=True)
def correlation(model: int, share: float) -> float:
    """Correlation at a share of the practical range, by the place of a model in `MODELS`."""
    if model == 0:
        return math.exp(-3.0 * share)
    if model == 1:
        return 1.0 - share * (1.5 - 0.5 * share * share) if share < 1.0 else 0.0
    return (1.0 + _MATERN * share) * math.exp(-_MATERN * share)


def empirical_variogram(
    east: FloatArray, north: FloatArray, value: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Half the typical squared difference of readings, by distance.

    Parameters
    ----------
    east, north, value : ndarray, shape (n,)
        Places [m] and readings, in order of time.

    Returns
    -------
    distance, half_square, pairs : ndarray, shape (k,)
        Mean distance in each of up to 24 bins [m], the estimate, and how many pairs it is of;
        bins of fewer than 30 pairs are left out. Empty if there is no distance.

    Notes
    -----
    Cressie & Hawkins (1980), doi:10.1007/BF01035243: roots of differences, which single filaments
    sway little. All pairs of some 2,500 readings spread evenly over the flight, and each reading
    with the forty after it, so that short distances are well known. Bins grow in proportion to
    distance, up to half the longest.
    """
    every = max(1, -(-value.size // MOST_PAIRED))
    track = np.ascontiguousarray(np.stack([east, north, value]))
    some = np.ascontiguousarray(track[:, ::every])
    step = np.hypot(np.diff(east), np.diff(north))
    step = step[step > 0]
    longest = 0.5 * math.hypot(np.ptp(east), np.ptp(north)) if east.size else 0.0
    if not step.size or not longest > 0:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    shortest = min(float(np.median(step)), 0.1 * longest)
    edges = np.geomspace(0.7 * shortest, longest, BINS + 1)
    sums = np.zeros((3, BINS))
    _pair(some, some.shape[1], math.log(edges[0]), math.log(edges[-1]), sums)
    if every > 1:
        _pair(track, NEIGHBOURS_PAIRED, math.log(edges[0]), math.log(edges[-1]), sums)
    known = sums[0] >= FEWEST_PAIRS
    count, distance, root = sums[:, known]
    half = 0.5 * (root / count) ** 4 / (0.457 + 0.494 / count + 0.045 / count**2)
    return distance / count, half, count


def fit_variogram(east: FloatArray, north: FloatArray, value: FloatArray) -> Variogram:
    """Model with a nugget that fits the empirical variogram best.

    Parameters
    ----------
    east, north, value : ndarray, shape (n,)
        Places [m] and readings, in order of time.

    Returns
    -------
    Variogram
        Of readings that do not vary, or are too few, one whose nugget is their variance.

    Notes
    -----
    Squares of logarithms of each model in turn: relative errors, as Cressie (1985,
    doi:10.1007/BF01032109) weighs them, but no bin for more than a thousand pairs: pairs of one
    plume are not independent, and what is near decides the map. What is robust understates the
    spread of readings with rare peaks, so the whole is scaled to their variance; that does not
    move the kriged mean.
    """
    spread = float(np.var(value)) if value.size else 0.0
    distance, half, pairs = empirical_variogram(east, north, value)
    if distance.size < 4 or not spread > 0 or not half.max() > 0:
        reach = float(distance[-1]) if distance.size else 1.0
        return Variogram(model=MODELS[0], nugget=spread, sill=0.0, range_m=reach)
    top = float(half.max())
    weight = np.sqrt(np.minimum(1.0, pairs / SURE_PAIRS))
    low = np.array([-12.0, -12.0, math.log(2.0 * distance[0])])
    high = np.array([2.0, 2.0, math.log(4.0 * distance[-1])])
    best: tuple[float, Variogram] | None = None
    for model in MODELS:

        def residual(p: FloatArray, model: str = model) -> FloatArray:
            one = _of_logs(p, model, top)
            fitted = one.at(distance)
            return np.asarray(weight * np.log(half / fitted))

        for share in (0.1, 0.4):
            start = np.array([math.log(0.3), math.log(0.7), math.log(share * distance[-1])])
            fit = least_squares(residual, np.clip(start, low, high), bounds=(low, high))
            if best is None or fit.cost < best[0]:
                best = float(fit.cost), _of_logs(fit.x, model, top)
    assert best is not None
    one = best[1]
    scale = spread / (one.nugget + one.sill)
    return Variogram(
        model=one.model, nugget=scale * one.nugget, sill=scale * one.sill, range_m=one.range_m
    )


def _of_logs(p: FloatArray, model: str, top: float) -> Variogram:
    nugget, sill, range_m = (float(one) for one in np.exp(p))
    return Variogram(model=model, nugget=nugget * top, sill=sill * top, range_m=range_m)


@njit(cache=True)
def _correlations(model: int, shares: FloatArray) -> FloatArray:
    values = np.empty(shares.size)
    for i in range(shares.size):
        values[i] = correlation(model, shares[i])
    return values


@njit(cache=True)
def _pair(track: FloatArray, ahead: int, low: float, high: float, sums: FloatArray) -> None:
    """Add to `sums` (3, bins) pairs, their distances and the roots of their differences.

    `track` (3, n) is east, north and reading; `low` and `high` are logarithms of the ends.
    """
    bins = sums.shape[1]
    per_log = bins / (high - low)
    nearest, farthest = math.exp(2.0 * low), math.exp(2.0 * high)
    east, north, value = track[0], track[1], track[2]
    for i in range(value.size):
        for j in range(i + 1, min(value.size, i + 1 + ahead)):
            square = (east[i] - east[j]) ** 2 + (north[i] - north[j]) ** 2
            if square < nearest or square >= farthest:
                continue
            place = min(bins - 1, int((0.5 * math.log(square) - low) * per_log))
            sums[0, place] += 1.0
            sums[1, place] += math.sqrt(square)
            sums[2, place] += math.sqrt(abs(value[i] - value[j]))
