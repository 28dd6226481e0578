"""What `info` says: the same facts from every format, in JSON that any program reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.extent import Extent, LogUtc, Place
from firmware_bridge.logfile import ReadReport
from firmware_bridge.summary import render, summarise
from sensors.errors import FormatError
from sensors.records import Quality, RecordBatch
from tests import log_samples as truth

KEYS = {
    "path",
    "format",
    "start",
    "end",
    "messages",
    "gaps",
    "bounding_box",
    "wind_source",
    "clock_jumps",
    "truncated_at_byte",
}


def positions(
    seconds: list[float], longitude: list[float] | None = None, *, missing: tuple[int, ...] = ()
) -> RecordBatch:
    time_ns = np.round(np.array(seconds) * 1e9).astype(np.int64)
    columns = {
        "latitude": np.linspace(52.0, 52.1, time_ns.size),
        "longitude": np.array(longitude or np.linspace(5.0, 5.1, time_ns.size)),
    }
    quality = np.zeros(time_ns.size, np.uint16)
    quality[list(missing)] = Quality.MISSING
    return RecordBatch("pose", "POS", time_ns, columns, "utc", {}, quality)


def gaps_s(*batches: RecordBatch) -> list[float]:
    extent = Extent()
    for batch in batches:
        extent.add(batch)
    return [gap["seconds"] for gap in extent.gaps(LogUtc(None))]


@pytest.mark.parametrize("name", sorted(truth.WRITERS))
def test_every_format_tells_the_same_facts(name, tmp_path):
    path = tmp_path / "sample.log"
    truth.WRITERS[name](path)
    summary = json.loads(json.dumps(summarise(path), allow_nan=False))
    assert set(summary) == KEYS
    assert summary["format"] == name
    assert summary["gaps"] == summary["clock_jumps"] == []
    assert summary["truncated_at_byte"] is None
    fastest = max(summary["messages"].values(), key=lambda said: said["count"])
    assert fastest["rate_hz"] == pytest.approx(fastest["count"] / 29.9, abs=0.01)
    if name == "bmerawdata":  # no positions, no wind, and stamps of whole seconds
        assert summary["bounding_box"] is summary["wind_source"] is None
        assert abs(seconds_of(summary["start"]) - truth.UTC_S) < 0.1
        assert abs(seconds_of(summary["end"]) - truth.UTC_S - 29.9) < 0.1
        return
    assert summary["start"] == "2026-11-21T00:40:00.000Z"
    assert summary["end"] == "2026-11-21T00:40:29.900Z"
    west, south, east, north = summary["bounding_box"]
    assert (south, north) == pytest.approx((truth.LATITUDE[0], truth.LATITUDE[-1]), abs=1e-6)
    assert (west, east) == pytest.approx((truth.LONGITUDE[-1], truth.LONGITUDE[0]), abs=1e-6)
    assert summary["wind_source"] == ("anemometer" if name in {"csv", "netcdf"} else "autopilot")


def seconds_of(iso):
    return np.datetime64(iso.rstrip("Z"), "ms").astype(int) / 1e3


def test_gaps_are_those_between_good_positions():
    assert gaps_s(positions([0.0, 2.0, 4.1, 5.0])) == [2.1]
    assert gaps_s(positions([0.0, 1.0, 2.0, 3.0], missing=(1, 2))) == [3.0]
    assert gaps_s(positions([0.0, 1.0, 9.0], missing=(0, 1))) == []


def test_a_gap_between_batches_is_found():
    assert gaps_s(positions([0.0, 1.0]), positions([11.0, 12.0])) == [10.0]
    assert gaps_s(positions([10.0, 11.0]), positions([0.0, 1.0]), positions([12.0])) == []


def test_the_box_is_the_short_way_round_the_antimeridian():
    place = Place()
    place.add(positions([0.0, 1.0], [179.9, -179.8]))
    west, _, east, _ = place.box() or []
    assert (west, east) == pytest.approx((179.9, -179.8))
    assert Place().box() is None


def test_a_torn_file_says_where_it_ends(tmp_path):
    path = tmp_path / "torn.tlog"
    truth.write_tlog(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    report = ReadReport(path=path)
    summary = summarise(path, report=report)
    assert 0 < summary["truncated_at_byte"] < len(whole) - 7
    assert any("cut off after byte" in warning for warning in report.warnings)
    assert "cut off   after byte" in render(summary)


def test_without_utc_times_are_null(tmp_path):
    path = tmp_path / "boot.BIN"
    octets = truth.dataflash_formats()
    for number in range(30):
        fields = (number * 10**6, 520000000, 50000000, 1.0, 1.0, 1.0)
        if number not in {10, 11, 12}:
            octets += truth.dataflash_message("POS", *fields)
    path.write_bytes(octets)
    summary = summarise(path)
    assert summary["start"] is summary["end"] is None
    assert summary["gaps"] == [{"start": None, "end": None, "seconds": 4.0}]
    assert "unknown: the file holds no UTC" in render(summary)


def test_nothing_whole_is_an_error(tmp_path):
    path = tmp_path / "stub.ulg"
    path.write_bytes(truth.ULOG_HEADER)
    with pytest.raises(FormatError, match="no message in it is whole"):
        summarise(path)


def test_survey_b_shows_its_gap_and_survey_a_none(shared_data: Path):
    folder = shared_data / "autopilot_sitl"
    (gap,) = summarise(folder / "survey_b.tlog")["gaps"]
    assert gap["seconds"] == pytest.approx(12.05, abs=0.1)
    assert gap["start"].startswith("2026-11-21T00:44:2")
    assert "1 (12.1 s): 12.1 s from 2026-11-21T00:44:23Z" in render(
        summarise(folder / "survey_b.tlog")
    )
    for name in ("survey_a.tlog", "survey_a.BIN"):
        summary = summarise(folder / name)
        assert summary["gaps"] == []
        assert summary["wind_source"] == "autopilot"


def test_real_telemetry_tells_its_reboot(shared_data: Path):
    summary = summarise(shared_data / "autopilot_logs" / "dronekit_flight.tlog")
    (jump,) = summary["clock_jumps"]
    assert jump["kind"] == "autopilot rebooted"
    assert jump["time"].startswith("2015-07-05T00:30:59")
    assert summary["messages"]["GLOBAL_POSITION_INT"]["count"] == 2833
    assert summary["wind_source"] is None
