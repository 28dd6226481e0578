"""What further sources explain in readings that fewer sources do not reach.

The likelihood is tempered because neighbouring readings share the eddies of one plume. A reading
that no likely place of the first source gives any gas is no matter of its eddies: what another
source explains of such readings is weighed as what a first source explains is, and counts there
alone: each reading is the matter of one of the two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from detection.source.likelihood import log_ratio, total_log_ratio
from detection.source.scouting import share_of
from detection.source.tempering import Tempering

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from detection.source.tables import Problem

    FloatArray = NDArray[np.float64]
    Masks = tuple[NDArray[np.bool_], ...]

__all__ = ["Apart", "Unreached", "readings_of", "rows_of", "summed", "unreached"]

REACHED = 0.1  # of a reading's noise, that a draw gives it
LIKELY = 0.95  # share of the draws that must give it less


@dataclass(frozen=True, slots=True)
class Unreached:
    """Readings that so many sources do not reach, and how what one more explains of them counts.

    Attributes
    ----------
    masks : tuple of ndarray of bool, shape (n,) each
        The readings of each series.
    tempering : mapping
        Of each flight, by its name.
    chance : mapping
        Log-likelihood ratio up to which nothing counts, `Noise.chance` of each flight.
    """

    masks: Masks
    tempering: Mapping[str, Tempering]
    chance: Mapping[str, float]

    def counted(self, ratios: Mapping[str, FloatArray]) -> FloatArray:
        """What counts of log-likelihood ratios of these readings, of all flights together."""
        each = [
            self.tempering[name].of(np.maximum(one - self.chance[name], np.minimum(one, 0.0)))
            for name, one in ratios.items()
        ]
        return np.asarray(np.sum(each, axis=0))


@dataclass(frozen=True, slots=True)
class Apart:
    """Readings judged for what sources explain apart from each other, flight by flight.

    Attributes
    ----------
    problems : tuple of Problem
        Of each series, maybe thinned.
    worth : tuple of int
        How many readings each reading of a series stands for.
    levels : tuple of Unreached
        Of one source, of two, ... in whose place one more is sought.
    """

    problems: tuple[Problem, ...]
    worth: tuple[int, ...]
    levels: tuple[Unreached, ...] = ()

    @property
    def reached(self) -> Masks:
        """Readings of each series that no level judges: matter of the ordinary likelihood."""
        judged = [np.zeros(one.excess.size, bool) for one in self.problems]
        for level in self.levels:
            judged = [own | more for own, more in zip(judged, level.masks, strict=True)]
        return tuple(~one for one in judged)

    @property
    def within(self) -> list[Problem]:
        """The problems with the readings that no level judges."""
        each = zip(self.problems, self.reached, strict=True)
        return [problem.some(pick) for problem, pick in each]

    def under(self, level: Unreached) -> Apart:
        """With one level more, which alone judges its readings from now on."""
        before = [
            replace(
                one,
                masks=tuple(own & ~new for own, new in zip(one.masks, level.masks, strict=True)),
            )
            for one in self.levels
        ]
        return replace(self, levels=(*before, level))

    def rows(self, kernels: Sequence[NDArray[np.float32]]) -> list[list[NDArray[np.float32]]]:
        """Of kernels of shape (n, m), the readings of each level, as `beside` needs them."""
        return [rows_of(kernels, level.masks) for level in self.levels]

    def beside(
        self, rows: Sequence[Sequence[NDArray[np.float32]]], others: Sequence[FloatArray]
    ) -> FloatArray:
        """What counts of others and one source more, in each cell at each rate, shape (m, r).

        Parameters
        ----------
        rows : sequence
            From `rows`, of kernels times the gain of each sensor.
        others : sequence of ndarray, shape (n,) each
            Concentration the other sources explain of each series [kg m-3].
        """
        each = [
            level.counted(self.ratios(level.masks, own, others))
            for level, own in zip(self.levels, rows, strict=True)
        ]
        return np.asarray(np.sum(each, axis=0))

    def of(self, prediction: Sequence[FloatArray]) -> float:
        """What counts of all sources together; `prediction` has shape (n,) for each series."""
        return sum(
            float(level.counted(self.totals(level.masks, prediction))) for level in self.levels
        )

    def ratios(
        self,
        masks: Masks,
        rows: Sequence[NDArray[np.float32]],
        others: Sequence[FloatArray],
    ) -> dict[str, FloatArray]:
        """Log-likelihood ratio of others and one more over none, of each flight, shape (m, r)."""
        total: dict[str, FloatArray] = {
            name: np.asarray(one) for name, one in self.totals(masks, others).items()
        }
        for problem, worth, mask, row, other in zip(
            self.problems, self.worth, masks, rows, others, strict=True
        ):
            total[problem.flight] = total[problem.flight] + worth * log_ratio(
                row,
                problem.excess[mask],
                problem.sigma[mask],
                problem.rates,
                relative=problem.noise.relative,
                others=other[mask],
            )
        return total

    def totals(self, masks: Masks, prediction: Sequence[FloatArray]) -> dict[str, FloatArray]:
        """Log-likelihood ratio of a prediction over none, of each flight, not tempered."""
        total = {one.flight: np.zeros(()) for one in self.problems}
        for problem, worth, mask, one in zip(
            self.problems, self.worth, masks, prediction, strict=True
        ):
            total[problem.flight] += worth * total_log_ratio(
                one[mask],
                problem.excess[mask],
                problem.sigma[mask],
                relative=problem.noise.relative,
            )
        return total

    def judged(
        self, masks: Masks, best: Mapping[str, float], *, trust: Mapping[str, float]
    ) -> Unreached:
        """How what one more source explains counts: as for a first one, beyond chance.

        Parameters
        ----------
        masks : tuple of ndarray of bool
        best : mapping
            Largest log-likelihood ratio of one more source in these readings, of each flight.
        trust : mapping
            How far each flight's model is trusted, 0 to 1: one that fits badly tells no more of
            further sources than of the first.
        """
        return Unreached(
            masks,
            {name: self._tempering(masks, name, best[name], trust[name]) for name in best},
            {one.flight: one.noise.chance for one in self.problems},
        )

    def _tempering(self, masks: Masks, flight: str, best: float, trust: float) -> Tempering:
        own = [k for k, problem in enumerate(self.problems) if problem.flight == flight]
        noise = self.problems[own[0]].noise
        explained = share_of(
            best / self.worth[own[0]],
            np.concatenate([self.problems[k].excess[masks[k]] for k in own]),
            np.concatenate([self.problems[k].sigma[masks[k]] for k in own]),
            relative=noise.relative,
        )
        # gas that was met counts however badly it fits; the wind was asked of the whole flight
        first = noise.tempering_for(max(best - noise.chance, 0.0), explained, rival=0.0)
        return Tempering(
            slope=trust * first.slope,
            beyond=trust * first.beyond,
            knee=first.knee,
            sure=trust * first.sure,
            chance=first.chance,
        )


def unreached(problems: Sequence[Problem], given: Sequence[Sequence[FloatArray]]) -> Masks:
    """Readings that likely draws of some sources give hardly any gas.

    Parameters
    ----------
    problems : sequence of Problem
    given : sequence of sequences of ndarray, shape (n,)
        What each draw gives the readings of each series [kg m-3].

    Returns
    -------
    tuple of ndarray of bool, shape (n,) each
        None of a flight whose `Noise.chance` is infinite.
    """
    return tuple(
        (np.quantile(draws, LIKELY, axis=0) < REACHED * problem.sigma)
        & np.isfinite(problem.noise.chance)
        for problem, draws in zip(problems, given, strict=True)
    )


def rows_of(kernels: Sequence[NDArray[np.float32]], masks: Masks) -> list[NDArray[np.float32]]:
    """Some readings of kernels of shape (n, m)."""
    return [np.ascontiguousarray(one[mask]) for one, mask in zip(kernels, masks, strict=True)]


def readings_of(predictions: Sequence[FloatArray], masks: Masks) -> list[FloatArray]:
    """Some readings of predictions of shape (n,)."""
    return [one[mask] for one, mask in zip(predictions, masks, strict=True)]


def summed(parts: Sequence[Sequence[FloatArray]]) -> list[FloatArray]:
    """What all sources together give each reading of each series."""
    return [np.sum(series, axis=0) for series in zip(*parts, strict=True)]
