"""The variables every Flight has, with their CF attributes: data only, no imports of weight."""

from __future__ import annotations

from sensors.records import Quality

__all__ = [
    "COORDINATES",
    "FLAG_MASKS",
    "FLAG_MEANINGS",
    "TIME_UNITS",
    "VARIABLES",
    "WIND_SOURCES",
    "standard_name",
]

TIME_UNITS = "nanoseconds since 1970-01-01"
# "mixed": several flights in one dataset, with wind of different sources
WIND_SOURCES = ("anemometer", "autopilot", "given", "mixed", "none")
FLAG_MASKS = tuple(flag.value for flag in Quality)
FLAG_MEANINGS = " ".join(str(flag.name).lower() for flag in Quality)

_CF_GASES = frozenset(
    {
        "ammonia",
        "benzene",
        "carbon dioxide",
        "carbon monoxide",
        "formaldehyde",
        "methane",
        "nitrogen dioxide",
        "nitrous oxide",
        "ozone",
        "sulfur dioxide",
        "toluene",
        "xylene",
    }
)

# name -> attributes; all float64 along obs
COORDINATES: dict[str, dict[str, str]] = {
    "latitude": {
        "standard_name": "latitude",
        "long_name": "latitude, WGS 84",
        "units": "degrees_north",
    },
    "longitude": {
        "standard_name": "longitude",
        "long_name": "longitude, WGS 84",
        "units": "degrees_east",
    },
    "altitude": {
        "standard_name": "altitude",
        "long_name": "height above mean sea level",
        "units": "m",
        "positive": "up",
        "axis": "Z",
    },
    "height_above_ground": {
        "standard_name": "height",
        "long_name": "height above ground",
        "units": "m",
        "positive": "up",
    },
}
VARIABLES: dict[str, dict[str, str]] = {
    "eastward_wind": {
        "standard_name": "eastward_wind",
        "long_name": "wind, towards east",
        "units": "m s-1",
    },
    "northward_wind": {
        "standard_name": "northward_wind",
        "long_name": "wind, towards north",
        "units": "m s-1",
    },
    "air_temperature": {
        "standard_name": "air_temperature",
        "long_name": "air temperature at the sensors",
        "units": "K",
    },
    "relative_humidity": {
        "standard_name": "relative_humidity",
        "long_name": "relative humidity at the sensors",
        "units": "1",
    },
    "air_pressure": {
        "standard_name": "air_pressure",
        "long_name": "air pressure",
        "units": "Pa",
    },
}


def standard_name(gas: str, kind: str) -> str | None:
    """CF standard name of a gas in air, where the CF table has one.

    Parameters
    ----------
    gas : str
        Key of the gas table.
    kind : str
        As `units.Unit.kind`.

    Examples
    --------
    >>> standard_name("carbon dioxide", "mole fraction")
    'mole_fraction_of_carbon_dioxide_in_air'
    >>> standard_name("safrole", "mole fraction") is None
    True
    """
    if gas not in _CF_GASES or kind not in {"mole fraction", "mass concentration"}:
        return None
    return f"{kind.replace(' ', '_')}_of_{gas.replace(' ', '_')}_in_air"
