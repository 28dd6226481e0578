"""Gill WindSonic, WindSonic M and WindUltra: two-axis ultrasonic anemometers."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from sensors import nmea
from sensors.decoders import LineDecoder
from sensors.devices import Device, Moment
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame
from sensors.records import Quality, WindSample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.devices import Record
    from sensors.framing import Decoder, Frame, Parsed

__all__ = ["Driver"]

STX, ETX = "\x02", "\x03"
GOOD_STATUS = "00"
MPH, FEET_PER_MINUTE = 0.44704, 0.3048 / 60.0
# of one unit of speed; no letter S here, which is statute miles in NMEA only
METRES_PER_SECOND = {
    "M": 1.0,
    "N": nmea.METRES_PER_SECOND["N"],
    "P": MPH,
    "K": nmea.METRES_PER_SECOND["K"],
    "F": FEET_PER_MINUTE,
}
FASTEST_M_S = 60.0
_LINE = re.compile(r"\x02(.*)\x03([0-9A-Fa-f]{2})")
# every field has its width: an exclusive or of eight bits does not see two equal digits lost
_SPEED = r"\d{3,6}(?:\.\d{1,6})?"
_POLAR = re.compile(rf"[A-Z0-9],(?:\d{{3}})?,({_SPEED})?,([MNPKF]),\w\w,")
_ALONG_AXES = re.compile(rf"[A-Z0-9],([+-] ?{_SPEED},[+-] ?{_SPEED}),([MNPKF]),\w\w,")


class _Decoder(LineDecoder):
    """Lines between STX and ETX; in NMEA mode, MWV with the maker's status or NMEA's."""

    longest = 120
    restart = STX.encode()
    ends_with_return = True

    def parse_line(self, line: str) -> Parsed | None:
        if line.startswith("$"):
            fields = nmea.checked(line).split(",")
            is_wind = fields[0][2:] == "MWV"
            return nmea.wind_of_mwv(fields, good=("A", GOOD_STATUS)) if is_wind else None
        if STX not in line and ETX not in line:
            raise BrokenFrame("garbage")  # what it prints when switched on
        if not line.startswith(STX):
            raise BrokenFrame("format")
        if ETX not in line:
            raise BrokenFrame("framing")
        match = _LINE.fullmatch(line)
        if match is None or int(match[2], 16) != nmea.checksum(match[1]):
            raise BrokenFrame("checksum")
        return _wind(match[1])


def _wind(text: str) -> Parsed:
    along_axes = _ALONG_AXES.fullmatch(text)
    match = along_axes or _POLAR.fullmatch(text)
    if match is None:
        raise BrokenFrame("format")
    speeds, unit = match[1] or "", match[2]
    if unit != "F" and speeds.count(".") != len(speeds.split(",")) and speeds:
        raise BrokenFrame("format")  # only feet per minute are whole
    node, first, second, _, status, _ = text.replace(" ", "").split(",")
    numbers = nmea.number(first), nmea.number(second)
    factor, good = METRES_PER_SECOND[unit], status == GOOD_STATUS
    told = {"node": node, "status": status}
    if along_axes:
        return "wind_uv", told | _along_axes(*numbers, factor, good=good)
    from_deg, speed = numbers if good else (None, None)
    return "wind", told | nmea.wind_fields(None if speed is None else speed * factor, from_deg)


def _along_axes(u: float | None, v: float | None, factor: float, *, good: bool) -> dict[str, Any]:
    """Speeds along the axes, in the unit told, and what they make together."""
    speed = math.hypot(u, v) * factor if good and u is not None and v is not None else None
    raw = {"u": u, "v": v}
    if speed is not None and speed > nmea.FASTEST_M_S:
        return {"raw": raw, "si": {"wind_speed_m_s": None}, "invalid": ["wind_speed_m_s"]}
    return {"raw": raw, "si": {"wind_speed_m_s": speed}}


class Driver(Base):
    """Nothing is ever sent: a stray letter may put it into its configuration, and silence it.

    In the UV form U is positive where the air moves from the south spar to the north and V from
    the east to the west (user manual 1405 PS 0019 issue 28, 9.2 and figure 5): north is U, and
    east is -V. To be checked on a unit with a fan, as always.
    """

    device = Device(
        title="Gill WindSonic / WindUltra",
        measures="wind in the plane of the instrument [m/s]",
        wiring="RS-232, RS-422 or RS-485 8N1, continuous mode",
        baud=9600,
        other_bauds=(4800, 19_200, 38_400),
        rate_hz=4.0,
    )

    def decoder(self) -> Decoder:
        return _Decoder()

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        if frame.get("reference"):
            si = frame["si"]
            speed = "" if si["wind_speed_m_s"] is None else f"{si['wind_speed_m_s']:.6f}"
            angle = "" if si["wind_from_deg"] is None else f"{si['wind_from_deg']:.6g}"
            status = "A" if frame["valid"] else "V"
            return nmea.encoded(
                f"{frame['talker']}MWV,{angle},{frame['reference']},{speed},M,{status}"
            )
        status, node = frame.get("status", GOOD_STATUS), frame.get("node", "Q")
        if frame["kind"] == "wind_uv":
            u, v = frame["raw"]["u"], frame["raw"]["v"]
            unit = _unit_of(math.hypot(u, v), frame["si"]["wind_speed_m_s"])
            text = f"{node},{u:+08.3f},{v:+08.3f},{unit},{status},"
        else:
            si = frame["si"]
            angle = "" if si["wind_from_deg"] is None else f"{si['wind_from_deg']:03g}"
            speed = "" if si["wind_speed_m_s"] is None else f"{si['wind_speed_m_s']:010.6f}"
            text = f"{node},{angle},{speed},M,{status},"
        return f"{STX}{text}{ETX}{nmea.checksum(text):02X}\r\n".encode("latin-1")

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        fields = frame.fields
        si = fields["si"]
        faulty = not fields["valid"] if "valid" in fields else fields["status"] != GOOD_STATUS
        if frame.kind == "wind_uv":
            return [self._towards(frame, moment, faulty=faulty)]
        return [
            nmea.polar_wind(
                moment,
                si["wind_speed_m_s"],
                si["wind_from_deg"],
                is_true=fields.get("reference") == "T",
                faulty=faulty,
                invalid="invalid" in fields,
                fastest=FASTEST_M_S,
            )
        ]

    def _towards(self, frame: Frame, moment: Moment, *, faulty: bool) -> WindSample:
        """Wind of its components, whatever unit they are told in."""
        u, v = frame.fields["raw"]["u"], frame.fields["raw"]["v"]
        speed = frame.fields["si"]["wind_speed_m_s"]
        if speed is None:
            invalid = "invalid" in frame.fields
            return nmea.polar_wind(moment, None, None, faulty=faulty, invalid=invalid)
        scale = speed / math.hypot(u, v) if speed else 0.0
        return WindSample(
            moment.time_ns,
            moment.source,
            -v * scale,
            u * scale,
            quality=Quality.SATURATED if speed >= FASTEST_M_S else Quality(0),
            time_sigma_s=moment.time_sigma_s,
            frame="vehicle",
        )


def _unit_of(told: float, speed_m_s: float | None) -> str:
    """The letter that makes the one the other."""
    if not told or speed_m_s is None:
        return "M"
    return min(METRES_PER_SECOND, key=lambda one: abs(METRES_PER_SECOND[one] * told - speed_m_s))
