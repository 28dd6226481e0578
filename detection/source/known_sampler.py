"""Draws of the rates of known emitters, beside at most one source nobody told of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.pacing import in_order
from detection.source.emitters import known_responses
from detection.source.lattice import Lattice
from detection.source.likelihood import log_ratio
from detection.source.likelihood import total_log_ratio as total_of
from detection.source.noise import noise_of
from detection.source.observations import nuisances_of
from detection.source.tables import response_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detection.source.emitters import KnownEmitter
    from detection.source.footprint import Path
    from detection.source.noise import Noise
    from detection.source.observations import Observations
    from detection.source.prior import Prior
    from detection.source.tempering import Tempering

    FloatArray = NDArray[np.float64]

__all__ = ["REPEATS", "Draw", "Part", "Sampler", "every_of", "part_of"]

READINGS = 300  # twice as many or more are thinned
CELLS = 500
SWEEPS = 2
REPEATS = 3  # weighted draws under each draw of the nuisances


@dataclass(frozen=True, slots=True)
class Part:
    """One series, thinned, as the fit sees it."""

    path: Path
    excess: FloatArray
    additive: FloatArray
    relative: float

    def ratio_of(self, prediction: FloatArray) -> float:
        """Log-likelihood of a prediction of shape (n,) over clean air."""
        return total_of(prediction, self.excess, self.additive, relative=self.relative)

    def ratios(
        self, kernel: NDArray[np.float32], rates: FloatArray, others: FloatArray
    ) -> FloatArray:
        """Log-likelihood of each column at each rate beside `others`, over clean air."""
        beside = log_ratio(
            kernel, self.excess, self.additive, rates, relative=self.relative, others=others
        )
        return beside + self.ratio_of(others)


@dataclass(frozen=True, slots=True)
class Draw:
    """Rates of the known emitters under one draw of the nuisances, and its log weight."""

    rates: FloatArray
    log_weight: float


@dataclass(frozen=True, slots=True)
class Sampler:
    """Draws of the known rates under given nuisances."""

    series: Sequence[Observations]
    parts: Sequence[Part]
    emitters: Sequence[KnownEmitter]
    rates: FloatArray
    log_priors: FloatArray
    prior: Prior
    noise: Noise
    domain: tuple[float, float, float, float]

    def temperings(self, points: FloatArray) -> list[Tempering]:
        """Tempering of each series, from the best that one source, known or not, explains."""
        lattice = self._lattice()
        best = np.zeros(len(self.parts))
        for point in points:
            for s, part in enumerate(self.parts):
                nuisances = nuisances_of(self.series[s], self.prior, point)
                kernel = np.concatenate(
                    [
                        known_responses(part.path, self.emitters, nuisances),
                        response_of(part.path, lattice, nuisances),
                    ],
                    axis=1,
                )
                nothing = np.zeros_like(part.excess)
                best[s] = max(best[s], part.ratios(kernel, self.rates[1:], nothing).max())
        return [
            self.noise.tempering_for(float(ratio) * every_of(one), 1.0)
            for ratio, one in zip(best, self.series, strict=True)
        ]

    def thinned(self, temperings: Sequence[Tempering]) -> list[Tempering]:
        """The same for the readings that are left."""
        pairs = zip(temperings, self.series, strict=True)
        return [tempering.thinned(every_of(one)) for tempering, one in pairs]

    def draws(
        self, points: FloatArray, temperings: Sequence[Tempering], rng: np.random.Generator
    ) -> list[list[Draw]]:
        """Weighted draws for each point of the nuisances' space."""
        seeds = rng.integers(0, 2**63, len(points))
        work = list(zip(points, seeds, strict=True))
        return in_order(
            lambda one: self._chain(one[0], temperings, np.random.default_rng(one[1])), work
        )

    def _lattice(self) -> Lattice:
        west, south, east, north = self.domain
        cell = max(5.0, float(np.sqrt((east - west) * (north - south) / CELLS)))
        return Lattice.covering(self.domain, cell)

    def _chain(
        self, point: FloatArray, temperings: Sequence[Tempering], rng: np.random.Generator
    ) -> list[Draw]:
        lattice = self._lattice()
        nuisances = [nuisances_of(one, self.prior, point) for one in self.series]
        pairs = list(zip(self.parts, nuisances, strict=True))
        known = [known_responses(part.path, self.emitters, one) for part, one in pairs]
        anywhere = [response_of(part.path, lattice, one) for part, one in pairs]
        log_cell = self._log_unknown_prior(lattice)
        state = np.zeros(len(self.emitters) + 1)  # rates; the unknown source's comes last
        cell = 0

        def others(s: int, without: int) -> FloatArray:
            kept = state.copy()
            kept[without] = 0.0
            total = known[s] @ kept[:-1] + anywhere[s][:, cell] * kept[-1]
            return np.asarray(total, dtype=np.float64)

        def redraw(k: int) -> tuple[float, float, float]:
            """Log density of what is drawn, log of its prior, and log of the table's sum."""
            nonlocal cell
            unknown = k == len(self.emitters)
            columns = anywhere if unknown else [one[:, [k]] for one in known]
            log_prior = log_cell if unknown else self.log_priors[[k], 1:]
            log_none = np.log1p(-self.prior.any_source) if unknown else self.log_priors[k, 0]
            table = np.array(log_prior, dtype=np.float64)
            none = float(log_none)
            for s, part in enumerate(self.parts):
                rest = others(s, k)
                ratios = part.ratios(columns[s], self.rates[1:], rest)
                table = table + temperings[s].of(ratios)
                none += float(temperings[s].of(part.ratio_of(rest)))
            total = float(np.logaddexp(none, logsumexp(table)))
            edges = np.cumsum(np.exp(table.ravel() - total))
            pick = int(np.searchsorted(edges, rng.random(), side="right"))
            if pick >= edges.size:
                state[k] = 0.0
                return none - total, float(log_none), total
            row, rate = divmod(pick, table.shape[1])
            state[k] = self.rates[1 + rate]
            if unknown:
                cell = row
            return float(table[row, rate]) - total, float(log_prior[row, rate]), total

        number = len(state)
        for _ in range(SWEEPS):
            for k in rng.permutation(number):
                redraw(int(k))
        draws = []
        for _ in range(REPEATS):
            log_weight = 0.0
            order = rng.permutation(number)
            for k in order[:-1]:
                log_density, log_prior, _ = redraw(int(k))
                log_weight += log_prior - log_density
            log_weight += redraw(int(order[-1]))[2]  # holds the likelihood of all of them
            draws.append(Draw(state[:-1].copy(), log_weight))
        return draws

    def _log_unknown_prior(self, lattice: Lattice) -> FloatArray:
        shape = -0.5 * (np.log(self.rates[1:] / self.prior.rate) / self.prior.rate_log_sd) ** 2
        log_any = np.log(self.prior.any_source / lattice.size)
        row = log_any + shape - logsumexp(shape)
        return np.broadcast_to(row, (lattice.size, row.size))


def every_of(observations: Observations) -> int:
    """Which readings of a series are left: every how-manieth."""
    return max(1, len(observations) // READINGS)


def part_of(observations: Observations, path: Path, noise: Noise) -> Part:
    """A series with at most twice `READINGS` readings left."""
    pick = slice(None, None, every_of(observations))
    thinned = replace(
        path,
        time_s=path.time_s[pick],
        east=path.east[pick],
        north=path.north[pick],
        height=path.height[pick],
    )
    additive = noise_of(observations, noise)[pick]
    return Part(thinned, observations.concentration[pick], additive, noise.relative)
