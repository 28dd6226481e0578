"""What ``sniffdrone process`` leaves behind and says, with a source and without one."""

import hashlib
import json

import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio import warp

from tests.drone.outcome import summary_of
from tests.drone.tables import SOURCE, as_csv, survey_rows

FILES = {
    "concentration.qml",
    "concentration.tif",
    "detection_power.qml",
    "detection_power.tif",
    "flight.nc",
    "posterior.nc",
    "quicklook.png",
    "report.pdf",
    "searched_area.geojson",
    "source_probability.qml",
    "source_probability.tif",
    "sources.geojson",
    "sources.tak.zip",
    "summary.json",
    "survey.gpkg",
    "survey.kmz",
}


@pytest.fixture(scope="module")
def summary(results):
    return summary_of(results)


def test_all_files_of_the_design_are_there_and_listed(results, summary):
    assert {path.name for path in results.iterdir()} == FILES
    assert set(summary["files"]) == FILES


def test_the_source_is_found_and_told_alike_everywhere(results, summary):
    sources = json.loads((results / "sources.geojson").read_text())
    point = sources["features"][0]
    assert summary["verdict"] == sources["verdict"] == "source indicated"
    assert summary["p_any_source"] == pytest.approx(sources["p_any_source"], abs=1e-3)
    first = summary["sources"][0]
    place = [first["longitude"], first["latitude"]]
    assert point["geometry"]["coordinates"] == pytest.approx(place)
    assert point["properties"]["rate_g_s"] == pytest.approx(first["rate_g_s"], rel=1e-3)
    east = (first["longitude"] - 5.1) * 111_195.0 * np.cos(np.radians(52.1))
    north = (first["latitude"] - 52.1) * 111_195.0
    assert np.hypot(east - SOURCE[0], north - SOURCE[1]) < 20.0


def test_the_raster_sums_to_the_expected_number_of_sources(results, summary):
    with rasterio.open(results / "source_probability.tif") as raster:
        total = float(np.nansum(raster.read(1, masked=False)))
        cell_m = raster.res[0]
    expected = sum(k * share for k, share in enumerate(summary["number_of_sources"]))
    assert total == pytest.approx(expected, abs=0.02)
    assert cell_m <= min(2.0, summary["sources"][0]["radius_50_m"] / 5 * 1.001)


def test_all_rasters_cover_the_domain_with_its_margin(results):
    rows = survey_rows()
    track = [[float(row[name]) for row in rows] for name in ("longitude", "latitude")]
    for name in ("source_probability.tif", "concentration.tif", "detection_power.tif"):
        with rasterio.open(results / name) as raster:
            east, north = warp.transform(4326, raster.crs, *track)
            margins = (
                min(east) - raster.bounds.left,
                min(north) - raster.bounds.bottom,
                raster.bounds.right - max(east),
                raster.bounds.top - max(north),
            )
        assert all(99.9 < margin < 103.0 for margin in margins)


def test_searched_ground_adds_up(summary):
    searched = summary["searched"]
    parts = ("would_have_shown_ha", "perhaps_ha", "not_searched_ha")
    assert sum(searched[part] for part in parts) == pytest.approx(searched["domain_ha"], abs=0.01)
    assert searched["would_have_shown_ha"] > 0
    assert searched["not_searched_ha"] > 0


def test_the_inputs_are_named_by_their_fingerprint(summary, survey_csv):
    (entry,) = summary["inputs"]
    assert entry["sha256"] == hashlib.sha256(survey_csv.read_bytes()).hexdigest()
    assert entry["file"] == "flight.csv"
    assert entry["format"] == "csv"


def test_the_posterior_says_in_which_projection_it_is(results, summary):
    with xr.open_dataset(results / "posterior.nc") as posterior:
        assert posterior.sizes.keys() == {"draw", "source"}
        assert "UTM zone 31N" in posterior.attrs["crs_wkt"]
        assert summary["crs"] == "EPSG:32631"


def test_the_flight_keeps_its_raw_readings_and_its_history(results):
    with xr.open_dataset(results / "flight.nc") as flight:
        raw = [float(row["pid_ppb"]) for row in survey_rows()]
        assert flight["pid"].values.tolist() == raw
        assert "pid_corrected" in flight
        assert flight.attrs["history"].splitlines()[-1].startswith("sniffdrone ")


def test_the_same_input_gives_the_same_bytes(run, quick, survey_csv, tmp_path):
    for name in ("one", "two"):
        assert run("process", survey_csv, "-o", tmp_path / name, "--quiet").code == 0
    for name in FILES:
        one, two = (tmp_path / folder / name for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes(), name


def test_json_is_the_summary_and_nothing_else(run, quick, survey_csv, tmp_path):
    outcome = run("process", survey_csv, "-o", tmp_path / "out", "--json", "--quiet")
    assert json.loads(outcome.out) == summary_of(tmp_path / "out")
    assert outcome.err == ""


def test_quiet_says_nothing(run, quick, survey_csv, tmp_path):
    outcome = run("process", survey_csv, "-o", tmp_path / "out", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_what_a_person_reads_has_place_rate_ground_and_a_caution(run, quick, survey_csv, tmp_path):
    outcome = run("process", survey_csv, "-o", tmp_path / "out")
    flight, source, searched, files = outcome.out.splitlines()
    assert flight.startswith("flight    3 min, 175 readings of pid, wind 3.0 m/s from 270°")
    assert source.startswith("source 1  p ")
    assert " N 5.0" in source
    assert "g/s (90 %: " in source
    assert "would have shown 1 g/s" in searched
    assert files.startswith("indication, confirm by sampling: ")


def test_no_source_is_a_result_and_says_what_could_not_be_smelt(run, tmp_path):
    path = tmp_path / "clean.csv"
    path.write_text(as_csv(survey_rows(source=None)))
    outcome = run("process", path, "-o", tmp_path / "out")
    assert outcome.code == 0
    assert "nothing indicated" in outcome.out
    assert "could not have smelt methanol" in outcome.out
    assert "source 1" not in outcome.out
    found = summary_of(tmp_path / "out")
    assert found["verdict"] == "nothing indicated"
    assert found["sources"] == []
    assert "hydrogen chloride" in found["could_not_have_smelt"]
    sources = json.loads((tmp_path / "out" / "sources.geojson").read_text())
    assert sources["features"] == []


def test_earlier_results_are_replaced_when_asked(run, quick, survey_csv, tmp_path):
    out = tmp_path / "out"
    assert run("process", survey_csv, "-o", out).code == 0
    refused = run("process", survey_csv, "-o", out)
    assert refused.is_refused("--overwrite")
    assert run("process", survey_csv, "-o", out, "--overwrite", "--seed", "5").code == 0
    assert summary_of(out)["settings"]["seed"] == 5


def test_an_area_is_the_domain(run, quick, survey_csv, tmp_path):
    ring = [[5.0991, 52.0994], [5.1009, 52.0994], [5.1009, 52.1006], [5.0991, 52.1006]]
    area = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    (tmp_path / "area.geojson").write_text(json.dumps(area))
    outcome = run(
        "process", survey_csv, "-o", tmp_path / "out", "--area", tmp_path / "area.geojson"
    )
    assert outcome.code == 0
    width_m = 0.0018 * 111_195.0 * np.cos(np.radians(52.1))
    hectares = width_m * 0.0012 * 111_195.0 / 1e4
    assert summary_of(tmp_path / "out")["searched"]["domain_ha"] == pytest.approx(
        hectares, rel=0.01
    )


def test_given_wind_is_used_where_no_log_holds_any_and_is_named(run, quick, tmp_path):
    columns = ("time", "latitude", "longitude", "altitude_agl_m", "pid_ppb")
    path = tmp_path / "calm.csv"
    path.write_text(as_csv(survey_rows(), columns))
    without = run("process", path, "-o", tmp_path / "without")
    assert "insufficient data: no wind" in without.out
    given = ("--wind-speed", "3", "--wind-from", "270")
    assert run("process", path, "-o", tmp_path / "with", *given).code == 0
    found = summary_of(tmp_path / "with")
    assert found["verdict"] == "source indicated"
    assert found["flight"]["wind_source"] == "given"


def test_a_mission_file_sets_gas_and_thresholds(run, quick, survey_csv, tmp_path):
    mission = tmp_path / "mission.toml"
    mission.write_text(
        '[mission]\nname = "harbour"\ngas = "toluene"\n'
        '[[device]]\ndriver = "mcu_cobs"\nport = "/dev/null"\n'
        "[detection]\nreference_rate_g_s = 0.5\nindicate_above = 0.9999999\n"
    )
    outcome = run("process", survey_csv, "-o", tmp_path / "out", "--mission", mission)
    assert outcome.code == 0
    assert "has no authority" in outcome.err
    found = summary_of(tmp_path / "out")
    assert found["gas"] == "toluene"
    assert found["searched"]["reference_rate_g_s"] == 0.5
    assert found["settings"]["indicate_above"] == 0.9999999


def test_a_flight_of_ours_can_be_processed_again(run, quick, results, tmp_path):
    outcome = run("process", results / "flight.nc", "-o", tmp_path / "out")
    assert outcome.code == 0
    again, before = summary_of(tmp_path / "out"), summary_of(results)
    assert again["flight"]["readings"] == before["flight"]["readings"]
    assert again["verdict"] == before["verdict"]


def test_a_flight_of_ours_does_not_forget_what_it_was_told(run, quick, survey_csv, tmp_path):
    told = ("--gas", "toluene", "--averaging-time", "1", "--wind-height-m", "2", "--no-drift")
    assert run("process", survey_csv, "-o", tmp_path / "one", *told).code == 0
    again = run("process", tmp_path / "one" / "flight.nc", "-o", tmp_path / "two")
    assert again.code == 0
    assert "what it states is taken over: gas = toluene" in again.err
    one, two = (summary_of(tmp_path / name) for name in ("one", "two"))
    assert two["settings"] == one["settings"]
    assert two["sources"] == one["sources"]
