"""Readings that no gas can make: more than all of the air, or a spike of one reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensors.units import unit_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    BoolArray = NDArray[np.bool_]

__all__ = ["is_impossible", "is_lone_spike"]

# the most there can be, in SI
MOST = {"mole fraction": 1.0, "mass concentration": 100.0}
FAST_S = 0.25  # readings closer together than a sensor can follow
ALONE = 10.0  # times that a spike exceeds what its neighbours differ by ...
NOISES = 30.0  # ... and these noises
DENSE = ("tdlas",)  # families that answer within a reading


def is_impossible(reading: ArrayLike, unit: str) -> BoolArray:
    """Which readings are more than all of the air, or that much less than nothing.

    Parameters
    ----------
    reading : array_like, shape (n,)
    unit : str
        UDUNITS.

    Returns
    -------
    ndarray of bool, shape (n,)

    Examples
    --------
    >>> is_impossible([400.0, 2e9, float("nan")], "1e-9").tolist()
    [False, True, False]
    """
    values = np.asarray(reading, np.float64)
    known = unit_of(unit)
    most = MOST.get(known.kind, np.inf) / known.scale
    impossible: BoolArray = np.abs(values) > most
    return impossible


def is_lone_spike(time_s: ArrayLike, reading: ArrayLike, *, family: str = "unknown") -> BoolArray:
    """Which readings leap away from both neighbours, faster than a sensor can, and back.

    Parameters
    ----------
    time_s : array_like, shape (n,)
        Ascending [s].
    reading : array_like, shape (n,)
        Any unit; NaN where missing.
    family : str
        Sensor family; a laser spectrometer answers within a reading and is let alone.

    Returns
    -------
    ndarray of bool, shape (n,)
        Only where readings are less than 0.25 s apart: cells, lamps and heated oxides have
        response times of seconds, so gas lifts the next reading too.

    Notes
    -----
    The noise is the median absolute change between unequal neighbours.

    Examples
    --------
    >>> time_s = np.arange(9) / 10
    >>> is_lone_spike(time_s, [5, 6, 5, 6, 900, 6, 5, 6, 5]).nonzero()[0].tolist()
    [4]
    >>> is_lone_spike(time_s, [5, 6, 5, 400, 900, 600, 300, 100, 50]).any().item()
    False
    """
    time, values = np.asarray(time_s, np.float64), np.asarray(reading, np.float64)
    spikes = np.zeros(values.size, np.bool_)
    if family in DENSE or values.size < 3:
        return spikes
    known = np.flatnonzero(np.isfinite(values))
    if known.size < 3:
        return spikes
    before, here, after = values[known[:-2]], values[known[1:-1]], values[known[2:]]
    is_fast = time[known[2:]] - time[known[:-2]] < 2.0 * FAST_S
    steps = np.abs(np.diff(values[known], prepend=values[known[0]], append=values[known[-1]]))
    # what the two neighbours differ by, and what led there and on from there
    apart = np.maximum(np.abs(after - before), np.maximum(steps[:-3], steps[3:]))
    leap = np.minimum(np.abs(here - before), np.abs(here - after))
    is_out = (here > np.maximum(before, after)) | (here < np.minimum(before, after))
    changes = np.abs(np.diff(values[known]))
    noise = float(np.median(changes[changes > 0.0])) if changes.any() else 0.0
    spikes[known[1:-1]] = is_fast & is_out & (leap > ALONE * apart) & (leap > NOISES * noise)
    return spikes
