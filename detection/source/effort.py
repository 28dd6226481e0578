"""What the flight would have noticed: the difference between "nothing there" and "not searched"."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from detection.source.injection import Trials, needed_log_evidence
from detection.source.observations import Observations
from detection.source.tables import in_order

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from detection.source.footprint import Lattice
    from detection.source.likelihood import Noise
    from detection.source.patches import Patchiness
    from detection.source.prior import Prior

    FloatArray = NDArray[np.float64]

__all__ = ["detection_power", "probability_of_none", "smallest_found_rate", "standing_out"]

INJECTIONS = 480  # sources put into a flight for one map
HOPELESS = 4.0  # expected log-likelihood ratio below which nothing is ever indicated
LIKE_M = 40.0  # injections so far away tell about a place, ...
LIKE_LOG_RATIO = 0.35  # ... if they should show about as strongly: log of the expected ratio
SEARCHED = 0.1  # power from which ground counts as searched at all
FIXED_SEED = 20  # the map must not depend on the caller's draws
STANDS_OUT = 2.0  # standard deviations of noise
FEWER_INJECTIONS = 80  # for each rate that `smallest_found_rate` tries
RATES = np.geomspace(1e-6, 1e-1, 16)  # that it may answer [kg s-1]


def detection_power(
    observations: Observations | Sequence[Observations],
    east: ArrayLike,
    north: ArrayLike,
    *,
    rate: float,
    domain: tuple[float, float, float, float] | None = None,
    explained: Sequence[FloatArray] | None = None,
    indicate_above: float = 0.95,
    prior: Prior | None = None,
    noise: Noise | None = None,
    patchiness: Patchiness | None = None,
) -> FloatArray:
    """Probability that a source would have been indicated, had it been there.

    Parameters
    ----------
    observations : Observations or sequence of them
        All series of one or more flights.
    east, north : array_like, same shape
        Where the source would have been [m].
    rate : float
        Its rate [kg s-1], > 0.
    domain : tuple of float, optional
        West, south, east, north of where sources are sought [m]; around places and readings
        when not given.
    explained : sequence of ndarray, optional
        What sources already found explain of each series [kg m-3].
    indicate_above : float
        Probability of any source from which one is indicated.
    prior : Prior, optional
    noise : Noise, optional
    patchiness : Patchiness, optional

    Returns
    -------
    ndarray, shape of `east`
        0 to 1; NaN where no reading can hold gas from there: not searched.

    Raises
    ------
    ValueError
        No series, no places, or a rate that is none.

    Notes
    -----
    Sources of the rate are put into the readings as they were, with their drift and their
    wind, patchy as single passes meet them, and looked for again (`injection.Trials`). The
    share indicated among those nearby that should show about as strongly is the power. Evidence
    that drift gives without them does not count for them.
    Channels of one flight meet the same patches: the best one counts. Flights are independent.
    """
    x, y = np.broadcast_arrays(np.asarray(east, np.float64), np.asarray(north, np.float64))
    series = [observations] if isinstance(observations, Observations) else list(observations)
    if not rate > 0 or not x.size or not series:
        raise ValueError("detection power needs a positive rate, readings and at least one place")
    box = domain or _box(series, x, y)
    gone = explained or [np.zeros(len(one)) for one in series]
    powers = []
    for one, found in zip(series, gone, strict=True):
        trials = Trials.of(
            one,
            box,
            rng=np.random.default_rng(FIXED_SEED),
            explained=found,
            prior=prior,
            noise=noise,
            patchiness=patchiness,
        )
        cells = _cell_power(trials, rate, indicate_above, INJECTIONS)
        powers.append((one.flight, _between(trials.lattice, cells, x, y)))
    return _combined(powers)


def standing_out(observations: Observations) -> FloatArray:
    """What of a series stands out of its noise, shape (n,) [kg m-3].

    Where a source is indicated this is its gas, and no disturbance to the search for others.
    """
    return np.maximum(observations.concentration - STANDS_OUT * observations.sigma, 0.0)


def smallest_found_rate(
    observations: Observations | Sequence[Observations],
    east: ArrayLike,
    north: ArrayLike,
    *,
    domain: tuple[float, float, float, float] | None = None,
    explained: Sequence[FloatArray] | None = None,
    shares: Sequence[float] = (0.9,),
    power: float = 0.9,
    indicate_above: float = 0.95,
    prior: Prior | None = None,
    noise: Noise | None = None,
) -> tuple[float, ...]:
    """Smallest rates that would have been found over parts of some ground.

    Parameters
    ----------
    observations : Observations or sequence of them
    east, north : array_like, same shape
        Evenly spaced places of the ground in question [m], such as those where
        `detection_power` counts as searched.
    domain : tuple of float, optional
        As for `detection_power`.
    explained : sequence of ndarray, optional
        As for `detection_power`.
    shares : sequence of float
        Parts of the ground over which ...
    power : float
        ... a source has at least this probability of being indicated.
    indicate_above : float
    prior : Prior, optional
    noise : Noise, optional

    Returns
    -------
    tuple of float
        For each share [kg s-1], in steps of a factor of 2.2; NaN where not even 0.1 kg/s would
        have been.
    """
    x, y = np.broadcast_arrays(np.asarray(east, np.float64), np.asarray(north, np.float64))
    series = [observations] if isinstance(observations, Observations) else list(observations)
    if not x.size or not series:
        raise ValueError("a smallest rate needs readings and at least one place")
    box = domain or _box(series, x, y)
    gone = explained or [np.zeros(len(one)) for one in series]
    all_trials = [
        Trials.of(
            one,
            box,
            rng=np.random.default_rng(FIXED_SEED),
            explained=found,
            prior=prior,
            noise=noise,
        )
        for one, found in zip(series, gone, strict=True)
    ]

    @cache
    def found_over(rate: float) -> float:
        """Share of the ground on which a source of a rate would have been found."""
        powers = [
            (
                one.flight,
                _between(
                    trials.lattice,
                    _cell_power(trials, rate, indicate_above, FEWER_INJECTIONS),
                    x,
                    y,
                ),
            )
            for one, trials in zip(series, all_trials, strict=True)
        ]
        return float((np.nan_to_num(_combined(powers)) >= power).mean())

    def smallest(share: float) -> float:
        low, high = -1, RATES.size
        while high - low > 1:
            middle = (low + high) // 2
            is_enough = found_over(float(RATES[middle])) >= share
            low, high = (low, middle) if is_enough else (middle, high)
        return float(RATES[high]) if high < RATES.size else float("nan")

    return tuple(smallest(share) for share in shares)


def probability_of_none(
    east: ArrayLike,
    north: ArrayLike,
    rate: ArrayLike,
    power: ArrayLike,
    *,
    above: float,
) -> float:
    """Probability that no source above a rate lies where the flight has searched.

    Parameters
    ----------
    east, north : array_like
        Not looked at but for being finite: which sources a draw has; shape (draw, source).
    rate : array_like, shape (draw, source)
        Of the Posterior's draws [kg s-1], NaN where there is no source.
    power : array_like, shape (draw, source)
        `detection_power` at each source of each draw; NaN where not searched.
    above : float
        [kg s-1].

    Returns
    -------
    float

    Examples
    --------
    Three of four draws have no strong source on searched ground:

    >>> rate = np.array([[np.nan], [2e-3], [1e-5], [2e-3]])
    >>> power = np.array([[np.nan], [0.9], [0.9], [0.0]])
    >>> probability_of_none(rate, rate, rate, power, above=1e-3)
    0.75
    """
    there = np.isfinite(np.asarray(east)) & np.isfinite(np.asarray(north))
    strong = np.nan_to_num(np.asarray(rate, np.float64)) > above
    searched = np.nan_to_num(np.asarray(power, np.float64)) >= SEARCHED
    return float(1.0 - (there & strong & searched).any(axis=1).mean())


def _box(
    series: Sequence[Observations], x: FloatArray, y: FloatArray
) -> tuple[float, float, float, float]:
    east = np.concatenate([x.ravel(), *(one.east for one in series)])
    north = np.concatenate([y.ravel(), *(one.north for one in series)])
    return (
        float(east.min()) - 1.0,
        float(north.min()) - 1.0,
        float(east.max()) + 1.0,
        float(north.max()) + 1.0,
    )


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

    def is_indicated(k: int) -> bool:
        cell = int(cells[k])
        _, log_evidence = trials.injected(cell, rate, rng=streams[k])
        if log_evidence <= needed:
            return False
        readings = trials.observations.concentration
        before = trials.log_evidence(readings, trials.around(cell), rate)
        return log_evidence - max(before, 0.0) > needed

    indicated = np.array(in_order(is_indicated, range(count)))
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
