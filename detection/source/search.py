"""What flights could have found: sources put into their readings, all over some ground."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from detection.pacing import in_order
from detection.source.injection import Trials, needed_log_evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from detection.source.lattice import Lattice
    from detection.source.noise import Noise
    from detection.source.observations import Observations
    from detection.source.patches import Patchiness
    from detection.source.prior import Prior

    FloatArray = NDArray[np.float64]

__all__ = ["Search"]

INJECTIONS = 480  # sources put into a flight for one map
FEWER_INJECTIONS = 80  # for each rate that `Search.smallest_rates` tries
TOGETHER = 40  # of them, in one batch
HOPELESS = 4.0  # expected log-likelihood ratio below which nothing is ever indicated
LIKE_M = 40.0  # injections so far away tell about a place, ...
LIKE_LOG_RATIO = 0.35  # ... if they should show about as strongly: log of the expected ratio
FIXED_SEED = 20  # the map must not depend on the caller's draws
RATES = np.geomspace(1e-6, 1e-1, 16)  # that `Search.smallest_rates` may answer [kg s-1]


@dataclass(frozen=True, slots=True)
class Search:
    """One or more flights, ready to be asked what they would have found.

    Attributes
    ----------
    trials : tuple of Trials
        Of each series of readings.
    indicate_above : float
        Probability of any source from which one is indicated.

    Notes
    -----
    Sources are put into the readings as they were, with their drift and their wind, patchy as
    single passes meet them, and looked for again (`injection.Trials`). The share indicated
    among those nearby that should show about as strongly is the power. Evidence that drift
    gives without them does not count for them.
    Channels of one flight meet the same patches: the best one counts. Flights are independent.
    """

    trials: tuple[Trials, ...]
    indicate_above: float

    @classmethod
    def of(
        cls,
        series: Sequence[Observations],
        domain: tuple[float, float, float, float],
        *,
        explained: Sequence[FloatArray] | None = None,
        indicate_above: float = 0.95,
        prior: Prior | None = None,
        noise: Noise | None = None,
        patchiness: Patchiness | None = None,
    ) -> Search:
        """Series of readings made ready.

        Parameters
        ----------
        series : sequence of Observations
        domain : tuple of float
            West, south, east, north of where sources are sought [m].
        explained : sequence of ndarray, optional
            What sources already found explain of each series [kg m-3].
        indicate_above : float
        prior, noise, patchiness : optional

        Returns
        -------
        Search
        """
        gone = explained or [np.zeros(len(one)) for one in series]
        trials = [
            Trials.of(
                one,
                domain,
                rng=np.random.default_rng(FIXED_SEED),
                explained=found,
                prior=prior,
                noise=noise,
                patchiness=patchiness,
            )
            for one, found in zip(series, gone, strict=True)
        ]
        return cls(tuple(trials), indicate_above)

    def power(self, east: ArrayLike, north: ArrayLike, *, rate: float) -> FloatArray:
        """Probability that a source of a rate [kg s-1] would have been indicated, at places.

        NaN where no reading can hold gas from there.
        """
        x, y = np.broadcast_arrays(np.asarray(east, np.float64), np.asarray(north, np.float64))
        return self._power(x, y, rate, INJECTIONS)

    def smallest_rates(
        self, east: ArrayLike, north: ArrayLike, *, shares: Sequence[float], power: float = 0.9
    ) -> tuple[float, ...]:
        """Smallest rates found with some power over shares of places, see `smallest_found_rate`."""
        x, y = np.broadcast_arrays(np.asarray(east, np.float64), np.asarray(north, np.float64))

        @cache
        def found_over(rate: float) -> float:
            """Share of the ground on which a source of a rate would have been found."""
            powers = np.nan_to_num(self._power(x, y, rate, FEWER_INJECTIONS))
            return float((powers >= power).mean())

        def smallest(share: float) -> float:
            low, high = -1, RATES.size
            while high - low > 1:
                middle = (low + high) // 2
                is_enough = found_over(float(RATES[middle])) >= share
                low, high = (low, middle) if is_enough else (middle, high)
            return float(RATES[high]) if high < RATES.size else float("nan")

        return tuple(smallest(share) for share in shares)

    def _power(self, x: FloatArray, y: FloatArray, rate: float, count: int) -> FloatArray:
        powers = [
            (
                one.observations.flight,
                _between(one.lattice, _cell_power(one, rate, self.indicate_above, count), x, y),
            )
            for one in self.trials
        ]
        return _combined(powers)


def _combined(powers: Sequence[tuple[str, FloatArray]]) -> FloatArray:
    """The best channel of each flight, and what flights miss together."""
    missed = np.ones(powers[0][1].shape)
    seen = np.zeros(missed.shape, dtype=bool)
    for _, channels in groupby(sorted(powers, key=lambda one: one[0]), key=lambda one: one[0]):
        stack = np.array([power for _, power in channels])
        seen |= np.isfinite(stack).any(axis=0)
        missed *= 1.0 - np.nan_to_num(stack).max(axis=0)
    return np.where(seen, 1.0 - missed, np.nan)


def _cell_power(trials: Trials, rate: float, indicate_above: float, count: int) -> FloatArray:
    """Power in each cell of the trials' lattice; NaN where no gas reaches a reading."""
    ratios = trials.expected(rate)
    strength = np.log(ratios.mean(axis=0) + 1e-9)
    hopeful = np.flatnonzero(ratios.max(axis=0) > HOPELESS)
    power = np.where(trials.reached(), 0.0, np.nan)
    if not hopeful.size:
        return power
    rng = np.random.default_rng(FIXED_SEED)
    # evenly over the ground: each part of the list of cells gives one
    slices = (np.arange(count) + rng.random(count)) * hopeful.size / count
    cells = hopeful[slices.astype(np.int64)]
    streams = rng.spawn(count)
    needed = needed_log_evidence(trials.prior, indicate_above)

    def are_indicated(some: NDArray[np.int64]) -> NDArray[np.bool_]:
        _, log_evidence = trials.injected(cells[some], rate, rngs=[streams[k] for k in some])
        found = log_evidence > needed
        before = trials.log_evidence_before(cells[some[found]], rate)
        found[found] = log_evidence[found] - np.maximum(before, 0.0) > needed
        return found

    batches = np.array_split(np.arange(count), max(1, count // TOGETHER))
    indicated = np.concatenate(in_order(are_indicated, batches))
    east, north = trials.lattice.centres()
    for part in np.array_split(hopeful, max(1, hopeful.size // 500)):
        distance = np.hypot(
            east[part, None] - east[None, cells], north[part, None] - north[None, cells]
        )
        unlike = (distance / LIKE_M) ** 2
        unlike += ((strength[part, None] - strength[None, cells]) / LIKE_LOG_RATIO) ** 2
        weight = np.exp(-0.5 * (unlike - unlike.min(axis=1, keepdims=True)))
        power[part] = (weight * indicated).sum(axis=1) / weight.sum(axis=1)
    return power


def _between(lattice: Lattice, values: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """Bilinear interpolation of cell values; NaN where the nearest cell is."""
    ny, nx = lattice.index.shape
    grid = values.reshape(ny, nx)
    column = np.clip((x - lattice.west) / lattice.cell_m, 0, nx - 1)
    row = np.clip((y - lattice.south) / lattice.cell_m, 0, ny - 1)
    left = np.minimum(column.astype(np.int64), max(nx - 2, 0))
    low = np.minimum(row.astype(np.int64), max(ny - 2, 0))
    right, high = np.minimum(left + 1, nx - 1), np.minimum(low + 1, ny - 1)
    u, v = column - left, row - low
    known = np.nan_to_num(grid)
    bottom = (1 - u) * known[low, left] + u * known[low, right]
    top = (1 - u) * known[high, left] + u * known[high, right]
    nearest = grid[np.round(row).astype(np.int64), np.round(column).astype(np.int64)]
    return np.where(np.isnan(nearest), np.nan, (1 - v) * bottom + v * top)
