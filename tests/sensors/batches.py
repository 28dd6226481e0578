"""Records of a small flight: a gas log on UTC, an autopilot's log on the clock since its boot."""

from __future__ import annotations

import numpy as np

from sensors.records import RecordBatch

S = 10**9
T0 = 1_700_000_000 * S  # UTC of the start of the gas log
BOOT = 1_699_999_900 * S  # UTC at which the autopilot booted


def gas_batch(seconds, source="gas.csv", quality=None, clock="utc", unit="1e-9", **columns):
    times = T0 + np.round(np.asarray(seconds, float) * S).astype(np.int64)
    columns = columns or {"pid": np.arange(times.size, dtype=float)}
    return RecordBatch(
        "gas",
        source,
        times,
        {name: np.asarray(column, float) for name, column in columns.items()},
        clock=clock,
        units=dict.fromkeys(columns, unit),
        **({} if quality is None else {"quality": np.asarray(quality, np.uint16)}),
    )


def boot_batch(kind, source, seconds_utc, clock="boot", quality=None, **columns):
    """A batch at seconds after T0, on the autopilot's own clock."""
    times = T0 - (BOOT if clock == "boot" else 0) + np.round(np.asarray(seconds_utc) * S)
    extra = {} if quality is None else {"quality": np.asarray(quality, np.uint16)}
    return RecordBatch(
        kind,
        source,
        times.astype(np.int64),
        {name: np.asarray(column, float) for name, column in columns.items()},
        clock=clock,
        **extra,
    )


def clock_batch(jitter_ns=(0, 0, 0), clock="boot", ahead_s=0.0):
    boot = np.arange(1, len(jitter_ns) + 1, dtype=np.int64) * S
    utc = BOOT + boot
    times = boot if clock == "boot" else utc + round(ahead_s * S)
    return RecordBatch(
        "clock", "SYSTEM_TIME", times + np.array(jitter_ns), {"utc_ns": utc}, clock=clock
    )


def track(seconds, **more):
    seconds = np.asarray(seconds, float)
    return boot_batch(
        "pose",
        "GLOBAL_POSITION_INT",
        seconds,
        latitude=52 + seconds * 1e-5,
        longitude=5 + seconds * 2e-5,
        altitude_amsl_m=10 + seconds,
        **more,
    )


def own_log(seconds, latitude, **wind):
    times = gas_batch(seconds).time_ns
    pose = {"latitude": np.asarray(latitude, float), "longitude": np.full(times.size, 5.0)}
    batches = [RecordBatch("pose", "gas.csv", times, pose), gas_batch(seconds)]
    if wind:
        columns = {name: np.asarray(column, float) for name, column in wind.items()}
        batches.append(RecordBatch("wind", "gas.csv", times, columns))
    return batches
