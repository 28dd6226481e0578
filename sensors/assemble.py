"""Records of a gas log, and of an autopilot log beside it, as the columns of one Flight.

Gas readings and their times are never resampled: everything else is brought to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sensors import placing, weather
from sensors.channels import Channel, channels_of
from sensors.errors import FlightError
from sensors.records import Quality
from sensors.series import Readings, readings_of
from sensors.streams import Stream, VehicleTime, iso_utc, join_batches, vehicle_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sensors.records import RecordBatch

    FloatArray = NDArray[np.float64]

__all__ = ["Channel", "FlightColumns", "assemble"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightColumns:
    """The columns of a Flight before it is one, each of shape (n,), NaN where unknown.

    Attributes
    ----------
    name : str
    time_ns : ndarray of int64
        UTC, ascending; equal times are allowed.
    latitude, longitude : ndarray
        WGS 84 [degree].
    altitude, height_above_ground : ndarray
        Above mean sea level, above ground [m].
    eastward_wind, northward_wind : ndarray
        Towards [m s-1].
    air_temperature, relative_humidity, air_pressure : ndarray
        [K], [1], [Pa].
    quality : ndarray of uint16
        Bits of `Quality` for position and time.
    channels : dict of str to Channel
    wind_source : {"anemometer", "autopilot", "given", "none"}
    wind_height_m : float
        Height the wind was measured at [m]; NaN at the sampler itself.
    averaging_time_s : float
        Each value is a mean over this time [s]; 0 is instantaneous.
    background_removed : bool
    clock_offset_s : float
        Added to the gas log's times [s].
    lamp_ev : float
        Photon energy of a photo-ionisation detector's lamp [eV].
    source_files : tuple of str
    notes : tuple of str
        What a reader must know, one line each.
    history : tuple of str
        What was done, one line a step.
    """

    name: str
    time_ns: NDArray[np.int64]
    latitude: FloatArray
    longitude: FloatArray
    altitude: FloatArray
    height_above_ground: FloatArray
    eastward_wind: FloatArray
    northward_wind: FloatArray
    air_temperature: FloatArray
    relative_humidity: FloatArray
    air_pressure: FloatArray
    quality: NDArray[np.uint16]
    channels: dict[str, Channel]
    wind_source: str
    wind_height_m: float
    averaging_time_s: float
    background_removed: bool
    clock_offset_s: float
    lamp_ev: float
    source_files: tuple[str, ...]
    notes: tuple[str, ...]
    history: tuple[str, ...]


def assemble(
    batches: Iterable[RecordBatch],
    *,
    offset_s: float | None = None,
    max_gap_s: float = 2.0,
    wind: tuple[float, float] | None = None,
    gas: str | None = None,
    lamp_ev: float = 10.6,
    name: str = "flight",
    wind_height_m: float = float("nan"),
    averaging_time_s: float = 0.0,
    background_removed: bool = False,
    source_files: Sequence[str] = (),
) -> FlightColumns:
    """Columns of a Flight from the records of one or more logs.

    Parameters
    ----------
    batches : iterable of RecordBatch
        Of all logs of the flight, one after the other. Those of a gas log are on the "utc" clock.
    offset_s : float, optional
        Added to the times of gas logs [s]; 0 unless given.
    max_gap_s : float
        Positions further apart than this [s] say nothing about the time between them.
    wind : (speed, from_deg), optional
        Wind to use where no log holds any [m s-1], clockwise from true north [degree].
    gas : str, optional
        Gas looked for; acetone unless given. Given, it is refused if no channel can see it.
    lamp_ev : float
        Photon energy of a photo-ionisation detector's lamp [eV].
    name : str
        Identifies the flight.
    wind_height_m, averaging_time_s, background_removed, source_files
        What the caller knows; passed on as they are.

    Returns
    -------
    FlightColumns

    Raises
    ------
    FlightError
        No gas readings, no positions, or the logs do not overlap in time.
    ConfigError
        `gas` is unknown, or this set of sensors cannot see it.
    """
    kept = list(batches)
    clock = vehicle_time(batch for batch in kept if batch.kind == "clock")
    offset_ns = round((offset_s or 0.0) * 1e9)
    streams, notes = _on_utc(join_batches(kept), clock, offset_ns)
    readings = readings_of(streams)
    if readings.time_ns.size == 0:
        where = ", ".join(dict.fromkeys(stream.source for stream in streams)) or "the input"
        raise FlightError(
            f"{where}: no gas readings; give a log with a gas column named with its unit, "
            "for example pid_ppb"
        )
    placed = placing.place(streams, readings, max_gap_s=max_gap_s)
    air = weather.air_at(streams, readings, given=wind)
    channels, channel_notes = channels_of(readings, gas=gas, lamp_ev=lamp_ev)
    statement = _clock_statement(clock, readings, placed.source, offset_s)
    notes += [statement] * (clock.pairs > 0 or bool(offset_s))
    notes += [*placed.notes, *air.notes, *channel_notes]
    return FlightColumns(
        name=name,
        time_ns=readings.time_ns,
        latitude=placed.latitude,
        longitude=placed.longitude,
        altitude=placed.altitude,
        height_above_ground=placed.height_above_ground,
        eastward_wind=air.eastward_wind,
        northward_wind=air.northward_wind,
        air_temperature=air.temperature,
        relative_humidity=air.relative_humidity,
        air_pressure=air.pressure,
        quality=placed.quality | _poor_clock_bits(readings),
        channels=channels,
        wind_source=air.wind_source,
        wind_height_m=wind_height_m,
        averaging_time_s=averaging_time_s,
        background_removed=background_removed,
        clock_offset_s=float(offset_s or 0.0),
        lamp_ev=lamp_ev,
        source_files=tuple(source_files),
        notes=tuple(notes),
        history=(statement, *placed.history, *air.history),
    )


def _on_utc(
    streams: list[Stream], clock: VehicleTime, offset_ns: int
) -> tuple[list[Stream], list[str]]:
    converted = [clock.on_utc(stream, offset_ns=offset_ns) for stream in streams]
    lost = [old.source for old, new in zip(streams, converted, strict=True) if new is None]
    notes = []
    if lost:
        notes.append(
            f"clock: the autopilot log never knew UTC, so its {', '.join(dict.fromkeys(lost))} "
            "cannot be placed in time and are not used"
        )
    if any(stream.clock == "receiver" for stream in streams):
        notes.append(
            "clock: the autopilot log holds no UTC, so the receiving computer's own stamps were "
            "used, which may be seconds off; check with --offset-s"
            if clock.receiver_minus_utc_s is None
            else "clock: some records have no autopilot time; the receiver's stamps place them"
        )
    return [stream for stream in converted if stream is not None], notes


def _poor_clock_bits(readings: Readings) -> NDArray[np.uint16]:
    own = np.concatenate([stream.quality for stream in readings.streams])[readings.order]
    return own & np.uint16(Quality.CLOCK_POOR)


def _clock_statement(
    clock: VehicleTime, readings: Readings, placed_by: str, offset_s: float | None
) -> str:
    first, last = (iso_utc(int(time)) for time in readings.time_ns[[0, -1]])
    parts = [
        f"clock: gas readings {first} to {last}, {offset_s or 0.0:+.3f} s added to their times"
        + (" as given" if offset_s is not None else "")
    ]
    if clock.utc_minus_boot_ns is not None:
        start = iso_utc(clock.utc_minus_boot_ns)
        parts.append(
            f"the autopilot started {start} by {clock.pairs} {clock.source} pairs "
            f"(spread {clock.spread_s:.3f} s)"
        )
    if clock.receiver_minus_utc_s is not None:
        parts.append(f"the receiver's clock was {clock.receiver_minus_utc_s:+.3f} s off and unused")
    parts.append(f"positions from {placed_by}")
    return "; ".join(parts)
