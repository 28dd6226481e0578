"""Vaisala WXT52x and WXT53x weather transmitters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sensors import nmea
from sensors.decoders import LineDecoder
from sensors.devices import Device, Dialogue, Moment, Request
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.devices import Record
    from sensors.framing import Decoder, Frame, Parsed

__all__ = ["COMMANDS", "Driver", "crc"]

FASTEST_M_S = 60.0
KINDS = {
    "": "composite",
    "0": "composite",
    "1": "wind",
    "2": "met",
    "3": "precipitation",
    "5": "supervisor",
}
_HEAD = re.compile(r"([0-9A-Za-z])([Rr])([0-5]?)")
_FIELD = re.compile(r"([A-Z][a-z]{1,2})=([+-]?\d{1,6}(?:\.\d{1,6})?)([A-Za-z#])")
_DIRECTIONS = {"Dm": "wind_from_deg"}
_SPEEDS = {
    "Sm": "wind_speed_m_s",
    "Sn": "wind_speed_min_m_s",
    "Sx": "wind_speed_max_m_s",
}
_PASCAL = {"H": 100.0, "P": 1.0, "B": 1e5, "M": 133.322, "I": 3386.389}


def crc(text: str) -> str:
    """Three printable characters, from CRC-16 with polynomial A001.

    Vaisala WXT530 user guide M211840EN, appendix on CRC-16.

    Examples
    --------
    >>> crc("0r1"), crc("0tX,Use chksum Goe")
    ('Goe', 'IU~')
    """
    value = 0
    for octet in text.encode("latin-1"):
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return "".join(chr(0x40 | value >> shift & 0x3F) for shift in (12, 6, 0))


def _query(text: str) -> bytes:
    return f"{text}{crc(text)}\r\n".encode("latin-1")


COMMANDS = {text: _query(text) for text in ("0r1", "0r2", "0r3", "0r5", "0r", "0r0")}


class _Decoder(LineDecoder):
    """Answers to lower-case queries end with a checksum; those to upper-case ones have none."""

    longest = 200

    def parse_line(self, line: str) -> Parsed | None:
        if line.encode("latin-1") + b"\r\n" in COMMANDS.values():
            return None  # an echo of what was sent
        if len(line) < 3:
            raise BrokenFrame("format")
        if line[1].islower():
            if crc(line[:-3]) != line[-3:]:
                raise BrokenFrame("checksum")
            line = line[:-3]
        if line[1:3].upper() == "TX":
            return "text", {"text": line[4:]}
        head, *fields = line.split(",")
        match = _HEAD.fullmatch(head)
        if match is None or not fields:
            raise BrokenFrame("format")
        return self._told(match[1], KINDS.get(match[3], "other"), fields)

    def _told(self, address: str, kind: str, fields: list[str]) -> Parsed:
        raw: dict[str, float | None] = {}
        si: dict[str, float | None] = {}
        invalid = []
        for field in fields:
            match = _FIELD.fullmatch(field)
            if match is None or match[1] in raw:
                raise BrokenFrame("format")
            name, text, unit = match.groups()
            void = unit == "#"
            if void:
                invalid.append(name)
            raw[name] = None if void else float(text) if "." in text else int(text)
            value = None if void else float(text)
            si |= _in_si(name, value, unit)
        told: dict[str, Any] = {"address": address, "raw": raw, "si": si}
        if invalid:
            told["invalid"] = invalid
        return kind, told


def _in_si(name: str, value: float | None, unit: str) -> dict[str, float | None]:
    """What a field means; nothing for those that are not of the air."""
    known = {**_DIRECTIONS, **_SPEEDS, "Ta": "temperature_K", "Ua": "relative_humidity_fraction"}
    if name == "Pa":
        if value is not None and unit not in _PASCAL:
            raise BrokenFrame("format")
        return {"pressure_Pa": None if value is None else value * _PASCAL[unit]}
    if name not in known:
        return {}
    if value is None:
        return {known[name]: None}
    if name in _SPEEDS:
        if unit not in nmea.METRES_PER_SECOND:
            raise BrokenFrame("format")
        value *= nmea.METRES_PER_SECOND[unit]
    elif name == "Ta":
        value = (value - 32.0) / 1.8 + 273.15 if unit == "F" else value + 273.15
    elif name == "Ua":
        value *= 0.01
    return {known[name]: value}


class Driver(Base):
    """Asked with checksums once a second: wind, then air."""

    device = Device(
        title="Vaisala WXT520 / WXT530",
        measures="wind in the plane of the instrument, temperature, humidity, pressure",
        wiring="RS-232, RS-422 or RS-485 8N1, polled ASCII",
        baud=19_200,
        other_bauds=(9600, 4800, 38_400),
        rate_hz=1.0,
    )

    def decoder(self) -> Decoder:
        return _Decoder()

    def dialogue(self) -> Dialogue:
        return Dialogue(
            poll=Request(
                name="0r0",
                send=COMMANDS["0r0"],
                answers=lambda frame: frame.kind != "text",
                timeout_s=1.0,
            ),
            period_s=1.0,
        )

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        if frame["kind"] == "text":
            return _query(f"0tX,{frame['text']}")
        number = next(key for key, kind in KINDS.items() if kind == frame["kind"] and key)
        units = {"D": "D", "S": "M", "T": "C", "U": "P", "P": "H"}
        fields = [
            f"{name}=0.0#" if value is None else f"{name}={value}{units.get(name[0], 'V')}"
            for name, value in frame["raw"].items()
        ]
        return _query(",".join([f"{frame.get('address', '0')}r{number}", *fields]))

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        si = frame.fields.get("si", {})
        found: list[Record] = []
        if "wind_speed_m_s" in si:
            speed, from_deg = si["wind_speed_m_s"], si.get("wind_from_deg")
            found.append(nmea.polar_wind(moment, speed, from_deg, fastest=FASTEST_M_S))
        if any(name in si for name in nmea.AIR):
            found.append(nmea.air(moment, si))
        return found
