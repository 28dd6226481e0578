"""More than one source: seek the next one in what the others leave unexplained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.source.footprint import Lattice
from detection.source.likelihood import total_log_ratio
from detection.source.tables import evidence_of_all, in_order, refined, response_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detection.source.prior import Nuisances
    from detection.source.tables import Evidence, Problem

    FloatArray = NDArray[np.float64]

__all__ = ["Configuration", "Found", "further_source", "predicted"]

PROBES = 8  # draws with k sources from which the next one is sought
SWEEPS = 2  # Gibbs sweeps over all sources before their draws count
REPEATS = 3  # weighted draws taken from each chain
READINGS = 400  # twice as many or more are thinned
GAINS = 17  # tried for a sensor whose gain is uncertain
PROMISING = 4.0  # tempered log-likelihood ratio of one more source from which chains are run


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


@dataclass(frozen=True, slots=True)
class Found:
    """What looking for one more source gave.

    Attributes
    ----------
    configurations : list of Configuration
        Draws with one source more.
    log_gain : float
        Log of the evidence for them over that for one source fewer.
    is_promising : bool
        Something was left to explain; if not, looking for yet another is idle.
    """

    configurations: list[Configuration]
    log_gain: float
    is_promising: bool


def predicted(problem: Problem, configuration: Configuration, series: int = 0) -> FloatArray:
    """Concentration a configuration explains in each reading of a series, shape (n,) [kg m-3]."""
    total = np.zeros(problem.excess.size)
    for place, rate in zip(configuration.places, configuration.rates, strict=True):
        spot = Lattice(place[0], place[1], 2.0, np.zeros((1, 1), dtype=np.int32))
        total += rate * response_of(problem.path, spot, configuration.nuisances[series])[:, 0]
    return configuration.gains[series] * total


def further_source(
    problems: Sequence[Problem],
    configurations: Sequence[Configuration],
    coarse: Lattice,
    *,
    finest_m: float,
    rng: np.random.Generator,
) -> Found:
    """Draws with one source more, and what the evidence gains by it.

    Parameters
    ----------
    problems : sequence of Problem
        Of each series.
    configurations : sequence of Configuration
        Posterior draws with k sources, in random order.
    coarse : Lattice
        Cells over the whole domain.
    finest_m : float
        Smallest cell [m].
    rng : numpy.random.Generator

    Returns
    -------
    Found

    Notes
    -----
    Where nothing unexplained is left, one more source is whatever the flight would not have
    noticed: it is drawn beside the others as they are. Otherwise Gibbs sweeps over tables of
    all cells and rates let k + 1 sources settle. The evidence under each draw's nuisances is
    then estimated by importance sampling: all sources but the last drawn in turn from their
    conditional tables, the last one summed out, for each of the k + 1 that may be called last.
    """
    probes = list(configurations[:PROBES])
    problems = [one.thinned(max(1, one.excess.size // READINGS)) for one in problems]
    problem = problems[0]
    probes = [_calibrated(problems, one, rng) for one in probes]
    tables = in_order(lambda one: _unexplained(problems, coarse, one), probes)
    gain = float(logsumexp([table.log_total for table in tables]) - np.log(len(tables)))
    if problem.tempering.beyond * max(table.best_log_ratio for table in tables) < PROMISING:
        return Found(_unnoticed(problem, configurations, tables, coarse, rng), gain, False)
    surface = np.asarray(logsumexp([table.cells() for table in tables], axis=0))
    lattice = _around(problem, coarse, surface, probes, finest_m)
    streams = rng.spawn(len(probes))
    chains = in_order(
        lambda k: _chain(problems, lattice, probes[k], streams[k]), range(len(probes))
    )
    drawn = [one for settled in chains for one in settled]
    gains = np.array(
        [
            one.log_evidence - probe.log_evidence
            for probe, settled in zip(probes, chains, strict=True)
            for one in settled
        ]
    )
    shares = np.exp(gains - logsumexp(gains))
    picks = rng.choice(len(drawn), size=len(configurations), p=shares / shares.sum())
    moved = [_jittered(problem, drawn[k], lattice.cell_m, rng) for k in picks]
    orders = np.log(probes[0].rates.size + 1)  # which of them is called the last
    return Found(moved, float(logsumexp(gains) - np.log(len(gains)) + orders), True)


def _calibrated(
    problems: Sequence[Problem], probe: Configuration, rng: np.random.Generator
) -> Configuration:
    """The same with gains drawn from what the readings say of them."""
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


def _kernels(
    problems: Sequence[Problem], lattice: Lattice, probe: Configuration
) -> list[NDArray[np.float32]]:
    """Readings of unit sources at each cell, as every series reports them."""
    return [
        np.float32(gain) * response_of(problem.path, lattice, nuisances)
        for problem, nuisances, gain in zip(problems, probe.nuisances, probe.gains, strict=True)
    ]


def _unexplained(problems: Sequence[Problem], coarse: Lattice, probe: Configuration) -> Evidence:
    """Table of one more source in each coarse cell, beside those of `probe`."""
    others = [predicted(problem, probe, k) for k, problem in enumerate(problems)]
    return evidence_of_all(problems, _kernels(problems, coarse, probe), coarse, others=others)


def _unnoticed(
    problem: Problem,
    configurations: Sequence[Configuration],
    tables: Sequence[Evidence],
    coarse: Lattice,
    rng: np.random.Generator,
) -> list[Configuration]:
    """The configurations with one more source that hardly shows."""
    east, north = coarse.centres()
    extra = []
    share = -(-len(configurations) // len(tables))
    for table in tables:
        cells, rates = table.draw(rng, share)
        places = np.column_stack([east[cells], north[cells]])
        places += rng.uniform(-0.5, 0.5, places.shape) * coarse.cell_m
        extra += list(zip(problem.inside(places), problem.rates[rates], strict=True))
    return [
        replace(
            one,
            places=np.vstack([one.places, place]),
            rates=np.append(one.rates, rate),
        )
        for one, (place, rate) in zip(configurations, extra[: len(configurations)], strict=True)
    ]


def _around(
    problem: Problem,
    coarse: Lattice,
    surface: FloatArray,
    probes: Sequence[Configuration],
    finest_m: float,
) -> Lattice:
    """Fine cells where the next source or one of the known ones may be."""
    weight = surface.copy()
    places = np.concatenate([probe.places for probe in probes])
    columns = np.round((places[:, 0] - coarse.west) / coarse.cell_m).astype(int)
    rows = np.round((places[:, 1] - coarse.south) / coarse.cell_m).astype(int)
    ny, nx = coarse.index.shape
    known = coarse.index[np.clip(rows, 0, ny - 1), np.clip(columns, 0, nx - 1)]
    weight[known] = surface.max()
    return refined(coarse, weight, domain=problem.domain, finest_m=finest_m, budget=900, depth=7.0)


def _chain(
    problems: Sequence[Problem], lattice: Lattice, probe: Configuration, rng: np.random.Generator
) -> list[Configuration]:
    """Weighted draws of one source more than `probe` has, under its nuisances."""
    problem, kernels = problems[0], _kernels(problems, lattice, probe)
    east, north = lattice.centres()
    cells = [int(np.argmin((east - x) ** 2 + (north - y) ** 2)) for x, y in probe.places]
    rates = [int(np.argmin(abs(np.log(problem.rates / rate)))) for rate in probe.rates]
    number = len(cells) + 1

    def explained(without: int) -> list[FloatArray]:
        kept = [k for k in range(len(cells)) if k != without]
        each = [problem.rates[rates[k]] for k in kept]
        return [kernel[:, [cells[k] for k in kept]].astype(np.float64) @ each for kernel in kernels]

    def redraw(k: int) -> float:
        table = evidence_of_all(problems, kernels, lattice, others=explained(k))
        cell, rate = (int(index[0]) for index in table.draw(rng, 1))
        cells[k : k + 1], rates[k : k + 1] = [cell], [rate]
        return float(table.log_weight[cell, rate]) - table.log_total

    redraw(number - 1)
    for _ in range(SWEEPS):
        for k in range(number):
            redraw(k)
    draws = []
    for _ in range(REPEATS):
        order = rng.permutation(number)
        log_proposal = sum(redraw(int(k)) for k in order[:-1])
        last = int(order[-1])
        others = explained(last)
        table = evidence_of_all(problems, kernels, lattice, others=others)
        cell, rate = (int(index[0]) for index in table.draw(rng, 1))
        cells[last], rates[last] = cell, rate
        tempered = _tempered(problems, others)
        log_prior = problem.log_prior(lattice)[[rates[int(k)] for k in order[:-1]]].sum()
        log_evidence = float(log_prior + tempered + table.log_total - log_proposal)
        places = np.column_stack([east[cells], north[cells]])
        draws.append(
            replace(probe, places=places, rates=problem.rates[rates], log_evidence=log_evidence)
        )
    return draws


def _tempered(problems: Sequence[Problem], prediction: Sequence[FloatArray]) -> float:
    """Tempered log-likelihood ratio of a whole prediction of all series."""
    ratios: dict[str, float] = {}
    for problem, one in zip(problems, prediction, strict=True):
        ratio = total_log_ratio(
            one, problem.excess, problem.additive, relative=problem.noise.relative
        )
        ratios[problem.flight] = ratios.get(problem.flight, 0.0) + ratio
    tempering = {problem.flight: problem.tempering for problem in problems}
    return float(sum(tempering[name].of(ratio) for name, ratio in ratios.items()))


def _jittered(
    problem: Problem, one: Configuration, cell_m: float, rng: np.random.Generator
) -> Configuration:
    moved = one.places + rng.uniform(-0.5, 0.5, one.places.shape) * cell_m
    return replace(one, places=problem.inside(moved))
