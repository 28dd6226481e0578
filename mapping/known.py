"""A known emitter as maps, tables and the report show it: what was told, and what was found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detection.source.emitters import KnownEmitter

__all__ = ["Known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One known emitter of a survey.

    Attributes
    ----------
    emitter : KnownEmitter
        Place, name and kind as its owner wrote them (any text: escape it where it is shown),
        stated rate.
    kind : str or None
        Of ``lookalikes.toml``; None where the owner's word for it is not known.
    file : str
        Where it was told.
    probability : float
        That it emitted during the flight, given the readings; NaN if the flight cannot tell
        because none of its air can have reached the drone.
    rate_g_s, rate_g_s_p05, rate_g_s_p95 : float
        Rate found, if it emitted [g s-1]; NaN where `probability` is.
    share : float
        Of the gas read above background in all that it accounts for; 0 where it was not fitted.
    """

    emitter: KnownEmitter
    kind: str | None
    file: str = ""
    probability: float = math.nan
    rate_g_s: float = math.nan
    rate_g_s_p05: float = math.nan
    rate_g_s_p95: float = math.nan
    share: float = 0.0

    @property
    def was_seen(self) -> bool:
        """Whether the flight could tell if it emits."""
        return math.isfinite(self.probability)
