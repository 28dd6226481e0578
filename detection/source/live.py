"""The grid's posterior kept up to date while readings come in.

What `estimators.grid.search` found is a table of log-likelihood ratios for each draw of the
nuisance parameters; a later reading adds one term to every entry. What depends on all readings at
once stays as it was found and is stated below; a new search, which takes seconds, puts it right.
"""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from scipy.special import logsumexp

from detection.pacing import breathe
from detection.source.footprint import footprints, puffs_of
from detection.source.found import number_shares, posterior_of, single_sources
from detection.source.leaps import at_least
from detection.source.likelihood import log_ratio
from detection.source.noise import noise_of
from detection.source.observations import wind_path
from detection.source.place_table import PlaceTable
from detection.source.sensor_memory import FORGOTTEN, SensorMemory
from detection.source.tempering import tempered

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from detection.source.flights import FlightEvidence
    from detection.source.footprint import Path
    from detection.source.found import Found
    from detection.source.lattice import Lattice
    from detection.source.observations import Observations
    from detection.source.prior import Nuisances

    FloatArray = NDArray[np.float64]

__all__ = ["LivePosterior"]


class LivePosterior:
    """Posterior of the sources of a flight that goes on.

    Parameters
    ----------
    found : Found
        From `grid.search` on the flight's readings so far; changed here.

    Attributes
    ----------
    counted : int
        Readings of the first series that have been looked at.

    Raises
    ------
    ValueError
        `found` is of several flights.

    Notes
    -----
    Until the next search these stay as they were found: draws of the nuisances, cells that
    matter, mean wind, the share explained, evidence for further sources, and for readings already
    counted the smoothing of the wind's last minute and the model's share of the noise. Series
    whose gain is integrated out wait for it as well. Just after a search the posterior is that of
    `grid.infer`, bit for bit; docs/live.md states how far it strays in between.
    """

    def __init__(self, found: Found) -> None:
        if len(found.flights) != 1:
            raise ValueError("a live posterior is of one flight")
        self._found = found
        self._flight = found.flights[0]
        self.counted = len(self._flight.observations[0])
        self._is_changed = False
        self._log_weight: FloatArray | None = None
        self._later = [
            k for k, one in enumerate(self._flight.observations) if k == 0 or one.gain_log_sd == 0.0
        ]
        self._memories: list[dict[int, SensorMemory]] = []
        for nuisances in self._flight.hypotheses:
            self._memories.append(_remembered(self._flight, found.lattice, nuisances, self._later))
            breathe()
        path = self._flight.problems[0].path
        self._puffs = [
            puffs_of(path, found.lattice.cell_m, nuisances) for nuisances in self._flight.hypotheses
        ]

    def extend(self, series: Sequence[Observations]) -> None:
        """Count the readings that were not there before.

        Parameters
        ----------
        series : sequence of Observations
            The same as were searched, in the flight's order, with later readings and winds added.

        Raises
        ------
        ValueError
            There are fewer readings than were counted, or another number of series.
        """
        flight = self._flight
        if len(series) != len(flight.observations) or len(series[0]) < self.counted:
            raise ValueError("the same series with later readings added are needed")
        first = -(-self.counted // flight.every) * flight.every
        self.counted = len(series[0])
        if first >= self.counted:
            return
        rows = slice(first, None, flight.every)
        path = _path_on(flight.problems[0].path, series[0], rows, self._found.settings.smoothing_s)
        additive = {k: noise_of(series[k], flight.problems[k].noise)[rows] for k in self._later}
        for draw, nuisances in enumerate(flight.hypotheses):
            puffs = self._puffs[draw]
            kernel = footprints(path, self._found.lattice, nuisances, puffs=puffs)
            for k in self._later:
                answer = kernel if k == self._later[-1] else kernel.copy()
                if k in self._memories[draw]:
                    self._memories[draw][k].respond(answer, path.time_s)
                reached = answer.max(axis=0) > 0.0
                flight.ratios[draw][reached] += log_ratio(
                    answer[:, reached],
                    series[k].concentration[rows],
                    additive[k],
                    flight.problems[k].rates,
                    relative=flight.problems[k].noise.relative,
                ).astype(np.float32)
            breathe()
        self._is_changed, self._log_weight = True, None
        best = max(float(one.max()) for one in flight.ratios)
        noise = flight.problems[0].noise
        flight.tempering = noise.tempering_for(
            flight.every * best, flight.explained, rival=flight.rival, gained=flight.gained
        )

    def log_weight(self) -> FloatArray:
        """Log of prior times averaged likelihood ratio of one source, shape (m, r)."""
        if self._log_weight is None:
            log_prior = self._flight.problems[0].log_prior(self._found.lattice)
            tempering = self._flight.thinned_tempering
            likelihood = np.full(self._flight.ratios[0].shape, -np.inf)
            for share, ratio in zip(self._flight.log_shares(), self._flight.ratios, strict=True):
                _add(likelihood, ratio, float(share), astuple(tempering))
            self._log_weight = log_prior + likelihood
        return self._log_weight

    def number_shares(self) -> FloatArray:
        """Probability of 0, 1, 2 ... sources, as `posterior` states it."""
        leap = max(one.leap for one in self._found.noises)
        return number_shares(self._found.prior, at_least(self._log_evidence(), leap))

    def rates(self, *, size: int, rng: np.random.Generator) -> FloatArray:
        """Draws of the rate of the source, if there is just one, shape (size,) [kg s-1]."""
        found = self._found
        by_rate = logsumexp(self.log_weight(), axis=0)
        rates = self._flight.problems[0].rates
        picked = rng.choice(rates, size=size, p=np.exp(by_rate - logsumexp(by_rate)))
        step = np.log(found.prior.rate_max / found.prior.rate_min) / (found.settings.rates - 1)
        gain = self._flight.observations[0].gain_log_sd * rng.standard_normal(size)
        blur = step * rng.uniform(-0.5, 0.5, size)
        return np.asarray(found.noises[0].skewness * picked * np.exp(blur + gain))

    def current(self, *, rng: np.random.Generator) -> Found:
        """What is known now, in the form a search gives it."""
        if not self._is_changed:
            return self._found
        found = self._found
        one = single_sources(
            found.flights, self.log_weight(), found.lattice, found.settings.draws, rng
        )
        return replace(found, ladder=[one, *found.ladder[1:]], log_evidence=self._log_evidence())

    def places(self) -> PlaceTable:
        """Where the source is, if there is just one."""
        by_cell = logsumexp(self.log_weight(), axis=1)
        return PlaceTable(self._found.lattice, np.asarray(np.exp(by_cell - logsumexp(by_cell))))

    def posterior(self, *, rng: np.random.Generator) -> xr.Dataset:
        """The Posterior contract, as `grid.infer` gives it."""
        return posterior_of(self.current(rng=rng), rng=rng)

    def _log_evidence(self) -> list[float]:
        """For 0, 1, 2 ... sources; what more than one gain over one is as the search found."""
        gains = np.diff(self._found.log_evidence[1:])
        return [0.0, *np.cumsum([float(logsumexp(self.log_weight())), *gains]).tolist()]


def _remembered(
    flight: FlightEvidence, lattice: Lattice, nuisances: Nuisances, series: Sequence[int]
) -> dict[int, SensorMemory]:
    """State of each series' sensor after the readings of a search, under one draw."""
    own = {k: flight.of_series(nuisances, k) for k in series}
    slow = {k: one for k, one in own.items() if one.rise_s > 0.0 or one.decay_s > 0.0}
    if not slow:
        return {}
    path = flight.problems[0].path
    span_s = FORGOTTEN * max(max(one.rise_s, one.decay_s) for one in slow.values())
    start = int(np.searchsorted(path.time_s, path.time_s[-1] - span_s))
    recent = _rows_of(path, slice(max(0, start - 1), None))
    kernel = footprints(recent, lattice, nuisances)
    return {
        k: SensorMemory.after(kernel.copy(), recent.time_s, rise_s=one.rise_s, decay_s=one.decay_s)
        for k, one in slow.items()
    }


def _rows_of(path: Path, rows: slice) -> Path:
    return replace(
        path,
        time_s=path.time_s[rows],
        east=path.east[rows],
        north=path.north[rows],
        height=path.height[rows],
    )


def _path_on(path: Path, observations: Observations, rows: slice, smoothing_s: float) -> Path:
    """Some readings of a flight that went on, in the wind as known now, its mean as it was."""
    grid_s, air_east, air_north = wind_path(
        observations, before_s=path.oldest_s, smoothing_s=smoothing_s
    )
    return replace(
        path,
        time_s=observations.time_s[rows],
        east=observations.east[rows],
        north=observations.north[rows],
        height=np.maximum(observations.height[rows], 0.1),
        grid_start_s=float(grid_s[0]),
        grid_step_s=float(grid_s[1] - grid_s[0]),
        air_east=air_east,
        air_north=air_north,
    )


_tempered = njit(cache=True, nogil=True)(tempered)


@njit(cache=True, nogil=True)
def _add(
    total: FloatArray,
    ratio: NDArray[np.float32],
    share: float,
    tempering: tuple[float, ...],
) -> None:
    """Log of what `FlightEvidence.log_likelihood` sums up, one draw more of it, in place."""
    for j in range(ratio.shape[0]):
        for r in range(ratio.shape[1]):
            one = share + _tempered(float(ratio[j, r]), *tempering)
            high, low = max(total[j, r], one), min(total[j, r], one)
            total[j, r] = high + np.log1p(np.exp(low - high))
