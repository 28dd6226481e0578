"""A gas log without positions beside an autopilot log becomes one flight on the vehicle's clock."""

from pathlib import Path

import numpy as np
import pytest

from drone.demonstration import error_m
from firmware_bridge.logfile import ReadReport, read_log
from sensors.streams import join_batches, vehicle_time
from tests.drone.outcome import summary_of
from tests.drone.tables import METRES_PER_DEGREE, plume_ppb

pytestmark = pytest.mark.usefixtures("quick")

SOURCE = {"latitude": 52.0914, "longitude": 5.1226}
WIND_FROM_DEG = 240.0  # of the simulated air, see the data's README


def track_of(path: Path):
    """UTC [ns] and positions of the vehicle."""
    batches = list(read_log(path, ReadReport(path=path)))
    clock = vehicle_time(batch for batch in batches if batch.kind == "clock")
    (poses,) = [
        clock.on_utc(stream, offset_ns=0)
        for stream in join_batches(batches)
        if stream.source == "GLOBAL_POSITION_INT"
    ]
    return poses.time_ns, poses.column("latitude"), poses.column("longitude")


@pytest.fixture(scope="module")
def gas_csv(shared_data, tmp_path_factory):
    """What a logger would have written that flew along and knew the time only."""
    time_ns, latitude, longitude = track_of(shared_data / "autopilot_sitl" / "survey_a.tlog")
    east = (longitude - SOURCE["longitude"]) * METRES_PER_DEGREE * np.cos(np.radians(52.09))
    north = (latitude - SOURCE["latitude"]) * METRES_PER_DEGREE
    towards = np.radians(WIND_FROM_DEG - 180.0)
    downwind = east * np.sin(towards) + north * np.cos(towards)
    across = east * np.cos(towards) - north * np.sin(towards)
    reading = 50.0 + plume_ppb(downwind, across, 2.0, height_m=8.0)
    reading += 3.0 * np.random.default_rng(1).standard_normal(reading.size)
    stamps = np.datetime_as_string(time_ns.astype("datetime64[ns]"), unit="ms")
    rows = [f"{stamp}Z,{value:.1f}" for stamp, value in zip(stamps, reading, strict=True)]
    path = tmp_path_factory.mktemp("gas") / "gas.csv"
    path.write_text("\n".join(["time,pid_ppb", *rows, ""]))
    return path


@pytest.mark.parametrize("log", ["survey_a.tlog", "survey_a.BIN"])
def test_a_source_is_found_with_either_log_of_the_flight(run, shared_data, gas_csv, tmp_path, log):
    outcome = run("process", gas_csv, shared_data / "autopilot_sitl" / log, "-o", tmp_path / "out")
    assert outcome.code == 0
    found = summary_of(tmp_path / "out")
    assert found["verdict"] == "source indicated"
    assert error_m(found["sources"][0], SOURCE) < 20.0
    assert found["flight"]["wind_source"] == "autopilot"
    assert any(note.startswith("clock: gas readings") for note in found["notes"])
    assert found["inputs"][0]["format"] == "csv"


def test_a_clock_that_is_off_is_set_right_by_hand(run, shared_data, gas_csv, tmp_path):
    late = tmp_path / "late.csv"
    header, *rows = gas_csv.read_text().splitlines()
    moved = [
        f"{np.datetime64(row[:23]) + np.timedelta64(10, 's')}Z{row[24:]}" for row in rows if row
    ]
    late.write_text("\n".join([header, *moved, ""]))
    log = shared_data / "autopilot_sitl" / "survey_a.tlog"
    assert run("process", late, log, "-o", tmp_path / "out", "--offset-s", "-10").code == 0
    found = summary_of(tmp_path / "out")
    assert found["flight"]["clock_offset_s"] == -10.0
    assert error_m(found["sources"][0], SOURCE) < 20.0


def test_logs_of_different_days_are_refused(run, shared_data, tmp_path):
    other = tmp_path / "gas.csv"
    other.write_text("time,pid_ppb\n2020-01-01T00:00:00Z,1\n2020-01-01T00:00:01Z,2\n")
    log = shared_data / "autopilot_sitl" / "survey_a.tlog"
    outcome = run("process", other, log, "-o", tmp_path / "out")
    assert outcome.is_refused("gas.csv")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_torn_autopilot_log_is_used_up_to_the_tear(run, shared_data, gas_csv, tmp_path, share):
    whole = (shared_data / "autopilot_sitl" / "survey_a.tlog").read_bytes()
    torn = tmp_path / "torn.tlog"
    torn.write_bytes(whole[: int(share * len(whole))])
    outcome = run("process", gas_csv, torn, "-o", tmp_path / "out")
    assert outcome.code == 0
    flight = summary_of(tmp_path / "out")["flight"]
    assert flight["readings_with_position"] == pytest.approx(share * flight["readings"], rel=0.1)
