"""Where sources are, what else could explain them, and what ground was searched, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapping.captions import place
from mapping.grid import to_geographic
from mapping.report.clocks import is_weekend, solar_hour
from mapping.report.detail import first_of, where_all
from mapping.report.graticule import dutch_grid
from mapping.report.lookalikes import gases_seen, innocent_causes
from mapping.report.words import UNKNOWN
from mapping.survey import INSUFFICIENT

if TYPE_CHECKING:
    from mapping.explanations import Explanation
    from mapping.hotspots import Hotspot
    from mapping.known import Known
    from mapping.report.case import Case
    from mapping.report.detail import Detail
    from mapping.report.lookalikes import Cause

__all__ = ["explanations", "known_emitters", "searched", "sources"]

MOST_GASES = 5
FEW_SOURCES = 4


def sources(case: Case, detail: Detail) -> dict[str, Any]:
    """Rows of the table of sources, and a line on those that are not told."""
    words, say = case.words, case.words.say
    columns = ["column_source", "column_probability", "column_wgs84"]
    columns += ["column_rd"] if case.in_netherlands else []
    columns += ["column_radius", "column_rate", "column_height"]
    threshold = words.short_probability(case.survey.indicate_above)
    below = len(case.survey.hotspots) - len(case.survey.told)
    shown, more = first_of(case.survey.told, detail.sources)
    lines = []
    if more:
        where = where_all(case, "sources.geojson")
        lines.append(say("sources_more", count=more, file=where))
    if not case.survey.told and case.survey.verdict != INSUFFICIENT:
        lines.append(say("sources_nothing", threshold=threshold))
    elif below == 1:
        lines.append(say("sources_below_one", threshold=threshold))
    elif below > 1:
        lines.append(say("sources_below", count=below, threshold=threshold))
    return {
        "title": say("section_sources"),
        "intro": say("sources_intro"),
        "columns": [say(key) for key in columns],
        "rows": [_source(case, spot) for spot in shown],
        "lines": lines,
    }


def _source(case: Case, spot: Hotspot) -> list[str]:
    words = case.words
    latitude, longitude = to_geographic(case.survey.domain.crs, [spot.east], [spot.north])
    mark = words.say("decimal_mark")
    where = place(float(latitude[0]), float(longitude[0])).replace(".", mark)
    rd_x, rd_y = dutch_grid().of(latitude, longitude)
    interval = words.say(
        "to", low=words.about(spot.rate_g_s_p05), high=words.about(spot.rate_g_s_p95)
    )
    return [
        str(spot.rank),
        words.short_probability(spot.probability),
        where,
        *(
            [f"{words.number(float(rd_x[0]), 0)}, {words.number(float(rd_y[0]), 0)}"]
            if case.in_netherlands
            else []
        ),
        f"{words.about(spot.radius_50_m)} m / {words.about(spot.radius_90_m)} m",
        f"{words.about(spot.rate_g_s)} ({interval})",
        f"{words.number(spot.height_m, 0)} m",
    ]


def explanations(case: Case, detail: Detail) -> dict[str, Any]:
    """Innocent causes in order, why each is where it is, and those the sensors cannot see."""
    words, say = case.words, case.words.say
    attrs = case.flight[case.survey.channel].attrs
    hour = solar_hour(case.start_ns, case.centre[1])
    lamp_ev = float(case.flight.attrs["pid_lamp_ev"])
    causes = innocent_causes(
        case.survey.gas,
        attrs["sensor_family"],
        is_named=attrs["reads_as"] == attrs["gas"] and _is_selective(attrs["sensor_family"]),
        lamp_ev=lamp_ev,
        hour=hour,
        is_weekend=is_weekend(case.start_ns, case.centre[1]),
    )
    seen = [cause for cause in causes if cause.weight > 0]
    unseen = [words.named("kind", cause.kind.name) for cause in causes if cause.weight == 0]
    told, less = first_of(seen, detail.causes)
    rows = []
    for rank, cause in enumerate(told, start=1):
        gases = gases_seen(cause.kind, case.survey.gas, attrs["sensor_family"], lamp_ev=lamp_ev)
        named = ", ".join(words.named("gas", one) for one in gases[:MOST_GASES])
        kind = words.named("kind", cause.kind.name)
        rows.append([str(rank), kind, named, _why(case, cause)])
    references = "; ".join(f"{row[1]}: {seen[k].kind.reference}" for k, row in enumerate(rows))
    lines = []
    if less:
        kinds = [words.named("kind", cause.kind.name) for cause in seen[len(told) :]]
        lines.append(say("explanations_less", kinds="; ".join(kinds)))
    if unseen:
        lines.append(say("explanations_unseen", kinds="; ".join(unseen)))
    matches, more = _matches(case, detail)
    if more:
        lines.append(say("explanations_known_more", count=more))
    if not matches:
        lines.append(say("known_no_match" if case.summary["settings"]["known"] else "known_none"))
    return {
        "title": say("section_explanations"),
        "intro": say("explanations_intro", hour=f"{int(hour):02d}:{int(hour % 1 * 60):02d}"),
        "columns": [
            say(key) for key in ("column_rank", "column_cause", "column_gases", "column_why")
        ],
        "rows": rows,
        "lines": lines,
        "known_intro": say("explanations_known") if matches else "",
        "known_columns": [
            say(key) for key in ("column_source", "column_emitter", "column_where", "column_why")
        ],
        "known": matches,
        "source": say("explanations_sources", references=references) if rows else "",
    }


def _matches(case: Case, detail: Detail) -> tuple[list[list[str]], int]:
    """Known emitters that may be what the sources shown are, and how many more there are."""
    spots, _ = first_of(case.survey.told, detail.sources)
    each = detail.explained_by if len(case.survey.told) <= FEW_SOURCES else 1
    shown = [one for spot in spots for one in case.survey.explanations_of(spot)[:each]]
    all_told = sum(len(case.survey.explanations_of(spot)) for spot in case.survey.told)
    return [_match(case, one) for one in shown], all_told - len(shown)


def _match(case: Case, one: Explanation) -> list[str]:
    """Row of a known emitter that may be what a source is."""
    say = case.words.say
    where = say(
        "known_inside" if one.is_inside else "known_upwind",
        distance=case.words.number(one.distance_m, 0),
        bearing=f"{one.bearing_deg:.0f}",
    )
    emits = {
        "gas looked for": say("emits_gas", gas=case.gas),
        "other gas": say("emits_other"),
        "nothing seen": say("emits_nothing"),
    }.get(one.emits, say("emits_unknown"))
    return [str(one.hotspot), _emitter_name(case, one.known), where, emits]


def _emitter_name(case: Case, known: Known) -> str:
    kind = known.emitter.kind if known.kind is None else case.words.named("kind", known.kind)
    return f"{known.emitter.name} ({kind})" if kind else known.emitter.name


def known_emitters(case: Case, detail: Detail) -> dict[str, Any] | None:
    """Emitters known beforehand, and what the flight found of each; None without any."""
    say = case.words.say
    known, more = first_of(sorted(case.survey.known, key=_likely_first), detail.known)
    if not known:
        return None
    columns = ("emitter", "where", "stated", "emitted", "found", "share")
    return {
        "title": say("section_known"),
        "intro": say("known_intro"),
        "columns": [say(f"column_{name}") for name in columns],
        "rows": [_known_row(case, one) for one in known],
        "lines": [say("known_more", count=more)] if more else [],
    }


def _likely_first(known: Known) -> tuple[bool, float, float]:
    return (not known.was_seen, -known.share, -known.probability if known.was_seen else 0.0)


def _known_row(case: Case, known: Known) -> list[str]:
    words, emitter = case.words, known.emitter
    latitude, longitude = to_geographic(case.survey.domain.crs, [emitter.east], [emitter.north])
    where = place(float(latitude[0]), float(longitude[0])).replace(".", words.say("decimal_mark"))
    stated = UNKNOWN if emitter.rate is None else words.about(1e3 * emitter.rate)
    found = [words.say("known_unseen"), UNKNOWN, UNKNOWN]
    if known.was_seen:
        low, high = words.about(known.rate_g_s_p05), words.about(known.rate_g_s_p95)
        found = [
            words.short_probability(known.probability),
            f"{words.about(known.rate_g_s)} ({words.say('to', low=low, high=high)})",
            f"{words.number(100.0 * known.share, 0)} %",
        ]
    return [_emitter_name(case, known), where, stated, *found]


def _is_selective(family: str) -> bool:
    return family in {"electrochemical", "ndir", "tdlas"}


def _why(case: Case, cause: Cause) -> str:
    say = case.words.say
    first = say("why_gas", gas=case.gas) if cause.emits_gas else say("why_seen")
    if not cause.is_open:
        return f"{first}; {say('why_weekend')}"
    return f"{first}; {say('why_time_fits') if cause.in_hours else say('why_time_not')}"


def searched(case: Case) -> dict[str, Any]:
    """Ground that was searched in words and as shares, and gases that no sensor could see."""
    words, say = case.words, case.words.say
    unseen = case.summary["could_not_have_smelt"]
    lines = [
        say("searched_unseen", gases=", ".join(words.named("gas", one) for one in unseen))
        if unseen
        else say("searched_all_seen")
    ]
    ground = case.summary["searched"]
    if ground is None:
        return {
            "title": say("section_searched"),
            "text": say("searched_none"),
            "shares": [],
            "alt": say("searched_alt"),
            "lines": lines,
        }
    parts = {
        "shown": ("searched_shown", ground["would_have_shown_ha"]),
        "perhaps": ("searched_perhaps", ground["perhaps_ha"]),
        "missed": ("searched_missed", ground["not_searched_ha"]),
    }
    whole = max(sum(area for _, area in parts.values()), 1e-9)
    return {
        "title": say("section_searched"),
        "text": say(
            "searched_text",
            domain=words.number(ground["domain_ha"], 1),
            rate=words.exact(ground["reference_rate_g_s"]),
            **{name: words.number(area, 1) for name, (_, area) in parts.items()},
        ),
        "shares": [
            {
                "kind": name,
                "share": area / whole,
                "label": f"{say(key)}: {words.number(area, 1)} ha "
                f"({words.number(100.0 * area / whole, 0)} %)",
            }
            for name, (key, area) in parts.items()
        ],
        "alt": say("searched_alt"),
        "lines": lines,
    }
