"""A .BIN log's messages, decoded by the formats the log itself declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from firmware_bridge.formats._columns import numbers
from firmware_bridge.formats._dataflash_frames import (
    CHARACTER_BYTES,
    FMT_TYPE,
    HEADER_BYTES,
    Scan,
)
from firmware_bridge.formats._vehicle_clock import NO_TIME, BootClock, Ticks, UtcPairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float64]

__all__ = ["Formats", "LogWindow", "Messages", "gps_utc_ns"]

_HUNDREDTHS, _TEN_MILLIONTHS = set("cCeE"), set("L")
_CODES = {
    "b": "i1",
    "B": "u1",
    "M": "u1",
    "h": "<i2",
    "c": "<i2",
    "H": "<u2",
    "C": "<u2",
    "i": "<i4",
    "e": "<i4",
    "L": "<i4",
    "I": "<u4",
    "E": "<u4",
    "g": "<f2",
    "f": "<f4",
    "d": "<f8",
    "q": "<i8",
    "Q": "<u8",
    "n": "S4",
    "N": "S16",
    "Z": "S64",
    "a": "S64",
}
_FMT_LAYOUT = np.dtype(
    [("type", "u1"), ("length", "u1"), ("name", "S4"), ("format", "S16"), ("columns", "S64")]
)
_REGULAR = ("ATT", "BARO", "POS", "IMU", "GPS")
_GPS_EPOCH_S = 315_964_800
_WEEK_S = 604_800
_LEAP_S = 18  # since 2017; earlier logs come out one or two seconds early, as with pymavlink
_FIX_3D = 3
_LATEST_NS = 1 << 52  # 52 days after boot; only a damaged stamp is later


class _Format(NamedTuple):
    kind: int
    layout: np.dtype[np.void]
    divisors: dict[str, float]


class Messages(NamedTuple):
    """Messages of one name, in file order, shape (n,)."""

    row: IntArray
    fields: NDArray[np.void]
    divisors: dict[str, float]
    time_ns: IntArray

    def has(self, *names: str) -> bool:
        """Whether the log's format of this message has all of these fields, as numbers."""
        return all(_is_number(self.fields.dtype, name) for name in names)

    def field(self, name: str) -> FloatArray:
        """A field as float64 in its unit; NaN where the log's format has no such field."""
        if not self.has(name):
            return np.full(self.row.size, np.nan)
        return numbers(self.fields[name]) / self.divisors.get(name, 1.0)

    def where(self, chosen: NDArray[np.bool_]) -> Messages:
        """Only some of the messages."""
        return Messages(self.row[chosen], self.fields[chosen], self.divisors, self.time_ns[chosen])


class Formats:
    """What the FMT messages met so far say.

    Notes
    -----
    Scales are those of the format characters (c, C, e, E hundredths, L 1e-7). The multipliers of
    MULT are of display units and are not applied: times stay µs or ms, pressure Pa.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, _Format] = {}
        self._names: dict[int, str] = {FMT_TYPE: "FMT"}

    def learn(self, data: NDArray[np.uint8], start: NDArray[np.int32]) -> None:
        """Take in the FMT messages that begin at `start`."""
        places = start[:, np.newaxis] + np.arange(HEADER_BYTES, HEADER_BYTES + _FMT_LAYOUT.itemsize)
        for row in data[places].view(_FMT_LAYOUT).reshape(-1):
            name = row["name"].decode("latin-1")
            characters = row["format"].decode("latin-1")
            columns = row["columns"].decode("latin-1").split(",")
            is_usable = set(characters) <= _CODES.keys() and len(columns) == len(characters)
            if not is_usable or len(set(columns)) != len(columns):
                continue
            size = HEADER_BYTES + sum(CHARACTER_BYTES[character] for character in characters)
            if size == row["length"]:
                kind = int(row["type"])
                self._by_name[name] = _format(kind, columns, characters)
                self._names[kind] = name

    def name(self, kind: int) -> str:
        """Name of a message type."""
        return self._names.get(kind, f"UNKNOWN_{kind}")

    def get(self, name: str) -> _Format | None:
        """Format of a message, None if the log declared none."""
        return self._by_name.get(name)


class LogWindow:
    """Decodes what is asked for, and only that."""

    def __init__(
        self, data: NDArray[np.uint8], scan: Scan, formats: Formats, clock: BootClock
    ) -> None:
        self._data, self._scan, self._formats, self._clock = data, scan, formats, clock
        empty = np.zeros(0, np.int64)
        ticks = Ticks(empty, empty, empty)
        for name in _REGULAR:
            sent = self._sent(name)
            if sent is not None and sent[1].size:
                row, _, boot_ns = sent
                ticks = Ticks(row, boot_ns // 1_000_000, np.full(row.size, NO_TIME))
                break
        pairs = UtcPairs(empty, empty, empty)
        sent = self._sent("GPS")
        if sent is not None and gps_time_fields(sent[1].dtype):
            row, fields, boot_ns = sent
            knows, utc_ns = gps_utc_ns(fields)
            pairs = UtcPairs(row[knows], boot_ns[knows] // 1_000_000, utc_ns // 1_000)
        clock.observe(ticks, pairs, np.full(scan.start.size, NO_TIME))

    def get(self, name: str, *numbers: str) -> Messages | None:
        """Messages of a name; None if there are none, or they lack one of these numbers."""
        sent = self._sent(name)
        if sent is None or not all(_is_number(sent[1].dtype, number) for number in numbers):
            return None
        row, fields, boot_ns = sent
        form = self._formats.get(name)
        divisors = {} if form is None else form.divisors
        return Messages(row, fields, divisors, self._clock.time_ns(row, boot_ns))

    def _sent(self, name: str) -> tuple[IntArray, NDArray[np.void], IntArray] | None:
        form = self._formats.get(name)
        if form is None:
            return None
        row = np.flatnonzero((self._scan.kind == form.kind) & self._scan.is_followed)
        if not row.size:
            return None
        first = self._scan.start[row].astype(np.int64) + HEADER_BYTES
        octets = self._data[first[:, np.newaxis] + np.arange(form.layout.itemsize)]
        fields = octets.view(form.layout).reshape(-1)
        boot_ns = _sent_boot_ns(name, fields)
        sane = boot_ns < _LATEST_NS
        return row[sane], fields[sane], boot_ns[sane]


def gps_time_fields(layout: np.dtype[np.void]) -> tuple[str, str] | None:
    """Names of the GPS week and the time of week [ms] in a GPS message, None if it has none."""
    for pair in (("GWk", "GMS"), ("Week", "TimeMS")):
        if all(_is_integer(layout, name) for name in (*pair, "Status")):
            return pair
    return None


def gps_utc_ns(fields: NDArray[np.void]) -> tuple[NDArray[np.bool_], IntArray]:
    """Which GPS rows know UTC (3-D fix, week and time of week), and UTC of those [ns]."""
    names = gps_time_fields(fields.dtype)
    if names is None:
        return np.zeros(fields.size, np.bool_), np.zeros(0, np.int64)
    week, in_week_ms = (fields[name].astype(np.int64) for name in names)
    knows = (fields["Status"] >= _FIX_3D) & (week > 0)
    utc_s = _GPS_EPOCH_S + week[knows] * _WEEK_S - _LEAP_S
    return knows, utc_s * 1_000_000_000 + in_week_ms[knows] * 1_000_000


def _sent_boot_ns(name: str, fields: NDArray[np.void]) -> IntArray:
    if _is_integer(fields.dtype, "TimeUS"):
        sent_us = np.minimum(fields["TimeUS"].astype(np.uint64), _LATEST_NS // 1_000)
        return np.asarray(sent_us.astype(np.int64) * 1_000)
    # before 2015 a GPS message had its time of week in TimeMS and boot time in T
    old = "T" if name == "GPS" else "TimeMS"
    if _is_integer(fields.dtype, old):
        return fields[old].astype(np.int64) * 1_000_000
    return np.full(fields.size, NO_TIME)


def _is_integer(layout: np.dtype[np.void], name: str) -> bool:
    return name in (layout.names or ()) and layout[name].kind in "iu"


def _is_number(layout: np.dtype[np.void], name: str) -> bool:
    return name in (layout.names or ()) and layout[name].kind in "iuf"


def _format(kind: int, columns: list[str], characters: str) -> _Format:
    layout = np.dtype(
        {"names": columns, "formats": [_CODES[character] for character in characters]}
    )
    divisors = {
        column: 100.0 if character in _HUNDREDTHS else 1e7
        for column, character in zip(columns, characters, strict=True)
        if character in _HUNDREDTHS | _TEN_MILLIONTHS
    }
    return _Format(kind, layout, divisors)
