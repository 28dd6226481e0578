"""Positions, wind and air from one vehicle's MAVLink messages, window by window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from firmware_bridge.formats._columns import (
    clock_batch,
    environment_batch,
    fill_nearest,
    named_values,
    position_batch,
    wind_batch,
)
from sensors.units import ZERO_CELSIUS_K, towards_vector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from firmware_bridge.formats._mavlink_window import Messages, VehicleWindow
    from sensors.records import RecordBatch

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

__all__ = ["FlightState", "clock_pairs", "record_batches"]

_YEAR_2015_US = 1_420_070_400_000_000
_LATEST_US = 1 << 52
_RANGE_AGE_NS = 1_000_000_000
_TERRAIN_AGE_NS = 3_000_000_000
_BELOW_TERRAIN_M = -10.0
_DOWN = 25  # MAV_SENSOR_ROTATION_PITCH_270
_INVALID_SIGNAL = 1
_SETTLING_NS = 5_000_000_000
_LONG_AGO_NS = -(1 << 62)
_ARMED = 128  # MAV_MODE_FLAG_SAFETY_ARMED
_ON_GROUND = 1  # MAV_LANDED_STATE_ON_GROUND
_FIX_3D = 3


def record_batches(
    window: VehicleWindow, state: FlightState, *, repeated: frozenset[bytes] = frozenset()
) -> Iterator[RecordBatch]:
    """Batches of every kind but events that a window holds.

    Parameters
    ----------
    window : VehicleWindow
    state : FlightState
        Of the windows before; brought up to date.
    repeated : frozenset of bytes
        Names of NAMED_VALUE_FLOAT that other messages tell better.

    Yields
    ------
    RecordBatch
    """
    yield from clock_pairs(window)
    yield from _position(window, state)
    yield from _wind(window, state.settled_periods(window))
    yield from _environment(window)
    values = window.get("NAMED_VALUE_FLOAT", component=None)
    if values is not None:
        own = ~np.isin(values.fields["name"], list(repeated))
        yield from named_values(
            "NAMED_VALUE_FLOAT",
            values.time_ns[own],
            values.fields["name"][own],
            values.field("value")[own],
            clock=window.clock_name,
        )


class _Claims(NamedTuple):
    """What the vehicle last said at each `row`: whether it flies, and when it last did not."""

    row: IntArray
    is_flying: BoolArray
    grounded_ns: IntArray


class FlightState:
    """What later windows of a file build on.

    A log that begins in the air says "armed" from the start: then it flies since long ago. So it
    does where there is no HEARTBEAT at all.

    Attributes
    ----------
    has_estimator : bool
        The vehicle once told its estimated position.
    """

    def __init__(self) -> None:
        self.has_estimator = False
        self._is_flying = True
        self._grounded_ns = _LONG_AGO_NS

    def settled_periods(self, window: VehicleWindow) -> _Claims:
        """Claims of this window, the last of the window before first."""
        heartbeat, landed = window.get("HEARTBEAT"), window.get("EXTENDED_SYS_STATE")
        row = np.array([-1])
        is_flying = np.array([self._is_flying])
        grounded_ns = np.array([self._grounded_ns])
        if heartbeat is not None:
            is_armed = (heartbeat.fields["base_mode"] & _ARMED) > 0
            if landed is not None:
                is_armed &= _last_value(landed, "landed_state", heartbeat.row) != _ON_GROUND
            row = np.concatenate([row, heartbeat.row])
            is_flying = np.concatenate([is_flying, is_armed])
            not_flying_ns = np.where(is_armed, _LONG_AGO_NS, heartbeat.time_ns)
            grounded_ns = np.maximum.accumulate(np.concatenate([grounded_ns, not_flying_ns]))
        self._is_flying, self._grounded_ns = bool(is_flying[-1]), int(grounded_ns[-1])
        return _Claims(row, is_flying, grounded_ns)


def _last_value(messages: Messages, name: str, row: IntArray) -> NDArray[np.generic]:
    """Value of a field in the last message before each row, or in the first message."""
    values: NDArray[np.generic] = messages.fields[name]
    return values[np.maximum(np.searchsorted(messages.row, row) - 1, 0)]


def clock_pairs(window: VehicleWindow) -> Iterator[RecordBatch]:
    """Boot time and UTC, where the vehicle knows both."""
    messages = window.get("SYSTEM_TIME")
    if messages is None or window.clock_name != "boot":
        return
    utc_us = messages.fields["time_unix_usec"]
    knows = (utc_us > _YEAR_2015_US) & (utc_us < _LATEST_US)
    if knows.any():
        utc_ns = utc_us[knows].astype(np.int64) * 1_000
        yield clock_batch("SYSTEM_TIME", messages.time_ns[knows], utc_ns)


def _position(window: VehicleWindow, state: FlightState) -> Iterator[RecordBatch]:
    """Where the estimator says it is; the receiver alone only where there is no estimator."""
    messages = window.get("GLOBAL_POSITION_INT")
    receiver = window.get("GPS_RAW_INT")
    if messages is not None and messages.fields["lat"].any():
        state.has_estimator = True
    if messages is not None and (receiver is None or state.has_estimator):
        batch = position_batch(
            "GLOBAL_POSITION_INT",
            messages.time_ns,
            latitude=messages.field("lat", 1e-7),
            longitude=messages.field("lon", 1e-7),
            altitude_amsl_m=messages.field("alt", 1e-3),
            height_above_home_m=messages.field("relative_alt", 1e-3),
            height_above_ground_m=_height_above_ground(window, messages.time_ns),
            is_fix=np.ones(messages.row.size, np.bool_),
            clock=window.clock_name,
        )
        yield replace(batch, quality=batch.quality | messages.quality)
    elif receiver is not None and not state.has_estimator:
        batch = position_batch(
            "GPS_RAW_INT",
            receiver.time_ns,
            latitude=receiver.field("lat", 1e-7),
            longitude=receiver.field("lon", 1e-7),
            altitude_amsl_m=receiver.field("alt", 1e-3),
            height_above_ground_m=_height_above_ground(window, receiver.time_ns),
            is_fix=receiver.fields["fix_type"] >= _FIX_3D,
            clock=window.clock_name,
        )
        yield replace(batch, quality=batch.quality | receiver.quality)


def _height_above_ground(window: VehicleWindow, time_ns: IntArray) -> FloatArray:
    """From a rangefinder that looks down, else from what the autopilot knows, else NaN [m]."""
    height = np.full(time_ns.size, np.nan)
    ranges = window.get("DISTANCE_SENSOR")
    if ranges is not None:
        fields, distance = ranges.fields, ranges.field("current_distance", 0.01)
        good = (fields["orientation"] == _DOWN) & (fields["signal_quality"] != _INVALID_SIGNAL)
        good &= distance >= ranges.field("min_distance", 0.01)
        good &= distance <= ranges.field("max_distance", 0.01)
        fill_nearest(height, time_ns, ranges.time_ns[good], distance[good], _RANGE_AGE_NS)
    altitude = window.get("ALTITUDE")
    if altitude is not None:
        above = altitude.field("bottom_clearance")
        good = np.isfinite(above) & (above >= 0.0)
        fill_nearest(height, time_ns, altitude.time_ns[good], above[good], _RANGE_AGE_NS)
    terrain = window.get("TERRAIN_REPORT")
    if terrain is not None:
        good = (terrain.fields["spacing"] > 0) & (terrain.fields["pending"] == 0)
        # before its own height is known the autopilot reports itself hundreds of metres below
        above = terrain.field("current_height")
        good &= above > _BELOW_TERRAIN_M
        fill_nearest(height, time_ns, terrain.time_ns[good], above[good], _TERRAIN_AGE_NS)
    return height


def _wind(window: VehicleWindow, claims: _Claims) -> Iterator[RecordBatch]:
    messages = window.get("WIND")
    if messages is not None:
        speed, direction = messages.field("speed"), messages.field("direction")
        eastward, northward = towards_vector(speed, direction)
        # ArduPilot sends speed 0 from -180 as long as it has no estimate
        has_estimate = ~((speed == 0.0) & (np.abs(direction) == 180.0))
        batch = wind_batch(
            "WIND",
            messages.time_ns,
            eastward=eastward,
            northward=northward,
            has_estimate=has_estimate & _is_settled(messages, claims),
            clock=window.clock_name,
        )
        yield replace(batch, quality=batch.quality | messages.quality)
    messages = window.get("WIND_COV")
    if messages is not None:
        batch = wind_batch(
            "WIND_COV",
            messages.time_ns,
            eastward=messages.field("wind_y"),
            northward=messages.field("wind_x"),
            upward=messages.field("wind_z", -1.0),
            has_estimate=_is_settled(messages, claims),
            clock=window.clock_name,
        )
        yield replace(batch, quality=batch.quality | messages.quality)


def _is_settled(messages: Messages, claims: _Claims) -> BoolArray:
    """Whether the vehicle had flown long enough for its wind to mean something."""
    latest = np.searchsorted(claims.row, messages.row, side="right") - 1
    flown_ns = messages.time_ns - claims.grounded_ns[latest]
    settled: BoolArray = claims.is_flying[latest] & (flown_ns >= _SETTLING_NS)
    return settled


def _environment(window: VehicleWindow) -> Iterator[RecordBatch]:
    messages = window.get("SCALED_PRESSURE")
    if messages is not None:
        # its temperature is that of the heated board, not of the air
        batch = environment_batch(
            "SCALED_PRESSURE",
            messages.time_ns,
            pressure=messages.field("press_abs", 100.0),
            clock=window.clock_name,
        )
        yield replace(batch, quality=messages.quality)
    messages = window.get("HYGROMETER_SENSOR")
    if messages is not None:
        batch = environment_batch(
            "HYGROMETER_SENSOR",
            messages.time_ns,
            temperature=messages.field("temperature", 0.01) + ZERO_CELSIUS_K,
            relative_humidity=messages.field("humidity", 1e-4),
            clock=window.clock_name,
        )
        yield replace(batch, quality=messages.quality)
