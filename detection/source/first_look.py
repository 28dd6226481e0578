"""Series of readings made ready for a sampler, and what a coarse look at each of them shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from detection.source.flights import FlightEvidence, by_flight, problem_of
from detection.source.prior import DIMENSIONS
from detection.source.proposals import PRIOR_PROPOSAL
from detection.source.series import ReadSeries
from detection.source.tables import refined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detection.source.noise import Noise
    from detection.source.observations import Observations
    from detection.source.prior import Prior
    from detection.source.scouting import Look
    from detection.source.tables import Problem

__all__ = ["FirstLook", "Work", "looked_at"]

CANDIDATE_RATES = 26
FINEST_M = 3.0
DEPTH = 9.0  # cells whose log weight is this far below the best are not looked at closely


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How closely to look: draws of the nuisances, cells, and readings of a series."""

    scouts: int
    coarse_cells: int
    readings: int
    smoothing_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLook:
    """Series of readings, and what each shows.

    Attributes
    ----------
    series : list of ReadSeries
    looks : list of Look
        One a series, all on the same lattice.
    dimensions : int
        Of the space of nuisances: the release height, the others of each flight, and a gain
        for each series of a flight but the first, whose gain is part of what "rate" means.
    """

    series: list[ReadSeries]
    looks: list[Look]
    dimensions: int


def looked_at(
    series: Sequence[Observations],
    domain: tuple[float, float, float, float],
    *,
    prior: Prior,
    noise: Noise,
    work: Work,
    rng: np.random.Generator,
) -> FirstLook:
    """Series made ready, and a coarse look at each alone.

    Parameters
    ----------
    series : sequence of Observations
        n >= 1 readings each.
    domain : tuple of float
        West, south, east, north [m].
    prior : Prior
    noise : Noise
    work : Work
    rng : numpy.random.Generator

    Returns
    -------
    FirstLook
    """
    groups = by_flight(series)
    gain = 1 + len(groups) * (DIMENSIONS - 1)
    looks: list[Look] = []
    ready: list[ReadSeries] = []
    for number, group in enumerate(groups):
        own = prior.for_readings(group[0])
        problems, shown = _look(group, domain, own, noise, work, rng)
        looks += shown
        for k, (one, problem) in enumerate(zip(group, problems, strict=True)):
            ready.append(
                ReadSeries(
                    problem,
                    own,
                    one.mean_wind_speed,
                    one.response_s,
                    first=1 + number * (DIMENSIONS - 1),
                    gain=gain if k else 0,
                    gain_log_sd=one.gain_log_sd if k else 0.0,
                    friction_m_s=group[0].friction_m_s,
                )
            )
            gain += 1 if k else 0
    return FirstLook(series=ready, looks=looks, dimensions=gain)


def _look(
    group: list[Observations],
    domain: tuple[float, float, float, float],
    prior: Prior,
    noise: Noise,
    work: Work,
    rng: np.random.Generator,
) -> tuple[list[Problem], list[Look]]:
    """Series of a flight thinned and tempered, and what large cells show; judged on small ones."""
    noise = noise.for_readings(group[0])
    every = max(1, round(len(group[0]) / work.readings))
    problems = [
        problem_of(
            one,
            domain,
            prior=prior,
            noise=noise,
            rates=CANDIDATE_RATES,
            smoothing_s=work.smoothing_s,
        )
        for one in group
    ]
    few = [problem.thinned(every) for problem in problems]
    flight = FlightEvidence(group, few, every, prior, problems[0].tempering)
    looks = flight.scouted(
        problems,
        work.scouts,
        most_cells=work.coarse_cells,
        most_readings=work.readings,
        rng=rng,
    )
    coarse = looks[0].lattice
    fine = refined(
        coarse,
        np.sum([look.log_weight for look in looks], axis=0),
        domain=domain,
        finest_m=FINEST_M,
        budget=work.coarse_cells,
        depth=DEPTH,
    )
    flight.look(fine, PRIOR_PROPOSAL, work.scouts, rng)
    flight.judge(fine, coarse)
    flight.doubt_wind(
        problems[0], looks[0], most_cells=work.coarse_cells, most_readings=work.readings
    )
    ready = [replace(one, tempering=flight.tempering).thinned(every) for one in problems]
    settled = [
        replace(look, tempering=flight.tempering, explained=flight.explained) for look in looks
    ]
    return ready, settled
