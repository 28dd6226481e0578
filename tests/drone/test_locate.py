"""``sniffdrone locate``: a flight that goes on, told second by second."""

from __future__ import annotations

import functools
import itertools
import json
import math
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detection.source.estimators import grid
from drone.choices import Choices
from drone.cpu_budget import CpuBudget, GivenUp
from drone.inputs import read_inputs
from drone.joined_batches import joined
from drone.located import Located
from drone.located_words import as_fields, line_of, verdict_of
from drone.locating import Locator
from drone.pipeline import analyse
from drone.played_batches import played
from sensors.assemble import assemble
from sensors.records import GasSample, RecordBatch, WindSample
from tests.drone.tables import SOURCE, as_csv, survey_rows
from tests.recordings import Run, axis_of, pose

TOLD = Located(
    time_ns=1_775_039_465 * 10**9,
    p_any_source=0.97,
    p_several=0.1,
    latitude=52.3701,
    longitude=4.8952,
    radius_50_m=6.0,
    radius_90_m=14.4,
    distance_m=213.6,
    bearing_deg=38.2,
    rate_g_s=0.81,
    rate_g_s_p05=0.38,
    rate_g_s_p95=1.62,
    channel="pid",
    searched_ns=1_775_039_460 * 10**9,
)


@pytest.fixture(scope="module")
def told(survey_csv):
    """What is told of the survey: each second, at the end, and the posterior it is told from."""
    settings = functools.partial(grid.Settings, hypotheses=16, max_sources=1, draws=500)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid, "Settings", settings)
        return every_second(survey_csv, gas="acetone")


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> bytes:
    """A finished recording of the survey with one source, in chunks of some seconds."""
    run = Run()
    for second, row in enumerate(survey_rows()):
        time_s = float(second)
        run.clock(time_s, utc_s=time_s)
        value = 1e-9 * float(row["pid_ppb"])
        run.record("pid", time_s, GasSample(axis_of(time_s), "pid", "pid", value, "1"))
        place = float(row["latitude"]), float(row["longitude"])
        run.record("autopilot", time_s, replace(pose(time_s, *place), height_above_home_m=6.0))
        run.record("sonic", time_s, WindSample(axis_of(time_s), "sonic", 3.0, 0.0))
    folder = tmp_path_factory.mktemp("recording")
    return run.write(folder / "survey_001.mcap", chunk_bytes=4000).read_bytes()


def every_second(path, **choices):
    """What is told each second, and at the end."""
    with closing(Locator(Choices(**choices), share=0.08)) as locator:
        lines = []
        for _, batches in played(read_inputs([path]).batches):
            locator.take(batches)
            lines.append(locator.update())
            locator.keep_pace()
        return lines, locator.finish(), locator.live


def test_the_last_line_is_what_process_finds(told, survey_csv, quick):
    lines, last, live = told
    posterior = analyse([survey_csv], choices=Choices(gas="acetone")).posterior
    shares = live.number_shares()
    np.testing.assert_allclose(shares, posterior.attrs["number_probability"], atol=1e-12)
    assert last.p_any_source == pytest.approx(posterior.attrs["p_any_source"], abs=1e-12)
    assert last.searched_ns == last.time_ns
    rate = 1e3 * float(np.nanmedian(posterior["rate"]))
    assert last.rate_g_s == pytest.approx(rate, rel=0.1)
    assert len(lines) >= len(survey_rows())


def test_gas_is_told_when_it_is_met_and_where_it_comes_from(told):
    lines, last, _ = told
    known = [one for one in lines if not one.waiting_for]
    quiet, later = known[:40], known[-10:]  # the first line through the plume comes after a minute
    assert max(one.p_any_source for one in quiet) < 0.6
    assert min(one.p_any_source for one in later) > 0.95
    assert all(one.radius_90_m == pytest.approx(last.radius_90_m, rel=0.4) for one in later)
    assert max(one.time_ns - one.searched_ns for one in known) < 90 * 10**9
    north = (last.latitude - 52.1) * 111_195.0 - SOURCE[1]
    east = (last.longitude - 5.1) * 111_195.0 * math.cos(math.radians(52.1)) - SOURCE[0]
    assert math.hypot(east, north) < last.radius_90_m < 40.0
    # from the last reading, 45 m east and 60 m south of the middle
    away = SOURCE[0] - 45.0, SOURCE[1] + 60.0
    assert last.distance_m == pytest.approx(math.hypot(*away), abs=20.0)
    assert last.bearing_deg == pytest.approx(math.degrees(math.atan2(*away)) % 360.0, abs=15.0)


def test_nothing_is_told_before_there_is_anything_to_tell_from(told):
    lines, _, _ = told
    assert lines[0].waiting_for
    assert math.isnan(lines[0].latitude)
    with closing(Locator(Choices())) as locator:
        assert locator.update().waiting_for
        assert locator.finish().waiting_for == "no readings yet"


def test_records_that_come_again_are_not_counted_twice(survey_csv, quick):
    batches = read_inputs([survey_csv]).batches
    with closing(Locator(Choices(gas="acetone"))) as once:
        once.take(batches)
        once.update()
        expected = once.finish()
    with closing(Locator(Choices(gas="acetone"))) as twice:
        for _ in range(2):
            twice.start_over()
            twice.take(batches)
            twice.update()
        assert twice.finish() == expected


def test_a_line_says_what_where_how_sure_and_how_strong():
    assert line_of(TOLD) == (
        "10:31:05  source indicated (p 0.97)  52.37010 N 4.89520 E  214 m at 038°  "
        "within 14 m (90 %)  0.81 g/s (0.38 to 1.6)"
    )
    assert line_of(replace(TOLD, p_several=0.7)).endswith("likely more than one")
    assert line_of(replace(TOLD, p_any_source=0.3)) == "10:31:05  nothing indicated so far (p 0.30)"
    perhaps = replace(TOLD, p_any_source=0.8)
    assert "perhaps a source" in line_of(perhaps)
    assert "source indicated" in line_of(perhaps, indicate_above=0.7)
    waiting = Located(time_ns=0, waiting_for="no readings yet")
    assert line_of(waiting) == "--:--:--  waiting: no readings yet"
    assert verdict_of(waiting, indicate_above=0.9) == "waiting"


def test_a_program_reads_null_where_nothing_is_known():
    fields = as_fields(Located(time_ns=0, waiting_for="wind"), indicate_above=0.95)
    told = json.loads(json.dumps(fields, allow_nan=False))
    assert told["p_any_source"] is None
    assert told["time"] is None
    assert told["waiting_for"] == "wind"
    full = as_fields(TOLD, indicate_above=0.95, is_final=True)
    assert full["final"] is True
    assert full["searched_until"].startswith("2026-04-01T10:31:00")
    assert full["radius_90_m"] == 14.4


def test_played_records_come_once_and_in_the_order_of_their_times(survey_csv):
    batches = read_inputs([survey_csv]).batches
    pieces = list(played(batches))
    ends = [time_ns for time_ns, _ in pieces]
    assert all(b - a == 10**9 for a, b in itertools.pairwise(ends))
    for end_ns, new in pieces:
        for one in new:
            assert (one.time_ns < end_ns).all()
            assert (one.time_ns >= end_ns - 10**9).all()
    again = assemble(joined(one for _, new in pieces for one in new))
    expected = assemble(batches)
    np.testing.assert_array_equal(again.time_ns, expected.time_ns)
    np.testing.assert_array_equal(again.channels["pid"].values, expected.channels["pid"].values)
    assert not list(played([]))


def test_batches_with_other_columns_or_units_are_not_joined():
    time_ns = np.arange(3)
    ppb = RecordBatch("gas", "pid", time_ns, {"pid": np.ones(3)}, units={"pid": "1e-9"})
    same = RecordBatch("gas", "pid", time_ns + 3, {"pid": np.zeros(3)}, units={"pid": "1e-9"})
    volt = RecordBatch("gas", "pid", time_ns, {"pid": np.ones(3)}, units={"pid": "V"})
    one, other = joined([ppb, volt, same])
    assert one.columns["pid"].tolist() == [1.0] * 3 + [0.0] * 3
    assert one.time_ns.tolist() == list(range(6))
    assert other is volt


def test_work_waits_for_what_it_overdrew():
    budget, steps = CpuBudget(), []
    thread = threading.Thread(target=work_at, args=(budget, steps))
    thread.start()
    budget.wait_until_spent(threading.Event())
    assert steps == []
    for _ in range(3):
        budget.grant(0.02)
        budget.wait_until_spent(threading.Event())
    assert 1 <= len(steps) <= 9
    budget.set_endless(True)
    thread.join(10.0)
    assert len(steps) == 40


def test_work_that_is_not_wanted_ends():
    budget, steps = CpuBudget(), []
    thread = threading.Thread(target=work_at, args=(budget, steps))
    thread.start()
    budget.wait_until_spent(threading.Event())
    budget.give_up()
    thread.join(10.0)
    assert steps == ["given up"]


def work_at(budget, steps):
    """Forty pieces of work of 10 ms each."""
    try:
        for number in range(40):
            budget.pace()
            until = time.thread_time() + 0.01
            while time.thread_time() < until:
                pass
            steps.append(number)
    except GivenUp:
        steps.append("given up")


def locate(*arguments, **more):
    command = [sys.executable, "-m", "drone.cli", "locate", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **(pipes | more))


def test_a_finished_flight_is_told_line_by_line(run, tmp_path, quick):
    path = tmp_path / "flight.csv"
    path.write_text(as_csv(survey_rows()[:40]))
    told = run("locate", path, "--speed", "max", "--gas", "acetone")
    lines = told.out.splitlines()
    assert told.code == 0
    assert "waiting: no readings yet" in lines[0]
    assert "nothing indicated so far (p 0.4" in lines[-2]
    assert lines[-1].startswith("indication, confirm by sampling")
    assert len(lines) >= 40


def test_json_is_a_line_a_second_and_the_last_one_says_so(run, tmp_path, quick):
    path = tmp_path / "flight.csv"
    path.write_text(as_csv(survey_rows()[:40]))
    told = run("locate", path, "--speed", "max", "--gas", "acetone", "--json")
    lines = [json.loads(line) for line in told.out.splitlines()]
    assert [one["final"] for one in lines] == [False] * (len(lines) - 1) + [True]
    assert lines[0]["verdict"] == "waiting"
    assert lines[-1]["verdict"] == "nothing indicated so far"
    assert lines[-1]["searched_until"] == lines[-1]["time"]
    assert 0.2 < lines[-1]["p_any_source"] < 0.5


def test_what_cannot_be_followed_is_refused_in_a_line(run, survey_csv, tmp_path):
    assert run("locate", tmp_path).is_refused("holds no recording", "sniffdrone fly")
    assert run("locate", tmp_path / "gone.mcap").is_refused("no such file")
    assert run("locate", survey_csv, "--speed", "0").is_refused("--speed 0", "max")
    assert run("locate", survey_csv, "--wind-speed", "3").is_refused("--wind-from")


def test_a_recording_is_followed_while_it_is_written(tmp_path, recording):
    path = tmp_path / "survey_001.mcap"
    path.write_bytes(recording[: len(recording) // 2])
    follower = locate(tmp_path, "--json", "--gas", "acetone")
    try:
        first = [json.loads(follower.stdout.readline()) for _ in range(3)]
        with path.open("ab") as stream:
            stream.write(recording[len(recording) // 2 :])
        rest, errors = follower.communicate(timeout=120)
    finally:
        follower.kill()
    lines = [json.loads(line) for line in rest.splitlines()]
    assert follower.returncode == 0, errors
    assert "following" in errors
    assert not any(one["final"] for one in first)
    assert lines[-1]["final"]
    assert lines[-1]["time"] > first[-1]["time"]
    shutil.copy(path, tmp_path / "whole.mcap")
    posterior = analyse([tmp_path / "whole.mcap"], choices=Choices(gas="acetone")).posterior
    assert lines[-1]["p_any_source"] == pytest.approx(posterior.attrs["p_any_source"], abs=1e-9)


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_it_stops_when_asked_to(tmp_path, recording, how, code):
    path: Path = tmp_path / "survey_001.mcap"
    path.write_bytes(recording[: len(recording) // 2])
    follower = locate(path, "--gas", "acetone")
    follower.stdout.readline()
    follower.send_signal(how)
    said, errors = follower.communicate(timeout=60)
    assert follower.returncode == code, errors
    assert "Traceback" not in errors
    assert said.splitlines()[-1].startswith("indication, confirm by sampling")
