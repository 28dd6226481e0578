"""Series of readings made ready for a sampler, and what a coarse look at each of them shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from detection.source.flights import FlightEvidence, problem_of
from detection.source.prior import DIMENSIONS, PRIOR_PROPOSAL, normal_points
from detection.source.scouting import coarse_look
from detection.source.series import ReadSeries
from detection.source.tables import refined

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from detection.source.likelihood import Noise
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
        Of the space of nuisances: the release height, eight more for each flight, and a gain
        for each series if there are several.
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
    names = list(dict.fromkeys(one.flight for one in series))
    gains = 1 + len(names) * (DIMENSIONS - 1)
    together = len(series) > 1
    looks: list[Look] = []
    ready: list[ReadSeries] = []
    for k, one in enumerate(series):
        own = prior.for_averages(one.averaging_time_s)
        problem, look = _look(one, domain, own, noise, work, rng)
        looks.append(look)
        ready.append(
            ReadSeries(
                problem,
                own,
                one.mean_wind_speed,
                one.response_s,
                first=1 + names.index(one.flight) * (DIMENSIONS - 1),
                gain=gains + k if together else 0,
                gain_log_sd=one.gain_log_sd,
            )
        )
    dimensions = gains + (len(series) if together else 0)
    return FirstLook(series=ready, looks=looks, dimensions=dimensions)


def _look(
    observations: Observations,
    domain: tuple[float, float, float, float],
    prior: Prior,
    noise: Noise,
    work: Work,
    rng: np.random.Generator,
) -> tuple[Problem, Look]:
    """Readings thinned and tempered, and what large cells show; judged on small ones."""
    problem = problem_of(
        observations,
        domain,
        prior=prior,
        noise=noise.for_averages(observations.averaging_time_s),
        rates=CANDIDATE_RATES,
        smoothing_s=work.smoothing_s,
    )
    every = max(1, round(len(observations) / work.readings))
    flight = FlightEvidence(
        [observations], [problem.thinned(every)], every, prior, problem.tempering
    )
    scouts = flight.nuisances(normal_points(work.scouts, rng=rng))
    look = coarse_look(problem, scouts, most_cells=work.coarse_cells, most_readings=work.readings)
    fine = refined(
        look.lattice,
        look.log_weight,
        domain=domain,
        finest_m=FINEST_M,
        budget=work.coarse_cells,
        depth=DEPTH,
    )
    flight.look(fine, PRIOR_PROPOSAL, work.scouts, rng)
    flight.judge(fine, look.lattice)
    ready = replace(problem, tempering=flight.tempering).thinned(every)
    return ready, replace(look, tempering=flight.tempering, explained=flight.explained)
