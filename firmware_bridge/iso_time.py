"""Times written as text (ISO 8601) as nanoseconds since 1970, UTC."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["NO_TIME", "parse_times"]

NO_TIME = np.iinfo(np.int64).min  # also what numpy calls NaT
_YEARS = (1900, 2200)  # within the range of int64 nanoseconds
_DAY_S = 86_400
_PATTERN = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?"
    r"\s*(?:Z|UTC|([+-])(\d\d):?(\d\d)?)?",
    re.IGNORECASE,
)


def parse_times(cells: Sequence[str]) -> NDArray[np.int64]:
    """Times of cells, `NO_TIME` where a cell is none.

    Parameters
    ----------
    cells : sequence of str, length n
        ISO 8601, "T" or a space between date and time, fractions to any digit (cut at 1 ns).
        Without "Z" or an offset they are UTC.

    Returns
    -------
    ndarray of int64, shape (n,)
        [ns since 1970-01-01T00:00:00Z].

    Examples
    --------
    >>> parse_times(["1970-01-01T00:00:01.5Z", "1970-01-01 01:00:00+01:00"]).tolist()
    [1500000000, 0]
    >>> bool(parse_times(["tomorrow"])[0] == NO_TIME)
    True
    """
    times = _parse_alike(cells) if cells else np.zeros(0, np.int64)
    if times is not None:
        return times
    return np.fromiter((_parse_one(cell) for cell in cells), np.int64, len(cells))


def _parse_alike(cells: Sequence[str]) -> NDArray[np.int64] | None:
    """All cells at once where they are written alike and without fault, else None."""
    width = len(cells[0])
    if not 19 <= width <= 30 or any(len(cell) != width for cell in cells):
        return None
    codes = np.array(cells, f"U{width}").view(np.uint32).reshape(len(cells), width)
    end = width - 1 if (codes[:, -1] == ord("Z")).all() else width
    marks = {4: "-", 7: "-", 10: "T ", 13: ":", 16: ":", 19: "."}
    digits = codes - np.uint32(ord("0"))  # wraps below "0": then it is above 9 as well
    for place in range(end):
        allowed = marks.get(place)
        if allowed is None:
            fits = digits[:, place] <= 9
        else:
            fits = np.isin(codes[:, place], [ord(mark) for mark in allowed])
        if not fits.all():
            return None
    if end == 20:
        return None

    def number(start: int, stop: int) -> NDArray[np.int64]:
        powers = 10 ** np.arange(stop - start - 1, -1, -1, dtype=np.int64)
        return digits[:, start:stop].astype(np.int64) @ powers

    fraction = number(20, end) * 10 ** (29 - end) if end > 20 else np.zeros(len(cells), np.int64)
    fields = [number(0, 4), number(5, 7), number(8, 10), number(11, 13), number(14, 16)]
    return _composed([*fields, number(17, 19)], fraction)


def _composed(
    fields: Sequence[NDArray[np.int64]], fraction_ns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Times of years, months, days, hours, minutes and seconds; `NO_TIME` where there is none."""
    year, month, day, hour, minute, second = fields
    is_good = (year >= _YEARS[0]) & (year < _YEARS[1]) & (month >= 1) & (month <= 12)
    is_good &= (day >= 1) & (hour < 24) & (minute < 60) & (second <= 60)
    months = (np.where(is_good, year, 1970) - 1970) * 12 + np.where(is_good, month, 1) - 1
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    following = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    is_good &= day <= following - first
    seconds = (first + day - 1) * _DAY_S + hour * 3600 + minute * 60 + second
    return np.where(is_good, seconds * 1_000_000_000 + fraction_ns, NO_TIME)


def _parse_one(cell: str) -> int:
    found = _PATTERN.fullmatch(cell.strip())
    if not found or not cell.isascii():
        return NO_TIME
    *fields, fraction, sign, hours, minutes = found.groups()
    numbers = [np.array([int(text or 0)], np.int64) for text in fields]
    time_ns = int(_composed(numbers, np.array([int((fraction or "").ljust(9, "0"))]))[0])
    if time_ns == NO_TIME or not sign:
        return time_ns
    shift_ns = (int(hours) * 3600 + int(minutes or 0) * 60) * 1_000_000_000
    return time_ns - shift_ns if sign == "+" else time_ns + shift_ns
