"""The report is an archivable, accessible PDF that says what was found, whoever named things."""

import io
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from pypdf import PdfReader

from mapping.captions import place
from mapping.grid import to_geographic
from mapping.report.content import report_content, report_figures
from mapping.report.detail import DETAILS
from mapping.report.pdf import TEMPLATE, report_pages, report_pdf, write_report
from mapping.report.words import LANGUAGES
from tests.mapping.report_cases import (
    GLITCHES,
    ODD_NAME,
    case_of,
    with_known,
    with_sources,
    without_data,
)


@pytest.fixture
def posterior(posterior_of, around):
    places = around((0.0, 0.0), 6.0)[:, None]
    places[:40] = np.nan
    posterior = posterior_of(places)
    return posterior.assign_attrs(
        estimator="grid", prior="any_source = 0.5, rate = 1", explained=0.9
    )


@pytest.fixture
def one(survey_of, posterior):
    return survey_of(posterior)


@pytest.fixture
def none(survey_of, posterior_of, around):
    places = around((0.0, 0.0), 90.0)[:, None]
    places[100:] = np.nan
    return survey_of(posterior_of(places))


_WRITTEN = {}


def read(case):
    """The report, written once for all tests that look at the same content."""
    key = json.dumps(report_content(case), sort_keys=True)
    if key not in _WRITTEN:
        _WRITTEN[key] = report_pdf(case)
    return PdfReader(io.BytesIO(_WRITTEN[key]))


def text_of(reader):
    whole = " ".join(page.extract_text() for page in reader.pages)
    return re.sub(r"\s+", " ", whole)


def test_it_declares_pdf_a_and_pdf_ua_and_keeps_what_they_ask(one, posterior):
    reader = read(case_of(one, posterior, language="nl"))
    metadata = reader.trailer["/Root"]["/Metadata"].get_data().decode()
    assert re.search(r"<pdfaid:part>2</pdfaid:part>", metadata)
    assert re.search(r"<pdfaid:conformance>A</pdfaid:conformance>", metadata)
    assert re.search(r"<pdfuaid:part>1</pdfuaid:part>", metadata)
    root = reader.trailer["/Root"]
    (intent,) = root["/OutputIntents"]
    assert intent.get_object()["/S"] == "/GTS_PDFA1"
    assert "/DestOutputProfile" in intent.get_object()
    assert not reader.is_encrypted
    assert root["/MarkInfo"]["/Marked"]
    assert str(root["/Lang"]).startswith("nl")
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert ODD_NAME in reader.metadata.title
    assert not {"/JavaScript", "/EmbeddedFiles"} & set(root.get("/Names", {}))
    assert "/AA" not in root
    assert "/OpenAction" not in root


def test_all_letters_are_embedded_and_known(one, posterior):
    reader = read(case_of(one, posterior))
    fonts = [
        font.get_object()
        for page in reader.pages
        for font in page["/Resources"].get("/Font", {}).values()
    ]
    assert fonts
    for font in fonts:
        (descendant,) = font["/DescendantFonts"]
        descriptor = descendant.get_object()["/FontDescriptor"]
        assert {"/FontFile2", "/FontFile3"} & set(descriptor), font["/BaseFont"]
        assert "/ToUnicode" in font


def test_every_picture_says_what_it_shows(one, posterior):
    content = report_content(case_of(one, posterior))
    for part in ("map", "searched_map", "readings", "searched"):
        assert content[part]["alt"]


def test_the_date_is_the_flights_not_the_clocks(one, posterior):
    reader = read(case_of(one, posterior))
    assert reader.metadata.creation_date.isoformat().startswith("2026-05-12T09:14:59")


def test_the_same_case_gives_the_same_bytes_with_one_thread_or_two(one, posterior, tmp_path):
    case = case_of(one, posterior)
    assert write_report(case, tmp_path / "a.pdf").read_bytes() == report_pdf(case)
    inputs = {
        "content": json.dumps(report_content(case)),
        "figures": json.dumps(report_figures(case)),
    }
    (tmp_path / "inputs.json").write_text(json.dumps(inputs))
    script = (
        "import json, sys, typst, pathlib, hashlib\n"
        "inputs = json.loads(pathlib.Path(sys.argv[1]).read_text())\n"
        "pdf = typst.compile(sys.argv[2], format='pdf', sys_inputs=inputs, timestamp=1,"
        " font_paths=sys.argv[3:], ignore_system_fonts=True, pdf_standards=['a-2a', 'ua-1'])\n"
        "print(hashlib.sha256(pdf).hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "inputs.json"), TEMPLATE],
            env=os.environ | {"RAYON_NUM_THREADS": threads},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(digests) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_are_shown_as_they_were_written(one, posterior, language):
    text = text_of(read(case_of(one, posterior, language=language)))
    for name in (ODD_NAME, "J. de Boer; #image(1)", "Officier van justitie <script>"):
        assert re.sub(r"\s", "", name) in re.sub(r"\s", "", text)


def test_letters_that_no_font_has_are_written_as_numbers(one, posterior):
    notes = ["emitter 大 \U0001f4a8", "turned \u202egpj.exe", "bell \x07"]
    text = text_of(read(case_of(one, posterior, summary={"notes": notes})))
    for shown in ("⟨U+5927⟩", "⟨U+1F4A8⟩", "⟨U+202E⟩gpj.exe", "⟨U+0007⟩"):
        assert shown in text


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "A source is indicated|more than 98 %|98 %|Indication; confirm by sampling"),
        (
            "nl",
            "Er is een aanwijzing voor een bron|98 %|Aanwijzing; te bevestigen door bemonstering",
        ),
    ],
)
def test_a_source_is_told_with_place_rate_and_caution(one, posterior, language, said):
    text = text_of(read(case_of(one, posterior, language=language)))
    for words in said.split("|")[-2:] + said.split("|")[:1]:
        assert words in text
    assert re.search(r"52[.,]371", text)  # WGS 84
    assert re.search(r"12\d 9\d\d, 48\d \d\d\d|1\d\d \d\d\d, 48\d \d\d\d", text)  # RD
    assert "5e" * 32 in text
    assert "art. 3 Politiewet 2012" in text
    assert re.search("10 August 2026|10 augustus 2026", text)  # 90 days after 12 May


def test_nothing_indicated_says_what_was_searched_and_to_which_rate(none):
    text = text_of(read(case_of(none, mission=False)))
    assert "Nothing is indicated" in text
    assert "9.5 ha would have shown a source of 1 g/s" in text
    assert "10.0 ha were not searched" in text
    assert "Nothing indicated is not the same as nothing there" in text
    assert "methanol, hydrogen chloride" in text
    assert "What else could explain it" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_too_little_data_says_why_and_claims_nothing(one, language):
    summary = {"searched": None, "reason": "12 readings with a position"}
    text = text_of(read(case_of(without_data(one), summary=summary, language=language)))
    assert "12 readings with a position" in text
    assert not re.search(r"\d ?%[^)]*(probab|kans)", text.split("Instrument")[0])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("emitters", [0, 20])
@pytest.mark.parametrize("sources", [0, 1, 5, 20])
def test_it_has_two_to_four_pages_however_many_sources(
    one, none, posterior, sources, emitters, language
):
    survey = with_known(with_sources(one, sources) if sources else none, emitters)
    reader = read(case_of(survey, posterior, language=language))
    assert 2 <= len(reader.pages) <= 4
    text = text_of(reader)
    shown = {
        spot.rank for spot in survey.told if f"{survey_place(survey, spot, language)} " in text
    }
    more = re.search(r"Nog (\d+) bronnen boven|(\d+) more sources above", text)
    assert len(shown) == len(survey.told) - (int(more[1] or more[2]) if more else 0)
    assert len(shown) >= min(sources, 8)
    others = re.search(r"De (\d+) andere, met|The (\d+) others, with", text)
    named = set(re.findall(r"Van der Meulen (\d+) B\.V\.", text))
    assert bool(others) == (emitters > 0)
    if others:
        assert 4 <= len(named) <= emitters
        assert int(others[1] or others[2]) <= emitters - 4


def survey_place(survey, spot, language):
    """Place of a source as its table writes it."""
    latitude, longitude = to_geographic(survey.domain.crs, [spot.east], [spot.north])
    where = place(float(latitude[0]), float(longitude[0]))
    return re.sub(r"\s+", " ", where if language == "en" else where.replace(".", ","))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_worst_case_keeps_to_four_pages_and_says_what_is_elsewhere(one, posterior, language):
    survey = with_known(with_sources(one, 20), 60)
    recording = {"size_bytes": 123_456, "sha256": "5e" * 32}
    crowded = {
        "notes": [GLITCHES.replace("pid", f"pid{k}") for k in range(12)],
        "inputs": [{"file": f"flight_{k}.csv", **recording} for k in range(12)],
        "files": ["sources.geojson", "summary.json"],
    }
    reader = read(case_of(survey, posterior, language=language, summary=crowded))
    assert len(reader.pages) <= 4
    text = text_of(reader)
    assert re.search(r"(14 bronnen boven|14 more sources above).{,40} sources\.geojson", text)
    assert re.search("De 57 andere|The 57 others", text)
    assert len(re.findall("Nog (?:4|6) staan in|(?:4|6) more are listed in", text)) == 2


def test_explanations_that_are_left_out_are_counted(one, posterior):
    case = case_of(with_known(with_sources(one, 20), 60), posterior)
    told = [report_content(case, detail)["explanations"] for detail in DETAILS]
    everything = sum(len(case.survey.explanations_of(spot)) for spot in case.survey.told)
    for content in told:
        (line,) = [one for one in content["lines"] if "more such explanations" in one]
        assert int(line.split()[0]) + len(content["known"]) == everything
    assert [len(one["known"]) for one in told] == [20, 20, 12, 8, 6]


def test_a_remark_without_dutch_stands_under_a_heading_that_says_so(one, posterior):
    notes = [GLITCHES, "the drone sings"]
    trace = report_content(case_of(one, posterior, language="nl", summary={"notes": notes}))[
        "trace"
    ]
    assert trace["english"] == ["the drone sings"]
    assert "alleen in het Engels" in trace["english_title"]
    (said,) = trace["notes"]
    assert said.startswith("pid: 3 metingen die geen gas")
    case = case_of(one, posterior, language="nl", summary={"notes": notes})
    assert re.search("alleen in het Engels heeft . the drone sings", text_of(read(case)))


def test_pages_can_be_looked_at(one, posterior):
    pages = report_pages(case_of(one, posterior), pixels_per_inch=40.0)
    assert 2 <= len(pages) <= 4
    assert all(page.startswith(b"\x89PNG") for page in pages)


def test_values_that_needed_no_correction_are_said_to_be_so(one, posterior):
    case = case_of(one, posterior)
    case.flight.attrs["background_removed"] = 1
    assert "--no-drift" in report_content(case)["readings"]["text"]
