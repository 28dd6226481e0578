"""Both languages say the same, no text is kept in vain, and nobody is accused."""

import re
import string
import tomllib
from pathlib import Path

import pytest

import mapping.report
from mapping.report.clocks import dutch_offset_s
from mapping.report.lookalikes import innocent_causes, lookalikes
from mapping.report.words import LANGUAGES, words_of
from sensors.errors import ConfigError
from sensors.flight_contract import WIND_SOURCES
from sensors.gases import FAMILIES, GASES

FOLDER = Path(mapping.report.__path__[0])
TABLES = {
    language: tomllib.loads((FOLDER / "texts" / f"{language}.toml").read_text(encoding="utf-8"))
    for language in LANGUAGES
}
CODE = "\n".join(path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.py")))
BUILT = {"column_": "column_{", "limit_": "limit_{"}  # keys whose ends are listed elsewhere


def is_quoted(key):
    return re.search(f"[\"']{key}[\"']", CODE) is not None


def slots(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys_with_the_same_slots():
    english, dutch = TABLES["en"], TABLES["nl"]
    assert {name: set(table) for name, table in english.items()} == {
        name: set(table) for name, table in dutch.items()
    }
    for key, text in english["words"].items():
        assert slots(text) == slots(dutch["words"][key]), key


@pytest.mark.parametrize("key", sorted(TABLES["en"]["words"]))
def test_no_text_is_kept_in_vain(key):
    start = next((start for start in BUILT if key.startswith(start)), None)
    end = key.removeprefix(start or "")
    assert is_quoted(key) or (start and BUILT[start] in CODE and is_quoted(end))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_has_a_word(language):
    table = TABLES[language]
    assert set(table["gas"]) == set(GASES)
    assert set(table["family"]) == set(FAMILIES)
    assert set(table["wind_source"]) == set(WIND_SOURCES)
    assert set(table["kind"]) == {kind.name for kind in lookalikes()}
    assert set(table["months"]) == {str(month) for month in range(1, 13)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_accused(language):
    said = " ".join(TABLES[language]["words"].values()).lower()
    for word in ("drug", "lab ", "laborator", "suspect", "verdachte", "dader", "proof", "bewezen"):
        assert word not in said
    assert re.search(r"indication; confirm by sampling|aanwijzing; te bevestigen door", said)


def test_an_unknown_language_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match=r"--language fr: .* en, nl"):
        words_of("fr")


@pytest.mark.parametrize(
    ("share", "english"),
    [
        (1.0, "virtually certain, if the model holds"),
        (0.96, "extremely likely, if the model holds"),
        (0.5, "about as likely as not"),
        (0.05, "very unlikely"),
        (0.0, "exceptionally unlikely, if the model holds"),
    ],
)
def test_probabilities_have_words(share, english):
    assert words_of("en").likelihood(share) == english


def test_no_probability_is_written_as_certain():
    for language in LANGUAGES:
        words = words_of(language)
        for share in (0.0, 1e-9, 0.997, 1.0):
            for text in (words.probability(share), words.short_probability(share)):
                assert not re.search(r"(?<!\d)(0|100) %", text), text


def test_the_dutch_clock_changes_with_the_seasons():
    summer, winter = 1_783_000_000_000_000_000, 1_768_000_000_000_000_000
    assert (dutch_offset_s(summer), dutch_offset_s(winter)) == (7200, 3600)


def ranked(gas, family="pid", *, hour=11.0, weekend=False, is_named=False):
    causes = innocent_causes(
        gas, family, is_named=is_named, lamp_ev=10.6, hour=hour, is_weekend=weekend
    )
    return [cause.kind.name for cause in causes if cause.weight > 0]


def test_causes_that_emit_the_gas_come_first():
    assert ranked("ammonia", "electrochemical", is_named=True)[0] == "farm"
    assert ranked("nitrogen dioxide", "electrochemical", is_named=True) == ["traffic"]
    assert ranked("acetone").index("paint_shop") < ranked("acetone").index("filling_station")


def test_hours_and_weekends_move_causes_down():
    by_day, by_night = ranked("toluene"), ranked("toluene", hour=2.0)
    assert by_day.index("paint_shop") < by_night.index("paint_shop")
    assert by_day.index("printing") < ranked("toluene", weekend=True).index("printing")


def test_what_a_sensor_cannot_see_explains_nothing():
    assert "filling_station" not in ranked("ammonia", "electrochemical", is_named=True)


def test_every_gas_and_hour_of_the_table_of_causes_is_one():
    for kind in lookalikes():
        assert set(kind.gases) <= set(GASES)
        assert 0 <= kind.hours[0] < kind.hours[1] <= 24
        assert 0 < kind.common <= 1
