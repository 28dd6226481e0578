"""What further sources explain that no single one does, in readings that are theirs alone.

The likelihood is tempered because neighbouring readings share the eddies of one plume. A second
plume that stands aside of the first is no matter of those: what two sources explain beyond all
that one can, each in readings of its own, is weighed as what a first source explains is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detection.source.likelihood import log_ratio, total_log_ratio
from detection.source.tempering import Tempering

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from detection.source.tables import Problem

    FloatArray = NDArray[np.float64]
    Parts = Sequence[Sequence[FloatArray]]  # what each source gives each reading of each series

__all__ = ["Apart", "Split", "Weights", "summed"]

LEAST = 15.0  # log-likelihood ratio of a source by whose overlap with others it is not judged
STEEPNESS = 12  # a tenth of overlap leaves 28 % of what is explained
ENOUGH = 15.0  # log-likelihood ratio beyond one source that leaves no doubt of more


@dataclass(frozen=True, slots=True)
class Split:
    """Log-likelihood ratios of sources together and one by one, any shape, not tempered.

    Attributes
    ----------
    together : ndarray
        Of all of them.
    alone : ndarray
        Sum of what each reaches if there is no other.
    least : ndarray
        Smallest of those.
    """

    together: FloatArray
    alone: FloatArray
    least: FloatArray

    def distinct(self) -> FloatArray:
        """Share of what the least of them explains that none of the others does.

        Examples
        --------
        >>> ratios = [np.array(value) for value in (90.0, 100.0, 40.0)]
        >>> Split(*ratios).distinct()
        array(0.75)
        """
        overlap = (self.alone - self.together) / np.maximum(self.least, LEAST)
        return np.asarray(np.clip(1.0 - overlap, 0.0, 1.0))

    def beyond(self, bar: float) -> FloatArray:
        """What they explain together beyond `bar`, and less the more they overlap.

        Examples
        --------
        >>> ratios = [np.array([value]) for value in (90.0, 90.0, 40.0)]
        >>> Split(*ratios).beyond(70.0)
        array([20.])
        """
        return np.asarray(self.distinct() ** STEEPNESS * np.maximum(self.together - bar, 0.0))


@dataclass(frozen=True, slots=True)
class Weights:
    """How what sources explain beyond one counts, for one flight.

    Attributes
    ----------
    bar : float
        Log-likelihood ratio that one source and the model's errors may reach.
    tempering : Tempering
        Of what is beyond; nothing more is gained above its knee, which is at most `ENOUGH`, so
        that where the sources are hangs on the likelihood as tempered for one.
    """

    bar: float
    tempering: Tempering

    @classmethod
    def of(cls, problem: Problem, best: float, splits: Iterable[Split]) -> Weights:
        """Weights from the best single source, and from pairs that were looked at.

        Parameters
        ----------
        problem : Problem
            Of the flight, whose own tempering says how far to trust the model.
        best : float
            Log-likelihood ratio of the best single source.
        splits : iterable of Split

        Returns
        -------
        Weights
        """
        noise = problem.noise
        bar = best + max(noise.margin, noise.margin_share * best)
        most = max(float(split.beyond(bar).max()) for split in splits)
        slope = problem.tempering.slope
        return cls(
            bar,
            Tempering(
                slope=slope,
                beyond=0.0,
                knee=min(noise.settled_apart * most, ENOUGH),
                sure=noise.sure * slope / noise.temper,
                chance=noise.chance,
            ),
        )

    def counted(self, split: Split) -> FloatArray:
        """What counts of sources beyond what one can explain."""
        return self.tempering.of(split.beyond(self.bar))


@dataclass(frozen=True, slots=True)
class Apart:
    """Readings judged for what sources explain apart from each other, flight by flight.

    Attributes
    ----------
    problems : tuple of Problem
        Of each series, maybe thinned.
    worth : tuple of int
        How many readings each reading of a series stands for.
    weights : mapping
        Of each flight, by its name.
    """

    problems: tuple[Problem, ...]
    worth: tuple[int, ...]
    weights: Mapping[str, Weights]

    def tables(
        self,
        kernels: Sequence[NDArray[np.float32]],
        others: Sequence[FloatArray] | None = None,
    ) -> dict[str, FloatArray]:
        """Log-likelihood ratio of one source in each cell at each rate, with `others` or alone.

        Parameters
        ----------
        kernels : sequence of ndarray of float32, shape (n, m) each
            Of each series, times the gain of its sensor.
        others : sequence of ndarray, shape (n,) each, optional
            Concentration the other sources explain [kg m-3].

        Returns
        -------
        dict of ndarray, shape (m, r)
            Of each flight; the ratio is that of all sources, over none.
        """
        others = others or [np.zeros_like(one.excess) for one in self.problems]
        known = self.totals(others)
        total: dict[str, FloatArray] = {name: np.asarray(one) for name, one in known.items()}
        for problem, worth, kernel, other in zip(
            self.problems, self.worth, kernels, others, strict=True
        ):
            total[problem.flight] = total[problem.flight] + worth * log_ratio(
                kernel,
                problem.excess,
                problem.aside_sd,
                problem.rates,
                relative=problem.noise.relative,
                others=other,
            )
        return total

    def splits(
        self,
        kernels: Sequence[NDArray[np.float32]],
        alone: Mapping[str, FloatArray],
        parts: Parts,
    ) -> dict[str, Split]:
        """Of some sources and one more in each cell at each rate, for each flight.

        Parameters
        ----------
        kernels : sequence of ndarray of float32, shape (n, m) each
        alone : mapping
            What `tables` gives for the kernels without others.
        parts : sequence of sequences of ndarray, shape (n,)
            Concentration each of the other sources gives each series [kg m-3].

        Returns
        -------
        dict of Split, shape (m, r)
        """
        each = [self.totals(part) for part in parts]
        return {
            name: Split(
                together,
                alone[name] + sum(one[name] for one in each),
                np.minimum(alone[name], min(one[name] for one in each)),
            )
            for name, together in self.tables(kernels, summed(parts)).items()
        }

    def counted(self, splits: Mapping[str, Split]) -> FloatArray:
        """What counts of one more source beside others, of all flights."""
        each = [self.weights[name].counted(one) for name, one in splits.items()]
        return np.asarray(np.sum(each, axis=0))

    def counted_of(self, parts: Parts) -> float:
        """What counts of some sources; nothing of a single one."""
        if len(parts) < 2:
            return 0.0
        each = [self.totals(part) for part in parts]
        splits = {
            name: Split(
                np.asarray(together),
                np.asarray(sum(one[name] for one in each)),
                np.asarray(min(one[name] for one in each)),
            )
            for name, together in self.totals(summed(parts)).items()
        }
        return float(self.counted(splits))

    def totals(self, prediction: Sequence[FloatArray]) -> dict[str, float]:
        """Log-likelihood ratio of a prediction of all series, for each flight, not tempered."""
        total = dict.fromkeys((one.flight for one in self.problems), 0.0)
        for problem, worth, one in zip(self.problems, self.worth, prediction, strict=True):
            total[problem.flight] += worth * total_log_ratio(
                one, problem.excess, problem.aside_sd, relative=problem.noise.relative
            )
        return total


def summed(parts: Parts) -> list[FloatArray]:
    """What all sources together give each reading of each series."""
    return [np.sum(series, axis=0) for series in zip(*parts, strict=True)]
