"""Recordings read back: values as sent, times put right, channels kept apart."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.writer import Writer

from firmware_bridge.logfile import ReadReport, read_log
from firmware_bridge.recorder import Recorder
from firmware_bridge.summary import summarise
from sensors.errors import FormatError
from sensors.records import (
    EnvironmentSample,
    Event,
    GasSample,
    Quality,
    RecordBatch,
    WindSample,
)
from tests.recordings import COMPANION_BEHIND_NS, NS, UTC_NS, Run, axis_of, gas, pose, short_run


def read(path: Path, **settings_: int) -> tuple[list[RecordBatch], ReadReport]:
    report = ReadReport(path=path, **settings_)
    return list(read_log(path, report)), report


def seconds(batch: RecordBatch) -> list[float]:
    return ((batch.time_ns - UTC_NS) / NS).tolist()


def of_kind(batches: list[RecordBatch], kind: str) -> list[RecordBatch]:
    return [batch for batch in batches if batch.kind == kind]


def test_times_before_the_fix_are_put_right_by_what_was_known_later(tmp_path):
    batches, report = read(short_run().write(tmp_path / "a.mcap"))
    (poses,) = of_kind(batches, "pose")
    assert poses.clock == "utc"
    np.testing.assert_allclose(seconds(poses), np.arange(6) / 2, atol=1e-6)
    assert not poses.quality.any()
    assert report.messages == {
        "/raw/mox": 6,
        "/records/mox/gas": 6,
        "/records/autopilot/pose": 6,
        "/clock": 3,
    }
    assert report.truncated_at_byte is None
    assert report.damaged_bytes == 0
    assert len(report.warnings) == 1
    assert "31536000" in report.warnings[0]


def test_a_drifting_companion_clock_is_followed(tmp_path):
    run = Run()
    for second in range(100):
        run.clock(second, utc_s=second * 1.001)  # loses a millisecond a second
        run.record("x", second + 0.5, *gas("x", second + 0.5, 1.0))
    (readings,) = of_kind(read(run.write(tmp_path / "a.mcap"))[0], "gas")
    expected = (np.arange(100) + 0.5) * 1.001
    np.testing.assert_allclose(seconds(readings)[:-1], expected[:-1], atol=1e-6)
    assert seconds(readings)[-1] == pytest.approx(expected[-1], abs=6e-4)


def test_unsure_pairs_do_not_count_beside_sure_ones(tmp_path):
    run = Run()
    run.clock(0.0, utc_s=0.7, sigma_s=0.5)
    run.clock(1.0, utc_s=1.0, sigma_s=0.01)
    run.record("x", 0.25, *gas("x", 0.25, 1.0))
    (readings,) = of_kind(read(run.write(tmp_path / "a.mcap"))[0], "gas")
    assert seconds(readings) == [0.25]


def test_without_any_utc_the_companions_clock_is_told_to_be_poor(tmp_path):
    run = Run()
    run.clock(0.0)
    run.record("x", 0.5, *gas("x", 0.5, 1.0))
    batches, report = read(run.write(tmp_path / "a.mcap"))
    (readings,) = of_kind(batches, "gas")
    assert readings.time_ns.tolist() == [axis_of(0.5)]
    assert readings.quality.tolist() == [Quality.CLOCK_POOR]
    assert any("never known" in line for line in report.warnings)


def test_a_clock_that_was_set_during_the_flight_is_believed_without_gnss(tmp_path):
    run = Run()
    run.clock(0.0)
    told = {"utc_ns": axis_of(2.0), "sigma_s": 86_400.0, "source": "host"}
    run.message("/clock", 2.0, {**told, "host_step_s": COMPANION_BEHIND_NS / NS})
    run.record("x", 0.5, *gas("x", 0.5, 1.0))
    (readings,) = of_kind(read(run.write(tmp_path / "a.mcap"))[0], "gas")
    assert seconds(readings) == [0.5]
    assert readings.quality.tolist() == [Quality.CLOCK_POOR]


def test_a_file_full_before_the_fix_takes_the_time_of_the_next(tmp_path):
    early, late = Run(), Run()
    early.clock(0.0)
    early.record("x", 0.5, *gas("x", 0.5, 1.0))
    late.clock(10.0, utc_s=10.0)
    late.record("x", 10.5, *gas("x", 10.5, 1.0))
    first = early.write(tmp_path / "a_001.mcap")
    late.write(tmp_path / "a_002.mcap")
    Run(run="another").write(tmp_path / "a_000.mcap")
    (readings,) = of_kind(read(first)[0], "gas")
    assert seconds(readings) == [0.5]
    assert not readings.quality.any()


@pytest.mark.parametrize("chunk_bytes", [1, 256_000])
def test_a_sample_dated_far_from_when_it_came_is_of_when_it_came(chunk_bytes, tmp_path):
    run = Run()
    run.clock(0.0, utc_s=0.0)
    run.record("x", 5.0, *gas("x", 5.0, 1.0), arrival_s=5.1)
    run.record("x", 9e6, *gas("x", 9e6, 2.0), arrival_s=6.1)
    batches, report = read(run.write(tmp_path / "a.mcap", chunk_bytes=chunk_bytes))
    times = [one for batch in of_kind(batches, "gas") for one in seconds(batch)]
    np.testing.assert_allclose(times, [5.0, 6.1], atol=1e-5)
    assert any("1 of /records/x/gas are dated" in line for line in report.warnings)


FLOATS = st.one_of(st.just(math.nan), st.floats(allow_infinity=False, allow_nan=False))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.lists(FLOATS, min_size=3, max_size=3), min_size=1, max_size=8))
def test_values_come_back_bit_by_bit(rows, tmp_path):
    run = Run()
    run.clock(0.0, utc_s=0.0)
    for number, row in enumerate(rows):
        run.record("x", float(number), *gas("x", float(number), *row))
    path = tmp_path / "a.mcap"
    path.unlink(missing_ok=True)
    (readings,) = of_kind(read(run.write(path))[0], "gas")
    assert seconds(readings) == list(range(len(rows)))
    for place, name in enumerate("abc"):
        sent = [struct.pack("d", row[place]) for row in rows]
        back = [struct.pack("d", value) for value in readings.columns[name].tolist()]
        assert back == sent


def test_a_frame_whose_channels_differ_in_quality_keeps_all_of_it(tmp_path):
    run = Run()
    run.clock(0.0, utc_s=0.0)
    good, hot, void = Quality(0), Quality.WARMING_UP, Quality.MISSING | Quality.FAULT
    run.record("x", 0.5, *gas("x", 0.5, 1.0, 2.0, math.nan, quality=[good, hot, void]))
    found = {}
    for batch in of_kind(read(run.write(tmp_path / "a.mcap"))[0], "gas"):
        assert seconds(batch) == [0.5]
        for name, values in batch.columns.items():
            if np.isfinite(values[0]):
                found[name] = values[0], Quality(int(batch.quality[0]))
            else:
                assert name == "c"
    assert found == {"a": (1.0, good), "b": (2.0, hot)}


def test_a_name_that_two_devices_use_is_followed_by_the_devices(tmp_path):
    run = Run()
    run.clock(0.0, utc_s=0.0)
    run.record("left", 0.1, GasSample(0, "left", "pid", 1e-6, "1"))
    run.record("right-2", 0.1, GasSample(0, "right-2", "pid", 2e-6, "1"))
    run.record("right-2", 0.1, GasSample(0, "right-2", "PM2.5", 3e-9, "kg m-3"))
    names = {
        name
        for batch in of_kind(read(run.write(tmp_path / "a.mcap"))[0], "gas")
        for name in batch.columns
    }
    assert names == {"pid_left", "pid_right_2", "pm2_5"}


def test_what_is_no_gas_is_left_out_and_said(tmp_path):
    run = Run()
    run.clock(0.0, utc_s=0.0)
    readings = [GasSample(0, "x", name, 1.0, unit) for name, unit in (("a", "V"), ("t", "K"))]
    run.record("x", 0.1, *readings, GasSample(0, "x", "laser", 1.0, "m"))
    batches, report = read(run.write(tmp_path / "a.mcap"))
    assert [set(batch.columns) for batch in of_kind(batches, "gas")] == [{"a", "laser"}]
    assert any('channel t in "K" is no gas' in line for line in report.warnings)


def test_wind_felt_by_a_carried_anemometer_is_used_only_where_it_was_turned(tmp_path):
    run = Run()
    run.clock(0.0, utc_s=0.0)
    for second in range(4):
        felt = WindSample(second, "sonic", 0.0, -5.0, frame="vehicle")
        turned = [WindSample(second, "sonic", 1.0, 2.0)] if second > 0 else []
        run.record("sonic", float(second), felt)
        run.record("sonic", float(second) + 1e-6, *turned)  # worked out a moment later
    batches, report = read(run.write(tmp_path / "a.mcap"))
    (wind,) = of_kind(batches, "wind")
    np.testing.assert_allclose(seconds(wind), [1.0, 2.0, 3.0], atol=1e-5)
    assert wind.columns["northward"].tolist() == [2.0] * 3
    assert any("1 of 4 readings of a carried anemometer" in line for line in report.warnings)


def test_air_and_events_come_too(tmp_path):
    run = Run()
    run.clock(0.0, utc_s=0.0)
    run.record("sht", 1.0, EnvironmentSample(0, "sht", 290.0, 0.5))
    run.record("autopilot", 2.0, Event(0, "autopilot", "mode", "AUTO"))
    run.message("/alarms", 3.0, {"source": "pid", "channel": "a", "state": "begin"})
    batches, _ = read(run.write(tmp_path / "a.mcap"))
    (air,) = of_kind(batches, "environment")
    assert (air.columns["temperature"][0], air.columns["relative_humidity"][0]) == (290.0, 0.5)
    assert np.isnan(air.columns["pressure"][0])
    events = of_kind(batches, "event")
    assert [(seconds(one), one.columns["text"][0]) for one in events] == [
        ([2.0], "AUTO"),
        ([3.0], "pid a begin"),
    ]


def test_what_the_recorder_wrote_is_read(tmp_path):
    now_ns = 5 * NS
    anchor_ns = UTC_NS - now_ns
    with Recorder(
        tmp_path, name="t", anchor_ns=anchor_ns, clock_is_trusted=True, monotonic_ns=lambda: now_ns
    ) as recorder:
        recorder.raw("x", b"1.5\r\n", now_ns)
        recorder.record("x", gas("x", 0.0, 1.5), now_ns, now_ns)
        recorder.record("autopilot", [pose(0.0)], now_ns, now_ns)
        told = {"utc_ns": UTC_NS, "sigma_s": 0.01, "source": "vehicle", "host_step_s": None}
        recorder.message("/clock", told, now_ns)
    (path,) = recorder.files
    summary = summarise(path)
    assert summary["format"] == "mcap"
    assert summary["bounding_box"] == [5.0, 52.0, 5.0, 52.0]
    (readings,) = of_kind(read(path)[0], "gas")
    assert seconds(readings) == [0.0]
    assert readings.columns["a"].tolist() == [1.5]


def test_bytes_that_nothing_was_made_of_are_counted(tmp_path):
    run = Run()
    for number in range(500):
        run.raw("x", number / 10, b"?" * 50, peer="one" if number % 2 else "other")
    batches, report = read(run.write(tmp_path / "a.mcap", chunk_bytes=4000))
    assert batches == []
    assert report.messages == {"/raw/x": 500}


def test_long_recordings_are_read_in_pieces(tmp_path):
    run = Run()
    for step in range(20_000):
        time_s = step / 20
        run.record("x", time_s, *gas("x", time_s, float(step), 0.5, 0.25))
        if step % 20 == 0:
            run.clock(time_s, utc_s=time_s)
    path = run.write(tmp_path / "a.mcap", chunk_bytes=3000)
    batches, _ = read(path, chunk_bytes=100_000)
    assert len(of_kind(batches, "gas")) > 20
    values = np.concatenate([one.columns["a"] for one in of_kind(batches, "gas")])
    assert values.tolist() == list(range(20_000))
    times = np.concatenate([one.time_ns for one in of_kind(batches, "gas")])
    np.testing.assert_allclose((times - UTC_NS) / NS, np.arange(20_000) / 20, atol=1e-6)


def test_a_newer_version_is_read_with_one_warning(tmp_path):
    run = Run(version="7")
    run.clock(0.0, utc_s=0.0)
    run.record("x", 0.1, *gas("x", 0.1, 1.0))
    batches, report = read(run.write(tmp_path / "a.mcap"))
    assert len(of_kind(batches, "gas")) == 1
    (line,) = [line for line in report.warnings if "newer version" in line]
    assert "layout 7" in line


def test_messages_that_are_not_as_their_schema_says_are_left_out_and_said(tmp_path):
    path = tmp_path / "a.mcap"
    with path.open("wb") as stream:
        writer = Writer(stream)
        writer.start(profile="sniffdrone", library="x")
        bodies = {
            "gas": [b"{}", b"[1]", b"not json", b'{"channels":["a"],"values":[1,2],"units":["V"]}'],
            "pose": [b"7", b'{"latitude":"north"}'],
            "event": [b'{"kind":"x"}', b'{"kind":"x","text":"y"}'],
        }
        for role, messages in bodies.items():
            told = {"role": role, "source": "x"}
            number = writer.register_channel(f"/records/x/{role}", "json", 0, told)
            for body in messages:
                writer.add_message(number, 1, body, 1)
        writer.finish()
    batches, report = read(path)
    (batch,) = batches
    assert batch.columns["text"].tolist() == ["y"]
    said = [line for line in report.warnings if "not as their schema says" in line]
    assert len(said) == 3


def test_another_programs_mcap_is_refused_in_one_line(tmp_path):
    path = tmp_path / "robot.mcap"
    with path.open("wb") as stream:
        writer = Writer(stream)
        writer.start(profile="ros2", library="x")
        number = writer.register_channel("/imu", "cdr", 0)
        writer.add_message(number, 1, b"abc", 1)
        writer.finish()
    with pytest.raises(FormatError, match="no recording of sniffdrone") as caught:
        read(path)
    assert "\n" not in str(caught.value)
