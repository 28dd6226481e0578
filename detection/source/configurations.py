"""Draws of several sources: what one holds, and what it explains of each series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.source.lattice import Lattice
from detection.source.likelihood import total_log_ratio
from detection.source.tables import response_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detection.source.prior import Nuisances
    from detection.source.tables import Problem

    FloatArray = NDArray[np.float64]

__all__ = ["Configuration", "calibrated", "kernels_of", "predicted"]

GAINS = 17  # tried for a sensor whose gain is uncertain


@dataclass(frozen=True, slots=True)
class Configuration:
    """One draw of k sources.

    Attributes
    ----------
    nuisances : tuple of Nuisances
        Of each series.
    gains : tuple of float
        Of each series' sensor, over its nominal one.
    gain_log_sd : tuple of float
        How far these may be off; 0 where the gain is part of what "rate" means.
    places : ndarray, shape (k, 2)
        East and north [m].
    rates : ndarray, shape (k,)
        [kg s-1].
    log_evidence : float
        Log of the evidence for k sources over none, under these nuisances.
    """

    nuisances: tuple[Nuisances, ...]
    gains: tuple[float, ...]
    gain_log_sd: tuple[float, ...]
    places: FloatArray
    rates: FloatArray
    log_evidence: float


def predicted(problem: Problem, configuration: Configuration, series: int = 0) -> FloatArray:
    """Concentration a configuration explains in each reading of a series, shape (n,) [kg m-3]."""
    total = np.zeros(problem.excess.size)
    for place, rate in zip(configuration.places, configuration.rates, strict=True):
        spot = Lattice(place[0], place[1], 2.0, np.zeros((1, 1), dtype=np.int32))
        total += rate * response_of(problem.path, spot, configuration.nuisances[series])[:, 0]
    return configuration.gains[series] * total


def calibrated(
    problems: Sequence[Problem], probe: Configuration, rng: np.random.Generator
) -> Configuration:
    """The same draw of sources with gains drawn from what the readings say of them."""
    if not any(probe.gain_log_sd):
        return probe
    gains = []
    for k, (problem, spread) in enumerate(zip(problems, probe.gain_log_sd, strict=True)):
        if not spread:
            gains.append(1.0)
            continue
        scores = np.linspace(-2.0, 2.0, GAINS)
        known = predicted(problem, replace(probe, gains=(1.0,) * len(problems)), k)
        ratios = [
            total_log_ratio(
                np.exp(spread * score) * known,
                problem.excess,
                problem.additive,
                relative=problem.noise.relative,
            )
            for score in scores
        ]
        weight = problem.tempering.of(ratios) - 0.5 * scores**2
        share = np.exp(weight - logsumexp(weight))
        gains.append(float(np.exp(spread * rng.choice(scores, p=share / share.sum()))))
    return replace(probe, gains=tuple(gains))


def kernels_of(
    problems: Sequence[Problem], lattice: Lattice, probe: Configuration
) -> list[NDArray[np.float32]]:
    """Readings of unit sources at each cell of m, as every series reports them, shape (n, m)."""
    return [
        np.float32(gain) * response_of(problem.path, lattice, nuisances)
        for problem, nuisances, gain in zip(problems, probe.nuisances, probe.gains, strict=True)
    ]
