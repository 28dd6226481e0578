"""Sources that were not there: put into the readings of a flight, and looked for again.

What the estimator would have said is worked out from the cells about the injected source
alone; those far away explain nothing of its gas. What a wind turned round would explain is not
asked: of 3,840 sources put into 12 simulated flights 6 would have been judged otherwise, as far as
that takes trust away. Where it gives some (`Noise.met`), more is found than is promised here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logit

from detection.pacing import in_order
from detection.signal.slow_noise import CLEAR
from detection.source.drift_loss import after_drift, nearness_of
from detection.source.footprint import path_of
from detection.source.lattice import Lattice
from detection.source.leaps import largest_leaps, log_evidence_of
from detection.source.likelihood import expected_log_ratio
from detection.source.likelihood_kernels import sum_log_ratios_of_trials
from detection.source.noise import Noise, additive_sd
from detection.source.observations import nuisances_of
from detection.source.patches import Patchiness
from detection.source.prior import Prior
from detection.source.proposals import normal_points
from detection.source.scouting import share_of
from detection.source.tables import responses_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detection.source.observations import Observations

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

__all__ = ["Trials", "needed_log_evidence", "thinned"]

DRAWS = 8  # of the nuisance parameters
MOST_CELLS = 2500
FINEST_M = 8.0
READINGS = 700  # twice as many or more are thinned, as the estimator does
NEAR_M = 16.0  # about the injected cell, each way, in which it is looked for
RATE_STEP = 0.7  # of the logarithm
RATES_EACH_WAY = 3
SERIES_OF_PATCHES = 64
LOG_ELSEWHERE = -0.7  # evidence for sources the flight would not have noticed, about a half


@dataclass(frozen=True, slots=True)
class Trials:
    """A flight, ready to have sources put into it.

    Attributes
    ----------
    observations : Observations
        Thinned; `concentration` is what sources already found leave unexplained.
    explained : ndarray, shape (n,)
        What those explain [kg m-3].
    every : int
        One reading of so many was kept.
    lattice : Lattice
    kernels : ndarray of float32, shape (draws, cells, n)
        Reading of a unit source at each cell, for each draw of the nuisances [s m-3].
    area : float
        Of the domain sources are sought in [m2].
    prior : Prior
    noise : Noise
    patches : ndarray, shape (p, n)
        See `Patchiness`.
    nearness : ndarray, shape (n, n)
        See `drift_loss`.
    """

    observations: Observations
    explained: FloatArray
    every: int
    lattice: Lattice
    kernels: NDArray[np.float32]
    area: float
    prior: Prior
    noise: Noise
    patches: FloatArray
    nearness: FloatArray

    @classmethod
    def of(
        cls,
        observations: Observations,
        domain: tuple[float, float, float, float],
        *,
        rng: np.random.Generator,
        explained: FloatArray | None = None,
        prior: Prior | None = None,
        noise: Noise | None = None,
        patchiness: Patchiness | None = None,
        smoothing_s: float = 15.0,
    ) -> Trials:
        """Trials over a domain.

        Parameters
        ----------
        observations : Observations
        domain : tuple of float
            West, south, east, north [m].
        rng : numpy.random.Generator
            For the nuisances and the patches of gas.
        explained : ndarray, shape (n,), optional
            What sources already found explain of each reading [kg m-3].
        prior, noise, patchiness : optional
        smoothing_s : float
            Smoothing of the measured wind, as the estimator does it [s].
        """
        prior = (prior or Prior()).for_readings(observations)
        found = np.zeros(len(observations)) if explained is None else explained
        every = max(1, len(observations) // READINGS)
        few = thinned(
            replace(observations, concentration=observations.concentration - found), every
        )
        area = (domain[2] - domain[0]) * (domain[3] - domain[1])
        lattice = Lattice.covering(domain, max(FINEST_M, float(np.sqrt(area / MOST_CELLS))))
        path = path_of(few, domain, smoothing_s=smoothing_s)
        hypotheses = [
            nuisances_of(observations, prior, point) for point in normal_points(DRAWS, rng=rng)
        ]
        patches = (patchiness or Patchiness()).factors(few.time_s, SERIES_OF_PATCHES, rng=rng)
        return cls(
            few,
            np.asarray(found[::every]),
            every,
            lattice,
            responses_of(path, lattice, hypotheses),
            area,
            prior,
            (noise or Noise()).for_readings(observations),
            patches,
            nearness_of(few.time_s),
        )

    def reached(self) -> NDArray[np.bool_]:
        """Cells whose gas can be in a reading, shape (cells,)."""
        return np.asarray(self.kernels.max(axis=(0, 2)) > 0)

    def expected(self, rate: float) -> FloatArray:
        """Log-likelihood ratios of a rate [kg s-1], all as predicted, shape (draws, cells)."""
        ratios = in_order(
            lambda kernel: expected_log_ratio(
                kernel.T, rate, self.observations.sigma, relative=self.noise.relative
            ),
            self.kernels,
        )
        return self.every * np.array(ratios)

    def injected(
        self, cells: IntArray, rate: float, *, rngs: Sequence[np.random.Generator]
    ) -> tuple[FloatArray, FloatArray]:
        """Readings with a source of a rate in a cell, and their log evidence for one, many times.

        Parameters
        ----------
        cells : ndarray, shape (k,)
            Where each source is put.
        rate : float
            [kg s-1].
        rngs : sequence of numpy.random.Generator
            For each, draws nuisances, patches and the sensor's gain.

        Returns
        -------
        readings : ndarray, shape (k, n)
            [kg m-3].
        log_evidence : ndarray, shape (k,)
            For a source near that cell, over none.
        """
        gas = [self._gas(int(cell), rate, rng) for cell, rng in zip(cells, rngs, strict=True)]
        left = after_drift(np.array(gas), self.observations.sigma, self.nearness)
        readings = self.observations.concentration + left
        return readings, self.log_evidence(readings, cells, rate)

    def around(self, cell: int) -> IntArray:
        """Cells about a cell in which a source is looked for."""
        row, column = divmod(cell, self.lattice.index.shape[1])
        reach = max(1, round(NEAR_M / self.lattice.cell_m))
        near = self.lattice.index[
            max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1
        ]
        return np.asarray(near.ravel(), dtype=np.int64)

    def log_evidence_before(self, cells: IntArray, rate: float) -> FloatArray:
        """Log evidence of the readings as they were, shape (k,): see `log_evidence`."""
        as_it_was = self.observations.concentration
        return self.log_evidence(np.tile(as_it_was, (cells.size, 1)), cells, rate)

    def log_evidence(self, readings: FloatArray, cells: IntArray, rate: float) -> FloatArray:
        """Log evidence of series of readings for a source about a cell and of about a rate.

        Parameters
        ----------
        readings : ndarray, shape (k, n)
            [kg m-3].
        cells : ndarray, shape (k,)
        rate : float
            [kg s-1]; rates of an eighth to eight times it are tried.

        Returns
        -------
        ndarray, shape (k,)
            Over none; tempered as the estimator tempers it for such readings.
        """
        if not cells.size:
            return np.empty(0)
        prior, draws = self.prior, len(self.kernels)
        additive = np.hypot(
            additive_sd(readings, self.observations.sigma, self.noise), self.explained
        )
        rates = rate * np.exp(RATE_STEP * np.arange(-RATES_EACH_WAY, RATES_EACH_WAY + 1))
        log_rate_prior = -0.5 * (np.log(rates / prior.rate) / prior.rate_log_sd) ** 2
        log_rate_prior += np.log(RATE_STEP / prior.rate_log_sd / np.sqrt(2 * np.pi))
        log_rate_prior += np.log(self.lattice.cell_m**2 / self.area)
        # rows of `kernels`, all draws of the cells about each one
        first_row = self.lattice.size * np.arange(draws)[:, None]
        near = [(first_row + self.around(int(cell))).ravel() for cell in cells]
        ratios = self._ratios(near, readings, additive, rates, np.zeros_like(readings))
        best = [divmod(int(ratio.argmax()), rates.size) for ratio in ratios]
        rows = self.kernels.reshape(-1, readings.shape[1])
        first = np.array(
            [rates[which] * rows[some[row]] for some, (row, which) in zip(near, best, strict=True)]
        )
        second = self._ratios([some[::draws] for some in near], readings, additive, rates, first)
        leaps = np.zeros(cells.size)
        if self.observations.leaps_with_gas_alone:
            leaps = largest_leaps(readings / np.hypot(self.observations.sigma, self.explained))
        found = np.empty(cells.size)
        for k, ratio in enumerate(ratios):
            gained = float(ratio.max())
            both = gained + float(second[k].max())
            share = share_of(both, readings[k], additive[k], relative=self.noise.relative)
            noise = replace(self.noise, leap=log_evidence_of(float(leaps[k])))
            tempering = noise.tempering_for(self.every * gained, share)
            weight = tempering.thinned(self.every).of(ratio) + log_rate_prior
            most = float(weight.max())
            total = most + np.log(np.exp(weight - most).sum()) - np.log(draws)
            found[k] = np.logaddexp(total, LOG_ELSEWHERE)
        if self.observations.is_sure_only_of_clear:
            loudest = (readings / self.observations.sigma).max(axis=1)
            found[loudest < CLEAR] = LOG_ELSEWHERE
        return found

    def _gas(self, cell: int, rate: float, rng: np.random.Generator) -> FloatArray:
        draw, series = rng.integers(len(self.kernels)), rng.integers(len(self.patches))
        gain = float(np.exp(self.observations.gain_log_sd * rng.standard_normal()))
        return np.asarray(gain * rate * self.kernels[draw, cell] * self.patches[series])

    def _ratios(
        self,
        rows: Sequence[IntArray],
        readings: FloatArray,
        additive: FloatArray,
        rates: FloatArray,
        known: FloatArray,
    ) -> list[FloatArray]:
        """Log-likelihood ratios of some rows of `kernels` for each series of readings."""
        starts = np.cumsum([0, *(some.size for some in rows)])
        out = np.empty((int(starts[-1]), rates.size))
        sum_log_ratios_of_trials(
            self.kernels.reshape(-1, readings.shape[1]),
            np.concatenate(rows),
            starts,
            readings,
            additive**2,
            rates,
            self.noise.relative**2,
            known,
            out,
        )
        return np.split(out, starts[1:-1])


def thinned(observations: Observations, every: int) -> Observations:
    """Observations with every k-th reading."""
    pick = slice(None, None, every)
    columns = ("time_s", "east", "north", "height", "concentration", "sigma")
    return replace(observations, **{name: getattr(observations, name)[pick] for name in columns})


def needed_log_evidence(prior: Prior, indicate_above: float) -> float:
    """Log evidence for a source at which its probability reaches `indicate_above`."""
    return float(logit(indicate_above) - logit(prior.any_source))
