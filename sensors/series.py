"""One kind of record as a series over the flight, and its values at the gas readings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sensors.alignment import series_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.records import RecordKind
    from sensors.streams import Stream

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

__all__ = ["Readings", "Series", "readings_of", "series_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The gas readings of a flight in order of time.

    Attributes
    ----------
    streams : list of Stream
        Of kind "gas".
    order : ndarray of int64, shape (n,)
        Sorts their joined records in time, equal times kept as they came.
    time_ns : ndarray of int64, shape (n,)
        [ns UTC], ascending.
    """

    streams: list[Stream]
    order: IntArray
    time_ns: IntArray

    @property
    def sources(self) -> str:
        """Names of the logs they come from."""
        return ", ".join(dict.fromkeys(stream.source for stream in self.streams))


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Streams of one kind that say the same thing, one after the other.

    ``is_own`` marks what gas logs recorded in the rows of their readings.
    """

    parts: list[Stream]
    is_own: bool

    @property
    def source(self) -> str:
        """Names of where it comes from."""
        return ", ".join(dict.fromkeys(part.source for part in self.parts))

    @property
    def is_gas_log(self) -> bool:
        """Whether it was recorded on a gas log's clock."""
        return self.parts[0].is_gas_log

    @property
    def time_ns(self) -> IntArray:
        """[ns UTC]."""
        return np.concatenate([part.time_ns for part in self.parts])

    @property
    def quality(self) -> NDArray[np.uint16]:
        """Bits of `Quality`."""
        return np.concatenate([part.quality for part in self.parts])

    def column(self, name: str) -> FloatArray:
        """Values of a column, NaN where missing."""
        return np.concatenate([part.column(name) for part in self.parts])

    def in_rows_of(self, readings: Readings, values: FloatArray) -> FloatArray:
        """Values from the very rows of the readings, NaN for readings of other logs.

        Parameters
        ----------
        readings : Readings
        values : ndarray, shape (m,)
            One for each record of the series.

        Returns
        -------
        ndarray, shape (n,)
        """
        cuts = np.cumsum([part.time_ns.size for part in self.parts])[:-1]
        by_part = list(zip(self.parts, np.split(values, cuts), strict=True))
        rows = []
        for stream in readings.streams:
            own = (column for part, column in by_part if _is_aligned(part, stream))
            rows.append(next(own, np.full(stream.time_ns.shape, np.nan)))
        return np.concatenate(rows)[readings.order]

    def at(self, readings: Readings, values: FloatArray, *, max_gap_s: float) -> FloatArray:
        """Values at the readings: of their own row, else between neighbours not too far apart.

        Parameters
        ----------
        readings : Readings
        values : ndarray, shape (m,)
            One for each record of the series.
        max_gap_s : float
            [s].

        Returns
        -------
        ndarray, shape (n,)
        """
        between = series_at(self.time_ns, values, readings.time_ns, max_gap_s=max_gap_s)
        if not self.is_own:
            return between
        own = self.in_rows_of(readings, values)
        return np.where(np.isfinite(own), own, between)


def readings_of(streams: list[Stream]) -> Readings:
    """Gas readings of the streams of a flight, those on UTC."""
    gases = [stream for stream in streams if stream.kind == "gas"]
    joined = np.concatenate([np.zeros(0, np.int64), *(stream.time_ns for stream in gases)])
    order = np.argsort(joined, kind="stable").astype(np.int64)
    return Readings(streams=gases, order=order, time_ns=joined[order])


def series_of(streams: list[Stream], kind: RecordKind, readings: Readings) -> list[Series]:
    """Series of one kind: all that gas logs hold in their rows as one, any other by itself."""
    wanted = [stream for stream in streams if stream.kind == kind]
    own = [stream for stream in wanted if any(_is_aligned(stream, g) for g in readings.streams)]
    others = [stream for stream in wanted if not any(stream is one for one in own)]
    series = [Series(parts=own, is_own=True)] if own else []
    return series + [Series(parts=[stream], is_own=False) for stream in others]


def _is_aligned(stream: Stream, gas: Stream) -> bool:
    return stream.source == gas.source and np.array_equal(stream.time_ns, gas.time_ns)
