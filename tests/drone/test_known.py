"""``process --known`` on simulated flights: the known explained, the unknown still found."""

from __future__ import annotations

import json

import numpy as np
import pytest

from drone.choices import Choices
from drone.pipeline import analyse
from mapping.grid import to_metric
from sims import recording
from sims.settings import Scenario, Source, Wind
from sims.simulate import simulate
from tests.drone.outcome import summary_of
from tests.drone.tables import METRES_PER_DEGREE, SOURCE

WIND = Wind(speed_m_s=4.0, from_deg=270.0, direction_sd_deg=8.0)
KNOWN = Source(east_m=-40.0, north_m=-50.0, rate_g_s=1.5)
UNKNOWN = Source(east_m=-30.0, north_m=50.0, rate_g_s=1.5)
NAME = "Spuiterij 'De <b>Brûg</b>' & Zn"


@pytest.fixture(scope="module")
def flown(tmp_path_factory):
    """Function from sources to the log of a simulated flight and where they truly are."""

    def fly(*sources):
        folder = tmp_path_factory.mktemp("flown")
        flight = simulate(Scenario(source=sources, wind=WIND), rng=np.random.default_rng(1))
        recording.write_flight_csv(flight, folder / "flight.csv")
        return folder / "flight.csv", flight.truth["sources"]

    return fly


@pytest.fixture(scope="module")
def emitters(tmp_path_factory):
    """Function from a place to a file with one known emitter there."""

    def write(place, **properties):
        path = tmp_path_factory.mktemp("emitters") / "known.geojson"
        point = {"type": "Point", "coordinates": [place["longitude"], place["latitude"]]}
        told = {"name": NAME, "kind": "lakspuiterij", **properties}
        feature = {"type": "Feature", "properties": told, "geometry": point}
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
        return path

    return write


def away_m(survey, place):
    """Distance from the first source told to a place."""
    east, north = to_metric(survey.domain.crs, [place["latitude"]], [place["longitude"]])
    return np.hypot(survey.told[0].east - east[0], survey.told[0].north - north[0])


def test_a_known_source_is_explained_and_an_unknown_one_beside_it_found(quick, flown, emitters):
    log, (known, unknown) = flown(KNOWN, UNKNOWN)
    analysis = analyse([log], choices=Choices(known=(emitters(known),)))
    survey = analysis.survey
    assert survey.verdict == "source indicated"
    assert all(away_m(survey, unknown) < away_m(survey, known) for _ in survey.told)
    assert away_m(survey, unknown) < 40
    (found,) = survey.known
    assert found.probability > 0.95
    assert found.rate_g_s_p05 < 1.5 < 1.2 * found.rate_g_s_p95
    assert found.share > 0.2
    assert any("accounts for about" in note and NAME in note for note in analysis.notes)


def test_with_the_only_source_known_nothing_else_is_indicated(quick, flown, emitters):
    log, (known,) = flown(KNOWN)
    path = emitters(known)
    assert analyse([log], choices=Choices()).survey.verdict == "source indicated"
    survey = analyse([log], choices=Choices(known=(path,))).survey
    assert survey.verdict == "nothing indicated"
    assert survey.p_any_source < 0.5


def test_a_known_place_that_emits_nothing_does_no_harm(quick, flown, emitters):
    log, (_, unknown) = flown(Source(east_m=-40.0, north_m=-50.0, rate_g_s=1e-6), UNKNOWN)
    idle = {**unknown, "latitude": unknown["latitude"] - 100.0 / METRES_PER_DEGREE}
    survey = analyse([log], choices=Choices(known=(emitters(idle),))).survey
    assert survey.verdict == "source indicated"
    assert away_m(survey, unknown) < 40
    assert survey.known[0].share < 0.05
    assert not survey.known[0].probability > 0.8


def test_process_lists_and_ranks_them_in_the_summary(run, quick, survey_csv, emitters, out):
    beside = {
        "latitude": 52.1 + (SOURCE[1] + 3.0) / METRES_PER_DEGREE,
        "longitude": 5.1 + (SOURCE[0] - 70.0) / METRES_PER_DEGREE / np.cos(np.radians(52.1)),
    }
    path = emitters(beside, rate_g_s=1e-4, rate_g_s_low=9e-5, rate_g_s_high=1.1e-4)
    outcome = run("process", survey_csv, "-o", out, "--known", path, "--no-report")
    assert outcome.code == 0, outcome.err
    summary = summary_of(out)
    (known,) = summary["known_emitters"]
    assert known["name"] == NAME
    assert known["stated_rate_g_s"] == pytest.approx(1e-4)
    assert (known["latitude"], known["longitude"]) == pytest.approx(
        (beside["latitude"], beside["longitude"]), abs=1e-6
    )
    (explanation,) = summary["sources"][0]["explanations"]
    assert explanation["name"] == NAME
    assert explanation["upwind"] or explanation["inside_region"]
    assert summary["settings"]["known"][0]["file"] == "known.geojson"


def test_a_wrong_file_of_emitters_is_one_clear_line(run, survey_csv, tmp_path, out):
    wrong = tmp_path / "known.txt"
    wrong.write_text("a farm over there")
    outcome = run("process", survey_csv, "-o", out, "--known", wrong)
    assert outcome.is_refused("known.txt", "neither GeoJSON nor GeoPackage")
    assert not out.exists()
