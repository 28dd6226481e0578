"""Sources on a grid: every cell, rate and draw of the nuisances weighed, none left unvisited.

A coarse look at the whole domain finds the cells that matter; those are divided and weighed
again for every draw of the nuisance parameters. Further sources are sought in what the ones
before leave unexplained. Nothing is iterated to convergence, so nothing can fail to converge.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.source.footprint import Lattice, path_of
from detection.source.likelihood import Noise, noise_of
from detection.source.posterior import posterior_dataset
from detection.source.prior import Nuisances, Prior, draw_nuisances
from detection.source.several import Configuration, further_source
from detection.source.tables import Evidence, Problem, evidence_of, in_order, refined, response_of

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
    hypotheses : int
        Draws of the nuisance parameters.
    scouts : int
        Draws used for the coarse look.
    rates : int
        Candidate rates between the prior's bounds.
    coarse_cells, fine_cells : int
        Upper bounds on the number of cells.
    finest_m : float
        Smallest cell [m].
    draws : int
        Draws in the Posterior.
    max_sources : int
    smoothing_s : float
        Smoothing of the measured wind [s].
    """

    hypotheses: int = 64
    scouts: int = 12
    rates: int = 24
    coarse_cells: int = 3000
    fine_cells: int = 3000
    finest_m: float = 2.0
    draws: int = 2000
    max_sources: int = 4
    smoothing_s: float = 0.0


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
    prior, noise, settings = prior or Prior(), noise or Noise(), settings or Settings()
    problem = _problem(observations, domain, prior, noise, settings)
    hypotheses = draw_nuisances(
        prior,
        count=settings.hypotheses,
        wind_speed=observations.mean_wind_speed,
        response_s=observations.response_s,
        rng=rng,
    )
    tell = progress or (lambda _share: None)
    coarse, weight = _coarse_look(problem, hypotheses[: settings.scouts], settings)
    tell(0.15)
    lattice = refined(
        coarse,
        weight,
        domain=domain,
        finest_m=settings.finest_m,
        budget=settings.fine_cells,
        depth=9.0,
    )
    tables = in_order(lambda one: _weigh(problem, lattice, one), hypotheses)
    tell(0.6)
    ladder = [_singles(tables, lattice, hypotheses, problem, settings.draws, rng)]
    log_evidence = [0.0, float(logsumexp([t.log_total for t in tables]) - np.log(len(tables)))]
    while len(ladder) < settings.max_sources:
        found = further_source(problem, ladder[-1], coarse, finest_m=settings.finest_m, rng=rng)
        log_odds = np.log(prior.another_source) + found.log_gain
        log_evidence.append(log_evidence[-1] + found.log_gain)
        if log_odds < np.log(0.02):
            break
        ladder.append(found.configurations)
        tell(0.6 + 0.1 * len(ladder))
    return _posterior(ladder, log_evidence, observations, prior, noise, settings, rng)


def _problem(
    observations: Observations,
    domain: tuple[float, float, float, float],
    prior: Prior,
    noise: Noise,
    settings: Settings,
) -> Problem:
    return Problem(
        path=path_of(observations, domain, smoothing_s=settings.smoothing_s),
        excess=observations.concentration,
        additive=noise_of(observations, noise),
        rates=np.geomspace(prior.rate_min, prior.rate_max, settings.rates),
        noise=noise,
        domain=domain,
    )


def _weigh(problem: Problem, lattice: Lattice, nuisances: Nuisances) -> Evidence:
    return evidence_of(problem, response_of(problem.path, lattice, nuisances), lattice)


def _coarse_look(
    problem: Problem, scouts: Sequence[Nuisances], settings: Settings
) -> tuple[Lattice, FloatArray]:
    """Log weight of large cells over the whole domain, averaged over a few nuisances."""
    cell = max(4.0, float(np.sqrt(problem.area / settings.coarse_cells)))
    lattice = Lattice.covering(problem.domain, cell)
    few = problem.thinned(max(1, problem.excess.size // 700))
    tables = in_order(lambda one: _weigh(few, lattice, one), scouts)
    return lattice, np.asarray(logsumexp([table.cells() for table in tables], axis=0))


def _singles(
    tables: Sequence[Evidence],
    lattice: Lattice,
    hypotheses: Sequence[Nuisances],
    problem: Problem,
    size: int,
    rng: np.random.Generator,
) -> list[Configuration]:
    """Draws of exactly one source."""
    totals = np.array([table.log_total for table in tables])
    shares = np.exp(totals - logsumexp(totals))
    east, north = lattice.centres()
    draws: list[Configuration] = []
    for nuisances, table, count in zip(
        hypotheses, tables, rng.multinomial(size, shares / shares.sum()), strict=True
    ):
        if count:
            cells, rates = table.draw(rng, int(count))
            jitter = rng.uniform(-0.5, 0.5, (count, 2)) * lattice.cell_m
            places = np.column_stack([east[cells], north[cells]]) + jitter
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
            columns["rate"][row, :sources] = one.rates * np.exp(blur + gain)
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
