"""``sniffdrone compare``: two folders in, one out, or one clear line why not."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
import rasterio
import xarray as xr

from drone.compare_words import headline, likelihood, sentence
from mapping.changes import Change, sides_of
from tests.drone.outcome import summary_of

FILES = {"changes.csv", "changes.json", "changes.png", "difference.tif", "summary.json"}


@pytest.fixture
def later(results, tmp_path):
    """Function: a copy of the survey in which its summary and draws may be changed."""

    def make(name="later", *, rate=1.0, east=0.0, **summary):
        folder = tmp_path / name
        shutil.copytree(results, folder)
        if (rate, east) != (1.0, 0.0):
            path = folder / "posterior.nc"
            draws = xr.load_dataset(path)
            draws["rate"], draws["east"] = draws["rate"] * rate, draws["east"] + east
            draws.to_netcdf(path)
        if summary:
            path = folder / "summary.json"
            path.write_text(json.dumps({**json.loads(path.read_text()), **summary}))
        return folder

    return make


def rows_of(out):
    with (out / "changes.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_stronger_source_is_told_in_all_files(run, results, later, out):
    outcome = run("compare", results, later(rate=40.0), "-o", out)
    assert outcome.code == 0, outcome.err
    assert {path.name for path in out.iterdir()} == FILES
    summary = summary_of(out)
    (change,) = summary["changes"]
    assert change["status"] == "both"
    assert change["probability_rate_rose"] > 0.95
    assert change["rate_ratio"] == pytest.approx(40.0, rel=0.05)
    assert "1 with a higher rate" in outcome.out
    assert "confirm by sampling" in outcome.out
    assert json.loads((out / "changes.json").read_text()) == summary["changes"]
    (row,) = rows_of(out)
    assert row["status"] == "both"
    assert float(row["rate_ratio"]) == change["rate_ratio"]


def test_a_survey_and_its_copy_show_no_change(run, results, later, out):
    assert run("compare", results, later(), "-o", out, "--quiet").code == 0
    summary = summary_of(out)
    assert summary["headline"].startswith("no change")
    assert summary["changes"][0]["probability_rate_rose"] == pytest.approx(0.5)
    with rasterio.open(out / "difference.tif") as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.descriptions[0] == "concentration_difference"
        assert np.nanmax(np.abs(raster.read())) == pytest.approx(0.0, abs=1e-6)
    with rasterio.open(results / "detection_power.tif") as power:
        searched = (power.read(1) >= 0.1).sum() * power.res[0] ** 2
    with rasterio.open(out / "difference.tif") as raster:
        shown = np.isfinite(raster.read(3)).sum() * raster.res[0] ** 2
    assert shown == pytest.approx(searched, rel=0.02)


def test_a_source_that_moved_is_new_there_and_gone_here(run, results, later, out):
    assert run("compare", results, later(east=160.0), "-o", out, "--quiet").code == 0
    assert [row["status"] for row in rows_of(out)] == ["new", "gone"]


def test_the_same_two_folders_give_the_same_bytes(run, results, later, tmp_path):
    other = later(rate=2.0)
    for name in ("one", "two"):
        assert run("compare", results, other, "-o", tmp_path / name, "--quiet").code == 0
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_what_makes_surveys_unlike_is_warned_of(run, results, later, out):
    other = later(
        channel="mox", sniffdrone_version="9.9",
        flight={**summary_of(results)["flight"], "start": "2020-01-01T00:00:00.000Z"},
    )  # fmt: skip
    outcome = run("compare", results, other, "-o", out)
    assert outcome.code == 0
    assert outcome.warned("flown before")
    assert outcome.warned("different channels")
    assert outcome.warned("versions", "9.9")


def test_surveys_of_other_gases_are_not_compared(run, results, later, out):
    outcome = run("compare", results, later(gas="ammonia"), "-o", out)
    assert outcome.is_refused("acetone", "ammonia", "--gas")
    assert not out.exists()


def test_folders_that_are_no_results_are_refused(run, results, later, tmp_path, out):
    (tmp_path / "empty").mkdir()
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "summary.json").write_text('{"mine": 1}')
    cases = {
        tmp_path / "missing": ("not a folder",),
        tmp_path / "empty": ("holds no summary.json",),
        tmp_path / "foreign": ("not of sniffdrone",),
        results / "summary.json": ("not a folder",),
        results: ("given twice",),
        later("short", verdict="insufficient data", reason="no wind"): ("insufficient", "no wind"),
        later("compared", changes=[]): ("itself a comparison",),
    }
    for folder, words in cases.items():
        assert run("compare", results, folder, "-o", out).is_refused(*words), folder


@pytest.mark.parametrize("name", ["posterior.nc", "concentration.tif", "detection_power.tif"])
def test_a_missing_or_torn_file_is_named(run, results, later, out, name):
    torn, without = later("torn"), later("without")
    (torn / name).write_bytes((torn / name).read_bytes()[:200])
    (without / name).unlink()
    assert run("compare", results, torn, "-o", out).is_refused(name, "cannot be read")
    assert run("compare", results, without, "-o", out).is_refused(name, "is not there")


def test_surveys_of_other_places_are_not_compared(run, results, later, out):
    far = later("far")
    for name in ("concentration.tif", "detection_power.tif"):
        with rasterio.open(far / name, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as raster:
            raster.transform = raster.transform.translation(1e5, 0) @ raster.transform
    assert run("compare", results, far, "-o", out).is_refused("no ground in common")


def test_results_do_not_overwrite_what_they_are_made_of(run, results, later):
    other = later()
    assert run("compare", results, other, "-o", other).code == 2
    outcome = run("compare", results, other, "-o", other, "--overwrite")
    assert outcome.is_refused("one of the folders")


def test_words_grow_with_the_probability(results):
    (side,) = sides_of(xr.load_dataset(results / "posterior.nc"), told=1)[:1]
    shares = (0.6, 0.85, 0.97, 0.999)
    assert [likelihood(share) for share in shares] == [
        "perhaps", "likely", "very likely", "almost certainly"]  # fmt: skip
    new = Change(before=None, after=side, p_noticed=0.9, p_changed=0.97)
    assert "very likely new" in sentence(new)
    assert "1 new" in headline([new])
    unseen = Change(before=None, after=side, p_noticed=0.05, p_changed=0.5)
    assert "cannot be told" in sentence(unseen)
    assert headline([]).startswith("neither survey")
