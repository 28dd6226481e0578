"""What the flight would have noticed: the difference between "nothing there" and "not searched"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from detection.source.observations import Observations
from detection.source.search import Search

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from detection.source.noise import Noise
    from detection.source.patches import Patchiness
    from detection.source.prior import Prior

    FloatArray = NDArray[np.float64]

__all__ = ["detection_power", "probability_of_none", "smallest_found_rate", "standing_out"]

SEARCHED = 0.1  # power from which ground counts as searched at all
STANDS_OUT = 2.0  # standard deviations of noise


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
    See `search.Search`.
    """
    x, y = np.broadcast_arrays(np.asarray(east, np.float64), np.asarray(north, np.float64))
    series = [observations] if isinstance(observations, Observations) else list(observations)
    if not rate > 0 or not x.size or not series:
        raise ValueError("detection power needs a positive rate, readings and at least one place")
    search = Search.of(
        series,
        domain or _box(series, x, y),
        explained=explained,
        indicate_above=indicate_above,
        prior=prior,
        noise=noise,
        patchiness=patchiness,
    )
    return search.power(x, y, rate=rate)


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
    search = Search.of(
        series,
        domain or _box(series, x, y),
        explained=explained,
        indicate_above=indicate_above,
        prior=prior,
        noise=noise,
    )
    return search.smallest_rates(x, y, shares=shares, power=power)


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
