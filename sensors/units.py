"""Units of gas channels and of other records, and wind as speed and direction or as a vector."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "PATH_INTEGRAL",
    "RECORD_UNITS",
    "RESERVED",
    "UNITS",
    "ZERO_CELSIUS_K",
    "Unit",
    "from_speed_direction",
    "is_concentration",
    "parse_channel",
    "readable",
    "towards_vector",
    "unit_of",
]

ZERO_CELSIUS_K = 273.15

UnitKind = Literal[
    "mole fraction",
    "mass concentration",
    "resistance",
    "voltage",
    "number concentration",
    "count",
    "path integral",
    "temperature",
    "pressure",
]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as it ends a column's name ("" if none does), as UDUNITS writes it, its size in SI."""

    suffix: str
    udunits: str
    kind: UnitKind
    scale: float


UNITS: dict[str, Unit] = {
    unit.suffix: unit
    for unit in (
        Unit("ppb", "1e-9", "mole fraction", 1e-9),
        Unit("ppm", "1e-6", "mole fraction", 1e-6),
        Unit("ug_m3", "ug m-3", "mass concentration", 1e-9),
        Unit("mg_m3", "mg m-3", "mass concentration", 1e-6),
        Unit("kg_m3", "kg m-3", "mass concentration", 1.0),
        Unit("kohm", "kohm", "resistance", 1e3),
        Unit("ohm", "ohm", "resistance", 1.0),
        Unit("mv", "mV", "voltage", 1e-3),
        Unit("v", "V", "voltage", 1.0),
    )
}

# What a laser pointed at the ground sums along its beam, mole fraction times path: no property of
# a point, so no channel of a Flight may have it.
PATH_INTEGRAL = "m"

# What channels of devices come in that no column of a table is named for.
_UNNAMED = (
    Unit("", "1", "mole fraction", 1.0),
    Unit("", "m-3", "number concentration", 1.0),  # of particles
    Unit("", "count", "count", 1.0),  # ticks of a converter, larger for more or for less gas
)
_BY_UDUNITS = {unit.udunits: unit for unit in (*UNITS.values(), *_UNNAMED)}

RECORD_UNITS: dict[str, Unit] = _BY_UDUNITS | {
    unit.udunits: unit
    for unit in (
        Unit("", PATH_INTEGRAL, "path integral", 1.0),
        Unit("", "K", "temperature", 1.0),
        Unit("", "Pa", "pressure", 1.0),
    )
}

# What people read, by the least SI value that is told so.
_SHOWN: dict[UnitKind, tuple[tuple[float, float, str], ...]] = {
    "mole fraction": ((1e-2, 1e-2, "%"), (1e-6, 1e-6, "ppm"), (0.0, 1e-9, "ppb")),
    "mass concentration": ((1e-3, 1e-3, "g/m3"), (1e-6, 1e-6, "mg/m3"), (0.0, 1e-9, "ug/m3")),
    "resistance": ((1e6, 1e6, "Mohm"), (1e3, 1e3, "kohm"), (0.0, 1.0, "ohm")),
    "voltage": ((1.0, 1.0, "V"), (0.0, 1e-3, "mV")),
    "number concentration": ((0.0, 1e6, "/cm3"),),
    "count": ((0.0, 1.0, "counts"),),
    "path integral": ((0.0, 1e-6, "ppm m"),),
    "pressure": ((0.0, 100.0, "hPa"),),
}

# Names a Flight uses for itself: no channel may take them.
RESERVED = frozenset(
    {
        "obs",
        "time",
        "latitude",
        "longitude",
        "altitude",
        "height_above_ground",
        "eastward_wind",
        "northward_wind",
        "air_temperature",
        "relative_humidity",
        "air_pressure",
        "quality",
        "trajectory",
        "airborne",
    }
)
_DERIVED = ("_quality", "_corrected", "_baseline", "_sigma", "_plume", "_warming_up")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def parse_channel(column: str) -> tuple[str, str] | None:
    """Channel name and UDUNITS unit that a column's name states, or None if it states no unit.

    Parameters
    ----------
    column : str
        Lower case, the unit last: ``"pid_ppb"``, ``"so2_mg_m3"``, ``"mox1_ohm"``.

    Returns
    -------
    (name, unit) or None
        None also where the name is one the Flight keeps for itself.

    Examples
    --------
    >>> parse_channel("so2_mg_m3"), parse_channel("mox1_ohm"), parse_channel("h2o_pct")
    (('so2', 'mg m-3'), ('mox1', 'ohm'), None)
    """
    for suffix, unit in UNITS.items():
        name, found, rest = column.rpartition("_" + suffix)
        if not found or rest:
            continue
        if not _NAME.fullmatch(name) or name in RESERVED or name.endswith(_DERIVED):
            return None
        return name, unit.udunits
    return None


def unit_of(udunits: str) -> Unit:
    """Unit behind a channel's ``units`` attribute.

    Raises
    ------
    ValueError
        Not one of the units a channel may have.

    Examples
    --------
    >>> unit_of("1e-9").scale
    1e-09
    """
    if udunits not in _BY_UDUNITS:
        raise ValueError(f'unit "{udunits}" is not one of {", ".join(sorted(_BY_UDUNITS))}')
    return _BY_UDUNITS[udunits]


def is_concentration(udunits: str) -> bool:
    """Whether a unit is one of concentration (a fraction or a mass per volume).

    Examples
    --------
    >>> is_concentration("1e-6"), is_concentration("ohm")
    (True, False)
    """
    return unit_of(udunits).kind in {"mole fraction", "mass concentration"}


def readable(value: float, udunits: str) -> str:
    """A value as people write it, four digits of it and a unit that suits its size.

    Parameters
    ----------
    value : float
    udunits : str
        One of `RECORD_UNITS`.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        No record is in this unit.

    Examples
    --------
    >>> readable(4.2e-7, "1"), readable(1900.0, "1e-9"), readable(float("nan"), "V")
    ('420 ppb', '1.9 ppm', 'missing')
    >>> readable(1.024e5, "ohm"), readable(3.5e-4, "m"), readable(297.65, "K")
    ('102.4 kohm', '350 ppm m', '24.5 degC')
    """
    if udunits not in RECORD_UNITS:
        raise ValueError(f'unit "{udunits}" is not one of {", ".join(sorted(RECORD_UNITS))}')
    unit = RECORD_UNITS[udunits]
    if math.isnan(value):
        return "missing"
    in_si = value * unit.scale
    if unit.kind == "temperature":
        return f"{in_si - ZERO_CELSIUS_K:.4g} degC"
    # 1000 * 1e-9 is a little less than 1e-6
    _, size, name = next(step for step in _SHOWN[unit.kind] if abs(in_si) * (1.0 + 1e-9) >= step[0])
    digits = ".0f" if abs(in_si) >= 1e4 * size else ".4g"
    return f"{in_si / size:{digits}} {name}"


def towards_vector(
    speed: ArrayLike, from_deg: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eastward and northward wind of a speed and the direction the wind comes *from*.

    Parameters
    ----------
    speed : array_like
        [m s-1].
    from_deg : array_like
        Clockwise from true north [degree]; may be NaN where the speed is exactly 0.

    Returns
    -------
    eastward, northward : ndarray
        The vector the air moves *towards* [m s-1].

    Examples
    --------
    A wind of 5 m/s from the south-west (225 degrees) moves air north-east.

    >>> east, north = towards_vector(5.0, 225.0)
    >>> float(east.round(3)), float(north.round(3))
    (3.536, 3.536)
    """
    import numpy as np  # noqa: PLC0415 - the flight side starts without

    speed, angle = np.broadcast_arrays(
        np.asarray(speed, np.float64), np.radians(np.asarray(from_deg, np.float64))
    )
    calm = speed == 0.0
    eastward = np.where(calm, 0.0, -speed * np.sin(angle))
    northward = np.where(calm, 0.0, -speed * np.cos(angle))
    return eastward, northward


def from_speed_direction(
    eastward: ArrayLike, northward: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Speed, and direction the wind comes *from*, of the vector the air moves towards.

    Parameters
    ----------
    eastward, northward : array_like
        [m s-1].

    Returns
    -------
    speed, from_deg : ndarray
        [m s-1]; clockwise from true north in [0, 360) [degree], NaN where it is calm.

    Examples
    --------
    >>> speed, from_deg = from_speed_direction(0.0, -2.0)  # towards the south
    >>> float(speed), float(from_deg)
    (2.0, 0.0)
    """
    import numpy as np  # noqa: PLC0415 - as above

    east, north = np.asarray(eastward, np.float64), np.asarray(northward, np.float64)
    speed = np.hypot(east, north)
    # adding 0.0 turns -0.0 into 0.0: a wind from north is 0, not -0 or 360
    from_deg = np.degrees(np.arctan2(-east, -north)) % 360.0 + 0.0
    from_deg = np.where(from_deg >= 360.0, 0.0, from_deg)
    return speed, np.where(speed > 0.0, from_deg, np.nan)
