"""What the doctor found: one line of state, figures and advice each, in the order of repair."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "AREAS",
    "CORRECT",
    "Finding",
    "State",
    "as_json",
    "in_order",
    "is_ready",
    "lines",
    "one",
    "split_advice",
    "verdict",
]

State = Literal["ok", "warning", "failure", "not checked"]

# what blocks others comes first
AREAS = ("mission", "port", "device", "disk", "autopilot", "clock", "wind", "zero", "bump")
CORRECT = "correct the mission file"  # where an error says no more
_STATES: tuple[State, ...] = ("failure", "warning", "not checked", "ok")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check.

    Attributes
    ----------
    area : str
        One of `AREAS`.
    subject : str
        What was looked at: a device, a file, a parameter.
    state : {"ok", "warning", "failure", "not checked"}
    found : str
        With figures and units; why, where it was not checked.
    fix : str
        What to do; empty where nothing is.
    figures : dict of str to number or text
        The same for programs, units in the names.
    """

    area: str
    subject: str
    state: State
    found: str
    fix: str = ""
    figures: dict[str, float | str] = field(default_factory=dict)


def one(
    area: str,
    subject: str,
    state: State,
    found: str,
    fix: str = "",
    figures: dict[str, float | str] | None = None,
) -> Finding:
    """A finding, in fewer words."""
    return Finding(
        area=area, subject=subject, state=state, found=found, fix=fix, figures=figures or {}
    )


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Failures first, then warnings, what was not checked, and what is well.

    Among those alike, what blocks others comes first.
    """
    return sorted(findings, key=lambda each: (_STATES.index(each.state), AREAS.index(each.area)))


def is_ready(findings: Iterable[Finding]) -> bool:
    """Whether one may fly: warnings do not forbid it."""
    return all(each.state != "failure" for each in findings)


def verdict(findings: Iterable[Finding]) -> str:
    """The last line.

    Examples
    --------
    >>> verdict([])
    'ready to fly'
    """
    count = sum(each.state == "failure" for each in findings)
    if not count:
        return "ready to fly"
    return f"not ready: {count} thing{'' if count == 1 else 's'} to fix"


def lines(findings: Iterable[Finding]) -> list[str]:
    r"""For people: state, what, found, and under it what to do.

    Examples
    --------
    >>> print(*lines([Finding(area="disk", subject="x", state="failure", found="full", fix="go")]),
    ...       sep="\n")
    failure      disk x: full
                 -> go
    """
    told = []
    for each in findings:
        told.append(f"{each.state:<12} {each.area} {each.subject}".rstrip() + f": {each.found}")
        if each.fix:
            told.append(f"{'':<12} -> {each.fix}")
    return told


def as_json(findings: Iterable[Finding]) -> dict[str, Any]:
    """For programs; numbers that are none are null."""
    findings = list(findings)
    return {
        "ready": is_ready(findings),
        "verdict": verdict(findings),
        "failures": sum(each.state == "failure" for each in findings),
        "warnings": sum(each.state == "warning" for each in findings),
        "checks": [
            {
                "area": each.area,
                "subject": each.subject,
                "state": each.state,
                "found": each.found,
                "fix": each.fix,
                "figures": {
                    name: value if isinstance(value, str) or math.isfinite(value) else None
                    for name, value in each.figures.items()
                },
            }
            for each in findings
        ],
    }


def split_advice(message: str) -> tuple[str, str]:
    """What is wrong and what to do, of an error's one line.

    Examples
    --------
    >>> split_advice("/dev/x: no permission; join the group dialout")
    ('/dev/x: no permission', 'join the group dialout')
    """
    found, _, fix = message.partition("; ")
    return found, fix
