"""The doctor on real pseudo-terminals and sockets: what it finds, in what order, how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from drone.cli.app import run
from firmware_bridge.mavlink_frames import PacketDecoder
from sensors.devices import driver_for
from sims.virtual_device import VirtualDevice
from tests.mavlink_vehicle import FakeAutopilot

CO2 = {"kind": "gas", "species": "CO2", "raw": {"ppm": 636, "temp_byte": 66}}
DUST = {
    "kind": "pm",
    "raw": dict.fromkeys(
        ("pm1_cf1", "pm2_5_cf1", "pm10_cf1", "pm1_atm", "pm2_5_atm", "pm10_atm"), 8
    )
    | dict.fromkeys(("n0_3", "n0_5", "n1_0", "n2_5", "n5_0", "n10"), 40),
}
GOOD_COPTER = {
    "SERIAL1_PROTOCOL": 2.0,
    "SERIAL1_BAUD": 921.0,
    "AHRS_EKF_TYPE": 3.0,
    "EK3_DRAG_BCOEF_X": 20.0,
    "EK3_DRAG_BCOEF_Y": 20.0,
    "EK3_DRAG_MCOEF": 0.2,
    "LOG_BACKEND_TYPE": 1.0,
}


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class SpeakingVehicle:
    """Speaks to a UDP port at the rates it was asked for, and answers; keeps what it was sent."""

    def __init__(self, port, parameters, *, slow=1.0, satellites=12, system=1):
        self.place, self.parameters, self.slow = ("127.0.0.1", port), parameters, slow
        self.vehicle = FakeAutopilot(system=system, boot_ns=time.monotonic_ns() - 10**11)
        self.satellites = satellites
        self.heard = []
        self._due = {"HEARTBEAT": [0.0, 1.0]}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _frame(self, name):
        now_ns, vehicle = time.monotonic_ns(), self.vehicle
        if name == "HEARTBEAT":
            return vehicle.heartbeat()
        if name == "GLOBAL_POSITION_INT":
            return vehicle.position(now_ns)
        if name == "SYSTEM_TIME":
            return vehicle.system_time(now_ns, time.time_ns() // 1000)
        if name == "ATTITUDE":
            return vehicle.frame("ATTITUDE", time_boot_ms=vehicle.boot_ms(now_ns))
        if name == "GPS_RAW_INT":
            fix = 3 if self.satellites else 1
            return vehicle.frame(
                "GPS_RAW_INT", fix_type=fix, lat=471234567, lon=85432100, eph=80,
                satellites_visible=self.satellites,
            )  # fmt: skip
        return b""

    def _answer(self, packet):
        fields = packet.fields()
        if packet.name == "PARAM_REQUEST_READ":
            name = fields["param_id"]
            if name not in self.parameters:
                return b""
            told = {"param_id": name, "param_value": self.parameters[name], "param_type": 9}
            return self.vehicle.frame("PARAM_VALUE", **told)
        if packet.name == "COMMAND_LONG" and fields["command"] == 511:
            for name, number in (("GLOBAL_POSITION_INT", 33), ("SYSTEM_TIME", 2),
                                 ("ATTITUDE", 30), ("GPS_RAW_INT", 24)):  # fmt: skip
                if fields["param1"] == number:
                    self._due[name] = [0.0, fields["param2"] * 1e-6 * self.slow]
        return self.vehicle.answer(packet, time.monotonic_ns())

    def _run(self):
        decoder = PacketDecoder()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.01)
            while not self._stop.is_set():
                now = time.monotonic()
                for name, entry in self._due.items():
                    if now >= entry[0]:
                        entry[0] = max(entry[0] + entry[1], now - 0.5)
                        sock.sendto(self._frame(name), self.place)
                with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                    for frame in decoder.feed(sock.recv(65536)):
                        packet = frame.fields["packet"]
                        self.heard.append(packet)
                        sock.sendto(self._answer(packet), self.place)


@pytest.fixture
def soon(monkeypatch):
    """Nobody is on the autopilot's link, so it need not be waited for."""
    monkeypatch.setattr("drone.doctor_autopilot.HEAR_S", 0.5)


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


def test_an_autopilot_not_set_up_is_told_with_what_to_set(mission, tmp_path, capsys):
    port = free_port()
    path = mission(("nose", "plantower_pms"), port=port)
    bad = {"SERIAL1_PROTOCOL": 1.0, "EK3_DRAG_BCOEF_X": 0.0, "LOG_BACKEND_TYPE": 0.0}
    with SpeakingVehicle(port, bad, slow=4.0, satellites=0):
        code, told, checks = examined(capsys, path)
    assert code == 2
    assert "set SERIAL1_PROTOCOL = 2" in checks["autopilot", "SERIALn_PROTOCOL"]["fix"]
    assert "EK3_DRAG_BCOEF_X" in checks["wind", "estimation"]["fix"]
    assert checks["autopilot", "logging"]["state"] == "warning"
    assert checks["autopilot", "rates"]["state"] == "warning"
    assert "of 10" in checks["autopilot", "rates"]["found"]
    assert "no 3D fix" in checks["autopilot", "GPS"]["found"]
    assert told["failures"] == 1  # the device that is not there


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


@pytest.mark.usefixtures("soon")
def test_swapped_devices_are_recognised(mission, tmp_path, capsys):
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


def test_a_link_in_use_is_a_failure(mission, capsys):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        path = mission(("nose", "plantower_pms"), port=other.getsockname()[1])
        code, _, checks = examined(capsys, path)
    assert code == 2
    assert checks["autopilot", "link"]["state"] == "failure"
    assert "in use by" in checks["autopilot", "link"]["found"]


def test_another_system_on_the_link_is_not_believed(mission, capsys):
    port = free_port()
    path = mission(("nose", "plantower_pms"), port=port)
    with SpeakingVehicle(port, GOOD_COPTER, system=7):
        _, _, checks = examined(capsys, path)
    assert checks["autopilot", "link"]["state"] == "warning"
    assert "other systems speak" in checks["autopilot", "link"]["found"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_gives_ports_back_and_leaves_nothing(mission, tmp_path, number):
    path = mission(("nose", "plantower_pms"))
    with VirtualDevice(driver_for("plantower_pms"), [DUST], tmp_path / "nose", rate_hz=20):
        process = subprocess.Popen(
            [sys.executable, "-m", "drone.cli", "doctor", str(path), "--zero", "60"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(4.0)
        process.send_signal(number)
        out, errors = process.communicate(timeout=15)
    assert process.returncode == 130, errors
    assert out == ""
    assert "Traceback" not in errors
    assert [one.name for one in tmp_path.iterdir()] == ["mission.toml"]
