"""Series of readings made ready for a sampler, and what a coarse look at each of them shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.source.footprint import path_of
from detection.source.likelihood import noise_of
from detection.source.prior import DIMENSIONS, normal_points, nuisances_at
from detection.source.scouting import coarse_look
from detection.source.series import ReadSeries
from detection.source.tables import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detection.source.likelihood import Noise
    from detection.source.observations import Observations
    from detection.source.prior import Prior
    from detection.source.scouting import Look

__all__ = ["FirstLook", "Work", "looked_at"]

CANDIDATE_RATES = 26


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
    names = [getattr(one, "flight", "") for one in series]
    flights = list(dict.fromkeys(names))
    gains = 1 + len(flights) * (DIMENSIONS - 1)
    together = len(series) > 1
    looks: list[Look] = []
    ready: list[ReadSeries] = []
    for k, one in enumerate(series):
        problem = _problem(one, domain, prior, noise, work)
        look = _look(one, problem, prior, work, rng)
        looks.append(look)
        ready.append(
            ReadSeries(
                replace(problem, tempering=look.tempering).thinned(round(len(one) / work.readings)),
                prior.for_averages(one.averaging_time_s),
                one.mean_wind_speed,
                one.response_s,
                first=1 + flights.index(names[k]) * (DIMENSIONS - 1),
                gain=gains + k if together else 0,
                gain_log_sd=one.gain_log_sd,
            )
        )
    dimensions = gains + (len(series) if together else 0)
    return FirstLook(series=ready, looks=looks, dimensions=dimensions)


def _problem(
    observations: Observations,
    domain: tuple[float, float, float, float],
    prior: Prior,
    noise: Noise,
    work: Work,
) -> Problem:
    rates = np.geomspace(prior.rate_min, prior.rate_max, CANDIDATE_RATES)
    log_rate_prior = -0.5 * (np.log(rates / prior.rate) / prior.rate_log_sd) ** 2
    return Problem(
        path=path_of(observations, domain, smoothing_s=work.smoothing_s),
        excess=observations.concentration,
        additive=noise_of(observations, noise),
        rates=rates,
        log_rate_prior=log_rate_prior - logsumexp(log_rate_prior),
        noise=noise,
        tempering=noise.tempering_for(0.0, 1.0),
        domain=domain,
    )


def _look(
    observations: Observations,
    problem: Problem,
    prior: Prior,
    work: Work,
    rng: np.random.Generator,
) -> Look:
    scouts = [
        nuisances_at(
            prior.for_averages(observations.averaging_time_s),
            point,
            wind_speed=observations.mean_wind_speed,
            wind_height_m=observations.reference_height_m,
            response_s=observations.response_s,
        )
        for point in normal_points(work.scouts, rng=rng)
    ]
    return coarse_look(problem, scouts, most_cells=work.coarse_cells, most_readings=work.readings)
