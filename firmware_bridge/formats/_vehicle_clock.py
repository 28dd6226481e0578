"""Sample times of telemetry: the autopilot's boot clock where it can be had.

A boot clock starts anew with every reboot and wraps after 49.7 days. Here it runs on: later boots
are put on the line of the first, so that one offset to UTC holds for the whole file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from firmware_bridge.logfile import ReadReport

    IntArray = NDArray[np.int64]

__all__ = ["NO_TIME", "BootClock", "ReceiverClock", "Ticks", "UtcPairs", "VehicleClock"]

NO_TIME = -1
_MS = 1_000_000
_US = 1_000
_SECOND = 1_000_000_000
_WRAP_MS = 1 << 32
_STEP_BACK_MS = -1_000  # two radios may swap messages, but not by this much
_NEIGHBOURS = 15
_TOLERANCE_NS = 2 * _SECOND
_OUTLIER_US = 10_000_000
_STRAY_NS = 30 * _SECOND
_FIRST_ROW = -(1 << 62)
_RECEIVER_STEP_NS = 2 * _SECOND


class Ticks(NamedTuple):
    """One regular message of the vehicle, in file order, shape (n,): what the clock is read from.

    `row` is the place among the vehicle's frames of the window; `received_us` is -1 if unknown.
    """

    row: IntArray
    boot_ms: IntArray
    received_us: IntArray


class UtcPairs(NamedTuple):
    """Moments the vehicle knew both clocks, in file order, shape (n,)."""

    row: IntArray
    boot_ms: IntArray
    utc_us: IntArray


class VehicleClock(Protocol):
    """Gives sample times to the messages of one window after the other."""

    name: Literal["boot", "receiver"]

    def observe(self, ticks: Ticks, utc: UtcPairs, received_us: IntArray) -> None:
        """Take in a window: regular stamps, pairs with UTC, arrival of every frame."""

    def time_ns(self, row: IntArray, boot_ns: IntArray) -> IntArray:
        """Times of frames of the window; `boot_ns` is as sent, `NO_TIME` where not sent."""


class ReceiverClock:
    """Arrival times as they were recorded: the last resort, for files that know no UTC."""

    name: Literal["boot", "receiver"] = "receiver"

    def __init__(self, report: ReadReport) -> None:
        self._report = report
        self._last_us = NO_TIME
        self._time_ns: IntArray = np.zeros(0, np.int64)

    def observe(self, ticks: Ticks, utc: UtcPairs, received_us: IntArray) -> None:  # noqa: ARG002 - one protocol
        """Take in a window."""
        repaired = _repaired(received_us, self._last_us)
        steps = np.diff(repaired, prepend=repaired[:1] if self._last_us < 0 else self._last_us)
        for place in np.flatnonzero(steps < -_RECEIVER_STEP_NS // _US):
            self._report.clock_jumps.append(
                {
                    "kind": "receiver clock set back",
                    "time_ns": int(repaired[place]) * _US,
                    "clock": self.name,
                    "seconds": float(steps[place]) / 1e6,
                }
            )
        if repaired.size:
            self._last_us = int(repaired[-1])
        self._time_ns = repaired * _US

    def time_ns(self, row: IntArray, boot_ns: IntArray) -> IntArray:  # noqa: ARG002 - one protocol
        """Arrival times of frames of the window."""
        return self._time_ns[row]


class BootClock:
    """Nanoseconds since the first boot, running on over reboots and wraps.

    Notes
    -----
    After a reboot the new line is fixed by UTC where the window holds a pair of both boots, else
    by the arrival times. A message without a stamp gets its arrival time plus the median
    difference (boot - arrival) of the 15 stamped messages around it, so that the delay of the link
    falls out.
    """

    name: Literal["boot", "receiver"] = "boot"

    def __init__(self, report: ReadReport) -> None:
        self._report = report
        self._utc_minus_boot_ns: int | None = None
        self._boots = [_Boot(_FIRST_ROW, _FIRST_ROW, 0, 0)]
        empty = np.zeros(0, np.int64)
        self._raw_tail = Ticks(empty, empty, empty)
        self._tick_row = self._tick_ns = self._arrival_lag_ns = self._received_us = empty

    def observe(self, ticks: Ticks, utc: UtcPairs, received_us: IntArray) -> None:
        """Take in a window."""
        self._received_us = received_us
        before = self._raw_tail
        ticks = _without_spikes(ticks)
        raw = Ticks(*(np.concatenate(pair) for pair in zip(before, ticks, strict=True)))
        self._split_at_reboots(raw, utc, known=before.row.size)
        line_ns = self._on_line(raw.row, raw.boot_ms * _MS)
        line_ns[: before.row.size] = self._tick_ns[self._tick_ns.size - before.row.size :]
        self._remember_arrivals(raw, line_ns)
        tail = Ticks(*(column[-_NEIGHBOURS:] for column in raw))
        self._raw_tail = tail._replace(row=np.arange(-tail.row.size, 0))

    def time_ns(self, row: IntArray, boot_ns: IntArray) -> IntArray:
        """Boot times of frames of the window; from their arrival where none was sent."""
        line_ns = self._on_line(row, boot_ns)
        believed = (boot_ns != NO_TIME) & ~self._is_stray(row, line_ns)
        if believed.all():
            return line_ns
        return np.where(believed, line_ns, self._from_arrival(row))

    def _is_stray(self, row: IntArray, line_ns: IntArray) -> NDArray[np.bool_]:
        """Whether a stamp lies far outside those before and after it: only damage does that."""
        stray = np.zeros(row.size, np.bool_)
        if self._tick_row.size > 1:
            low, high = self._neighbours(row)
            stray = (line_ns < low - _STRAY_NS) | (line_ns > high + _STRAY_NS)
            stray &= (row > self._tick_row[0]) & (row < self._tick_row[-1])
        return stray

    def _from_arrival(self, row: IntArray) -> IntArray:
        received_us = self._received_us[row]
        if not self._tick_row.size:
            return np.zeros(row.size, np.int64)
        lag_ns = np.interp(row, self._tick_row, self._arrival_lag_ns).astype(np.int64)
        time_ns = received_us * _US + lag_ns
        low, high = self._neighbours(row)
        is_off = (received_us < 0) | (time_ns < low - _TOLERANCE_NS)
        is_off |= time_ns > high + _TOLERANCE_NS
        return np.where(is_off, low + (high - low) // 2, time_ns)

    def _neighbours(self, row: IntArray) -> tuple[IntArray, IntArray]:
        """Times of the ticks before and after each row."""
        after = np.minimum(np.searchsorted(self._tick_row, row), self._tick_row.size - 1)
        low = self._tick_ns[np.maximum(after - 1, 0)]
        return low, np.maximum(self._tick_ns[after], low)

    def _on_line(self, row: IntArray, boot_ns: IntArray) -> IntArray:
        line_ns = boot_ns + self._boots[0].offset_ns
        for boot in self._boots[1:]:
            is_after = _is_of_new_boot(boot, row, boot_ns)
            line_ns = np.where(is_after, boot_ns + boot.offset_ns, line_ns)
        return line_ns

    def _split_at_reboots(self, raw: Ticks, utc: UtcPairs, *, known: int) -> None:
        steps_ms = np.diff(raw.boot_ms)
        breaks = np.flatnonzero(steps_ms < _STEP_BACK_MS) + 1
        boots = [_Boot(_FIRST_ROW, _FIRST_ROW, 0, self._boots[-1].offset_ns)]
        for place in breaks[breaks >= max(known, 1)].tolist():
            middle_ns = int(raw.boot_ms[place - 1] + raw.boot_ms[place]) * _MS // 2
            boots.append(_Boot(int(raw.row[place]), int(raw.row[place - 1]), middle_ns, 0))
        self._anchor(utc, boots, 0)
        for number, place in enumerate(breaks[breaks >= max(known, 1)].tolist(), start=1):
            step_ms = int(steps_ms[place - 1])
            before_ns = boots[number - 1].offset_ns
            if step_ms < -_WRAP_MS // 2:
                boots[number] = boots[number]._replace(offset_ns=before_ns + _WRAP_MS * _MS)
                continue
            offset_ns = _offset_after_reboot(raw, place, before_ns)
            boots[number] = boots[number]._replace(offset_ns=offset_ns)
            self._anchor(utc, boots, number)
            self._report.clock_jumps.append(
                {
                    "kind": "autopilot rebooted",
                    "time_ns": int(raw.boot_ms[place]) * _MS + boots[number].offset_ns,
                    "clock": self.name,
                    "seconds": step_ms / 1e3,
                }
            )
        self._boots = boots

    def _anchor(self, utc: UtcPairs, boots: list[_Boot], number: int) -> None:
        """Fix the line of a boot by its UTC pairs, or, for the first, learn where UTC lies."""
        boot_ns = utc.boot_ms * _MS
        own = np.ones(utc.row.size, np.bool_)
        if number > 0:
            own &= _is_of_new_boot(boots[number], utc.row, boot_ns)
        if number + 1 < len(boots):
            own &= ~_is_of_new_boot(boots[number + 1], utc.row, boot_ns)
        if not own.any():
            return
        # an exact middle: np.median would round 1e18 ns to a float
        differences = np.sort(utc.utc_us[own] * _US - boot_ns[own])
        utc_minus_raw_ns = int(differences[differences.size // 2])
        if self._utc_minus_boot_ns is None:
            self._utc_minus_boot_ns = utc_minus_raw_ns - boots[number].offset_ns
        elif number > 0:
            offset_ns = utc_minus_raw_ns - self._utc_minus_boot_ns
            boots[number] = boots[number]._replace(offset_ns=offset_ns)

    def _remember_arrivals(self, raw: Ticks, line_ns: IntArray) -> None:
        self._tick_row, self._tick_ns = raw.row, line_ns
        has_stamp = raw.received_us >= 0
        lag_ns = line_ns - raw.received_us * _US
        if not has_stamp.any():
            self._arrival_lag_ns = np.zeros(lag_ns.size, np.int64)
            return
        filled = np.interp(raw.row, raw.row[has_stamp], lag_ns[has_stamp])
        self._arrival_lag_ns = _running_median(filled.astype(np.int64), _NEIGHBOURS)


class _Boot(NamedTuple):
    """One run of the autopilot within a window.

    It begins between the ticks at `row_before` and `row`; between them a stamp before `middle_ns`
    is of the new run.
    """

    row: int
    row_before: int
    middle_ns: int
    offset_ns: int


def _is_of_new_boot(boot: _Boot, row: IntArray, boot_ns: IntArray) -> NDArray[np.bool_]:
    between = (row > boot.row_before) & (row < boot.row)
    is_new: NDArray[np.bool_] = (row >= boot.row) | (between & (boot_ns < boot.middle_ns))
    return is_new


def _offset_after_reboot(raw: Ticks, place: int, offset_ns: int) -> int:
    """Offset of a new boot by arrival times; just after the old boot where they fail."""
    was_ns = int(raw.boot_ms[place - 1]) * _MS + offset_ns
    passed_ns = int(raw.received_us[place] - raw.received_us[place - 1]) * _US
    has_stamps = raw.received_us[place] >= 0 and raw.received_us[place - 1] >= 0
    if not has_stamps or passed_ns < 0:
        passed_ns = 0
    return was_ns + passed_ns - int(raw.boot_ms[place]) * _MS


def _without_spikes(ticks: Ticks) -> Ticks:
    """Ticks but those far from both sides: a damaged stamp is no reboot."""
    if (np.diff(ticks.boot_ms) >= _STEP_BACK_MS).all():
        return ticks
    is_near = np.abs(ticks.boot_ms - _running_median(ticks.boot_ms, 5)) <= -_STEP_BACK_MS
    return Ticks(*(column[is_near] for column in ticks))


def _repaired(received_us: IntArray, last_us: int) -> IntArray:
    """Arrival times with damaged ones replaced by their neighbours'."""
    known = received_us >= 0
    if not known.any():
        return np.full(received_us.size, max(last_us, 0), np.int64)
    latest = np.maximum.accumulate(np.where(known, np.arange(received_us.size), -1))
    filled = received_us[np.where(latest < 0, np.argmax(known), latest)]
    if np.abs(np.diff(filled)).max(initial=0) < _OUTLIER_US:
        return filled
    middle = _running_median(filled, 5)
    return np.where(np.abs(filled - middle) > _OUTLIER_US, middle, filled)


def _running_median(values: IntArray, width: int) -> IntArray:
    padded = np.pad(values, width // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    middle: IntArray = np.partition(windows, width // 2, axis=-1)[:, width // 2]
    return middle
