"""Parameters of the autopilot, read one by one; none is ever written."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware_bridge.gate import AUTOPILOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from firmware_bridge.outlet import Outlet

__all__ = ["ParameterRequests", "parameter_value"]

NS = 1_000_000_000
REPLY_NS = NS * 8 // 10
TRIES = 3
AT_ONCE = 12  # requests that are out: a radio's buffer holds few answers
BY_NAME = -1  # param_index
PX4 = 12
# MAV_PARAM_TYPE of whole numbers; PX4 puts their bytes in the place of the float
_LAYOUTS = {1: "<Bxxx", 2: "<bxxx", 3: "<Hxx", 4: "<hxx", 5: "<I", 6: "<i"}


@dataclass(frozen=True, slots=True)
class _Asked:
    tries: int = 0
    asked_ns: int = -(1 << 62)


class ParameterRequests:
    """What was asked for and what came; a name that the vehicle does not know stays without answer.

    Parameters
    ----------
    outlet : Outlet

    Attributes
    ----------
    values : dict of str to float
    unanswered : set of str
        Asked for three times in vain.
    """

    def __init__(self, outlet: Outlet) -> None:
        self.values: dict[str, float] = {}
        self.unanswered: set[str] = set()
        self._outlet = outlet
        self._waiting: dict[str, _Asked] = {}

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to ask, or to wait for."""
        return not self._waiting

    def ask(self, names: Iterable[str]) -> None:
        """Have these read; `step` sends the requests."""
        for name in names:
            self._waiting.setdefault(name, _Asked())

    def step(self, now_ns: int) -> None:
        """Ask what is due."""
        if not self._waiting:
            return
        out = sum(now_ns - asked.asked_ns < REPLY_NS for asked in self._waiting.values())
        due = [
            (asked.tries, name)
            for name, asked in self._waiting.items()
            if now_ns - asked.asked_ns >= REPLY_NS
        ]
        # those never asked for come first: names it does not have keep no other waiting
        for tries, name in sorted(due, key=lambda one: one[0])[: max(0, AT_ONCE - out)]:
            if tries >= TRIES:
                del self._waiting[name]
                self.unanswered.add(name)
                continue
            fields = {
                "target_system": self._outlet.system,
                "target_component": AUTOPILOT,
                "param_id": name,
                "param_index": BY_NAME,
            }
            if not self._outlet.send("PARAM_REQUEST_READ", fields, now_ns):
                return  # no room in this second
            self._waiting[name] = _Asked(tries + 1, now_ns)

    def take(self, fields: Mapping[str, Any], autopilot: int | None) -> None:
        """Take in a PARAM_VALUE of the vehicle; those others have asked for are left out."""
        name = fields["param_id"]
        if self._waiting.pop(name, None) is not None:
            self.values[name] = parameter_value(
                fields["param_value"], fields["param_type"], autopilot
            )


def parameter_value(value: float, kind: int, autopilot: int | None) -> float:
    """The number a PARAM_VALUE stands for.

    Parameters
    ----------
    value : float
        param_value.
    kind : int
        param_type.
    autopilot : int or None
        MAV_AUTOPILOT: PX4 sends the bytes of whole numbers, others the number as a float.

    Examples
    --------
    >>> parameter_value(2.0, 2, 3), parameter_value(2.802596928649634e-45, 6, 12)
    (2.0, 2.0)
    """
    layout = _LAYOUTS.get(kind)
    if autopilot != PX4 or layout is None:
        return value
    (whole,) = struct.unpack(layout, struct.pack("<f", value))
    return float(whole)
