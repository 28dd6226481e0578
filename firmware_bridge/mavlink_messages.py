"""What MAVLink messages say in SI: scaled, with None for every value their definition calls void.

Keys are as in golden_vectors.json: ``lat_deg``, ``alt_amsl_m``, ``wind_toward_ned_m_s``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from firmware_bridge import mavlink_air, mavlink_place
from firmware_bridge.mavlink_names import AUTOPILOTS, RELEASES, VEHICLES
from firmware_bridge.mavlink_si import I16, U16, ZERO_CELSIUS_K, boot_time, finite, unless
from firmware_bridge.tunnel import PAYLOAD_TYPE, decode_batch
from sensors.framing import BrokenFrame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Raw = Mapping[str, Any]
    Told = dict[str, Any]

__all__ = ["IN_SI", "in_si"]

EARLIEST_UTC_US = 1_420_070_400_000_000  # 2015
ARMED = 128


def in_si(name: str, raw: Raw) -> Told | None:
    """A message in SI; None for one that is not read.

    Parameters
    ----------
    name : str
    raw : dict
        As `Definition.unpack` gives it.

    Examples
    --------
    >>> in_si("WIND", {"direction": -90.0, "speed": 5.0, "speed_z": 0.0})["wind_from_deg"]
    270.0
    """
    reader = IN_SI.get(name)
    return reader(raw) if reader else None


def _heartbeat(raw: Raw) -> Told:
    return {
        "vehicle": VEHICLES.get(raw["type"], raw["type"]),
        "autopilot": AUTOPILOTS.get(raw["autopilot"], raw["autopilot"]),
        "armed": bool(raw["base_mode"] & ARMED),
        "custom_mode": raw["custom_mode"],
    }


def _sys_status(raw: Raw) -> Told:
    return {
        "voltage_V": unless(raw["voltage_battery"], U16, 1e-3),
        "current_A": unless(raw["current_battery"], -1, 1e-2),
        "remaining": unless(raw["battery_remaining"], -1, 1e-2),
        "drop_rate_comm": unless(raw["drop_rate_comm"], U16, 1e-4),
    }


def _battery_status(raw: Raw) -> Told:
    cells = [cell for cell in raw["voltages"] if cell != U16]
    cells += [cell for cell in raw["voltages_ext"] if cell not in {0, U16}]
    return {
        "voltage_V": sum(cells) * 1e-3 if cells else None,
        "current_A": unless(raw["current_battery"], -1, 1e-2),
        "remaining": unless(raw["battery_remaining"], -1, 1e-2),
        "temperature_K": None
        if raw["temperature"] == I16
        else raw["temperature"] * 1e-2 + ZERO_CELSIUS_K,
    }


def _system_time(raw: Raw) -> Told:
    unix_us, boot_ms = raw["time_unix_usec"], raw["time_boot_ms"]
    if unix_us < EARLIEST_UTC_US:
        return {**boot_time(raw), "unix_s": None}
    return {
        **boot_time(raw),
        "unix_s": unix_us / 1e6,
        "boot_to_unix_offset_us": unix_us - boot_ms * 1000,
    }


def _mission_current(raw: Raw) -> Told:
    return {"seq": raw["seq"], "total": unless(raw.get("total", 0), U16)}


def _autopilot_version(raw: Raw) -> Told:
    version = raw["flight_sw_version"]
    numbers = ".".join(str(version >> shift & 0xFF) for shift in (24, 16, 8))
    uid2 = bytes(raw["uid2"])
    return {
        "flight_sw_version": numbers + RELEASES.get(version & 0xFF, ""),
        "uid": uid2.hex() if any(uid2) else f"{raw['uid']:016x}",
    }


def _tunnel(raw: Raw) -> Told:
    """Empty for the payloads of others, and for a version of ours that is not known."""
    if raw["payload_type"] != PAYLOAD_TYPE:
        return {}
    try:
        return decode_batch(bytes(raw["payload"][: raw["payload_length"]])).as_json()
    except BrokenFrame:
        return {}


IN_SI: dict[str, Callable[[Raw], Told]] = {
    "HEARTBEAT": _heartbeat,
    "SYS_STATUS": _sys_status,
    "BATTERY_STATUS": _battery_status,
    "GLOBAL_POSITION_INT": mavlink_place.global_position_int,
    "GPS_RAW_INT": mavlink_place.gps_raw_int,
    "GPS2_RAW": mavlink_place.gps_raw_int,
    "LOCAL_POSITION_NED": mavlink_place.local_position_ned,
    "ATTITUDE": mavlink_place.attitude,
    "ATTITUDE_QUATERNION": mavlink_place.attitude_quaternion,
    "VFR_HUD": mavlink_place.vfr_hud,
    "WIND": mavlink_air.wind,
    "WIND_COV": mavlink_air.wind_cov,
    "SCALED_PRESSURE": mavlink_air.scaled_pressure,
    "SYSTEM_TIME": _system_time,
    "MISSION_CURRENT": _mission_current,
    "MISSION_ITEM_REACHED": lambda raw: {"seq": raw["seq"]},
    "HOME_POSITION": mavlink_place.origin,
    "GPS_GLOBAL_ORIGIN": mavlink_place.origin,
    "DISTANCE_SENSOR": mavlink_place.distance_sensor,
    "TERRAIN_REPORT": mavlink_place.terrain_report,
    "ALTITUDE": mavlink_place.altitude,
    "AUTOPILOT_VERSION": _autopilot_version,
    "HYGROMETER_SENSOR": mavlink_air.hygrometer,
    "NAMED_VALUE_FLOAT": lambda raw: {"name": raw["name"], "value": finite(raw["value"])},
    "TUNNEL": _tunnel,
}
