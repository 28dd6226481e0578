"""Telemetry logs: nothing pymavlink finds is lost, and times are the vehicle's."""

from __future__ import annotations

import collections
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from pymavlink import mavutil
from pymavlink.dialects.v20 import all as mavlink

from firmware_bridge.formats import tlog
from firmware_bridge.formats._mavlink_dialect import dialect
from firmware_bridge.formats._mavlink_frames import find_frames
from firmware_bridge.logfile import ReadReport, read_log
from sensors.records import Quality, RecordBatch
from tests import log_samples as truth

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "golden_vectors.json").read_text())
MAVLINK_VECTORS = [
    vector for vector in VECTORS["vectors"] if vector["device"] in {"mavlink", "tlog"}
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "flight.tlog"
    truth.write_tlog(path)
    return path


def read(path: Path, **options: int) -> tuple[list[RecordBatch], ReadReport]:
    report = ReadReport(path=path, **options)
    return list(read_log(path, report)), report


def of(batches: list[RecordBatch], kind: str) -> RecordBatch:
    (found,) = [batch for batch in batches if batch.kind == kind]
    return found


def pymavlink_counts(path: Path) -> collections.Counter[str]:
    """Messages of known type, as pymavlink counts them in its robust mode."""
    connection = mavutil.mavlink_connection(str(path), dialect="all")
    counts: collections.Counter[str] = collections.Counter()
    while (message := connection.recv_match()) is not None:
        counts[message.get_type()] += 1
    connection.close()
    return collections.Counter(
        {name: count for name, count in counts.items() if name in dialect().identifiers}
    )


def damaged(octets: bytes, rng: np.random.Generator, *, wounds: int) -> bytes:
    """The same with flipped bits, lost stretches and garbage put in."""
    data = bytearray(octets)
    for place in rng.integers(0, len(data) - 300, wounds).tolist():
        match int(rng.integers(3)):
            case 0:
                data[place] ^= 1 << int(rng.integers(8))
            case 1:
                del data[place : place + int(rng.integers(1, 200))]
            case _:
                data[place:place] = rng.bytes(int(rng.integers(1, 300)))
    return bytes(data)


def test_every_layout_is_as_long_as_pymavlink_says():
    for message in mavlink.mavlink_map.values():
        assert dialect().layouts[message.msgname].itemsize == message.unpacker.size


@pytest.mark.parametrize("vector", MAVLINK_VECTORS, ids=lambda vector: vector["name"])
def test_golden_vectors_frame_as_expected(vector):
    data = np.frombuffer(bytes.fromhex(vector["hex"]), np.uint8)
    frames = find_frames(data, dialect(), position=0, frame_end=0, is_last=True).frames
    expected = [frame["kind"] for frame in vector["expect"].get("frames", [])]
    assert [dialect().name(int(number)) for number in frames.message_id] == expected


@pytest.mark.parametrize(
    "vector",
    [vector for vector in MAVLINK_VECTORS if vector["expect"].get("frames")],
    ids=lambda vector: vector["name"],
)
def test_golden_vectors_decode_as_expected(vector):
    data = np.frombuffer(bytes.fromhex(vector["hex"]), np.uint8)
    frames = find_frames(data, dialect(), position=0, frame_end=0, is_last=True).frames
    for row, expected in enumerate(vector["expect"]["frames"]):
        fields = dialect().decode(expected["kind"], data, frames.rows(np.array([row])))
        for name, value in expected.get("raw", {}).items():
            found = fields[name][0]
            if isinstance(value, str) and value != "NaN":
                assert found.decode() == value
            else:
                np.testing.assert_allclose(found, np.float64(value), rtol=1e-6)
        if "received_unix_us" in expected:
            assert frames.received_us[row] == expected["received_unix_us"]


def test_an_unknown_message_counts_only_between_records(tmp_path):
    (vector,) = [v for v in MAVLINK_VECTORS if v["name"] == "mav_unknown_msgid"]
    unknown, known = (bytes.fromhex(vector["hex"])[half : half + 40] for half in (0, 40))
    stamp = struct.pack(">Q", int(truth.UTC_S * 1e6))
    path = tmp_path / "unknown.tlog"
    path.write_bytes(b"".join(stamp + frame for frame in (known, unknown, known)))
    _, report = read(path)
    assert report.messages == {"GLOBAL_POSITION_INT": 2, "UNKNOWN_43605": 1}


def test_intact_file_has_what_pymavlink_finds(log):
    _, report = read(log)
    assert report.messages == pymavlink_counts(log)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_file_keeps_what_pymavlink_finds(seed, log):
    rng = np.random.default_rng(seed)
    log.write_bytes(damaged(log.read_bytes(), rng, wounds=40))
    _, report = read(log, chunk_bytes=4096 if seed % 2 else 1 << 20)
    expected = pymavlink_counts(log)
    assert not expected - collections.Counter(report.messages)
    assert sum(report.messages.values()) > 200
    assert report.damaged_bytes > 0


@pytest.mark.parametrize("name", ["autopilot_logs/dronekit_flight", "autopilot_sitl/survey_a"])
def test_real_files_damaged_keep_what_pymavlink_finds(name, tmp_path, shared_data):
    path = tmp_path / "part.tlog"
    part = (shared_data / f"{name}.tlog").read_bytes()[200_000:500_000]
    path.write_bytes(damaged(part, np.random.default_rng(5), wounds=200))
    _, report = read(path)
    assert not pymavlink_counts(path) - collections.Counter(report.messages)


def test_times_are_the_vehicles_whatever_the_recorders_clock(log):
    octets = log.read_bytes()
    batches, _ = read(log)
    pose, wind, clock = (of(batches, kind) for kind in ("pose", "wind", "clock"))
    boot_ns = round(truth.BOOT_S * 1e9)
    np.testing.assert_array_equal(pose.time_ns - boot_ns, np.round(truth.TIME_S * 1e3) * 10**6)
    np.testing.assert_array_equal(
        clock.columns["utc_ns"] - clock.time_ns, truth.UTC_S * 10**9 - boot_ns
    )
    np.testing.assert_allclose((wind.time_ns - boot_ns) / 1e9, truth.TIME_S[::5], atol=1e-3)
    assert {batch.clock for batch in batches} == {"boot"}
    assert all(wind.quality & Quality.INTERPOLATED)
    # two recorders, one an hour ahead: the same times
    shift = int((truth.UTC_S + truth.RECEIVER_AHEAD_S + 3600) * 1e6).to_bytes(8, "big")[:3]
    log.write_bytes(octets.replace(octets[:3], shift))
    again, _ = read(log)
    np.testing.assert_array_equal(of(again, "wind").time_ns, wind.time_ns)


def test_without_utc_times_are_the_recorders(tmp_path):
    path = tmp_path / "no_utc.tlog"
    truth.write_tlog(path, knows_utc=False)
    batches, report = read(path)
    pose = of(batches, "pose")
    assert pose.clock == "receiver"
    assert not [batch for batch in batches if batch.kind == "clock"]
    ahead_ns = pose.time_ns - round((truth.UTC_S + truth.RECEIVER_AHEAD_S) * 1e9)
    np.testing.assert_allclose(ahead_ns / 1e9, truth.TIME_S, atol=1e-5)
    assert any("no UTC" in warning for warning in report.warnings)


def test_a_wrap_of_the_boot_clock_is_no_jump(tmp_path):
    path = tmp_path / "wrap.tlog"
    truth.write_tlog(path, first_boot_ms=(1 << 32) - 12_345)
    batches, report = read(path)
    steps_s = np.diff(of(batches, "pose").time_ns) / 1e9
    np.testing.assert_allclose(steps_s, 0.1)
    assert report.clock_jumps == []


def test_after_a_reboot_times_stay_on_one_line(tmp_path):
    paths = tmp_path / "a.tlog", tmp_path / "b.tlog"
    truth.write_tlog(paths[0])
    truth.write_tlog(paths[1], first_boot_ms=7_000)
    late = bytearray(paths[1].read_bytes())
    whole = tmp_path / "reboot.tlog"
    whole.write_bytes(paths[0].read_bytes() + bytes(late))
    batches, report = read(whole)
    (jump,) = report.clock_jumps
    assert jump["kind"] == "autopilot rebooted"
    assert jump["seconds"] == pytest.approx(7.0 - (truth.BOOT_S + truth.TIME_S[-1]), abs=0.01)
    # both halves tell the same UTC, so on one line they lie on each other
    for clock in (batch for batch in batches if batch.kind == "clock"):
        offsets = clock.columns["utc_ns"] - clock.time_ns
        assert np.ptp(offsets) == 0


def test_no_fix_and_doubled_messages_make_no_positions(tmp_path):
    log = truth._Tlog()
    for number in range(4):
        boot_ms, latitude = 1000 + 100 * number, 0 if number < 2 else 520000000
        message = mavlink.MAVLink_global_position_int_message(
            boot_ms, latitude, latitude // 10, 2000, 0, 0, 0, 0, 65535
        )
        log.add(number / 10, message)
        octets = log.stream.getvalue()
        log.stream.write(octets[octets.rindex(b"\xfd", 0, len(octets) - 20) - 8 :])
    path = tmp_path / "doubled.tlog"
    path.write_bytes(log.stream.getvalue())
    batches, _ = read(path)
    pose = of(batches, "pose")
    assert len(pose) == 4
    np.testing.assert_array_equal(np.isnan(pose.columns["latitude"]), [True, True, False, False])
    np.testing.assert_array_equal(pose.quality & Quality.MISSING, [1, 1, 0, 0])


def test_height_above_ground_needs_a_valid_range(tmp_path):
    log = truth._Tlog()
    for number, (distance, orientation, signal) in enumerate(
        [(500, 25, 0), (9000, 25, 0), (500, 0, 0), (500, 25, 1)]
    ):
        boot_ms, time_s = 10_000 * (number + 1), 10.0 * number
        log.add(
            time_s,
            mavlink.MAVLink_distance_sensor_message(
                boot_ms, 20, 4000, distance, 0, 1, orientation, 255, signal_quality=signal
            ),
        )
        log.add(
            time_s,
            mavlink.MAVLink_global_position_int_message(
                boot_ms, 520000000, 50000000, 2000, 0, 0, 0, 0, 65535
            ),
        )
    path = tmp_path / "ranges.tlog"
    path.write_bytes(log.stream.getvalue())
    height = of(read(path)[0], "pose").columns["height_above_ground_m"]
    np.testing.assert_array_equal(height, [5.0, np.nan, np.nan, np.nan])


def test_another_vehicle_and_the_ground_station_are_left_out(tmp_path):
    log = truth._Tlog()
    for number in range(20):
        for system, latitude in ((1, 520000000), (2, 530000000), (255, 540000000)):
            if system != 2 or number < 5:
                message = mavlink.MAVLink_global_position_int_message(
                    1000 + number, latitude, latitude, 2000, 0, 0, 0, 0, 65535
                )
                log.add(number / 10, message, system=system)
    path = tmp_path / "two.tlog"
    path.write_bytes(log.stream.getvalue())
    batches, report = read(path)
    np.testing.assert_array_equal(of(batches, "pose").columns["latitude"], 52.0)
    assert any("holds vehicle 1; 2 left out" in warning for warning in report.warnings)


def test_long_texts_are_joined(tmp_path):
    log = truth._Tlog()
    for part, text in enumerate((b"a" * 50, b"bcd")):
        log.add(0.0, mavlink.MAVLink_statustext_message(4, text, 9, part))
    path = tmp_path / "text.tlog"
    path.write_bytes(log.stream.getvalue())
    assert of(read(path)[0], "event").columns["text"].tolist() == ["a" * 50 + "bcd"]


def test_cut_is_told_apart_from_damage(log):
    whole = log.read_bytes()
    log.write_bytes(whole[:-5])
    _, report = read(log)
    assert report.truncated_at_byte is not None
    assert report.truncated_at_byte < len(whole) - 5
    assert report.damaged_bytes == 0
    log.write_bytes(whole[:-5] + b"\x00\x01\x02\x03\x04")
    _, report = read(log)
    assert report.truncated_at_byte is None
    assert report.damaged_bytes > 0


def test_sniffing_needs_two_records(tmp_path):
    path = tmp_path / "one.tlog"
    frame = next(v for v in MAVLINK_VECTORS if v["name"] == "mav_v1_framing")["hex"]
    path.write_bytes(bytes(8) + bytes.fromhex(frame))
    assert tlog.sniff(path)
    path.write_bytes(bytes(8) + bytes.fromhex(frame) + b"no record follows")
    assert not tlog.sniff(path)


def test_survey_wind_is_what_the_readme_measured(shared_data):
    batches, _ = read(shared_data / "autopilot_sitl" / "survey_a.tlog")
    wind = of(batches, "wind")
    good = (wind.quality & Quality.MISSING) == 0
    east, north = (np.mean(wind.columns[name][good]) for name in ("eastward", "northward"))
    assert np.hypot(east, north) == pytest.approx(3.27, abs=0.02)
    assert np.degrees(np.arctan2(-east, -north)) % 360 == pytest.approx(240.9, abs=0.3)
