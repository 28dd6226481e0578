"""What a person gets who gives the wrong thing: one line, exit code 2, and no folder."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.drone.outcome import Outcome
from tests.drone.tables import COLUMNS

pytestmark = pytest.mark.usefixtures("quick")

ROOT = Path(__file__).resolve().parents[2]
_DROP = """
import os, pwd, sys
import drone.pipeline, drone.wording, sims.recording, sims.scenario, sims.simulate
import drone.writing_process, mapping.quicklook, mapping.report.pdf, pydantic
from drone.cli import main
os.setgroups([])
os.setgid(pwd.getpwnam("nobody").pw_gid)
os.setuid(pwd.getpwnam("nobody").pw_uid)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ("is empty",)),
        (",".join(COLUMNS) + "\n", ("holds a header and no rows",)),
        ("a letter\nto a friend\n", ("of no format",)),
        ("time,latitude,longitude\n2026-05-12T09:00:00Z,52,5\n", ("line 1", "no gas column")),
        ("latitude,longitude,pid_ppb\n52,5,1\n", ("line 1", 'no column "time"')),
        ("time,pid_ppb\n2026-05-12T09:00:00Z,1\n", ("no positions", "autopilot log")),
        ("time,latitude,longitude,pid_ppb\nnoon,52,5,1\n", ("line 2", "'noon' is not ISO 8601")),
        (
            "time,latitude,longitude,pid_ppb\n2026-05-12T09:00:00Z,151.2,-33.9,1\n",
            ("line 2", "look swapped"),
        ),
        (
            "time,latitude,longitude,pid_ppb\n2026-05-12T09:00:00Z,nan,nan,1\n",
            ("no positions",),
        ),
    ],
    ids=["empty", "header", "words", "gas", "time", "position", "noon", "swapped", "nan"],
)
def test_what_is_no_flight_is_refused(run, tmp_path, out, content, words):
    path = tmp_path / "flight.csv"
    path.write_text(content)
    assert run("process", path, "-o", out).is_refused("flight.csv", *words)
    assert not out.exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["flight.csv"]


def test_a_directory_is_refused(run, tmp_path, out):
    assert run("process", tmp_path, "-o", out).is_refused(str(tmp_path), "is a directory")


def test_a_file_that_is_not_there_is_refused(run, tmp_path, out):
    assert run("process", tmp_path / "none.csv", "-o", out).is_refused("none.csv", "no such file")


def test_two_gigabytes_of_nothing_are_refused(run, tmp_path, out):
    path = tmp_path / "flight.csv"
    with path.open("wb") as stream:
        stream.truncate(2 << 30)
    assert run("process", path, "-o", out).is_refused("flight.csv", "of no format")


def test_more_readings_than_a_flight_has_are_refused(run, survey_csv, out, monkeypatch):
    monkeypatch.setattr("drone.inputs.MOST_READINGS", 100)
    assert run("process", survey_csv, "-o", out).is_refused("flight.csv", "more than 100 readings")


def test_the_same_file_twice_is_refused(run, survey_csv, out):
    assert run("process", survey_csv, survey_csv, "-o", out).is_refused("is given twice")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--wind-speed", "3"), ("--wind-speed and --wind-from",)),
        (("--wind-speed", "nan", "--wind-from", "3"), ("--wind-speed nan", "0 to 150")),
        (("--wind-speed", "-3", "--wind-from", "3"), ("--wind-speed -3",)),
        (("--offset-s", "inf"), ("--offset-s inf", "must be a number")),
        (("--averaging-time", "-1"), ("--averaging-time -1",)),
        (("--wind-height-m", "0"), ("--wind-height-m 0",)),
        (("--gas", "acetoen"), ("acetoen", 'did you mean "acetone"')),
        (("--gas", "methane"), ("methane", "none of the channels pid")),
        (("--mission", "none.toml"), ("none.toml",)),
        (("--area", "none.geojson"), ("none.geojson",)),
        (("--seed", "-1"), ("--seed", "0")),
        (("--offset-s", "soon"), ("--offset-s", "number")),
        (("--windspeed", "3"), ("--windspeed",)),
    ],
)
def test_impossible_options_are_refused(run, survey_csv, out, options, words):
    assert run("process", survey_csv, "-o", out, *options).is_refused(*words)
    assert not out.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("no json", ("area.geojson",)),
        ('{"type": "Point", "coordinates": [5.1, 52.1]}', ("area.geojson", "olygon")),
        ('{"type": "FeatureCollection", "features": []}', ("area.geojson",)),
        (
            '{"type": "Polygon", "coordinates": [[[9, 9], [9.001, 9], [9, 9.001], [9, 9]]]}',
            ("area.geojson",),
        ),
    ],
    ids=["text", "point", "nothing", "elsewhere"],
)
def test_an_area_that_is_none_is_refused(run, survey_csv, tmp_path, out, content, words):
    area = tmp_path / "area.geojson"
    area.write_text(content)
    assert run("process", survey_csv, "-o", out, "--area", area).is_refused(*words)


def test_a_folder_with_other_things_is_refused_and_left_alone(run, survey_csv, out):
    out.mkdir()
    (out / "thesis.odt").write_text("years of work")
    assert run("process", survey_csv, "-o", out).is_refused(str(out), "--overwrite")
    assert run("process", survey_csv, "-o", out, "--overwrite").is_refused("replaces only")
    assert (out / "thesis.odt").read_text() == "years of work"


def test_an_output_folder_under_a_file_is_refused(run, survey_csv):
    place = survey_csv / "out"
    assert run("process", survey_csv, "-o", place).is_refused("is not a folder")


@pytest.mark.skipif(not hasattr(os, "setuid") or os.getuid() != 0, reason="only root can drop")
def test_missing_permissions_are_named(tmp_path, survey_csv):
    """As ``nobody``: neither an unreadable file nor an unwritable folder gives a traceback."""
    for folder in (tmp_path, *tmp_path.parents):
        if Path(tempfile.gettempdir()) in folder.parents:
            folder.chmod(0o711)
    secret = tmp_path / "secret.csv"
    secret.write_bytes(survey_csv.read_bytes())
    secret.chmod(0o600)
    readable = tmp_path / "flight.csv"
    readable.write_bytes(survey_csv.read_bytes())
    readable.chmod(0o644)
    unreadable = as_nobody("process", secret, "-o", "/tmp/nobody-out")
    assert unreadable.is_refused("secret.csv", "no permission to read it")
    unwritable = as_nobody("process", readable, "-o", tmp_path / "out")
    assert unwritable.is_refused("no permission to write in", str(tmp_path))
    simulated = as_nobody("simulate", "-o", tmp_path / "new.csv")
    assert simulated.is_refused("new.csv", "cannot be written")


def as_nobody(*arguments):
    """Run a command in a process that loads its modules first and then drops to ``nobody``."""
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _DROP, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(finished.returncode, finished.stdout, finished.stderr)


def test_info_on_nothing_readable_is_refused(run, tmp_path):
    path = tmp_path / "empty.tlog"
    path.write_bytes(b"")
    outcome = run("info", path)
    assert outcome.is_refused("empty.tlog", "is empty")


def test_an_impossible_scenario_is_refused(run, tmp_path):
    scenario = tmp_path / "world.toml"
    scenario.write_text("[wind]\nspeed_ms = 3.0\n")
    outcome = run("simulate", scenario, "-o", tmp_path / "flight.csv")
    assert outcome.is_refused("world.toml", "speed_ms", "speed_m_s")
    assert not (tmp_path / "flight.csv").exists()
