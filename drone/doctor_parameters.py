"""Which parameters of an autopilot matter to us, and what their values mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drone.doctor_findings import one

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from drone.doctor_findings import Finding, State

__all__ = ["judged", "names_for"]

SERIAL_PORTS = range(1, 7)
MAVLINK1, MAVLINK2 = 1.0, 2.0
ENOUGH_BAUD = 460.0  # SERIALn_BAUD in thousands
PORTS = tuple(f"SERIAL{n}_{what}" for n in SERIAL_PORTS for what in ("PROTOCOL", "BAUD"))
STREAMS = tuple(f"SR{n}_{what}" for n in (1, 2) for what in ("POSITION", "EXTRA1", "EXTRA3"))
LOGGING = ("LOG_BACKEND_TYPE", "LOG_DISARMED")
COPTER_WIND = ("AHRS_EKF_TYPE", "EK3_DRAG_BCOEF_X", "EK3_DRAG_BCOEF_Y", "EK3_DRAG_MCOEF")
PLANE_WIND = ("AHRS_EKF_TYPE", "ARSPD_TYPE", "ARSPD_USE")
PX4_NAMES = ("MAV_0_MODE", "MAV_0_RATE", "MAV_1_CONFIG", "MAV_1_MODE", "MAV_1_RATE", "SDLOG_MODE")
PX4_WIND = ("EKF2_DRAG_CTRL", "EKF2_BCOEF_X", "EKF2_BCOEF_Y", "EKF2_MCOEF")
COPTERS = frozenset(
    {
        "quadrotor",
        "coaxial",
        "helicopter",
        "hexarotor",
        "octorotor",
        "tricopter",
        "dodecarotor",
        "decarotor",
    }
)
ARDUPILOT, PX4 = 3, 12
ONBOARD = 2.0  # MAV_n_MODE
EKF3 = 3.0


def names_for(autopilot: int | None, vehicle: str) -> tuple[str, ...]:
    """Parameters to read.

    Parameters
    ----------
    autopilot : int or None
        MAV_AUTOPILOT of its heartbeat.
    vehicle : str
        Its kind, as `mavlink_messages` words it.
    """
    if autopilot == ARDUPILOT:
        wind = COPTER_WIND if vehicle in COPTERS else PLANE_WIND
        return (*PORTS, *wind, *LOGGING, *STREAMS)
    if autopilot == PX4:
        return (*PX4_NAMES, *(PX4_WIND if vehicle in COPTERS else ()))
    return ()


def judged(
    values: Mapping[str, float],
    *,
    autopilot: int | None,
    vehicle: str,
    is_serial: bool,
    has_anemometer: bool,
) -> list[Finding]:
    """What the parameters mean for us.

    Parameters
    ----------
    values : dict of str to float
        Those that were answered.
    autopilot : int or None
    vehicle : str
    is_serial : bool
        Our link is a serial port, so one of the vehicle's must speak MAVLink 2.
    has_anemometer : bool
        Wind comes from a device of the mission.
    """
    if not names_for(autopilot, vehicle):
        return [_one("not checked", "parameters", "known for ArduPilot and PX4 only")]
    if not values:
        return [
            _one(
                "not checked",
                "parameters",
                "none of those asked for was answered",
                "another program may use up the link; try again",
            )
        ]
    if autopilot == PX4:
        return [*_px4(values), _px4_wind(values, vehicle, has_anemometer=has_anemometer)]
    is_copter = vehicle in COPTERS
    wind = _copter_wind if is_copter else _plane_wind
    return [_ports(values, is_serial=is_serial), wind(values, has_anemometer), _logging(values)]


def _ports(values: Mapping[str, float], *, is_serial: bool) -> Finding:
    told = {
        n: values[f"SERIAL{n}_PROTOCOL"] for n in SERIAL_PORTS if f"SERIAL{n}_PROTOCOL" in values
    }
    if not told:
        return _one("not checked", "SERIALn_PROTOCOL", "not answered")
    second = [n for n, protocol in told.items() if protocol == MAVLINK2]
    first = [n for n, protocol in told.items() if protocol == MAVLINK1]
    found = ", ".join(f"SERIAL{n} {_baud(values.get(f'SERIAL{n}_BAUD'))}" for n in second)
    found = f"MAVLink 2 on {found}" if found else "no telemetry port speaks MAVLink 2"
    if first:
        ports = ", ".join(f"SERIAL{n}_PROTOCOL" for n in first)
        return _one(
            "warning",
            "SERIALn_PROTOCOL",
            f"{found}; {ports} = 1, MAVLink 1",
            f"set {ports} = 2 if that is ours",
            values,
            PORTS,
        )
    slow = [n for n in second if values.get(f"SERIAL{n}_BAUD", ENOUGH_BAUD) < ENOUGH_BAUD]
    if is_serial and not second:
        return _one(
            "warning",
            "SERIALn_PROTOCOL",
            found,
            "set SERIALn_PROTOCOL = 2 for the port we are on, unless that is USB",
            values,
            PORTS,
        )
    if is_serial and slow and len(slow) == len(second):
        return _one(
            "warning",
            "SERIALn_BAUD",
            found,
            f"set SERIAL{slow[0]}_BAUD = 921 and the link in the mission file to 921600: "
            "57600 baud carries about 40 messages a second",
            values,
            PORTS,
        )
    return _one("ok", "SERIALn_PROTOCOL", found, "", values, PORTS)


def _copter_wind(values: Mapping[str, float], has_anemometer: bool) -> Finding:
    drag = [name for name in COPTER_WIND[1:] if values.get(name, 0.0) <= 0.0]
    told = ", ".join(f"{name} = {values[name]:g}" for name in COPTER_WIND if name in values)
    is_set = not drag and values.get("AHRS_EKF_TYPE", EKF3) == EKF3
    return _wind(
        told or "not answered",
        is_set=is_set,
        has_anemometer=has_anemometer,
        fix="set AHRS_EKF_TYPE = 3 and tune EK3_DRAG_BCOEF_X, EK3_DRAG_BCOEF_Y and "
        "EK3_DRAG_MCOEF to this airframe, or carry an anemometer",
        figures=(values, COPTER_WIND),
    )


def _plane_wind(values: Mapping[str, float], has_anemometer: bool) -> Finding:
    told = ", ".join(f"{name} = {values[name]:g}" for name in PLANE_WIND if name in values)
    return _wind(
        told or "not answered",
        is_set=values.get("ARSPD_TYPE", 0.0) > 0.0 and values.get("ARSPD_USE", 0.0) == 1.0,
        has_anemometer=has_anemometer,
        fix="wind without an airspeed sensor is estimated in turns only: "
        "set ARSPD_TYPE and ARSPD_USE = 1 if there is one",
        figures=(values, PLANE_WIND),
    )


def _px4_wind(values: Mapping[str, float], vehicle: str, *, has_anemometer: bool) -> Finding:
    if vehicle not in COPTERS:
        return _one("ok", "estimation", "a PX4 plane estimates wind by itself", area="wind")
    told = ", ".join(f"{name} = {values[name]:g}" for name in PX4_WIND if name in values)
    return _wind(
        told or "not answered",
        is_set=values.get("EKF2_DRAG_CTRL", 0.0) == 1.0,
        has_anemometer=has_anemometer,
        fix="set EKF2_DRAG_CTRL = 1 and tune EKF2_BCOEF_X and _Y, or carry an anemometer",
        figures=(values, PX4_WIND),
    )


def _wind(
    told: str,
    *,
    is_set: bool,
    has_anemometer: bool,
    fix: str,
    figures: tuple[Mapping[str, float], Iterable[str]],
) -> Finding:
    if has_anemometer:
        return _one(
            "ok", "estimation", f"{told}; an anemometer is carried", "", *figures, area="wind"
        )
    if is_set:
        return _one("ok", "estimation", told, "", *figures, area="wind")
    found = f"the vehicle does not estimate wind ({told}), and no anemometer is carried"
    return _one("warning", "estimation", found, fix, *figures, area="wind")


def _logging(values: Mapping[str, float]) -> Finding:
    told = ", ".join(f"{name} = {values[name]:g}" for name in LOGGING if name in values)
    if not told:
        return _one("not checked", "logging", "not answered")
    if values.get("LOG_BACKEND_TYPE") == 0.0:
        return _one(
            "warning",
            "logging",
            f"off ({told})",
            "set LOG_BACKEND_TYPE = 1: its log is a second time base",
            values,
            LOGGING,
        )
    return _one("ok", "logging", told, "", values, LOGGING)


def _px4(values: Mapping[str, float]) -> list[Finding]:
    told = ", ".join(f"{name} = {values[name]:g}" for name in PX4_NAMES if name in values)
    is_onboard = ONBOARD in (values.get("MAV_0_MODE"), values.get("MAV_1_MODE"))
    found = [
        _one("ok", "MAV_n_MODE", told, "", values, PX4_NAMES)
        if is_onboard
        else _one(
            "warning",
            "MAV_n_MODE",
            told or "not answered",
            "set MAV_1_MODE = 2 (onboard) for the port we are on",
            values,
            PX4_NAMES,
        )
    ]
    if values.get("SDLOG_MODE") == -1.0:
        found.append(_one("warning", "logging", "off (SDLOG_MODE = -1)", "set SDLOG_MODE = 0"))
    return found


def _baud(value: float | None) -> str:
    """SERIALn_BAUD is in thousands, above 2000 it is the rate itself."""
    if value is None:
        return "(baud not answered)"
    return f"({value:g} baud)" if value > 2000.0 else f"({value:g} kbaud)"


def _one(
    state: State,
    subject: str,
    found: str,
    fix: str = "",
    values: Mapping[str, float] | None = None,
    names: Iterable[str] = (),
    *,
    area: str = "autopilot",
) -> Finding:
    figures: dict[str, float | str] = {
        name: values[name] for name in names if values and name in values
    }
    return one(area, subject, state, found, fix, figures)
