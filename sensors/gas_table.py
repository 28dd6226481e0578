"""The table of gases, read from ``gases.toml`` beside this file."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files

__all__ = ["GASES", "Gas", "PidFactor", "molar_mass_kg_mol"]

# IUPAC standard atomic weights, abridged values (2021) [g/mol]
_ATOMIC_WEIGHTS = {
    "H": 1.008,
    "C": 12.011,
    "N": 14.007,
    "O": 15.999,
    "P": 30.974,
    "S": 32.06,
    "Cl": 35.45,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PidFactor:
    """True mole fraction = reading in isobutylene equivalents x `factor`, for one maker's lamp.

    ``checked`` tells whether the value was compared with the text of its source.
    """

    maker: str
    lamp_ev: float
    factor: float
    checked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Gas:
    """A gas: what it is, what ionises it, whether a metal-oxide sensor sees it.

    Attributes
    ----------
    name, formula : str
    molar_mass_kg_mol : float
    ionisation_energy_ev : float
        First ionisation energy [eV]; an upper bound where `energy_is_upper_bound`.
    energy_source : str
    reducing : bool
        The resistance of an n-type metal-oxide sensor falls with it at ppm levels.
    aliases : tuple of str
        Other names, lower case.
    usual_family : str
        Family of sensor that a column named for this gas most likely comes from.
    pid_factors : tuple of PidFactor
    """

    name: str
    formula: str
    molar_mass_kg_mol: float
    ionisation_energy_ev: float
    energy_source: str
    energy_is_upper_bound: bool = False
    reducing: bool
    aliases: tuple[str, ...] = ()
    usual_family: str = "unknown"
    pid_factors: tuple[PidFactor, ...] = ()


def molar_mass_kg_mol(formula: str) -> float:
    """Molar mass of a molecule [kg mol-1].

    Parameters
    ----------
    formula : str
        Elements and counts without brackets.

    Examples
    --------
    >>> round(molar_mass_kg_mol("C3H6O"), 6)  # acetone: 3 x 12.011 + 6 x 1.008 + 15.999 g
    0.05808
    """
    atoms = re.findall(r"([A-Z][a-z]?)(\d*)", formula)
    return sum(_ATOMIC_WEIGHTS[element] * int(count or 1) for element, count in atoms) / 1e3


def _read_table() -> dict[str, Gas]:
    text = files("sensors").joinpath("gases.toml").read_text(encoding="utf-8")
    table: dict[str, Gas] = {}
    for entry in tomllib.loads(text)["gas"]:
        factors = tuple(PidFactor(**factor) for factor in entry.pop("pid_factors", ()))
        aliases = tuple(entry.pop("aliases", ()))
        mass = molar_mass_kg_mol(entry["formula"])
        table[entry["name"]] = Gas(
            **entry, molar_mass_kg_mol=mass, aliases=aliases, pid_factors=factors
        )
    return table


GASES: dict[str, Gas] = _read_table()
