"""What was heard as a flight CSV: a row for each message, a column for each channel.

The file is whole at every moment. Where a channel appears later, or its name aboard becomes known,
the file is written anew beside itself and takes its own place in one step.
"""

from __future__ import annotations

import csv
import math
import os
import struct
from typing import TYPE_CHECKING

from drone.heard import utc_text
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from drone.heard import GasMessage

__all__ = ["ReadingsTable"]

FIRST = ["time", "latitude", "longitude", "altitude_amsl_m"]
LAST = ["device", "flags"]
# how a column's name ends, by unit on the link, and the factor to it; the reader of flight CSVs
# knows the units of gas and leaves out the others
ENDINGS = {
    "ppm": ("_ppm", 1.0),
    "ppb": ("_ppb", 1.0),
    "%vol": ("_ppm", 1e4),
    "%LEL": ("_pct_lel", 1.0),
    "ug/m3": ("_ug_m3", 1.0),
    "mg/m3": ("_mg_m3", 1.0),
    "ppm.m": ("_ppm_m", 1.0),
    "ohm": ("_ohm", 1.0),
    "V": ("_v", 1.0),
    "/cm3": ("_per_cm3", 1.0),
}


class ReadingsTable:
    """A file that grows while we watch; use it in a ``with`` statement.

    Parameters
    ----------
    path : Path
        A new file.

    Attributes
    ----------
    rows : int
        Written.
    lost : int
        Rows that could not be written.
    trouble : str
        Why the last one could not; empty if it could.

    Raises
    ------
    ConfigError
        The file exists, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = self.lost = 0
        self.trouble = ""
        self._columns: list[str] = []  # by numbers; what the file calls them changes once
        self._aboard: dict[str, str] = {}
        self._is_torn = False
        try:
            self._stream = path.open("xb", buffering=0)
            self._stream.write(_line(_header([], {})))
        except FileExistsError:
            raise ConfigError(f"{path}: exists; name a new file") from None
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written ({error.strerror})") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def add(self, message: GasMessage) -> None:
        """Write a row; one that cannot be written is counted, and the next is tried again."""
        cells: dict[str, str] = {}
        names: dict[str, str] = {}
        for reading in message.readings:
            ending, scale = ENDINGS.get(reading.unit, ("", 1.0))
            for tail, value in (("", reading.value), ("_sigma", reading.sigma)):
                column = f"{reading.channel}{ending}{tail}"
                cells[column] = _shortest(value, scale)
                names[column] = f"{reading.name}{ending}{tail}"
        try:
            new = [name for name in cells if name not in self._columns]
            if new or names != {name: self._aboard.get(name) for name in names}:
                self._rewrite(new, self._aboard | names)
            self._write(_line(self._row(message, cells)))
        except OSError as error:
            self.lost += 1
            self.trouble = error.strerror or str(error)
            return
        self.rows += 1
        self.trouble = ""

    def _row(self, message: GasMessage, cells: dict[str, str]) -> list[str]:
        flags = dict.fromkeys(flag for one in message.readings for flag in one.flags)
        if not message.is_dated:
            flags["dated_by_arrival"] = None
        devices = dict.fromkeys(str(one.device) for one in message.readings)
        return [
            utc_text(message.time_ns),
            _number(message.latitude, ".7f"),
            _number(message.longitude, ".7f"),
            _number(message.altitude_amsl_m, ".3f"),
            *(cells.get(name, "") for name in self._columns),
            " ".join(devices),
            " ".join(flags),
        ]

    def _write(self, line: bytes) -> None:
        """One row at once.

        Raises
        ------
        OSError
            It is not, or only in part, in the file.
        """
        line = b"\n" + line if self._is_torn else line
        written = self._stream.write(line)
        self._is_torn = 0 < written < len(line)
        if written < len(line):
            raise OSError(None, "no room for a whole row")

    def _rewrite(self, new: list[str], aboard: dict[str, str]) -> None:
        """Add columns, or call them by other names.

        Raises
        ------
        OSError
            The file stays as it was.
        """
        beside = self.path.with_name(self.path.name + ".new")
        blank = [""] * len(new)
        cut = len(FIRST) + len(self._columns)
        columns = [*self._columns, *new]
        try:
            with (
                self.path.open(newline="", encoding="utf-8") as old,
                beside.open("wb") as stream,
            ):
                stream.write(_line(_header(columns, aboard)))
                rows = csv.reader(old)
                next(rows, None)
                for row in rows:
                    stream.write(_line([*row[:cut], *blank, *row[cut:]]))
                stream.flush()
                os.fsync(stream.fileno())
            self._stream.close()
            try:
                beside.replace(self.path)
                self._columns, self._aboard, self._is_torn = columns, aboard, False
            finally:
                self._stream = self.path.open("ab", buffering=0)
        except OSError:
            beside.unlink(missing_ok=True)
            raise


def _header(columns: list[str], aboard: dict[str, str]) -> list[str]:
    return [*FIRST, *(aboard.get(name, name) for name in columns), *LAST]


def _shortest(value: float, scale: float) -> str:
    """As few digits as give the number back that was sent: it has the 24 bits of a float.

    >>> _shortest(0.05000000074505806, 1.0), _shortest(20.9, 1e4)
    ('0.05', '209000')
    """
    if not math.isfinite(value):
        return ""
    for digits in (6, 7, 8):
        if struct.pack("<f", float(f"{value:.{digits}g}")) == struct.pack("<f", value):
            return f"{float(f'{value:.{digits}g}') * scale:.{digits}g}"
    return f"{value * scale:.9g}"


def _number(value: float, form: str) -> str:
    return f"{value:{form}}" if math.isfinite(value) else ""


def _line(cells: list[str]) -> bytes:
    return (",".join(cells) + "\n").encode()
