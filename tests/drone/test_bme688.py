"""A flight with a BME688 kit aboard: its file and the autopilot's log become one flight."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pymavlink.dialects.v20 import all as mavlink

from drone.demonstration import error_m
from sensors.flight import read_netcdf
from sensors.flight_contract import gas_channels
from sims.scenario import draw_scenario
from sims.simulate import SimulatedFlight, simulate
from tests.drone.outcome import summary_of
from tests.log_samples import bme_file

if TYPE_CHECKING:
    import xarray as xr

STEPS = 4
BOOT_S, POWER_ON_S = 35.0, 20.0  # how long autopilot and board were on before the first sample
HOME_AMSL_M = 12.0

pytestmark = pytest.mark.usefixtures("quick")


def write_tlog(path: Path, flight: SimulatedFlight) -> None:
    """The autopilot's part: where the drone was, and the wind it estimated."""
    sender, parts = mavlink.MAVLink(None, 1, 1), []
    columns = flight.columns
    for row, time_ns in enumerate(flight.time_ns.tolist()):
        boot_ms = round((time_ns - int(flight.time_ns[0])) / 1e6 + 1e3 * BOOT_S)
        height_mm = round(1e3 * columns["altitude_agl_m"][row])
        place = (
            round(1e7 * columns[name][row]) if np.isfinite(columns[name][row]) else 0
            for name in ("latitude", "longitude")
        )
        above_sea_mm = height_mm + round(1e3 * HOME_AMSL_M)
        messages = [
            mavlink.MAVLink_global_position_int_message(
                boot_ms, *place, above_sea_mm, height_mm, 0, 0, 0, 65535
            )
        ]
        if row % 5 == 0:
            wind = columns["wind_from_deg"][row], columns["wind_speed_m_s"][row]
            messages.append(mavlink.MAVLink_system_time_message(time_ns // 1000, boot_ms))
            messages.append(mavlink.MAVLink_heartbeat_message(2, 3, 209, 5, 4, 3))
            if np.isfinite(wind).all():
                messages.append(mavlink.MAVLink_wind_message(*wind, 0.0))
        for message in messages:
            parts.append(struct.pack(">Q", time_ns // 1000) + message.pack(sender))
            sender.seq = (sender.seq + 1) % 256
    path.write_bytes(b"".join(parts))


def write_board(path: Path, flight: SimulatedFlight) -> None:
    """The board's part: two metal oxides, each heated in steps, and a clock in whole seconds."""
    columns, rows = flight.columns, []
    for row, time_ns in enumerate(flight.time_ns.tolist()):
        air = (
            round(columns["temperature_c"][row], 2),
            1003.0,
            round(columns["relative_humidity_pct"][row], 2),
        )
        for sensor in (0, 1):
            now_ns = time_ns + sensor * 13_000_000 + row % 7 * 1_000_000
            ms = round((now_ns - int(flight.time_ns[0])) / 1e6 + 1e3 * POWER_ON_S)
            ohm = columns[f"mox{sensor + 1}_ohm"][row] * (1.0 + row % STEPS)  # cooler, higher
            identity = sensor, 90_595_661 + sensor, ms, now_ns // 10**9
            label = 2 if row > flight.time_ns.size // 2 else 0
            rows.append([*identity, *air, round(ohm, 1), row % STEPS, True, 1, label, 0])
    path.write_text(bme_file(rows), encoding="utf-8")


@pytest.fixture(scope="module")
def flight() -> SimulatedFlight:
    scenario = draw_scenario(np.random.default_rng(6), "strong")
    return simulate(scenario, rng=np.random.default_rng(6))


@pytest.fixture(scope="module")
def logs(flight, tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("bme688")
    board, autopilot = folder / "flight.bmerawdata", folder / "flight.tlog"
    write_board(board, flight)
    write_tlog(autopilot, flight)
    return board, autopilot


def test_a_source_is_found_with_the_kits_file_beside_the_autopilots(run, flight, logs, out):
    outcome = run("process", *logs, "-o", out)
    assert outcome.code == 0, outcome.err
    found = summary_of(out)
    assert [one["format"] for one in found["inputs"]] == ["bmerawdata", "tlog"]
    assert found["verdict"] == "source indicated"
    assert error_m(found["sources"][0], flight.truth["sources"][0]) < 50.0
    assert any("known to 0.0" in note and "--offset-s" in note for note in found["notes"])
    holds_a_channel_for_each_sensor_and_step(read_netcdf(out / "flight.nc"), flight)


def holds_a_channel_for_each_sensor_and_step(stored: xr.Dataset, flight: SimulatedFlight) -> None:
    assert set(gas_channels(stored)) == {
        f"bme688_s{sensor}_step{step}" for sensor in (0, 1) for step in range(STEPS)
    }
    for name in gas_channels(stored):
        sensor, step = int(name[8]), int(name[-1])
        assert stored[name].attrs["units"] == "ohm"
        assert stored[name].attrs["sensor_family"] == "mox"
        told = flight.columns[f"mox{sensor + 1}_ohm"][step::STEPS] * (1.0 + step)
        is_known = np.isfinite(stored[name].values)
        np.testing.assert_allclose(stored[name].values[is_known], told, atol=0.051)
        late_ns = stored["time"].values[is_known].astype(np.int64) - flight.time_ns[step::STEPS]
        assert np.abs(late_ns).max() < 0.15e9  # the board wrote five rows a second, in step with it
        latitude = flight.columns["latitude"][step::STEPS]
        placed = np.isfinite(latitude) & np.isfinite(stored["latitude"].values[is_known])
        apart_m = 111_195.0 * (stored["latitude"].values[is_known] - latitude)
        assert np.abs(apart_m[placed]).max() < 2.0
        assert placed.mean() > 0.97


def test_info_tells_what_the_board_recorded(run, flight, logs):
    outcome = run("info", "--json", logs[0])
    assert outcome.code == 0
    (told,) = json.loads(outcome.out)
    assert told["format"] == "bmerawdata"
    assert told["messages"]["row"]["count"] == 2 * flight.time_ns.size
    assert told["messages"]["cycle"]["count"] > flight.time_ns.size / STEPS
    assert told["bounding_box"] is None
    assert told["truncated_at_byte"] is None
    start = np.datetime64(told["start"].removesuffix("Z"), "ms").astype(np.int64)
    assert abs(start - flight.time_ns[0] / 1e6) < 200.0


def test_a_file_that_power_loss_cut_is_read_up_to_there(run, logs, tmp_path):
    torn = tmp_path / "torn.bmerawdata"
    whole = logs[0].read_bytes()
    torn.write_bytes(whole[: 2 * len(whole) // 3])
    outcome = run("info", torn)
    assert outcome.code == 0
    assert outcome.warned("torn.bmerawdata", "cut off after byte")


def test_the_kits_file_alone_asks_for_the_autopilots(run, logs, out):
    assert run("process", logs[0], "-o", out).is_refused("flight.bmerawdata", "no positions")


@pytest.mark.parametrize("command", ["info", "process"])
def test_the_binary_file_of_newer_firmware_is_refused_with_the_remedy(run, tmp_path, command, out):
    binary = tmp_path / "2024_01_01.udf"
    binary.write_bytes(b"1.1\n1: BME68X sensor\n\n" + bytes(range(256)))
    rest = ["-o", out] if command == "process" else []
    assert run(command, binary, *rest).is_refused(".udf", "export it as .bmerawdata")
