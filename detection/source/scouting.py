"""A coarse look at the whole domain: where to look closely, and how far to trust the model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.pacing import in_order
from detection.source.lattice import Lattice
from detection.source.likelihood import attainable_log_ratio
from detection.source.tables import evidence_of, response_of, weigh

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detection.source.prior import Nuisances
    from detection.source.tables import Problem
    from detection.source.tempering import Tempering

    FloatArray = NDArray[np.float64]

__all__ = [
    "LEAST_TO_EXPLAIN",
    "Look",
    "coarse_look",
    "share_explained",
    "share_of",
    "unit_response",
]

LEAST_TO_EXPLAIN = 15.0  # log-likelihood ratio below which too little stands out to judge a fit
FINEST_M = 4.0
DEPTH = 9.0  # rates whose log weight is this far below the best are left out


@dataclass(frozen=True, slots=True)
class Look:
    """What a coarse look at the domain shows.

    Attributes
    ----------
    lattice : Lattice
        Large cells over the whole domain, m of them.
    log_weight : ndarray, shape (m,)
        Log posterior weight of one source in each cell.
    likely_rates : ndarray of bool, shape (r,)
        Candidate rates that matter.
    tempering : Tempering
        Of this flight.
    explained : float
        Share of what a perfect explanation of the readings would reach.
    scouts : tuple of Nuisances
        Draws of the nuisances.
    ratios : tuple of ndarray of float32, shape (m, r)
        Log-likelihood ratios under each of those, of every so many readings.
    every : int
        Each so many readings, one is in `ratios`.
    log_prior : ndarray, shape (r,)
        Log of the prior probability of one cell and each rate.
    """

    lattice: Lattice
    log_weight: FloatArray
    likely_rates: NDArray[np.bool_]
    tempering: Tempering
    explained: float
    scouts: tuple[Nuisances, ...]
    ratios: tuple[NDArray[np.float32], ...]
    every: int
    log_prior: FloatArray

    @property
    def best_log_ratio(self) -> float:
        """Log-likelihood ratio of the best source, of all readings, not tempered."""
        return self.every * max(float(ratio.max()) for ratio in self.ratios)

    def under(self, tempering: Tempering) -> Look:
        """The same readings seen with another trust in the model."""
        weights, likely = _weighed(self.ratios, self.every, self.log_prior, tempering)
        return replace(self, log_weight=weights, likely_rates=likely, tempering=tempering)


def coarse_look(
    problem: Problem, scouts: Sequence[Nuisances], *, most_cells: int, most_readings: int
) -> Look:
    """Weigh large cells over the domain under a few draws of the nuisances.

    Parameters
    ----------
    problem : Problem
        Its tempering is not looked at.
    scouts : sequence of Nuisances
    most_cells, most_readings : int
        Upper bounds, roughly.

    Returns
    -------
    Look
    """
    cell_m = max(FINEST_M, float(np.sqrt(problem.area / most_cells)))
    lattice = Lattice.covering(problem.domain, cell_m)
    every = max(1, problem.excess.size // most_readings)
    few = problem.thinned(every)
    tables = in_order(lambda one: weigh(few, lattice, one), scouts)
    ratios = [table.best_log_ratio for table in tables]
    best = int(np.argmax(ratios))
    cell, rate = tables[best].best
    unit = unit_response(few, lattice, cell, scouts[best])[:, 0]
    explained = share_explained(
        few,
        lattice,
        scouts[best],
        reached=ratios[best],
        prediction=few.rates[rate] * unit.astype(np.float64),
    )
    tempering = problem.noise.tempering_for(every * ratios[best], explained)
    log_prior = few.log_prior(lattice)
    slope = few.tempering.slope
    each = tuple(((one.log_weight - log_prior) / slope).astype(np.float32) for one in tables)
    weights, likely = _weighed(each, every, log_prior, tempering)
    return Look(
        lattice, weights, likely, tempering, explained, tuple(scouts), each, every, log_prior
    )


def share_explained(
    problem: Problem,
    coarse: Lattice,
    nuisances: Nuisances,
    *,
    reached: float,
    prediction: FloatArray,
) -> float:
    """Share of what stands out that the two best sources explain, see `share_of`.

    Parameters
    ----------
    problem : Problem
        n readings.
    coarse : Lattice
        Where the second source is sought.
    nuisances : Nuisances
    reached : float
        Log-likelihood ratio of the best source.
    prediction : ndarray, shape (n,)
        Concentration it gives each reading [kg m-3].

    Returns
    -------
    float
    """
    kernel = response_of(problem.path, coarse, nuisances)
    second = evidence_of(problem, kernel, coarse, others=prediction)
    return share_of(
        reached + second.best_log_ratio,
        problem.excess,
        problem.additive,
        relative=problem.noise.relative,
    )


def share_of(reached: float, excess: FloatArray, additive: FloatArray, *, relative: float) -> float:
    """Share of what stands out of readings that a log-likelihood ratio stands for, at most 1.

    One over the root of the number of readings is added: so far a share of few readings falls
    below that of many by chance alone. Where too little stands out to judge a fit it is 1.

    Parameters
    ----------
    reached : float
        Log-likelihood ratio of what explains them.
    excess, additive : ndarray, shape (n,)
        Measured concentration and additive standard deviation [kg m-3].
    relative : float
        Model error as a share of the prediction.

    Returns
    -------
    float
    """
    attainable, readings = attainable_log_ratio(excess, additive, relative=relative)
    if attainable < LEAST_TO_EXPLAIN:
        return 1.0
    return min(1.0, reached / attainable + 1.0 / float(np.sqrt(readings)))


def unit_response(
    problem: Problem, lattice: Lattice, cell: int, nuisances: Nuisances
) -> NDArray[np.float32]:
    """Readings of a unit source in one active cell of a lattice, shape (n, 1) [s m-3]."""
    spot = np.zeros(lattice.size, dtype=bool)
    spot[cell] = True
    return response_of(problem.path, lattice.only(spot), nuisances)


def _weighed(
    ratios: tuple[NDArray[np.float32], ...],
    every: int,
    log_prior: FloatArray,
    tempering: Tempering,
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Log weight of one source in each cell, and the rates that matter."""
    thinned = tempering.thinned(every)
    weights = [log_prior + thinned.of(ratio) for ratio in ratios]
    by_rate = logsumexp(weights, axis=(0, 1))
    by_cell = np.asarray(logsumexp(weights, axis=(0, 2)))
    return by_cell, np.asarray(by_rate > by_rate.max() - DEPTH)
