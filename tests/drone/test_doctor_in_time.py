"""The doctor ends in time, with nothing but dead devices, strangers, or a disk that hangs."""

from __future__ import annotations

import contextlib
import functools
import threading
import time

import pytest

from drone.cli.app import run
from sensors.devices import driver_for
from sims.virtual_device import VirtualDevice
from tests.missions import DUST, write_mission

CO2 = {"kind": "gas", "species": "CO2", "raw": {"ppm": 636, "temp_byte": 66}}


@pytest.fixture
def mission(tmp_path):
    return functools.partial(write_mission, tmp_path)


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


def test_eight_devices_of_another_kind_are_told_in_time(mission, tmp_path, capsys, monkeypatch):
    """All bytes are held against all decoders at once: that must not take long either."""
    monkeypatch.setattr("drone.doctor_autopilot.HEAR_S", 0.5)
    monkeypatch.setattr("drone.doctor_devices.LEAST_PATIENCE_S", 3.0)
    monkeypatch.setattr("drone.identifying.DOUBTED_AFTER_S", 2.0)
    names = [(f"nose{k}", "trisonica") for k in range(8)]
    dust = driver_for("plantower_pms")
    with contextlib.ExitStack() as stack:
        for name, _ in names:
            stack.enter_context(VirtualDevice(dust, [DUST], tmp_path / name, rate_hz=20))
        begun = time.monotonic()
        code = run(["doctor", str(mission(*names))])
        assert time.monotonic() - begun < 20
    out = capsys.readouterr().out
    assert code == 2
    assert out.count("frames of plantower_pms") == 8
    assert "not ready: 8 things to fix" in out


def test_a_disk_that_never_answers_is_a_failure_and_does_not_hold_the_rest(
    mission, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("drone.doctor_autopilot.HEAR_S", 0.5)
    monkeypatch.setattr("drone.doctor_devices.WATCH_S", 1.0)
    monkeypatch.setattr("drone.doctor.LONGEST_S", 4.0)
    released = threading.Event()
    monkeypatch.setattr("drone.doctor.disk_speed", lambda *_: released.wait(30) and [])
    with VirtualDevice(driver_for("plantower_pms"), [DUST], tmp_path / "dust", rate_hz=20):
        code = run(["doctor", str(mission(("dust", "plantower_pms")))])
    released.set()
    lines = capsys.readouterr().out.splitlines()
    assert code == 2
    assert lines[0] == "failure      disk writing: no end after 4 s"
    assert any(line.startswith("warning      device dust: Plantower") for line in lines)
    assert lines[-1] == "not ready: 1 thing to fix"
