"""Moves that leave a target's density at a temper unchanged: drift, jump, birth and death.

Whatever moves, the rates of the sources concerned are redrawn with it from what the readings
say of them there, so that a move is judged by its place and not by yesterday's rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.source.scattered import Draws

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detection.source.place_map import PlaceMap
    from detection.source.scattered import Target

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

__all__ = ["Bridge", "born_or_dead", "drifted", "jumped", "shaken", "stepped"]

STRIDES = (0.15, 0.5, 1.0)  # shares of the difference of two draws that one is moved by
SHAKES = (0.2, 0.5, 1.0)  # how much of a nuisance is drawn anew
NUDGE = 0.02  # scatter beside them, in deviations of the nuisances
NUDGE_M = 0.3


@dataclass(frozen=True, slots=True)
class Bridge:
    """Where between reference and posterior a population stands, and what guides its moves.

    Attributes
    ----------
    target : Target
    temper : float
    newcomers : PlaceMap
        Where new sources are tried.
    points : ndarray, shape (a, d)
        Nuisances of draws whose differences say how far to move.
    places : ndarray, shape (a, 2)
        One of the places of each.
    """

    target: Target
    temper: float
    newcomers: PlaceMap
    points: FloatArray
    places: FloatArray

    def differences(self, size: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Steps of nuisances, shape (size, d), and places, shape (size, 2), even in sign."""
        first, second = rng.integers(0, len(self.points), (2, size))
        stride = rng.choice(STRIDES, (size, 1))
        points = stride * (self.points[first] - self.points[second])
        places = stride * (self.places[first] - self.places[second])
        return (
            points + NUDGE * rng.standard_normal(points.shape),
            places + NUDGE_M * rng.standard_normal(places.shape),
        )


def drifted(bridge: Bridge, draws: Draws, *, rng: np.random.Generator) -> float:
    """Move nuisances by the difference of two draws, and with them the place of a lone source.

    Parameters
    ----------
    bridge : Bridge
    draws : Draws
        Changed in place.
    rng : numpy.random.Generator

    Returns
    -------
    float
        Share accepted.

    Notes
    -----
    Differential evolution MCMC: ter Braak (2006), doi:10.1007/s11222-006-8769-1, with
    differences from draws that do not move meanwhile.
    """
    points, steps = bridge.differences(len(draws), rng)
    alone = (draws.number == 1)[:, None]
    places = draws.places.copy()
    places[:, 0] += np.where(alone, steps, 0.0)
    return _transported(bridge, draws, draws.points + points, places, np.zeros(len(draws)), rng)


def shaken(bridge: Bridge, draws: Draws, *, rng: np.random.Generator) -> float:
    """Draw some nuisances partly anew, as their prior has them; see `drifted`."""
    shape = draws.points.shape
    share = np.where(rng.random(shape) < 0.5, rng.choice(SHAKES, (shape[0], 1)), 0.0)
    points = np.sqrt(1.0 - share**2) * draws.points + share * rng.standard_normal(shape)
    log_back = 0.5 * ((points**2).sum(axis=1) - (draws.points**2).sum(axis=1))
    return _transported(bridge, draws, points, draws.places.copy(), log_back, rng)


def stepped(bridge: Bridge, draws: Draws, *, rng: np.random.Generator) -> float:
    """Move one source of each draw by the difference of two; see `drifted`."""
    _, steps = bridge.differences(len(draws), rng)
    chosen = _one_of(draws.number, rng)
    places = draws.places[np.arange(len(draws)), chosen] + steps
    return _moved(bridge, draws, chosen, places, np.zeros(len(draws)), rng)


def jumped(bridge: Bridge, draws: Draws, *, rng: np.random.Generator) -> float:
    """Move one source of each draw to where new ones are tried; see `drifted`."""
    chosen = _one_of(draws.number, rng)
    places = bridge.newcomers.draw(len(draws), rng=rng)
    left = draws.places[np.arange(len(draws)), chosen]
    log_back = bridge.newcomers.log_density(left) - bridge.newcomers.log_density(places)
    return _moved(bridge, draws, chosen, places, log_back, rng)


def born_or_dead(bridge: Bridge, draws: Draws, *, rng: np.random.Generator) -> float:
    """Add a source to half of the draws, take one from the other half; see `drifted`.

    Notes
    -----
    Green (1995), doi:10.1093/biomet/82.4.711. A source is added at a place from `newcomers`
    and a rate from what the readings say there, or one of the k sources is taken away; the
    order of sources means nothing, so the factors k + 1 of both directions cancel.
    """
    grows = rng.random(len(draws)) < 0.5
    number, may = draws.number, np.isfinite(bridge.target.log_number_prior)
    room = grows & (number < draws.log_rates.shape[1])
    spare = ~grows & (number > 0) & may[np.maximum(number - 1, 0)]
    accepted = _born(bridge, draws, np.flatnonzero(room), rng)
    accepted += _dead(bridge, draws, np.flatnonzero(spare), rng)
    return accepted / len(draws)


def _born(bridge: Bridge, draws: Draws, who: IntArray, rng: np.random.Generator) -> int:
    if not who.size:
        return 0
    old = draws.taken(who)
    slot = old.number
    places = bridge.newcomers.draw(len(old), rng=rng)
    log_back = -bridge.newcomers.log_density(places)
    new = _placed(bridge.target, old, slot, places)
    rows = np.arange(len(old))
    new.log_rates[rows, slot] = 0.0
    moving = _marked(new.log_rates, slot)
    log_shares = _rate_shares(bridge, new, moving)
    levels, log_forth = _drawn_levels(bridge.target, log_shares, rng)
    new.log_rates[rows, slot] = levels
    return _settle(bridge, draws, who, old, new, log_back - log_forth, rng)


def _dead(bridge: Bridge, draws: Draws, who: IntArray, rng: np.random.Generator) -> int:
    if not who.size:
        return 0
    old = draws.taken(who)
    chosen, last = _one_of(old.number, rng), old.number - 1
    rows = np.arange(len(old))
    log_shares = _rate_shares(bridge, old, _marked(old.log_rates, chosen))
    log_back = _log_share_at(bridge.target, log_shares, old.log_rates[rows, chosen])
    log_back = log_back + bridge.newcomers.log_density(old.places[rows, chosen])
    new = old.taken(rows)
    new.places[rows, chosen], new.places[rows, last] = new.places[rows, last], np.nan
    new.log_rates[rows, chosen], new.log_rates[rows, last] = new.log_rates[rows, last], np.nan
    for response in new.responses:
        response[rows, :, chosen] = response[rows, :, last]
        response[rows, :, last] = 0.0
    return _settle(bridge, draws, who, old, new, log_back, rng)


def _transported(
    bridge: Bridge,
    draws: Draws,
    points: FloatArray,
    places: FloatArray,
    log_back: FloatArray,
    rng: np.random.Generator,
) -> float:
    """Try other nuisances, the rates of all sources scaled together."""
    target = bridge.target
    spreads = [one.spreads(points) for one in target.series]
    responses = [
        one.responses(spread, places) for one, spread in zip(target.series, spreads, strict=True)
    ]
    new = Draws(points, places, draws.log_rates.copy(), spreads, responses, np.zeros(len(draws)))
    return _rescaled(bridge, draws, new, np.isfinite(draws.log_rates), log_back, rng)


def _moved(
    bridge: Bridge,
    draws: Draws,
    chosen: IntArray,
    places: FloatArray,
    log_back: FloatArray,
    rng: np.random.Generator,
) -> float:
    """Try another place for one source of each draw; a draw without any stays as it is."""
    who = np.flatnonzero(draws.number > 0)
    if not who.size:
        return 0.0
    old = draws.taken(who)
    new = _placed(bridge.target, old, chosen[who], places[who])
    moving = _marked(old.log_rates, chosen[who])
    accepted = _rescaled(bridge, draws, new, moving, log_back[who], rng, who=who)
    return accepted * who.size / len(draws)


def _rescaled(
    bridge: Bridge,
    draws: Draws,
    new: Draws,
    moving: NDArray[np.bool_],
    log_back: FloatArray,
    rng: np.random.Generator,
    *,
    who: IntArray | None = None,
) -> float:
    """Redraw the common level of the moving sources' rates, then accept or not."""
    who = np.arange(len(draws)) if who is None else who
    old = draws.taken(who)
    log_back = log_back.copy()
    some = np.flatnonzero(moving.any(axis=1))
    if some.size:
        before, after, marked = old.taken(some), new.taken(some), moving[some]
        level = np.nanmean(np.where(marked, before.log_rates, np.nan), axis=1)
        back = _rate_shares(bridge, before, marked)
        levels, log_forth = _drawn_levels(bridge.target, _rate_shares(bridge, after, marked), rng)
        new.log_rates[some] += np.where(marked, (levels - level)[:, None], 0.0)
        log_back[some] += _log_share_at(bridge.target, back, level) - log_forth
    return _settle(bridge, draws, who, old, new, log_back, rng) / max(1, who.size)


def _settle(
    bridge: Bridge,
    draws: Draws,
    who: IntArray,
    old: Draws,
    new: Draws,
    log_back: FloatArray,
    rng: np.random.Generator,
) -> int:
    """Metropolis-Hastings: take what is accepted into `draws`, and count it."""
    target = bridge.target
    new.log_likelihood = target.log_likelihood(new.responses, new.log_rates)
    gain = target.log_density(new, bridge.temper) - target.log_density(old, bridge.temper)
    accepted = np.flatnonzero(np.log(rng.random(len(old))) < gain + log_back)
    draws.put(who[accepted], new.taken(accepted))
    return int(accepted.size)


def _placed(target: Target, old: Draws, slot: IntArray, places: FloatArray) -> Draws:
    """Draws with one source of each at another place, their rates as they were."""
    rows = np.arange(len(old))
    new = old.taken(rows)
    new.places[rows, slot] = places
    for one, spread, response in zip(target.series, new.spreads, new.responses, strict=True):
        response[rows, :, slot] = one.responses(spread, places[:, None, :])[:, :, 0]
    return new


def _one_of(number: IntArray, rng: np.random.Generator) -> IntArray:
    """One of each draw's sources by chance; 0 where there is none."""
    return np.minimum((rng.random(number.size) * number).astype(np.int64), number - 1).clip(0)


def _marked(log_rates: FloatArray, slot: IntArray) -> NDArray[np.bool_]:
    return np.asarray(np.arange(log_rates.shape[1]) == slot[:, None])


def _rate_shares(bridge: Bridge, draws: Draws, moving: NDArray[np.bool_]) -> FloatArray:
    """Log probability of each bin for the mean log rate of the moving sources, (p, bins)."""
    target = bridge.target
    edges = target.log_rate_edges
    middles = 0.5 * (edges[1:] + edges[:-1])
    table = target.log_likelihoods(draws.responses, draws.log_rates, moving, middles)
    mean = np.nanmean(np.where(moving, draws.log_rates, np.nan), axis=1, keepdims=True)
    shifted = (draws.log_rates - mean)[:, :, None] + middles
    prior = np.where(moving[:, :, None], target.log_rate_prior(shifted), 0.0).sum(axis=1)
    weight = bridge.temper * table + np.maximum(prior, -1e3)
    return np.asarray(weight - logsumexp(weight, axis=1, keepdims=True))


def _drawn_levels(
    target: Target, log_shares: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Mean log rates drawn from such bins, evenly within each, and their log density."""
    edges = target.log_rate_edges
    step = edges[1] - edges[0]
    cumulated = np.cumsum(np.exp(log_shares), axis=1)
    threshold = rng.random((len(log_shares), 1)) * cumulated[:, -1:]
    picks = np.minimum((cumulated <= threshold).sum(axis=1), log_shares.shape[1] - 1)
    levels = edges[picks] + step * rng.random(len(picks))
    return levels, log_shares[np.arange(len(picks)), picks] - np.log(step)


def _log_share_at(target: Target, log_shares: FloatArray, levels: FloatArray) -> FloatArray:
    """Log density with which `_drawn_levels` gives these levels."""
    edges = target.log_rate_edges
    step = edges[1] - edges[0]
    bins = np.clip(((levels - edges[0]) / step).astype(np.int64), 0, log_shares.shape[1] - 1)
    return np.asarray(log_shares[np.arange(len(bins)), bins] - np.log(step))
