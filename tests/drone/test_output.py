"""An output folder appears whole or not at all, and nothing that is not ours is removed."""

import contextlib
import json
import os
import shutil
import sqlite3

import pytest

from drone.output import check_output, output_file, output_folder
from sensors.errors import ConfigError


def write_results(out, text="1", **summary):
    with output_folder(out, overwrite=True) as folder:
        (folder / "sources.geojson").write_text(text)
        content = {"sniffdrone_version": "0", "files": ["sources.geojson"], **summary}
        (folder / "summary.json").write_text(json.dumps(content))


def test_a_folder_appears_with_all_that_was_written(tmp_path):
    write_results(tmp_path / "deep" / "out")
    names = {path.name for path in (tmp_path / "deep" / "out").iterdir()}
    assert names == {"sources.geojson", "summary.json"}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_nothing_is_left_when_writing_fails(tmp_path):
    def fail():
        with output_folder(tmp_path / "out") as folder:
            (folder / "flight.nc").write_text("half")
            raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_earlier_results_stay_when_replacing_them_fails(tmp_path):
    write_results(tmp_path / "out", "old")

    def fail():
        with output_folder(tmp_path / "out", overwrite=True):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (tmp_path / "out" / "sources.geojson").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_may_be_filled(tmp_path):
    (tmp_path / "out").mkdir()
    write_results(tmp_path / "out")
    assert (tmp_path / "out" / "summary.json").exists()


def test_earlier_results_are_replaced_only_when_asked(tmp_path):
    write_results(tmp_path / "out", "old")
    with pytest.raises(ConfigError, match="give --overwrite"):
        check_output(tmp_path / "out", overwrite=False)
    write_results(tmp_path / "out", "new")
    assert (tmp_path / "out" / "sources.geojson").read_text() == "new"


@pytest.mark.parametrize("summary", [None, "no json", "[]", '{"verdict": "x"}'])
def test_a_folder_that_is_not_ours_is_never_replaced(tmp_path, summary):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.odt").write_text("years of work")
    if summary is not None:
        (tmp_path / "out" / "summary.json").write_text(summary)
    with pytest.raises(ConfigError, match="--overwrite replaces only"):
        check_output(tmp_path / "out", overwrite=True)


def test_results_that_another_program_has_open_are_not_replaced(tmp_path):
    out = tmp_path / "out"
    write_results(out, files=["sources.geojson", "survey.gpkg"])
    with contextlib.closing(sqlite3.connect(out / "survey.gpkg")) as held:  # as QGIS does
        held.execute("PRAGMA journal_mode = WAL")
        held.execute("CREATE TABLE sources (rank)")
        with pytest.raises(ConfigError, match=r"survey\.gpkg is open in another program"):
            check_output(out, overwrite=True)
    check_output(out, overwrite=True)


def test_a_note_among_earlier_results_is_not_removed(tmp_path):
    write_results(tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds notes\.txt, which sniffdrone did not write"):
        check_output(tmp_path / "out", overwrite=True)


def test_what_a_viewer_left_beside_a_raster_does_not_hinder(tmp_path):
    write_results(tmp_path / "out")
    (tmp_path / "out" / "concentration.tif.aux.xml").write_text("<PAMDataset/>")
    check_output(tmp_path / "out", overwrite=True)


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(ConfigError, match="exists and is not a folder"):
        check_output(tmp_path / "out", overwrite=True)


def test_the_current_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="is the current folder"):
        check_output(tmp_path, overwrite=False)


def test_a_new_folder_is_as_open_as_the_umask_says(tmp_path):
    before = os.umask(0o027)
    try:
        write_results(tmp_path / "out")
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o750


def test_a_file_under_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ConfigError, match="file is not a folder"),
        output_folder(tmp_path / "file" / "out"),
    ):
        pass


def test_a_disk_that_is_almost_full_is_refused_before_any_work(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=2_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(ConfigError, match=r"the disk has 2\.0 MB left, 100 MB are needed"):
        check_output(tmp_path / "out", overwrite=False)


def test_a_single_file_appears_whole_or_not_at_all(tmp_path):
    with output_file(tmp_path / "flight.csv") as partial:
        partial.write_text("time")
    assert (tmp_path / "flight.csv").read_text() == "time"

    def fail():
        with output_file(tmp_path / "flight.csv") as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (tmp_path / "flight.csv").read_text() == "time"
    assert [path.name for path in tmp_path.iterdir()] == ["flight.csv"]


def test_a_folder_is_no_file_to_write(tmp_path):
    with pytest.raises(ConfigError, match="is a folder; name a file in it"), output_file(tmp_path):
        pass
