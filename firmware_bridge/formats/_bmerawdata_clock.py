"""UTC of a BME688 board's milliseconds: its Unix seconds against them, one power-on at a time.

A Unix stamp is cut to whole seconds, so it tells most where it changes: that second began
between the row before and this one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

__all__ = ["BoardClock", "Fit", "fit"]

_EARLIEST_S, _LATEST_S = 1_420_070_400, 4_102_444_800  # 2015 to 2100: else the clock was not set
_BACK_MS = 1000.0  # rows of several sensors may be out of order by less
_LEAP_MS = 60_000.0
_SAME_MS = 1500.0  # two stamps of one clock differ by less than a second for their cut
_MOST_SKEW = 2e-4  # of two crystals
_MOST_POINTS = 300  # whose slopes are taken two by two
_RECENT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A board's clock: unix_ms = ms + offset_ms + skew * (ms - middle_ms).

    Attributes
    ----------
    offset_ms, middle_ms, skew : float
    sigma_s : float
        Standard deviation of a time [s], without what the board's clock itself was off.
    seconds : int
        How many whole seconds it rests on.
    apart : int
        How many more said something else.
    apart_s : float
        By how much at most [s].
    """

    offset_ms: float
    middle_ms: float
    skew: float
    sigma_s: float
    seconds: int
    apart: int
    apart_s: float

    def unix_ms(self, ms: FloatArray) -> FloatArray:
        """Time since 1970 [ms]."""
        return ms + self.offset_ms + self.skew * (ms - self.middle_ms)


@dataclass(slots=True)
class _PowerOn:
    """Moments at which a second began: time since power-on, Unix time, least time before it."""

    last_offset_ms: float | None = None
    settled_ms: float = -np.inf
    ms: list[FloatArray] = field(default_factory=list)
    unix_s: list[FloatArray] = field(default_factory=list)
    within_ms: list[FloatArray] = field(default_factory=list)


class BoardClock:
    """Takes in all rows once; then tells the time of each.

    The order of the rows is what tells one power-on from the next, so they are told by number.
    """

    def __init__(self) -> None:
        self._power_ons: list[_PowerOn] = []
        self._starts: list[int] = []  # number of the first row of a run, and ...
        self._owners: list[int] = []  # ... the power-on it belongs to
        self._last_ms = np.nan
        self._last_stamped: tuple[float, float] | None = None  # ms and Unix time, of this run
        self._rows = 0

    def add(self, ms: FloatArray, unix_s: FloatArray) -> None:
        """Take in the next rows: time since power-on [ms], Unix time [s], NaN or 0 if missing."""
        if not ms.size:
            return
        stamps = np.where((unix_s >= _EARLIEST_S) & (unix_s < _LATEST_S), np.floor(unix_s), np.nan)
        step = np.diff(ms, prepend=self._last_ms)
        is_start = (step < -_BACK_MS) | (step > _LEAP_MS) | np.isnan(step)
        edges = [0, *np.flatnonzero(is_start).tolist(), ms.size]
        for begin, end in pairwise(edges):
            if begin == end:
                continue
            if is_start[begin]:
                self._starts.append(self._rows + begin)
                self._owners.append(self._owner(ms[begin:end], stamps[begin:end]))
                self._last_stamped = None
            self._take(self._power_ons[self._owners[-1]], ms[begin:end], stamps[begin:end])
        self._rows += ms.size
        self._last_ms = float(ms[-1])

    def fits(self) -> list[Fit | None]:
        """Each power-on's clock, None for one that never knew the time."""
        return [
            fit(*(np.concatenate(part) for part in (one.ms, one.unix_s, one.within_ms)))
            if one.ms
            else None
            for one in self._power_ons
        ]

    def power_on_of(self, rows: IntArray) -> IntArray:
        """Power-on, from 0, that rows belong to by their number in the file."""
        place = np.searchsorted(np.array(self._starts, np.int64), rows, side="right") - 1
        return np.array(self._owners, np.int64)[place]

    def _owner(self, ms: FloatArray, stamps: FloatArray) -> int:
        """The power-on that a run of rows goes on with, or a new one."""
        known = np.flatnonzero(np.isfinite(stamps))
        newest = range(len(self._power_ons) - 1, max(-1, len(self._power_ons) - 1 - _RECENT), -1)
        for number in newest:
            earlier = self._power_ons[number]
            if known.size and earlier.last_offset_ms is not None:
                offset_ms = 1e3 * stamps[known[0]] - ms[known[0]]
                if abs(offset_ms - earlier.last_offset_ms) < _SAME_MS:
                    return number
            elif ms[0] >= earlier.settled_ms - _BACK_MS:
                return number
        self._power_ons.append(_PowerOn())
        return len(self._power_ons) - 1

    def _take(self, power_on: _PowerOn, ms: FloatArray, stamps: FloatArray) -> None:
        if ms.size > 2:  # one or two rows may be damage
            power_on.settled_ms = float(ms.max())
        known = np.isfinite(stamps)
        at, said = ms[known], stamps[known]
        if not at.size:
            return
        ms_before, said_before = self._last_stamped or (at[0] - 1e3, np.nan)
        gap = np.minimum(np.diff(at, prepend=ms_before), 1e3)
        change = np.diff(said, prepend=said_before)
        began = (change != 0) & (gap > 0)  # NaN != 0: the first row counts, and says little
        power_on.ms.append(at[began])
        power_on.unix_s.append(said[began])
        # a clock that leapt began its second at any time before
        power_on.within_ms.append(np.where(change[began] == 1, gap[began], 1e3))
        power_on.last_offset_ms = float(1e3 * said[-1] - at[-1])
        self._last_stamped = (float(at[-1]), float(said[-1]))


def fit(ms: FloatArray, unix_s: FloatArray, within_ms: FloatArray) -> Fit:
    """The clock that most moments agree with.

    Parameters
    ----------
    ms : ndarray, shape (n,)
        Time since power-on [ms].
    unix_s : ndarray, shape (n,)
        Unix time cut to whole seconds [s].
    within_ms : ndarray, shape (n,)
        That second began less than this before [ms].

    Returns
    -------
    Fit

    Notes
    -----
    Of the moments within the two seconds that hold the most of them. Skew is the median slope
    (Sen 1968, doi:10.1080/01621459.1968.10480934), or none where so few moments cannot tell. Each
    moment allows offsets up to `within_ms` later than it says; the offset is the middle of what
    nine in ten allow. Rows in step with the seconds never narrow that, and sigma says so.

    Examples
    --------
    >>> told = fit(np.array([400.0, 1410.0]), np.array([2e9, 2e9 + 1]), np.array([20.0, 20.0]))
    >>> float(told.unix_ms(np.array([400.0]))[0] - 2e12), round(told.sigma_s, 3)
    (5.0, 0.003)
    """
    offset = 1e3 * unix_s - ms
    base = float(offset[0])  # 1.7e12 ms leave a float a quarter of a microsecond
    offset = offset - base
    order = np.argsort(ms, kind="stable")
    rough = _local_slope(ms[order], offset[order])
    middle = float(np.median(ms))
    flat = offset - rough * (ms - middle)
    agrees = np.abs(flat - _densest(flat)) <= 1e3
    sharp = agrees & (within_ms <= 2.0 * np.median(within_ms[agrees]))
    x, y = ms[sharp] - middle, offset[sharp] + 0.5 * within_ms[sharp]
    noise = float(np.median(within_ms[sharp])) / np.sqrt(12.0)
    skew = 0.0
    if x.size >= 5 and np.ptp(x) * _MOST_SKEW > noise:
        skew = _slope(x, y)
    early = offset[sharp] - skew * x
    # few may say what none allows; that many do shows a clock read late
    share = 1.0 if x.size < 10 else 0.9
    low = float(np.quantile(early, share))
    high = float(np.quantile(early + within_ms[sharp], 1.0 - share))
    apart = np.abs(flat - float(np.median(flat[agrees])))[~agrees]
    return Fit(
        offset_ms=base + 0.5 * (low + high),
        middle_ms=middle,
        skew=skew,
        sigma_s=max(abs(high - low) / 12.0**0.5, 1.0) / 1e3,
        seconds=int(agrees.sum()),
        apart=int((~agrees).sum()),
        apart_s=float(apart.max(initial=0.0)) / 1e3,
    )


def _local_slope(x: FloatArray, y: FloatArray) -> float:
    """Median slope over about a minute: steps of the clock touch few of them."""
    lag = min(60, x.size // 2)
    if lag < 10:
        return 0.0
    run = x[lag:] - x[:-lag]
    slopes = (y[lag:] - y[:-lag])[run > 0] / run[run > 0]
    slope = float(np.median(slopes)) if slopes.size else 0.0
    return slope if abs(slope) < 0.01 else 0.0


def _densest(values: FloatArray) -> float:
    """Middle of the two seconds that hold the most values [ms]."""
    ranked = np.sort(values)
    ends = np.searchsorted(ranked, ranked + 2e3, side="right")
    first = int(np.argmax(ends - np.arange(ranked.size)))
    return float(np.median(ranked[first : ends[first]]))


def _slope(x: FloatArray, y: FloatArray) -> float:
    order = np.argsort(x)
    chosen = order[np.linspace(0, x.size - 1, min(x.size, _MOST_POINTS)).round().astype(int)]
    first, second = np.triu_indices(chosen.size, 1)
    run = x[chosen[second]] - x[chosen[first]]
    rise = y[chosen[second]] - y[chosen[first]]
    slopes = rise[run > 0] / run[run > 0]
    return float(np.median(slopes)) if slopes.size else 0.0
