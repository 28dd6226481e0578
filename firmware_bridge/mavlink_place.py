"""Messages that tell where the vehicle is and how it is turned, in SI."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from firmware_bridge.mavlink_names import ORIENTATIONS
from firmware_bridge.mavlink_si import U8, U16, boot_time, finite, place, unless, usec_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    Raw = Mapping[str, Any]
    Told = dict[str, Any]

__all__ = [
    "altitude",
    "attitude",
    "attitude_quaternion",
    "distance_sensor",
    "global_position_int",
    "gps_raw_int",
    "local_position_ned",
    "origin",
    "terrain_report",
    "vfr_hud",
]

FIX_3D = 3
INVALID_SIGNAL = 1
TERRAIN_UNKNOWN_M = -1000.0


def global_position_int(raw: Raw) -> Told:
    """GLOBAL_POSITION_INT in SI."""
    here = place(raw)
    knows = here["lat_deg"] is not None
    return {
        **boot_time(raw),
        **here,
        "alt_amsl_m": raw["alt"] / 1e3 if knows else None,
        "alt_above_home_m": raw["relative_alt"] / 1e3,
        "vel_ned_m_s": [raw["vx"] / 100, raw["vy"] / 100, raw["vz"] / 100],
        "heading_rad": unless(raw["hdg"], U16, math.pi / 18_000),
    }


def gps_raw_int(raw: Raw) -> Told:
    """GPS_RAW_INT in SI."""
    has_fix = raw["fix_type"] >= FIX_3D
    here = place(raw) if has_fix else {"lat_deg": None, "lon_deg": None}
    yaw = raw["yaw"]
    return {
        **usec_time(raw),
        **here,
        "alt_amsl_m": raw["alt"] / 1e3 if here["lat_deg"] is not None else None,
        # extensions are 0 where the sender has none
        "alt_ellipsoid_m": unless(raw.get("alt_ellipsoid", 0), 0, 1e-3),
        "hdop": unless(raw["eph"], U16, 1e-2),
        "vdop": unless(raw["epv"], U16, 1e-2),
        "ground_speed_m_s": unless(raw["vel"], U16, 1e-2),
        "course_deg": unless(raw["cog"], U16, 1e-2),
        "satellites": unless(raw["satellites_visible"], U8),
        "h_acc_m": unless(raw.get("h_acc", 0), 0, 1e-3),
        "v_acc_m": unless(raw.get("v_acc", 0), 0, 1e-3),
        "heading_rad": None if yaw in {0, U16} else yaw * math.pi / 18_000,
    }


def local_position_ned(raw: Raw) -> Told:
    """LOCAL_POSITION_NED in SI."""
    return {
        **boot_time(raw),
        "pos_ned_m": [finite(raw[axis]) for axis in ("x", "y", "z")],
        "vel_ned_m_s": [finite(raw[axis]) for axis in ("vx", "vy", "vz")],
        "height_above_origin_m": finite(raw["z"], -1.0),
    }


def attitude(raw: Raw) -> Told:
    """ATTITUDE in SI."""
    return {
        **boot_time(raw),
        **{f"{one}_rad": finite(raw[one]) for one in ("roll", "pitch", "yaw")},
    }


def attitude_quaternion(raw: Raw) -> Told:
    """ATTITUDE_QUATERNION in SI."""
    return {**boot_time(raw), "q_wxyz": [finite(raw[one]) for one in ("q1", "q2", "q3", "q4")]}


def vfr_hud(raw: Raw) -> Told:
    """VFR_HUD in SI."""
    return {
        "airspeed_m_s": finite(raw["airspeed"]),
        "ground_speed_m_s": finite(raw["groundspeed"]),
        "heading_deg": raw["heading"],
        "alt_amsl_m": finite(raw["alt"]),
        "climb_m_s": finite(raw["climb"]),
    }


def distance_sensor(raw: Raw) -> Told:
    """DISTANCE_SENSOR in SI."""
    distance = raw["current_distance"]
    usable = raw["min_distance"] <= distance <= raw["max_distance"]
    usable &= raw.get("signal_quality", 0) != INVALID_SIGNAL
    return {
        **boot_time(raw),
        "distance_m": distance / 100 if usable else None,
        "orientation": ORIENTATIONS.get(raw["orientation"], raw["orientation"]),
    }


def terrain_report(raw: Raw) -> Told:
    """TERRAIN_REPORT in SI."""
    loaded = raw["spacing"] > 0 and raw["pending"] == 0
    return {
        **place(raw),
        "terrain_amsl_m": finite(raw["terrain_height"]) if loaded else None,
        "height_above_terrain_m": finite(raw["current_height"]) if loaded else None,
    }


def altitude(raw: Raw) -> Told:
    """ALTITUDE in SI."""
    terrain, clearance = raw["altitude_terrain"], raw["bottom_clearance"]
    return {
        **usec_time(raw),
        "alt_amsl_m": finite(raw["altitude_amsl"]),
        "alt_above_home_m": finite(raw["altitude_relative"]),
        "terrain_amsl_m": finite(terrain) if terrain > TERRAIN_UNKNOWN_M else None,
        "height_above_terrain_m": finite(clearance) if clearance >= 0.0 else None,
    }


def origin(raw: Raw) -> Told:
    """HOME_POSITION and GPS_GLOBAL_ORIGIN in SI."""
    here = place(raw, "latitude", "longitude")
    knows = here["lat_deg"] is not None
    return {**here, "alt_amsl_m": raw["altitude"] / 1e3 if knows else None}
