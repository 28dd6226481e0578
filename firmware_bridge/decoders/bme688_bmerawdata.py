"""BME688 development kit files (``.bmerawdata``): JSON whose rows are decoded as they come.

A file that power loss has cut gives every row that is whole.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from sensors.framing import BrokenFrame, Decoder

if TYPE_CHECKING:
    from sensors.framing import Fault, Frame, Parsed

__all__ = ["decoder"]

BLOCK, COLUMNS = b'"dataBlock"', b'"dataColumns"'
BETWEEN = b" \t\r\n,"
NEEDED = ("sensor_index", "timestamp_since_poweron", "resistance_gassensor")
# key, name in si, factor and offset
_SI = (
    ("temperature", "temperature_K", 1.0, 273.15),
    ("pressure", "pressure_Pa", 100.0, 0.0),
    ("relative_humidity", "relative_humidity_fraction", 0.01, 0.0),
    ("resistance_gassensor", "resistance_ohm", 1.0, 0.0),
)


class _Decoder(Decoder):
    """Columns are found by their key: their order is not fixed."""

    longest = 1 << 20  # of all that comes before the rows, and of one row

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[str] = []
        self._is_over = False

    def parse(self, frame: bytes) -> Parsed | None:
        """One row."""
        try:
            row = json.loads(frame)
        except ValueError as error:
            raise BrokenFrame("format") from error
        if len(row) != len(self._keys) or not all(map(_is_number, row)):
            raise BrokenFrame("format")
        told: dict[str, Any] = dict(zip(self._keys, row, strict=True))
        error_code = told.get("error_code", 0)
        return "mox", {
            "valid": error_code == 0,
            "sensor_index": told["sensor_index"],
            "sensor_id": told.get("sensor_id"),
            "device_ms": told["timestamp_since_poweron"],
            "unix_s": told.get("real_time_clock") or None,
            "step": told.get("heater_profile_step_index"),
            "error_code": error_code,
            "si": {
                name: told[key] * factor + offset
                for key, name, factor, offset in _SI
                if key in told
            },
        }

    def _scan(self, *, final: bool) -> list[Frame | Fault]:
        found: list[Frame | Fault] = []
        if not self._keys and not self._is_over:
            found += self._head()
        while self._keys and not self._is_over:
            self._drop(len(self._buffer) - len(self._buffer.lstrip(BETWEEN)), garbage=False)
            if not self._buffer:
                break
            if self._buffer[0] != ord("["):
                self._is_over = self._buffer[0] == ord("]")
                if not self._is_over:
                    found.append(self._fault("format", 1))
                    self._drop(1)
                continue
            end = self._buffer.find(b"]")
            if end < 0:
                break
            found += self._row(end + 1)
        if self._is_over:
            self._drop(len(self._buffer), garbage=False)
        elif len(self._buffer) > self.longest:
            found.append(self._fault("length", len(self._buffer)))
            self._drop(len(self._buffer))
        elif final and (self._buffer or self._keys):
            found.append(self._fault("truncated", len(self._buffer)))
            self._drop(len(self._buffer))
        return found

    def _head(self) -> list[Frame | Fault]:
        """Names of the columns, once the rows begin."""
        block = self._buffer.find(BLOCK)
        rows = self._buffer.find(b"[", block) if block >= 0 else -1
        if rows < 0:
            return []
        try:
            begin = self._buffer.index(b"[", self._buffer.index(COLUMNS, 0, block))
            columns, _ = json.JSONDecoder().raw_decode(self._buffer[begin:block].decode())
            keys = [str(column["key"]) for column in columns]
        except (ValueError, TypeError, KeyError):
            keys = []
        if not set(NEEDED) <= set(keys):
            self._is_over = True
            return [self._fault("format", rows + 1)]
        self._keys = keys
        self._drop(rows + 1, garbage=False)
        return []

    def _row(self, length: int) -> list[Frame | Fault]:
        try:
            parsed = self.parse(bytes(self._buffer[:length]))
        except BrokenFrame as error:
            fault = self._fault(error.kind, length)
            self._drop(length)
            return [fault]
        return self._take(length, parsed)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def decoder() -> Decoder:
    """A decoder that has seen nothing yet."""
    return _Decoder()
