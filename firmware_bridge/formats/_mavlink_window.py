"""One vehicle's messages in a window of a .tlog, with their sample times."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from firmware_bridge.formats._columns import numbers
from firmware_bridge.formats._mavlink_dialect import payload_bytes
from firmware_bridge.formats._vehicle_clock import NO_TIME, Ticks, UtcPairs
from sensors.records import Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from firmware_bridge.formats._mavlink_dialect import Dialect
    from firmware_bridge.formats._mavlink_frames import FrameTable
    from firmware_bridge.formats._vehicle_clock import VehicleClock

    IntArray = NDArray[np.int64]

__all__ = ["AUTOPILOT", "Messages", "VehicleWindow", "utc_pairs"]

AUTOPILOT = 1  # component id
_UNIX_US = 1_000_000_000_000_000  # a `time_usec` beyond it counts from 1970, else from boot
_YEAR_2015_US = 1_420_070_400_000_000


class Messages(NamedTuple):
    """Messages of one name, in file order, shape (n,).

    Attributes
    ----------
    row : ndarray of int64
        Place among the vehicle's frames of the window.
    fields : structured ndarray
    time_ns : ndarray of int64
    quality : ndarray of uint16
        `INTERPOLATED` where the message carries no time of its own.
    """

    row: IntArray
    fields: NDArray[np.void]
    time_ns: IntArray
    quality: NDArray[np.uint16]

    def field(self, name: str, scale: float = 1.0) -> NDArray[np.float64]:
        """One field as float64, times `scale`."""
        return numbers(self.fields[name]) * scale


class VehicleWindow:
    """Decodes what is asked for, and only that.

    Parameters
    ----------
    data : ndarray of uint8
        The window of the file.
    frames : FrameTable
        Frames of this system id only, of all its components.
    dialect : Dialect
    clock : VehicleClock
        Is shown the window.
    """

    def __init__(
        self, data: NDArray[np.uint8], frames: FrameTable, dialect: Dialect, clock: VehicleClock
    ) -> None:
        self._data, self._frames = data, frames
        self._dialect, self._clock = dialect, clock
        ticks, pairs = _ticks(data, frames, dialect), utc_pairs(data, frames, dialect)
        clock.observe(ticks, pairs, frames.received_us)
        self.clock_name = clock.name

    def get(self, name: str, *, component: int | None = AUTOPILOT) -> Messages | None:
        """Messages of a name from one component (None: of all); None if there are none.

        What two routes delivered twice in a row is there once.
        """
        chosen = self._frames.message_id == self._dialect.identifiers[name]
        if component is not None:
            chosen &= self._frames.component == component
        row = np.flatnonzero(chosen)
        if not row.size:
            return None
        frames = self._frames.rows(row)
        fields = self._dialect.decode(name, self._data, frames)
        is_new = ~_is_copy(fields, frames.sequence)
        row, fields = row[is_new], fields[is_new]
        boot_ns = _sent_boot_ns(fields)
        quality = np.where(boot_ns == NO_TIME, Quality.INTERPOLATED, 0).astype(np.uint16)
        return Messages(row, fields, self._clock.time_ns(row, boot_ns), quality)

    def component(self, row: IntArray) -> NDArray[np.uint8]:
        """Component that sent each of some frames of the window."""
        return self._frames.component[row]

    def boot_time_ns(self, row: IntArray, boot_ns: IntArray) -> IntArray:
        """Times on the window's clock of moments that frames tell in time since boot."""
        return self._clock.time_ns(row, boot_ns)


def utc_pairs(data: NDArray[np.uint8], frames: FrameTable, dialect: Dialect) -> UtcPairs:
    """The autopilot's SYSTEM_TIME where it knows UTC: not 0, not before 2015."""
    chosen = frames.message_id == dialect.identifiers["SYSTEM_TIME"]
    row = np.flatnonzero(chosen & (frames.component == AUTOPILOT))
    fields = dialect.decode("SYSTEM_TIME", data, frames.rows(row))
    knows = (fields["time_unix_usec"] > _YEAR_2015_US) & (fields["time_unix_usec"] < 1 << 52)
    fields = fields[knows]
    return UtcPairs(
        row[knows],
        fields["time_boot_ms"].astype(np.int64),
        fields["time_unix_usec"].astype(np.int64),
    )


def _ticks(data: NDArray[np.uint8], frames: FrameTable, dialect: Dialect) -> Ticks:
    """The autopilot's most frequent message that carries ``time_boot_ms``."""
    known = np.minimum(frames.message_id, dialect.boot_time_at.size - 1)
    stamped = (dialect.boot_time_at[known] >= 0) & (frames.component == AUTOPILOT)
    row = np.flatnonzero(stamped)
    if not row.size:
        empty = np.zeros(0, np.int64)
        return Ticks(empty, empty, empty)
    commonest = int(np.bincount(known[row]).argmax())
    row = row[known[row] == commonest]
    chosen = frames.rows(row)
    octets = payload_bytes(data, chosen, int(dialect.boot_time_at[commonest]), 4)
    return Ticks(row, octets.view("<u4").reshape(-1).astype(np.int64), chosen.received_us)


def _is_copy(fields: NDArray[np.void], sequence: NDArray[np.uint8]) -> NDArray[np.bool_]:
    octets = fields.view(np.uint8).reshape(fields.size, -1)
    is_copy = np.zeros(fields.size, np.bool_)
    is_copy[1:] = (octets[1:] == octets[:-1]).all(axis=1) & (sequence[1:] == sequence[:-1])
    return is_copy


def _sent_boot_ns(fields: NDArray[np.void]) -> IntArray:
    names = fields.dtype.names or ()
    if "time_boot_ms" in names:
        return fields["time_boot_ms"].astype(np.int64) * 1_000_000
    if "time_usec" in names:
        sent_us = fields["time_usec"].astype(np.int64)
        return np.where((sent_us > 0) & (sent_us < _UNIX_US), sent_us * 1_000, NO_TIME)
    return np.full(fields.size, NO_TIME)
