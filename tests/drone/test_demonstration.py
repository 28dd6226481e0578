"""The demo ends in one plain paragraph that does not hide how far off it was."""

import json

from drone.demonstration import error_m
from drone.strays import without_strays
from drone.wording import lines_of
from sensors.flight import read_netcdf
from tests.drone.outcome import summary_of


def test_the_demo_tells_verdict_error_and_place(run, quick, tmp_path):
    out = tmp_path / "demo"
    outcome = run("demo", "--output", out)
    assert outcome.code == 0
    (paragraph,) = outcome.out.splitlines()
    summary = summary_of(out)
    truth = json.loads((out / "truth.json").read_text())
    off = error_m(summary["sources"][0], truth["sources"][0])
    assert off < 30.0
    assert paragraph.startswith("Verdict: source indicated")
    assert f"is {off:.0f} m from there" in paragraph
    assert str(out / "quicklook.png") in paragraph
    assert "confirmed by sampling" in paragraph
    assert {"flight.csv", "truth.json"} <= set(summary["files"])


def test_a_second_demo_asks_before_it_replaces_the_first(run, quick, tmp_path):
    out = tmp_path / "demo"
    assert run("demo", "--output", out, "--quiet").code == 0
    refused = run("demo", "--output", out)
    assert refused.is_refused("--overwrite")
    assert run("demo", "--output", out, "--overwrite", "--quiet").code == 0


def test_insufficient_data_is_told_with_its_reason(tmp_path):
    summary = {
        "verdict": "insufficient data",
        "reason": "only 2 usable readings",
        "channel": "pid",
        "flight": {
            "duration_s": 1.0,
            "readings": 2,
            "wind_speed_m_s": None,
            "wind_from_deg": None,
            "wind_source": "none",
            "gaps": 1,
            "gaps_s": 3.0,
        },
        "known_emitters": [],
        "searched": None,
        "files": ["quicklook.png", "summary.json", "sources.geojson"],
    }
    flight, verdict, files = lines_of(summary, tmp_path)
    assert flight == "flight    1 s, 2 readings of pid, no wind, 1 gap (3 s)"
    assert verdict == "verdict   insufficient data: only 2 usable readings"
    assert files.startswith("what there is: ")


def test_a_flight_without_strays_is_left_as_it_is(results):

    flight = read_netcdf(results / "flight.nc")
    kept, notes = without_strays(flight)
    assert kept is flight
    assert notes == ()
