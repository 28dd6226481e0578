"""Whatever a flight gives reason to remark on, a Dutch report says it in Dutch."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pytest
from pypdf import PdfReader

from drone.choices import Choices
from drone.inputs import read_inputs
from drone.known import read_known
from drone.pipeline import analyse
from mapping.area import survey_domain
from mapping.report.remarks import in_language
from tests.drone.tables import COLUMNS, as_csv, survey_rows

ENGLISH = re.compile(r"(?<!-)\b(the|and|are|were|with|from|readings?|left out|its?|have|none)\b")


def remarks_of(paths, **chosen):
    """What is said in Dutch of some flights; nothing is left in English."""
    analysis = analyse(paths, choices=Choices(**chosen))
    reasons = [analysis.shortage] if analysis.shortage else []
    told, in_english = in_language([*analysis.notes, *reasons], "nl")
    assert in_english == []
    assert not [one for one in told if ENGLISH.search(one)]
    return told


@pytest.fixture
def flight(tmp_path):
    """Function from changes of the survey's rows to a file of it."""

    def write(change, *, columns=COLUMNS, name="vlucht.csv"):
        path = tmp_path / name
        path.write_text(
            as_csv([change(k, dict(row)) for k, row in enumerate(survey_rows())], columns)
        )
        return path

    return write


def test_a_table_with_all_kinds_of_faults(quick, flight):
    spoilt = {
        3: {"time": "gisteren"},
        5: {"pid_ppb": "abc"},
        7: {"latitude": "0", "longitude": "0"},
        9: {"latitude": "99.0"},
        11: {"wind_from_deg": "720", "wind_speed_m_s": ""},
        13: {"time": "2026-05-12T09:00:12.000Z"},
        15: {"time": "2026-05-12T09:00:10.000Z"},
        17: {"time": "2026-07-12T09:00:10.000Z"},
        40: {"pid_ppb": "90000"},
    }
    path = flight(
        lambda k, row: row | spoilt.get(k, {}) | {"kleur": "rood"}, columns=(*COLUMNS, "kleur")
    )
    path.write_text(path.read_text() + "2026-05-12T09")
    told = remarks_of([path], gas="benzene", crs="EPSG:28992")
    assert len(told) >= 9
    assert any(
        "tijd 'gisteren' is niet volgens ISO 8601; 1 dergelijke rij is weggelaten" in one
        for one in told
    )
    assert any("niet gebruikt: kleur" in one for one in told)
    assert any(one.startswith("plaatsen zijn in EPSG:28992") for one in told)


def test_no_wind_and_wind_that_is_given_in_vain(quick, flight):
    calm = flight(lambda _, row: row | {"wind_speed_m_s": "", "wind_from_deg": ""})
    told = remarks_of([calm])
    assert told[-1] == "geen wind bekend tijdens de vlucht; geef --wind-speed en --wind-from op"
    assert any(one.startswith("wind: geen in de logboeken") for one in told)
    given = remarks_of([flight(lambda _, row: row)], wind=(3.5, 240.0))
    assert any(one.startswith("wind: wat is opgegeven is niet gebruikt") for one in given)


def test_a_stuck_channel_beside_others(quick, flight):
    rng = np.random.default_rng(1)
    columns = (*COLUMNS, "pid2_ppb", "pid3_ppb")
    path = flight(
        lambda _, row: (
            row
            | {name: f"{float(row['pid_ppb']) + rng.normal(0.0, 2.0):.1f}" for name in columns[-2:]}
            | {"pid_ppb": "55.0"}
        ),
        columns=columns,
    )
    told = remarks_of([path])
    assert "pid: weggelaten als defect (geeft voortdurend 55)" in told


def test_a_channel_below_its_zero(quick, flight):
    def below(k, row):
        zero = 90.0 if k < 60 else 10.0
        return row | {"pid_ppb": f"{max(float(row['pid_ppb']) - zero, 0.0):.1f}"}

    told = remarks_of([flight(below)])
    assert any("is de laagste waarde die hij kan tonen" in one for one in told)


def test_a_gas_log_beside_the_log_of_the_autopilot(shared_data, quick, tmp_path):
    log = shared_data / "autopilot_sitl" / "survey_a.tlog"
    batches = read_inputs([log]).batches
    clock = next(one for one in batches if one.kind == "clock")
    start = np.datetime64(int(clock.columns["utc_ns"][0]), "ns").astype("datetime64[ms]")
    rng = np.random.default_rng(2)
    rows = [f"{start + 500 * k}Z,{80.0 + rng.normal(0.0, 2.0):.1f}" for k in range(600)]
    gas = tmp_path / "gas.csv"
    gas.write_text("\n".join(["time,pid_ppb", *rows, ""]))
    told = remarks_of([gas, log], offset_s=0.5)
    assert any(one.startswith("klok: gasmetingen van ") and "+0,500 s" in one for one in told)


def test_emitters_that_cannot_be_used(tmp_path):
    domain = survey_domain(np.array([52.1, 52.101]), np.array([5.1, 5.102]))
    inside = {"type": "Point", "coordinates": [5.101, 52.1005]}
    bow = [[5.1, 52.1], [5.101, 52.101], [5.101, 52.1], [5.1, 52.101], [5.1, 52.1]]
    features = [
        ({"name": "A"}, None),
        ({"name": "B"}, {"type": "LineString", "coordinates": bow[:2]}),
        ({"name": "C"}, {"type": "Polygon", "coordinates": [bow]}),
        ({"name": "D"}, {"type": "Point", "coordinates": [9.0, 52.0]}),
        ({"name": "E", "rate_g_s": 2.0, "gas": "ammonia"}, inside),
        ({"rate_g_s": -2.0}, inside),
        ({"rate_g_s": "veel"}, inside),
        ({"rate_g_s_low": 2.0, "rate_g_s": 1.0, "rate_g_s_high": 3.0}, inside),
        ({"rate_g_s_low": 2.0}, inside),
        ({"height_m": 900.0}, inside),
    ]
    notes = []
    for k, (fields, shape) in enumerate(features):
        path = tmp_path / f"uitstoters_{k}.geojson"
        both = [(fields, shape), ({"name": "goed"}, inside)]
        found = [{"type": "Feature", "properties": f, "geometry": g} for f, g in both]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": found}))
        notes += read_known([path], domain, gas="acetone")[1]
    told, in_english = in_language(notes, "nl")
    assert in_english == []
    assert len(told) == len(features)
    assert 'object 1 "E": de uitstoot is van "ammonia", niet van aceton; niet gebruikt' in told[4]
    assert "de rand kruist zichzelf" in told[2]


def test_the_dutch_report_of_a_flight_has_no_english_remark(quick, run, flight, out):
    path = flight(lambda k, row: row | ({"pid_ppb": "abc"} if k == 5 else {}))
    assert run("process", path, "-o", out, "--language", "nl", "--no-kmz").code == 0
    notes = json.loads((out / "summary.json").read_text())["notes"]
    assert any("is not a number" in one for one in notes)  # English stays the source
    reader = PdfReader(io.BytesIO((out / "report.pdf").read_bytes()))
    text = re.sub(r"\s+", " ", " ".join(page.extract_text() for page in reader.pages))
    assert "pid_ppb 'abc' is geen getal" in text
    assert "in het Engels" not in text
    assert "alleen in het Engels" not in text
