"""Record columns as every autopilot log fills them: the same names, NaN and quality bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firmware_bridge.telemetry_names import channel_of_value
from sensors.records import Clock, Quality, RecordBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]
    Columns = dict[str, NDArray[np.generic]]

__all__ = [
    "clock_batch",
    "environment_batch",
    "event_batch",
    "fill_nearest",
    "named_values",
    "numbers",
    "position_batch",
    "wind_batch",
]


def position_batch(
    source: str,
    time_ns: IntArray,
    *,
    latitude: FloatArray,
    longitude: FloatArray,
    altitude_amsl_m: FloatArray,
    is_fix: BoolArray,
    height_above_home_m: FloatArray | None = None,
    height_above_ground_m: FloatArray | None = None,
    clock: Clock = "boot",
) -> RecordBatch:
    """Positions; a row without a fix, or off the globe, is NaN and flagged `MISSING`.

    Parameters
    ----------
    source : str
    time_ns : ndarray of int64, shape (n,)
    latitude, longitude : ndarray, shape (n,)
        [degree].
    altitude_amsl_m, height_above_home_m, height_above_ground_m : ndarray, shape (n,)
    is_fix : ndarray of bool, shape (n,)
    clock : {"boot", "receiver"}

    Returns
    -------
    RecordBatch
    """
    on_globe = (np.abs(latitude) <= 90.0) & (np.abs(longitude) <= 180.0)
    usable = is_fix & on_globe & ~((latitude == 0.0) & (longitude == 0.0))
    unknown = np.full(time_ns.size, np.nan)
    columns: Columns = {
        "latitude": np.where(usable, latitude, np.nan),
        "longitude": np.where(usable, longitude, np.nan),
        "altitude_amsl_m": np.where(usable, altitude_amsl_m, np.nan),
        "height_above_home_m": unknown if height_above_home_m is None else height_above_home_m,
        "height_above_ground_m": unknown
        if height_above_ground_m is None
        else height_above_ground_m,
    }
    return RecordBatch("pose", source, time_ns, columns, clock, {}, _missing(~usable))


def wind_batch(
    source: str,
    time_ns: IntArray,
    *,
    eastward: FloatArray,
    northward: FloatArray,
    has_estimate: BoolArray,
    upward: FloatArray | None = None,
    clock: Clock = "boot",
) -> RecordBatch:
    """Wind vectors *towards* [m s-1]; where there is no estimate NaN and `MISSING`, never calm."""
    usable = has_estimate & np.isfinite(eastward) & np.isfinite(northward)
    upward = np.full(time_ns.size, np.nan) if upward is None else upward
    columns: Columns = {
        "eastward": np.where(usable, eastward, np.nan),
        "northward": np.where(usable, northward, np.nan),
        "upward": np.where(usable, upward, np.nan),
    }
    return RecordBatch("wind", source, time_ns, columns, clock, {}, _missing(~usable))


def environment_batch(
    source: str,
    time_ns: IntArray,
    *,
    temperature: FloatArray | None = None,
    relative_humidity: FloatArray | None = None,
    pressure: FloatArray | None = None,
    clock: Clock = "boot",
) -> RecordBatch:
    """Air temperature [K], relative humidity [1] and pressure [Pa]; NaN where not measured."""
    unknown = np.full(time_ns.size, np.nan)
    columns: Columns = {
        "temperature": unknown if temperature is None else temperature,
        "relative_humidity": unknown if relative_humidity is None else relative_humidity,
        "pressure": unknown if pressure is None else pressure,
    }
    return RecordBatch("environment", source, time_ns, columns, clock)


def clock_batch(source: str, time_ns: IntArray, utc_ns: IntArray) -> RecordBatch:
    """Pairs of boot time and UTC."""
    return RecordBatch("clock", source, time_ns, {"utc_ns": utc_ns}, "boot")


def event_batch(
    source: str, events: Iterable[tuple[int, str, str]], *, clock: Clock = "boot"
) -> RecordBatch | None:
    """Events given as (time_ns, kind, text); None if there are none."""
    rows = list(events)
    if not rows:
        return None
    kinds = np.array([kind for _, kind, _ in rows], object)
    texts = np.array([text for _, _, text in rows], object)
    time_ns = np.array([time for time, _, _ in rows], np.int64)
    return RecordBatch("event", source, time_ns, {"kind": kinds, "text": texts}, clock)


def named_values(
    source: str,
    time_ns: IntArray,
    names: NDArray[np.bytes_],
    values: FloatArray,
    *,
    clock: Clock = "boot",
) -> Iterator[RecordBatch]:
    """Gas channels among named values: those whose name ends in a unit we know.

    Parameters
    ----------
    names : ndarray of bytes, shape (n,)
        As sent over MAVLink: ``b"CH4_PPM"``, ``b"PM25_UGM3"``.

    Yields
    ------
    RecordBatch
        One per channel.
    """
    for name in np.unique(names):
        told = channel_of_value(name.decode("ascii", "replace"))
        if told is None:
            continue
        own = names == name
        columns: Columns = {told.channel: values[own] * told.scale}
        quality = _missing(~np.isfinite(values[own]))
        yield RecordBatch(
            "gas", source, time_ns[own], columns, clock, {told.channel: told.unit}, quality
        )


def fill_nearest(
    values: FloatArray, time_ns: IntArray, known_ns: IntArray, known: FloatArray, age_ns: int
) -> None:
    """Replace NaN in `values` by the `known` value nearest in time, if not older than `age_ns`."""
    if not known_ns.size:
        return
    order = np.argsort(known_ns, kind="stable")
    known_ns, known = known_ns[order], known[order]
    after = np.minimum(np.searchsorted(known_ns, time_ns), known_ns.size - 1)
    before = np.maximum(after - 1, 0)
    is_before_nearer = time_ns - known_ns[before] < np.abs(known_ns[after] - time_ns)
    nearest = np.where(is_before_nearer, before, after)
    usable = np.isnan(values) & (np.abs(known_ns[nearest] - time_ns) <= age_ns)
    values[usable] = known[nearest[usable]]


def numbers(raw: NDArray[np.generic]) -> FloatArray:
    """A field as float64; what is not finite is NaN.

    Examples
    --------
    >>> numbers(np.array([1.5, np.inf], np.float32))
    array([1.5, nan])
    """
    with np.errstate(invalid="ignore"):  # damage can look like a signalling NaN
        values = raw.astype(np.float64)
    values[~np.isfinite(values)] = np.nan
    return values


def _missing(rows: BoolArray) -> NDArray[np.uint16]:
    return np.where(rows, Quality.MISSING, 0).astype(np.uint16)
