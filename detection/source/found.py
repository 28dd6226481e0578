"""What a search for sources found: tables, numbers of sources, and the draws taken from them."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.source.configurations import Configuration
from detection.source.leaps import at_least
from detection.source.posterior import posterior_dataset, said
from detection.source.prior import Prior

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from detection.source.flights import FlightEvidence
    from detection.source.grid_settings import Settings
    from detection.source.lattice import Lattice
    from detection.source.noise import Noise
    from detection.source.observations import Observations

    FloatArray = NDArray[np.float64]

__all__ = ["Found", "number_shares", "posterior_of", "single_sources"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found, before its draws are mixed.

    Attributes
    ----------
    flights : list of FlightEvidence
    lattice : Lattice
        Of the m cells that matter.
    ladder : list of list of Configuration
        Draws of one source, of two, and so on.
    log_evidence : list of float
        For 0, 1, 2 ... sources, over none.
    prior : Prior
    noises : list of Noise
        Error model of each flight; the skewness is one for all.
    settings : Settings
    """

    flights: list[FlightEvidence]
    lattice: Lattice
    ladder: list[list[Configuration]]
    log_evidence: list[float]
    prior: Prior
    noises: list[Noise]
    settings: Settings


def posterior_of(found: Found, *, rng: np.random.Generator) -> xr.Dataset:
    """Posterior contract of what a search found."""
    flights = found.flights
    groups = [flight.observations for flight in flights]
    posterior = _posterior(
        found.ladder, found.log_evidence, groups, found.prior, found.noises, found.settings, rng
    )
    return posterior.assign_attrs(
        explained=min(flight.explained for flight in flights),
        tempering=[*astuple(flights[0].tempering)],
    )


def number_shares(prior: Prior, log_evidence: Sequence[float]) -> FloatArray:
    """Probability of 0, 1, 2 ... sources.

    Parameters
    ----------
    prior : Prior
    log_evidence : sequence of float
        For each number, over none.

    Returns
    -------
    ndarray, shape (len(log_evidence),)
        Sums to 1.

    Examples
    --------
    >>> number_shares(Prior(any_source=0.5, another_source=0.0), [0.0, np.log(3.0)]).round(2)
    array([0.25, 0.75])
    """
    number = np.arange(len(log_evidence))
    several = (1 - prior.another_source) * prior.another_source ** np.maximum(number - 1, 0)
    log_prior = np.log(np.where(number == 0, 1 - prior.any_source, prior.any_source * several))
    log_posterior = log_prior + np.array(log_evidence)
    return np.asarray(np.exp(log_posterior - logsumexp(log_posterior)))


def single_sources(
    flights: Sequence[FlightEvidence],
    log_weight: FloatArray,
    lattice: Lattice,
    size: int,
    rng: np.random.Generator,
) -> list[Configuration]:
    """Draws of exactly one source, in random order; `log_weight` has shape (m, r)."""
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
    noises: Sequence[Noise],
    settings: Settings,
    rng: np.random.Generator,
) -> xr.Dataset:
    """Mix draws of each number of sources by its probability."""
    leap = max(one.leap for one in noises)
    share = number_shares(prior, at_least(log_evidence[: len(ladder) + 1], leap))
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
            columns["rate"][row, :sources] = noises[0].skewness * one.rates * np.exp(blur + gain)
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
            "leap": leap,
            "prior": said(prior),
            "model": said(*noises, settings),
        },
    )
