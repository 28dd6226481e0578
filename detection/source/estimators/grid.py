"""Sources on a grid: every cell, rate and draw of the nuisances weighed, none left unvisited.

A coarse look at the whole domain finds the cells that matter; those are divided and weighed
again for every draw of the nuisance parameters. Further sources are sought in what the ones
before leave unexplained. Nothing is iterated to convergence, so nothing can fail to converge.
"""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.source.flights import FlightEvidence, by_flight, problem_of
from detection.source.likelihood import Noise
from detection.source.observations import Observations
from detection.source.posterior import posterior_dataset
from detection.source.prior import PRIOR_PROPOSAL, Prior
from detection.source.several import Configuration, further_source
from detection.source.tables import refined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from detection.source.footprint import Lattice
    from detection.source.tables import Problem

    FloatArray = NDArray[np.float64]

__all__ = ["Settings", "infer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How much work the grid does; accuracy grows slowly with each.

    Attributes
    ----------
    pilots, hypotheses : int
        Draws of the nuisance parameters: from the prior, and from where those fit best.
    scouts : int
        Pilots used for the coarse look.
    rates : int
        Candidate rates between the prior's bounds.
    coarse_cells, fine_cells : int
        Upper bounds on the number of cells.
    finest_m : float
        Smallest cell [m].
    readings : int
        Twice as many or more are thinned; the likelihood is tempered by less then.
    draws : int
        Draws in the Posterior.
    max_sources : int
    smoothing_s : float
        Smoothing of the measured wind [s].
    depth : float
        Cells and rates whose log weight is this far below the best are left out.
    """

    pilots: int = 32
    hypotheses: int = 48
    scouts: int = 12
    rates: int = 26
    coarse_cells: int = 2000
    fine_cells: int = 2000
    finest_m: float = 3.0
    readings: int = 700
    draws: int = 2000
    max_sources: int = 4
    smoothing_s: float = 15.0
    depth: float = 9.0


def infer(
    series: Observations | Sequence[Observations],
    domain: tuple[float, float, float, float],
    *,
    rng: np.random.Generator,
    prior: Prior | None = None,
    noise: Noise | None = None,
    settings: Settings | None = None,
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Posterior of the number, places, heights and rates of sources.

    Parameters
    ----------
    series : Observations or sequence of Observations
        Of one or more channels of one or more flights; those of a flight share its wind and
        draws of the nuisance parameters, flights share the sources.
    domain : tuple of float
        West, south, east, north [m]: where sources are sought.
    rng : numpy.random.Generator
    prior : Prior, optional
    noise : Noise, optional
    settings : Settings, optional
    progress : callable, optional
        Called with the share of the work done, 0 to 1.

    Returns
    -------
    xarray.Dataset
        The Posterior contract.

    Raises
    ------
    ValueError
        There are no readings.
    """
    series = [series] if isinstance(series, Observations) else list(series)
    groups = by_flight([one for one in series if len(one)])
    if not groups:
        raise ValueError("no readings to infer from")
    prior = (prior or Prior()).for_averages(groups[0][0].averaging_time_s)
    noise = (noise or Noise()).for_averages(groups[0][0].averaging_time_s)
    settings = settings or Settings()
    tell = progress or (lambda _share: None)
    problems = [
        [
            problem_of(
                one,
                domain,
                prior=prior,
                noise=noise,
                rates=settings.rates,
                smoothing_s=settings.smoothing_s,
            )
            for one in group
        ]
        for group in groups
    ]
    flights = [
        _flight(group, own, prior, settings) for group, own in zip(groups, problems, strict=True)
    ]
    streams = rng.spawn(len(flights))
    coarse, lattice = _lattices(flights, domain, settings, streams)
    tell(0.15)
    for flight, stream in zip(flights, streams, strict=True):
        flight.look(lattice, PRIOR_PROPOSAL, settings.pilots, stream)
        flight.judge(lattice, coarse)
    tell(0.35)
    lattice = _pruned(flights, lattice, settings.depth)
    log_prior = flights[0].problems[0].log_prior(lattice)
    each = [flight.log_likelihood() for flight in flights]
    for k, (flight, stream) in enumerate(zip(flights, streams, strict=True)):
        beside = log_prior + sum((one for j, one in enumerate(each) if j != k), start=0.0)
        proposal = flight.adapted(beside, least_effective=settings.pilots / 4)
        flight.look(lattice, proposal, settings.hypotheses, stream)
    tell(0.6)
    log_weight = log_prior + np.sum([flight.log_likelihood() for flight in flights], axis=0)
    rows = [
        replace(one, tempering=flight.tempering)
        for flight, own in zip(flights, problems, strict=True)
        for one in own
    ]
    ladder = [_singles(flights, log_weight, lattice, settings.draws, rng)]
    log_evidence = [0.0, float(logsumexp(log_weight))]
    while len(ladder) < settings.max_sources:
        found = further_source(rows, ladder[-1], coarse, finest_m=settings.finest_m, rng=rng)
        log_evidence.append(log_evidence[-1] + found.log_gain)
        ladder.append(found.configurations)
        tell(0.6 + 0.1 * len(ladder))
        if not found.is_promising or np.log(prior.another_source) + found.log_gain < np.log(0.05):
            break
    posterior = _posterior(ladder, log_evidence, groups, prior, noise, settings, rng)
    return posterior.assign_attrs(
        explained=min(flight.explained for flight in flights),
        tempering=[*astuple(flights[0].tempering)],
    )


def _flight(
    group: list[Observations], problems: Sequence[Problem], prior: Prior, settings: Settings
) -> FlightEvidence:
    every = max(1, len(group[0]) // settings.readings)
    few = [one.thinned(every) for one in problems]
    return FlightEvidence(group, few, every, prior, problems[0].tempering)


def _lattices(
    flights: Sequence[FlightEvidence],
    domain: tuple[float, float, float, float],
    settings: Settings,
    streams: Sequence[np.random.Generator],
) -> tuple[Lattice, Lattice]:
    """Large cells over the domain, and smaller ones where a source may be."""
    looks = []
    for flight, stream in zip(flights, streams, strict=True):
        looks += flight.scouted(
            flight.problems,
            settings.scouts,
            most_cells=settings.coarse_cells,
            most_readings=settings.readings,
            rng=stream,
        )
    rates = _unbroken(np.any([look.likely_rates for look in looks], axis=0))
    for flight in flights:
        flight.problems = [one.narrowed(rates) for one in flight.problems]
    coarse = looks[0].lattice
    lattice = refined(
        coarse,
        np.sum([look.log_weight for look in looks], axis=0),
        domain=domain,
        finest_m=settings.finest_m,
        budget=settings.fine_cells,
        depth=settings.depth,
    )
    return coarse, lattice


def _pruned(flights: Sequence[FlightEvidence], lattice: Lattice, depth: float) -> Lattice:
    """Only the cells that still matter, in lattice and flights, and the rates that do."""
    weight = np.sum([flight.log_likelihood() for flight in flights], axis=0)
    weight = weight + flights[0].problems[0].log_prior(lattice)
    by_cell, by_rate = logsumexp(weight, axis=1), logsumexp(weight, axis=0)
    cells = np.asarray(by_cell > by_cell.max() - depth)
    rates = _unbroken(by_rate > by_rate.max() - depth)
    for flight in flights:
        flight.keep(cells, rates)
    return lattice.only(cells)


def _unbroken(likely: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """All from the first to the last, so that rates stay evenly spaced."""
    return np.logical_or.accumulate(likely) & np.logical_or.accumulate(likely[::-1])[::-1]


def _singles(
    flights: Sequence[FlightEvidence],
    log_weight: FloatArray,
    lattice: Lattice,
    size: int,
    rng: np.random.Generator,
) -> list[Configuration]:
    """Draws of exactly one source, in random order."""
    problem = flights[0].problems[0]
    share = np.exp(log_weight - log_weight.max()).ravel()
    picks = rng.choice(share.size, size=size, p=share / share.sum())
    cells, rates = np.unravel_index(picks, log_weight.shape)
    east, north = lattice.centres()
    jitter = rng.uniform(-0.5, 0.5, (size, 2)) * lattice.cell_m
    places = problem.inside(np.column_stack([east[cells], north[cells]]) + jitter)
    chosen = [flight.drawn(cells, rates, rng) for flight in flights]
    spreads = tuple(
        one.gain_log_sd if k else 0.0
        for flight in flights
        for k, one in enumerate(flight.observations)
    )
    log_prior = problem.log_prior(lattice)
    evidence: dict[tuple[int, ...], float] = {}
    for draws in set(zip(*(own.tolist() for own in chosen), strict=True)):
        likely = [flight.counted(draw) for flight, draw in zip(flights, draws, strict=True)]
        evidence[draws] = float(logsumexp(log_prior + np.sum(likely, axis=0)))
    return [
        Configuration(
            tuple(
                flight.of_series(flight.hypotheses[own[draw]], k)
                for flight, own in zip(flights, chosen, strict=True)
                for k in range(len(flight.observations))
            ),
            (1.0,) * len(spreads),
            spreads,
            places[draw][None, :],
            problem.rates[[rates[draw]]],
            evidence[tuple(int(own[draw]) for own in chosen)],
        )
        for draw in range(size)
    ]


def _posterior(
    ladder: Sequence[Sequence[Configuration]],
    log_evidence: Sequence[float],
    groups: Sequence[Sequence[Observations]],
    prior: Prior,
    noise: Noise,
    settings: Settings,
    rng: np.random.Generator,
) -> xr.Dataset:
    """Mix draws of each number of sources by its probability."""
    number = np.arange(len(ladder) + 1)
    log_prior = np.log(
        np.where(
            number == 0,
            1 - prior.any_source,
            prior.any_source
            * (1 - prior.another_source)
            * prior.another_source ** np.maximum(number - 1, 0),
        )
    )
    log_posterior = log_prior + np.array(log_evidence[: number.size])
    share = np.exp(log_posterior - logsumexp(log_posterior))
    counts = np.floor(share * settings.draws).astype(int)
    counts[np.argmax(share)] += settings.draws - counts.sum()
    shape = (settings.draws, settings.max_sources)
    columns = {name: np.full(shape, np.nan) for name in ("east", "north", "height", "rate")}
    step = np.log(prior.rate_max / prior.rate_min) / (settings.rates - 1)
    row = int(counts[0])
    # each flight's gain is independent, unless it is the same sensor, which nobody says
    gain_log_sd = min(group[0].gain_log_sd for group in groups)
    for configurations, count in zip(ladder, counts[1:], strict=True):
        for pick in range(count):
            one = configurations[pick % len(configurations)]
            sources = one.rates.size
            columns["east"][row, :sources] = one.places[:, 0]
            columns["north"][row, :sources] = one.places[:, 1]
            columns["height"][row, :sources] = one.nuisances[0].release_height_m
            blur = step * rng.uniform(-0.5, 0.5, sources)
            gain = gain_log_sd * rng.standard_normal()
            columns["rate"][row, :sources] = noise.skewness * one.rates * np.exp(blur + gain)
            row += 1
    return posterior_dataset(
        columns,
        attrs={
            "estimator": "grid",
            "channel": ", ".join(dict.fromkeys(one.channel for group in groups for one in group)),
            "gas": ", ".join(dict.fromkeys(one.gas for group in groups for one in group)),
            "p_any_source": float(1.0 - share[0]),
            "number_probability": [float(value) for value in share],
            "log_evidence": [float(value) for value in log_evidence],
            "prior": _said(prior),
            "model": _said(noise) + "; " + _said(settings),
        },
    )


def _said(values: Prior | Noise | Settings) -> str:
    return ", ".join(f"{name} = {value}" for name, value in asdict(values).items())
