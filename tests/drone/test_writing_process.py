"""Drawing in a process of its own changes no file, and its end is told."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor
from pathlib import Path

import pytest

from drone.choices import Choices
from drone.pipeline import process_flight
from drone.writing_process import writing_process
from sensors.errors import SniffdroneError

ROOT = Path(__file__).resolve().parents[2]
_FIRST = """
import os, sys, time
from drone.writing_process import writing_process
if __name__ == "__main__":
    with writing_process() as writer:
        print(writer.submit(os.getpid).result(), flush=True)
        time.sleep(600)
"""


def test_its_files_are_those_of_one_process(quick, survey_csv, tmp_path):
    choices = Choices()
    with writing_process() as writer:
        apart = process_flight([survey_csv], tmp_path / "a", choices=choices, writer=writer)
    alone = process_flight([survey_csv], tmp_path / "b", choices=choices)
    assert apart == alone
    for path in (tmp_path / "b").iterdir():
        assert path.read_bytes() == (tmp_path / "a" / path.name).read_bytes(), path.name


def test_a_writer_that_was_killed_is_told_and_leaves_nothing(quick, survey_csv, tmp_path):
    with writing_process() as writer:
        with pytest.raises(BrokenExecutor):
            writer.submit(os._exit, 9).result()
        with pytest.raises(SniffdroneError, match=r"ended from outside.*run again"):
            process_flight([survey_csv], tmp_path / "out", choices=Choices(), writer=writer)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("from drone.cli import is_program; print(is_program())", "False"),
        ("from drone.cli import is_program, program; print(is_program())", "True"),
    ],
)
def test_only_a_program_of_ours_begins_one(script, expected):
    """As the scripts that an installer writes; any other would be run a second time."""
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == expected


def test_where_no_process_can_be_begun_there_is_none(monkeypatch):
    def refuse(*_given: object, **_named: object) -> None:
        raise OSError(38, "no semaphores here")

    monkeypatch.setattr("drone.writing_process.ProcessPoolExecutor", refuse)
    with writing_process() as writer:
        assert writer is None


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for a process there")
def test_it_ends_with_a_first_process_that_is_killed(tmp_path):
    script = tmp_path / "first.py"
    script.write_text(_FIRST)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as first:
        second = int(first.stdout.readline())
        first.kill()
    deadline = time.monotonic() + 60
    while _is_running(second):
        assert time.monotonic() < deadline, "the second process outlived the first"
        time.sleep(0.05)


def _is_running(process: int) -> bool:
    state = Path(f"/proc/{process}/stat")
    try:
        return state.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
