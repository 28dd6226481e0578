"""NMEA 0183 weather stations: sentence MDA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensors import nmea
from sensors.decoders import LineDecoder
from sensors.devices import Device, Moment
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.devices import Record
    from sensors.framing import Decoder, Frame, Parsed

__all__ = ["Driver"]

PASCAL_PER_INCH = 3386.389
# position of a value, and the letter that must follow it
_INCHES, _BAR, _AIR, _WATER, _HUMIDITY, _DEW_POINT = 1, 3, 5, 7, 9, 11
_TRUE, _MAGNETIC, _KNOTS, _METRES = 13, 15, 17, 19
_LETTERS = {
    _INCHES: "I",
    _BAR: "B",
    _AIR: "C",
    _WATER: "C",
    _DEW_POINT: "C",
    _TRUE: "T",
    _MAGNETIC: "M",
    _KNOTS: "N",
    _METRES: "M",
}
_LIMITS = {
    "pressure_Pa": (30_000.0, 110_000.0),
    "temperature_K": (203.15, 343.15),
    "relative_humidity_fraction": (0.0, 1.0),
    "wind_speed_m_s": (0.0, nmea.FASTEST_M_S),
    "wind_from_true_deg": (0.0, 360.0),
    "wind_from_magnetic_deg": (0.0, 360.0),
}


class _Decoder(LineDecoder):
    longest = 160
    restart = b"$"
    ends_with_return = True

    def parse_line(self, line: str) -> Parsed | None:
        fields = nmea.checked(line).split(",")
        if fields[0][2:] != "MDA":
            return None
        if len(fields) != 21 or any(
            fields[at].strip() and fields[at + 1] != letter for at, letter in _LETTERS.items()
        ):
            raise BrokenFrame("format")
        bar, inches = nmea.number(fields[_BAR]), nmea.number(fields[_INCHES])
        celsius, percent = nmea.number(fields[_AIR]), nmea.number(fields[_HUMIDITY])
        metres, knots = nmea.number(fields[_METRES]), nmea.number(fields[_KNOTS])
        si = {
            "pressure_Pa": _scaled(bar, 1e5)
            if bar is not None
            else _scaled(inches, PASCAL_PER_INCH),
            "temperature_K": None if celsius is None else celsius + 273.15,
            "wind_from_true_deg": nmea.number(fields[_TRUE]),
            "wind_from_magnetic_deg": nmea.number(fields[_MAGNETIC]),
            "wind_speed_m_s": (
                metres if metres is not None else _scaled(knots, nmea.METRES_PER_SECOND["N"])
            ),
            "relative_humidity_fraction": _scaled(percent, 0.01),
        }
        told: dict[str, Any] = {"talker": fields[0][:-3], "si": si}
        invalid = [
            name
            for name, (low, high) in _LIMITS.items()
            if (value := si[name]) is not None and not low <= value <= high
        ]
        if invalid:
            told |= {"si": si | dict.fromkeys(invalid), "invalid": invalid}
        return "met", told


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


class Driver(Base):
    """Its wind is true wind, by the station's own compass."""

    device = Device(
        title="NMEA 0183 weather station (MDA)",
        measures="pressure, temperature, humidity, true wind",
        wiring="RS-422 or RS-232 8N1",
        baud=4800,
        other_bauds=(9600, 38_400),
        rate_hz=1.0,
    )

    def decoder(self) -> Decoder:
        return _Decoder()

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        si = frame["si"]
        parts = [""] * 20

        def put(at: int, value: float | None, letter: str) -> None:
            if value is not None:
                parts[at - 1], parts[at] = f"{value:.6f}", letter

        put(_BAR, _scaled(si.get("pressure_Pa"), 1e-5), "B")
        kelvin = si.get("temperature_K")
        put(_AIR, None if kelvin is None else kelvin - 273.15, "C")
        put(_HUMIDITY, _scaled(si.get("relative_humidity_fraction"), 100.0), "")
        put(_TRUE, si.get("wind_from_true_deg"), "T")
        put(_MAGNETIC, si.get("wind_from_magnetic_deg"), "M")
        put(_METRES, si.get("wind_speed_m_s"), "M")
        return nmea.encoded(",".join([f"{frame['talker']}MDA", *parts]))

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        si = frame.fields["si"]
        found: list[Record] = [nmea.air(moment, si)]
        if si["wind_speed_m_s"] is not None:
            wind = nmea.polar_wind(
                moment, si["wind_speed_m_s"], si["wind_from_true_deg"], is_true=True
            )
            found.append(wind)
        return found
