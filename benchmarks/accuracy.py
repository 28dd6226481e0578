"""How well simulated sources are found, beside two simpler methods on the same flights."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.baselines import BASELINES
from benchmarks.running import results
from benchmarks.scoring import TOO_SURE, VISIBLE_PPB, Score, judged_world
from benchmarks.tables import markdown, median, quantile, share, within_factor
from benchmarks.worlds import TURBULENCES, worlds
from sims.scenario import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

ALONE_IN_A_WIND = ("single", "weak", "strong")
FIRST_SEED = 100_000
CLOSE_M = 25.0
WORST = 10
_HEADER = (
    "flights",
    "n",
    "indicated",
    "error, median [m]",
    "error, 90 % [m]",
    "truth in 50 % region",
    "truth in 90 % region",
    "90 % radius, median [m]",
    "rate within 2x",
    "rate ratio, median",
    "confidently wrong",
    "CPU s a flight",
)


def scores(each: int) -> list[Score]:
    """Judge `each` flights of every kind and turbulence."""
    return results(
        "accuracy",
        partial(judged_world, baselines=BASELINES),
        worlds(each, first_seed=FIRST_SEED),
        told=line_of,
    )


def line_of(score: Score) -> str:
    """A flight in one line."""
    return (
        f"{score.name}: p {score.p_any:.3f}, told {score.told} of {score.sources}, "
        f"error {score.error_m:.0f} m, 90 % radius {score.radius_90_m:.0f} m, "
        f"peak {score.peak_ppb:.0f} ppb, wind {score.wind_m_s:.1f} m/s, "
        f"rate x {score.rate_ratio:.2f}{', CONFIDENTLY WRONG' if score.misleading else ''}"
    )


def section(found: Sequence[Score]) -> str:
    """The accuracy chapter of the report."""
    visible = [one for one in found if one.visible and one.indicated]
    seen = [one for one in found if one.visible]
    faint = [one for one in found if one.sources and not one.visible]
    none = [one for one in found if not one.sources]
    return "\n\n".join(
        [
            "## Simulated flights with a known source",
            f"{len(found)} flights through the whole pipeline (CSV in, hotspots out), of the kinds "
            f"{', '.join(KINDS)}, in turbulence that moves every filament by itself (ou) or "
            "together in eddies (fourier). Error is the distance from the most probable hotspot to "
            "the nearest true source; columns right of *indicated* are over indicated flights. "
            f"*Confidently wrong*: indicated, and the truth lies more than {TOO_SURE:g} times the "
            "90 % radius away, or there is no source.",
            f"### A plume the drone could see (peak at the inlet of {VISIBLE_PPB:g} ppb or more)",
            _rows_by_kind(seen),
            f"Reading: of {len(seen)} flights that met a plume, "
            f"{share([o.indicated for o in seen])} are indicated; half of those are off by "
            f"{median(o.error_m for o in visible)} m or less, and the 90 % region holds the truth "
            f"in {share([o.inside_90 for o in visible])}.",
            f"### A plume that (almost) missed the drone (below {VISIBLE_PPB:g} ppb)",
            _rows_by_kind(faint),
            "Reading: what the drone never met cannot be placed; what counts is that "
            f"{sum(o.misleading for o in faint)} of {len(faint)} such flights are confidently "
            f"wrong, and {sum(o.indicated for o in none)} of {len(none)} flights without any "
            "source are indicated.",
            "### Two sources",
            _doubles([one for one in found if one.sources == 2]),
            "### Beside simpler methods",
            _methods(seen),
            "Reading: all visible flights, indicated or not. The plume fit is one Gaussian plume "
            "(Briggs) in the mean wind by least squares; neither it nor the largest reading says "
            "how sure it is, or that there is nothing.",
            "### Worst flights",
            _worst(found),
        ]
    )


def _rows_by_kind(flights: Sequence[Score]) -> str:
    rows = []
    for kind in KINDS:
        for turbulence in TURBULENCES:
            group = [
                one
                for one in flights
                if one.world and (one.world.kind, one.world.turbulence) == (kind, turbulence)
            ]
            if group:
                rows.append(_row(f"{kind}, {turbulence}", group))
    alone = [one for one in flights if one.world and one.world.kind in ALONE_IN_A_WIND]
    if alone:
        rows.append(_row("**one source, in a wind**", alone))
    return markdown(_HEADER, [*rows, _row("**all**", flights)])


def _row(name: str, group: Sequence[Score]) -> list[str]:
    told = [one for one in group if one.indicated]
    return [
        name,
        str(len(group)),
        share([one.indicated for one in group]),
        median(one.error_m for one in told),
        quantile((one.error_m for one in told), 0.9),
        share([one.inside_50 for one in told]),
        share([one.inside_90 for one in told]),
        median(one.radius_90_m for one in told),
        within_factor(one.rate_ratio for one in told),
        median((one.rate_ratio for one in told), "{:.2f}"),
        str(sum(one.misleading for one in group)),
        median((one.cpu_s for one in group), "{:.1f}"),
    ]


def _doubles(group: Sequence[Score]) -> str:
    both = [one for one in group if one.told >= 2]
    header = (
        "flights",
        "n",
        "none told",
        "one told",
        "two told",
        "more told",
        f"both within {CLOSE_M:g} m",
        "nearer pair, median [m]",
        "farther pair, median [m]",
    )
    row = [
        "double",
        str(len(group)),
        str(sum(one.told == 0 for one in group)),
        str(sum(one.told == 1 for one in group)),
        str(sum(one.told == 2 for one in group)),
        str(sum(one.told > 2 for one in group)),
        share([max(one.matched_m) <= CLOSE_M for one in both]),
        median(min(one.matched_m) for one in both),
        median(max(one.matched_m) for one in both),
    ]
    reading = (
        "Reading: a second source is told only when it is as probable as a first one must be; the "
        "last three columns are of flights with two or more told, each truth with one hotspot."
    )
    return f"{markdown(header, [row])}\n\n{reading}"


def _methods(group: Sequence[Score]) -> str:
    header = ("method", "n", "error, median [m]", "error, 90 % [m]", "rate within 2x", "CPU s")
    errors = [one.error_m for one in group]
    rows = [
        [
            "**sniffdrone**",
            str(len(group)),
            median(errors),
            quantile(errors, 0.9),
            within_factor(one.rate_ratio for one in group),
            median((one.cpu_s for one in group), "{:.2f}"),
        ]
    ]
    for name in BASELINES:
        guesses = [one.baselines[name] for one in group]
        rows.append(
            [
                name,
                str(len(guesses)),
                median(error for error, _, _ in guesses),
                quantile((error for error, _, _ in guesses), 0.9),
                within_factor(ratio for _, ratio, _ in guesses),
                median((cpu_s for _, _, cpu_s in guesses), "{:.2f}"),
            ]
        )
    return markdown(header, rows)


def _worst(found: Sequence[Score]) -> str:
    told = sorted(
        (one for one in found if one.indicated),
        key=lambda one: (one.misleading, one.error_m / max(one.radius_90_m, 1.0)),
        reverse=True,
    )
    header = (
        "kind turbulence seed",
        "error [m]",
        "90 % radius [m]",
        "p",
        "peak [ppb]",
        "wind [m/s]",
    )
    rows = [
        [
            one.name,
            f"{one.error_m:.0f}",
            f"{one.radius_90_m:.0f}",
            f"{one.p_any:.3f}",
            f"{one.peak_ppb:.0f}",
            f"{one.wind_m_s:.1f}",
        ]
        for one in told[:WORST]
    ]
    return (
        f"{markdown(header, rows)}\n\nReading: the indicated flights whose truth lies farthest "
        "off, measured in their own 90 % radius."
    )
