"""A flight, or a gas log without positions, as a table of text.

Columns (see the design's flight CSV contract): ``time`` (ISO 8601, UTC unless it has an offset),
``latitude``, ``longitude``, ``altitude_agl_m`` or ``altitude_amsl_m``, ``wind_speed_m_s``,
``wind_from_deg``, ``temperature_c``, ``relative_humidity_pct``, ``pressure_pa``, and gas channels
named with their unit. Comma, semicolon, tab or bar between cells; blank or ``nan`` is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firmware_bridge.cells import NumberColumn, PositionCheck, TimeColumn
from firmware_bridge.table import Header, Piece, looks_like_table, pieces, read_header
from sensors.errors import FormatError
from sensors.records import RecordBatch
from sensors.units import ZERO_CELSIUS_K, parse_channel, towards_vector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from firmware_bridge.logfile import ReadReport
    from sensors.records import RecordKind

    FloatArray = NDArray[np.float64]

__all__ = ["read", "sniff"]

_ALIASES = {
    "timestamp": "time",
    "datetime": "time",
    "date_time": "time",
    "time_utc": "time",
    "timestamp_utc": "time",
    "lat": "latitude",
    "lon": "longitude",
    "lng": "longitude",
    "long": "longitude",
}
# columns of numbers that are no gas, and what their values may be
_RANGES = {
    "latitude": (-np.inf, np.inf),
    "longitude": (-np.inf, np.inf),
    "altitude_agl_m": (-500.0, 20_000.0),
    "altitude_amsl_m": (-500.0, 20_000.0),
    "wind_speed_m_s": (0.0, 150.0),
    "wind_from_deg": (-360.0, 720.0),
    "temperature_c": (-90.0, 100.0),
    "relative_humidity_pct": (0.0, 110.0),
    "pressure_pa": (10_000.0, 120_000.0),
}


def sniff(path: Path) -> bool:
    """Whether a file looks like a table of text."""
    return looks_like_table(path)


def read(path: Path, report: ReadReport) -> Iterator[RecordBatch]:
    """Records of a table, some thousand rows at a time.

    Parameters
    ----------
    path : Path
    report : ReadReport
        Told, in one line each, of cells that are no numbers, impossible positions, times that
        repeat or go back, columns that are not used, and rows that are not whole.

    Yields
    ------
    RecordBatch
        Of kinds "pose", "wind", "environment" and "gas", with the same times, on the "utc" clock.

    Raises
    ------
    FormatError
        No header, time, gas column or row; times or coordinates that cannot be read at all.
    """
    header = read_header(path)
    layout = _Layout(path, header, report)
    rows = 0
    for piece in pieces(path, header, report):
        rows += len(piece.lines)
        yield from layout.batches(piece)
    if rows == 0:
        raise FormatError(f"{path}: holds a header and no rows; give a file with readings")
    layout.close()


class _Layout:
    """What each column of one table means, and what was wrong in it so far."""

    def __init__(self, path: Path, header: Header, report: ReadReport) -> None:
        self._report = report
        self._source = path.name
        self._line = header.line
        names = [_ALIASES.get(name, name) for name in header.names]
        self._places = self._used(path, names)
        decimal_comma = header.delimiter != ","
        self._time = TimeColumn(path, report)
        self._numbers = {
            name: NumberColumn(
                path,
                header.names[place],
                limits=_RANGES.get(name, (-np.inf, np.inf)),
                decimal_comma=decimal_comma,
            )
            for name, place in self._places.items()
            if name != "time"
        }
        self._positions = PositionCheck(path)

    def batches(self, piece: Piece) -> Iterator[RecordBatch]:
        """Records of some rows."""
        time_ns, is_timed = self._time.parse(piece.columns[self._places["time"]], piece.lines)
        lines = np.array(piece.lines, np.int64)[is_timed]
        self._report.count("row", int(lines.size))
        values = {
            name: column.parse(piece.columns[self._places[name]], piece.lines)[is_timed]
            for name, column in self._numbers.items()
        }
        if "latitude" in values:
            yield self._batch("pose", time_ns, self._pose(values, lines))
        if "wind_speed_m_s" in values:
            east, north = towards_vector(values["wind_speed_m_s"], values["wind_from_deg"])
            yield self._batch("wind", time_ns, {"eastward": east, "northward": north})
        environment = _environment(values)
        if environment:
            yield self._batch("environment", time_ns, environment)
        gas = {channel: values[column] for column, (channel, _) in self._channels.items()}
        yield RecordBatch(
            kind="gas",
            source=self._source,
            time_ns=time_ns,
            columns=dict(gas),
            units=dict(self._channels.values()),
        )

    def close(self) -> None:
        """Say what was wrong; raise if too much was."""
        self._time.close()
        warnings = [column.warning() for column in self._numbers.values()]
        warnings += self._positions.warnings()
        self._report.warnings += [warning for warning in warnings if warning]

    def _used(self, path: Path, names: list[str]) -> dict[str, int]:
        where = f"{path} line {self._line}"
        found = {name: parse_channel(name) for name in names if name not in {"time", *_RANGES}}
        self._channels = {name: channel for name, channel in found.items() if channel}
        used = [name for name in names if name in {"time", *_RANGES, *self._channels}]
        repeated = next((name for name in used if used.count(name) > 1), None)
        shown = ", ".join(name for name in names if name)
        if repeated:
            raise FormatError(f'{where}: two columns are "{repeated}"; rename one of them')
        if "time" not in used:
            raise FormatError(
                f'{where}: no column "time" among {shown}; name the one with ISO 8601 times "time"'
            )
        if not self._channels:
            raise FormatError(
                f"{where}: no gas column among {shown}; name one with its unit, "
                "for example pid_ppb or co2_ppm"
            )
        halves = {"latitude", "longitude"}, {"wind_speed_m_s", "wind_from_deg"}
        alone = {name for half in halves if len(half & set(used)) == 1 for name in half}
        unused = [name for name in names if name and (name not in used or name in alone)]
        if unused:
            self._report.warnings.append(
                f"{path.name} line {self._line}: not used: {', '.join(unused)} (no unit we know in "
                "the name, or its other half is missing); a gas column ends in its unit, as pid_ppb"
            )
        return {name: names.index(name) for name in used if name not in alone}

    def _pose(
        self, values: dict[str, FloatArray], lines: NDArray[np.int64]
    ) -> dict[str, FloatArray]:
        latitude, longitude = self._positions.blanked(
            values["latitude"], values["longitude"], lines
        )
        pose = {"latitude": latitude, "longitude": longitude}
        heights = {
            "altitude_amsl_m": "altitude_amsl_m",
            "altitude_agl_m": "height_above_ground_m",
        }
        for column, field in heights.items():
            if column in values:
                pose[field] = values[column]
        return pose

    def _batch(
        self, kind: RecordKind, time_ns: NDArray[np.int64], columns: dict[str, FloatArray]
    ) -> RecordBatch:
        return RecordBatch(kind=kind, source=self._source, time_ns=time_ns, columns=dict(columns))


def _environment(values: dict[str, FloatArray]) -> dict[str, FloatArray]:
    environment = {}
    if "temperature_c" in values:
        environment["temperature"] = values["temperature_c"] + ZERO_CELSIUS_K
    if "relative_humidity_pct" in values:
        environment["relative_humidity"] = values["relative_humidity_pct"] / 100.0
    if "pressure_pa" in values:
        environment["pressure"] = values["pressure_pa"]
    return environment
