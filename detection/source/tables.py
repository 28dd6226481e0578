"""Posterior tables over cells and rates, one per draw of the nuisance parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.pacing import in_order
from detection.source.footprint import footprints
from detection.source.lattice import Lattice
from detection.source.likelihood import log_ratio, total_log_ratio
from detection.source.sensor_memory import respond

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detection.source.footprint import Path
    from detection.source.noise import Noise
    from detection.source.prior import Nuisances
    from detection.source.tempering import Tempering

    FloatArray = NDArray[np.float64]

__all__ = [
    "Evidence",
    "Problem",
    "evidence_of",
    "evidence_of_all",
    "refined",
    "response_of",
    "responses_of",
    "weigh",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What every table is computed from.

    Attributes
    ----------
    path : Path
    excess, additive : ndarray, shape (n,)
        Readings and their additive standard deviation [kg m-3].
    rates : ndarray, shape (r,)
        Candidate rates, evenly spaced in the logarithm [kg s-1].
    log_rate_prior : ndarray, shape (r,)
        Log of the prior probability of each rate.
    noise : Noise
    tempering : Tempering
        How much of a log-likelihood ratio counts, for this flight.
    domain : tuple of float
        West, south, east, north [m].
    flight : str
        Series of one flight share its name, their draws of the nuisances and the tempering.
    instrument : ndarray, shape (n,), optional
        The instrument's share of `additive` [kg m-3]; all of it if it is not given.
    """

    path: Path
    excess: FloatArray
    additive: FloatArray
    rates: FloatArray
    log_rate_prior: FloatArray
    noise: Noise
    tempering: Tempering
    domain: tuple[float, float, float, float]
    flight: str = ""
    instrument: FloatArray | None = None

    @property
    def sigma(self) -> FloatArray:
        """Standard deviation of the instrument alone [kg m-3]."""
        return self.additive if self.instrument is None else self.instrument

    @property
    def area(self) -> float:
        """Area of the domain [m2]."""
        west, south, east, north = self.domain
        return (east - west) * (north - south)

    def log_prior(self, lattice: Lattice) -> FloatArray:
        """Log of the prior probability of one cell and each rate, shape (r,)."""
        return np.asarray(np.log(lattice.cell_m**2 / self.area) + self.log_rate_prior)

    def inside(self, places: FloatArray) -> FloatArray:
        """Places of shape (k, 2), those beyond the domain's edge moved on to it [m].

        Cells at the edge may reach beyond it.
        """
        west, south, east, north = self.domain
        return np.clip(places, [west, south], [east, north])

    def narrowed(self, keep: NDArray[np.bool_]) -> Problem:
        """The same with only some of the candidate rates, their prior as it was."""
        return replace(self, rates=self.rates[keep], log_rate_prior=self.log_rate_prior[keep])

    def some(self, pick: slice | NDArray[np.bool_]) -> Problem:
        """The same with only some of the readings."""
        path = replace(
            self.path,
            time_s=self.path.time_s[pick],
            east=self.path.east[pick],
            north=self.path.north[pick],
            height=self.path.height[pick],
        )
        return replace(
            self,
            path=path,
            excess=self.excess[pick],
            additive=self.additive[pick],
            instrument=None if self.instrument is None else self.instrument[pick],
        )

    def thinned(self, every: int) -> Problem:
        """The same with every k-th reading, for a first look."""
        if every <= 1:
            return self
        few = self.some(slice(None, None, every))
        return replace(few, tempering=self.tempering.thinned(every))


@dataclass(frozen=True, slots=True)
class Evidence:
    """Table of one more source, for one draw of the nuisances.

    Attributes
    ----------
    log_weight : ndarray of float32, shape (m, r)
        Log of prior times tempered likelihood ratio at each cell and rate.
    log_total : float
        Log of its sum: the evidence for one more source over none.
    best_log_ratio : float
        Largest log-likelihood ratio in it, neither tempered nor weighed by the prior.
    best : tuple of int
        Cell and rate that reach it.
    """

    log_weight: NDArray[np.float32]
    log_total: float
    best_log_ratio: float
    best: tuple[int, int]

    def cells(self) -> FloatArray:
        """Log weight of each cell, shape (m,)."""
        return np.asarray(logsumexp(self.log_weight.astype(np.float64), axis=1))

    def rates(self) -> FloatArray:
        """Log weight of each rate, shape (r,)."""
        return np.asarray(logsumexp(self.log_weight.astype(np.float64), axis=0))

    def draw(self, rng: np.random.Generator, size: int) -> tuple[NDArray[np.intp], ...]:
        """Cells and rates drawn from the table, two arrays of shape (size,)."""
        weight = np.exp(self.log_weight.astype(np.float64).ravel() - self.log_total)
        edges = np.cumsum(weight)
        picks = np.searchsorted(edges, rng.random(size) * edges[-1], side="right")
        cell, rate = np.unravel_index(np.minimum(picks, edges.size - 1), self.log_weight.shape)
        return cell, rate


def response_of(path: Path, lattice: Lattice, nuisances: Nuisances) -> NDArray[np.float32]:
    """Footprints as the sensor reports them, shape (n, m) [s m-3]."""
    kernel = footprints(path, lattice, nuisances)
    if nuisances.rise_s > 0 or nuisances.decay_s > 0:
        respond(kernel, path.time_s, rise_s=nuisances.rise_s, decay_s=nuisances.decay_s)
    return kernel


def responses_of(
    path: Path, lattice: Lattice, hypotheses: Sequence[Nuisances]
) -> NDArray[np.float32]:
    """`response_of` each of several hypotheses, cells before readings, shape (h, m, n)."""
    responses = np.empty((len(hypotheses), lattice.size, path.time_s.size), dtype=np.float32)

    def fill(number: int) -> None:
        responses[number] = response_of(path, lattice, hypotheses[number]).T

    in_order(fill, range(len(hypotheses)))
    return responses


def evidence_of(
    problem: Problem,
    kernel: NDArray[np.float32],
    lattice: Lattice,
    *,
    others: FloatArray | None = None,
) -> Evidence:
    """Evidence for one more source beside others already placed.

    Parameters
    ----------
    problem : Problem
    kernel : ndarray of float32, shape (n, m)
        From `response_of` on the same lattice.
    lattice : Lattice
    others : ndarray, shape (n,), optional
        Concentration the other sources explain [kg m-3].

    Returns
    -------
    Evidence
    """
    known = np.zeros_like(problem.excess) if others is None else others
    return evidence_of_all([problem], [kernel], lattice, others=[known])


def evidence_of_all(
    problems: Sequence[Problem],
    kernels: Sequence[NDArray[np.float32]],
    lattice: Lattice,
    *,
    others: Sequence[FloatArray],
) -> Evidence:
    """Evidence from several series for one more source beside others already placed.

    Parameters
    ----------
    problems : sequence of Problem
        With the same candidate rates; series of one flight are tempered together.
    kernels : sequence of ndarray of float32, shape (n, m) each
        From `response_of` on the same lattice, times the gain of each sensor.
    lattice : Lattice
    others : sequence of ndarray, shape (n,) each
        Concentration the other sources explain [kg m-3].

    Returns
    -------
    Evidence
    """
    first = problems[0]
    weight = np.broadcast_to(first.log_prior(lattice), (lattice.size, first.rates.size))
    best: FloatArray = np.zeros(weight.shape)
    for name in dict.fromkeys(one.flight for one in problems):
        known, ratio = 0.0, np.zeros(weight.shape)
        for problem, kernel, other in zip(problems, kernels, others, strict=True):
            if problem.flight != name:
                continue
            tempering = problem.tempering
            readings = (problem.excess, problem.additive)
            relative = problem.noise.relative
            known += total_log_ratio(other, *readings, relative=relative)
            ratio += log_ratio(kernel, *readings, problem.rates, relative=relative, others=other)
        weight = weight + (tempering.of(known + ratio) - tempering.of(known))
        best += ratio
    cell, rate = divmod(int(best.argmax()), best.shape[1])
    return Evidence(
        weight.astype(np.float32), float(logsumexp(weight)), float(best[cell, rate]), (cell, rate)
    )


def weigh(problem: Problem, lattice: Lattice, nuisances: Nuisances) -> Evidence:
    """Evidence for a first source at each cell of a lattice."""
    return evidence_of(problem, response_of(problem.path, lattice, nuisances), lattice)


def refined(
    coarse: Lattice, log_weight: FloatArray, *, domain: tuple[float, float, float, float],
    finest_m: float, budget: int, depth: float,
) -> Lattice:  # fmt: skip
    """Lattice of smaller cells over the cells that matter.

    Parameters
    ----------
    coarse : Lattice
    log_weight : ndarray, shape (coarse.size,)
        Log posterior weight of each coarse cell.
    domain : tuple of float
        West, south, east, north of the coarse lattice [m].
    finest_m : float
        Cells are not made smaller than this [m].
    budget : int
        Upper bound on the number of active cells, roughly.
    depth : float
        Cells whose log weight is this far below the best are left out.

    Returns
    -------
    Lattice
        Its cells divide the coarse ones.
    """
    keep = np.zeros(coarse.index.shape, dtype=bool)
    keep[coarse.index >= 0] = log_weight > log_weight.max() - depth
    grown = keep.copy()
    grown[1:] |= keep[:-1]
    grown[:-1] |= keep[1:]
    grown[:, 1:] |= keep[:, :-1]
    grown[:, :-1] |= keep[:, 1:]
    factor = max(1, int(np.floor(np.sqrt(budget / max(1, grown.sum())))))
    factor = min(factor, max(1, round(coarse.cell_m / finest_m)))
    fine = Lattice.covering(
        (
            domain[0],
            domain[1],
            domain[0] + coarse.index.shape[1] * coarse.cell_m,
            domain[1] + coarse.index.shape[0] * coarse.cell_m,
        ),
        coarse.cell_m / factor,
    )
    mask = np.repeat(np.repeat(grown, factor, axis=0), factor, axis=1)
    return fine.restricted(mask[: fine.index.shape[0], : fine.index.shape[1]])
