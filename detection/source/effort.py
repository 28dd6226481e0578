"""What the flight would have noticed: the difference between "nothing there" and "not searched"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from detection.source.footprint import Lattice, path_of
from detection.source.likelihood import Noise, expected_log_ratio
from detection.source.prior import Prior, normal_points, nuisances_at
from detection.source.tables import in_order, response_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from detection.source.observations import Observations

    FloatArray = NDArray[np.float64]

__all__ = ["NEEDED_LOG_RATIO", "detection_power"]

# Log-likelihood ratio that raises the probability of any source from 0.5 to 0.95 against the
# prior's many places and rates, and its spread over flights; see Notes of `detection_power`.
NEEDED_LOG_RATIO = 36.0
LOG_RATIO_LOG_SD = 0.7
MOST_CELLS = 3000
DRAWS = 8  # of the nuisance parameters
FIXED_SEED = 20  # of their common shift: the map must not depend on the caller's draws


def detection_power(
    observations: Observations,
    east: ArrayLike,
    north: ArrayLike,
    *,
    rate: float,
    prior: Prior | None = None,
    noise: Noise | None = None,
    smoothing_s: float = 15.0,
) -> FloatArray:
    """Probability that a source would have been indicated, had it been there.

    Parameters
    ----------
    observations : Observations
    east, north : array_like, same shape
        Where the source would have been [m].
    rate : float
        Its rate [kg s-1], > 0.
    prior : Prior, optional
        Of the nuisance parameters, over which the probability is averaged.
    noise : Noise, optional
    smoothing_s : float
        Smoothing of the measured wind, as the estimator does it [s].

    Returns
    -------
    ndarray, shape of `east`
        0 to 1; NaN where no reading can hold gas from there: not searched.

    Notes
    -----
    The log-likelihood ratio the source would reach if every reading were as predicted is
    compared with the one an indication needs; that real flights scatter about it, because
    gas comes in patches, makes the step a log-normal one. Computed on cells of at most
    domain / 3000 and interpolated between their centres.
    """
    x, y = np.broadcast_arrays(np.asarray(east, np.float64), np.asarray(north, np.float64))
    if rate <= 0 or not x.size:
        raise ValueError("detection power needs a positive rate and at least one place")
    prior = (prior or Prior()).for_averages(observations.averaging_time_s)
    noise = noise or Noise()
    box = (float(x.min()), float(y.min()), float(x.max()), float(y.max()))
    cell = max(4.0, float(np.sqrt((box[2] - box[0] + 1) * (box[3] - box[1] + 1) / MOST_CELLS)))
    domain = (box[0] - cell / 2, box[1] - cell / 2, box[2] + cell / 2, box[3] + cell / 2)
    lattice = Lattice.covering(domain, cell)
    path = path_of(observations, domain, smoothing_s=smoothing_s)
    points = normal_points(DRAWS, rng=np.random.default_rng(FIXED_SEED))

    def one(point: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        nuisances = nuisances_at(
            prior,
            point,
            wind_speed=observations.mean_wind_speed,
            wind_height_m=path.wind_height_m,
            response_s=observations.response_s,
        )
        return _power(response_of(path, lattice, nuisances), rate, observations.sigma, noise)

    results = in_order(one, points)
    power = np.mean([result[0] for result in results], axis=0)
    seen = np.any([result[1] for result in results], axis=0)
    return _between(lattice, np.where(seen, power, np.nan), x, y)


def _power(
    kernel: NDArray[np.float32], rate: float, additive: FloatArray, noise: Noise
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Power at each cell under one draw of the nuisances, and whether gas could be seen."""
    ratio = expected_log_ratio(kernel, rate, additive, relative=noise.relative)
    with np.errstate(divide="ignore"):
        power = ndtr(np.log(ratio / NEEDED_LOG_RATIO) / LOG_RATIO_LOG_SD)
    return power, kernel.max(axis=0) > 0


def _between(lattice: Lattice, values: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """Bilinear interpolation of cell values; NaN where the nearest cell is."""
    ny, nx = lattice.index.shape
    grid = values.reshape(ny, nx)
    column = np.clip((x - lattice.west) / lattice.cell_m, 0, nx - 1)
    row = np.clip((y - lattice.south) / lattice.cell_m, 0, ny - 1)
    left = np.minimum(column.astype(np.int64), max(nx - 2, 0))
    low = np.minimum(row.astype(np.int64), max(ny - 2, 0))
    right, high = np.minimum(left + 1, nx - 1), np.minimum(low + 1, ny - 1)
    u, v = column - left, row - low
    known = np.nan_to_num(grid)
    bottom = (1 - u) * known[low, left] + u * known[low, right]
    top = (1 - u) * known[high, left] + u * known[high, right]
    nearest = grid[np.round(row).astype(np.int64), np.round(column).astype(np.int64)]
    return np.where(np.isnan(nearest), np.nan, (1 - v) * bottom + v * top)
