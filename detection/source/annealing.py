"""Sequential Monte Carlo: a population of guesses annealed from a reference to a posterior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.source.moves import Bridge, born_or_dead, drifted, jumped, shaken, stepped

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from detection.source.place_map import PlaceMap
    from detection.source.scattered import Draws, Target

    FloatArray = NDArray[np.float64]
    Guide = Callable[[Draws, float], PlaceMap]

__all__ = ["Annealed", "Schedule", "annealed"]

MOVES = (drifted, shaken, stepped, jumped, born_or_dead)
BISECTIONS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How much work annealing does.

    Attributes
    ----------
    guesses, particles : int
        Draws from the reference, and draws that go on from there.
    effective : float
        Share of the particles that must remain effective in a step.
    sweeps, last_sweeps : int
        Rounds of all moves after each step but the last; after that, when draws are kept.
    """

    guesses: int
    particles: int
    effective: float
    sweeps: int
    last_sweeps: int


@dataclass(frozen=True, slots=True)
class Annealed:
    """Draws from a posterior, equally likely, and its evidence.

    Attributes
    ----------
    points : ndarray, shape (p, d)
    places : ndarray, shape (p, k, 2)
    log_rates : ndarray, shape (p, k)
        As in `Draws`.
    log_evidence : float
        Log of the likelihood's mean over the prior.
    tempers : list of float
        Steps taken, 0 to 1.
    """

    points: FloatArray
    places: FloatArray
    log_rates: FloatArray
    log_evidence: float
    tempers: list[float]

    @property
    def number(self) -> NDArray[np.int64]:
        """Number of sources of each draw, shape (p,)."""
        return np.asarray(np.isfinite(self.log_rates).sum(axis=1))


def annealed(
    target: Target,
    guide: Guide,
    schedule: Schedule,
    *,
    rng: np.random.Generator,
    progress: Callable[[float], None] | None = None,
) -> Annealed:
    """Draws from the posterior of a target.

    Parameters
    ----------
    target : Target
    guide : callable
        From draws and a temper to a map of where new sources are tried.
    schedule : Schedule
    rng : numpy.random.Generator
    progress : callable, optional
        Called with the share of the work done, 0 to 1.

    Returns
    -------
    Annealed

    Notes
    -----
    Del Moral, Doucet & Jasra (2006), doi:10.1111/j.1467-9868.2006.00553.x; each step is as
    long as the effective number of draws allows.
    """
    tell = progress or (lambda _share: None)
    draws = target.drawn(schedule.guesses, rng=rng)
    tempers, log_evidence = [0.0], 0.0
    while tempers[-1] < 1.0:
        gain = target.log_gain(draws)
        step = _step(gain, 1.0 - tempers[-1], schedule.effective * schedule.particles)
        tempers.append(min(1.0, tempers[-1] + step))
        log_evidence += float(logsumexp(step * gain) - np.log(len(draws)))
        draws = draws.taken(_resampled(step * gain, schedule.particles, rng))
        if tempers[-1] < 1.0:
            bridge = _bridge(target, tempers[-1], draws, guide, rng)
            for _ in range(schedule.sweeps):
                swept(bridge, draws, rng=rng)
        tell(0.5 * tempers[-1])
    bridge = _bridge(target, 1.0, draws, guide, rng)
    kept = []
    for sweep in range(schedule.last_sweeps):
        swept(bridge, draws, rng=rng)
        kept.append((draws.points.copy(), draws.places.copy(), draws.log_rates.copy()))
        tell(0.5 + 0.5 * (sweep + 1) / schedule.last_sweeps)
    points, places, log_rates = (np.concatenate(column) for column in zip(*kept, strict=True))
    return Annealed(points, places, log_rates, log_evidence, tempers)


def swept(bridge: Bridge, draws: Draws, *, rng: np.random.Generator) -> None:
    """Try every move on every draw, in place."""
    for move in MOVES:
        move(bridge, draws, rng=rng)


def _step(gain: FloatArray, most: float, effective: float) -> float:
    """Largest step of the temper, at most `most`, that leaves so many draws effective."""

    def remaining(step: float) -> float:
        share = np.exp(step * (gain - gain.max()))
        return float(share.sum() ** 2 / (share**2).sum())

    if remaining(most) >= effective:
        return most
    low, high = 0.0, most
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if remaining(middle) >= effective else (low, middle)
    return high


def _resampled(log_weight: FloatArray, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Indices of draws by their weights, systematically."""
    edges = np.cumsum(np.exp(log_weight - log_weight.max()))
    wanted = (np.arange(size) + rng.random()) / size * edges[-1]
    return np.asarray(np.minimum(np.searchsorted(edges, wanted, side="right"), edges.size - 1))


def _bridge(
    target: Target, temper: float, draws: Draws, guide: Guide, rng: np.random.Generator
) -> Bridge:
    """What moves at a temper go by, from the draws as they are now."""
    number = draws.number
    some = np.flatnonzero(number > 0)
    some = some if some.size else np.arange(len(draws))
    chosen = (rng.random(some.size) * number[some]).astype(np.int64)
    return Bridge(
        target, temper, guide(draws, temper), draws.points[some], draws.places[some, chosen]
    )
