"""Readings at the lowest value a channel can show: below its zero, what it smells is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtri

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

__all__ = ["Censored", "censored"]

IN_A_ROW = 5  # readings at the lowest value, which noise would have told apart
BLOCK_S = 10.0
FEWEST = 8  # readings in a block, and ...
BLOCKS = 3  # ... blocks, from which noise is told
FLICKERS = 3  # times that a block's readings leave the lowest value, as noise does and gas does not
PARTLY = (0.05, 0.95)  # share at the lowest value from which the part above tells the noise
HELD = 0.5  # share at the lowest value, within a block each way, above which the zero is hidden
MOSTLY = 0.8  # share of the blocks held so, above which that is how the channel shows clean air
CLEARLY = 5.0  # noises above the lowest value, which gas alone reaches


class Censored(NamedTuple):
    """What a channel's lowest value hides.

    `says_nothing` are the readings that are held there, shape (n,); `noise` that of a reading
    that is not, in the unit of the readings, 0 for a channel without such a value.
    """

    says_nothing: BoolArray
    noise: float


def censored(time_s: ArrayLike, reading: ArrayLike) -> Censored:
    """Where a channel shows the lowest value it can, and how noisy it is where it does not.

    A detector whose zero has drifted below nothing shows 0, and without noise: taken as it is, it
    would be silent to be without gas, and its noise elsewhere would pass for gas.

    Parameters
    ----------
    time_s : array_like, shape (n,)
        Ascending [s].
    reading : array_like, shape (n,)
        Any unit that gas raises; NaN where missing.

    Returns
    -------
    Censored
        A channel that rounds more coarsely than it is noisy repeats its values anyway: it has
        none. One that shows its lowest value nearly always is believed there: that is its clean
        air.

    Notes
    -----
    Where readings flicker about the lowest value, the share of them that lies above it and by how
    much tell the noise, as of a normal variable that is cut off (Tobin 1958, doi:10.2307/1907382).

    Examples
    --------
    >>> time_s = np.arange(0.0, 200.0, 0.2)
    >>> noisy = np.round(np.where(time_s < 80.0, -20.0, 30.0) + 4.0 * np.sin(1.7 * time_s**2))
    >>> found = censored(time_s, np.maximum(noisy, 0.0))
    >>> float(found.says_nothing.mean().round(1)), bool(2.0 < found.noise < 6.0)
    (0.4, True)
    """
    time, values = np.asarray(time_s, np.float64), np.asarray(reading, np.float64)
    nothing = np.zeros(values.size, np.bool_)
    known = np.flatnonzero(np.isfinite(values) & np.isfinite(time))
    time, values = time[known], values[known]
    steps = np.diff(np.unique(values))
    if not steps.size:
        return Censored(nothing, 0.0)
    lowest = values.min()
    is_lowest = values == lowest
    if _longest_run(is_lowest) < IN_A_ROW:
        return Censored(nothing, 0.0)
    block = ((time - time[0]) // BLOCK_S).astype(np.int64)
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    sizes = np.diff(starts, append=time.size)
    share = np.add.reduceat(is_lowest.astype(np.float64), starts) / sizes
    noise = _noise(values - lowest, starts, share)
    if noise <= float(steps.min()):
        return Censored(nothing, 0.0)
    if np.mean(share >= HELD) <= MOSTLY:
        held = _share_about(time, is_lowest) >= HELD
        nothing[known] = held & (values < lowest + CLEARLY * noise)
    return Censored(nothing, noise)


def _longest_run(which: BoolArray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], which, [False]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _noise(above: FloatArray, starts: NDArray[np.int64], share: FloatArray) -> float:
    """Of readings given above the lowest value: away from it if there is enough, else about it."""
    blocks = np.split(above, starts[1:])
    clear = [
        float(np.sqrt(0.5 * np.mean(np.diff(one) ** 2)))
        for one, held in zip(blocks, share, strict=True)
        if held == 0.0 and one.size >= FEWEST
    ]
    if len(clear) >= BLOCKS:
        return float(np.median(clear))
    partly = [
        _cut_off(one, held)
        for one, held in zip(blocks, share, strict=True)
        if PARTLY[0] <= held <= PARTLY[1] and one.size >= FEWEST and _flickers(one) >= FLICKERS
    ]
    return float(np.median(partly)) if len(partly) >= BLOCKS else 0.0


def _flickers(above: FloatArray) -> int:
    """How often readings leave the lowest value."""
    return int(np.sum(np.diff(above > 0.0, prepend=False)) + 1) // 2


def _cut_off(above: FloatArray, share: float) -> float:
    """Standard deviation of a normal variable of which only what is above nothing shows."""
    cut = float(ndtri(share))
    hazard = float(np.exp(-0.5 * cut**2) / np.sqrt(2.0 * np.pi)) / (1.0 - share)
    return float(above[above > 0.0].mean()) / (hazard - cut)


def _share_about(time: FloatArray, which: BoolArray) -> FloatArray:
    """Share of the readings within a block's time each way, shape (n,)."""
    total = np.concatenate(([0], np.cumsum(which)))
    first = np.searchsorted(time, time - BLOCK_S)
    last = np.searchsorted(time, time + BLOCK_S, side="right")
    return np.asarray((total[last] - total[first]) / (last - first))
