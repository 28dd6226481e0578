"""ArduPilot logs: what pymavlink's reader finds, decoded to the same values."""

from __future__ import annotations

import collections
import contextlib
import io
import struct
from pathlib import Path

import numpy as np
import pytest
from pymavlink import DFReader

from firmware_bridge.logfile import ReadReport, read_log
from sensors.records import Quality, RecordBatch
from tests import log_samples as truth


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "flight.BIN"
    truth.write_dataflash(path)
    return path


def read(path: Path, **options: int) -> tuple[list[RecordBatch], ReadReport]:
    report = ReadReport(path=path, **options)
    return list(read_log(path, report)), report


def of(batches: list[RecordBatch], kind: str, source: str = "") -> RecordBatch:
    (found,) = [b for b in batches if b.kind == kind and source in {"", b.source}]
    return found


def pymavlink_messages(path: Path) -> list[DFReader.DFMessage]:
    messages = []
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        reader = DFReader.DFReader_binary(str(path))
        while (message := reader.recv_msg()) is not None:
            messages.append(message)
        reader.close()
        reader.data_map.close()
        reader.filehandle.close()
    return messages


def pymavlink_counts(path: Path) -> collections.Counter[str]:
    return collections.Counter(message.get_type() for message in pymavlink_messages(path))


def test_intact_file_has_what_pymavlink_finds(log):
    assert read(log)[1].messages == pymavlink_counts(log)


@pytest.mark.parametrize(
    "name", ["autopilot_logs/ardupilot_log171.bin", "autopilot_sitl/survey_a.BIN"]
)
def test_real_logs_have_what_pymavlink_finds(name, shared_data, tmp_path):
    part = tmp_path / "part.BIN"
    part.write_bytes((shared_data / name).read_bytes()[:1_000_000])
    batches, report = read(part)
    messages = pymavlink_messages(part)
    assert report.messages == collections.Counter(message.get_type() for message in messages)
    positions = of(batches, "pose")
    expected = [message for message in messages if message.get_type() == positions.source]
    good = (positions.quality & Quality.MISSING) == 0
    for field, name_ in (("latitude", "Lat"), ("longitude", "Lng"), ("altitude_amsl_m", "Alt")):
        values = np.array([getattr(message, name_) for message in expected])
        np.testing.assert_allclose(positions.columns[field][good], values[good], rtol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_file_keeps_what_pymavlink_finds(seed, log):
    rng = np.random.default_rng(seed)
    octets = bytearray(log.read_bytes())
    first = len(truth.dataflash_formats())  # a broken format declaration is another matter
    for place in rng.integers(first, len(octets) - 100, 30).tolist():
        if rng.random() < 0.5:
            del octets[place : place + int(rng.integers(1, 60))]
        else:
            octets[place:place] = rng.bytes(int(rng.integers(1, 60)))
    log.write_bytes(octets)
    _, report = read(log, chunk_bytes=2000 if seed % 2 else 1 << 20)
    assert not pymavlink_counts(log) - collections.Counter(report.messages)
    assert report.damaged_bytes > 0


def test_utc_is_the_gps_time_less_leap_seconds(log):
    batches, _ = read(log)
    clock = of(batches, "clock")
    boot_ns = round(truth.BOOT_S * 1e9)
    np.testing.assert_array_equal(
        clock.columns["utc_ns"] - clock.time_ns, truth.UTC_S * 10**9 - boot_ns
    )


def test_wind_is_that_of_the_core_in_use(log):
    batches, _ = read(log)
    wind = of(batches, "wind")
    assert wind.source == "XKF2"
    assert len(wind) == truth.TIME_S.size  # the sample says core 1; core 0 has another wind
    good = (wind.quality & Quality.MISSING) == 0
    np.testing.assert_allclose(wind.columns["eastward"][good], truth.EAST, atol=0.006)


def test_gas_is_on_the_clock_it_was_stamped_with(log):
    gas = of(read(log)[0], "gas")
    assert gas.units == {"ch4": "1e-6"}
    np.testing.assert_array_equal(
        gas.time_ns, np.round((truth.BOOT_S + truth.TIME_S[::10]) * 1e3).astype(np.int64) * 10**6
    )


def test_receiver_positions_need_a_fix(tmp_path):
    parts = [truth.dataflash_formats()]
    for number, status in enumerate((1, 2, 3, 6)):
        place = 520000000, 50000000, 1000
        parts.append(
            truth.dataflash_message("GPS", number * 10**6, 0, status, 1000, 2400, 9, 90, *place)
        )
    path = tmp_path / "gps.BIN"
    path.write_bytes(b"".join(parts))
    batches, _ = read(path)
    pose = of(batches, "pose")
    assert pose.source == "GPS"
    np.testing.assert_array_equal(np.isnan(pose.columns["latitude"]), [True, True, False, False])
    assert len(of(batches, "clock")) == 2


def test_a_damaged_stamp_moves_no_sample(log):
    octets = bytearray(log.read_bytes())
    header = bytes([0xA3, 0x95, truth._DATAFLASH["POS"][0]])
    places = []
    at = octets.find(header)
    while at >= 0:
        places.append(at)
        at = octets.find(header, at + 1)
    octets[places[50] + 3 + 4] ^= 0x08  # 9.5 hours later
    log.write_bytes(octets)
    batches, report = read(log)
    times_s = of(batches, "pose").time_ns / 1e9 - truth.BOOT_S
    np.testing.assert_allclose(times_s, truth.TIME_S, atol=0.11)
    assert report.clock_jumps == []


def test_a_message_that_lost_bytes_is_counted_but_not_believed(log):
    octets = bytearray(log.read_bytes())
    at = octets.rindex(bytes([0xA3, 0x95, truth._DATAFLASH["POS"][0]]))
    del octets[at + 10 : at + 14]
    log.write_bytes(octets)
    batches, report = read(log)
    assert report.messages["POS"] == truth.TIME_S.size
    assert len(of(batches, "pose")) == truth.TIME_S.size - 1


def test_padding_of_a_flash_page_is_no_damage(log):
    log.write_bytes(log.read_bytes() + b"\xff" * 200)
    _, report = read(log)
    assert report.truncated_at_byte is None
    assert report.damaged_bytes == 0


def test_without_gps_it_says_that_times_count_from_boot(tmp_path):
    path = tmp_path / "boot.BIN"
    path.write_bytes(truth.dataflash_formats() + truth.dataflash_message("MSG", 10**6, b"hello"))
    _, report = read(path)
    assert any("count from boot" in warning for warning in report.warnings)


def test_old_logs_have_milliseconds_and_gps_week(tmp_path):
    form = "GPS", 130, "BIHBcLLeeEefI"
    columns = "Status,TimeMS,Week,NSats,HDop,Lat,Lng,RelAlt,Alt,Spd,GCrs,VZ,T"
    body = struct.pack(
        "<BIHBhiiiiIifI", 3, 3_600_000, 1871, 9, 90, 520000000, 50000000, 0, 1000, 0, 0, 0.0, 5000
    )
    declared = truth.dataflash_message(
        "FMT", 130, 3 + len(body), *(text.encode() for text in (form[0], form[2], columns))
    )
    path = tmp_path / "old.bin"
    path.write_bytes(
        truth.dataflash_formats()[:89] + declared + (b"\xa3\x95" + bytes([130]) + body) * 2
    )
    batches, _ = read(path)
    clock = of(batches, "clock")
    np.testing.assert_array_equal(clock.time_ns, 5 * 10**9)
    expected_s = 315_964_800 + 1871 * 604_800 + 3600 - 18
    np.testing.assert_array_equal(clock.columns["utc_ns"], expected_s * 10**9)
