"""Content of the report as plain data, which is all that its template is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapping.report import findings, record
from mapping.report.detail import DETAILS
from mapping.report.fonts import FAMILIES, printable
from mapping.report.graticule import dutch_grid
from mapping.report.map_figure import map_svg, readings_sheet, searched_sheet
from mapping.report.timeline_figure import timeline_of, timeline_svg
from mapping.report.verdict import facts, verdict
from mapping.survey import INSUFFICIENT

if TYPE_CHECKING:
    from mapping.report.case import Case
    from mapping.report.detail import Detail

__all__ = ["report_content", "report_figures"]


def report_content(case: Case, detail: Detail = DETAILS[0]) -> dict[str, Any]:
    """Everything the report says, in its language, ready for JSON.

    Parameters
    ----------
    case : Case
    detail : Detail
        How much of long lists is shown.

    Returns
    -------
    dict
        Only letters that the typeface has; no markup: what looks like markup is text.
    """
    say = case.words.say
    name = case.mission.mission.name if case.mission else str(case.summary["flight"]["name"])
    name = name or say("unnamed_flight")
    content = {
        "language": case.language,
        "is_dense": detail.is_dense,
        "typeface": list(FAMILIES),
        "title": say("document_title", name=name),
        "kicker": say("kicker"),
        "name": name,
        "author": say("author", version=case.survey.version),
        "page_of": case.words.table["words"]["page_of"],
        "footer": say("footer"),
        "verdict": verdict(case),
        "facts": facts(case),
        "map": _map_words(case),
        "sources": findings.sources(case, detail),
        "explanations": findings.explanations(case, detail) if case.survey.told else None,
        "known": findings.known_emitters(case, detail),
        "searched": findings.searched(case),
        "searched_map": _searched_map_words(case),
        "readings": record.readings(case),
        "instruments": record.instruments(case),
        "weather": record.weather(case),
        "method": record.method(case),
        "trace": record.trace(case, detail),
    }
    return {key: _printable(value) for key, value in content.items()}


def report_figures(case: Case) -> dict[str, str]:
    """Figures of the report as SVG, by name; those that would show nothing are left out.

    Raises
    ------
    ConfigError
        The base map cannot be used.
    """
    survey, words = case.survey, case.words
    show_readings = bool(survey.told) or survey.verdict == INSUFFICIENT
    sheets = {"map": readings_sheet() if show_readings else searched_sheet()}
    if survey.told:
        sheets["searched"] = searched_sheet()
    figures = {
        name: map_svg(survey, sheet, words, dutch=case.in_netherlands, base_map=case.base_map)
        for name, sheet in sheets.items()
    }
    units = [
        record.people_unit(case.flight[name].attrs["units"])
        for name in (survey.channel, f"{survey.channel}_corrected")
    ]
    if case.flight.sizes["obs"] > 1:
        timeline = timeline_of(case.flight, survey.channel, raw_unit=units[0], unit=units[1])
        figures["readings"] = timeline_svg(timeline, words)
    return figures


def _map_words(case: Case) -> dict[str, str]:
    say = case.words.say
    if case.survey.told:
        caption, alt = say("map_caption_readings"), say("map_alt_readings")
    elif case.survey.verdict == INSUFFICIENT:
        caption, alt = say("map_caption_track"), say("map_alt_readings")
    else:
        caption, alt = _searched_caption(case), say("map_alt_searched")
    return {"caption": f"{caption} {_coordinates(case)}", "alt": alt}


def _searched_map_words(case: Case) -> dict[str, str]:
    return {"caption": _searched_caption(case), "alt": case.words.say("map_alt_searched")}


def _searched_caption(case: Case) -> str:
    rate = case.words.exact(case.survey.reference_rate_g_s)
    return case.words.say("map_caption_searched", rate=rate)


def _coordinates(case: Case) -> str:
    say = case.words.say
    accuracy = case.words.exact(dutch_grid().accuracy_m)
    told = say("map_grid_rd", accuracy=accuracy) if case.in_netherlands else say("map_grid_wgs84")
    if case.base_map is not None:
        told += " " + say("map_background", file=case.base_map.name)
    return told


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _printable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(item) for item in value]
    return value
