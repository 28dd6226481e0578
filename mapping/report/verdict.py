"""The first page in words: the verdict, what it does not say, three figures, and who flew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapping.report.clocks import clock, dutch_offset_s
from mapping.report.remarks import in_language
from mapping.survey import INDICATED, INSUFFICIENT

if TYPE_CHECKING:
    from mapping.report.case import Case

__all__ = ["facts", "verdict"]

_DAY_NS = 86_400_000_000_000
_KINDS = {INDICATED: "indicated", INSUFFICIENT: "insufficient"}


def verdict(case: Case) -> dict[str, Any]:
    """Kind, headline, sentence, caution and three figures of a verdict.

    Parameters
    ----------
    case : Case

    Returns
    -------
    dict
        ``figures`` are pairs of a value and what it is.
    """
    kind = _KINDS.get(case.survey.verdict, "nothing")
    said = {"indicated": _indicated, "insufficient": _insufficient, "nothing": _nothing}[kind](case)
    return {"kind": kind, **said}


def facts(case: Case) -> list[tuple[str, str]]:
    """When it was flown, by whom, on whose authority, and how long it may be kept."""
    say = case.words.say
    start, end = case.start_ns, case.end_ns
    flown = f"{case.words.date(start)}, {clock(start)}\N{EN DASH}{clock(end)} UTC"
    if case.in_netherlands:
        local = [clock(one + dutch_offset_s(one) * 1_000_000_000) for one in (start, end)]
        flown += f" ({say('dutch_clock', start=local[0], end=local[1])})"
    if case.mission is None:
        return [(say("fact_flown"), flown), (say("fact_mission"), say("no_mission"))]
    mission = case.mission.mission
    kept = say(
        "retention_value",
        date=case.words.date(end + mission.retention_days * _DAY_NS),
        days=mission.retention_days,
    )
    missing = say("not_given")
    return [
        (say("fact_flown"), flown),
        (say("fact_recording"), str(case.summary["flight"]["name"])),
        (say("fact_operator"), mission.operator or missing),
        (say("fact_authority"), mission.authority or missing),
        (say("fact_legal_basis"), mission.legal_basis or missing),
        (say("fact_retention"), kept),
    ]


def _indicated(case: Case) -> dict[str, Any]:
    say, told, share = case.words.say, case.survey.told, case.survey.p_any_source
    first = told[0]
    headline = (
        say("headline_indicated_one")
        if len(told) == 1
        else say("headline_indicated_many", count=len(told))
    )
    return {
        "headline": headline,
        "sentence": _sentence(case, "sentence_indicated"),
        "caution": say("caution_indicated"),
        "figures": [
            (case.words.short_probability(share), say("figure_probability")),
            (f"{case.words.about(first.radius_90_m)} m", say("figure_radius", rank=first.rank)),
            (f"{case.words.about(first.rate_g_s)} g/s", say("figure_rate", rank=first.rank)),
        ],
    }


def _nothing(case: Case) -> dict[str, Any]:
    say, searched = case.words.say, case.summary["searched"]
    rate = case.words.exact(case.survey.reference_rate_g_s)
    return {
        "headline": say("headline_nothing"),
        "sentence": _sentence(case, "sentence_nothing"),
        "caution": say("caution_nothing", rate=rate),
        "figures": [
            (case.words.short_probability(case.survey.p_any_source), say("figure_probability")),
            (
                f"{case.words.number(searched['would_have_shown_ha'], 1)} ha",
                say("figure_searched", rate=rate),
            ),
            (
                f"{case.words.number(searched['not_searched_ha'], 1)} ha",
                say("figure_missed"),
            ),
        ],
    }


def _insufficient(case: Case) -> dict[str, Any]:
    say, flight = case.words.say, case.summary["flight"]
    reason = case.summary["reason"]
    sentence = say("sentence_insufficient")
    if reason:
        told, in_english = in_language([str(reason).rstrip(".")], case.language)
        key = "reason_english" if in_english else "reason"
        sentence += " " + say(key, reason=(told or in_english)[0])
    return {
        "headline": say("headline_insufficient"),
        "sentence": sentence,
        "caution": say("caution_insufficient"),
        "figures": [
            (case.words.number(flight["readings"], 0), say("figure_readings")),
            (case.words.number(flight["duration_s"] / 60.0, 1), say("figure_duration")),
        ],
    }


def _sentence(case: Case, key: str) -> str:
    share = case.survey.p_any_source
    return case.words.say(
        key,
        gas=case.gas,
        p=case.words.probability(share),
        words=case.words.likelihood(share),
    )
