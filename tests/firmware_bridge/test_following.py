"""A recording read while it is written, against the same recording read when it is whole."""

from __future__ import annotations

import os

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from firmware_bridge.following import FollowedRecording, is_being_written, newest_recording
from firmware_bridge.logfile import ReadReport, read_log
from sensors.assemble import assemble
from sensors.errors import FormatError
from sensors.records import GasSample, WindSample
from tests.recordings import Run, axis_of, pose


def recorded(run: Run, begin_s: float, end_s: float, *, device: str = "pid") -> Run:
    """A gas sensor at 10 Hz, the autopilot at 5 Hz, a clock that is known after 2 s."""
    for step in range(round(begin_s * 10), round(end_s * 10)):
        time_s = step / 10
        run.record(device, time_s + 0.0123, GasSample(0, device, "pid", 1e-7 * step, "1"))
        if step % 2 == 0:
            run.record("autopilot", time_s, pose(time_s, 52.0 + time_s * 1e-5))
        if step % 10 == 0:
            run.clock(time_s, utc_s=time_s if time_s >= 2.0 else None)
            run.record("sonic", time_s, WindSample(axis_of(time_s), "sonic", 1.0, -2.0))
    return run


def followed(path, whole: bytes, steps) -> tuple[list, int]:
    """Batches of a file that grows to these lengths, and how often all were read again."""
    batches, again, reader = [], 0, None
    for end in steps:
        path.write_bytes(whole[:end])
        reader = reader or FollowedRecording(path)
        new, from_the_start = reader.take()
        batches = new if from_the_start else [*batches, *new]
        again += from_the_start
    return batches, again


@pytest.mark.parametrize("step", [97, 1500, 10**9])
def test_however_it_grows_all_records_come_once(tmp_path, step):
    source = recorded(Run(), 0.0, 10.0).write(tmp_path / "a_001.mcap", chunk_bytes=2000)
    whole = source.read_bytes()
    expected = assemble(read_log(source, ReadReport(path=source)))
    steps = [*range(step, len(whole), step), len(whole)]
    batches, again = followed(tmp_path / "b.mcap", whole, steps)
    columns = assemble(batches)
    np.testing.assert_allclose(columns.time_ns, expected.time_ns, atol=1000)
    assert_array_equal(columns.channels["pid"].values, expected.channels["pid"].values)
    np.testing.assert_allclose(columns.latitude, expected.latitude, atol=1e-9)
    assert_array_equal(columns.eastward_wind, expected.eastward_wind)
    assert again == 1  # when the vehicle told the time


def test_the_next_file_of_a_run_is_gone_over_to(tmp_path):
    first = recorded(Run(), 0.0, 4.0).write(tmp_path / "a_001.mcap")
    reader = FollowedRecording(first)
    before, _ = reader.take()
    assert reader.is_finished
    recorded(Run(), 4.0, 6.0).write(tmp_path / "a_002.mcap", is_finished=False)
    after, _ = reader.take()
    assert not reader.is_finished
    assert reader.path.name == "a_002.mcap"
    values = assemble([*before, *after]).channels["pid"].values
    assert values.tolist() == [1e-7 * step for step in range(60)]


def test_a_second_device_with_the_same_channel_gives_both_their_own_names(tmp_path):
    run = recorded(Run(), 0.0, 5.0)
    whole = recorded(run, 5.0, 9.0, device="spare").write(tmp_path / "a_001.mcap", chunk_bytes=500)
    expected = assemble(read_log(whole, ReadReport(path=whole)))
    data = whole.read_bytes()
    batches, again = followed(tmp_path / "b.mcap", data, [len(data) // 3, len(data)])
    assert set(assemble(batches).channels) == set(expected.channels) == {"pid_pid", "pid_spare"}
    assert again >= 1


def test_a_damaged_chunk_is_left_out_and_told(tmp_path):
    path = recorded(Run(), 0.0, 9.0).write(tmp_path / "a_001.mcap", chunk_bytes=2000)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)
    reader = FollowedRecording(path)
    batches, _ = reader.take()
    assert sum(len(one) for one in batches if one.kind == "gas") in range(40, 90)
    assert any("damaged chunk" in line for line in reader.warnings)


def test_what_is_no_recording_is_refused(tmp_path):
    path = tmp_path / "notes.mcap"
    path.write_text("not a recording")
    with pytest.raises(FormatError, match="no recording"):
        FollowedRecording(path).take()
    with pytest.raises(FormatError, match="holds no recording"):
        newest_recording(tmp_path / "empty")


def test_a_recording_is_being_written_until_its_recorder_closes_it(tmp_path):
    run = recorded(Run(), 0.0, 2.0)
    assert not is_being_written(run.write(tmp_path / "a_001.mcap"))
    assert is_being_written(run.write(tmp_path / "b_001.mcap", is_finished=False))


def test_the_newest_recording_is_the_unfinished_one_written_to_last(tmp_path):
    run = recorded(Run(), 0.0, 2.0)
    for number, name in enumerate(["b_001.mcap", "a_001.mcap", "c_001.mcap"]):
        run.write(tmp_path / name, is_finished=name.startswith("c"))
        os.utime(tmp_path / name, (number, number))
    assert newest_recording(tmp_path).name == "a_001.mcap"
