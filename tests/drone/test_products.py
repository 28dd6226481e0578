"""Every product is written unless left out, and the report is written as it is asked for."""

import io
import re

import numpy as np
import pytest
import rasterio
from affine import Affine
from pypdf import PdfReader

from drone.cli import main
from drone.product_choices import EXPORTERS, GROUPS, product_choices_of
from sensors import plugins
from sensors.errors import ConfigError
from tests.drone.outcome import summary_of

MISSION = """
[mission]
name = "Haven 'Zuid' #1"
operator = "J. de Boer"
authority = "Officier van justitie"
legal_basis = "art. 3 Politiewet 2012"
retention_days = 30
[[device]]
driver = "mcu_cobs"
port = "/dev/null"
name = "pid"
"""


def text_of(path):
    pages = PdfReader(io.BytesIO(path.read_bytes())).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def test_every_exporter_can_be_left_out(run):
    shown = run("process", "--help").out
    grouped = {name: flag for flag, names in GROUPS.items() for name in names}
    for name in (*plugins.available(EXPORTERS), "report", "quicklook"):
        assert f"--no-{grouped.get(name, name)}" in shown


def test_what_is_left_out_is_neither_written_nor_listed(run, quick, survey_csv, out):
    without = ["--no-report", "--no-quicklook", "--no-geotiff", "--no-geojson"]
    assert run("process", survey_csv, "-o", out, "--quiet", *without).code == 0
    written = {path.name for path in out.iterdir()}
    assert not any(name.endswith(".geojson") for name in written)
    assert {"flight.nc", "posterior.nc", "summary.json"} <= written
    assert not {"report.pdf", "quicklook.png", "sources.geojson", "concentration.tif"} & written
    assert set(summary_of(out)["files"]) == written


def test_an_answer_names_files_that_are_there(run, quick, survey_csv, out):
    outcome = run("process", survey_csv, "-o", out, "--no-report", "--no-quicklook")
    last = outcome.out.splitlines()[-1]
    assert "report.pdf" not in last
    assert str(out / "sources.geojson") in last


def test_the_report_is_dutch_and_names_authority_and_fingerprint(
    run, quick, survey_csv, tmp_path, out
):
    mission = tmp_path / "mission.toml"
    mission.write_text(MISSION)
    code = run("process", survey_csv, "-o", out, "--mission", mission, "--language", "nl").code
    assert code == 0
    text = text_of(out / "report.pdf")
    summary = summary_of(out)
    for said in (
        "Haven 'Zuid' #1",
        "Officier van justitie",
        "art. 3 Politiewet 2012",
        "(30 dagen na de vlucht)",
        "Aanwijzing; te bevestigen door bemonstering",
        summary["inputs"][0]["sha256"],
        f"sniffdrone {summary['sniffdrone_version']}",
    ):
        assert said in text, said


def test_too_little_data_still_makes_a_report(run, tmp_path, out):
    path = tmp_path / "short.csv"
    path.write_text(
        "time,latitude,longitude,altitude_agl_m,pid_ppb\n2026-05-12T09:00:00Z,52,5,9,7\n"
    )
    assert run("process", path, "-o", out, "--quiet").code == 0
    assert "Insufficient data" in text_of(out / "report.pdf")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--language", "fr", "--language fr: there is no such report; known are en, nl"),
        ("--base-map", "missing.tif", "missing.tif: is no map that can be read"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_before_any_work(run, out, option, value, said):
    outcome = run("process", "no such flight.csv", "-o", out, option, value)
    assert outcome.code == 2
    assert said in outcome.err
    assert not out.exists()


def test_a_base_map_of_elsewhere_leaves_nothing_behind(run, quick, survey_csv, tmp_path, out):
    path = tmp_path / "elsewhere.tif"
    profile = {"driver": "GTiff", "width": 9, "height": 9, "count": 3, "dtype": "uint8"}
    place = Affine(10.0, 0.0, 300_000.0, 0.0, -10.0, 300_000.0)
    with rasterio.open(path, "w", **profile, crs="EPSG:28992", transform=place) as raster:
        raster.write(np.full((3, 9, 9), 99, np.uint8))
    outcome = run("process", survey_csv, "-o", out, "--base-map", path)
    assert outcome.code == 2
    assert "holds nothing of the ground that was flown over; leave it out" in outcome.err
    assert not out.exists()


def test_a_product_that_does_not_exist_cannot_be_left_out():
    with pytest.raises(ConfigError, match=r'"reprot" is no product .* did you mean "report"'):
        product_choices_of(left_out=["reprot"])


def test_the_same_flight_gives_the_same_bytes_on_one_processor_and_on_four(
    quick, survey_csv, tmp_path, monkeypatch
):
    results = []
    for name, processors in (("a", 1), ("b", 4)):
        monkeypatch.setattr("os.cpu_count", lambda count=processors: count)
        assert main(["process", str(survey_csv), "-o", str(tmp_path / name), "--quiet"]) == 0
        results.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    differing = [name for name, content in results[0].items() if results[1].get(name) != content]
    assert differing == []
    assert results[0].keys() == results[1].keys()
