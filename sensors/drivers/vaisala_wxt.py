"""Vaisala WXT52x and WXT53x weather transmitters."""

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
_HEAD = re.compile(r"([0-9A-Za-z])[Rr]([01235]?)")
_TEXT = re.compile(r"[0-9A-Za-z][Tt]X,([\x20-\x7e]*)")
_FIELD = re.compile(r"([A-Z][a-z]{1,2})=([+-]?\d{1,6}(?:\.\d{1,6})?)([A-Za-z#])")
_INFORMATION = re.compile(r"(Id)=([\x20-\x7e]*)()")  # text of the owner's
_SPEEDS = {"Sm": "wind_speed_m_s", "Sn": "wind_speed_min_m_s", "Sx": "wind_speed_max_m_s"}
# of the fields that tell of the air: name in SI, and what is believed of it
_AIR = {
    "Dm": ("wind_from_deg", (0.0, 360.0)),
    **{name: (si, (0.0, nmea.FASTEST_M_S)) for name, si in _SPEEDS.items()},
    "Ta": ("temperature_K", (203.15, 343.15)),
    "Ua": ("relative_humidity_fraction", (0.0, 1.0)),
    "Pa": ("pressure_Pa", (30_000.0, 120_000.0)),
}
# by the first letter of a field: the unit written, and what unit letters mean: factor, offset
_WRITTEN = {"D": "D", "S": "M", "T": "C", "U": "P", "P": "H"}
_UNITS = {
    "D": {"D": (1.0, 0.0)},
    "S": {letter: (factor, 0.0) for letter, factor in nmea.METRES_PER_SECOND.items()},
    "T": {"C": (1.0, 273.15), "F": (5 / 9, 273.15 - 32 * 5 / 9)},
    "U": {"P": (0.01, 0.0)},
    "P": {
        letter: (factor, 0.0)
        for letter, factor in zip("HPBMI", (100.0, 1.0, 1e5, 133.322, 3386.389), strict=True)
    },
}


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

    longest = 400  # a composite message of all that it measures

    def parse_line(self, line: str) -> Parsed | None:
        if line[1:2].islower():
            if crc(line[:-3]) != line[-3:]:
                raise BrokenFrame("checksum")
            line = line[:-3]
        text = _TEXT.fullmatch(line)
        if text is not None:
            return "text", {"text": text[1]}
        head, *fields = line.split(",")
        match = _HEAD.fullmatch(head)
        if match is None:
            raise BrokenFrame("format")
        if not fields:
            return None  # an echo of what was sent
        return KINDS[match[2]], {"address": match[1], **_told(fields)}


def _told(fields: list[str]) -> dict[str, Any]:
    """What the fields of a message say; `invalid` names what the device or its range voids."""
    raw: dict[str, float | str | None] = {}
    si: dict[str, float | None] = {}
    invalid = []
    for field in fields:
        match = _FIELD.fullmatch(field) or _INFORMATION.fullmatch(field)
        if match is None or match[1] in raw:
            raise BrokenFrame("format")
        name, text, unit = match.groups()
        if not unit:
            raw[name] = text
            continue
        void = unit == "#"
        raw[name] = None if void else float(text) if "." in text else int(text)
        if name in _AIR:
            key, (low, high) = _AIR[name]
            value = None if void else _in_si(name, float(text), unit)
            void = value is None or not low <= value <= high
            si[key] = None if void else value
        if void:
            invalid.append(name)
    told: dict[str, Any] = {"raw": raw, "si": si}
    return told | {"invalid": invalid} if invalid else told


def _in_si(name: str, value: float, unit: str) -> float:
    """A field that tells of the air, in SI.

    Raises
    ------
    BrokenFrame
        It is in no unit that it can be in.
    """
    if unit not in _UNITS[name[0]]:
        raise BrokenFrame("format")
    factor, offset = _UNITS[name[0]][unit]
    return value * factor + offset


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
        fields = [f"{name}={_written(name, value)}" for name, value in frame["raw"].items()]
        return _query(",".join([f"{frame.get('address', '0')}r{number}", *fields]))

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        if frame.kind == "text":
            text = frame.fields["text"]
            return [Event(moment.time_ns, moment.source, "device", text, moment.time_sigma_s)]
        si, raw = frame.fields["si"], frame.fields["raw"]
        found: list[Record] = []
        if "wind_speed_m_s" in si:
            speed, from_deg = si["wind_speed_m_s"], si.get("wind_from_deg")
            told = [name for name in ("Dm", "Sm") if raw.get(name) is not None]
            void = not set(told).isdisjoint(frame.fields.get("invalid", ()))
            found.append(
                nmea.polar_wind(moment, speed, from_deg, invalid=void, fastest=FASTEST_M_S)
            )
        if any(name in si for name in nmea.AIR):
            found.append(nmea.air(moment, si))
        return found


def _written(name: str, value: float | str | None) -> str:
    if isinstance(value, str):
        return value
    return "0.0#" if value is None else f"{value}{_WRITTEN.get(name[0], 'V')}"
