"""What a channel smells: which gas it means, which gases its sensor can see, mass per volume."""

from __future__ import annotations

import difflib
import math
import re
from typing import TYPE_CHECKING

from sensors.errors import ConfigError
from sensors.gas_table import GASES, Gas, PidFactor
from sensors.units import unit_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "FAMILIES",
    "GASES",
    "REFERENCE_GAS",
    "Gas",
    "PidFactor",
    "channel_sensor",
    "mass_concentration",
    "pid_factor",
    "resolve",
    "unseen_by",
    "visible",
]

FAMILIES = ("pid", "mox", "electrochemical", "ndir", "tdlas", "unknown")
GAS_CONSTANT = 8.314462618  # J mol-1 K-1, exact since the 2019 SI
REFERENCE_GAS = "isobutylene"  # what a photo-ionisation detector is calibrated with

_GENERIC = {
    "pid": "pid",
    "mox": "mox",
    "tgs": "mox",
    "voc": "unknown",
    "tvoc": "unknown",
}
_NAMES = {
    name: gas.name
    for gas in GASES.values()
    for name in (gas.name, gas.formula.lower(), *gas.aliases)
    # formulas shared by isomers name none of them
    if name != gas.formula.lower() or sum(g.formula == gas.formula for g in GASES.values()) == 1
}


def resolve(name: str) -> Gas:
    """Gas behind a name, a formula or another name for it.

    Raises
    ------
    ConfigError
        Not in the table; the message names the nearest gas that is.

    Examples
    --------
    >>> resolve("CH4").name, resolve("P2P").name, resolve("ethyl_acetate").name
    ('methane', 'bmk', 'ethyl acetate')
    """
    wanted = name.strip().lower().replace("_", " ")
    if wanted in _NAMES:
        return GASES[_NAMES[wanted]]
    near = difflib.get_close_matches(wanted, _NAMES, n=1)
    hint = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(GASES)}"
    raise ConfigError(f'gas "{name}" is not in the gas table; {hint}')


def channel_sensor(channel: str, unit: str) -> tuple[str | None, str]:
    """Gas a channel is named for, and the family of its sensor.

    Parameters
    ----------
    channel : str
        Without unit: ``"pid"``, ``"mox1"``, ``"ch4"``, ``"co2_dry"``.
    unit : str
        UDUNITS; a resistance means a metal-oxide sensor.

    Returns
    -------
    gas : str or None
        Key of `GASES`; None for a channel that means whatever gas the mission looks for.
    family : str
        One of `FAMILIES`.

    Examples
    --------
    >>> channel_sensor("ch4", "1e-6"), channel_sensor("mox1", "ohm")
    (('methane', 'tdlas'), (None, 'mox'))
    """
    root = channel.partition("_")[0]
    generic = re.fullmatch(r"([a-z]+?)\d*", root)
    if generic and generic[1] in _GENERIC:
        return None, _GENERIC[generic[1]]
    for name in (channel.replace("_", " "), root, root.rstrip("0123456789")):
        if name in _NAMES:
            gas = GASES[_NAMES[name]]
            resistive = unit_of(unit).kind == "resistance"
            return gas.name, "mox" if resistive else gas.usual_family
    return None, "mox" if unit_of(unit).kind == "resistance" else "unknown"


def visible(gas: str, family: str, *, lamp_ev: float = 10.6) -> bool:
    """Whether a broad sensor of a family responds to a gas at all.

    Parameters
    ----------
    gas : str
    family : str
        One of `FAMILIES`. A selective one (electrochemical, ndir, tdlas) sees the gas it was
        made for, which only its column's name tells: True. ``"unknown"`` is a volatile-organics
        sensor of unstated kind: a lamp or a metal oxide might see the gas.
    lamp_ev : float
        Photon energy of a photo-ionisation detector's lamp [eV].

    Returns
    -------
    bool

    Raises
    ------
    ConfigError
        `gas` is not in the table.
    ValueError
        `family` is not one of `FAMILIES`.

    Examples
    --------
    >>> visible("acetone", "pid"), visible("methanol", "pid"), visible("methanol", "mox")
    (True, False, True)
    >>> visible("methanol", "pid", lamp_ev=11.7)
    True
    """
    if family not in FAMILIES:
        raise ValueError(f'family "{family}" is not one of {", ".join(FAMILIES)}')
    known = resolve(gas)
    # a lamp's spectrum has a tail: a published factor says that it sees a little beyond its line
    ionised = known.ionisation_energy_ev < lamp_ev or pid_factor(gas, lamp_ev=lamp_ev) is not None
    answers = {"pid": ionised, "mox": known.reducing, "unknown": ionised or known.reducing}
    return answers.get(family, True)


def unseen_by(
    families: Iterable[str], *, named: Iterable[str] = (), lamp_ev: float = 10.6
) -> list[str]:
    """Gases of the table that a set of sensors could not have smelt.

    Parameters
    ----------
    families : iterable of str
        Families of the broad channels, those not named for a gas.
    named : iterable of str
        Gases that have a channel of their own.
    lamp_ev : float
        [eV].

    Returns
    -------
    list of str
        In the table's order.

    Examples
    --------
    >>> unseen_by(["pid"])[:4]
    ['methanol', 'formaldehyde', 'formic acid', 'dichloromethane']
    """
    broad = [family for family in families if family in {"pid", "mox", "unknown"}]
    own = {resolve(gas).name for gas in named}
    return [
        gas
        for gas in GASES
        if gas not in own and not any(visible(gas, family, lamp_ev=lamp_ev) for family in broad)
    ]


def pid_factor(gas: str, *, lamp_ev: float = 10.6, maker: str | None = None) -> float | None:
    """Factor from isobutylene equivalents to a gas.

    Parameters
    ----------
    gas : str
    lamp_ev : float
        [eV].
    maker : str, optional
        As in `PidFactor.maker`; without it the geometric mean over makers, who differ by up
        to a factor of 1.6 (acetone).

    Returns
    -------
    float or None
        None if no maker publishes one for this lamp.

    Examples
    --------
    >>> pid_factor("acetone", maker="rae"), round(pid_factor("acetone"), 3)  # sqrt(1.1 x 0.7)
    (1.1, 0.877)
    """
    factors = [
        entry.factor
        for entry in resolve(gas).pid_factors
        if abs(entry.lamp_ev - lamp_ev) < 0.05 and maker in {None, entry.maker}
    ]
    return math.prod(factors) ** (1 / len(factors)) if factors else None


def mass_concentration(
    values: ArrayLike,
    unit: str,
    gas: str,
    *,
    family: str = "unknown",
    isobutylene_equivalent: bool | None = None,
    temperature_k: ArrayLike = 293.15,
    pressure_pa: ArrayLike = 101325.0,
    lamp_ev: float = 10.6,
) -> NDArray[np.float64]:
    """Mass of a gas per volume of air that a reading means.

    Parameters
    ----------
    values : array_like
        Readings in `unit`.
    unit : str
        UDUNITS, of a concentration.
    gas : str
    family : str
        Family of the sensor.
    isobutylene_equivalent : bool, optional
        The readings are fractions of isobutylene that would give the same signal and want the
        gas's factor; without it, those of family ``"pid"`` are. A gas for which no factor is
        published is taken to respond as isobutylene does.
    temperature_k, pressure_pa : array_like
        Of the air [K], [Pa]; NaN gives NaN.
    lamp_ev : float
        [eV].

    Returns
    -------
    ndarray
        [kg m-3].

    Raises
    ------
    ValueError
        `unit` is not one of concentration: a resistance or voltage has no absolute meaning.

    Notes
    -----
    Ideal gas: a mole fraction x of molar mass M has the density x M p / (R T).

    Examples
    --------
    1 ppm of methane at 20 degrees C: 1e-6 x 0.016043 x 101325 / (8.3145 x 293.15)

    >>> float(mass_concentration(1.0, "1e-6", "methane").round(10))
    6.669e-07
    """
    size = unit_of(unit)
    import numpy as np  # noqa: PLC0415 - the flight side starts without

    readings = np.asarray(values, np.float64) * size.scale
    if size.kind == "mass concentration":
        return readings
    if size.kind != "mole fraction":
        raise ValueError(f'a reading in "{unit}" is not a concentration')
    known = resolve(gas)
    equivalent = family == "pid" if isobutylene_equivalent is None else isobutylene_equivalent
    factor = (pid_factor(gas, lamp_ev=lamp_ev) or 1.0) if equivalent else 1.0
    moles = np.asarray(pressure_pa, np.float64) / (
        GAS_CONSTANT * np.asarray(temperature_k, np.float64)
    )
    return readings * factor * known.molar_mass_kg_mol * moles
