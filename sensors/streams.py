"""Record batches joined into one series per source, and every series put on the vehicle's UTC."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sensors.records import Quality

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from sensors.records import Clock, RecordBatch, RecordKind

__all__ = ["Stream", "VehicleTime", "iso_utc", "join_batches", "vehicle_time"]

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """All records of one kind from one source, in file order.

    Attributes
    ----------
    kind, source, clock
        As in `RecordBatch`.
    is_gas_log : bool
        Recorded on a clock that was UTC from the start, as gas logs are by contract.
    time_ns : ndarray of int64, shape (n,)
    columns : dict of str to ndarray of float64, shape (n,)
    units : dict of str to str
    quality : ndarray of uint16, shape (n,)
    """

    kind: RecordKind
    source: str
    clock: Clock
    time_ns: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]]
    units: dict[str, str]
    quality: NDArray[np.uint16]
    is_gas_log: bool

    def column(self, name: str) -> NDArray[np.float64]:
        """Values of a column, NaN where the record is flagged missing or the column absent."""
        if name not in self.columns:
            return np.full(self.time_ns.shape, np.nan)
        is_missing = (self.quality & Quality.MISSING) != 0
        return np.where(is_missing, np.nan, self.columns[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleTime:
    """How the clocks of an autopilot log relate to UTC.

    Attributes
    ----------
    utc_minus_boot_ns : int or None
        Median over `pairs`; None if the log knows no UTC.
    pairs : int
    source : str
        Message the pairs come from.
    spread_s : float
        Half the range of the middle 90 % of the pairs [s].
    receiver_minus_utc_s : float or None
        How far the recording computer's clock was ahead of the vehicle's UTC [s].
    """

    utc_minus_boot_ns: int | None = None
    pairs: int = 0
    source: str = ""
    spread_s: float = 0.0
    receiver_minus_utc_s: float | None = None

    def on_utc(self, stream: Stream, *, offset_ns: int) -> Stream | None:
        """Return a series on UTC, or None if its clock cannot be related to it.

        `offset_ns` is added to clocks that claim UTC, those of gas logs. Receiver stamps are
        corrected where the log tells how wrong they are, and else taken as they are, flagged
        `CLOCK_POOR`.
        """
        time_ns, quality = stream.time_ns, stream.quality
        if stream.clock == "utc":
            time_ns = time_ns + offset_ns
        elif stream.clock == "boot":
            if self.utc_minus_boot_ns is None:
                return None
            time_ns = time_ns + self.utc_minus_boot_ns
        elif self.receiver_minus_utc_s is not None:
            time_ns = time_ns - round(self.receiver_minus_utc_s * _SECOND_NS)
        else:
            quality = quality | np.uint16(Quality.CLOCK_POOR)
        return replace(stream, time_ns=time_ns, quality=quality, clock="utc")


def join_batches(batches: Iterable[RecordBatch]) -> list[Stream]:
    """One series for each kind, source and clock, in order of first appearance.

    Events and clock pairs are left out.

    Parameters
    ----------
    batches : iterable of RecordBatch

    Returns
    -------
    list of Stream
    """
    groups: dict[tuple[str, str, str], list[RecordBatch]] = {}
    for batch in batches:
        if batch.kind not in {"event", "clock"} and len(batch):
            groups.setdefault((batch.kind, batch.source, batch.clock), []).append(batch)
    return [_joined(group) for group in groups.values()]


def vehicle_time(pairs: Iterable[RecordBatch]) -> VehicleTime:
    """Relation of an autopilot's clocks to UTC, from its batches of kind "clock".

    Parameters
    ----------
    pairs : iterable of RecordBatch
        ``utc_ns`` beside times on the "boot" or the "receiver" clock.

    Returns
    -------
    VehicleTime
    """
    filled = [batch for batch in pairs if len(batch)]
    boot = [batch for batch in filled if batch.clock == "boot"]
    receiver = [batch for batch in filled if batch.clock == "receiver"]
    ahead = None
    if receiver:
        ahead = -float(np.median(_utc_minus_clock(receiver))) / _SECOND_NS
    if not boot:
        return VehicleTime(receiver_minus_utc_s=ahead)
    offsets = _utc_minus_clock(boot)
    # the lower median is one of the pairs: no rounding of 1.7e18 ns in a float
    middle = int(np.partition(offsets, (offsets.size - 1) // 2)[(offsets.size - 1) // 2])
    low, high = np.quantile(offsets - middle, [0.05, 0.95])
    return VehicleTime(
        utc_minus_boot_ns=middle,
        pairs=offsets.size,
        source=boot[0].source,
        spread_s=float(high - low) / 2 / _SECOND_NS,
        receiver_minus_utc_s=ahead,
    )


def iso_utc(time_ns: int) -> str:
    """Write a time for people: whole seconds, UTC.

    Examples
    --------
    >>> iso_utc(1_670_840_060_900_000_000)
    '2022-12-12T10:14:20Z'
    """
    return f"{np.datetime64(time_ns // _SECOND_NS, 's')}Z"


def _utc_minus_clock(pairs: list[RecordBatch]) -> NDArray[np.int64]:
    utc_ns = np.concatenate([np.asarray(batch.columns["utc_ns"], np.int64) for batch in pairs])
    clock_ns = np.concatenate([batch.time_ns for batch in pairs])
    difference: NDArray[np.int64] = utc_ns - clock_ns
    return difference


def _joined(group: list[RecordBatch]) -> Stream:
    names = dict.fromkeys(name for batch in group for name in batch.columns)
    return Stream(
        kind=group[0].kind,
        source=group[0].source,
        clock=group[0].clock,
        time_ns=np.concatenate([batch.time_ns for batch in group]),
        columns={name: np.concatenate([_column(b, name) for b in group]) for name in names},
        is_gas_log=group[0].clock == "utc",
        units={name: unit for batch in group for name, unit in batch.units.items()},
        quality=np.concatenate([batch.quality for batch in group]),
    )


def _column(batch: RecordBatch, name: str) -> NDArray[np.float64]:
    if name not in batch.columns:
        return np.full(len(batch), np.nan)
    return np.asarray(batch.columns[name], np.float64)
