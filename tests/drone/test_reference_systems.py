"""``sniffdrone process`` in a national grid and by kriging: the same answer elsewhere on paper."""

import json

import numpy as np
import pytest
import rasterio

from drone.cli import main
from tests.drone.outcome import summary_of
from tests.drone.tables import SOURCE

BARE = ["--no-report", "--no-quicklook", "--no-geopackage", "--no-kmz", "--no-cot"]


@pytest.fixture(scope="module")
def dutch(tmp_path_factory, survey_csv):
    out = tmp_path_factory.mktemp("dutch") / "out"
    given = ["--crs", "EPSG:28992", "--map-method", "kriging", "--quiet", *BARE]
    assert main(["process", str(survey_csv), "-o", str(out), *given]) == 0
    return out


def test_rasters_are_in_the_system_asked_for_and_say_how_they_were_made(dutch):
    for name in ("source_probability", "concentration", "detection_power"):
        with rasterio.open(dutch / f"{name}.tif") as raster:
            assert raster.crs.to_epsg() == 28992
    with rasterio.open(dutch / "concentration.tif") as raster:
        assert raster.tags()["method"] == "kriging"
        assert float(raster.tags()["variogram_range_m"]) > 0
        assert "probability of a reading above" in raster.tags(3)["long_name"]


def test_the_source_is_where_it_is_in_any_system(dutch):
    first = summary_of(dutch)["sources"][0]
    east = (first["longitude"] - 5.1) * 111_195.0 * np.cos(np.radians(52.1))
    north = (first["latitude"] - 52.1) * 111_195.0
    assert np.hypot(east - SOURCE[0], north - SOURCE[1]) < 20.0


def test_the_summary_names_the_system_the_method_and_how_exact_it_is(dutch):
    summary = summary_of(dutch)
    assert summary["crs"] == "EPSG:28992"
    assert summary["settings"]["crs"] == "EPSG:28992"
    assert summary["settings"]["map_method"] == "kriging"
    assert any("EPSG:28992" in note for note in summary["notes"])


def test_geojson_stays_in_degrees(dutch):
    sources = json.loads((dutch / "sources.geojson").read_text())
    longitude, latitude = sources["features"][0]["geometry"]["coordinates"]
    assert (longitude, latitude) == pytest.approx((5.1, 52.1), abs=0.01)


@pytest.mark.parametrize(
    ("given", "words"),
    [(["--crs", "EPSG:27700"], "flight was at"), (["--map-method", "spline"], "kernel or kriging")],
)
def test_what_will_not_do_is_refused_before_a_result_is_written(
    survey_csv, tmp_path, capsys, given, words
):
    assert main(["process", str(survey_csv), "-o", str(tmp_path / "out"), *given]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
