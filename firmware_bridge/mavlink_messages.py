"""What MAVLink messages say in SI: scaled, with None for every value their definition calls void.

Keys are as in golden_vectors.json: ``lat_deg``, ``alt_amsl_m``, ``wind_toward_ned_m_s``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from firmware_bridge.mavlink_names import AUTOPILOTS, ORIENTATIONS, RELEASES, VEHICLES
from firmware_bridge.tunnel import PAYLOAD_TYPE, decode_batch
from sensors.framing import BrokenFrame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Raw = Mapping[str, Any]
    Told = dict[str, Any]

__all__ = ["IN_SI", "in_si"]

ZERO_CELSIUS_K = 273.15
U16, I16, U8 = 65535, 32767, 255
EARLIEST_UTC_US = 1_420_070_400_000_000  # 2015
UNIX_ABOVE_US = 10**15  # time_usec beyond it counts from 1970, below it from boot
FIX_3D = 3
ARMED = 128
INVALID_SIGNAL = 1
TERRAIN_UNKNOWN_M = -1000.0


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


def _unless(value: float, void: float, scale: float = 1.0) -> float | None:
    return None if value == void or not math.isfinite(value) else value * scale


def _finite(value: float, scale: float = 1.0) -> float | None:
    return value * scale if math.isfinite(value) else None


def _place(raw: Raw, lat: str = "lat", lon: str = "lon") -> Told:
    """1e-7 degrees; 0, 0 is what an autopilot says before it knows."""
    knows = bool(raw[lat] or raw[lon]) and abs(raw[lat]) <= 9 * 10**8
    return {
        "lat_deg": raw[lat] / 1e7 if knows else None,
        "lon_deg": raw[lon] / 1e7 if knows else None,
    }


def _boot(raw: Raw) -> Told:
    return {"time_boot_s": raw["time_boot_ms"] / 1e3}


def _usec(raw: Raw) -> Told:
    """Microseconds since boot or since 1970, told apart by their size; 0 is neither."""
    time_us = raw["time_usec"]
    if not time_us:
        return {}
    key = "time_unix_s" if time_us > UNIX_ABOVE_US else "time_boot_s"
    return {key: time_us / 1e6}


def _heartbeat(raw: Raw) -> Told:
    return {
        "vehicle": VEHICLES.get(raw["type"], raw["type"]),
        "autopilot": AUTOPILOTS.get(raw["autopilot"], raw["autopilot"]),
        "armed": bool(raw["base_mode"] & ARMED),
        "custom_mode": raw["custom_mode"],
    }


def _sys_status(raw: Raw) -> Told:
    return {
        "voltage_V": _unless(raw["voltage_battery"], U16, 1e-3),
        "current_A": _unless(raw["current_battery"], -1, 1e-2),
        "remaining": _unless(raw["battery_remaining"], -1, 1e-2),
        "drop_rate_comm": _unless(raw["drop_rate_comm"], U16, 1e-4),
    }


def _battery_status(raw: Raw) -> Told:
    cells = [cell for cell in raw["voltages"] if cell != U16]
    cells += [cell for cell in raw["voltages_ext"] if cell not in {0, U16}]
    return {
        "voltage_V": sum(cells) * 1e-3 if cells else None,
        "current_A": _unless(raw["current_battery"], -1, 1e-2),
        "remaining": _unless(raw["battery_remaining"], -1, 1e-2),
        "temperature_K": None
        if raw["temperature"] == I16
        else raw["temperature"] * 1e-2 + ZERO_CELSIUS_K,
    }


def _global_position_int(raw: Raw) -> Told:
    place = _place(raw)
    knows = place["lat_deg"] is not None
    return {
        **_boot(raw),
        **place,
        "alt_amsl_m": raw["alt"] / 1e3 if knows else None,
        "alt_above_home_m": raw["relative_alt"] / 1e3,
        "vel_ned_m_s": [raw["vx"] / 100, raw["vy"] / 100, raw["vz"] / 100],
        "heading_rad": _unless(raw["hdg"], U16, math.pi / 18_000),
    }


def _gps_raw_int(raw: Raw) -> Told:
    has_fix = raw["fix_type"] >= FIX_3D
    place = _place(raw) if has_fix else {"lat_deg": None, "lon_deg": None}
    yaw = raw["yaw"]
    return {
        **_usec(raw),
        **place,
        "alt_amsl_m": raw["alt"] / 1e3 if place["lat_deg"] is not None else None,
        # extensions are 0 where the sender has none
        "alt_ellipsoid_m": _unless(raw.get("alt_ellipsoid", 0), 0, 1e-3),
        "hdop": _unless(raw["eph"], U16, 1e-2),
        "vdop": _unless(raw["epv"], U16, 1e-2),
        "ground_speed_m_s": _unless(raw["vel"], U16, 1e-2),
        "course_deg": _unless(raw["cog"], U16, 1e-2),
        "satellites": _unless(raw["satellites_visible"], U8),
        "h_acc_m": _unless(raw.get("h_acc", 0), 0, 1e-3),
        "v_acc_m": _unless(raw.get("v_acc", 0), 0, 1e-3),
        "heading_rad": None if yaw in {0, U16} else yaw * math.pi / 18_000,
    }


def _local_position_ned(raw: Raw) -> Told:
    return {
        **_boot(raw),
        "pos_ned_m": [_finite(raw[axis]) for axis in ("x", "y", "z")],
        "vel_ned_m_s": [_finite(raw[axis]) for axis in ("vx", "vy", "vz")],
        "height_above_origin_m": _finite(raw["z"], -1.0),
    }


def _attitude(raw: Raw) -> Told:
    return {**_boot(raw), **{f"{one}_rad": _finite(raw[one]) for one in ("roll", "pitch", "yaw")}}


def _attitude_quaternion(raw: Raw) -> Told:
    return {**_boot(raw), "q_wxyz": [_finite(raw[one]) for one in ("q1", "q2", "q3", "q4")]}


def _vfr_hud(raw: Raw) -> Told:
    return {
        "airspeed_m_s": _finite(raw["airspeed"]),
        "ground_speed_m_s": _finite(raw["groundspeed"]),
        "heading_deg": raw["heading"],
        "alt_amsl_m": _finite(raw["alt"]),
        "climb_m_s": _finite(raw["climb"]),
    }


def _wind(raw: Raw) -> Told:
    """ArduPilot: where it comes *from*; speed 0 from 180 degrees is "no estimate", not calm."""
    direction, speed = raw["direction"], raw["speed"]
    no_estimate = speed == 0.0 and abs(direction) == 180.0
    if no_estimate or not (math.isfinite(direction) and math.isfinite(speed)):
        return {"wind_from_deg": None, "wind_speed_m_s": None, "wind_toward_ned_m_s": [None] * 3}
    angle = math.radians(direction)
    return {
        "wind_from_deg": direction % 360.0,
        "wind_speed_m_s": speed,
        "wind_toward_ned_m_s": [
            -speed * math.cos(angle),
            -speed * math.sin(angle),
            _finite(raw["speed_z"]),
        ],
    }


def _wind_cov(raw: Raw) -> Told:
    """PX4: the vector the air moves *towards*; accuracy 0 is unknown."""
    north, east = _finite(raw["wind_x"]), _finite(raw["wind_y"])
    knows = north is not None and east is not None
    return {
        **_usec(raw),
        "wind_from_deg": math.degrees(math.atan2(-raw["wind_y"], -raw["wind_x"])) % 360.0
        if knows
        else None,
        "wind_speed_m_s": math.hypot(raw["wind_x"], raw["wind_y"]) if knows else None,
        "wind_toward_ned_m_s": [north, east, _finite(raw["wind_z"])],
        "horiz_accuracy_m_s": _unless(raw["horiz_accuracy"], 0.0),
        "vert_accuracy_m_s": _unless(raw["vert_accuracy"], 0.0),
    }


def _scaled_pressure(raw: Raw) -> Told:
    """Its temperature is that of the heated board."""
    return {
        **_boot(raw),
        "pressure_Pa": _finite(raw["press_abs"], 100.0),
        "temperature_K": raw["temperature"] / 100 + ZERO_CELSIUS_K,
    }


def _system_time(raw: Raw) -> Told:
    unix_us, boot_ms = raw["time_unix_usec"], raw["time_boot_ms"]
    if unix_us < EARLIEST_UTC_US:
        return {**_boot(raw), "unix_s": None}
    return {
        **_boot(raw),
        "unix_s": unix_us / 1e6,
        "boot_to_unix_offset_us": unix_us - boot_ms * 1000,
    }


def _distance_sensor(raw: Raw) -> Told:
    distance = raw["current_distance"]
    usable = raw["min_distance"] <= distance <= raw["max_distance"]
    usable &= raw.get("signal_quality", 0) != INVALID_SIGNAL
    return {
        **_boot(raw),
        "distance_m": distance / 100 if usable else None,
        "orientation": ORIENTATIONS.get(raw["orientation"], raw["orientation"]),
    }


def _terrain_report(raw: Raw) -> Told:
    loaded = raw["spacing"] > 0 and raw["pending"] == 0
    return {
        **_place(raw),
        "terrain_amsl_m": _finite(raw["terrain_height"]) if loaded else None,
        "height_above_terrain_m": _finite(raw["current_height"]) if loaded else None,
    }


def _altitude(raw: Raw) -> Told:
    terrain, clearance = raw["altitude_terrain"], raw["bottom_clearance"]
    return {
        **_usec(raw),
        "alt_amsl_m": _finite(raw["altitude_amsl"]),
        "alt_above_home_m": _finite(raw["altitude_relative"]),
        "terrain_amsl_m": _finite(terrain) if terrain > TERRAIN_UNKNOWN_M else None,
        "height_above_terrain_m": _finite(clearance) if clearance >= 0.0 else None,
    }


def _origin(raw: Raw) -> Told:
    place = _place(raw, "latitude", "longitude")
    knows = place["lat_deg"] is not None
    return {**place, "alt_amsl_m": raw["altitude"] / 1e3 if knows else None}


def _mission_current(raw: Raw) -> Told:
    return {"seq": raw["seq"], "total": _unless(raw.get("total", 0), U16)}


def _autopilot_version(raw: Raw) -> Told:
    version = raw["flight_sw_version"]
    numbers = ".".join(str(version >> shift & 0xFF) for shift in (24, 16, 8))
    uid2 = bytes(raw["uid2"])
    return {
        "flight_sw_version": numbers + RELEASES.get(version & 0xFF, ""),
        "uid": uid2.hex() if any(uid2) else f"{raw['uid']:016x}",
    }


def _hygrometer(raw: Raw) -> Told:
    return {
        "temperature_K": raw["temperature"] / 100 + ZERO_CELSIUS_K,
        "relative_humidity": raw["humidity"] / 1e4,
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
    "GLOBAL_POSITION_INT": _global_position_int,
    "GPS_RAW_INT": _gps_raw_int,
    "GPS2_RAW": _gps_raw_int,
    "LOCAL_POSITION_NED": _local_position_ned,
    "ATTITUDE": _attitude,
    "ATTITUDE_QUATERNION": _attitude_quaternion,
    "VFR_HUD": _vfr_hud,
    "WIND": _wind,
    "WIND_COV": _wind_cov,
    "SCALED_PRESSURE": _scaled_pressure,
    "SYSTEM_TIME": _system_time,
    "MISSION_CURRENT": _mission_current,
    "MISSION_ITEM_REACHED": lambda raw: {"seq": raw["seq"]},
    "HOME_POSITION": _origin,
    "GPS_GLOBAL_ORIGIN": _origin,
    "DISTANCE_SENSOR": _distance_sensor,
    "TERRAIN_REPORT": _terrain_report,
    "ALTITUDE": _altitude,
    "AUTOPILOT_VERSION": _autopilot_version,
    "HYGROMETER_SENSOR": _hygrometer,
    "NAMED_VALUE_FLOAT": lambda raw: {"name": raw["name"], "value": _finite(raw["value"])},
    "TUNNEL": _tunnel,
}
