"""What our channels are called on the telemetry link, in which unit they travel, and back.

Part of the flight side: nothing heavy is imported here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sensors.units import UNITS, parse_channel

__all__ = [
    "LinkChannel",
    "channel_of_species",
    "channel_of_value",
    "species_and_unit",
    "value_name",
]

MOST_CHARACTERS = 10  # of the name of a NAMED_VALUE_FLOAT

# numbers of `tunnel.SPECIES` and `tunnel.UNITS`
NO_UNIT, PPM, PPB, PERCENT, UG_M3, MG_M3, PPM_M, OHM, VOLT = 0, 1, 2, 3, 5, 6, 7, 8, 9
INDEX, PER_CM3 = 10, 11
UNKNOWN, VOC_INDEX, RAW = 0, 200, 201
SPECIES = {
    "ch4": 1, "co2": 2, "co": 3, "nh3": 4, "h2s": 5, "so2": 6, "no2": 7, "no": 8, "o3": 9,
    "hcho": 10, "voc": 11, "tvoc": 11, "pid": 11, "h2": 12, "o2": 13, "ethanol": 14, "c3h8": 15,
    "pm1": 16, "pm1_0": 16, "pm2_5": 17, "pm10": 18, "n2o": 19, "hcl": 20, "cl2": 21, "hf": 22,
    "ph3": 23, "voc_index": VOC_INDEX,
    "methane": 1, "ammonia": 4, "formaldehyde": 10, "propane": 15,
}  # fmt: skip
# what a name would lose of these in ten characters, or has in another spelling there
_SHORT = {
    "pm1_0": "pm1", "pm2_5": "pm25", "ethanol": "etoh", "methane": "ch4", "ammonia": "nh3",
    "formaldehyde": "hcho", "propane": "c3h8",
}  # fmt: skip
_LONG = {"pm25": "pm2_5", "etoh": "ethanol"}
# gases whose usual readings are percents and millionths; the others are told in billionths
_IN_PPM = {1, 2, 3, 12, 14, 15, 19}
_DUST = {16, 17, 18}
_OXYGEN = 13
_OTHERS = {"m": (PPM_M, 1e6), "ohm": (OHM, 1.0), "V": (VOLT, 1.0), "m-3": (PER_CM3, 1e-6)}
_ENDINGS = {
    PPM: "PPM", PPB: "PPB", PERCENT: "PCT", UG_M3: "UGM3", MG_M3: "MGM3", PPM_M: "PPMM",
    OHM: "OHM", VOLT: "V", PER_CM3: "PCM3", INDEX: "IDX", NO_UNIT: "RAW",
}  # fmt: skip
# unit of a Flight's channel, and what a number on the link is multiplied with to be in it; an
# index and a share of an explosive limit are no unit a Flight knows
_IN_FLIGHT = {
    PPM: ("1e-6", 1.0), PPB: ("1e-9", 1.0), PERCENT: ("1e-6", 1e4), UG_M3: ("ug m-3", 1.0),
    MG_M3: ("mg m-3", 1.0), PPM_M: ("m", 1e-6), OHM: ("ohm", 1.0), VOLT: ("V", 1.0),
    PER_CM3: ("m-3", 1e6),
}  # fmt: skip
_PATH = "_path"  # ends the name of a channel that is a sum along a beam


@dataclass(frozen=True, slots=True)
class LinkChannel:
    """A channel of a Flight: its name, its UDUNITS unit, and the factor from the link's number."""

    channel: str
    unit: str
    scale: float = 1.0


def species_and_unit(channel: str, unit: str) -> tuple[int, int, float]:
    """Species and unit of a channel on the link, and the factor from its SI value.

    Parameters
    ----------
    channel : str
        Of a `GasSample`; numbers that tell one of several sensors from another are no matter.
    unit : str
        Of a `GasSample`.

    Returns
    -------
    species, unit : int
        As `tunnel.SPECIES` and `tunnel.UNITS` number them.
    scale : float

    Examples
    --------
    >>> species_and_unit("co2", "1"), species_and_unit("pid1", "1"), species_and_unit("x", "K")
    ((2, 1, 1000000.0), (11, 2, 1000000000.0), (0, 0, 1.0))
    >>> species_and_unit("voc_index", "count"), species_and_unit("ch4_path", "m")
    ((200, 10, 1.0), (1, 7, 1000000.0))
    """
    species = SPECIES.get(_known(channel), UNKNOWN)
    if species == VOC_INDEX and unit in {"1", "count"}:
        return species, INDEX, 1.0
    if unit in {"1", "kg m-3"}:
        code, scale = _usual(species, unit)
        return species, code, scale
    code, scale = _OTHERS.get(unit, (NO_UNIT, 1.0))
    return (RAW if unit in {"ohm", "V", "count"} else species), code, scale


def value_name(channel: str, unit: str) -> str:
    """Name of a channel as a NAMED_VALUE_FLOAT: what it is and its unit, in ten characters.

    `channel_of_value` gives the channel back, but for the end of what is too long.

    Examples
    --------
    >>> value_name("co2", "1"), value_name("pm2_5", "kg m-3"), value_name("formaldehyde", "1")
    ('CO2_PPM', 'PM25_UGM3', 'HCHO_PPB')
    >>> value_name("ch4_path", "m"), value_name("mox1", "ohm"), value_name("co2_dry", "1")
    ('CH4_PPMM', 'MOX1_OHM', 'CO2_DR_PPM')
    """
    _, code, _ = species_and_unit(channel, unit)
    ending = _ENDINGS[code]
    name = channel.lower()
    if code == INDEX:
        name = name.removesuffix("_index")
    elif code == PPM_M:
        name = name.removesuffix(_PATH)
    elif code == NO_UNIT:
        name = name.removesuffix("_raw")
    stem = _known(name)
    if stem in _SHORT:
        name = name.replace(stem, _SHORT[stem], 1)
    plain = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    plain = plain[: MOST_CHARACTERS - len(ending) - 1].strip("_")
    return f"{plain or 'X'}_{ending}"


def channel_of_value(name: str) -> LinkChannel | None:
    """Channel behind the name of a NAMED_VALUE_FLOAT; None if it states no unit of a gas.

    Examples
    --------
    >>> channel_of_value("PM25_UGM3")
    LinkChannel(channel='pm2_5', unit='ug m-3', scale=1.0)
    >>> channel_of_value("BATT_PCT"), channel_of_value("WSPD_MS"), channel_of_value("VOC_IDX")
    (None, None, None)
    """
    stem, _, ending = name.lower().rpartition("_")
    code = next((code for code, known in _ENDINGS.items() if known.lower() == ending), None)
    if code is None:  # as tables spell it: so2_mg_m3
        told = parse_channel(name.lower())
        return LinkChannel(*told) if told else None
    short = next((short for short in _LONG if stem == short or stem.startswith(f"{short}_")), None)
    if short is not None:
        stem = stem.replace(short, _LONG[short], 1)
    species = SPECIES.get(_known(stem), UNKNOWN)
    if code == PERCENT and species != _OXYGEN:
        return None  # of a battery, of relative humidity: no gas
    if code == NO_UNIT:
        if species == UNKNOWN:
            return None  # anybody's number
        return _checked(f"{stem}_raw", "count", 1.0)
    if code not in _IN_FLIGHT:
        return None
    return _checked(stem + _PATH * (code == PPM_M), *_IN_FLIGHT[code])


def channel_of_species(species: int, unit: int) -> LinkChannel | None:
    """Channel behind the numbers of a TUNNEL; None if no unit of a Flight is behind `unit`.

    Parameters
    ----------
    species, unit : int
        As `tunnel.SPECIES` and `tunnel.UNITS` number them; a species that is not there is told
        by its number.

    Examples
    --------
    >>> channel_of_species(1, 1), channel_of_species(200, 10)
    (LinkChannel(channel='ch4', unit='1e-6', scale=1.0), None)
    >>> channel_of_species(13, 3), channel_of_species(99, 2).channel
    (LinkChannel(channel='o2', unit='1e-6', scale=10000.0), 'species99')
    """
    if species == UNKNOWN:
        name = "gas"
    elif species == RAW:
        name = "raw"
    else:
        name = next((one for one, code in SPECIES.items() if code == species), f"species{species}")
    if unit == NO_UNIT and species == RAW:
        return LinkChannel(name, "count")
    if unit not in _IN_FLIGHT:
        return None
    return _checked(name + _PATH * (unit == PPM_M), *_IN_FLIGHT[unit])


def _usual(species: int, unit: str) -> tuple[int, float]:
    """In what people are used to read this gas or dust."""
    if unit == "kg m-3":
        return (UG_M3, 1e9) if species in _DUST else (MG_M3, 1e6)
    if species == _OXYGEN:
        return PERCENT, 1e2
    return (PPM, 1e6) if species in _IN_PPM else (PPB, 1e9)


def _checked(channel: str, unit: str, scale: float) -> LinkChannel | None:
    """None where the Flight keeps that name for itself."""
    if parse_channel(f"{channel}_{next(iter(UNITS))}") is None:
        return None
    return LinkChannel(channel, unit, scale)


def _known(channel: str) -> str:
    """The species in a channel's name: ``pid`` of ``pid2``, but ``pm2_5`` as it is."""
    name = channel.lower()
    while name and name not in SPECIES:
        shorter = re.sub(r"[_.]?\d+$|_[a-z0-9]+$", "", name)
        if shorter == name:
            return name
        name = shorter
    return name
