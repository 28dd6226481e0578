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

from detection.source.footprint import Lattice, path_of
from detection.source.likelihood import Noise, noise_of
from detection.source.posterior import posterior_dataset
from detection.source.prior import (
    PRIOR_PROPOSAL,
    Nuisances,
    Prior,
    adapted,
    mixture_log_weights,
    normal_points,
    nuisances_at,
)
from detection.source.scouting import coarse_look
from detection.source.several import Configuration, further_source
from detection.source.tables import Evidence, Problem, in_order, refined, weigh

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from detection.source.observations import Observations

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
    """

    pilots: int = 32
    hypotheses: int = 48
    scouts: int = 12
    rates: int = 26
    coarse_cells: int = 3000
    fine_cells: int = 3000
    finest_m: float = 3.0
    readings: int = 700
    draws: int = 2000
    max_sources: int = 4
    smoothing_s: float = 15.0


def infer(
    observations: Observations,
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
    observations : Observations
        n >= 1 readings.
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
    if not len(observations):
        raise ValueError("no readings to infer from")
    prior = (prior or Prior()).for_averages(observations.averaging_time_s)
    noise, settings = noise or Noise(), settings or Settings()
    problem = _problem(observations, domain, prior, noise, settings)
    tell = progress or (lambda _share: None)

    def hypotheses_at(points: FloatArray) -> list[Nuisances]:
        speed, response = observations.mean_wind_speed, observations.response_s
        return [nuisances_at(prior, p, wind_speed=speed, response_s=response) for p in points]

    first = normal_points(settings.pilots, rng=rng)
    hypotheses = hypotheses_at(first)
    scouts = hypotheses[: settings.scouts]
    look = coarse_look(
        problem, scouts, most_cells=settings.coarse_cells, most_readings=settings.readings
    )
    problem = replace(problem, tempering=look.tempering)
    tell(0.15)
    lattice = refined(
        look.lattice,
        look.log_weight,
        domain=domain,
        finest_m=settings.finest_m,
        budget=settings.fine_cells,
        depth=9.0,
    )
    narrow = problem.narrowed(look.likely_rates).thinned(len(observations) // settings.readings)
    tables = in_order(lambda one: weigh(narrow, lattice, one), hypotheses)
    tell(0.35)
    totals = np.array([table.log_total for table in tables])
    proposal = adapted(first, totals, least_effective=settings.pilots / 4)
    second = proposal.mean + proposal.sd * normal_points(settings.hypotheses, rng=rng)
    hypotheses += hypotheses_at(second)
    tables += in_order(lambda one: weigh(narrow, lattice, one), hypotheses[len(first) :])
    tell(0.6)
    log_weight = mixture_log_weights(
        np.concatenate([first, second]), [PRIOR_PROPOSAL, proposal], [len(first), len(second)]
    ) + [table.log_total for table in tables]
    ladder = [_singles(tables, log_weight, lattice, hypotheses, narrow, settings.draws, rng)]
    log_evidence = [0.0, float(logsumexp(log_weight) - np.log(len(tables)))]
    while len(ladder) < settings.max_sources:
        found = further_source(
            problem, ladder[-1], look.lattice, finest_m=settings.finest_m, rng=rng
        )
        log_evidence.append(log_evidence[-1] + found.log_gain)
        ladder.append(found.configurations)
        tell(0.6 + 0.1 * len(ladder))
        if not found.is_promising or np.log(prior.another_source) + found.log_gain < np.log(0.05):
            break
    posterior = _posterior(ladder, log_evidence, observations, prior, noise, settings, rng)
    return posterior.assign_attrs(explained=look.explained, tempering=[*astuple(look.tempering)])


def _problem(
    observations: Observations,
    domain: tuple[float, float, float, float],
    prior: Prior,
    noise: Noise,
    settings: Settings,
) -> Problem:
    rates = np.geomspace(prior.rate_min, prior.rate_max, settings.rates)
    log_rate_prior = -0.5 * (np.log(rates / prior.rate) / prior.rate_log_sd) ** 2
    return Problem(
        path=path_of(observations, domain, smoothing_s=settings.smoothing_s),
        excess=observations.concentration,
        additive=noise_of(observations, noise),
        rates=rates,
        log_rate_prior=log_rate_prior - logsumexp(log_rate_prior),
        noise=noise,
        tempering=noise.tempering_for(0.0, 1.0),
        domain=domain,
    )


def _singles(
    tables: Sequence[Evidence],
    log_weight: FloatArray,
    lattice: Lattice,
    hypotheses: Sequence[Nuisances],
    problem: Problem,
    size: int,
    rng: np.random.Generator,
) -> list[Configuration]:
    """Draws of exactly one source."""
    shares = np.exp(log_weight - logsumexp(log_weight))
    east, north = lattice.centres()
    draws: list[Configuration] = []
    for nuisances, table, count in zip(
        hypotheses, tables, rng.multinomial(size, shares / shares.sum()), strict=True
    ):
        if count:
            cells, rates = table.draw(rng, int(count))
            jitter = rng.uniform(-0.5, 0.5, (count, 2)) * lattice.cell_m
            places = problem.inside(np.column_stack([east[cells], north[cells]]) + jitter)
            draws += [
                Configuration(nuisances, place[None, :], problem.rates[[rate]], table.log_total)
                for place, rate in zip(places, rates, strict=True)
            ]
    return [draws[k] for k in rng.permutation(len(draws))]


def _posterior(
    ladder: Sequence[Sequence[Configuration]],
    log_evidence: Sequence[float],
    observations: Observations,
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
    for configurations, count in zip(ladder, counts[1:], strict=True):
        for pick in range(count):
            one = configurations[pick % len(configurations)]
            sources = one.rates.size
            columns["east"][row, :sources] = one.places[:, 0]
            columns["north"][row, :sources] = one.places[:, 1]
            columns["height"][row, :sources] = one.nuisances.release_height_m
            blur = step * rng.uniform(-0.5, 0.5, sources)
            gain = observations.gain_log_sd * rng.standard_normal()
            columns["rate"][row, :sources] = noise.skewness * one.rates * np.exp(blur + gain)
            row += 1
    return posterior_dataset(
        columns,
        attrs={
            "estimator": "grid",
            "channel": observations.channel,
            "gas": observations.gas,
            "p_any_source": float(1.0 - share[0]),
            "number_probability": [float(value) for value in share],
            "log_evidence": [float(value) for value in log_evidence],
            "prior": _said(prior),
            "model": _said(noise) + "; " + _said(settings),
        },
    )


def _said(values: Prior | Noise | Settings) -> str:
    return ", ".join(f"{name} = {value}" for name, value in asdict(values).items())
