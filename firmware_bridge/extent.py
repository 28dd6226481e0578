"""When and where the records of a log are: first and last, gaps, bounding box."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sensors.records import Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.records import RecordBatch

__all__ = ["LONGEST_GAP_S", "Extent", "LogUtc", "Place", "value_rows"]

LONGEST_GAP_S = 2.0
_SECOND_NS = 1_000_000_000


class LogUtc:
    """Times of any clock as text in UTC."""

    def __init__(self, utc_minus_boot_ns: int | None) -> None:
        self._utc_minus_boot_ns = utc_minus_boot_ns

    def iso(self, time_ns: int, clock: str) -> str | None:
        """ISO 8601 with milliseconds, or None if the clock's relation to UTC is unknown."""
        if clock == "boot":
            if self._utc_minus_boot_ns is None:
                return None
            time_ns += self._utc_minus_boot_ns
        return f"{np.datetime64(time_ns // 1_000_000, 'ms')}Z"


class Extent:
    """First and last sample, and the gaps between samples of a kind from a source."""

    def __init__(self) -> None:
        self.clock = ""
        self._spans: dict[bool, tuple[int, int]] = {}
        self._last_ns: dict[tuple[str, ...], int] = {}
        self._gaps: set[tuple[int, int]] = set()

    def add(self, batch: RecordBatch) -> None:
        """Take in a batch."""
        if not len(batch):
            return
        self.clock = batch.clock
        # events may carry a time from before the first sample: they count only without samples
        is_sample = batch.kind not in {"event", "clock"}
        low, high = int(batch.time_ns.min()), int(batch.time_ns.max())
        was_low, was_high = self._spans.get(is_sample, (low, high))
        self._spans[is_sample] = min(low, was_low), max(high, was_high)
        if batch.kind in {"pose", "gas"}:
            self._add_gaps(batch)

    def first_last(self) -> tuple[int, int]:
        """Times of the first and the last sample on `clock`; zeros if there is none."""
        return self._spans.get(True, self._spans.get(False, (0, 0)))

    def gaps(self, utc: LogUtc) -> list[dict[str, Any]]:
        """Gaps longer than `LONGEST_GAP_S`, in order."""
        return [
            {
                "start": utc.iso(start, self.clock),
                "end": utc.iso(end, self.clock),
                "seconds": round((end - start) / _SECOND_NS, 3),
            }
            for start, end in sorted(self._gaps)
        ]

    def _add_gaps(self, batch: RecordBatch) -> None:
        key = (batch.kind, batch.source, *batch.columns)
        times = np.sort(batch.time_ns[value_rows(batch)])
        if not times.size:
            return
        before = self._last_ns.get(key, int(times[0]))
        steps = np.diff(times, prepend=before)
        for place in np.flatnonzero(steps > LONGEST_GAP_S * _SECOND_NS).tolist():
            end = int(times[place])
            self._gaps.add((end - int(steps[place]), end))
        self._last_ns[key] = max(before, int(times[-1]))


class Place:
    """Bounding box of positions, also across the antimeridian."""

    def __init__(self) -> None:
        self._south = self._west = self._west_360 = np.inf
        self._north = self._east = self._east_360 = -np.inf

    def add(self, batch: RecordBatch) -> None:
        """Take in positions."""
        rows = value_rows(batch)
        latitude = np.asarray(batch.columns["latitude"], np.float64)[rows]
        longitude = np.asarray(batch.columns["longitude"], np.float64)[rows]
        if not latitude.size:
            return
        positive = longitude % 360.0
        self._south = min(self._south, float(latitude.min()))
        self._north = max(self._north, float(latitude.max()))
        self._west = min(self._west, float(longitude.min()))
        self._east = max(self._east, float(longitude.max()))
        self._west_360 = min(self._west_360, float(positive.min()))
        self._east_360 = max(self._east_360, float(positive.max()))

    def box(self) -> list[float] | None:
        """[west, south, east, north]; west > east across the antimeridian; None if no position."""
        if not np.isfinite(self._south):
            return None
        west, east = self._west, self._east
        if self._east_360 - self._west_360 < east - west:
            west, east = (
                (edge + 180.0) % 360.0 - 180.0 for edge in (self._west_360, self._east_360)
            )
        return [round(edge, 7) for edge in (west, self._south, east, self._north)]


def value_rows(batch: RecordBatch) -> NDArray[np.bool_]:
    """Rows that say something: a position, or a reading of any channel."""
    good: NDArray[np.bool_] = np.asarray((batch.quality & Quality.MISSING) == 0)
    if batch.kind == "pose":
        names = [name for name in ("latitude", "longitude") if name in batch.columns]
        if len(names) < 2:
            return np.zeros(len(batch), np.bool_)
        for name in names:
            good &= np.isfinite(np.asarray(batch.columns[name], np.float64))
        return good
    has_reading = np.zeros(len(batch), np.bool_)
    for column in batch.columns.values():
        has_reading |= np.isfinite(np.asarray(column, np.float64))
    return good & has_reading
