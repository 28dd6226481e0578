"""Known emitters: sources at places somebody told, whose gas is not to be blamed on others."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.source.lattice import Lattice
from detection.source.tables import response_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detection.source.footprint import Path
    from detection.source.prior import Nuisances, Prior

    FloatArray = NDArray[np.float64]

__all__ = ["KnownEmitter", "known_responses", "log_rate_prior"]

SIZE_M = 4.0  # of the building or yard the gas leaves from, unless told
LEAST_LOG_SD = 0.2  # no stated rate is better than this for the minutes of a flight
STATED_LOG_SD = 1.1  # of a rate stated without an interval: a factor of three either way
NINETY_PERCENT = 3.29  # standard deviations between the 5th and 95th percentile


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownEmitter:
    """One place that is known to emit, or may.

    Attributes
    ----------
    name, kind : str
        As its owner wrote them; any text.
    east, north : float
        Projected, in the CRS of the domain [m].
    height_m : float
        Release height above ground [m]; NaN where nobody told.
    size_m : float
        Side of the square the gas leaves from [m].
    rate : float or None
        Stated emission rate of the gas looked for [kg s-1]; None where nobody told.
    rate_low, rate_high : float or None
        5th and 95th percentile of it [kg s-1]; both or neither.
    chance : float
        Probability, before the flight, that it emits something the channel reads at that time.

    Raises
    ------
    ValueError
        A position is not finite, a rate not positive, or an interval without or beside its rate.
    """

    name: str
    kind: str
    east: float
    north: float
    height_m: float = math.nan
    size_m: float = SIZE_M
    rate: float | None = None
    rate_low: float | None = None
    rate_high: float | None = None
    chance: float = 0.5

    def __post_init__(self) -> None:
        if not (math.isfinite(self.east) and math.isfinite(self.north) and self.size_m > 0):
            raise ValueError("a known emitter needs a finite place and a positive size")
        if (self.rate_low is None) != (self.rate_high is None):
            raise ValueError("the interval of a rate needs both its ends")
        rates = [one for one in (self.rate_low, self.rate, self.rate_high) if one is not None]
        if any(not (0 < one < math.inf) for one in rates) or rates != sorted(rates):
            raise ValueError("rates must be positive, and the stated one within its interval")
        if not 0.0 < self.chance < 1.0:
            raise ValueError("the chance of emitting must be between 0 and 1")


def known_responses(
    path: Path, emitters: Sequence[KnownEmitter], nuisances: Nuisances
) -> NDArray[np.float32]:
    """What unit sources at the known places would have given each reading.

    Parameters
    ----------
    path : Path
        n readings.
    emitters : sequence of KnownEmitter
        k of them.
    nuisances : Nuisances
        The release height is the emitter's own where that is told.

    Returns
    -------
    ndarray of float32, shape (n, k)
        As the sensor reports them [s m-3]; times the rates, summed, they are what to hand
        `evidence_of` as `others`.
    """
    out = np.zeros((path.time_s.size, len(emitters)), dtype=np.float32)
    for k, one in enumerate(emitters):
        own = nuisances
        if math.isfinite(one.height_m):
            own = replace(nuisances, release_height_m=max(one.height_m, 0.0))
        spot = Lattice(one.east, one.north, one.size_m, np.zeros((1, 1), dtype=np.int32))
        out[:, k] = response_of(path, spot, own)[:, 0]
    return out


def log_rate_prior(
    emitter: KnownEmitter, rates: FloatArray, prior: Prior, *, skewness: float = 1.0
) -> FloatArray:
    """Log of the prior probability of each rate of one emitter.

    Parameters
    ----------
    emitter : KnownEmitter
    rates : ndarray, shape (r,)
        The first is 0, "does not emit now"; the others ascending [kg s-1].
    prior : Prior
        Of unknown sources, where no rate is stated.
    skewness : float
        As in `Noise`: a stated rate is compared with this times the fitted one.

    Returns
    -------
    ndarray, shape (r,)
        Its exponentials sum to 1.
    """
    middle, log_sd = prior.rate, prior.rate_log_sd
    if emitter.rate_low is not None and emitter.rate_high is not None:
        middle = emitter.rate or math.sqrt(emitter.rate_low * emitter.rate_high)
        log_sd = max(math.log(emitter.rate_high / emitter.rate_low) / NINETY_PERCENT, LEAST_LOG_SD)
    elif emitter.rate is not None:
        middle, log_sd = emitter.rate, STATED_LOG_SD
    shape = -0.5 * (np.log(skewness * rates[1:] / middle) / log_sd) ** 2
    on = math.log(emitter.chance) + shape - logsumexp(shape)
    return np.concatenate([[math.log1p(-emitter.chance)], on])
