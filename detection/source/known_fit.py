"""What known emitters explain of a flight, an unknown source beside them always allowed for.

Their rates are fitted together with at most one source anywhere in the domain, so that gas of
an unknown source is not forced upon the nearest known one. What they explain on average is
taken out of the readings; how uncertain that is goes into the readings' noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.source.emitters import known_responses, log_rate_prior
from detection.source.footprint import path_of
from detection.source.known_sampler import REPEATS, Sampler, every_of, part_of
from detection.source.likelihood import expected_log_ratio
from detection.source.noise import Noise
from detection.source.observations import nuisances_of
from detection.source.prior import Prior
from detection.source.proposals import PRIOR_PROPOSAL, adapted, mixture_log_weights, normal_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detection.source.emitters import KnownEmitter
    from detection.source.footprint import Path
    from detection.source.observations import Observations

    FloatArray = NDArray[np.float64]

__all__ = ["MOST_EMITTERS", "KnownFit", "fit_known", "that_matter", "without_known"]

MOST_EMITTERS = 20
PILOTS = 24
HYPOTHESES = 24
RATES = 17
COUNTS = 1e-3  # share of the weight below which a draw is left out of what is explained
NOTICEABLE = 0.5  # expected log-likelihood ratio from which an emitter can matter to a flight


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFit:
    """Rates of known emitters during one flight, and what they explain of its readings.

    Attributes
    ----------
    probability : ndarray, shape (k,)
        That each emits, given the flight.
    rate, rate_p05, rate_p95 : ndarray, shape (k,)
        Median and interval of its rate if it emits [kg s-1].
    explained : tuple of ndarray, shape (n,) each
        Mean concentration of all of them in each reading, a series each [kg m-3].
    uncertainty : tuple of ndarray, shape (n,) each
        Standard deviation of that [kg m-3].
    distrust : tuple of float, a series each
        Factor on the model's error about what is explained: neighbouring readings of a strong
        plume share their eddies, and misfit together.
    share : ndarray, shape (k,)
        Of the gas read above background in all, what each accounts for; 0 to about 1.
    """

    probability: FloatArray
    rate: FloatArray
    rate_p05: FloatArray
    rate_p95: FloatArray
    explained: tuple[FloatArray, ...]
    uncertainty: tuple[FloatArray, ...]
    distrust: tuple[float, ...]
    share: FloatArray


def that_matter(
    series: Sequence[Observations],
    emitters: Sequence[KnownEmitter],
    domain: tuple[float, float, float, float],
    *,
    prior: Prior | None = None,
    noise: Noise | None = None,
    most: int = MOST_EMITTERS,
) -> list[int]:
    """Which emitters can have put gas into the readings of a flight.

    Parameters
    ----------
    series : sequence of Observations
    emitters : sequence of KnownEmitter
    domain : tuple of float
        West, south, east, north [m].
    prior : Prior, optional
    noise : Noise, optional
    most : int
        At most so many are returned: those that can matter most.

    Returns
    -------
    list of int
        Their indices, ascending.
    """
    prior, noise = prior or Prior(), noise or Noise()
    strength = np.zeros(len(emitters))
    points = normal_points(4, rng=np.random.default_rng(0))
    for observations in series:
        part = part_of(observations, path_of(observations, domain), noise)
        every = every_of(observations)
        sigma = observations.sigma[::every]
        for point in points:
            kernel = known_responses(part.path, emitters, nuisances_of(observations, prior, point))
            for k, one in enumerate(emitters):
                rate = one.rate_high or one.rate or prior.rate * np.exp(prior.rate_log_sd)
                ratio = expected_log_ratio(
                    kernel[:, [k]], float(rate), sigma, relative=noise.relative
                )
                strength[k] += every * ratio[0]
    order = np.argsort(-strength, kind="stable")[:most]
    return sorted(int(k) for k in order if strength[k] > NOTICEABLE)


def fit_known(
    series: Sequence[Observations],
    emitters: Sequence[KnownEmitter],
    domain: tuple[float, float, float, float],
    *,
    rng: np.random.Generator,
    prior: Prior | None = None,
    noise: Noise | None = None,
    smoothing_s: float = 15.0,
) -> KnownFit:
    """Rates of known emitters, averaged over the nuisances and over an unknown source.

    Parameters
    ----------
    series : sequence of Observations
        Of one flight: they share its wind, and the emitters their rates.
    emitters : sequence of KnownEmitter
        k >= 1, as chosen by `that_matter`.
    domain : tuple of float
        West, south, east, north: where an unknown source may be [m].
    rng : numpy.random.Generator
    prior : Prior, optional
    noise : Noise, optional
    smoothing_s : float
        Smoothing of the measured wind, as the estimator does it [s].

    Returns
    -------
    KnownFit

    Raises
    ------
    ValueError
        There is no emitter or no reading.

    Notes
    -----
    For each draw of the nuisances, Gibbs sweeps over the rates (0 among them) and over the
    place and rate of the unknown source, each from its full table of probabilities. Draws are
    weighted by the evidence along the last sweep, as draws of several sources are.
    """
    if not emitters or not any(len(one) for one in series):
        raise ValueError("known emitters are fitted to readings: give at least one of each")
    series_ = [one for one in series if len(one)]
    noise = noise or Noise()
    prior = (prior or Prior()).for_readings(series_[0])
    paths = [path_of(one, domain, smoothing_s=smoothing_s) for one in series_]
    parts = [part_of(one, path, noise) for one, path in zip(series_, paths, strict=True)]
    rates = np.concatenate([[0.0], np.geomspace(prior.rate_min, prior.rate_max, RATES)])
    log_priors = np.array(
        [log_rate_prior(one, rates, prior, skewness=noise.skewness) for one in emitters]
    )
    sampler = Sampler(series_, parts, emitters, rates, log_priors, prior, noise, domain)
    first = normal_points(PILOTS, rng=rng)
    full = sampler.temperings(first[: PILOTS // 2])
    temperings = sampler.thinned(full)
    found = sampler.draws(first, temperings, rng)
    totals = np.array([logsumexp([one.log_weight for one in draws]) for draws in found])
    proposal = adapted(first, totals, least_effective=PILOTS / 4)
    second = proposal.mean + proposal.sd * normal_points(HYPOTHESES, rng=rng)
    found += sampler.draws(second, temperings, rng)
    points = np.concatenate([first, second])
    log_mixture = mixture_log_weights(points, [PRIOR_PROPOSAL, proposal], [PILOTS, HYPOTHESES])
    log_weight = np.array(
        [
            log_mixture[h] + draw.log_weight - np.log(REPEATS)
            for h, draws in enumerate(found)
            for draw in draws
        ]
    )
    weight = np.exp(log_weight - logsumexp(log_weight))
    drawn = np.array([draw.rates for draws in found for draw in draws])
    step = np.log(rates[2] / rates[1])
    drawn *= np.exp(step * rng.uniform(-0.5, 0.5, drawn.shape))  # between the candidate rates
    hypotheses = np.repeat(np.arange(len(points)), REPEATS)
    fit = _summary(
        series_, paths, emitters, drawn, weight, points[hypotheses], hypotheses, prior, noise
    )
    # the scale of an error that weighs as much untempered as the model's does tempered
    return replace(fit, distrust=tuple(float(np.sqrt(one.slope / one.beyond)) for one in full))


def without_known(observations: Observations, fit: KnownFit, which: int = 0) -> Observations:
    """The readings as far as known emitters do not explain them.

    Parameters
    ----------
    observations : Observations
        n readings, as they were given to `fit_known`.
    fit : KnownFit
    which : int
        Place of the series among those with readings.

    Returns
    -------
    Observations
        What is explained is taken off; the model's error about it, and how uncertain it is,
        are added to `sigma`.
    """
    explained, uncertainty = fit.explained[which], fit.uncertainty[which]
    model_error = fit.distrust[which] * Noise().relative * explained
    return replace(
        observations,
        concentration=observations.concentration - explained,
        sigma=np.sqrt(observations.sigma**2 + uncertainty**2 + model_error**2),
        is_remainder=True,
    )


def _summary(
    series: Sequence[Observations],
    paths: Sequence[Path],
    emitters: Sequence[KnownEmitter],
    drawn: FloatArray,
    weight: FloatArray,
    points: FloatArray,
    hypotheses: NDArray[np.int64],
    prior: Prior,
    noise: Noise,
) -> KnownFit:
    """Moments of what the draws explain, and quantiles of their rates."""
    counts = weight >= COUNTS * weight.max()
    means = [np.zeros(len(one)) for one in series]
    squares = [np.zeros(len(one)) for one in series]
    amounts = np.zeros(len(emitters))
    for h in np.unique(hypotheses[counts]):
        rows = np.flatnonzero(counts & (hypotheses == h))
        for s, observations in enumerate(series):
            nuisances = nuisances_of(observations, prior, points[rows[0]])
            kernel = known_responses(paths[s], emitters, nuisances).astype(np.float64)
            for row in rows:
                prediction = kernel @ drawn[row]
                means[s] += weight[row] * prediction
                squares[s] += weight[row] * prediction**2
                amounts += weight[row] * kernel.sum(axis=0) * drawn[row]
    total = weight[counts].sum()
    means, squares = [one / total for one in means], [one / total for one in squares]
    above = sum(float(np.maximum(one.concentration, 0.0).sum()) for one in series)
    quantiles = noise.skewness * np.array([_weighted_quantiles(rates, weight) for rates in drawn.T])
    return KnownFit(
        probability=np.asarray(weight @ (drawn > 0)),
        rate_p05=quantiles[:, 0],
        rate=quantiles[:, 1],
        rate_p95=quantiles[:, 2],
        explained=tuple(means),
        uncertainty=tuple(
            np.sqrt(np.maximum(square - mean**2, 0.0))
            for square, mean in zip(squares, means, strict=True)
        ),
        distrust=(1.0,) * len(series),
        share=amounts / total / above if above > 0 else np.zeros(len(emitters)),
    )


def _weighted_quantiles(rates: FloatArray, weight: FloatArray) -> FloatArray:
    """5th, 50th and 95th percentile of the rates above 0; NaN where none is."""
    on = rates > 0
    if not weight[on].sum() > 0:
        return np.full(3, np.nan)
    order = np.argsort(rates[on])
    edges = np.cumsum(weight[on][order])
    picks = np.searchsorted(edges, np.array([0.05, 0.5, 0.95]) * edges[-1])
    return np.asarray(rates[on][order][np.minimum(picks, order.size - 1)])
