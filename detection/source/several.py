"""More than one source: seek the next one in what the others leave unexplained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.pacing import in_order
from detection.source.apart import Apart, readings_of, rows_of, unreached
from detection.source.chains import Chain, counted_with
from detection.source.configurations import calibrated, kernels_of, predicted
from detection.source.proposals import flattened
from detection.source.tables import evidence_of_all, refined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detection.source.apart import Unreached
    from detection.source.configurations import Configuration
    from detection.source.lattice import Lattice
    from detection.source.tables import Evidence, Problem

    FloatArray = NDArray[np.float64]

__all__ = ["Found", "further_source"]

PROBES = 8  # draws with k sources from which the next one is sought, and ...
PROBES_ASIDE = 36  # ... from which chains are run if it stands aside of the others
EFFECTIVE = 0.6  # least share of the probes that must count in the draws with one source more
SEEN = 64  # draws that say which readings k sources reach
CELLS = 1400  # at most, of the lattice that sources settle on
READINGS = 400  # twice as many or more are thinned
PROMISING = 4.0  # tempered log-likelihood ratio of one more source from which chains are run, ...
PROMISING_ASIDE = 6.0  # ... and of one where the others do not reach


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
    levels : tuple of Unreached
        How what these and fewer sources explain of readings that one fewer does not reach counts.
    """

    configurations: list[Configuration]
    log_gain: float
    is_promising: bool
    levels: tuple[Unreached, ...]


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look for one more source in each coarse cell, beside those of one draw, needs."""

    kernels: list[NDArray[np.float32]]
    others: list[FloatArray]  # what the sources of the draw give each series


def further_source(
    problems: Sequence[Problem],
    configurations: Sequence[Configuration],
    coarse: Lattice,
    *,
    finest_m: float,
    rng: np.random.Generator,
    levels: tuple[Unreached, ...] = (),
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
    levels : tuple of Unreached
        Those of `Found` for k sources; none if k is 1.

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
    The draws are of the probes' nuisances, which a few of them would hold alone: their weights are
    flattened until `EFFECTIVE` of them count. The evidence is not.
    """
    trusted = list(problems)
    worth = tuple(max(1, one.excess.size // READINGS) for one in problems)
    problems = [one.thinned(every) for one, every in zip(problems, worth, strict=True)]
    problem = problems[0]
    probes = [calibrated(problems, one, rng) for one in configurations[:PROBES]]
    apart = Apart(tuple(problems), worth, levels)
    looks = in_order(lambda probe: _look(problems, coarse, probe), probes)
    apart = apart.under(_level(apart, trusted, looks, configurations[:SEEN]))
    found = in_order(lambda look: _weighed(apart, coarse, look), looks)
    tables = [counted_with(table, more) for table, more in found]
    within = problem.tempering.beyond * max(table.best_log_ratio for table, _ in found)
    aside = max(float(more.max()) for _, more in found)
    if within < PROMISING and aside < PROMISING_ASIDE:
        gain = float(logsumexp([table.log_total for table in tables]) - np.log(len(tables)))
        drawn = _unnoticed(problem, configurations, tables, coarse, rng)
        return Found(drawn, gain, False, apart.levels)
    is_aside = aside >= PROMISING_ASIDE
    # what stands aside every draw shows: one that misplaces the others must not outweigh them
    own = [table.log_total if is_aside else 0.0 for table in tables]
    cells = [table.cells() - total for table, total in zip(tables, own, strict=True)]
    surface = np.asarray(logsumexp(cells, axis=0))
    lattice = _around(problem, coarse, surface, configurations, finest_m)
    if is_aside:
        others = configurations[PROBES:PROBES_ASIDE]
        probes += [calibrated(problems, one, rng) for one in others]
    drawn, gains = _swept(apart, lattice, probes, rng)
    each = np.asarray(logsumexp(gains, axis=1))
    shares = flattened(each, least_effective=EFFECTIVE * each.size)
    shares = (shares[:, None] * np.exp(gains - each[:, None])).ravel()
    picks = rng.choice(len(drawn), size=len(configurations), p=shares / shares.sum())
    moved = [_jittered(problem, drawn[k], lattice.cell_m, rng) for k in picks]
    orders = np.log(probes[0].rates.size + 1)  # which of them is called the last
    gain = float(logsumexp(gains) - np.log(gains.size) + orders)
    return Found(moved, gain, True, apart.levels)


def _swept(
    apart: Apart,
    lattice: Lattice,
    probes: Sequence[Configuration],
    rng: np.random.Generator,
) -> tuple[list[Configuration], FloatArray]:
    """Draws with one source more than the probes have; log evidence each gains, a row a probe."""
    streams = rng.spawn(len(probes))
    chains = in_order(lambda k: _chain(apart, lattice, probes[k], streams[k]), range(len(probes)))
    gains = [
        [one.log_evidence - probe.log_evidence for one in settled]
        for probe, settled in zip(probes, chains, strict=True)
    ]
    return [one for settled in chains for one in settled], np.array(gains)


def _look(problems: Sequence[Problem], coarse: Lattice, probe: Configuration) -> _Look:
    kernels = kernels_of(problems, coarse, probe)
    return _Look(kernels, [predicted(problem, probe, k) for k, problem in enumerate(problems)])


def _weighed(apart: Apart, coarse: Lattice, look: _Look) -> tuple[Evidence, FloatArray]:
    """One more source in each cell at each rate: as tempered for one, and apart of the others."""
    table = evidence_of_all(
        apart.within,
        rows_of(look.kernels, apart.reached),
        coarse,
        others=readings_of(look.others, apart.reached),
    )
    return table, apart.beside(apart.rows(look.kernels), look.others) - apart.of(look.others)


def _level(
    apart: Apart,
    trusted: Sequence[Problem],
    looks: Sequence[_Look],
    draws: Sequence[Configuration],
) -> Unreached:
    """Readings that the draws do not reach, and how a source counts that the looks show there.

    `trusted` are the problems before they were thinned.
    """
    masks = unreached(
        apart.problems,
        [[predicted(one, draw, k) for draw in draws] for k, one in enumerate(apart.problems)],
    )
    if apart.levels:  # fewer sources have draws of more nuisances
        fewer = apart.levels[-1].masks
        masks = tuple(own & before for own, before in zip(masks, fewer, strict=True))
    best: dict[str, float] = {}
    for look in looks:
        nothing = [np.zeros_like(one) for one in look.others]
        ratios = apart.ratios(masks, rows_of(look.kernels, masks), nothing)
        for name, ratio in ratios.items():
            best[name] = max(float(ratio.max()), best.get(name, 0.0))
    trust = {one.flight: one.tempering.slope / one.noise.temper for one in trusted}
    return apart.judged(masks, best, trust=trust)


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
    configurations: Sequence[Configuration],
    finest_m: float,
) -> Lattice:
    """Fine cells where the next source or one of the known ones may be."""
    weight = surface.copy()
    places = np.concatenate([one.places for one in configurations])
    columns = np.round((places[:, 0] - coarse.west) / coarse.cell_m).astype(int)
    rows = np.round((places[:, 1] - coarse.south) / coarse.cell_m).astype(int)
    ny, nx = coarse.index.shape
    known = coarse.index[np.clip(rows, 0, ny - 1), np.clip(columns, 0, nx - 1)]
    weight[known] = surface.max()
    return refined(
        coarse, weight, domain=problem.domain, finest_m=finest_m, budget=CELLS, depth=7.0
    )


def _chain(
    apart: Apart,
    lattice: Lattice,
    probe: Configuration,
    rng: np.random.Generator,
) -> list[Configuration]:
    """Weighted draws of one source more than `probe` has, under its nuisances."""
    problem, kernels = apart.problems[0], kernels_of(apart.problems, lattice, probe)
    east, north = lattice.centres()
    cells = [int(np.argmin((east - x) ** 2 + (north - y) ** 2)) for x, y in probe.places]
    rates = [int(np.argmin(abs(np.log(problem.rates / rate)))) for rate in probe.rates]
    chain = Chain(apart, lattice, kernels)
    return [
        replace(
            probe,
            places=np.column_stack([east[one.cells], north[one.cells]]),
            rates=problem.rates[one.rates],
            log_evidence=one.log_evidence,
        )
        for one in chain.visits(cells, rates, rng)
    ]


def _jittered(
    problem: Problem, one: Configuration, cell_m: float, rng: np.random.Generator
) -> Configuration:
    moved = one.places + rng.uniform(-0.5, 0.5, one.places.shape) * cell_m
    return replace(one, places=problem.inside(moved))
