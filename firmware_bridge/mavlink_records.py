"""Records out of what the vehicle says: where it is, the wind it estimates, what happens."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sensors.records import (
    GOOD,
    EnvironmentSample,
    Event,
    PoseSample,
    Quality,
    WindSample,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firmware_bridge.device_clock import Estimate

    Told = Mapping[str, Any]
    Record = PoseSample | WindSample | EnvironmentSample | Event

__all__ = ["VehicleRecords"]

NS = 1_000_000_000
NAN = math.nan
POOR_S = 1.0
RANGE_AGE_NS = NS
TERRAIN_AGE_NS = 3 * NS
BELOW_TERRAIN_M = -10.0  # what an autopilot says before it knows its own height
SETTLING_NS = 5 * NS  # of flight, before a wind estimate means something
ON_GROUND = 1
CHUNK_BYTES = 50
MOST_TEXTS = 8


class VehicleRecords:
    """Turns messages into records.

    Parameters
    ----------
    source : str
        What the vehicle is called in records.
    """

    def __init__(self, source: str = "autopilot") -> None:
        self._source = source
        self._mode: int | None = None
        self._is_armed: bool | None = None
        self._landed = 0
        self._flying_since_ns: int | None = None
        self._has_estimator = False
        self._range: tuple[int, float] | None = None
        self._terrain: tuple[int, float] | None = None
        self._pieces: dict[int, str] = {}

    @staticmethod
    def reads(name: str) -> bool:
        """Whether a message can become records."""
        return name in _READERS

    def of(self, name: str, raw: Told, si: Told, time: Estimate, arrival_ns: int) -> list[Record]:
        """Records in one message.

        Parameters
        ----------
        name : str
        raw, si : dict
            The message in MAVLink's units and in SI.
        time : Estimate
            UTC of the sample.
        arrival_ns : int
            On the monotonic clock.
        """
        reader = _READERS.get(name)
        return reader(self, raw, si, time, arrival_ns) if reader else []

    def event(self, kind: str, text: str, time: Estimate) -> Event:
        """Something that happened."""
        return Event(time.time_ns, self._source, kind, text, time.sigma_s)

    def _heartbeat(self, raw: Told, si: Told, time: Estimate, arrival_ns: int) -> list[Record]:
        found: list[Record] = []
        if si["armed"] != self._is_armed:
            found.append(self.event("armed" if si["armed"] else "disarmed", "", time))
            self._is_armed = si["armed"]
        if raw["custom_mode"] != self._mode:
            found.append(self.event("mode", str(raw["custom_mode"]), time))
            self._mode = raw["custom_mode"]
        self._note_flight(arrival_ns)
        return found

    def _extended_sys_state(
        self, raw: Told, _si: Told, _time: Estimate, arrival_ns: int
    ) -> list[Record]:
        self._landed = raw["landed_state"]
        self._note_flight(arrival_ns)
        return []

    def _note_flight(self, arrival_ns: int) -> None:
        is_flying = bool(self._is_armed) and self._landed != ON_GROUND
        if not is_flying:
            self._flying_since_ns = None
        elif self._flying_since_ns is None:
            self._flying_since_ns = arrival_ns

    def _global_position_int(
        self, _raw: Told, si: Told, time: Estimate, arrival_ns: int
    ) -> list[Record]:
        if si["lat_deg"] is not None:
            self._has_estimator = True
        return [self._pose(si, time, arrival_ns)]

    def _gps_raw_int(self, _raw: Told, si: Told, time: Estimate, arrival_ns: int) -> list[Record]:
        """Only of use where no estimator speaks."""
        return [] if self._has_estimator else [self._pose(si, time, arrival_ns)]

    def _pose(self, si: Told, time: Estimate, arrival_ns: int) -> PoseSample:
        quality = _poor(time)
        if si["lat_deg"] is None:
            quality |= Quality.MISSING | Quality.NO_POSITION
        return PoseSample(
            time.time_ns,
            self._source,
            _number(si["lat_deg"]),
            _number(si["lon_deg"]),
            altitude_amsl_m=_number(si["alt_amsl_m"]),
            height_above_home_m=_number(si.get("alt_above_home_m")),
            height_above_ground_m=self._height_above_ground(arrival_ns),
            quality=quality,
            time_sigma_s=time.sigma_s,
        )

    def _height_above_ground(self, arrival_ns: int) -> float:
        """By a rangefinder that looks down, else by the terrain the autopilot knows."""
        if self._range and arrival_ns - self._range[0] <= RANGE_AGE_NS:
            return self._range[1]
        if self._terrain and arrival_ns - self._terrain[0] <= TERRAIN_AGE_NS:
            return self._terrain[1]
        return NAN

    def _distance_sensor(
        self, _raw: Told, si: Told, _time: Estimate, arrival_ns: int
    ) -> list[Record]:
        if si["orientation"] == "down" and si["distance_m"] is not None:
            self._range = (arrival_ns, si["distance_m"])
        return []

    def _terrain_report(
        self, _raw: Told, si: Told, _time: Estimate, arrival_ns: int
    ) -> list[Record]:
        height = si["height_above_terrain_m"]
        if height is not None and height > BELOW_TERRAIN_M:
            self._terrain = (arrival_ns, height)
        return []

    def _wind(self, _raw: Told, si: Told, time: Estimate, arrival_ns: int) -> list[Record]:
        """A vector towards; without an estimate, or too early, NaN and never calm."""
        north, east, down = map(_number, si["wind_toward_ned_m_s"])
        began = self._flying_since_ns
        is_settled = began is not None and arrival_ns - began >= SETTLING_NS
        quality = _poor(time)
        if not is_settled or math.isnan(north) or math.isnan(east):
            north = east = down = NAN
            quality |= Quality.MISSING
        up = NAN if math.isnan(down) else -down
        return [
            WindSample(time.time_ns, self._source, east, north, up, quality, time.sigma_s, "earth")
        ]

    def _scaled_pressure(
        self, _raw: Told, si: Told, time: Estimate, _arrival_ns: int
    ) -> list[Record]:
        """Not its temperature, which is that of the heated board."""
        return [self._air(time, pressure=_number(si["pressure_Pa"]))]

    def _hygrometer_sensor(
        self, _raw: Told, si: Told, time: Estimate, _arrival_ns: int
    ) -> list[Record]:
        air = self._air(
            time, temperature=si["temperature_K"], relative_humidity=si["relative_humidity"]
        )
        return [air]

    def _air(self, time: Estimate, **values: float) -> EnvironmentSample:
        return EnvironmentSample(
            time.time_ns,
            self._source,
            quality=_poor(time)
            | (Quality.MISSING if all(map(math.isnan, values.values())) else GOOD),
            time_sigma_s=time.sigma_s,
            **values,
        )

    def _mission_item_reached(
        self, raw: Told, _si: Told, time: Estimate, _arrival_ns: int
    ) -> list[Record]:
        return [self.event("mission item reached", str(raw["seq"]), time)]

    def _statustext(self, raw: Told, _si: Told, time: Estimate, _arrival_ns: int) -> list[Record]:
        """Texts of more than 50 bytes come in pieces, the last of which is shorter."""
        text, identifier = raw["text"], raw["id"]
        if identifier == 0:
            return [self.event("text", text, time)]
        if raw["chunk_seq"] == 0:
            self._pieces.pop(identifier, None)
        text = self._pieces.pop(identifier, "") + text
        if len(raw["text"].encode()) < CHUNK_BYTES:
            return [self.event("text", text, time)]
        self._pieces[identifier] = text
        while len(self._pieces) > MOST_TEXTS:
            del self._pieces[next(iter(self._pieces))]
        return []


_READERS = {
    "HEARTBEAT": VehicleRecords._heartbeat,
    "EXTENDED_SYS_STATE": VehicleRecords._extended_sys_state,
    "GLOBAL_POSITION_INT": VehicleRecords._global_position_int,
    "GPS_RAW_INT": VehicleRecords._gps_raw_int,
    "DISTANCE_SENSOR": VehicleRecords._distance_sensor,
    "TERRAIN_REPORT": VehicleRecords._terrain_report,
    "ALTITUDE": VehicleRecords._terrain_report,
    "WIND": VehicleRecords._wind,
    "WIND_COV": VehicleRecords._wind,
    "SCALED_PRESSURE": VehicleRecords._scaled_pressure,
    "HYGROMETER_SENSOR": VehicleRecords._hygrometer_sensor,
    "MISSION_ITEM_REACHED": VehicleRecords._mission_item_reached,
    "STATUSTEXT": VehicleRecords._statustext,
}


def _number(value: float | None) -> float:
    return NAN if value is None else value


def _poor(time: Estimate) -> Quality:
    return Quality.CLOCK_POOR if not time.sigma_s <= POOR_S else GOOD
