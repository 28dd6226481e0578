"""Sources on a grid: every cell, rate and draw of the nuisances weighed, none left unvisited.

A coarse look at the whole domain finds the cells that matter; those are divided and weighed
again for every draw of the nuisance parameters. Further sources are sought in what the ones
before leave unexplained. Nothing is iterated to convergence, so nothing can fail to converge.
"""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.source.flights import FlightEvidence, by_flight, problem_of
from detection.source.found import Found, posterior_of, single_sources
from detection.source.grid_settings import Settings
from detection.source.noise import Noise
from detection.source.observations import Observations
from detection.source.prior import Prior
from detection.source.proposals import PRIOR_PROPOSAL
from detection.source.several import further_source
from detection.source.tables import refined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from detection.source.apart import Unreached
    from detection.source.lattice import Lattice
    from detection.source.scouting import Look
    from detection.source.tables import Problem

    FloatArray = NDArray[np.float64]

__all__ = ["Settings", "infer", "search"]

DOUBT = 0.9  # share of the trust of the first look below which all ground is looked at again


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
    found = search(
        series, domain, rng=rng, prior=prior, noise=noise, settings=settings, progress=progress
    )
    return posterior_of(found, rng=rng)


def search(
    series: Observations | Sequence[Observations],
    domain: tuple[float, float, float, float],
    *,
    rng: np.random.Generator,
    prior: Prior | None = None,
    noise: Noise | None = None,
    settings: Settings | None = None,
    progress: Callable[[float], None] | None = None,
) -> Found:
    """All of `infer` but its last step, with the same parameters and errors."""
    series = [series] if isinstance(series, Observations) else list(series)
    groups = by_flight([one for one in series if len(one)])
    if not groups:
        raise ValueError("no readings to infer from")
    prior = prior or Prior()
    noises = [(noise or Noise()).for_readings(group[0]) for group in groups]
    settings = (settings or Settings()).for_flights(groups)
    tell = progress or (lambda _share: None)
    problems = [
        [
            problem_of(
                one,
                domain,
                prior=prior,
                noise=own,
                rates=settings.rates,
                smoothing_s=settings.smoothing_s,
            )
            for one in group
        ]
        for group, own in zip(groups, noises, strict=True)
    ]
    streams = rng.spawn(len(groups))
    flights = _flights(groups, problems, prior, settings)
    looks = [
        flight.scouted(
            flight.problems,
            settings.scouts,
            most_cells=settings.coarse_cells,
            most_readings=settings.readings,
            rng=stream,
        )
        for flight, stream in zip(flights, streams, strict=True)
    ]
    tell(0.15)
    lattice = _judged(flights, looks, domain, settings, streams)
    doubted = _doubted(flights, looks)
    if doubted is not looks:  # cells and rates that were left out may hold most of the evidence
        flights = _flights(groups, problems, prior, settings)
        lattice = _judged(flights, doubted, domain, settings, streams)
    coarse = looks[0][0].lattice
    tell(0.35)
    lattice = _pruned(flights, lattice, settings.depth)
    log_prior = flights[0].problems[0].log_prior(lattice)
    for count in np.diff(np.linspace(0, settings.hypotheses, settings.rounds + 1).astype(int)):
        _look_where_it_fits(flights, lattice, log_prior, int(count), settings, streams)
    tell(0.6)
    log_weight = log_prior + np.sum([flight.log_likelihood() for flight in flights], axis=0)
    rows = [
        replace(one, tempering=flight.tempering)
        for flight, own in zip(flights, problems, strict=True)
        for one in own
    ]
    ladder = [single_sources(flights, log_weight, lattice, settings.draws, rng)]
    log_evidence = [0.0, float(logsumexp(log_weight))]
    levels: tuple[Unreached, ...] = ()
    while len(ladder) < settings.max_sources:
        found = further_source(
            rows, ladder[-1], coarse, finest_m=settings.finest_m, rng=rng, levels=levels
        )
        levels = found.levels
        log_evidence.append(log_evidence[-1] + found.log_gain)
        ladder.append(found.configurations)
        tell(0.6 + 0.1 * len(ladder))
        if not found.is_promising or np.log(prior.another_source) + found.log_gain < 0.0:
            break
    return Found(
        flights=flights,
        lattice=lattice,
        ladder=ladder,
        log_evidence=log_evidence,
        prior=flights[0].prior,
        noises=noises,
        settings=settings,
    )


def _look_where_it_fits(
    flights: Sequence[FlightEvidence],
    lattice: Lattice,
    log_prior: FloatArray,
    count: int,
    settings: Settings,
    streams: Sequence[np.random.Generator],
) -> None:
    """Weigh a lattice under more draws of each flight's nuisances, around those that fit."""
    each = [flight.log_likelihood() for flight in flights]
    for k, (flight, stream) in enumerate(zip(flights, streams, strict=True)):
        beside = log_prior + sum((one for j, one in enumerate(each) if j != k), start=0.0)
        proposal = flight.adapted(beside, least_effective=settings.pilots / 4)
        flight.look(lattice, proposal, count, stream)


def _flights(
    groups: Sequence[list[Observations]],
    problems: Sequence[Sequence[Problem]],
    prior: Prior,
    settings: Settings,
) -> list[FlightEvidence]:
    """Evidence of each flight, of nothing yet."""
    flights = []
    for group, own in zip(groups, problems, strict=True):
        every = max(1, len(group[0]) // settings.readings)
        few = [one.thinned(every) for one in own]
        flights.append(
            FlightEvidence(group, few, every, prior.for_readings(group[0]), own[0].tempering)
        )
    return flights


def _judged(
    flights: Sequence[FlightEvidence],
    looks: Sequence[Sequence[Look]],
    domain: tuple[float, float, float, float],
    settings: Settings,
    streams: Sequence[np.random.Generator],
) -> Lattice:
    """Smaller cells where a source may be, weighed under the pilots; the fit is judged by them."""
    each = [look for group in looks for look in group]
    rates = _unbroken(np.any([look.likely_rates for look in each], axis=0))
    coarse = each[0].lattice
    lattice = refined(
        coarse,
        np.sum([look.log_weight for look in each], axis=0),
        domain=domain,
        finest_m=settings.finest_m,
        budget=settings.fine_cells,
        depth=settings.depth,
    )
    for flight, group, stream in zip(flights, looks, streams, strict=True):
        wide = flight.problems[0]
        flight.problems = [one.narrowed(rates) for one in flight.problems]
        flight.look(lattice, PRIOR_PROPOSAL, settings.pilots, stream)
        flight.judge(lattice, coarse)
        flight.doubt_wind(
            wide,
            group[0],
            most_cells=settings.coarse_cells,
            most_readings=settings.readings,
        )
    return lattice


def _doubted(flights: Sequence[FlightEvidence], looks: list[list[Look]]) -> list[list[Look]]:
    """The same looks, trusted as little as their flights turned out to be."""
    if all(
        flight.tempering.slope > DOUBT * look.tempering.slope
        for flight, group in zip(flights, looks, strict=True)
        for look in group
    ):
        return looks
    return [
        [
            look.under(min(flight.tempering, look.tempering, key=attrgetter("slope")))
            for look in group
        ]
        for flight, group in zip(flights, looks, strict=True)
    ]


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
