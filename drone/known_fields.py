"""What the fields of a feature say about an emitter: name, kind, rate, height."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mapping.emitter_kinds import kind_of
from sensors.errors import ConfigError
from sensors.gases import resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Told", "name_of", "told_of"]

SECONDS_PER_YEAR = 365.25 * 86_400.0
TALLEST_M = 500.0
LARGEST_RATE_KG_S = 1_000.0
_LONGEST_TEXT = 200
_NAMES = ("name", "naam", "bedrijfsnaam", "titel", "title", "label", "omschrijving")
_KINDS = ("kind", "soort", "branche", "sector", "category", "categorie", "activiteit", "type")
_TAGS = ("amenity", "shop", "craft", "industrial", "man_made", "landuse", "building", "leisure")
_GASES = ("gas", "stof", "substance", "pollutant")
_HEIGHTS = ("height_m", "hoogte_m", "schoorsteenhoogte_m")
_UNITS_KG_S = {"g_s": 1e-3, "kg_year": 1.0 / SECONDS_PER_YEAR, "kg_jaar": 1.0 / SECONDS_PER_YEAR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a feature's fields say.

    Attributes
    ----------
    name, kind : str
        As written, on one line.
    known_kind : str or None
        As in ``lookalikes.toml``.
    height_m : float
        NaN if not told.
    rate : tuple of float or None
        Low, middle, high; low and high None where not told [kg s-1].
    notes : tuple of str
        What was not used, and why.
    """

    name: str
    kind: str
    known_kind: str | None
    height_m: float
    rate: tuple[float | None, float | None, float | None]
    notes: tuple[str, ...]


def name_of(fields: Mapping[str, Any]) -> str:
    """Name of a feature, on one line; empty if it has none."""
    return _text(fields, _NAMES)


def told_of(fields: Mapping[str, Any], *, gas: str) -> Told:
    """What a feature's fields say about an emitter.

    Parameters
    ----------
    fields : mapping
        By lower-case name.
    gas : str
        Looked for; the rate of another is not used.

    Returns
    -------
    Told
    """
    notes: list[str] = []
    kind = _text(fields, _KINDS)
    known = kind_of(kind) if kind else None
    tags = [f"{tag}={_text(fields, (tag,))}" for tag in _TAGS if tag in fields]
    for tag in tags:
        known = known or kind_of(tag)
        kind = kind or tag
    rate = _rate(fields, notes)
    if any(part is not None for part in rate) and not _is_of(fields, gas, notes):
        rate = (None, None, None)
    height = _number(fields, _HEIGHTS, notes)
    if height is not None and not 0.0 <= height <= TALLEST_M:
        notes.append(f"height {height:g} m is not used: it must be 0 to {TALLEST_M:g}")
        height = None
    return Told(
        name=name_of(fields),
        kind=kind,
        known_kind=known,
        height_m=math.nan if height is None else height,
        rate=rate,
        notes=tuple(notes),
    )


def _rate(
    fields: Mapping[str, Any], notes: list[str]
) -> tuple[float | None, float | None, float | None]:
    """Low, middle and high rate, in the first unit that any of them is told in."""
    for unit, factor in _UNITS_KG_S.items():
        names = (f"rate_{unit}_low", f"rate_{unit}", f"rate_{unit}_high")
        if not any(name in fields for name in names):
            continue
        low, middle, high = (_positive(fields, name, factor, notes) for name in names)
        if low is None or high is None:
            if low is not None or high is not None:
                notes.append("an interval of the rate needs its low and its high end; not used")
            return None, middle, None
        told = [one for one in (low, middle, high) if one is not None]
        if told != sorted(told):
            notes.append("the rate is not within its interval; neither is used")
            return None, None, None
        return low, middle, high
    return None, None, None


def _positive(
    fields: Mapping[str, Any], name: str, factor: float, notes: list[str]
) -> float | None:
    value = _number(fields, (name,), notes)
    if value is None:
        return None
    if not 0.0 < value * factor <= LARGEST_RATE_KG_S:
        notes.append(f"{name} {value:g} is not used: no rate can be that")
        return None
    return value * factor


def _is_of(fields: Mapping[str, Any], gas: str, notes: list[str]) -> bool:
    said = _text(fields, _GASES)
    if not said:
        return True
    try:
        same = resolve(said).name == resolve(gas).name
    except ConfigError:
        same = False
    if not same:
        notes.append(f'its rate is of "{said}", not of {gas}; not used')
    return same


def _number(fields: Mapping[str, Any], names: tuple[str, ...], notes: list[str]) -> float | None:
    for name in names:
        if name in fields:
            try:
                value = float(str(fields[name]).strip().replace(",", "."))
            except ValueError:
                value = math.nan
            if math.isfinite(value):
                return value
            notes.append(f'{name} "{_one_line(str(fields[name]))}" is not a number; not used')
    return None


def _text(fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
    found = (_one_line(str(fields[name])) for name in names if name in fields)
    return next((text for text in found if text), "")


def _one_line(text: str) -> str:
    """Text without line ends and control characters; all else stays as it is."""
    plain = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(plain.split())[:_LONGEST_TEXT]
