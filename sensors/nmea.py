"""NMEA 0183 sentences, and what anemometers of several makers have in common with them."""

from __future__ import annotations

import math
import re
from functools import reduce
from operator import xor
from typing import TYPE_CHECKING, Any

from sensors.framing import BrokenFrame
from sensors.records import EnvironmentSample, Quality, WindSample

if TYPE_CHECKING:
    from sensors.devices import Moment
    from sensors.framing import Parsed

__all__ = [
    "AIR",
    "METRES_PER_SECOND",
    "air",
    "checked",
    "checksum",
    "encoded",
    "number",
    "polar_wind",
    "wind_fields",
    "wind_of_mwv",
]

# of one unit of speed, by its letter in a sentence
METRES_PER_SECOND = {"M": 1.0, "K": 1.0 / 3.6, "N": 1852.0 / 3600.0, "S": 0.44704}
FASTEST_M_S = 100.0
AIR = ("temperature_K", "relative_humidity_fraction", "pressure_Pa")
_CHECKSUM = re.compile(r"[0-9A-Fa-f]{2}")
_NUMBER = re.compile(r"[+-]?\d{1,6}(\.\d{1,6})?")


def checksum(text: str) -> int:
    """Exclusive or of all bytes.

    Examples
    --------
    >>> f"{checksum('IIMWV,120,R,002.10,M,A'):02X}"
    '10'
    """
    return reduce(xor, text.encode("latin-1"), 0)


def checked(line: str) -> str:
    """What stands between ``$`` and ``*`` of a line whose checksum holds.

    Raises
    ------
    BrokenFrame
        "format": no sentence; "checksum": wrong, or lost with the end of the line.
    """
    if not line.startswith("$"):
        raise BrokenFrame("format")
    body, star, digits = line[1:].rpartition("*")
    if not star or not _CHECKSUM.fullmatch(digits) or int(digits, 16) != checksum(body):
        raise BrokenFrame("checksum")
    return body


def encoded(body: str) -> bytes:
    """A sentence with its checksum and line end."""
    return f"${body}*{checksum(body):02X}\r\n".encode("latin-1")


def number(text: str) -> float | None:
    """A number; None for an empty field.

    Raises
    ------
    BrokenFrame
        It is neither.
    """
    text = text.strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise BrokenFrame("format")
    return float(text)


def wind_fields(
    speed: float | None, from_deg: float | None, *, fastest: float = FASTEST_M_S
) -> dict[str, Any]:
    """``si`` of a wind; what no wind can be is void there, and named under ``invalid``.

    Parameters
    ----------
    speed : float, optional
        [m s-1]; None if the device gives none.
    from_deg : float, optional
    fastest : float
        Beyond it nothing is believed.
    """
    si = {"wind_speed_m_s": speed, "wind_from_deg": from_deg}
    limits = {"wind_speed_m_s": fastest, "wind_from_deg": 360.0}
    invalid = [
        name for name, value in si.items() if value is not None and not 0 <= value <= limits[name]
    ]
    if not invalid:
        return {"si": si}
    return {"si": si | dict.fromkeys(invalid), "invalid": invalid}


def wind_of_mwv(fields: list[str], *, good: tuple[str, ...] = ("A",)) -> Parsed:
    """Wind of the fields of an MWV sentence.

    Parameters
    ----------
    fields : list of str
        Talker and type, angle, reference, speed, unit, status.
    good : tuple of str
        Status that means valid; Gill writes its own codes there.

    Raises
    ------
    BrokenFrame
        Fields are missing or no numbers.
    """
    if len(fields) != 6:
        raise BrokenFrame("format")
    speed, from_deg, valid = number(fields[3]), number(fields[1]), fields[5] in good
    is_void = speed is None and not fields[4]
    if not is_void and (fields[2] not in ("R", "T") or fields[4] not in METRES_PER_SECOND):
        raise BrokenFrame("format")
    if speed is not None:
        speed *= METRES_PER_SECOND[fields[4]]
    return "wind", {
        "talker": fields[0][:-3],
        "reference": fields[2],
        "valid": valid and speed is not None,
        **wind_fields(speed if valid else None, from_deg),
    }


def polar_wind(
    moment: Moment,
    speed: float | None,
    from_deg: float | None,
    *,
    is_true: bool = False,
    faulty: bool = False,
    invalid: bool = False,
    fastest: float = FASTEST_M_S,
) -> WindSample:
    """Wind as the vector the air moves towards.

    Wind relative to the instrument and true wind are kept apart: one series never mixes them.
    A calm has no direction and needs none.
    """
    quality = Quality.FAULT if faulty else Quality(0)
    if speed is not None and speed < 0.05 and from_deg is None:
        from_deg = 0.0
    if faulty or speed is None or from_deg is None:
        if not faulty:
            quality |= Quality.OUT_OF_RANGE if invalid else Quality.MISSING
        east = north = math.nan
    else:
        east = -speed * math.sin(math.radians(from_deg))
        north = -speed * math.cos(math.radians(from_deg))
        if speed >= fastest:
            quality |= Quality.SATURATED
    return WindSample(
        moment.time_ns,
        f"{moment.source}.true" if is_true else moment.source,
        east,
        north,
        quality=quality,
        time_sigma_s=moment.time_sigma_s,
        frame="earth" if is_true else "vehicle",
    )


def air(moment: Moment, si: dict[str, Any]) -> EnvironmentSample:
    """Temperature, humidity and pressure of a frame; flagged if all are missing."""
    temperature, humidity, pressure = (
        math.nan if si.get(name) is None else float(si[name]) for name in AIR
    )
    missing = all(map(math.isnan, (temperature, humidity, pressure)))
    return EnvironmentSample(
        moment.time_ns,
        moment.source,
        temperature,
        humidity,
        pressure,
        quality=Quality.MISSING if missing else Quality(0),
        time_sigma_s=moment.time_sigma_s,
    )
