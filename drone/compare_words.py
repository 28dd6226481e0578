"""What became of a source, said in a sentence, and as a row of numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from drone.wording import probability
from mapping.grid import to_geographic

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyproj

    from mapping.changes import Change, Side

__all__ = ["headline", "likelihood", "row_of", "sentence"]

HARDLY_SEARCHED = 0.2  # probability of being noticed below which a survey says nothing of a place
SIGNIFICANT = 0.95


def likelihood(share: float) -> str:
    """Probability of a change in words.

    Examples
    --------
    >>> likelihood(0.995), likelihood(0.96), likelihood(0.85), likelihood(0.6)
    ('almost certainly', 'very likely', 'likely', 'perhaps')
    """
    steps = ((0.99, "almost certainly"), (SIGNIFICANT, "very likely"), (0.8, "likely"))
    return next((word for least, word in steps if share >= least), "perhaps")


def sentence(change: Change) -> str:
    """What became of one source, in plain English.

    Parameters
    ----------
    change : Change

    Returns
    -------
    str
    """
    if change.before is not None and change.after is not None:
        return _of_both(change, change.before, change.after)
    side = change.after or change.before
    there, other = ("after", "before") if change.before is None else ("before", "after")
    rank = "" if side is None else f"source {side.spot.rank} ({there})"
    if change.p_noticed < HARDLY_SEARCHED:
        return (
            f"{rank} was not told {other}, but {other} hardly anything was searched there "
            f"(probability of noticing it {probability(change.p_noticed)}): whether it changed "
            "cannot be told"
        )
    became = "new" if change.before is None else "gone"
    return (
        f"{rank} is {likelihood(change.p_changed)} {became} (probability "
        f"{probability(change.p_changed)}); {other}, it would have been noticed with the "
        f"probability {probability(change.p_noticed)}"
    )


def headline(changes: Sequence[Change]) -> str:
    """All changes in one sentence.

    Parameters
    ----------
    changes : sequence of Change

    Returns
    -------
    str
    """
    if not changes:
        return "neither survey told a source: no change is shown"
    shown = [change for change in changes if _is_significant(change)]
    if not shown:
        return "no change of any source is shown with a probability of 0.95"
    counts = {
        "new": sum(change.status == "new" for change in shown),
        "gone": sum(change.status == "gone" for change in shown),
        "with a higher rate": sum(change.p_rose >= SIGNIFICANT for change in shown),
        "with a lower rate": sum(change.p_rose <= 1.0 - SIGNIFICANT for change in shown),
    }
    said = [f"{count} {what}" for what, count in counts.items() if count]
    return f"sources changed with a probability of at least 0.95: {', '.join(said)}"


def row_of(change: Change, crs: pyproj.CRS) -> dict[str, Any]:
    """Numbers of one change, ready for JSON or CSV: None where there is none."""
    apart = math.nan
    if change.before is not None and change.after is not None:
        first, second = change.before.spot, change.after.spot
        apart = math.hypot(second.east - first.east, second.north - first.north)
    return {
        "status": change.status,
        "probability_changed": _rounded(change.p_changed, 4),
        "significant": _is_significant(change),
        **_side("before", change.before, crs),
        **_side("after", change.after, crs),
        "distance_m": _rounded(apart, 1),
        "probability_same_place": _rounded(change.p_same, 4),
        "rate_ratio": _rounded(change.ratio, 3),
        "rate_ratio_p05": _rounded(change.ratio_p05, 3),
        "rate_ratio_p95": _rounded(change.ratio_p95, 3),
        "probability_rate_rose": _rounded(change.p_rose, 4),
        "probability_rate_doubled": _rounded(change.p_doubled, 4),
        "probability_rate_halved": _rounded(change.p_halved, 4),
        "probability_noticed_by_other": _rounded(change.p_noticed, 4),
        "in_words": sentence(change),
    }


def _of_both(change: Change, before: Side, after: Side) -> str:
    apart = math.hypot(after.spot.east - before.spot.east, after.spot.north - before.spot.north)
    place = (
        f"source {after.spot.rank} (after) is source {before.spot.rank} (before), {apart:.0f} m "
        f"apart (probability of one place {probability(change.p_same)})"
    )
    weak = [
        f"{when} it is there with the probability {probability(side.spot.probability)} only"
        for when, side in (("before", before), ("after", after))
        if not side.is_told
    ]
    rates = (
        f"{before.spot.rate_g_s:.2g} to {after.spot.rate_g_s:.2g} g/s, {change.ratio:.2g} times "
        f"(90 %: {change.ratio_p05:.2g} to {change.ratio_p95:.2g})"
    )
    if change.p_changed < 0.8:
        rate = f"no change of its rate is shown: {rates}"
    else:
        way = "rose" if change.p_rose >= 0.5 else "fell"
        rate = (
            f"its rate {likelihood(change.p_changed)} {way}: {rates}, probability "
            f"{probability(change.p_changed)}"
        )
    return "; ".join([place, *weak, rate])


def _is_significant(change: Change) -> bool:
    return bool(change.p_changed >= SIGNIFICANT)


def _side(name: str, side: Side | None, crs: pyproj.CRS) -> dict[str, Any]:
    if side is None:
        keys = ("rank", "told", "probability", "latitude", "longitude", "rate_g_s",
                "rate_g_s_p05", "rate_g_s_p95", "radius_90_m")  # fmt: skip
        return {f"{name}_{key}": None for key in keys}
    spot = side.spot
    latitude, longitude = to_geographic(crs, [spot.east], [spot.north])
    return {
        f"{name}_rank": spot.rank,
        f"{name}_told": side.is_told,
        f"{name}_probability": _rounded(spot.probability, 4),
        f"{name}_latitude": round(float(latitude[0]), 7),
        f"{name}_longitude": round(float(longitude[0]), 7),
        f"{name}_rate_g_s": _rounded(spot.rate_g_s, 6),
        f"{name}_rate_g_s_p05": _rounded(spot.rate_g_s_p05, 6),
        f"{name}_rate_g_s_p95": _rounded(spot.rate_g_s_p95, 6),
        f"{name}_radius_90_m": _rounded(spot.radius_90_m, 2),
    }


def _rounded(value: float, digits: int) -> float | None:
    return round(float(value), digits) if math.isfinite(value) else None
