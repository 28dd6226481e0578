"""Remarks of the program in the language of a report: its code makes them in English."""

from __future__ import annotations

import functools
import re
import string
import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from mapping.report.words import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Template", "in_language", "templates", "translated"]

_NUMBER = r"(?:[<>] )?[-+]?(?:\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?|nan|inf)"
# What may stand in a hole of an English template, by what it is called there
_HOLES = {
    "": r".+?",  # kept as it is
    "n": _NUMBER,
    "gas": r"[a-z][a-z ]*?",
    "reading": rf"{_NUMBER} \S+(?: m)?|missing",  # from `sensors.units.readable`
    "quoted": r"'.*?'|\".*?\"",  # Python's way of quoting a cell of a table
    "called": r'(?: ".*?")?',  # the name of a feature, if it has one
    "name": r".+?",  # one of the parts, else kept as it is
    "part": r".+?",  # one of the parts
    "clauses": r"(?:; .+)?",  # parts, each behind a semicolon
    "settings": r".+",  # parts between commas
}


class Template(NamedTuple):
    """A remark with holes, in English and in another language."""

    english: str
    other: str
    pattern: re.Pattern[str]
    kinds: dict[str, str]


@functools.cache
def templates(language: str, table: str = "remark") -> tuple[Template, ...]:
    """Templates of a language's file.

    Parameters
    ----------
    language : str
        Not English, which needs none.
    table : {"remark", "part"}
        Whole remarks, or what stands in them.

    Returns
    -------
    tuple of Template
    """
    text = files("mapping.report") / "texts" / f"remarks_{language}.toml"
    told = tomllib.loads(text.read_text(encoding="utf-8"))
    return tuple(_template(one["en"], one[language]) for one in told[table])


def _template(english: str, other: str) -> Template:
    pattern, kinds = "", {}
    for literal, name, kind, _ in string.Formatter().parse(english):
        pattern += re.escape(literal)
        if name is not None:
            kinds[name] = kind or ""
            pattern += f"(?P<{name}>{_HOLES[kinds[name]]})"
    return Template(english, other, re.compile(pattern), kinds)


def in_language(remarks: Iterable[str], language: str) -> tuple[list[str], list[str]]:
    """Remarks in a language, and those that are known in English only.

    Parameters
    ----------
    remarks : iterable of str
        As ``summary.json`` holds them.
    language : str

    Returns
    -------
    told, in_english : list of str
        None is lost; in an English report the second is empty.
    """
    if language == "en":
        return list(remarks), []
    told, in_english = [], []
    for remark in remarks:
        other = translated(remark, language)
        if other is None:
            in_english.append(remark)
        else:
            told.append(other)
    return told, in_english


def translated(remark: str, language: str, *, table: str = "remark") -> str | None:
    """A remark, or a part of one, in another language; None if no template fits.

    Examples
    --------
    >>> translated("wind: 3 of 1200 readings have none (autopilot)", "nl")
    'wind: 3 van de 1200 metingen hebben er geen (schatting van de stuurautomaat)'
    >>> translated("the drone sings", "nl") is None
    True
    """
    for template in templates(language, table):
        found = template.pattern.fullmatch(remark)
        if found is None:
            continue
        raw = found.groupdict()
        values = {name: _value(raw[name], kind, language) for name, kind in template.kinds.items()}
        if None not in values.values():
            return "".join(_filled(template.other, raw, values))
    return None


def _filled(text: str, raw: dict[str, str], values: dict[str, str | None]) -> Iterable[str]:
    """Pieces of a template with its holes filled, and one of two words chosen by a count."""
    for literal, name, choice, _ in string.Formatter().parse(text):
        yield literal
        if name is not None:
            one, bar, many = (choice or "").partition("|")
            yield (one if raw[name] == "1" else many) if bar else str(values[name])


def _value(text: str, kind: str, language: str) -> str | None:
    """What stood in a hole, in another language; None if it has parts that nobody knows."""
    if kind in {"n", "reading"}:
        return _number(text, language)
    if kind == "gas":
        return words_of(language).named("gas", text)
    if kind in {"part", "name"}:
        known = translated(text, language, table="part")
        return text if known is None and kind == "name" else known
    if kind in {"clauses", "settings"}:
        between = "; " if kind == "clauses" else ", "
        parts = [
            one and translated(one, language, table="part") for one in text.split(between)
        ]  # the first is empty where the clauses follow something
        return None if None in parts else between.join(str(one) for one in parts)
    return text


def _number(text: str, language: str) -> str | None:
    r"""A number as the language writes it, with what stands before and behind it.

    Examples
    --------
    >>> _number("-1,250.5 degC", "nl"), _number("> 0.99", "nl"), _number("1.9 ppm", "nl")
    ('−1\xa0250,5 °C', '> 0,99', '1,9 ppm')
    """
    mark = str(words_of(language).table["words"]["decimal_mark"])
    plain = re.sub(r"(?<=\d),(?=\d{3})", "\N{NO-BREAK SPACE}", text)
    plain = re.sub(r"(?<=\d)\.(?=\d)", mark, plain)
    return re.sub(r"^((?:[<>] )?)-", "\\1\N{MINUS SIGN}", plain).replace("degC", "°C")
