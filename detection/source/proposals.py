"""Draws of the nuisances: points of the space in which their prior is standard normal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from detection.source.prior import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = [
    "PRIOR_PROPOSAL",
    "Proposal",
    "adapted",
    "flattened",
    "mixture_log_weights",
    "normal_points",
]


def normal_points(count: int, *, rng: np.random.Generator) -> FloatArray:
    """Standard normal points that fill each coordinate evenly.

    Parameters
    ----------
    count : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (count, 10)

    Notes
    -----
    Latin hypercube, McKay, Beckman & Conover (1979), doi:10.1080/00401706.1979.10489755:
    each of `count` equally likely slices of every coordinate holds one point.
    """
    slices = np.array([rng.permutation(count) for _ in range(DIMENSIONS)]).T
    return np.asarray(ndtri((slices + rng.random((count, DIMENSIONS))) / count))


@dataclass(frozen=True, slots=True)
class Proposal:
    """Normal distribution with independent coordinates, from which points are drawn.

    Attributes
    ----------
    mean, sd : ndarray, shape (10,)
    """

    mean: FloatArray
    sd: FloatArray

    def log_density(self, points: FloatArray) -> FloatArray:
        """Log density at points of shape (k, 10), up to a constant all proposals share."""
        scaled = (points - self.mean) / self.sd
        return np.asarray(-0.5 * (scaled**2).sum(axis=1) - np.log(self.sd).sum())


PRIOR_PROPOSAL = Proposal(np.zeros(DIMENSIONS), np.ones(DIMENSIONS))


def adapted(points: FloatArray, log_weight: FloatArray, *, least_effective: float) -> Proposal:
    """Proposal around the points that matter.

    Parameters
    ----------
    points : ndarray, shape (k, 10)
    log_weight : ndarray, shape (k,)
        Of each point; flattened until at least `least_effective` points count.
    least_effective : float
        Effective number of points, at most k.

    Returns
    -------
    Proposal
        Somewhat wider than the weighted points, never wider than the prior.
    """
    share = flattened(log_weight, least_effective=least_effective)
    mean = share @ points
    variance = share @ (points - mean) ** 2
    return Proposal(mean, np.clip(1.2 * np.sqrt(variance), 0.25, 1.0))


def mixture_log_weights(
    points: FloatArray, proposals: Sequence[Proposal], counts: Sequence[int]
) -> FloatArray:
    """Log of prior over proposal density, the proposals taken as one mixture.

    Parameters
    ----------
    points : ndarray, shape (k, 10)
    proposals : sequence of Proposal
    counts : sequence of int
        How many of the points each gave; sums to k.

    Returns
    -------
    ndarray, shape (k,)

    Notes
    -----
    The balance heuristic of Veach & Guibas (1995), doi:10.1145/218380.218498.
    """
    densities = [
        np.log(count / len(points)) + proposal.log_density(points)
        for proposal, count in zip(proposals, counts, strict=True)
    ]
    mixture = np.logaddexp.reduce(densities, axis=0)
    return np.asarray(PRIOR_PROPOSAL.log_density(points) - mixture)


def flattened(log_weight: FloatArray, *, least_effective: float) -> FloatArray:
    """Shares of draws by their log weight, to a power at which enough of them count.

    Parameters
    ----------
    log_weight : ndarray, shape (k,)
    least_effective : float
        Effective number of draws, at most k.

    Returns
    -------
    ndarray, shape (k,)
        Sums to 1.

    Examples
    --------
    >>> flattened(np.log([0.96, 0.02, 0.02]), least_effective=1.0).round(2)
    array([0.96, 0.02, 0.02])
    >>> flattened(np.log([0.96, 0.02, 0.02]), least_effective=2.5).round(1)
    array([0.5, 0.2, 0.2])
    """
    power = 1.0
    share = _shares(log_weight)
    while 1.0 / (share**2).sum() < least_effective and power > 1e-3:
        power *= 0.8
        share = _shares(power * log_weight)
    return share


def _shares(log_weight: FloatArray) -> FloatArray:
    share = np.exp(log_weight - log_weight.max())
    return np.asarray(share / share.sum())
