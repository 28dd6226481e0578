"""What a person gets who gives the wrong thing: one line, exit code 2, and no folder."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.drone.outcome import Outcome
from tests.drone.tables import COLUMNS, METRES_PER_DEGREE, SOURCE, START, as_csv, survey_rows

pytestmark = pytest.mark.usefixtures("quick")

ROOT = Path(__file__).resolve().parents[2]


def is_refused(outcome, *words):
    """Exit code 2 and one line that has all of some words."""
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert line.startswith("error: ")
    for word in words:
        assert word in line
    assert outcome.out == ""
    return True


def warned(outcome, *words):
    """Whether a warning has all of some words."""
    lines = [line for line in outcome.err.splitlines() if line.startswith("warning: ")]
    return any(all(word in line for word in words) for line in lines)


def summary_of(out):
    return json.loads((out / "summary.json").read_text())


@pytest.fixture
def flight(tmp_path):
    """Write a table and return its path."""

    def write(rows, columns=COLUMNS, text=as_csv):
        path = tmp_path / "flight.csv"
        path.write_text(text(rows, columns))
        return path

    return write


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


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
    assert is_refused(run("process", path, "-o", out), "flight.csv", *words)
    assert not out.exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["flight.csv"]


def test_a_directory_is_refused(run, tmp_path, out):
    assert is_refused(run("process", tmp_path, "-o", out), str(tmp_path), "is a directory")


def test_a_file_that_is_not_there_is_refused(run, tmp_path, out):
    assert is_refused(run("process", tmp_path / "none.csv", "-o", out), "none.csv", "no such file")


def test_two_gigabytes_of_nothing_are_refused(run, tmp_path, out):
    path = tmp_path / "flight.csv"
    with path.open("wb") as stream:
        stream.truncate(2 << 30)
    assert is_refused(run("process", path, "-o", out), "flight.csv", "of no format")


def test_more_readings_than_a_flight_has_are_refused(run, survey_csv, out, monkeypatch):
    monkeypatch.setattr("drone.inputs.MOST_READINGS", 100)
    assert is_refused(run("process", survey_csv, "-o", out), "flight.csv", "more than 100 readings")


def test_the_same_file_twice_is_refused(run, survey_csv, out):
    assert is_refused(run("process", survey_csv, survey_csv, "-o", out), "is given twice")


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
    assert is_refused(run("process", survey_csv, "-o", out, *options), *words)
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
    assert is_refused(run("process", survey_csv, "-o", out, "--area", area), *words)


def test_a_folder_with_other_things_is_refused_and_left_alone(run, survey_csv, out):
    out.mkdir()
    (out / "thesis.odt").write_text("years of work")
    assert is_refused(run("process", survey_csv, "-o", out), str(out), "--overwrite")
    assert is_refused(run("process", survey_csv, "-o", out, "--overwrite"), "replaces only")
    assert (out / "thesis.odt").read_text() == "years of work"


def test_an_output_folder_under_a_file_is_refused(run, survey_csv):
    place = survey_csv / "out"
    assert is_refused(run("process", survey_csv, "-o", place), "is not a folder")


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
    assert is_refused(unreadable, "secret.csv", "no permission to read it")
    unwritable = as_nobody("process", readable, "-o", tmp_path / "out")
    assert is_refused(unwritable, "no permission to write in", str(tmp_path))
    simulated = as_nobody("simulate", "-o", tmp_path / "new.csv")
    assert is_refused(simulated, "new.csv", "cannot be written")


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


_DROP = """
import os, pwd, sys
import drone.pipeline, drone.wording, sims.recording, sims.scenario, sims.simulate
from drone.cli import main
os.setgroups([])
os.setgid(pwd.getpwnam("nobody").pw_gid)
os.setuid(pwd.getpwnam("nobody").pw_uid)
sys.exit(main(sys.argv[1:]))
"""


def test_two_samples_are_too_few_to_say_anything(run, flight, out):
    outcome = run("process", flight(survey_rows()[:2]), "-o", out)
    assert outcome.code == 0
    assert "insufficient data" in outcome.out
    assert summary_of(out)["verdict"] == "insufficient data"
    assert summary_of(out)["p_any_source"] is None


def test_a_gas_column_of_nothing_but_nan_says_insufficient_data(run, flight, out):
    rows = [{**row, "pid_ppb": "nan"} for row in survey_rows()]
    outcome = run("process", flight(rows), "-o", out)
    assert outcome.code == 0
    assert summary_of(out)["verdict"] == "insufficient data"


def test_a_constant_signal_is_no_source(run, flight, out):
    rows = [{**row, "pid_ppb": "40.0"} for row in survey_rows()]
    outcome = run("process", flight(rows), "-o", out)
    assert outcome.code == 0
    assert summary_of(out)["verdict"] in {"nothing indicated", "insufficient data"}


def test_text_in_one_number_is_named_and_the_rest_used(run, flight, out):
    rows = survey_rows()
    rows[30]["pid_ppb"] = "abc"
    outcome = run("process", flight(rows), "-o", out)
    assert outcome.code == 0
    assert warned(outcome, "line 32", "pid_ppb", "'abc'")
    assert summary_of(out)["verdict"] == "source indicated"


def test_repeated_and_backward_times_are_named_and_change_nothing_much(run, flight, out):
    rows = survey_rows()
    rows[20], rows[21] = rows[21], rows[20]
    rows.insert(50, rows[50])
    outcome = run("process", flight(rows), "-o", out)
    assert outcome.code == 0
    assert warned(outcome, "time goes back")
    assert warned(outcome, "time repeats")
    assert summary_of(out)["verdict"] == "source indicated"


def test_a_gap_of_an_hour_is_no_obstacle(run, flight, out):
    rows = survey_rows()
    for k, row in enumerate(rows[90:], start=90):
        row["time"] = f"{START + np.timedelta64(1000 * k + 3_600_000, 'ms')}Z"
    outcome = run("process", flight(rows), "-o", out)
    assert outcome.code == 0
    assert summary_of(out)["flight"]["gaps"] == 1
    assert summary_of(out)["flight"]["gaps_s"] == pytest.approx(3601.0)


def test_one_time_far_in_the_future_is_survived(run, flight, out):
    """A torn clock cell must not make a grid of a thousand million seconds."""
    rows = survey_rows()
    rows[-1]["time"] = "2062-05-12T09:10:00.000Z"
    outcome = run("process", flight(rows), "-o", out)
    assert outcome.code == 0
    assert warned(outcome, "1 of 175 readings are more than a day from the others")
    assert summary_of(out)["verdict"] == "source indicated"


def test_readings_of_many_months_are_refused(run, flight, out):
    rows = survey_rows()
    for k, row in enumerate(rows):
        row["time"] = f"{START + np.timedelta64(k, 'D')}Z"
    assert is_refused(run("process", flight(rows), "-o", out), "flight.csv", "174 days")


def error_m(out, latitude, longitude, source=SOURCE):
    """Distance of the first source from the true one [m]."""
    found = summary_of(out)["sources"][0]
    east = (found["longitude"] - longitude + 180.0) % 360.0 - 180.0
    east *= METRES_PER_DEGREE * np.cos(np.radians(latitude))
    north = (found["latitude"] - latitude) * METRES_PER_DEGREE
    return float(np.hypot(east - source[0], north - source[1]))


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(52.1, 6.0), (-17.0, 180.0), (-17.0, -179.9999), (84.5, 20.0)],
    ids=["zone border", "antimeridian", "just past it", "beyond UTM"],
)
def test_a_source_is_found_where_maps_have_a_seam(run, flight, out, latitude, longitude):
    rows = survey_rows(latitude=latitude, longitude=longitude)
    outcome = run("process", flight(rows), "-o", out)
    assert outcome.code == 0
    assert error_m(out, latitude, longitude) < 20.0


@pytest.mark.parametrize("seed", range(4))
def test_a_torn_table_is_refused_or_used_up_to_the_tear(run, tmp_path, out, seed):
    text = as_csv(survey_rows())
    place = int(np.random.default_rng(seed).integers(len(text)))
    path = tmp_path / "flight.csv"
    path.write_text(text[:place])
    outcome = run("process", path, "-o", out)
    assert outcome.code == 0 or is_refused(outcome, "flight.csv")
    assert out.exists() == (outcome.code == 0)
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("seed", range(8))
def test_a_table_with_damaged_bytes_never_gives_a_traceback(run, tmp_path, out, seed):
    rng = np.random.default_rng(seed)
    damaged = bytearray(as_csv(survey_rows()[:60]).encode())
    for place in rng.integers(0, len(damaged), 40):
        damaged[place] = rng.integers(256)
    path = tmp_path / "flight.csv"
    path.write_bytes(damaged)
    outcome = run("process", path, "-o", out)
    assert outcome.code == 0 or is_refused(outcome, "flight.csv")
    assert out.exists() == (outcome.code == 0)


def test_a_torn_result_is_refused(run, results, tmp_path, out):
    whole = (results / "flight.nc").read_bytes()
    path = tmp_path / "flight.nc"
    path.write_bytes(whole[: len(whole) // 2])
    assert is_refused(run("process", path, "-o", out), "flight.nc", "not a whole NetCDF file")


def test_info_on_nothing_readable_is_refused(run, tmp_path):
    path = tmp_path / "empty.tlog"
    path.write_bytes(b"")
    outcome = run("info", path)
    assert is_refused(outcome, "empty.tlog", "is empty")


def test_an_impossible_scenario_is_refused(run, tmp_path):
    scenario = tmp_path / "world.toml"
    scenario.write_text("[wind]\nspeed_ms = 3.0\n")
    outcome = run("simulate", scenario, "-o", tmp_path / "flight.csv")
    assert is_refused(outcome, "world.toml", "speed_ms", "speed_m_s")
    assert not (tmp_path / "flight.csv").exists()
