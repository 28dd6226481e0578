"""What the readings of one flight say of a source anywhere: all its channels, all its nuisances.

Channels of a flight see the same air, so they share the draws of the nuisance parameters and one
tempering; each has its own response, and a gain that is integrated out. Flights have nuisances of
their own, so that they meet only in the place and rate of the source.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.pacing import in_order
from detection.source.footprint import path_of
from detection.source.likelihood import attainable_log_ratio, log_ratio, log_ratio_over_gains
from detection.source.noise import noise_of
from detection.source.observations import nuisances_of
from detection.source.proposals import adapted, mixture_log_weights, normal_points
from detection.source.scouting import (
    LEAST_TO_EXPLAIN,
    coarse_look,
    share_explained,
    unit_response,
)
from detection.source.tables import Problem, response_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detection.source.lattice import Lattice
    from detection.source.noise import Noise
    from detection.source.observations import Observations
    from detection.source.prior import Nuisances, Prior
    from detection.source.proposals import Proposal
    from detection.source.scouting import Look
    from detection.source.tempering import Tempering

    FloatArray = NDArray[np.float64]

__all__ = ["FlightEvidence", "by_flight", "problem_of"]

GOOD_FIT = 0.95  # share explained above which ...
RIVALS = 4  # ... so many draws of the nuisances tell what a wind turned round would explain


def problem_of(
    observations: Observations,
    domain: tuple[float, float, float, float],
    *,
    prior: Prior,
    noise: Noise,
    rates: int,
    smoothing_s: float,
) -> Problem:
    """Readings of one series as tables are computed from them, not tempered yet.

    Parameters
    ----------
    observations : Observations
    domain : tuple of float
        West, south, east, north [m].
    prior : Prior
    noise : Noise
    rates : int
        Candidate rates between the prior's bounds.
    smoothing_s : float
        Smoothing of the measured wind [s].

    Returns
    -------
    Problem
    """
    candidates = np.geomspace(prior.rate_min, prior.rate_max, rates)
    log_rate_prior = -0.5 * (np.log(candidates / prior.rate) / prior.rate_log_sd) ** 2
    return Problem(
        path=path_of(observations, domain, smoothing_s=smoothing_s),
        excess=observations.concentration,
        additive=noise_of(observations, noise),
        rates=candidates,
        log_rate_prior=log_rate_prior - logsumexp(log_rate_prior),
        noise=noise,
        tempering=noise.tempering_for(0.0, 1.0),
        domain=domain,
        flight=observations.flight,
        instrument=observations.sigma,
    )


def by_flight(series: Sequence[Observations]) -> list[list[Observations]]:
    """Series of each flight together, the best known gain first.

    The order of flights and series makes no difference to the result.
    """
    flights: dict[str, list[Observations]] = {}
    for one in sorted(series, key=lambda one: (one.flight, one.gain_log_sd, one.channel)):
        flights.setdefault(one.flight, []).append(one)
    return list(flights.values())


@dataclass(slots=True)
class FlightEvidence:
    """Log-likelihood ratios of one source, for each draw of a flight's nuisances.

    Attributes
    ----------
    observations : list of Observations
        The flight's series; the gain of the first is part of what "rate" means.
    problems : list of Problem
        Of each series, thinned.
    every : int
        Each so many readings, one is in `problems`.
    prior : Prior
    tempering : Tempering
        Of the flight, for all readings.
    explained : float
        Share of what stands out that the two best sources explain.
    rival : float or None
        The same if the wind is turned round; None if too little stands out to ask that.
    gained : float
        Share of what stands out by which the best source explains more then.
    best_log_ratio : float
        Of the best source, of all readings.
    points, hypotheses : list
        Draws of the nuisances: as points of shape (d,), and as they are.
    ratios : list of ndarray of float32, shape (m, r)
        Of each draw, not tempered.
    """

    observations: list[Observations]
    problems: list[Problem]
    every: int
    prior: Prior
    tempering: Tempering
    explained: float = 1.0
    rival: float | None = None
    gained: float = 0.0
    best_log_ratio: float = 0.0
    points: list[FloatArray] = field(default_factory=list)
    hypotheses: list[Nuisances] = field(default_factory=list)
    ratios: list[NDArray[np.float32]] = field(default_factory=list)
    proposals: list[tuple[Proposal, int]] = field(default_factory=list)

    @property
    def thinned_tempering(self) -> Tempering:
        """What counts of the ratios of the readings in `problems`."""
        return self.tempering.thinned(self.every)

    def nuisances(self, points: FloatArray) -> list[Nuisances]:
        """Nuisances at points of shape (k, d), with the response of the first series."""
        return [nuisances_of(self.observations[0], self.prior, one) for one in points]

    def of_series(self, nuisances: Nuisances, k: int) -> Nuisances:
        """Nuisances of the flight with the response of its series k."""
        if k == 0:
            return nuisances
        first, own = self.observations[0].response_s, self.observations[k].response_s
        lag = nuisances.rise_s / first[0] if first[0] > 0 else 1.0
        return replace(nuisances, rise_s=own[0] * lag, decay_s=own[1] * lag)

    def scouted(
        self,
        problems: Sequence[Problem],
        count: int,
        *,
        most_cells: int,
        most_readings: int,
        rng: np.random.Generator,
    ) -> list[Look]:
        """A coarse look at each of the flight's series, under the same draws of the nuisances."""
        scouts = self.nuisances(normal_points(count, rng=rng))
        return [
            coarse_look(
                problem,
                [self.of_series(one, k) for one in scouts],
                most_cells=most_cells,
                most_readings=most_readings,
            )
            for k, problem in enumerate(problems)
        ]

    def look(
        self, lattice: Lattice, proposal: Proposal, count: int, rng: np.random.Generator
    ) -> None:
        """Weigh every cell and rate under more draws of the nuisances."""
        points = proposal.mean + proposal.sd * normal_points(count, rng=rng)
        more = self.nuisances(points)
        self.points += list(points)
        self.hypotheses += more
        self.ratios += in_order(lambda one: self._ratio(lattice, one), more)
        self.proposals.append((proposal, count))

    def judge(self, lattice: Lattice, coarse: Lattice) -> None:
        """Settle the tempering: how much of all these ratios counts, from the best of them."""
        best = int(np.argmax([one.max() for one in self.ratios]))
        ratio = self.ratios[best]
        cell, rate = divmod(int(ratio.argmax()), ratio.shape[1])
        reached = float(ratio[cell, rate])
        self.explained = self._explained(lattice, coarse, self.hypotheses[best], cell, rate)
        self.best_log_ratio = self.every * reached
        self.tempering = self.problems[0].noise.tempering_for(self.best_log_ratio, self.explained)

    def doubt_wind(
        self, problem: Problem, as_flown: Look, *, most_cells: int, most_readings: int
    ) -> None:
        """Settle the tempering again, knowing what is seen if the wind is turned round.

        All draws of the nuisances tell of the wind as flown, but few of one turned round where the
        fit is good: a draw that fits one may not be among those of the other. Not asked where too
        little stands out.

        Parameters
        ----------
        problem : Problem
            Of the first series, with all candidate rates.
        as_flown : Look
            At the same series.
        most_cells, most_readings : int
            As in `coarse_look`.
        """
        attainable = self._attainable()
        if attainable < LEAST_TO_EXPLAIN:
            return
        scouts = as_flown.scouts
        turned = coarse_look(
            replace(problem, path=problem.path.turned()),
            scouts if self.explained < GOOD_FIT else scouts[:RIVALS],
            most_cells=most_cells,
            most_readings=most_readings,
        )
        better = turned.best_log_ratio - as_flown.best_log_ratio
        self.rival, self.gained = turned.explained, better / (self.every * attainable)
        self.tempering = self.problems[0].noise.tempering_for(
            self.best_log_ratio, self.explained, rival=self.rival, gained=self.gained
        )

    def keep(self, cells: NDArray[np.bool_], rates: NDArray[np.bool_]) -> None:
        """Forget all but some cells and rates."""
        self.ratios = [np.ascontiguousarray(one[cells][:, rates]) for one in self.ratios]
        self.problems = [one.narrowed(rates) for one in self.problems]

    def log_shares(self) -> FloatArray:
        """Log weight of each draw before the readings are looked at, shape (h,)."""
        proposals, counts = zip(*self.proposals, strict=True)
        weights = mixture_log_weights(np.array(self.points), proposals, counts)
        return np.asarray(weights - np.log(len(self.points)))

    def log_likelihood(self) -> FloatArray:
        """Log of the tempered likelihood ratio averaged over the nuisances, shape (m, r)."""
        tempering = self.thinned_tempering
        each = (
            share + tempering.of(ratio)
            for share, ratio in zip(self.log_shares(), self.ratios, strict=True)
        )
        return np.asarray(reduce(np.logaddexp, each))

    def counted(self, draw: int) -> FloatArray:
        """Tempered log-likelihood ratios under one draw of the nuisances, shape (m, r)."""
        return self.thinned_tempering.of(self.ratios[draw])

    def adapted(self, log_weight: FloatArray, *, least_effective: float) -> Proposal:
        """Proposal around the draws that fit, sources weighed by `log_weight`, shape (m, r)."""
        tempering = self.thinned_tempering
        totals = [float(logsumexp(log_weight + tempering.of(ratio))) for ratio in self.ratios]
        return adapted(np.array(self.points), np.array(totals), least_effective=least_effective)

    def drawn(
        self, cells: NDArray[np.intp], rates: NDArray[np.intp], rng: np.random.Generator
    ) -> NDArray[np.intp]:
        """Index of a draw of the nuisances for each source, shape (k,)."""
        tempering = self.thinned_tempering
        log_weight = self.log_shares()[:, None] + np.array(
            [tempering.of(ratio[cells, rates]) for ratio in self.ratios]
        )
        weight = np.cumsum(np.exp(log_weight - log_weight.max(axis=0)), axis=0)
        return np.asarray((weight < rng.random(cells.size) * weight[-1]).sum(axis=0))

    def _ratio(self, lattice: Lattice, nuisances: Nuisances) -> NDArray[np.float32]:
        total = np.zeros((lattice.size, self.problems[0].rates.size), dtype=np.float32)
        for k, problem in enumerate(self.problems):
            kernel = response_of(problem.path, lattice, self.of_series(nuisances, k))
            total += log_ratio_over_gains(
                kernel,
                problem.excess,
                problem.additive,
                problem.rates,
                relative=problem.noise.relative,
                gain_log_sd=self.observations[k].gain_log_sd if k else 0.0,
            )
        return total

    def _attainable(self) -> float:
        """Log-likelihood ratio of a perfect explanation of the readings in the first problem."""
        first = self.problems[0]
        return attainable_log_ratio(first.excess, first.additive, relative=first.noise.relative)[0]

    def _explained(
        self,
        lattice: Lattice,
        coarse: Lattice,
        nuisances: Nuisances,
        cell: int,
        rate: int,
    ) -> float:
        """`share_explained` of the first series; alone it may like another rate than all do."""
        problem = self.problems[0]
        first = unit_response(problem, lattice, cell, nuisances)
        ratio = log_ratio(
            first, problem.excess, problem.additive, problem.rates, relative=problem.noise.relative
        )[0]
        rate = int(ratio.argmax()) if len(self.problems) > 1 else rate
        return share_explained(
            problem,
            coarse,
            nuisances,
            reached=float(ratio[rate]),
            prediction=problem.rates[rate] * first[:, 0].astype(np.float64),
        )
