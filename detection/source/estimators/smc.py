"""Sources by a population of guesses: annealed to the readings, moved, born and dying.

A sequential Monte Carlo sampler. Guesses from an easy reference, drawn where a coarse look at
the domain sees something, are weighed, resampled and moved in steps towards the posterior;
reversible jumps add and remove sources. The weights' product is the evidence for any source.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit, logsumexp

from detection.pacing import in_order
from detection.source.annealing import Annealed, Schedule, annealed
from detection.source.first_look import FirstLook, Work, looked_at
from detection.source.flights import by_flight
from detection.source.leaps import at_least
from detection.source.noise import Noise
from detection.source.observations import Observations
from detection.source.place_map import PlaceMap
from detection.source.posterior import posterior_dataset, said
from detection.source.prior import Prior
from detection.source.scattered import Target, log_number_prior, summed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from detection.source.lattice import Lattice
    from detection.source.scattered import Draws
    from detection.source.series import ReadSeries

    FloatArray = NDArray[np.float64]

__all__ = ["Settings", "infer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How much work the sampler does.

    Attributes
    ----------
    guesses, particles : int
        Draws from the reference, and draws that are annealed to the posterior.
    sweeps, last_sweeps : int
        Rounds of all moves after each step but the last, and after that, when draws are kept.
    effective : float
        Share of the particles that must remain effective in a step.
    scouts, coarse_cells, readings : int
        Of the coarse look, as in the grid; many more readings are thinned to about so many.
    probes : int
        Particles whose unexplained readings say where new sources are tried.
    flattening : float
        Power of the coarse look's weights in the reference.
    even : float
        Share of guesses that may fall anywhere.
    another : float
        Probability of each further source in the reference.
    rates : int
        Bins of log rate within which proposals are even.
    draws : int
        Draws in the Posterior.
    max_sources : int
    smoothing_s : float
        Smoothing of the measured wind [s].
    """

    guesses: int = 1024
    particles: int = 256
    sweeps: int = 2
    last_sweeps: int = 8
    effective: float = 0.5
    scouts: int = 12
    coarse_cells: int = 2000
    readings: int = 700
    probes: int = 3
    flattening: float = 0.5
    even: float = 0.25
    another: float = 0.35
    rates: int = 32
    draws: int = 2000
    max_sources: int = 4
    smoothing_s: float = 15.0

    @property
    def first_look(self) -> Work:
        """Of what precedes the annealing."""
        return Work(
            scouts=self.scouts,
            coarse_cells=self.coarse_cells,
            readings=self.readings,
            smoothing_s=self.smoothing_s,
        )

    @property
    def schedule(self) -> Schedule:
        """Of the annealing."""
        return Schedule(
            guesses=self.guesses,
            particles=self.particles,
            effective=self.effective,
            sweeps=self.sweeps,
            last_sweeps=self.last_sweeps,
        )


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
        Those of a flight share its nuisances and its tempering; gains are found beside that of
        its best known sensor, which only widens the rates.
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

    Notes
    -----
    Del Moral, Doucet & Jasra (2006), doi:10.1111/j.1467-9868.2006.00553.x. Only draws with
    sources are annealed: none at all has a likelihood ratio of exactly 1, so that its
    probability follows from the evidence for any.
    """
    series = [series] if isinstance(series, Observations) else list(series)
    if not any(len(one) for one in series):
        raise ValueError("no readings to infer from")
    series = [one for group in by_flight([one for one in series if len(one)]) for one in group]
    prior, noise, settings = prior or Prior(), noise or Noise(), settings or Settings()
    tell = progress or (lambda _share: None)
    seen = looked_at(series, domain, prior=prior, noise=noise, work=settings.first_look, rng=rng)
    tell(0.1)
    target = _target(seen, domain, prior, settings)
    found = annealed(
        target,
        _guide(target, seen.series, settings, rng),
        settings.schedule,
        rng=rng,
        progress=lambda share: tell(0.1 + 0.9 * share),
    )
    heights = [seen.series[0].nuisances(point).release_height_m for point in found.points]
    noises = [noise.for_readings(group[0]) for group in by_flight(series)]
    posterior = _posterior(found, np.array(heights), target, series, noises, settings, rng)
    return posterior.assign_attrs(
        explained=min(look.explained for look in seen.looks),
        tempering=[*astuple(seen.looks[0].tempering)],
    )


def _target(
    seen: FirstLook,
    domain: tuple[float, float, float, float],
    prior: Prior,
    settings: Settings,
) -> Target:
    surfaces = [look.log_weight for look in seen.looks]
    return Target(
        series=seen.series,
        prior=prior,
        domain=domain,
        reference=PlaceMap.flattened(
            seen.looks[0].lattice,
            [*surfaces, np.sum(surfaces, axis=0)],
            power=settings.flattening,
            even=settings.even,
        ),
        log_number_reference=log_number_prior(
            replace(prior, another_source=settings.another), settings.max_sources
        ),
        log_number_prior=log_number_prior(prior, settings.max_sources),
        dimensions=seen.dimensions,
        bins=settings.rates,
    )


def _guide(
    target: Target, series: Sequence[ReadSeries], settings: Settings, rng: np.random.Generator
) -> Callable[[Draws, float], PlaceMap]:
    """Function that maps where what draws leave unexplained may come from."""
    lattice = target.reference.lattice

    def guide(draws: Draws, temper: float) -> PlaceMap:
        probes = rng.choice(len(draws), settings.probes, replace=False)
        left = in_order(lambda k: _unexplained(series, draws, int(k), lattice), probes)
        return PlaceMap.flattened(
            lattice,
            [np.log(target.reference.share), *(temper * one for one in left)],
            power=1.0,
            even=settings.even,
        )

    return guide


def _unexplained(
    series: Sequence[ReadSeries], draws: Draws, k: int, lattice: Lattice
) -> FloatArray:
    """Log weight of one more source in each cell beside those of a draw."""
    log_weight: FloatArray = series[0].problem.log_rate_prior
    for one, response in zip(series, draws.responses, strict=True):
        others = summed(response[[k]], draws.log_rates[[k]])[0]
        log_weight = log_weight + one.log_gains(lattice, draws.points[k], others)
    return np.asarray(logsumexp(log_weight, axis=1))


def _posterior(
    found: Annealed,
    heights: FloatArray,
    target: Target,
    series: Sequence[Observations],
    noises: Sequence[Noise],
    settings: Settings,
    rng: np.random.Generator,
) -> xr.Dataset:
    """Draws with and without sources, mixed by the evidence."""
    prior = target.prior
    leap = max(one.leap for one in noises)
    _, raised = at_least([0.0, found.log_evidence], leap)
    p_any = float(expit(logit(prior.any_source) + raised))
    some = round(p_any * settings.draws)
    size = len(found.log_rates)
    picks = rng.permutation(size)[:some] if some <= size else rng.choice(size, some)
    there = np.isfinite(found.log_rates[picks])
    gain = min(group[0].gain_log_sd for group in by_flight(series)) * rng.standard_normal((some, 1))
    columns = {
        "east": found.places[picks, :, 0],
        "north": found.places[picks, :, 1],
        "height": np.where(there, heights[picks, None], np.nan),
        "rate": noises[0].skewness * np.exp(found.log_rates[picks] + gain),
    }
    none = np.full((settings.draws - some, settings.max_sources), np.nan)
    number = np.bincount(found.number, minlength=settings.max_sources + 1)
    given_any = np.log(np.maximum(number[1:], 0.5) / size) - target.log_number_prior[1:]
    return posterior_dataset(
        {name: np.concatenate([none, column]) for name, column in columns.items()},
        attrs={
            "estimator": "smc",
            "channel": ", ".join(dict.fromkeys(one.channel for one in series)),
            "gas": ", ".join(dict.fromkeys(one.gas for one in series)),
            "p_any_source": p_any,
            "number_probability": [1.0 - p_any, *(p_any * number[1:] / size).tolist()],
            "log_evidence": [0.0, *(found.log_evidence + given_any).tolist()],
            "leap": leap,
            "prior": said(prior),
            "model": said(*noises, settings),
            "tempers": found.tempers,
        },
    )
