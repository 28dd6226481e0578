"""What our channels are called on the telemetry link, and in which unit they travel."""

from __future__ import annotations

import re

__all__ = ["species_and_unit", "value_name"]

MOST_CHARACTERS = 10  # of the name of a NAMED_VALUE_FLOAT

# numbers of `tunnel.SPECIES` and `tunnel.UNITS`
NO_UNIT, PPM, PPB, PERCENT, UG_M3, MG_M3, PPM_M, OHM, VOLT, PER_CM3 = 0, 1, 2, 3, 5, 6, 7, 8, 9, 11
UNKNOWN, RAW = 0, 201
SPECIES = {
    "ch4": 1, "co2": 2, "co": 3, "nh3": 4, "h2s": 5, "so2": 6, "no2": 7, "no": 8, "o3": 9,
    "hcho": 10, "voc": 11, "tvoc": 11, "pid": 11, "h2": 12, "o2": 13, "ethanol": 14, "c3h8": 15,
    "pm1": 16, "pm1_0": 16, "pm2_5": 17, "pm10": 18, "n2o": 19, "hcl": 20, "cl2": 21, "hf": 22,
    "ph3": 23,
}  # fmt: skip
# gases whose usual readings are percents and millionths; the others are told in billionths
_IN_PPM = {"ch4", "co2", "co", "h2", "ethanol", "c3h8", "n2o"}
_OTHERS = {"m": (PPM_M, 1e6), "ohm": (OHM, 1.0), "V": (VOLT, 1.0), "m-3": (PER_CM3, 1e-6)}
_ENDINGS = {
    PPM: "PPM", PPB: "PPB", PERCENT: "PCT", UG_M3: "UGM3", MG_M3: "MGM3", PPM_M: "PPMM",
    OHM: "OHM", VOLT: "V", PER_CM3: "PCM3", NO_UNIT: "RAW",
}  # fmt: skip


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
    """
    name = _known(channel)
    species = SPECIES.get(name, UNKNOWN)
    if unit in {"1", "kg m-3"}:
        code, scale = _usual(name, unit)
        return species, code, scale
    code, scale = _OTHERS.get(unit, (NO_UNIT, 1.0))
    return (RAW if unit in {"ohm", "V", "count"} else species), code, scale


def _usual(name: str, unit: str) -> tuple[int, float]:
    """In what people are used to read this gas or dust."""
    if unit == "kg m-3":
        return (UG_M3, 1e9) if name.startswith("pm") else (MG_M3, 1e6)
    if name == "o2":
        return PERCENT, 1e2
    return (PPM, 1e6) if name in _IN_PPM else (PPB, 1e9)


def value_name(channel: str, unit: str) -> str:
    """Name of a channel as a NAMED_VALUE_FLOAT: what it is and its unit, in ten characters.

    A reader of logs gets channel and unit back from it, but for what is too long.

    Examples
    --------
    >>> value_name("co2", "1"), value_name("pm2_5", "kg m-3"), value_name("formaldehyde", "1")
    ('CO2_PPM', 'PM25_UGM3', 'FORMAL_PPB')
    """
    _, code, _ = species_and_unit(channel, unit)
    ending = _ENDINGS[code]
    plain = re.sub(r"[^A-Z0-9]", "", channel.upper())
    return f"{plain[: MOST_CHARACTERS - len(ending) - 1]}_{ending}"


def _known(channel: str) -> str:
    """The species in a channel's name: ``pid`` of ``pid2``, but ``pm2_5`` as it is."""
    name = channel.lower()
    while name and name not in SPECIES:
        shorter = re.sub(r"[_.]?\d+$|_[a-z0-9]+$", "", name)
        if shorter == name:
            return name
        name = shorter
    return name
