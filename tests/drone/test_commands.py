"""The small commands, and what holds for all of them."""

import errno
import gc
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drone.cli import app, main
from sensors.errors import FlightError

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("demo", "process", "info", "simulate", "version")


def test_help_without_a_command_teaches_where_to_begin(run):
    outcome = run()
    assert outcome.code == 0
    assert "sniffdrone demo" in outcome.out
    assert "indication" in outcome.out
    assert all(f"\n  {command} " in outcome.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS[:4])
def test_help_of_a_command_has_an_example_on_one_line(run, command):
    outcome = run(command, "--help")
    assert outcome.code == 0
    examples = re.findall(r"^ +(sniffdrone .*)$", outcome.out, re.MULTILINE)
    assert len(examples) >= 2


@pytest.mark.parametrize("arguments", [("fly",), ("process",), ("info", "--wrong")])
def test_a_wrong_command_line_is_refused_in_one_line(run, arguments):
    assert run(*arguments).is_refused("--help")


def test_info_says_what_a_flight_holds(run, survey_csv):
    outcome = run("info", survey_csv)
    assert outcome.code == 0
    assert "175" in outcome.out
    assert "anemometer" in outcome.out


def test_info_as_json_lists_what_could_be_read(run, survey_csv, tmp_path):
    empty = tmp_path / "empty.csv"
    empty.touch()
    outcome = run("info", "--json", empty, survey_csv)
    (found,) = json.loads(outcome.out)
    assert outcome.code == 2
    assert "empty.csv: is empty" in outcome.err
    assert found["path"] == str(survey_csv)
    assert found["format"] == "csv"
    assert found["messages"]["row"]["count"] == 175


def test_a_torn_file_is_no_error_but_a_warning(run, survey_csv, tmp_path):
    torn = tmp_path / "torn.csv"
    torn.write_bytes(survey_csv.read_bytes()[:-30])
    outcome = run("info", "--json", torn)
    assert outcome.code == 0
    assert "warning: torn.csv line 176" in outcome.err
    assert json.loads(outcome.out)[0]["truncated_at_byte"] is not None


def test_simulate_gives_the_same_bytes_for_a_seed(run, tmp_path):
    for name in ("one", "two"):
        arguments = ("--truth", tmp_path / f"{name}.json", "--seed", "7")
        assert run("simulate", "-o", tmp_path / f"{name}.csv", *arguments).code == 0
    for ending in ("csv", "json"):
        one, two = (tmp_path / f"{name}.{ending}" for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    assert set(json.loads((tmp_path / "one.json").read_text())) == {"kind", "sources", "peak_ppb"}


def test_a_fault_of_our_own_keeps_its_traceback(monkeypatch, survey_csv, tmp_path):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("drone.pipeline.process_flight", fail)
    with pytest.raises(ZeroDivisionError):
        main(["process", str(survey_csv), "-o", str(tmp_path / "out")])


def test_an_error_of_several_lines_is_printed_as_one(run, monkeypatch, survey_csv, tmp_path):
    def fail(*_, **__):
        raise FlightError("first\nsecond")

    monkeypatch.setattr("drone.pipeline.process_flight", fail)
    assert run("process", survey_csv, "-o", tmp_path / "out").err == "error: first second\n"


def test_a_full_disk_is_told_with_the_file_that_found_no_room(
    run, monkeypatch, survey_csv, tmp_path
):
    def fill(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "out/flight.nc")

    monkeypatch.setattr("drone.pipeline.process_flight", fill)
    outcome = run("process", survey_csv, "-o", tmp_path / "out")
    assert outcome.code == app.EXIT_INPUT
    assert outcome.err == "error: no room left for out/flight.nc; make room, or write elsewhere\n"


def test_an_interrupt_is_130(run, monkeypatch, survey_csv, tmp_path):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("drone.pipeline.process_flight", interrupt)
    outcome = run("process", survey_csv, "-o", tmp_path / "out")
    assert outcome.code == app.EXIT_INTERRUPTED
    assert "interrupted" in outcome.err


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_control_c_leaves_no_folder(survey_csv, tmp_path):
    """Sent while results are being written: the temporary folder beside the result is there."""
    command = [sys.executable, "-m", "drone.cli", "process", str(survey_csv)]
    running = subprocess.Popen(
        [*command, "-o", str(tmp_path / "out")], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not any(tmp_path.iterdir()) and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    if running.returncode == 0:  # it was done before the signal came
        assert (tmp_path / "out" / "summary.json").exists()
    else:
        assert running.returncode == 130
        assert "Traceback" not in said
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["info", "{flight}"], "error: standard output: cannot be written"),
        (["info", "{flight}", "--json"], "error: standard output: cannot be written"),
        (["--help"], "error: the disk that output goes to is full"),
    ],
)
def test_an_answer_that_cannot_be_written_is_an_error_in_one_line(
    survey_csv, words, complaint, unbuffered
):
    given = [word.format(flight=survey_csv) for word in words]
    with Path("/dev/full").open("w") as full:
        finished = subprocess.run(
            [sys.executable, "-m", "drone.cli", *given],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert finished.returncode == 2
    (line,) = finished.stderr.splitlines()
    assert line.startswith(complaint)


def test_progress_is_shown_on_a_terminal_only(run, survey_csv):
    assert "\x1b" not in run("info", survey_csv).err


def test_a_command_leaves_the_callers_garbage_collection_as_it_was(run):
    before = gc.get_threshold()
    assert run("version").code == 0
    assert gc.get_threshold() == before
