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
FASTEST_M_S = 60.0
_LINE = re.compile(r"\x02(.*)\x03([0-9A-Fa-f]{2})")


class _Decoder(LineDecoder):
    """Lines between STX and ETX; in NMEA mode, MWV with the maker's status or NMEA's."""

    longest = 120
    restart = STX.encode()
    ends_with_return = True

    def parse_line(self, line: str) -> Parsed | None:
        if line.startswith("$"):
            fields = nmea.checked(line).split(",")
            is_wind = fields[0].endswith("MWV")
            return nmea.wind_of_mwv(fields, good=("A", GOOD_STATUS)) if is_wind else None
        if STX not in line and ETX not in line:
            raise BrokenFrame("garbage")  # what it prints when switched on
        match = _LINE.fullmatch(line)
        if match is None:
            raise BrokenFrame("format")
        if int(match[2], 16) != nmea.checksum(match[1]):
            raise BrokenFrame("checksum")
        return self._wind(match[1].split(","))

    def _wind(self, fields: list[str]) -> Parsed:
        if len(fields) != 6 or fields[5] or fields[3] not in nmea.METRES_PER_SECOND:
            raise BrokenFrame("format")
        node, first, second, unit, status, _ = fields
        factor = nmea.METRES_PER_SECOND[unit]
        told: dict[str, Any] = {"node": node, "status": status}
        good = status == GOOD_STATUS
        if first[:1] in ("+", "-"):
            u, v = nmea.number(first), nmea.number(second)
            if u is None or v is None:
                raise BrokenFrame("format")
            speed = math.hypot(u, v) * factor
            told |= {"raw": {"u": u, "v": v}, "si": {"wind_speed_m_s": speed if good else None}}
            return "wind_uv", told
        speed_told, from_deg = nmea.number(second), nmea.direction(first)
        usable = good and speed_told is not None
        told["si"] = {
            "wind_speed_m_s": speed_told * factor if usable and speed_told is not None else None,
            "wind_from_deg": from_deg if good else None,
        }
        return "wind", told


class Driver(Base):
    """Nothing is ever sent: a stray letter may put it into its configuration, and silence it.

    In the UV form the sign of the axes is to be checked on the unit: its direction is not told.
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
            raw = frame["raw"]
            text = f"{node},{raw['u']:+07.2f},{raw['v']:+07.2f},M,{status},"
        else:
            si = frame["si"]
            angle = "" if si["wind_from_deg"] is None else f"{si['wind_from_deg']:03g}"
            speed = "" if si["wind_speed_m_s"] is None else f"{si['wind_speed_m_s']:.6f}"
            text = f"{node},{angle},{speed},M,{status},"
        return f"{STX}{text}{ETX}{nmea.checksum(text):02X}\r\n".encode("latin-1")

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        fields = frame.fields
        si = fields["si"]
        faulty = not fields["valid"] if "valid" in fields else fields["status"] != GOOD_STATUS
        if frame.kind == "wind_uv":
            return [
                WindSample(
                    moment.time_ns,
                    moment.source,
                    math.nan,
                    math.nan,
                    quality=Quality.FAULT if faulty else Quality.MISSING,
                    time_sigma_s=moment.time_sigma_s,
                    frame="vehicle",
                )
            ]
        return [
            nmea.polar_wind(
                moment,
                si["wind_speed_m_s"],
                si["wind_from_deg"],
                is_true=fields.get("reference") == "T",
                faulty=faulty,
                fastest=FASTEST_M_S,
            )
        ]
