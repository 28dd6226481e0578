"""Where the source is, in a line for people and in one for programs."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from drone.wording import place, probability
from sensors.streams import iso_utc

if TYPE_CHECKING:
    from drone.located import Located

__all__ = ["CONFIRM", "PERHAPS", "as_fields", "line_of", "verdict_of"]

PERHAPS = 0.5  # probability of any source from which a place is told
CONFIRM = "indication, confirm by sampling"
_WAITING, _INDICATED, _PERHAPS, _NOTHING = (
    "waiting",
    "source indicated",
    "perhaps a source",
    "nothing indicated so far",
)


def verdict_of(told: Located, *, indicate_above: float) -> str:
    """What is known, in two or three words."""
    if told.waiting_for:
        return _WAITING
    if told.p_any_source >= indicate_above:
        return _INDICATED
    return _PERHAPS if told.p_any_source >= PERHAPS else _NOTHING


def line_of(told: Located, *, indicate_above: float = 0.95) -> str:
    """One line a person reads while flying.

    Parameters
    ----------
    told : Located
    indicate_above : float
        Probability of any source from which it is "indicated".
    """
    clock = iso_utc(told.time_ns)[11:19] if told.time_ns else "--:--:--"
    verdict = verdict_of(told, indicate_above=indicate_above)
    if verdict == _WAITING:
        return f"{clock}  waiting: {told.waiting_for}"
    line = f"{clock}  {verdict} (p {probability(told.p_any_source)})"
    if verdict == _NOTHING:
        return line
    several = "  likely more than one" if told.p_several >= PERHAPS else ""
    return (
        f"{line}  {place(told.latitude, told.longitude)}  "
        f"{told.distance_m:.0f} m at {told.bearing_deg:03.0f}°  "
        f"within {told.radius_90_m:.0f} m (90 %)  "
        f"{told.rate_g_s:.2g} g/s ({told.rate_g_s_p05:.2g} to {told.rate_g_s_p95:.2g}){several}"
    )


def as_fields(told: Located, *, indicate_above: float, is_final: bool = False) -> dict[str, Any]:
    """The same for a program; what is not known is None.

    Parameters
    ----------
    told : Located
    indicate_above : float
    is_final : bool
        No later line will come, and all readings were searched.
    """
    fields = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(told).items()
        if name not in {"time_ns", "searched_ns", "waiting_for"}
    }
    return {
        "time": iso_utc(told.time_ns) if told.time_ns else None,
        "verdict": verdict_of(told, indicate_above=indicate_above),
        "waiting_for": told.waiting_for or None,
        **fields,
        "searched_until": iso_utc(told.searched_ns) if told.searched_ns else None,
        "final": is_final,
    }
