"""Flights made of metric columns."""

from __future__ import annotations

import numpy as np

from sensors.assemble import assemble
from sensors.flight import from_columns
from sensors.records import RecordBatch

START_NS = 1_700_000_000 * 10**9


def flight_of(time_s, east, north, height, readings, units, **climate):
    """A Flight at 52 N from metric columns."""
    time_ns = START_NS + np.round(np.asarray(time_s) * 1e9).astype(np.int64)
    size = time_ns.size
    pose = {
        "latitude": 52.0 + north / 111_195.0,
        "longitude": 5.0 + east / (111_195.0 * np.cos(np.radians(52.0))),
        "altitude_amsl_m": np.full(size, np.nan),
        "height_above_home_m": np.full(size, np.nan),
        "height_above_ground_m": height,
    }
    nothing = np.full(size, np.nan)
    environment = {
        "temperature": climate.get("temperature", nothing),
        "relative_humidity": climate.get("humidity", nothing),
        "pressure": nothing,
    }
    batches = [
        RecordBatch("gas", "test", time_ns, readings, units=units),
        RecordBatch("pose", "test", time_ns, pose),
        RecordBatch("environment", "test", time_ns, environment),
    ]
    return from_columns(assemble(batches))
