"""Positions, wind, air, gas and events from a .BIN log's messages, window by window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firmware_bridge.formats._columns import (
    clock_batch,
    environment_batch,
    event_batch,
    fill_nearest,
    named_values,
    position_batch,
    wind_batch,
)
from firmware_bridge.formats._dataflash_window import LogWindow, Messages, gps_utc_ns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sensors.records import RecordBatch

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float64]

__all__ = ["FlightState", "record_batches"]

_FIX_3D = 3
_RANGE_GOOD, _DOWN, _TERRAIN_OK = 4, 25, 2
_RANGE_AGE_NS = 1_000_000_000
_TERRAIN_AGE_NS = 3_000_000_000
_SETTLING_NS = 5_000_000_000
_LONG_AGO_NS = -(1 << 62)
_NAMED_VALUE_LAG_NS = 10_000_000_000
_NOT_LANDED = 28  # EV ids of ArduCopter
_GROUNDED = (11, 18)  # disarmed, landing complete


def record_batches(window: LogWindow, state: FlightState) -> Iterator[RecordBatch]:
    """Batches of every kind that a window holds."""
    gps = window.get("GPS", "Status", "Lat", "Lng", "Alt")
    if gps is not None:
        gps = gps.where(_first_instance(gps, "U"))
        knows, utc_ns = gps_utc_ns(gps.fields)
        if utc_ns.size:
            yield clock_batch("GPS", gps.time_ns[knows], utc_ns)
    yield from _position(window, gps, state)
    yield from _wind(window, state)
    yield from _pressure(window)
    yield from _gas(window)
    yield from _events(window)


class FlightState:
    """What later windows of a file build on.

    Attributes
    ----------
    has_estimator : bool
        The log once told the estimated position.
    """

    def __init__(self) -> None:
        self.has_estimator = False
        self._is_flying = True  # unknown until an EV says otherwise
        self._grounded_ns = _LONG_AGO_NS

    def is_settled(self, window: LogWindow, messages: Messages) -> NDArray[np.bool_]:
        """Whether the copter had flown 5 s at each of the messages."""
        row, is_flying = np.array([-1]), np.array([self._is_flying])
        grounded_ns = np.array([self._grounded_ns])
        events = window.get("EV", "Id")
        if events is not None:
            events = events.where(np.isin(events.field("Id"), (_NOT_LANDED, *_GROUNDED)))
            row = np.concatenate([row, events.row])
            is_flying = np.concatenate([is_flying, events.field("Id") == _NOT_LANDED])
            # whatever the event, the copter was on the ground until it
            grounded_ns = np.concatenate([grounded_ns, events.time_ns])
        latest = np.searchsorted(row, messages.row, side="right") - 1
        flown_ns = messages.time_ns - grounded_ns[latest]
        self._is_flying, self._grounded_ns = bool(is_flying[-1]), int(grounded_ns[-1])
        settled: NDArray[np.bool_] = is_flying[latest] & (flown_ns >= _SETTLING_NS)
        return settled


def _first_instance(messages: Messages, used: str | None = None) -> NDArray[np.bool_]:
    """The receiver in use, or the first of several sensors, or all where the log has only one."""
    if used and messages.has(used):
        is_used: NDArray[np.bool_] = messages.field(used) == 1
        if is_used.any():
            return is_used
    for name in ("I", "Instance"):
        if messages.has(name):
            first: NDArray[np.bool_] = messages.field(name) == 0
            return first
    return np.ones(messages.row.size, np.bool_)


def _position(window: LogWindow, gps: Messages | None, state: FlightState) -> Iterator[RecordBatch]:
    """Where the estimator says it is; the receiver alone only where the log has no POS."""
    messages = window.get("POS", "Lat", "Lng", "Alt")
    if messages is not None:
        state.has_estimator = True
        yield position_batch(
            "POS",
            messages.time_ns,
            latitude=messages.field("Lat"),
            longitude=messages.field("Lng"),
            altitude_amsl_m=messages.field("Alt"),
            height_above_home_m=messages.field("RelHomeAlt"),
            height_above_ground_m=_height_above_ground(window, messages.time_ns),
            is_fix=np.ones(messages.row.size, np.bool_),
        )
    elif gps is not None and not state.has_estimator:
        yield position_batch(
            "GPS",
            gps.time_ns,
            latitude=gps.field("Lat"),
            longitude=gps.field("Lng"),
            altitude_amsl_m=gps.field("Alt"),
            height_above_ground_m=_height_above_ground(window, gps.time_ns),
            is_fix=gps.field("Status") >= _FIX_3D,
        )


def _height_above_ground(window: LogWindow, time_ns: IntArray) -> FloatArray:
    """From a rangefinder that looks down, else from what the autopilot knows, else NaN [m]."""
    height = np.full(time_ns.size, np.nan)
    ranges = window.get("RFND", "Dist")
    if ranges is not None:
        good = ranges.field("Dist") > 0.0
        if ranges.has("Stat"):
            good &= ranges.field("Stat") == _RANGE_GOOD
        if ranges.has("Orient"):
            good &= ranges.field("Orient") == _DOWN
        fill_nearest(
            height, time_ns, ranges.time_ns[good], ranges.field("Dist")[good], _RANGE_AGE_NS
        )
    terrain = window.get("TERR", "Status", "Pending", "CHeight")
    if terrain is not None:
        good = (terrain.field("Status") == _TERRAIN_OK) & (terrain.field("Pending") == 0)
        above = terrain.field("CHeight")[good]
        fill_nearest(height, time_ns, terrain.time_ns[good], above, _TERRAIN_AGE_NS)
    return height


def _wind(window: LogWindow, state: FlightState) -> Iterator[RecordBatch]:
    """The estimate of the EKF core in use; EKF3 before EKF2 where both ran."""
    for name, selector in (("XKF2", "XKF4"), ("NKF2", "NKF4"), ("EKF2", "EKF4")):
        messages = window.get(name, "VWN", "VWE")
        if messages is None:
            continue
        messages = messages.where(_is_primary(messages, window.get(selector, "PI")))
        north, east = messages.field("VWN"), messages.field("VWE")
        has_estimate = (north != 0.0) | (east != 0.0)
        yield wind_batch(
            name,
            messages.time_ns,
            eastward=east,
            northward=north,
            has_estimate=has_estimate & state.is_settled(window, messages),
        )
        return


def _is_primary(messages: Messages, selector: Messages | None) -> NDArray[np.bool_]:
    if not messages.has("C"):
        return np.ones(messages.row.size, np.bool_)
    core = messages.field("C")
    if selector is None:
        return np.asarray(core == 0)
    latest = np.maximum(np.searchsorted(selector.row, messages.row) - 1, 0)
    primary = selector.field("PI")[latest]
    return np.asarray(core == np.maximum(primary, 0))


def _pressure(window: LogWindow) -> Iterator[RecordBatch]:
    messages = window.get("BARO", "Press")
    if messages is not None:
        # its temperature is that of the board, not of the air
        first = messages.where(_first_instance(messages))
        yield environment_batch("BARO", first.time_ns, pressure=first.field("Press"))


def _gas(window: LogWindow) -> Iterator[RecordBatch]:
    """What the companion sent as NAMED_VALUE_FLOAT, on the boot clock it was stamped with."""
    messages = window.get("NVAL", "Value")
    if messages is None or "Name" not in (messages.fields.dtype.names or ()):
        return
    if messages.fields["Name"].dtype.kind != "S":
        return
    time_ns = messages.time_ns
    if messages.has("TimeBootMS"):
        stamped_ms = np.clip(np.nan_to_num(messages.field("TimeBootMS")), 0.0, 2.0**32)
        stamped_ns = (stamped_ms * 1e6).astype(np.int64)
        time_ns = np.where(np.abs(stamped_ns - time_ns) < _NAMED_VALUE_LAG_NS, stamped_ns, time_ns)
    yield from named_values("NVAL", time_ns, messages.fields["Name"], messages.field("Value"))


def _events(window: LogWindow) -> Iterator[RecordBatch]:
    for source, kind, field in (
        ("MSG", "text", "Message"),
        ("MODE", "mode", "ModeNum"),
        ("EV", "event", "Id"),
        ("ARM", "armed", "ArmState"),
    ):
        messages = window.get(source)
        if messages is None or field not in (messages.fields.dtype.names or ()):
            continue
        texts = (
            value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            for value in messages.fields[field].tolist()
        )
        rows = zip(messages.time_ns.tolist(), texts, strict=True)
        batch = event_batch(source, ((time_ns, kind, text) for time_ns, text in rows))
        if batch is not None:
            yield batch
