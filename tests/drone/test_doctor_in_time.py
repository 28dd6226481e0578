"""The doctor ends in time with nothing but dead devices, and at once when it is told to."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from drone.cli.app import run
from sensors.devices import driver_for
from sims.virtual_device import VirtualDevice
from tests.speaking_vehicle import free_port

CO2 = {"kind": "gas", "species": "CO2", "raw": {"ppm": 636, "temp_byte": 66}}
DUST = {
    "kind": "pm",
    "raw": dict.fromkeys(
        ("pm1_cf1", "pm2_5_cf1", "pm10_cf1", "pm1_atm", "pm2_5_atm", "pm10_atm"), 8
    )
    | dict.fromkeys(("n0_3", "n0_5", "n1_0", "n2_5", "n5_0", "n10"), 40),
}


@pytest.fixture
def mission(tmp_path):
    """A function that writes a mission file of devices, given as (name, driver)."""

    def write(*devices, head='name = "harbour"\nauthority = "city"\n', more="", port=None):
        text = f'[mission]\n{head}\n[autopilot]\nlink = "udp:127.0.0.1:{port or free_port()}"\n'
        for name, driver in devices:
            text += f'[[device]]\nname = "{name}"\ndriver = "{driver}"\n'
            text += f'port = "{tmp_path / name}"\n'
        path = tmp_path / "mission.toml"
        path.write_text(text + more)
        return path

    return write


def test_dead_and_missing_devices_are_told_in_time_and_first(mission, tmp_path, capsys):
    names = [("dead", "plantower_pms"), ("gone", "plantower_pms"), ("asked", "winsen_mhz19b")]
    path = mission(*names, head='name = "x"')
    dust, co2 = driver_for("plantower_pms"), driver_for("winsen_mhz19b")
    with VirtualDevice(dust, [DUST], tmp_path / "dead", rate_hz=0), \
            VirtualDevice(co2, [CO2], tmp_path / "asked", rate_hz=0) as asked:  # fmt: skip
        begun = time.monotonic()
        code = run(["doctor", str(path)])
        assert time.monotonic() - begun < 20
        assert asked.requests
    lines = capsys.readouterr().out.splitlines()
    assert code == 2
    assert lines[-1] == "not ready: 2 things to fix"
    states = [line.split()[0] for line in lines[:-1] if not line.startswith(" ")]
    order = ["failure", "warning", "not", "ok"]
    assert states == sorted(states, key=order.index)
    assert lines[0].startswith("failure      port gone:")
    assert "no such port" in lines[0]
    assert any("device dead: silent for" in line for line in lines)
    assert any("mission authority" in line for line in lines)
    assert any("device gone: its port cannot be opened" in line for line in lines)
    assert any("warning      autopilot link: nothing on udp:" in line for line in lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_gives_ports_back_and_leaves_nothing(mission, tmp_path, number):
    path = mission(("nose", "plantower_pms"))
    with VirtualDevice(driver_for("plantower_pms"), [DUST], tmp_path / "nose", rate_hz=20):
        process = subprocess.Popen(
            [sys.executable, "-m", "drone.cli", "doctor", str(path), "--zero", "60"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(3.0)
        process.send_signal(number)
        out, errors = process.communicate(timeout=15)
    assert process.returncode == 130, errors
    assert out == ""
    assert "Traceback" not in errors
    assert [one.name for one in tmp_path.iterdir()] == ["mission.toml"]
