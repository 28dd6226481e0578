"""How each layer of a survey is drawn, in the colours of its picture and its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_hex

from mapping.layers import AIR, KNOWN, SEARCHED, SOURCE
from mapping.styles.symbols import Fill, Label, LayerStyle, Line, Marker, Rule, Where
from mapping.track_lines import READING

if TYPE_CHECKING:
    from mapping.survey import Survey, Track

__all__ = ["NO_READING", "TRACK", "UNSEARCHED", "reading_steps", "survey_styles"]

TRACK = "#8c8579"
NO_READING = "#b9b2a6"
UNSEARCHED = "#6b6b6b"
STEPS = 5


def survey_styles(survey: Survey) -> dict[str, LayerStyle]:
    """Style of each of `mapping.vector_layers.vector_layers`, by name.

    Parameters
    ----------
    survey : Survey

    Returns
    -------
    dict of str to LayerStyle
    """
    rate = f"{survey.reference_rate_g_s:g} g/s"
    return {
        "searched_area": LayerStyle(
            rules=(
                _ground("searched", f"searched: would have shown {rate}", SEARCHED[0.9], 0.6),
                _ground("perhaps", f"perhaps: may have missed {rate}", SEARCHED[0.2], 0.75),
                Rule(
                    label="not searched",
                    where=Where(column="ground", equals="not searched"),
                    symbols=(Fill(colour=UNSEARCHED, opacity=0.45, is_hatched=True),),
                ),
            )
        ),
        "credible_regions": LayerStyle(
            rules=(_region(0.9, 0.10, is_dashed=True), _region(0.5, 0.22, is_dashed=False))
        ),
        "track": LayerStyle(
            rules=(Rule(label="track", symbols=(Line(colour=TRACK, width_mm=0.25),)),),
        ),
        "readings": LayerStyle(rules=_reading_rules(survey.track), time_column="time"),
        "wind": LayerStyle(
            rules=(
                Rule(
                    label="wind, the way it blew",
                    symbols=(
                        Marker(
                            shape="arrow", colour=AIR, size_mm=4.5, turned_by="grid_towards_deg"
                        ),
                    ),
                ),
            ),
            time_column="time",
        ),
        "known_emitters": LayerStyle(
            rules=(
                Rule(
                    label="known emitter",
                    symbols=(
                        Marker(shape="square", colour=KNOWN, size_mm=3.4, outline="#ffffff",
                               outline_mm=0.5),
                    ),
                ),
            ),
            label=Label(column="name", expression='"name"', colour="#7a5200"),
        ),
        "sources": LayerStyle(
            rules=(
                Rule(
                    label="source (indication, confirm by sampling)",
                    symbols=(
                        Marker(shape="cross", colour="#ffffff", size_mm=6.6, outline_mm=2.0),
                        Marker(shape="cross", colour=SOURCE, size_mm=6.0, outline_mm=1.1),
                    ),
                ),
            ),
            label=Label(
                column="rank",
                expression=(
                    "'source ' || \"rank\" || ': p ' || if(\"probability\" > 0.995, '> 0.99', "
                    "format_number(\"probability\", 2))"
                ),
                colour=SOURCE,
            ),
        ),
    }  # fmt: skip


def reading_steps(track: Track) -> list[tuple[float | None, float | None, str]]:
    """Classes of readings: lower bound, upper bound and colour, the lowest first.

    Parameters
    ----------
    track : Track

    Returns
    -------
    list of (float or None, float or None, str)
        Between two and `STEPS` of them, on a square-root scale from twice the noise, which is
        judged by readings below zero, to the highest readings but a few; bounds of two digits.
        One class where there is nothing to tell apart.
    """
    known = track.reading[np.isfinite(track.reading)]
    if not known.size:
        return []
    below = known[known < 0]
    noise = float(np.sqrt(np.mean(below**2))) if below.size else 0.0
    low = 2.0 * noise
    top = max(float(np.quantile(known, 0.998)), 6.0 * low)
    shares = np.arange(1, STEPS) / STEPS
    bounds = sorted({float(f"{low + share**2 * (top - low):.2g}") for share in shares})
    if top <= 0.0:
        bounds = []
    ends = [None, *bounds, None]
    colours = [to_hex(READING(share)) for share in np.linspace(0.0, 0.9, len(bounds) + 1)]
    return list(zip(ends[:-1], ends[1:], colours, strict=True))


def _reading_rules(track: Track) -> tuple[Rule, ...]:
    unit = "" if track.unit == "1" else f" {track.unit}"
    nothing = Rule(
        label="no reading",
        where=Where(column="reading", is_missing=True),
        symbols=(Marker(shape="circle", colour="#ffffff", size_mm=1.0, outline=NO_READING),),
    )
    rules = [nothing]
    for number, (low, high, colour) in enumerate(reading_steps(track)):
        if low is None:
            label = "readings" if high is None else f"below {high:g}{unit}"
            where = Where(column="reading", at_least=-1e300, below=high)
        else:
            label = f"{low:g} to {high:g}{unit}" if high is not None else f"{low:g}{unit} and more"
            where = Where(column="reading", at_least=low, below=high)
        marker = Marker(
            shape="circle",
            colour=colour,
            size_mm=1.3 + 0.35 * number,
            outline=colour,
            outline_mm=0.1,
        )
        rules.append(Rule(label=label, where=where, symbols=(marker,)))
    return tuple(rules)


def _ground(name: str, label: str, colour: str, opacity: float) -> Rule:
    return Rule(
        label=label,
        where=Where(column="ground", equals=name),
        symbols=(Fill(colour=colour, opacity=opacity),),
    )


def _region(level: float, opacity: float, *, is_dashed: bool) -> Rule:
    return Rule(
        label=f"{level:.0%} region".replace("%", " %"),
        where=Where(column="level", equals=level),
        symbols=(
            Fill(colour=SOURCE, opacity=0.0, outline="#ffffff", outline_mm=1.1),
            Fill(
                colour=SOURCE,
                opacity=opacity,
                outline=SOURCE,
                outline_mm=0.6,
                is_dashed=is_dashed,
            ),
        ),
    )
