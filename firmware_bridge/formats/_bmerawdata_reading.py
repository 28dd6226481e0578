"""Rows of a BME688 file as records: SI values with what was wrong with them, and their times."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from firmware_bridge.formats._bmerawdata_clock import BoardClock
from firmware_bridge.formats._bmerawdata_rows import Rows, rows_in
from sensors.errors import FormatError
from sensors.records import Quality, RecordBatch
from sensors.units import ZERO_CELSIUS_K

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from firmware_bridge.formats._bmerawdata_clock import Fit
    from firmware_bridge.logfile import ReadReport

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

__all__ = ["read"]

_ROWS = 10_000  # of a batch: with 80 channels 6 MB
_POOR_S = 1.0
_LARGEST_OHM = 1.0239e8  # what the chip's converter can tell ends at 102.4 megohm
# field, key, factor, offset and what the chip can read, in SI
_AIR = (
    ("temperature", "temperature", 1.0, ZERO_CELSIUS_K, (233.15, 358.15)),
    ("pressure", "pressure", 100.0, 0.0, (30_000.0, 110_000.0)),
    ("relative_humidity", "relative_humidity", 0.01, 0.0, (0.0, 1.0)),
)


def read(report: ReadReport) -> Iterator[RecordBatch]:
    """See `bmerawdata.read`."""
    if report.path.suffix.lower() == ".udf":
        raise FormatError(
            f"{report.path}: .udf files of newer BME688 firmware are not read; "
            "export it as .bmerawdata with BME AI-Studio"
        )
    board = _clock_of(report)
    records = _Records(report, board)
    told = _half(report, report.bytes_total // 2)
    for rows in rows_in(told):
        for begin in range(0, rows.columns["sensor_index"].size, _ROWS):
            part = {key: column[begin : begin + _ROWS] for key, column in rows.columns.items()}
            yield from records.batches(Rows(rows.start + begin, part))
    report.truncated_at_byte, report.damaged_bytes = told.truncated_at_byte, told.damaged_bytes
    report.warnings += told.warnings
    records.close()
    report.advance(report.bytes_total)


def _clock_of(report: ReadReport) -> BoardClock:
    board = BoardClock()
    for rows in rows_in(_half(report, 0)):
        board.add(rows.columns["timestamp_since_poweron"], rows.columns["real_time_clock"])
    return board


def _half(report: ReadReport, done_before: int) -> ReadReport:
    """A report of its own for one of the two times the file is read, each half of the way."""

    def advance(done: int, _total: int) -> None:
        report.advance(done_before + min(done, report.bytes_total) // 2)

    progress: Callable[[int, int], None] = advance
    return replace(
        report, messages={}, warnings=[], clock_jumps=[], damaged_bytes=0, progress=progress
    )


class _Records:
    """Turns rows into batches, and remembers what the rows after them need."""

    def __init__(self, report: ReadReport, board: BoardClock) -> None:
        self._report, self._board = report, board
        self._source = report.path.name
        self._fits = board.fits()
        self._is_timed = any(self._fits)
        self._channels: dict[str, str] = {}
        self._steps: dict[int, float] = {}  # last heater step of each sensor
        self._label = 0.0
        self._untimed = self._faults = self._outside = 0

    def batches(self, rows: Rows) -> Iterator[RecordBatch]:
        """Records of some rows; those whose time cannot be known are left out."""
        count = rows.columns["sensor_index"].size
        power_on = self._board.power_on_of(rows.start + np.arange(count))
        unix_ms, sigma_s = self._times(power_on, rows.columns["timestamp_since_poweron"])
        known = np.isfinite(unix_ms)
        self._untimed += int((~known).sum())
        if not known.any():
            return
        columns = {key: column[known] for key, column in rows.columns.items()}
        time_ns = np.rint(unix_ms[known]).astype(np.int64) * 1_000_000
        poor = np.where(sigma_s[known] > _POOR_S, np.uint16(Quality.CLOCK_POOR), np.uint16(0))
        self._report.count("row", time_ns.size)
        self._count_cycles(columns)
        yield self._gas(time_ns, columns, poor)
        yield self._air(time_ns, columns, poor)
        labels = self._labels(time_ns, columns["label_tag"])
        if len(labels):
            yield labels

    def close(self) -> None:
        """Say how the times were found, and what was left out or flagged."""
        name, tell = self._report.path.name, self._report.warnings.append
        if self._is_timed:
            tell(self._clock_line())
        elif self._fits:
            tell(
                f"{name}: the board never knew the time of day; its times count from power-on as "
                "if that were 1970: give the seconds to add with --offset-s"
            )
        for number, what in (
            (self._untimed, "rows left out: the board did not know the time in that power-on"),
            (self._faults, "readings left out: the board gave them an error code"),
            (self._outside, "values left out: outside what the sensor can read"),
        ):
            if number:
                tell(f"{name}: {number} {what}")

    def _clock_line(self) -> str:
        known = [fit for fit in self._fits if fit is not None]
        seconds, apart = sum(fit.seconds for fit in known), sum(fit.apart for fit in known)
        worst = max(fit.sigma_s for fit in known)
        line = (
            f"{self._report.path.name}: times are the board's own clock, {seconds} Unix seconds "
            f"against its milliseconds, known to {max(worst, 0.001):.3f} s"
        )
        if len(known) > 1:
            line += f" at worst in {len(known)} power-ons"
        if apart:
            largest = max(fit.apart_s for fit in known)
            line += f"; {apart} seconds disagree by up to {largest:.0f} s and were not used"
        return line + "; how well it was set is not known: check with --offset-s"

    def _times(self, power_on: IntArray, ms: FloatArray) -> tuple[FloatArray, FloatArray]:
        """UTC of rows [ms], NaN if unknown, and its standard deviation [s]."""
        unix_ms, sigma_s = np.full(ms.size, np.nan), np.full(ms.size, np.inf)
        for number in np.unique(power_on).tolist():
            rows = power_on == number
            fit: Fit | None = self._fits[number]
            if fit is not None:
                unix_ms[rows], sigma_s[rows] = fit.unix_ms(ms[rows]), fit.sigma_s
            elif not self._is_timed and number == 0:
                unix_ms[rows] = ms[rows]
        return unix_ms, sigma_s

    def _gas(
        self, time_ns: IntArray, columns: dict[str, FloatArray], poor: NDArray[np.uint16]
    ) -> RecordBatch:
        ohm = columns["resistance_gassensor"]
        is_fault = _is_fault(columns)
        is_outside = ~is_fault & (ohm <= 0.0)
        self._faults += int(is_fault.sum())
        self._outside += int(is_outside.sum())
        value = np.where(is_fault | is_outside | ~np.isfinite(ohm), np.nan, ohm)
        quality = poor | np.where(is_fault, np.uint16(Quality.FAULT), np.uint16(0))
        quality |= np.where(is_outside, np.uint16(Quality.OUT_OF_RANGE), np.uint16(0))
        quality |= np.where(value >= _LARGEST_OHM, np.uint16(Quality.SATURATED), np.uint16(0))
        quality |= np.where(np.isnan(value), np.uint16(Quality.MISSING), np.uint16(0))
        sensors = columns["sensor_index"].astype(np.int64)
        steps = columns["heater_profile_step_index"].astype(np.int64)
        found = np.unique(100 * sensors + steps).tolist()
        here = {f"bme688_s{one // 100}_step{one % 100}": one for one in found}
        self._channels |= dict.fromkeys(here, "ohm")
        return RecordBatch(
            kind="gas",
            source=self._source,
            time_ns=time_ns,
            columns={
                name: np.where(100 * sensors + steps == here.get(name, -1), value, np.nan)
                for name in self._channels
            },
            units=dict(self._channels),
            quality=quality,
        )

    def _air(
        self, time_ns: IntArray, columns: dict[str, FloatArray], poor: NDArray[np.uint16]
    ) -> RecordBatch:
        is_fault = _is_fault(columns)
        quality = poor | np.where(is_fault, np.uint16(Quality.FAULT), np.uint16(0))
        fields: dict[str, FloatArray] = {}
        for name, key, factor, offset, (low, high) in _AIR:
            with np.errstate(over="ignore"):  # damage can make a value too large for any unit
                value = np.where(is_fault, np.nan, columns[key] * factor + offset)
            is_outside = (value < low) | (value > high)
            self._outside += int(is_outside.sum())
            quality |= np.where(is_outside, np.uint16(Quality.OUT_OF_RANGE), np.uint16(0))
            fields[name] = np.where(is_outside | ~np.isfinite(value), np.nan, value)
        return RecordBatch(
            kind="environment",
            source=self._source,
            time_ns=time_ns,
            columns=dict(fields),
            quality=quality,
        )

    def _labels(self, time_ns: IntArray, labels: FloatArray) -> RecordBatch:
        """What the operator marked: an event where the label is another than before."""
        known = np.flatnonzero(np.isfinite(labels))
        changed = known[np.diff(labels[known], prepend=self._label) != 0]
        if known.size:
            self._label = float(labels[known[-1]])
        text = [f"label {labels[row]:g}" if labels[row] else "no label" for row in changed]
        return RecordBatch(
            kind="event",
            source=self._source,
            time_ns=time_ns[changed],
            columns={
                "kind": np.full(changed.size, "label", object),
                "text": np.array(text, object),
            },
        )

    def _count_cycles(self, columns: dict[str, FloatArray]) -> None:
        """A cycle of heating ends where the step of its sensor does not go up."""
        for sensor in np.unique(columns["sensor_index"]).tolist():
            steps = columns["heater_profile_step_index"][columns["sensor_index"] == sensor]
            before = self._steps.get(sensor, -1.0)
            ended = int((np.diff(steps, prepend=before) <= 0).sum())
            self._steps[sensor] = float(steps[-1])
            if ended:
                self._report.count("cycle", ended)


def _is_fault(columns: dict[str, FloatArray]) -> BoolArray:
    code = columns["error_code"]
    return np.asarray(np.isfinite(code) & (code != 0.0))
