"""Gas that was met for certain, wherever it came from: readings that clean air does not make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detection.source.observations import Observations

    FloatArray = NDArray[np.float64]

__all__ = [
    "LEAP",
    "LEAP_LOG_EVIDENCE",
    "agreed_leap",
    "at_least",
    "evidence_of_leap",
    "largest_leaps",
    "leap_of",
    "log_evidence_of",
]

# Noises that a leap must reach: in 400 simulated flights without a source the largest was 4.4, and
# two above 3.6. So fewer than one in 130 reach it (95 %), while gas that does is found by it alone:
LEAP = 5.5
LEAP_LOG_EVIDENCE = 4.5  # log of 90
# Of two sensors that must both stand out; in 300 such flights both together reached 2.9 at most.
AGREED_READINGS = 3  # of the steadier one, over which its mean is taken
AGREED_WITHIN_S = 6.0  # metal oxides answer later, and for longer


def largest_leaps(ratio: FloatArray) -> FloatArray:
    """The largest reading of each series that the one before or after it confirms.

    Parameters
    ----------
    ratio : ndarray, shape (..., n)
        Readings in their noises.

    Returns
    -------
    ndarray, shape (...)
        A reading counts for at most twice its larger neighbour: gas fades from a detector within
        seconds, not at once. 0 for fewer than two readings.

    Examples
    --------
    >>> largest_leaps(np.array([[0.0, 9.0, 1.0, 0.0], [0.0, 9.0, 6.0, 2.0]]))
    array([2., 9.])
    """
    if ratio.shape[-1] < 2:
        return np.zeros(ratio.shape[:-1])
    pair = np.minimum(ratio[..., 1:], ratio[..., :-1])
    both = np.maximum(ratio[..., 1:], ratio[..., :-1])
    return np.asarray(np.maximum(np.minimum(both, 2.0 * pair).max(axis=-1), 0.0))


def leap_of(observations: Observations) -> float:
    """`largest_leaps` of readings that nothing but gas makes leap; 0 of any others.

    Metal oxides leap with humidity, temperature and draught, and time averages have no neighbours.
    """
    if not observations.leaps_with_gas_alone:
        return 0.0
    return float(largest_leaps(observations.concentration / observations.sigma))


def agreed_leap(steady: Observations, other: Observations) -> float:
    """Noises by which two sensors of a flight stand out together, see `leap_of`.

    Parameters
    ----------
    steady : Observations
        Of a sensor that nothing but gas makes leap.
    other : Observations
        Of one that leaps with humidity, temperature and draught too: of the same flight.

    Returns
    -------
    float
        The largest reading of `other`, confirmed as in `largest_leaps`, or the largest mean over
        `AGREED_READINGS` of `steady`, confirmed likewise, within `AGREED_WITHIN_S` of it, in its
        noises, where that is less. 0 where neither stands out, and if a sensor is not what it
        should be.
    """
    if not steady.leaps_with_gas_alone or other.averaging_time_s > 0.0:
        return 0.0
    if len(steady) < AGREED_READINGS or len(other) < 2:
        return 0.0
    confirmed = _confirmed(other)
    # Sums over readings, in the noise of such a sum; those that a gap divides say nothing.
    window = np.ones(AGREED_READINGS) / np.sqrt(AGREED_READINGS)
    mean = np.convolve(_confirmed(steady), window, mode="valid")
    lasts = steady.time_s[AGREED_READINGS - 1 :] - steady.time_s[: 1 - AGREED_READINGS]
    mean = np.pad(np.where(lasts < AGREED_WITHIN_S, mean, 0.0), AGREED_READINGS // 2)
    first = np.searchsorted(steady.time_s, other.time_s - AGREED_WITHIN_S, side="left")
    end = np.searchsorted(steady.time_s, other.time_s + AGREED_WITHIN_S, side="right")
    beside = np.array([mean[a:b].max(initial=0.0) for a, b in zip(first, end, strict=True)])
    return float(np.minimum(confirmed, beside).max(initial=0.0))


def _confirmed(observations: Observations) -> FloatArray:
    """Readings in their noises, each at most twice its larger neighbour."""
    ratio = np.pad(observations.concentration / observations.sigma, 1)
    return np.minimum(ratio[1:-1], 2.0 * np.maximum(ratio[:-2], ratio[2:]))


def log_evidence_of(leap: float) -> float:
    """Log evidence that gas was met, from a leap of so many noises."""
    return LEAP_LOG_EVIDENCE if leap >= LEAP else 0.0


def evidence_of_leap(observations: Observations) -> float:
    """Log evidence that gas was met, from the largest leap alone; 0 without one.

    Of the readings, and of a channel in whose place they stand. What leaps where known emitters
    were taken off is theirs.
    """
    if observations.is_remainder:
        return 0.0
    return log_evidence_of(max(leap_of(observations), observations.leap_beside))


def at_least(log_evidence: Sequence[float], least: float) -> list[float]:
    """Evidence for 0, 1, 2 ... sources, for any raised as a whole where that for one is less.

    Where the sources are, and how many, stays as it was: that a place explains gas badly does not
    make it less certain that there was some.

    Examples
    --------
    >>> at_least([0.0, 1.0, 0.5], 4.0)
    [0.0, 4.0, 3.5]
    """
    none, *some = log_evidence
    raised = max(least - some[0], 0.0) if some and least > 0.0 else 0.0
    return [none, *(one + raised for one in some)]
