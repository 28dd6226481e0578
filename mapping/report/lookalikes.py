"""Innocent causes of what a flight smelt, the most plausible first."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib.resources import files

from sensors.gases import visible

__all__ = ["Cause", "Lookalike", "gases_seen", "innocent_causes", "lookalikes"]

_ODD_HOUR = 0.5  # what an hour at which a cause is usually not active does to its weight
_OTHER_GAS = 0.4  # what it does that the cause is not known for the gas looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookalike:
    """A kind of cause, as ``lookalikes.toml`` has it.

    Attributes
    ----------
    name : str
    gases : tuple of str
        That it is known to emit, the typical ones first.
    common : float
        How widespread it is, 0 to 1: a judgement, for the order only.
    hours : tuple of float
        From when to when it is usually active [h by the sun].
    closed_at_weekends : bool
    reference : str
        Where that is said.
    """

    name: str
    gases: tuple[str, ...]
    common: float
    hours: tuple[float, float]
    closed_at_weekends: bool = False
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A kind of cause, weighed for one flight.

    Attributes
    ----------
    kind : Lookalike
    weight : float
        For the order only: it is no probability. 0 means that the sensors cannot see it.
    emits_gas : bool
        It is known for the gas looked for.
    in_hours, is_open : bool
        It is usually active at that hour, on that day of the week.
    """

    kind: Lookalike
    weight: float
    emits_gas: bool
    in_hours: bool
    is_open: bool


@functools.cache
def lookalikes() -> tuple[Lookalike, ...]:
    """All kinds of causes of the table."""
    text = (files("mapping.report") / "lookalikes.toml").read_text(encoding="utf-8")
    return tuple(
        Lookalike(
            name=entry["name"],
            gases=tuple(entry["gases"]),
            common=float(entry["common"]),
            hours=(float(entry["hours"][0]), float(entry["hours"][1])),
            closed_at_weekends=entry.get("closed_at_weekends", False),
            reference=entry["reference"],
        )
        for entry in tomllib.loads(text)["kind"]
    )


def innocent_causes(
    gas: str, family: str, *, is_named: bool, lamp_ev: float, hour: float, is_weekend: bool
) -> list[Cause]:
    """All kinds of causes, the most plausible first.

    Parameters
    ----------
    gas : str
        Looked for.
    family : str
        Of the sensor the verdict rests on, one of `sensors.gases.FAMILIES`.
    is_named : bool
        The channel is made for `gas` alone, so that other gases explain nothing.
    lamp_ev : float
        Of a photo-ionisation detector [eV].
    hour : float
        By the sun, 0 to 24.
    is_weekend : bool

    Returns
    -------
    list of Cause

    Examples
    --------
    >>> causes = innocent_causes(
    ...     "ammonia", "electrochemical", is_named=True, lamp_ev=10.6, hour=3.0, is_weekend=False)
    >>> [cause.kind.name for cause in causes if cause.weight > 0][:2]
    ['farm', 'wastewater']
    """
    causes = []
    for kind in lookalikes():
        emits = gas in kind.gases
        seen = emits or (
            not is_named and any(visible(one, family, lamp_ev=lamp_ev) for one in kind.gases)
        )
        in_hours = kind.hours[0] <= hour < kind.hours[1]
        is_open = not (kind.closed_at_weekends and is_weekend)
        typical = 1.0 - 0.1 * kind.gases.index(gas) if emits else _OTHER_GAS
        weight = (
            kind.common * typical * (1.0 if in_hours and is_open else _ODD_HOUR) if seen else 0.0
        )
        causes.append(
            Cause(kind=kind, weight=weight, emits_gas=emits, in_hours=in_hours, is_open=is_open)
        )
    return sorted(causes, key=lambda cause: (-cause.weight, cause.kind.name))


def gases_seen(kind: Lookalike, gas: str, family: str, *, lamp_ev: float) -> list[str]:
    """Gases of a kind of cause that a sensor can see, the one looked for first."""
    seen = [one for one in kind.gases if one == gas or visible(one, family, lamp_ev=lamp_ev)]
    return sorted(seen, key=lambda one: one != gas)
