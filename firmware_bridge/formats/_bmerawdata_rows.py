"""Rows of a BME688 file as columns of numbers: the file in pieces, whatever is damaged left out."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import orjson

from firmware_bridge.logfile import SlidingWindow
from sensors.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from firmware_bridge.logfile import ReadReport

    FloatArray = NDArray[np.float64]

__all__ = ["OPTIONAL", "REQUIRED", "Rows", "rows_in"]

REQUIRED = (
    "sensor_index",
    "timestamp_since_poweron",
    "heater_profile_step_index",
    "resistance_gassensor",
)
OPTIONAL = (
    "real_time_clock",
    "temperature",
    "pressure",
    "relative_humidity",
    "label_tag",
    "error_code",
)
MOST_SENSORS = 64  # the kit has 8
MOST_STEPS = 10  # of a heater profile: the chip has registers for no more
_MOST_MS = 2**41  # 69 years

_COLUMNS, _BLOCK = b'"dataColumns"', b'"dataBlock"'
_BETWEEN = b" \t\r\n,"
_PLAIN = b"0123456789+-.eE,[] \t\r\ntrufalsn"  # of numbers, true, false and null
_ROW = re.compile(rb"\[[^\[\]]*\]")
_KEY = re.compile(rb'"key"\s*:\s*"([^"]*)"')
_CLOSE = re.compile(rb"\]\s*\]")
_LONGEST_HEAD = 1 << 20
_LONGEST_ROW = 1 << 16


class Rows(NamedTuple):
    """Some rows: a column of shape (n,) for each key, NaN where missing.

    `start` counts the rows of the file before them.
    """

    start: int
    columns: dict[str, FloatArray]


class _Step(NamedTuple):
    """What one look at the bytes gave: where to go on, and a table with a row for each row."""

    at: int
    table: FloatArray | None = None


def rows_in(report: ReadReport) -> Iterator[Rows]:
    """Whole rows of a file, some thousand at a time.

    Parameters
    ----------
    report : ReadReport
        Told of bytes that belong to no row, of rows that cannot be, and of a cut end.

    Yields
    ------
    Rows

    Raises
    ------
    FormatError
        The list of columns lacks what a reading means nothing without.
    """
    block = _Block(report)
    start = 0
    with SlidingWindow(report) as window:
        while True:
            data, at = window.data.tobytes(), 0
            while (step := block.look(data, at, window)).at > at:
                at = step.at
                if step.table is not None and len(step.table):
                    columns = block.named(step.table)
                    yield Rows(start, columns)
                    start += columns["sensor_index"].size
            if window.is_last:
                break
            window.advance(at)
    block.close()


class _Block:
    """Where in the file we are: before the rows, among them, or behind them."""

    def __init__(self, report: ReadReport) -> None:
        self._report = report
        self._keys: list[str] = []
        self._is_open = False  # rows follow
        self._is_closed = False  # the rows' bracket was closed; damage can make it seem so
        self._last_row_end: int | None = None
        self._impossible = 0

    def look(self, data: bytes, at: int, window: SlidingWindow) -> _Step:
        """Take what is whole off the bytes from `at` on; no step further asks for more bytes."""
        if not self._is_open:
            return self._head(data, at, is_last=window.is_last)
        end = data.rfind(b"]", at) + 1
        if self._is_closed:
            another = data.find(_COLUMNS, at)  # another file was put behind this one
            if another == at:
                return self._head(data, at, is_last=window.is_last)
            end = another if another >= 0 else end
        if end <= at:
            is_hopeless = len(data) - at > _LONGEST_ROW
            if is_hopeless and not self._is_closed:
                self._report.damaged_bytes += len(data) - at
            return _Step(len(data) if is_hopeless else at)
        return self._rows(data, at, end, window.start)

    def named(self, table: FloatArray) -> dict[str, FloatArray]:
        """Columns of the rows that can be."""
        columns = {
            key: table[:, self._keys.index(key)]
            if key in self._keys
            else np.full(len(table), np.nan)
            for key in (*REQUIRED, *OPTIONAL)
        }
        can_be = _is_count(columns["sensor_index"], MOST_SENSORS)
        can_be &= _is_count(columns["heater_profile_step_index"], MOST_STEPS)
        ms = columns["timestamp_since_poweron"]
        can_be &= (ms >= 0.0) & (ms < _MOST_MS)  # false for NaN
        self._impossible += int((~can_be).sum())
        return {key: column[can_be] for key, column in columns.items()}

    def close(self) -> None:
        """Say what was wrong with the rows, and whether they were cut off."""
        name = self._report.path.name
        if self._is_open and not self._is_closed and self._last_row_end is not None:
            self._report.truncated_at_byte = self._last_row_end
        if self._impossible:
            self._report.warnings.append(
                f"{name}: {self._impossible} rows left out: their sensor, heater step or time "
                "cannot be"
            )

    def _head(self, data: bytes, at: int, *, is_last: bool) -> _Step:
        block = data.find(_BLOCK, at)
        begin = data.find(b"[", block) if block >= 0 else -1
        if begin < 0:
            is_hopeless = is_last or len(data) - at > _LONGEST_HEAD
            return _Step(len(data) if is_hopeless else at)
        self._keys = self._keys_of(data[at:block])
        self._is_open, self._is_closed = True, False
        return _Step(begin + 1)

    def _keys_of(self, head: bytes) -> list[str]:
        path = self._report.path
        try:
            text = head[head.index(b"[", head.rindex(_COLUMNS)) :].decode()
            keys = [str(column["key"]) for column in json.JSONDecoder().raw_decode(text)[0]]
        except (ValueError, TypeError, KeyError, RecursionError):
            # rows of another width than there are keys are refused, so a lost key does no harm
            keys = [key.decode("ascii", "replace") for key in _KEY.findall(head)]
            told = f"{path.name}: the list of its columns is damaged, read by the keys left in it"
            self._report.warnings.append(told)
        missing = [key for key in REQUIRED if key not in keys]
        if missing:
            raise FormatError(
                f"{path}: has no column {', '.join(missing)} before its rows, and a "
                "resistance means nothing without; copy the file again, or export it with all"
            )
        return keys

    def _rows(self, data: bytes, at: int, end: int, start: int) -> _Step:
        """Values of the rows there, up to where the block is closed; the last one is whole."""
        if self._is_closed:
            return _Step(end, self._rows_one_by_one(data[at:end], start + at, is_block=False))
        at += len(data[at:end]) - len(data[at:end].lstrip(_BETWEEN))
        if data[at] == ord("]"):  # closed just behind the rows before
            self._is_closed = True
            return _Step(at + 1)
        closing = _CLOSE.search(data, at, end)
        self._is_closed = closing is not None
        last, end = (closing.start() + 1, closing.end()) if closing else (end, end)
        table = _table(data[at:last], len(self._keys))
        if table is None:
            return _Step(end, self._rows_one_by_one(data[at:last], start + at, is_block=True))
        self._last_row_end = start + last
        return _Step(end, table)

    def _rows_one_by_one(self, text: bytes, start: int, *, is_block: bool) -> FloatArray:
        rows: list[list[float]] = []
        place = damaged = 0
        for found in _ROW.finditer(text):
            row = _row(found.group(), self._keys)
            if row is None:
                continue
            rows.append(row)
            damaged += len(text[place : found.start()].translate(None, _BETWEEN))
            place = found.end()
            self._last_row_end = start + place
        damaged += len(text[place:].translate(None, _BETWEEN))
        if is_block:
            self._report.damaged_bytes += damaged
        return np.array(rows, np.float64).reshape(len(rows), len(self._keys))


def _table(text: bytes, width: int) -> FloatArray | None:
    """All rows at once; None unless every one of them is good."""
    if text.translate(None, _PLAIN):
        return None
    try:
        table = np.array(orjson.loads(b"[" + text + b"]"), np.float64)
    except (ValueError, TypeError, OverflowError):
        return None
    return table if table.ndim == 2 and table.shape[1] == width else None


def _row(text: bytes, keys: list[str]) -> list[float] | None:
    try:
        values = orjson.loads(text)
    except ValueError:
        return None
    if len(values) != len(keys):
        return None
    row = []
    for key, value in zip(keys, values, strict=True):
        is_number = value is None or isinstance(value, int | float)
        if not is_number and key in {*REQUIRED, *OPTIONAL}:
            return None
        row.append(float(value) if is_number and value is not None else np.nan)
    return row


def _is_count(values: FloatArray, most: int) -> NDArray[np.bool_]:
    return np.asarray((values >= 0) & (values < most) & (values == np.floor(values)))
