"""Cells of a table as times, numbers and positions; one warning per column for what is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firmware_bridge.iso_time import NO_TIME, parse_times
from sensors.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from firmware_bridge.logfile import ReadReport

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

__all__ = ["NumberColumn", "PositionCheck", "TimeColumn"]

_MISSING = frozenset({"", "nan", "na", "n/a", "null", "none"})
_MOST_JUMPS = 100  # listed one by one; the warning counts them all


class NumberColumn:
    """A column of numbers. Blank is missing; text, infinity and what is out of range become NaN."""

    def __init__(
        self, path: Path, name: str, *, limits: tuple[float, float], decimal_comma: bool
    ) -> None:
        self._where = path.name
        self._name = name
        self._limits = limits
        self._decimal_comma = decimal_comma
        self._bad = 0
        self._first = ""

    def parse(self, cells: Sequence[str], lines: Sequence[int]) -> FloatArray:
        """Values of some cells; `lines` are their lines in the file."""
        try:
            values = np.array([float(cell) if cell else np.nan for cell in cells], np.float64)
        except ValueError:
            values = self._one_by_one(cells, lines)
        if any("_" in cell for cell in cells):  # float() takes 1_000 for a number
            values = self._one_by_one([cell.replace("_", "?") for cell in cells], lines)
        low, high = self._limits
        is_off = np.isinf(values) | (values < low) | (values > high)
        for place in np.flatnonzero(is_off).tolist():
            self._note(cells[place], lines[place])
        return np.where(is_off, np.nan, values)

    def warning(self) -> str | None:
        """One line on what was wrong in the column so far, if anything was."""
        if not self._bad:
            return None
        low, high = self._limits
        allowed = "a number" if np.isinf(low) else f"a number in {low:g}..{high:g}"
        return (
            f"{self._where} {self._first} is not {allowed}; {self._bad} such cell(s) read as "
            "missing, correct or blank them"
        )

    def _one_by_one(self, cells: Sequence[str], lines: Sequence[int]) -> FloatArray:
        values = np.full(len(cells), np.nan)
        for place, cell in enumerate(cells):
            text = cell.strip()
            if text.lower() in _MISSING:
                continue
            if self._decimal_comma and "." not in text:
                text = text.replace(",", ".")
            try:
                values[place] = float(text)
            except ValueError:
                self._note(cell, lines[place])
        return values

    def _note(self, cell: str, line: int) -> None:
        self._bad += 1
        self._first = self._first or f"line {line}: {self._name} {cell.strip()[:40]!r}"


class TimeColumn:
    """The column of times; rows without one are left out, for they have no place in a flight."""

    def __init__(self, path: Path, report: ReadReport) -> None:
        self._path = path
        self._report = report
        self._rows = 0
        self._last_ns: int | None = None
        # what -> how often, first line
        self._found: dict[str, tuple[int, int]] = {}
        self._example = ""

    def parse(self, cells: Sequence[str], lines: Sequence[int]) -> tuple[IntArray, BoolArray]:
        """Times of the rows that have one [ns UTC], and which rows those are."""
        times = parse_times(cells)
        is_timed = times != NO_TIME
        self._rows += len(cells)
        if not is_timed.all():
            first = int(np.argmin(is_timed))
            self._example = self._example or cells[first].strip()[:40]
            self._count("unreadable", int((~is_timed).sum()), lines[first])
            if not is_timed.any() and self._found["unreadable"][0] == self._rows:
                raise self._unreadable()
        times = times[is_timed]
        if times.size:
            before = times[0] if self._last_ns is None else self._last_ns
            self._compare(times, np.diff(times, prepend=before), np.array(lines)[is_timed])
            self._last_ns = int(times[-1])
        return times, is_timed

    def close(self) -> None:
        """Report what was wrong; raise if most times could not be read."""
        unreadable, line = self._found.get("unreadable", (0, 0))
        name = self._path.name
        if unreadable * 2 > self._rows:
            raise self._unreadable()
        if unreadable:
            self._report.warnings.append(
                f"{name} line {line}: time {self._example!r} is not ISO 8601; {unreadable} such "
                "row(s) left out, correct them"
            )
        if "repeated" in self._found:
            count, line = self._found["repeated"]
            self._report.warnings.append(
                f"{name} line {line}: time repeats the row before; {count} such row(s), all kept"
            )
        if "backward" in self._found:
            count, line = self._found["backward"]
            self._report.warnings.append(
                f"{name} line {line}: time goes back; {count} such row(s), rows are put in order"
            )

    def _compare(self, times: IntArray, steps: IntArray, lines: IntArray) -> None:
        start = 1 if self._last_ns is None else 0
        repeated = np.flatnonzero(steps[start:] == 0) + start
        backward = np.flatnonzero(steps < 0)
        if repeated.size:
            self._count("repeated", repeated.size, int(lines[repeated[0]]))
        if backward.size:
            self._count("backward", backward.size, int(lines[backward[0]]))
        for place in backward[: max(_MOST_JUMPS - len(self._report.clock_jumps), 0)]:
            self._report.clock_jumps.append(
                {
                    "kind": "time goes back",
                    "time_ns": int(times[place]),
                    "clock": "utc",
                    "seconds": float(steps[place]) / 1e9,
                }
            )

    def _count(self, what: str, number: int, line: int) -> None:
        count, first = self._found.get(what, (0, line))
        self._found[what] = (count + number, first)

    def _unreadable(self) -> FormatError:
        count, line = self._found["unreadable"]
        return FormatError(
            f"{self._path} line {line}: time {self._example!r} is not ISO 8601 ({count} of "
            f"{self._rows} rows); write times as 2024-05-01T12:00:00.000Z"
        )


class PositionCheck:
    """Takes positions that cannot be out of a table, and refuses one that is swapped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._given = self._impossible = self._swapped = self._zero = 0
        self._first_impossible = ""
        self._first_zero = 0

    def blanked(
        self, latitude: FloatArray, longitude: FloatArray, lines: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Latitude and longitude with both NaN where they are no position."""
        is_given = np.isfinite(latitude) & np.isfinite(longitude)
        is_zero = is_given & (latitude == 0.0) & (longitude == 0.0)
        # longitudes of 0..360 are a custom, not a fault
        is_off = is_given & ((np.abs(latitude) > 90.0) | (longitude < -180.0) | (longitude > 360.0))
        is_swapped = is_off & (np.abs(latitude) <= 360.0) & (np.abs(longitude) <= 90.0)
        self._given += int((is_given & ~is_zero).sum())
        self._impossible += int(is_off.sum())
        self._swapped += int(is_swapped.sum())
        if is_zero.any():
            self._first_zero = self._first_zero or int(lines[np.argmax(is_zero)])
            self._zero += int(is_zero.sum())
        if is_off.any():
            row = int(np.argmax(is_off))
            self._first_impossible = self._first_impossible or (
                f"line {lines[row]}: latitude {latitude[row]:g}, longitude {longitude[row]:g}"
            )
        is_good = is_given & ~is_zero & ~is_off
        return np.where(is_good, latitude, np.nan), np.where(is_good, longitude, np.nan)

    def warnings(self) -> list[str]:
        """One line for each thing that was wrong.

        Raises
        ------
        FormatError
            Most positions are impossible.
        """
        if self._impossible * 2 > self._given:
            remedy = "give latitude in -90..90 and longitude in -180..180, in degrees"
            if self._swapped * 2 > self._given:
                remedy = "latitude and longitude look swapped; exchange the two column names"
            raise FormatError(
                f"{self._path} {self._first_impossible} is no place on Earth ({self._impossible} "
                f"of {self._given} positions); {remedy}"
            )
        found = []
        if self._impossible:
            found.append(
                f"{self._path.name} {self._first_impossible} is no place on Earth; "
                f"{self._impossible} such position(s) read as missing, correct or blank them"
            )
        if self._zero:
            found.append(
                f"{self._path.name} line {self._first_zero}: position 0, 0 means no fix; "
                f"{self._zero} such position(s) read as missing"
            )
        return found
