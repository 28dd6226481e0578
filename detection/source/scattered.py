"""The posterior of sources at any places: prior, reference and likelihood of many draws at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from detection.source.prior import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detection.source.place_map import PlaceMap
    from detection.source.prior import Prior
    from detection.source.series import Series
    from detection.source.spreads import Spreads

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

__all__ = ["Draws", "Target", "log_number_prior", "summed"]


@dataclass(slots=True)
class Draws:
    """Draws of any number of sources, and what the target made of them.

    Attributes
    ----------
    points : ndarray, shape (p, d)
        Nuisances, in the space where their prior is standard normal.
    places : ndarray, shape (p, k, 2)
        East and north [m]; sources come first, NaN follows.
    log_rates : ndarray, shape (p, k)
        Of [kg s-1].
    spreads : list of Spreads
        One a series.
    responses : list of ndarray, shape (p, n, k)
        One a series.
    log_likelihood : ndarray, shape (p,)
    """

    points: FloatArray
    places: FloatArray
    log_rates: FloatArray
    spreads: list[Spreads]
    responses: list[NDArray[np.float32]]
    log_likelihood: FloatArray

    def __len__(self) -> int:
        return len(self.points)

    @property
    def number(self) -> IntArray:
        """Number of sources of each draw, shape (p,)."""
        return np.asarray(np.isfinite(self.log_rates).sum(axis=1))

    def taken(self, which: IntArray) -> Draws:
        """Draws at some indices, in their order."""
        return Draws(
            self.points[which],
            self.places[which],
            self.log_rates[which],
            [one.taken(which) for one in self.spreads],
            [one[which] for one in self.responses],
            self.log_likelihood[which],
        )

    def put(self, where: IntArray, others: Draws) -> None:
        """Replace the draws at the indices `where` by others, in their order."""
        if not where.size:
            return
        self.points[where] = others.points
        self.places[where] = others.places
        self.log_rates[where] = others.log_rates
        self.log_likelihood[where] = others.log_likelihood
        for k, spreads in enumerate(others.spreads):
            self.spreads[k] = self.spreads[k].replaced(where, spreads)
            self.responses[k][where] = others.responses[k]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bridge from an easy reference to the posterior, over sources and nuisances.

    At temper t its density is ``reference ** (1 - t) * posterior ** t``. Reference and prior
    share nuisances and rates; they differ in the number of sources and their places.

    Attributes
    ----------
    series : sequence of Series
        None at all leaves the prior.
    prior : Prior
    domain : tuple of float
        West, south, east, north [m].
    reference : PlaceMap
        Density of each place in the reference.
    log_number_reference, log_number_prior : ndarray, shape (k + 1,)
        Log probability of each number of sources; -inf where never.
    dimensions : int
        Of the space of nuisances.
    bins : int
        Parts of the span of log rates within which proposals are even.
    """

    series: Sequence[Series]
    prior: Prior
    domain: tuple[float, float, float, float]
    reference: PlaceMap
    log_number_reference: FloatArray
    log_number_prior: FloatArray
    dimensions: int = DIMENSIONS
    bins: int = 40

    @property
    def log_rate_edges(self) -> FloatArray:
        """Edges of the bins of log rate, shape (bins + 1,)."""
        return np.linspace(np.log(self.prior.rate_min), np.log(self.prior.rate_max), self.bins + 1)

    def log_rate_prior(self, log_rates: FloatArray) -> FloatArray:
        """Log density of log rates, any shape; -inf beyond the prior's bounds."""
        low, high = (
            (np.log(bound / self.prior.rate)) / self.prior.rate_log_sd
            for bound in (self.prior.rate_min, self.prior.rate_max)
        )
        scaled = (log_rates - np.log(self.prior.rate)) / self.prior.rate_log_sd
        norm = np.log(np.sqrt(2 * np.pi) * self.prior.rate_log_sd * (ndtr(high) - ndtr(low)))
        return np.where((scaled >= low) & (scaled <= high), -0.5 * scaled**2 - norm, -np.inf)

    def log_place_prior(self, places: FloatArray) -> FloatArray:
        """Log density of places of shape (..., 2); -inf outside the domain."""
        west, south, east, north = self.domain
        x, y = places[..., 0], places[..., 1]
        inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
        return np.where(inside, -np.log((east - west) * (north - south)), -np.inf)

    def log_gain(self, draws: Draws) -> FloatArray:
        """Log of posterior over reference, shape (p,)."""
        there = np.isfinite(draws.log_rates)
        places = np.where(there[..., None], draws.places, self._corner())
        looked_at = self.reference.log_density(places)
        ratio = self.log_place_prior(places) - np.where(np.isfinite(looked_at), looked_at, 0.0)
        number = draws.number
        return np.asarray(
            draws.log_likelihood
            + self.log_number_prior[number]
            - self.log_number_reference[number]
            + np.where(there, ratio, 0.0).sum(axis=1)
        )

    def log_density(self, draws: Draws, temper: float) -> FloatArray:
        """Log density of each draw's configuration at a temper, shape (p,)."""
        there = np.isfinite(draws.log_rates)
        places = np.where(there[..., None], draws.places, self._corner())
        each = self.log_rate_prior(np.where(there, draws.log_rates, 0.0))
        each = each + self.reference.log_density(places)
        base = (
            self.log_number_reference[draws.number]
            + np.where(there, each, 0.0).sum(axis=1)
            - 0.5 * (draws.points**2).sum(axis=1)
        )
        return np.asarray(base if temper == 0 else base + temper * self.log_gain(draws))

    def drawn(self, size: int, *, rng: np.random.Generator) -> Draws:
        """Draws from the reference."""
        most = self.log_number_prior.size - 1
        number = rng.choice(most + 1, size=size, p=np.exp(self.log_number_reference))
        there = np.arange(most) < number[:, None]
        places = self.reference.draw(size * most, rng=rng).reshape(size, most, 2)
        low, high = self.log_rate_edges[[0, -1]]
        log_rates = np.full((size, most), np.nan)
        waiting = there.copy()
        while waiting.any():
            tried = np.log(self.prior.rate) + self.prior.rate_log_sd * rng.standard_normal(
                there.shape
            )
            kept = waiting & (tried >= low) & (tried <= high)
            log_rates[kept] = tried[kept]
            waiting &= ~kept
        return self.judged(
            rng.standard_normal((size, self.dimensions)),
            np.where(there[..., None], places, np.nan),
            log_rates,
        )

    def judged(self, points: FloatArray, places: FloatArray, log_rates: FloatArray) -> Draws:
        """Draws with everything that follows from them."""
        spreads = [one.spreads(points) for one in self.series]
        responses = [
            one.responses(spread, places) for one, spread in zip(self.series, spreads, strict=True)
        ]
        draws = Draws(points, places, log_rates, spreads, responses, np.zeros(len(points)))
        return replace(draws, log_likelihood=self.log_likelihood(responses, log_rates))

    def log_likelihood(
        self, responses: Sequence[NDArray[np.float32]], log_rates: FloatArray
    ) -> FloatArray:
        """Log-likelihood of all series together, shape (p,)."""
        ratios = []
        for one, response in zip(self.series, responses, strict=True):
            prediction = summed(response, log_rates)
            ratios.append(np.array([one.log_likelihood(values) for values in prediction]))
        return self._counted(ratios, np.zeros(len(log_rates)))

    def log_likelihoods(
        self,
        responses: Sequence[NDArray[np.float32]],
        log_rates: FloatArray,
        moving: NDArray[np.bool_],
        levels: FloatArray,
    ) -> FloatArray:
        """Log-likelihood with the rates of some sources scaled together.

        Parameters
        ----------
        responses : sequence of ndarray, shape (p, n, k)
        log_rates : ndarray, shape (p, k)
        moving : ndarray of bool, shape (p, k)
            Whose rates change; their mean log rate becomes each of ...
        levels : ndarray, shape (r,)
            ... these, ascending.

        Returns
        -------
        ndarray, shape (p, r)
        """
        mean = np.nanmean(np.where(moving, log_rates, np.nan), axis=1, keepdims=True)
        relative = np.where(moving, log_rates - mean, np.nan)
        resting = np.where(moving, np.nan, log_rates)
        ratios, rates = [], np.exp(levels)
        for one, response in zip(self.series, responses, strict=True):
            scaled = summed(response, relative).astype(np.float32)
            others = summed(response, resting)
            each = [
                one.log_likelihoods(unit, rates, known)
                for unit, known in zip(scaled, others, strict=True)
            ]
            ratios.append(np.array(each))
        return self._counted(ratios, np.zeros((len(log_rates), levels.size)))

    def _counted(self, ratios: Sequence[FloatArray], total: FloatArray) -> FloatArray:
        """What counts of log-likelihood ratios, one array a series, added to a total."""
        flights: dict[str, FloatArray] = {}
        for one, ratio in zip(self.series, ratios, strict=True):
            flights[one.flight] = flights.get(one.flight, 0.0) + ratio
        temperings = {one.flight: one.tempering for one in self.series}
        for name, ratio in flights.items():
            total = total + temperings[name].of(ratio)
        return total

    def _corner(self) -> FloatArray:
        """A place inside the domain that stands in for none."""
        return np.array(self.domain[:2])


def summed(response: NDArray[np.float32], log_rates: FloatArray) -> FloatArray:
    """Concentration of sources together, shape (p, n); those with a rate of NaN give none."""
    rates = np.exp(np.where(np.isfinite(log_rates), log_rates, -np.inf))
    return np.asarray((response @ rates[:, :, None])[:, :, 0])


def log_number_prior(prior: Prior, most: int) -> FloatArray:
    """Log probability of 0, 1, ... `most` sources given any, shape (most + 1,)."""
    number = np.arange(1, most + 1)
    weight = prior.another_source ** (number - 1.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.concatenate([[0.0], weight / weight.sum()])))
