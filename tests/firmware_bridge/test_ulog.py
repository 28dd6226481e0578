"""PX4 logs: what pyulog finds, decoded to the same values."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from pyulog import ULog

from firmware_bridge.formats._ulog_frames import find_messages
from firmware_bridge.formats._ulog_window import Definitions
from firmware_bridge.logfile import ReadReport, read_log
from sensors.errors import FormatError
from sensors.records import Quality, RecordBatch
from tests import log_samples as truth

REAL = ["px4_sample_log_small.ulg", "px4_sample_px4_events.ulg"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "flight.ulg"
    truth.write_ulog(path)
    return path


def read(path: Path, **options: int) -> tuple[list[RecordBatch], ReadReport]:
    report = ReadReport(path=path, **options)
    return list(read_log(path, report)), report


def of(batches: list[RecordBatch], kind: str) -> RecordBatch:
    (found,) = [batch for batch in batches if batch.kind == kind]
    return found


def pyulog_counts(path: Path) -> dict[str, int]:
    return {
        data.name if data.multi_id == 0 else f"{data.name}[{data.multi_id}]": len(
            data.data["timestamp"]
        )
        for data in ULog(str(path)).data_list
    }


def data_counts(report: ReadReport) -> dict[str, int]:
    return {
        name: count for name, count in report.messages.items() if name not in {"LOGGING", "DROPOUT"}
    }


def test_intact_file_has_what_pyulog_finds(log):
    assert data_counts(read(log)[1]) == pyulog_counts(log)


@pytest.mark.parametrize("name", REAL)
def test_real_logs_have_what_pyulog_finds(name, shared_data):
    path = shared_data / "autopilot_logs" / name
    batches, report = read(path)
    assert data_counts(report) == pyulog_counts(path)
    assert report.damaged_bytes == 0
    oracle = ULog(str(path))
    assert report.messages.get("DROPOUT", 0) == len(oracle.dropouts)
    assert report.messages["LOGGING"] == len(oracle.logged_messages)
    pose = of(batches, "pose")
    data = oracle.get_dataset(pose.source).data
    latitude = data["lat"] * (1e-7 if data["lat"].dtype.kind == "i" else 1.0)
    np.testing.assert_allclose(pose.columns["latitude"], latitude, rtol=1e-12)


@pytest.mark.parametrize("name", REAL)
def test_real_logs_cut_have_what_pyulog_finds(name, shared_data, tmp_path):
    whole = (shared_data / "autopilot_logs" / name).read_bytes()
    rng = np.random.default_rng(3)
    for cut in rng.integers(len(whole) // 3, len(whole), 3).tolist():
        path = tmp_path / f"cut_{cut}.ulg"
        path.write_bytes(whole[:cut])
        _, report = read(path, chunk_bytes=100_000)
        assert data_counts(report) == pyulog_counts(path)
        assert report.truncated_at_byte is None or cut - report.truncated_at_byte < 70_000


def test_positions_are_integers_in_old_logs_and_doubles_in_new(tmp_path):
    for old, fields, form, values in (
        (True, "int32_t lat;int32_t lon;int32_t alt;", "iii", (520907000, 51214000, 12_000)),
        (
            False,
            "double latitude_deg;double longitude_deg;double altitude_msl_m;",
            "ddd",
            (52.0907, 5.1214, 12.0),
        ),
    ):
        topic = f"sensor_gps:uint64_t timestamp;uint64_t time_utc_usec;{fields}uint8_t fix_type;"
        octets = truth.ULOG_HEADER + truth.ulog_message("F", topic.encode())
        octets += truth.ulog_message("A", struct.pack("<BH", 0, 7) + b"sensor_gps")
        for fix in (2, 3):
            payload = struct.pack("<HQQ" + form + "B", 7, 10**6, 0, *values, fix)
            octets += truth.ulog_message("D", payload)
        path = tmp_path / f"{old}.ulg"
        path.write_bytes(octets)
        pose = of(read(path)[0], "pose")
        np.testing.assert_allclose(pose.columns["latitude"], [np.nan, 52.0907])
        np.testing.assert_allclose(pose.columns["altitude_amsl_m"], [np.nan, 12.0])
        np.testing.assert_array_equal(pose.quality, [Quality.MISSING, 0])


def test_samples_are_stamped_when_they_were_taken(log):
    pose = of(read(log)[0], "pose")  # published 5 ms later
    np.testing.assert_array_equal(
        pose.time_ns, np.round((truth.BOOT_S + truth.TIME_S) * 1e6).astype(np.int64) * 1000
    )


def test_the_first_wind_instance_is_used(tmp_path):
    octets = truth.ulog_definitions()
    octets += truth.ulog_message("A", struct.pack("<BH", 1, 90) + b"wind")
    octets += truth.ulog_data("wind", "Qff", 10**7, 1.0, 2.0)
    octets += truth.ulog_message("D", struct.pack("<HQff", 90, 10**7, 30.0, 40.0))
    path = tmp_path / "winds.ulg"
    path.write_bytes(octets)
    batches, report = read(path)
    assert report.messages == {"wind": 1, "wind[1]": 1}
    wind = of(batches, "wind")
    assert (wind.columns["northward"][0], wind.columns["eastward"][0]) == (1.0, 2.0)


def test_drop_outs_are_told(log):
    whole = log.read_bytes()
    log.write_bytes(whole + truth.ulog_message("O", struct.pack("<H", 1500)))
    batches, report = read(log)
    assert report.messages["DROPOUT"] == 1
    assert any("1 times, 1.5 s in all" in warning for warning in report.warnings)
    texts = [text for b in batches if b.kind == "event" for text in b.columns["text"]]
    assert "1.500 s not logged" in texts


def test_appended_data_follow_a_log_that_was_cut(log):
    whole = log.read_bytes()
    _, uncut = read(log)
    middle = whole.index(truth.ulog_data("vehicle_air_data", "Qf", 52_000_000, truth.PRESSURE_PA))
    first, rest = whole[:middle] + whole[middle : middle + 7], whole[middle:]
    flags = bytearray(40)
    flags[8] = 1
    flags[16:24] = struct.pack("<Q", len(first))
    at = len(truth.ULOG_HEADER) + 3
    log.write_bytes(first[:at] + bytes(flags) + first[at + 40 :] + rest)
    for chunk_bytes in (1000, 1 << 20):
        _, report = read(log, chunk_bytes=chunk_bytes)
        assert report.messages == uncut.messages  # pyulog forgets its subscriptions there
        assert report.truncated_at_byte is None
        assert report.damaged_bytes == 0


def test_a_newer_log_is_refused_by_name(log):
    octets = bytearray(log.read_bytes())
    octets[len(truth.ULOG_HEADER) + 3 + 8] = 0x02
    log.write_bytes(octets)
    with pytest.raises(FormatError, match="feature of ULog we do not know"):
        read(log)


def test_damage_in_the_middle_costs_little(log):
    octets = bytearray(log.read_bytes())
    middle = len(octets) // 2
    octets[middle : middle + 60] = np.random.default_rng(0).bytes(60)
    log.write_bytes(octets)
    _, report = read(log)
    assert sum(data_counts(report).values()) > 430  # of 451
    assert 0 < report.damaged_bytes < 300


def test_a_data_message_waits_for_its_subscription():
    definitions = Definitions()
    data = np.frombuffer(
        truth.ulog_message("D", struct.pack("<HQ", 3, 5)) + truth.ulog_message("S", bytes(8)),
        np.uint8,
    )
    scan = find_messages(data, definitions.sizes, position=0, is_last=True)
    assert (scan.start.size, scan.asks_for) == (0, 3)
    definitions.accept_any_size(3)
    scan = find_messages(data, definitions.sizes, position=0, is_last=True)
    assert scan.topic.tolist() == [3, -1]


def test_nested_formats_have_their_size():
    definitions = Definitions()
    definitions.learn_format(b"inner:uint8_t a;float b;")
    definitions.learn_format(
        b"outer:uint64_t timestamp;inner[2] pair;char[5] name;uint8_t[3] _padding0;"
    )
    definitions.learn_format(b"endless:uint64_t timestamp;endless self;")
    definitions.subscribe(struct.pack("<BH", 0, 1) + b"outer")
    definitions.subscribe(struct.pack("<BH", 0, 2) + b"endless")
    assert definitions.sizes.most[1] == 2 + 8 + 2 * 5 + 5 + 3
    assert definitions.sizes.least[1] == 2 + 8 + 2 * 5 + 5
    assert definitions.sizes.most[2] == 0
