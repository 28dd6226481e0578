"""What a sampler asks of a series of readings: what sources anywhere give, and how it fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from detection.source.likelihood import log_ratio, total_log_ratio
from detection.source.points import responses_at
from detection.source.prior import DIMENSIONS, nuisances_at
from detection.source.spreads import spreads_of
from detection.source.tables import evidence_of, response_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detection.source.lattice import Lattice
    from detection.source.prior import Nuisances, Prior
    from detection.source.spreads import Spreads
    from detection.source.tables import Problem
    from detection.source.tempering import Tempering

    FloatArray = NDArray[np.float64]

__all__ = ["ReadSeries", "Series"]

SOURCE_M = 2.0  # size of a source


class Series(Protocol):
    """Readings that the likelihood of a target is made of; those of a flight tempered together."""

    @property
    def flight(self) -> str:
        """Which flight they are of."""

    @property
    def tempering(self) -> Tempering:
        """How much of the flight's log-likelihood ratio counts."""

    def spreads(self, points: FloatArray) -> Spreads:
        """What responses need to know of nuisances at points of shape (p, d)."""

    def responses(self, spreads: Spreads, places: FloatArray) -> NDArray[np.float32]:
        """Readings of unit sources at places of shape (p, k, 2), shape (p, n, k)."""

    def log_likelihood(self, prediction: FloatArray) -> float:
        """Of a predicted concentration of shape (n,), over that of clean air."""

    def log_likelihoods(
        self, response: NDArray[np.float32], rates: FloatArray, others: FloatArray
    ) -> FloatArray:
        """The same of `others` plus each of r ascending rates times a response, shape (r,)."""


@dataclass(frozen=True, slots=True)
class ReadSeries:
    """One series of readings of a flight.

    Attributes
    ----------
    problem : Problem
    prior : Prior
    wind_speed : float
        Mean along the flight [m s-1].
    response_s : tuple of float
        Rise and decay time constants the sensor's family is known for [s].
    first : int
        Where in the space of all nuisances those of its flight begin. Flights have nuisances of
        their own, but the release height, which comes first of all, is the sources'.
    gain : int
        Where its gain is; 0 where it has none to be found beside others.
    gain_log_sd : float
        Of the gain.
    friction_m_s : float, optional
        That the flight's gusts tell [m s-1].
    """

    problem: Problem
    prior: Prior
    wind_speed: float
    response_s: tuple[float, float]
    first: int = 1
    gain: int = 0
    gain_log_sd: float = 0.0
    friction_m_s: float | None = None

    @property
    def flight(self) -> str:
        """See `Series`."""
        return self.problem.flight

    @property
    def tempering(self) -> Tempering:
        """See `Series`."""
        return self.problem.tempering

    def nuisances(self, point: FloatArray) -> Nuisances:
        """Nuisances of this series at one point of all flights' space."""
        own = np.concatenate([point[:1], point[self.first : self.first + DIMENSIONS - 1]])
        return nuisances_at(
            self.prior,
            own,
            wind_speed=self.wind_speed,
            wind_height_m=self.problem.path.wind_height_m,
            response_s=self.response_s,
            friction_m_s=self.friction_m_s,
        )

    def spreads(self, points: FloatArray) -> Spreads:
        """See `Series`."""
        draws = [self.nuisances(point) for point in points]
        return spreads_of(self.problem.path, draws, cell_m=SOURCE_M, gain=self.gains(points))

    def gains(self, points: FloatArray) -> FloatArray:
        """Gain of the sensor at points of shape (p, d), over its nominal one, shape (p,)."""
        if not self.gain:
            return np.ones(len(points))
        return np.asarray(np.exp(self.gain_log_sd * points[:, self.gain]))

    def responses(self, spreads: Spreads, places: FloatArray) -> NDArray[np.float32]:
        """See `Series`."""
        return responses_at(self.problem.path, spreads, places)

    def log_likelihood(self, prediction: FloatArray) -> float:
        """See `Series`."""
        one = self.problem
        return total_log_ratio(prediction, one.excess, one.additive, relative=one.noise.relative)

    def log_likelihoods(
        self, response: NDArray[np.float32], rates: FloatArray, others: FloatArray
    ) -> FloatArray:
        """See `Series`."""
        one, relative = self.problem, self.problem.noise.relative
        known = 0.0
        if others.any():
            known = total_log_ratio(others, one.excess, one.additive, relative=relative)
        ratio = log_ratio(
            response[:, None], one.excess, one.additive, rates, relative=relative, others=others
        )
        return np.asarray(known + ratio[0])

    def log_gains(self, lattice: Lattice, point: FloatArray, others: FloatArray) -> FloatArray:
        """Tempered log-likelihood gained by one more source.

        Parameters
        ----------
        lattice : Lattice
            m active cells.
        point : ndarray, shape (d,)
            Of the nuisances.
        others : ndarray, shape (n,)
            Concentration that other sources explain [kg m-3].

        Returns
        -------
        ndarray, shape (m, r)
            For each cell and candidate rate of the problem.
        """
        kernel = response_of(self.problem.path, lattice, self.nuisances(point))
        kernel *= np.float32(self.gains(point[None])[0])
        table = evidence_of(self.problem, kernel, lattice, others=others)
        return np.asarray(table.log_weight - self.problem.log_prior(lattice))
