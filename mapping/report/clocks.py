"""Times of day of a flight: UTC, the Dutch clock, and the sun."""

from __future__ import annotations

import numpy as np

__all__ = ["clock", "dutch_offset_s", "is_weekend", "solar_hour"]

_HOUR_NS = 3_600_000_000_000


def clock(time_ns: int) -> str:
    """Hours and minutes of a time.

    Examples
    --------
    >>> clock(1_747_000_000_000_000_000)
    '21:46'
    """
    minutes = time_ns // 60_000_000_000 % 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def dutch_offset_s(time_ns: int) -> int:
    """What the Dutch clock is ahead of UTC [s]: one hour, two in summer.

    Notes
    -----
    Summer time runs from the last Sunday of March to that of October, 01:00 UTC
    (directive 2000/84/EC). For times before 1996 other rules held.

    Examples
    --------
    >>> [dutch_offset_s(int(np.datetime64(day, "ns").astype(np.int64)))
    ...  for day in ("2026-03-29T00:59", "2026-03-29T01:00", "2026-10-25T01:00")]
    [3600, 7200, 3600]
    """
    year = int(str(np.datetime64(time_ns, "ns").astype("datetime64[Y]")))
    begins, ends = (_last_sunday(f"{year}-{month:02d}-31") for month in (3, 10))
    return 7200 if begins <= time_ns < ends else 3600


def solar_hour(time_ns: int, longitude: float) -> float:
    """Mean solar time [h], 0 to 24.

    Examples
    --------
    >>> round(solar_hour(0, 15.0), 2), round(solar_hour(0, -15.0), 2)
    (1.0, 23.0)
    """
    return (time_ns % (24 * _HOUR_NS) / _HOUR_NS + longitude / 15.0) % 24.0


def is_weekend(time_ns: int, longitude: float) -> bool:
    """Whether it is Saturday or Sunday by the sun.

    Examples
    --------
    >>> is_weekend(0, 0.0), is_weekend(2 * 24 * 3_600_000_000_000, 5.0)  # a Thursday
    (False, True)
    """
    local = time_ns + round(longitude / 15.0 * _HOUR_NS)
    return (local // (24 * _HOUR_NS) + 3) % 7 >= 5


def _last_sunday(last_day: str) -> int:
    day = np.datetime64(last_day, "D")
    back = (int(day.astype(np.int64)) + 4) % 7  # the epoch was a Thursday
    return int((day - back).astype("datetime64[ns]").astype(np.int64)) + _HOUR_NS
