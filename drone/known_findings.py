"""What a survey says of known emitters, in numbers: their part of summary.json."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mapping.explanations import explanation_text
from mapping.grid import to_geographic

if TYPE_CHECKING:
    from mapping.hotspots import Hotspot
    from mapping.survey import Survey

__all__ = ["explanations_of", "known_emitters"]


def known_emitters(survey: Survey) -> list[dict[str, Any]]:
    """All known emitters of a survey, ready for JSON: None where the flight cannot tell."""
    found = []
    for one in survey.known:
        emitter = one.emitter
        latitude, longitude = to_geographic(survey.domain.crs, [emitter.east], [emitter.north])
        found.append(
            {
                "name": emitter.name,
                "kind": emitter.kind,
                "known_kind": one.kind,
                "file": one.file,
                "latitude": round(float(latitude[0]), 7),
                "longitude": round(float(longitude[0]), 7),
                "stated_rate_g_s": _grams(emitter.rate),
                "stated_rate_g_s_p05": _grams(emitter.rate_low),
                "stated_rate_g_s_p95": _grams(emitter.rate_high),
                "probability": _rounded(one.probability, 4),
                "rate_g_s": _rounded(one.rate_g_s, 6),
                "rate_g_s_p05": _rounded(one.rate_g_s_p05, 6),
                "rate_g_s_p95": _rounded(one.rate_g_s_p95, 6),
                "share_of_gas": _rounded(one.share, 3),
            }
        )
    return found


def explanations_of(spot: Hotspot, survey: Survey) -> list[dict[str, Any]]:
    """Known emitters that may be what a hotspot is, the most plausible first."""
    return [
        {
            "rank": one.rank,
            "name": one.known.emitter.name,
            "kind": one.known.emitter.kind,
            "distance_m": round(one.distance_m, 1),
            "bearing_deg": round(one.bearing_deg, 1),
            "inside_region": one.is_inside,
            "upwind": one.is_upwind,
            "emits": one.emits,
            "text": explanation_text(one),
        }
        for one in survey.explanations_of(spot)
    ]


def _grams(rate: float | None) -> float | None:
    return None if rate is None else round(1e3 * rate, 6)


def _rounded(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None
