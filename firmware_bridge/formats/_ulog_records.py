"""Positions, wind, air and events from a .ulg log's topics, window by window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firmware_bridge.formats._columns import (
    clock_batch,
    environment_batch,
    event_batch,
    fill_nearest,
    position_batch,
    wind_batch,
)
from sensors.units import ZERO_CELSIUS_K

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from firmware_bridge.formats._ulog_window import LogWindow, Messages
    from sensors.records import RecordBatch

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

__all__ = ["FlightRecords"]

_YEAR_2015_US = 1_420_070_400_000_000
_LATEST_US = 1 << 52
_FIX_3D = 3
_DOWN = 25
_RANGE_AGE_NS = 1_000_000_000
_SAMPLE_LAG_NS = 1_000_000_000
_SETTLING_NS = 5_000_000_000
_LONG_AGO_NS = -(1 << 62)


class FlightRecords:
    """Turns windows into batches; remembers from one to the next what later ones build on."""

    def __init__(self) -> None:
        self._has_estimator = False
        self._home_m = float("nan")
        self._is_flying = True  # unknown until the land detector says otherwise
        self._grounded_ns = _LONG_AGO_NS
        self._state: dict[str, int] = {}

    def batches(self, window: LogWindow) -> Iterator[RecordBatch]:
        """Batches of every kind that a window holds."""
        receiver = window.first("vehicle_gps_position", "sensor_gps")
        yield from _clock(receiver)
        yield from self._position(window, receiver)
        yield from self._wind(window)
        yield from _environment(window)
        batch = event_batch("vehicle_status", self._changes(window))
        if batch is not None:
            yield batch

    def _position(self, window: LogWindow, receiver: Messages | None) -> Iterator[RecordBatch]:
        """Where the estimator says it is; the receiver only where there is no estimator."""
        home = window.get("home_position")
        if home is not None and home.field("alt").size:
            self._home_m = float(home.field("alt")[-1])
        messages = window.get("vehicle_global_position")
        if messages is not None:
            self._has_estimator = True
            time_ns = _sample_time_ns(messages)
            valid = np.ones(time_ns.size, np.bool_)
            if messages.has("lat_lon_valid"):
                valid = messages.flag("lat_lon_valid")
            altitude = messages.field("alt")
            yield position_batch(
                "vehicle_global_position",
                time_ns,
                latitude=messages.field("lat"),
                longitude=messages.field("lon"),
                altitude_amsl_m=altitude,
                height_above_home_m=altitude - self._home_m,
                height_above_ground_m=_height_above_ground(window, time_ns, messages),
                is_fix=valid,
            )
        elif receiver is not None and not self._has_estimator:
            latitude, longitude, altitude = _receiver_position(receiver)
            yield position_batch(
                "vehicle_gps_position",
                receiver.time_ns,
                latitude=latitude,
                longitude=longitude,
                altitude_amsl_m=altitude,
                height_above_home_m=altitude - self._home_m,
                height_above_ground_m=_height_above_ground(window, receiver.time_ns, None),
                is_fix=receiver.field("fix_type") >= _FIX_3D,
            )

    def _wind(self, window: LogWindow) -> Iterator[RecordBatch]:
        """The estimator's wind: the first instance, which is the one the vehicle itself uses."""
        settled = self._settled_periods(window)
        # airspeed_wind is left out: its instances differ wildly and a copter has no airspeed
        messages = window.first("wind", "wind_estimate", "estimator_wind")
        if messages is None or not messages.has("windspeed_north", "windspeed_east"):
            return
        north, east = messages.field("windspeed_north"), messages.field("windspeed_east")
        row, is_flying, grounded_ns = settled
        latest = np.searchsorted(row, messages.row, side="right") - 1
        has_estimate = is_flying[latest] & (messages.time_ns - grounded_ns[latest] >= _SETTLING_NS)
        has_estimate &= (north != 0.0) | (east != 0.0)
        yield wind_batch(
            "wind",
            _sample_time_ns(messages),
            eastward=east,
            northward=north,
            has_estimate=has_estimate,
        )

    def _settled_periods(self, window: LogWindow) -> tuple[IntArray, BoolArray, IntArray]:
        """Rows at which it was told whether the vehicle flies, what, and when it last did not."""
        row, is_flying = np.array([-1]), np.array([self._is_flying])
        grounded_ns = np.array([self._grounded_ns])
        detector = window.get("vehicle_land_detected")
        if detector is not None:
            flies = ~detector.flag("landed")
            # the detector also speaks when nothing changed: only a landed one sets the clock back
            was_flying = np.concatenate([is_flying, flies[:-1]])
            touched_ns = np.where(flies & was_flying, _LONG_AGO_NS, detector.time_ns)
            row = np.concatenate([row, detector.row])
            is_flying = np.concatenate([is_flying, flies])
            grounded_ns = np.maximum.accumulate(np.concatenate([grounded_ns, touched_ns]))
        self._is_flying, self._grounded_ns = bool(is_flying[-1]), int(grounded_ns[-1])
        return row, is_flying, grounded_ns

    def _changes(self, window: LogWindow) -> Iterator[tuple[int, str, str]]:
        """Changes of flight mode and arming."""
        status = window.get("vehicle_status")
        if status is None:
            return
        for field, kind in (("nav_state", "mode"), ("arming_state", "armed")):
            if not status.has(field):
                continue
            values = status.fields[field].tolist()
            for time_ns, value in zip(status.time_ns.tolist(), values, strict=True):
                if self._state.get(field) != value:
                    yield time_ns, kind, str(value)
                self._state[field] = value


def _clock(receiver: Messages | None) -> Iterator[RecordBatch]:
    if receiver is None or not receiver.has("time_utc_usec"):
        return
    utc_us = receiver.field("time_utc_usec")  # exact: microseconds fit a double until 2255
    knows = (utc_us > _YEAR_2015_US) & (utc_us < _LATEST_US)
    if knows.any():
        utc_ns = utc_us[knows].astype(np.int64) * 1_000
        yield clock_batch("vehicle_gps_position", receiver.time_ns[knows], utc_ns)


def _receiver_position(receiver: Messages) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Latitude, longitude [degree] and altitude [m]: integers in old logs, doubles in new."""
    if receiver.has("latitude_deg", "longitude_deg"):
        return (
            receiver.field("latitude_deg"),
            receiver.field("longitude_deg"),
            receiver.field("altitude_msl_m"),
        )
    return receiver.field("lat", 1e-7), receiver.field("lon", 1e-7), receiver.field("alt", 1e-3)


def _sample_time_ns(messages: Messages) -> IntArray:
    """When the sample was taken, where the log says so; else when it was published."""
    if not messages.has("timestamp_sample"):
        return messages.time_ns
    sample_us = np.minimum(messages.field("timestamp_sample"), _LATEST_US)
    sample_ns = sample_us.astype(np.int64) * 1_000
    is_near = np.abs(messages.time_ns - sample_ns) < _SAMPLE_LAG_NS
    return np.where(is_near, sample_ns, messages.time_ns)


def _height_above_ground(
    window: LogWindow, time_ns: IntArray, estimate: Messages | None
) -> FloatArray:
    """From a rangefinder that looks down, else from the estimator, else NaN [m]."""
    height = np.full(time_ns.size, np.nan)
    ranges = window.get("distance_sensor")
    if ranges is not None:
        distance = ranges.field("current_distance")
        good = (distance >= ranges.field("min_distance")) & (
            distance <= ranges.field("max_distance")
        )
        if ranges.has("orientation"):
            good &= ranges.field("orientation") == _DOWN
        if ranges.has("signal_quality"):
            good &= ranges.field("signal_quality") != 0
        fill_nearest(height, time_ns, ranges.time_ns[good], distance[good], _RANGE_AGE_NS)
    local = window.get("vehicle_local_position")
    if local is not None:
        good = local.flag("dist_bottom_valid")
        above = local.field("dist_bottom")
        fill_nearest(height, time_ns, local.time_ns[good], above[good], _RANGE_AGE_NS)
    if estimate is not None:
        above = estimate.field("alt") - estimate.field("terrain_alt")
        usable = np.isnan(height) & estimate.flag("terrain_alt_valid")
        height[usable] = above[usable]
    return height


def _environment(window: LogWindow) -> Iterator[RecordBatch]:
    air = window.get("vehicle_air_data")
    if air is not None:
        # its temperature is that of the board, not of the air
        pressure = air.field("baro_pressure_pa")
        yield environment_batch("vehicle_air_data", _sample_time_ns(air), pressure=pressure)
    hygrometer = window.get("sensor_hygrometer")
    if hygrometer is not None:
        yield environment_batch(
            "sensor_hygrometer",
            _sample_time_ns(hygrometer),
            temperature=hygrometer.field("temperature") + ZERO_CELSIUS_K,
            relative_humidity=hygrometer.field("humidity", 0.01),
        )
