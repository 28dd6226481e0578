"""The doctor on real pseudo-terminals and sockets: what it finds, in what order, how it ends."""

from __future__ import annotations

import functools
import json
import os
import pty
import subprocess
import sys

import pytest

from drone.cli.app import run
from sensors.devices import driver_for
from sims.virtual_device import VirtualDevice
from tests.missions import DUST, write_mission
from tests.speaking_vehicle import GOOD_COPTER, SpeakingVehicle, free_port


@pytest.fixture
def soon(monkeypatch):
    """Nobody is on the autopilot's link, so it need not be waited for."""
    monkeypatch.setattr("drone.doctor_autopilot.HEAR_S", 0.5)


@pytest.fixture
def mission(tmp_path):
    return functools.partial(write_mission, tmp_path)


def examined(capsys, *arguments):
    """Exit code and what --json says, by area and subject."""
    code = run(["doctor", "--json", "--quiet", *map(str, arguments)])
    told = json.loads(capsys.readouterr().out)
    return code, told, {(one["area"], one["subject"]): one for one in told["checks"]}


def test_all_in_order_is_ready(mission, tmp_path, capsys):
    port = free_port()
    driver = driver_for("mcu_cobs", channels=["pid_ppb"])
    frames = [{"kind": "mcu", "sequence": k, "device_us": k * 50_000, "values": [k / 8]}
              for k in range(1000)]  # fmt: skip
    path = mission(("nose", "mcu_cobs"), more='channels = ["pid_ppb"]\n', port=port)
    with VirtualDevice(driver, frames, tmp_path / "nose", rate_hz=20), \
            SpeakingVehicle(port, GOOD_COPTER) as vehicle:  # fmt: skip
        code, told, checks = examined(capsys, path)
    assert (code, told["ready"], told["verdict"]) == (0, True, "ready to fly")
    nose = checks["device", "nose"]
    assert nose["state"] in {"ok", "warning"}  # warming up, if the driver says so
    assert 10 < nose["figures"]["rate_hz"] < 30
    assert nose["figures"]["faults"] == 0
    assert checks["autopilot", "heartbeat"]["state"] == "ok"
    assert checks["autopilot", "rates"]["state"] == "ok"
    assert checks["autopilot", "rates"]["figures"]["ATTITUDE_wanted_hz"] == 10
    assert checks["autopilot", "GPS"]["figures"]["satellites"] == 12
    assert checks["autopilot", "SERIALn_PROTOCOL"]["figures"]["SERIAL1_PROTOCOL"] == 2
    assert checks["wind", "estimation"]["state"] == "ok"
    assert checks["clock", "vehicle's UTC"]["state"] == "ok"
    assert abs(checks["clock", "vehicle's UTC"]["figures"]["offset_s"]) < 0.5
    assert checks["disk", "space"]["figures"]["minutes"] > 0
    assert checks["bump", "nose/pid"]["state"] == "warning"  # never done
    # it reads and asks, and changes nothing: not one message or command of another kind
    assert {one.name for one in vehicle.heard} <= {
        "HEARTBEAT", "TIMESYNC", "COMMAND_LONG", "PARAM_REQUEST_READ",
    }  # fmt: skip
    assert {one.fields()["command"] for one in vehicle.heard if one.name == "COMMAND_LONG"} <= {
        511, 512,
    }  # fmt: skip
    assert not list(tmp_path.glob(".sniffdrone*"))
    assert not (tmp_path / "recordings").exists()


@pytest.mark.usefixtures("soon")
def test_swapped_devices_are_recognised(mission, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("drone.doctor_devices.LEAST_PATIENCE_S", 2.5)
    monkeypatch.setattr("drone.identifying.DOUBTED_AFTER_S", 1.5)
    path = mission(("nose", "mcu_cobs"))
    with VirtualDevice(driver_for("plantower_pms"), [DUST], tmp_path / "nose", rate_hz=20):
        code, _, checks = examined(capsys, path)
    assert code == 2
    nose = checks["device", "nose"]
    assert nose["state"] == "failure"
    assert "plantower_pms" in nose["found"]
    assert "swapped" in nose["fix"]


@pytest.mark.usefixtures("soon")
def test_a_typo_names_the_nearest_key(mission, capsys):
    path = mission(("nose", "mcu_cobs"), more="[recorder]\nfoldr = 'x'\n")
    code, told, checks = examined(capsys, path)
    assert code == 2
    assert 'unknown key "foldr"' in checks["mission", "file"]["found"]
    assert 'did you mean "folder"?' in checks["mission", "file"]["fix"]
    assert told["failures"] == 1


@pytest.mark.usefixtures("soon")
def test_two_devices_on_one_port_are_told_and_not_opened(mission, tmp_path, capsys):
    (tmp_path / "b").symlink_to(tmp_path / "a")
    path = mission(("a", "plantower_pms"), ("b", "plantower_pms"))
    with VirtualDevice(driver_for("plantower_pms"), [DUST], tmp_path / "a", rate_hz=20) as device:
        code, told, checks = examined(capsys, path)
    assert code == 2
    assert told["failures"] == 2
    assert "is also that of b" in checks["port", "a"]["found"]
    assert checks["device", "b"]["state"] == "not checked"
    assert not device.requests


@pytest.mark.usefixtures("soon")
def test_a_port_in_use_names_the_program(mission, tmp_path, capsys):
    master, slave = pty.openpty()
    (tmp_path / "nose").symlink_to(os.ttyname(slave))
    holder = subprocess.Popen(
        [sys.executable, "-c", "import fcntl, sys, time; f = open(sys.argv[1], 'rb+', 0); "
         "fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(60)",
         os.ttyname(slave)],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        holder.stdout.readline()
        code, _, checks = examined(capsys, mission(("nose", "plantower_pms")))
    finally:
        holder.kill()
        holder.communicate()
        os.close(master)
        os.close(slave)
    assert code == 2
    assert f"process {holder.pid}" in checks["port", "nose"]["found"]
    assert checks["port", "nose"]["fix"] == "close that first"
