"""A .ulg log window by window: messages, subscriptions, records, drop-outs, appended parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firmware_bridge.formats._columns import event_batch
from firmware_bridge.formats._ulog_frames import HEADER_BYTES, Scan, find_messages
from firmware_bridge.formats._ulog_records import FlightRecords
from firmware_bridge.formats._ulog_window import Definitions, LogWindow
from firmware_bridge.logfile import ReadReport, SlidingWindow
from sensors.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sensors.records import RecordBatch

__all__ = ["read"]

_FILE_HEADER_BYTES = 16
_APPENDED = 1  # incompatible flag 0: data follow at the offsets given
_FLAG_BYTES = 40
_FORMAT, _SUBSCRIPTION, _FLAGS, _DROPOUT, _TEXT = b"FABOL"


def read(report: ReadReport) -> Iterator[RecordBatch]:
    """Records of a .ulg log; see `firmware_bridge.formats.ulog.read`."""
    log = _Log(report)
    with SlidingWindow(report) as window:
        log.read_flags(window.data)
        position = _FILE_HEADER_BYTES
        while window.data.size > position or not window.is_last:
            segment, is_last = log.segment(window)
            scan = log.scan(segment, position, is_last=is_last)
            yield from log.batches(segment, scan)
            if is_last:
                log.account_for_tail(window, segment, scan)
            consumed = segment.size if is_last else scan.position
            position = 0
            window.advance(consumed)
    log.warn()


class _Log:
    """What is known of the log while it is being read."""

    def __init__(self, report: ReadReport) -> None:
        self._report = report
        self._definitions = Definitions()
        self._records = FlightRecords()
        self._appended: list[int] = []
        self._time_ns = 0
        self._dropouts_ms: list[int] = []
        self._knows_utc = False

    def read_flags(self, data: NDArray[np.uint8]) -> None:
        """Take in the flags that may be the first message."""
        head = data[_FILE_HEADER_BYTES : _FILE_HEADER_BYTES + HEADER_BYTES + _FLAG_BYTES].tobytes()
        if len(head) < HEADER_BYTES + _FLAG_BYTES or head[2] != _FLAGS:
            return
        incompatible = head[HEADER_BYTES + 8 : HEADER_BYTES + 16]
        if incompatible[0] & ~_APPENDED or any(incompatible[1:]):
            raise FormatError(
                f"{self._report.path}: uses a feature of ULog we do not know (flags "
                f"{incompatible.hex()}); convert it with an older version of the log tools"
            )
        if incompatible[0] & _APPENDED:
            offsets = np.frombuffer(head[HEADER_BYTES + 16 :], "<u8").tolist()
            self._appended = sorted(offset for offset in offsets if offset > 0)

    def segment(self, window: SlidingWindow) -> tuple[NDArray[np.uint8], bool]:
        """The part of the window before data were appended, and whether it ends a segment."""
        while self._appended and self._appended[0] <= window.start:
            del self._appended[0]
        if self._appended and self._appended[0] <= window.start + window.data.size:
            return window.data[: self._appended[0] - window.start], True
        return window.data, window.is_last

    def scan(self, data: NDArray[np.uint8], position: int, *, is_last: bool) -> Scan:
        """All messages of a segment; definitions are learnt on the way."""
        parts = []
        while True:
            part = find_messages(data, self._definitions.sizes, position=position, is_last=is_last)
            self._learn(data, part)
            parts.append(part)
            position = part.position
            if part.asks_for < 0:
                break
            if self._definitions.sizes.most[part.asks_for] == 0:
                self._definitions.accept_any_size(part.asks_for)
        return Scan(
            np.concatenate([part.start for part in parts]),
            np.concatenate([part.kind for part in parts]),
            np.concatenate([part.topic for part in parts]),
            position,
            sum(part.damaged_bytes for part in parts),
            -1,
        )

    def batches(self, data: NDArray[np.uint8], scan: Scan) -> Iterator[RecordBatch]:
        """Count the messages of a segment and yield their records."""
        counts = np.bincount(scan.topic[scan.topic >= 0], minlength=1)
        for message_id in np.flatnonzero(counts).tolist():
            self._report.count(self._definitions.name(message_id), int(counts[message_id]))
        self._report.damaged_bytes += scan.damaged_bytes
        window = LogWindow(data, scan.start, scan.topic, self._definitions)
        for batch in self._records.batches(window):
            self._knows_utc |= batch.kind == "clock"
            yield batch
        events = event_batch("log", self._events(data, scan))
        if events is not None:
            yield events

    def account_for_tail(
        self, window: SlidingWindow, segment: NDArray[np.uint8], scan: Scan
    ) -> None:
        """Bytes after the last whole message of a segment."""
        end = min(_FILE_HEADER_BYTES, segment.size) if window.start == 0 else 0
        if scan.start.size:
            end = int(scan.start[-1]) + _message_bytes(segment, int(scan.start[-1]))
        tail = segment[end:]
        # where data were appended, the log had been cut off: that is in order
        is_end = window.is_last and segment.size == window.data.size
        if tail.size and (tail.size < HEADER_BYTES or _message_bytes(tail, 0) > tail.size):
            self._report.damaged_bytes -= min(tail.size, scan.damaged_bytes)
            if is_end:
                self._report.truncated_at_byte = window.start + end

    def warn(self) -> None:
        """Say what the reader of the report must know."""
        path = self._report.path
        if self._dropouts_ms:
            self._report.warnings.append(
                f"{path}: the logger dropped out {len(self._dropouts_ms)} times, "
                f"{sum(self._dropouts_ms) / 1e3:.1f} s in all"
            )
        if not self._knows_utc:
            self._report.warnings.append(f"{path}: no GPS time in it, times count from boot")

    def _learn(self, data: NDArray[np.uint8], part: Scan) -> None:
        for start, kind in _chosen(part, (_FORMAT, _SUBSCRIPTION)):
            payload = _payload(data, start)
            if kind == _FORMAT:
                self._definitions.learn_format(payload)
            else:
                self._definitions.subscribe(payload)

    def _events(self, data: NDArray[np.uint8], scan: Scan) -> Iterator[tuple[int, str, str]]:
        """Texts and drop-outs; the latter happened at the time of the data before them."""
        is_data = np.flatnonzero(scan.topic >= 0)
        places = scan.start[is_data]
        for start, kind in _chosen(scan, (_DROPOUT, _TEXT)):
            payload = _payload(data, start)
            if kind == _DROPOUT:
                before = int(np.searchsorted(places, start)) - 1
                if before >= 0:
                    stamp = _payload(data, int(places[before]))[2:10]
                    self._time_ns = _time_ns(stamp, self._time_ns)
                lasted_ms = int.from_bytes(payload[:2], "little")
                self._dropouts_ms.append(lasted_ms)
                self._report.count("DROPOUT")
                yield self._time_ns, "dropout", f"{lasted_ms / 1e3:.3f} s not logged"
            elif len(payload) > 9:
                self._report.count("LOGGING")
                self._time_ns = _time_ns(payload[1:9], self._time_ns)
                yield self._time_ns, "text", payload[9:].decode("utf-8", "replace")


def _chosen(scan: Scan, kinds: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    rows = np.flatnonzero(np.isin(scan.kind, kinds))
    return zip(scan.start[rows].tolist(), scan.kind[rows].tolist(), strict=True)


def _message_bytes(data: NDArray[np.uint8], start: int) -> int:
    return HEADER_BYTES + int(data[start]) + 256 * int(data[start + 1])


def _payload(data: NDArray[np.uint8], start: int) -> bytes:
    return data[start + HEADER_BYTES : start + _message_bytes(data, start)].tobytes()


def _time_ns(stamp: bytes, before_ns: int) -> int:
    """Time of a stamp [µs]; the one before where it is damaged."""
    stamp_us = int.from_bytes(stamp, "little")
    return stamp_us * 1_000 if 0 < stamp_us < 1 << 52 else before_ns
