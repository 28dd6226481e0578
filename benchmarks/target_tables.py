"""The table of targets: what was asked, what was measured, and with which uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.field_flights import SEEDS
from benchmarks.intervals import quantile_span, quantile_text, share_span, share_text
from benchmarks.judging import TOO_SURE
from benchmarks.tables import NOTHING, markdown, median

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.judging import Judged

    Span = tuple[float, float, float]

FOUND_PPB = 25.0
NEAR_M = 30.0
FIELD = "prairie grass and friesland"
WITHOUT = ("none", "none, mox")
SINGLE = ("single", "calm", "low", "mox", "peak 25-35", "peak 15-25")
_HEADER = (
    "flights",
    "n",
    "indicated",
    "error, median [m]",
    "error, 90 % [m]",
    "across, median [m]",
    "in 50 %, polygon",
    "in 50 %, raster",
    "in 90 %, polygon",
    "in 90 %, raster",
    "equal-area radius of 90 %, median [m]",
    "rate within 2x",
    "rate in its 90 %",
    "second invented",
    "confidently wrong",
    "largest reading, median [m]",
    "CPU s",
)


def report(rows: Mapping[str, Sequence[Judged]], _folder: Path) -> str:
    """All tables of the rows there are."""
    alone = [name for name in rows if name not in ("two", *WITHOUT)]
    parts = [
        "## Targets",
        markdown(("what", "target", "measured (95 % interval)", "met"), _targets(rows)),
        "## Rows",
    ]
    if alone:
        parts += [
            markdown(_HEADER, [line for name in alone for line in _lines(name, rows[name])]),
            "Errors, regions and rates are over indicated flights; in brackets the 95 % interval. "
            "*Confidently wrong*: indicated, and the truth lies outside the 90 % region by more "
            f"than {TOO_SURE:g} times its equal-area radius. Field measurements ({FIELD}) "
            f"count once for each of {len(SEEDS)} seeds of the program: their intervals are "
            "narrower than so few warrant.",
        ]
    if "two" in rows:
        parts += ["### Two sources", _doubles(rows["two"])]
    empty = {name: rows[name] for name in WITHOUT if name in rows}
    if empty:
        parts += ["### No source", _none(empty)]
    return "\n\n".join(parts) + "\n"


def _lines(name: str, group: Sequence[Judged]) -> list[list[str]]:
    kinds = sorted({one.turbulence for one in group if one.turbulence}, reverse=True)
    lines = [_line(f"**{name}**", group)]
    if len(kinds) > 1:
        lines += [
            _line(f"{name}, {kind}", [one for one in group if one.turbulence == kind])
            for kind in kinds
        ]
    return lines


def _line(name: str, group: Sequence[Judged]) -> list[str]:
    told = [one for one in group if one.indicated]
    return [
        name,
        str(len(group)),
        share_text([one.indicated for one in group]),
        quantile_text((one.error_m for one in told), 0.5),
        quantile_text((one.error_m for one in told), 0.9),
        quantile_text((one.across_m for one in told), 0.5),
        share_text([one.inside_50 for one in told]),
        share_text([one.raster_level < 0.5 for one in told]),
        share_text([one.inside_90 for one in told]),
        share_text([one.raster_level < 0.9 for one in told]),
        quantile_text((one.area_radius_90_m for one in told), 0.5),
        share_text(_rates(told)),
        share_text(
            [
                one.rate_g_s_p05 <= one.rate_g_s / one.rate_ratio <= one.rate_g_s_p95
                for one in told
                if np.isfinite(one.rate_ratio)
            ]
        ),
        share_text([one.told > 1 for one in told]),
        str(sum(one.misleading for one in group)),
        median((one.largest_reading_m for one in group), "{:.0f}"),
        median((one.cpu_s for one in group), "{:.1f}"),
    ]


def _rates(group: Sequence[Judged]) -> list[bool]:
    return [0.5 <= one.rate_ratio <= 2.0 for one in group if np.isfinite(one.rate_ratio)]


def _errors(group: Sequence[Judged]) -> list[float]:
    return [one.error_m for one in group]


def _both_near(one: Judged) -> bool:
    return len(one.matched_m) == 2 and max(one.matched_m) <= NEAR_M


def _doubles(group: Sequence[Judged]) -> str:
    header = (
        "flights",
        "n",
        "none told",
        "one told",
        "two told",
        "more told",
        f"both within {NEAR_M:g} m",
        "first: error, median [m]",
        "first in 90 %",
        "CPU s",
    )
    met = [one for one in group if min(one.about["peaks_ppb"]) >= FOUND_PPB]
    named = {
        "**two**": group,
        f"**both met (each peaks at {FOUND_PPB:g} ppb or more)**": met,
        "both met, ou": [one for one in met if one.turbulence == "ou"],
        "both met, fourier": [one for one in met if one.turbulence == "fourier"],
    }
    rows = [
        [
            name,
            str(len(some)),
            *(str(sum(one.told == number for one in some)) for number in (0, 1, 2)),
            str(sum(one.told > 2 for one in some)),
            share_text([_both_near(one) for one in some]),
            quantile_text((one.error_m for one in some if one.indicated), 0.5),
            share_text([one.inside_90 for one in some if one.indicated]),
            median((one.cpu_s for one in some), "{:.1f}"),
        ]
        for name, some in named.items()
    ]
    return markdown(header, rows)


def _none(rows: Mapping[str, Sequence[Judged]]) -> str:
    header = ("flights", "n", "indicated", "p, median", "p, 95 %", "p, largest", "CPU s")
    lines = []
    for name, group in rows.items():
        p = [one.p_any for one in group if np.isfinite(one.p_any)]
        lines.append(
            [
                name,
                str(len(group)),
                share_text([one.indicated for one in group]),
                *(f"{np.quantile(p, level):.3f}" for level in (0.5, 0.95, 1.0)),
                median((one.cpu_s for one in group), "{:.1f}"),
            ]
        )
    return markdown(header, lines)


def _targets(rows: Mapping[str, Sequence[Judged]]) -> list[list[str]]:
    """A line for each target whose row was measured."""
    lines: list[list[str]] = []

    def line(what: str, target: str, span: Span, low: float, high: float, percent: bool) -> None:
        if not np.isfinite(span[0]):
            return
        scale, unit = (100.0, " %") if percent else (1.0, " m")
        form = "{:.0f}" if percent else "{:.1f}"
        value, least, most = (form.format(scale * one) for one in span)
        met = "yes" if low <= span[0] <= high else "**no**"
        lines.append([what, target, f"{value}{unit} ({least} to {most})", met])

    def at_most(what: str, values: list[float], level: float, limit: float) -> None:
        line(what, f"<= {limit:g} m", quantile_span(values, level), -np.inf, limit, False)

    def share_of(what: str, claims: list[bool], low: float, high: float) -> None:
        words = (
            f"{100 * low:g}-{100 * high:g} %"
            if low > 0.0 and high < 1.0
            else (f">= {100 * low:g} %" if low > 0.0 else f"<= {100 * high:g} %")
        )
        line(what, words, share_span(claims), low, high, True)

    def told(name: str) -> list[Judged]:
        return [one for one in rows.get(name, ()) if one.indicated]

    at_most("one source in a wind: error, median", [o.error_m for o in told("single")], 0.5, 8.0)
    at_most("one source in a wind: error, 90 %", [o.error_m for o in told("single")], 0.9, 20.0)
    at_most("one source in a wind: across", [o.across_m for o in told("single")], 0.5, 3.0)
    at_most("calm: error, median", [o.error_m for o in told("calm")], 0.5, 12.0)
    every: list[Judged] = [one for name in ("single", "calm", "low", "mox") for one in told(name)]
    _coverage(told("single"), "one source in a wind", share_of, at_most)
    _coverage(every, "single, calm, low and mox", share_of, at_most)
    for name, by in (("none", ""), ("none, mox", " by metal oxide alone")):
        empty = [o.indicated for o in rows.get(name, ())]
        share_of(f"no source, but indicated{by}", empty, 0.0, 0.0)
    sure = [o for name in ("single", "low") for o in rows.get(name, ())]
    share_of("peak of 25 ppb or more: found", [o.indicated for o in sure], 0.95, 1.0)
    for name, low in (("peak 25-35", 0.95), ("peak 15-25", 0.9)):
        share_of(f"{name} ppb: found", [o.indicated for o in rows.get(name, ())], low, 1.0)
    share_of("one source in a wind: rate within 2x", _rates(told("single")), 0.9, 1.0)
    both = [_both_near(o) for o in rows.get("two", ())]
    share_of(f"two sources: both within {NEAR_M:g} m", both, 0.6, 1.0)
    alone = [one.told > 1 for name in SINGLE for one in told(name)]
    share_of("one source: second invented", alone, 0.0, 0.05)
    at_most("metal oxide alone: error, median", [o.error_m for o in told("mox")], 0.5, 15.0)
    at_most("low: error, median", [o.error_m for o in told("low")], 0.5, 5.0)
    at_most("low: error, 90 %", [o.error_m for o in told("low")], 0.9, 12.0)
    at_most("Prairie Grass: error, median", [o.error_m for o in told("prairie grass")], 0.5, 10.0)
    share_of("Prairie Grass: rate within 2x", _rates(rows.get("prairie grass", ())), 0.9, 1.0)
    at_most("fixed methane sensors: error, median", _errors(rows.get("fixed", ())), 0.5, 15.0)
    share_of("fixed methane sensors: rate within 2x", _rates(rows.get("fixed", ())), 0.63, 1.0)
    missing = [o.indicated and not o.inside_90 for o in rows.get("friesland", ())]
    share_of("Friesland: indicated, and 90 % misses the truth", missing, 0.0, 0.0)
    halves = [o.error_m / o.largest_reading_m <= 0.5 for o in told("friesland")]
    share_of("Friesland: error at most half of the largest reading's", halves, 1.0, 1.0)
    wrong = [o.misleading for group in rows.values() for o in group]
    share_of("confidently wrong, of all flights", wrong, 0.0, 0.0)
    return lines or [[NOTHING] * 4]


def _coverage(
    told: Sequence[Judged],
    what: str,
    share_of: Callable[[str, list[bool], float, float], None],
    at_most: Callable[[str, list[float], float, float], None],
) -> None:
    share_of(f"{what}: truth in 50 %, polygon", [o.inside_50 for o in told], 0.4, 0.6)
    share_of(f"{what}: truth in 50 %, raster", [o.raster_level < 0.5 for o in told], 0.4, 0.6)
    share_of(f"{what}: truth in 90 %, polygon", [o.inside_90 for o in told], 0.85, 0.95)
    share_of(f"{what}: truth in 90 %, raster", [o.raster_level < 0.9 for o in told], 0.85, 0.95)
    at_most(f"{what}: equal-area radius of 90 %", [o.area_radius_90_m for o in told], 0.5, 16.0)
