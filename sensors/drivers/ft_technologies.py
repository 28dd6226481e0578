"""FT Technologies FT205, FT702, FT7xx: acoustic resonance anemometers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sensors import nmea
from sensors.decoders import LineDecoder
from sensors.devices import Device, Dialogue, Moment, Request
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame
from sensors.records import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.devices import Record
    from sensors.framing import Decoder, Frame, Parsed

__all__ = ["COMMANDS", "Driver"]

GOOD_STATUS, TEMPERATURE_VALID = "0", "V"
FASTEST_M_S = 75.0
# kelvins to a degree, and its zero
KELVIN = {"C": (1.0, 273.15), "F": (5 / 9, 273.15 - 32 * 5 / 9), "K": (1.0, 0.0)}
COMMANDS = {
    "$01,WV?*//": b"$01,WV?*//\r\n",
    "$01,WV?*13": b"$01,WV?*13\r\n",
    "$01,CUE00010*//": b"$01,CUE00010*//\r\n",
    "$01,DFC*//": b"$01,DFC*//\r\n",
    "$01,FL?*//": b"$01,FL?*//\r\n",
}
# each has its width: an exclusive or of eight bits does not see two equal digits lost
_READING = re.compile(r"\d{3}\.\d{1,6},\d{3},[0-9A-Z]|[-.]*,[-\d]{0,3},[1-9A-Z]")
_TEMPERATURE = re.compile(r"[+-]\d{3}\.\d{1,6}")
_REPLY = re.compile(r"(?P<talker>[A-Z0-9]{2}),(?P<name>WV[PC]|(?!WV)[A-Z]{2,4})=(?P<values>.*)")


class _Decoder(LineDecoder):
    """Its own sentences, which are not NMEA's, and NMEA's MWV where it is set to that.

    Status 0 is good. In the status of the temperature V means valid, the opposite of NMEA.
    """

    longest = 120
    restart = b"$"
    ends_with_return = True

    def parse_line(self, line: str) -> Parsed | None:
        if line.encode("latin-1") + b"\r\n" in COMMANDS.values():
            return None  # an echo of what was sent
        body = nmea.checked(line)
        fields = body.split(",")
        if fields[0][2:] == "MWV":
            return nmea.wind_of_mwv(fields)
        match = _REPLY.fullmatch(body)
        if match is None:
            raise BrokenFrame("format")
        values = match["values"].split(",")
        if match["name"] not in ("WVP", "WVC"):
            return "reply", {
                "talker": match["talker"],
                "name": match["name"],
                "raw": {"values": values},
            }
        return "wind", {"talker": match["talker"], **_wind(values)}


def _wind(values: list[str]) -> dict[str, Any]:
    """Polar, and with a temperature where it is set to that: some write WVP for both."""
    if len(values) not in (3, 6):
        raise BrokenFrame("format")
    status = values[2]
    good = status == GOOD_STATUS  # else what stands there is not to be used, whatever it is
    if not _READING.fullmatch(",".join(values[:3])):
        raise BrokenFrame("format")
    speed, from_deg = (float(values[0]), float(values[1])) if good else (None, None)
    told = {"status": status, **nmea.wind_fields(speed, from_deg)}
    if len(values) == 6:
        _, _, _, degrees, unit, temperature_status = values
        is_valid = temperature_status == TEMPERATURE_VALID
        if unit not in KELVIN or (is_valid and not _TEMPERATURE.fullmatch(degrees)):
            raise BrokenFrame("format")
        degree, zero = KELVIN[unit]
        told["si"]["temperature_K"] = float(degrees) * degree + zero if is_valid else None
        told["temperature_status"] = temperature_status
    return told


class Driver(Base):
    """Polled; the form of its answer is set at every opening and never saved."""

    device = Device(
        title="FT Technologies FT205 / FT702 / FT7xx",
        measures="wind in the plane of the instrument [m/s], temperature",
        wiring="RS-485, RS-422 or UART 8N1",
        baud=9600,
        other_bauds=(4800, 19_200, 38_400, 115_200),
        rate_hz=4.0,
    )

    def decoder(self) -> Decoder:
        return _Decoder()

    def dialogue(self) -> Dialogue:
        smoothing = Request(
            name="FL?",
            send=COMMANDS["$01,FL?*//"],
            answers=lambda frame: frame.kind == "reply" and frame.fields["name"] == "FL",
            tries=2,
        )
        return Dialogue(
            opening=(Request(name="DFC", send=COMMANDS["$01,DFC*//"]), smoothing),
            poll=Request(
                name="WV?", send=COMMANDS["$01,WV?*//"], answers=lambda f: f.kind == "wind"
            ),
            period_s=0.25,
            fallback=(Request(name="CUE00010", send=COMMANDS["$01,CUE00010*//"]),),
        )

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        talker = frame.get("talker", "WI")
        if frame["kind"] == "reply":
            return nmea.encoded(f"{talker},{frame['name']}={','.join(frame['raw']['values'])}")
        si = frame["si"]
        speed, from_deg = si["wind_speed_m_s"] or 0.0, si["wind_from_deg"] or 0.0
        if "reference" in frame:
            status = "A" if frame["valid"] else "V"
            return nmea.encoded(
                f"{talker}MWV,{from_deg:03g},{frame['reference']},{speed:.6f},M,{status}"
            )
        text = f"{speed:010.6f},{from_deg:03.0f},{frame.get('status', GOOD_STATUS)}"
        if "temperature_status" not in frame and "temperature_K" not in si:
            return nmea.encoded(f"{talker},WVP={text}")
        kelvin = si.get("temperature_K")
        celsius = 0.0 if kelvin is None else kelvin - 273.15
        known = frame.get("temperature_status", TEMPERATURE_VALID)
        return nmea.encoded(f"{talker},WVC={text},{celsius:+07.2f},C,{known}")

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        fields = frame.fields
        if frame.kind == "reply":  # its smoothing is lag
            text = f"{fields['name']}={','.join(fields['raw']['values'])}"
            return [Event(moment.time_ns, moment.source, "setting", text, moment.time_sigma_s)]
        si = fields["si"]
        found: list[Record] = [
            nmea.polar_wind(
                moment,
                si["wind_speed_m_s"],
                si["wind_from_deg"],
                is_true=fields.get("reference") == "T",
                faulty=not fields.get("valid", fields.get("status") == GOOD_STATUS),
                invalid="invalid" in fields,
                fastest=FASTEST_M_S,
            )
        ]
        if "temperature_K" in si:
            found.append(nmea.air(moment, si))
        return found
