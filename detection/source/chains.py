"""Gibbs sweeps over the sources of one draw: every cell and rate weighed for each in turn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.source.apart import readings_of, rows_of, summed
from detection.source.likelihood import total_log_ratio
from detection.source.tables import evidence_of_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detection.source.apart import Apart
    from detection.source.lattice import Lattice
    from detection.source.tables import Evidence

    FloatArray = NDArray[np.float64]

__all__ = ["Chain", "Visit", "counted_with"]

SWEEPS = 1  # over all sources before their draws count
REPEATS = 4  # conditional draws of all sources but one ...
SPREAD = 16  # ... and draws of that one beside each of them


@dataclass(frozen=True, slots=True)
class Visit:
    """Sources a chain came by: cells and candidate rates, and the evidence for their number."""

    cells: list[int]
    rates: list[int]
    log_evidence: float


class Chain:
    """Sources in cells of a lattice under one draw of the nuisances.

    Parameters
    ----------
    apart : Apart
        The readings, those that fewer sources reach and those that they do not.
    lattice : Lattice
        m cells.
    kernels : list of ndarray of float32, shape (n, m) each
        Readings of unit sources, as every series reports them.
    """

    def __init__(self, apart: Apart, lattice: Lattice, kernels: list[NDArray[np.float32]]) -> None:
        self.apart = apart
        self.lattice = lattice
        self.kernels = kernels
        self._first = apart.problems[0]
        self._masks = apart.reached
        self._within = apart.within
        self._kernels_within = rows_of(kernels, self._masks)
        self._rows = apart.rows(kernels)

    def visits(self, cells: list[int], rates: list[int], rng: np.random.Generator) -> list[Visit]:
        """Draws with one source more than `cells` and `rates` have.

        Parameters
        ----------
        cells, rates : list of int
            Of the sources to begin with.
        rng : numpy.random.Generator

        Returns
        -------
        list of Visit
        """
        cells, rates = [*cells, 0], [*rates, 0]
        number = len(cells)
        for k in (number - 1, *(k for _ in range(SWEEPS) for k in range(number))):
            self._redraw(cells, rates, k, rng)
        visits = []
        for _ in range(REPEATS):
            *first, last = rng.permutation(number).tolist()
            log_proposal = sum(self._redraw(cells, rates, k, rng) for k in first)
            parts = self._parts(cells, rates, without=last)
            table = self._beside(parts)
            log_prior = self._first.log_prior(self.lattice)[[rates[k] for k in first]].sum()
            counted = self._tempered(summed(parts))
            log_evidence = float(log_prior + counted + table.log_total - log_proposal)
            for cell, rate in zip(*table.draw(rng, SPREAD), strict=True):
                cells[last], rates[last] = int(cell), int(rate)
                visits.append(Visit(cells.copy(), rates.copy(), log_evidence))
        return visits

    def _redraw(
        self, cells: list[int], rates: list[int], k: int, rng: np.random.Generator
    ) -> float:
        """Draw source k anew beside the others, and say how likely that draw was."""
        table = self._beside(self._parts(cells, rates, without=k))
        cell, rate = (int(index[0]) for index in table.draw(rng, 1))
        cells[k], rates[k] = cell, rate
        return float(table.log_weight[cell, rate]) - table.log_total

    def _parts(self, cells: list[int], rates: list[int], *, without: int) -> list[list[FloatArray]]:
        candidates = self._first.rates
        return [
            [candidates[rate] * kernel[:, cell].astype(np.float64) for kernel in self.kernels]
            for k, (cell, rate) in enumerate(zip(cells, rates, strict=True))
            if k != without
        ]

    def _beside(self, parts: list[list[FloatArray]]) -> Evidence:
        others = summed(parts)
        within = readings_of(others, self._masks)
        table = evidence_of_all(self._within, self._kernels_within, self.lattice, others=within)
        return counted_with(table, self.apart.beside(self._rows, others))

    def _tempered(self, prediction: Sequence[FloatArray]) -> float:
        """Tempered log-likelihood ratio of a whole prediction of what fewer sources reach."""
        ratios: dict[str, float] = {}
        within = readings_of(prediction, self._masks)
        for problem, one in zip(self._within, within, strict=True):
            ratio = total_log_ratio(
                one, problem.excess, problem.additive, relative=problem.noise.relative
            )
            ratios[problem.flight] = ratios.get(problem.flight, 0.0) + ratio
        tempering = {problem.flight: problem.tempering for problem in self._within}
        return float(sum(tempering[name].of(ratio) for name, ratio in ratios.items()))


def counted_with(table: Evidence, more: FloatArray) -> Evidence:
    """A table of one more source with what counts beside it, of shape (m, r)."""
    weight = table.log_weight + more
    return replace(table, log_weight=weight.astype(np.float32), log_total=float(logsumexp(weight)))
