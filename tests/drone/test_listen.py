"""``sniffdrone listen`` and ``identify`` on real pseudo-terminals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sensors.devices import driver_for
from sims.virtual_device import VirtualDevice
from tests.firmware_bridge.test_reader import CO2, DUST, mcu_frames

ROOT = Path(__file__).parents[2]
WIND = {"kind": "wind", "raw": {"S2": 2.5, "D": 90, "U": -2.5, "V": 0.0, "W": 0.1, "T": 18.5}}


def started(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "drone.cli", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def port(tmp_path):
    return tmp_path / "usb-nose"


class TestListen:
    def test_readings_as_json_lines(self, run, port):
        driver = driver_for("trisonica")
        with VirtualDevice(driver, [WIND], port, rate_hz=20):
            outcome = run("listen", "-d", "trisonica", "-p", port, "--for", 2, "--json", "--quiet")
        assert outcome.code == 0
        lines = [json.loads(line) for line in outcome.out.splitlines()]
        winds = [line for line in lines if line["record"] == "WindSample"]
        assert len(winds) > 20
        assert winds[0]["eastward"] == -2.5
        assert winds[0]["frame"] == "vehicle"
        assert lines[0]["record"] == "Event"
        assert lines[0]["kind"] == "link opened"

    def test_lines_for_people_and_how_it_went(self, run, port):
        driver = driver_for("winsen_mhz19b")
        with VirtualDevice(driver, [CO2], port, rate_hz=0):
            outcome = run("listen", "-d", "winsen_mhz19b", "-p", port, "--for", 2.5)
        assert "co2 0.000636" in outcome.out
        assert "[warming_up, clock_poor]" in outcome.out or "[warming_up]" in outcome.out
        assert "frames/s" in outcome.err
        assert "warming up" in outcome.err

    def test_every_byte_is_kept_when_it_is_interrupted(self, port, tmp_path):
        driver = driver_for("plantower_pms")
        raw = tmp_path / "dust.raw"
        with VirtualDevice(driver, [DUST], port, rate_hz=20) as device:
            running = started("listen", "-d", "plantower_pms", "-p", port, "--raw", raw)
            deadline = time.monotonic() + 20
            while (not raw.exists() or raw.stat().st_size < 200) and time.monotonic() < deadline:
                time.sleep(0.05)
            device.noise(b"noise too")
            time.sleep(0.3)
            running.send_signal(signal.SIGINT)
            _, said = running.communicate(timeout=20)
        assert running.returncode == 130
        assert "Traceback" not in said
        kept = raw.read_bytes()
        assert b"noise too" in kept
        assert kept.count(driver.encode(DUST)) > 5

    def test_termination_is_a_clean_end(self, port):
        driver = driver_for("plantower_pms")
        with VirtualDevice(driver, [DUST], port, rate_hz=20):
            running = started("listen", "-d", "plantower_pms", "-p", port)
            running.stdout.readline()
            running.terminate()
            _, said = running.communicate(timeout=20)
        assert running.returncode == 0
        assert "frames" in said

    def test_a_pulled_cable_is_told_and_forgiven(self, port):
        driver = driver_for("plantower_pms")
        with VirtualDevice(driver, [DUST], port, rate_hz=20) as device:
            running = started("listen", "-d", "plantower_pms", "-p", port, "--json")
            running.stdout.readline()
            device.unplug()
            time.sleep(0.5)
            device.replug()
            time.sleep(3.0)
            running.terminate()
            out, _ = running.communicate(timeout=20)
        lines = [json.loads(line) for line in out.splitlines()]
        kinds = [line["kind"] for line in lines if line["record"] == "Event"]
        assert "link lost" in kinds
        assert "link back" in kinds
        assert lines[-1]["record"] == "GasSample"

    def test_a_raw_file_is_never_overwritten(self, run, port, tmp_path):
        raw = tmp_path / "old.raw"
        raw.write_bytes(b"evidence")
        with VirtualDevice(driver_for("plantower_pms"), [DUST], port):
            outcome = run("listen", "-d", "plantower_pms", "-p", port, "--raw", raw)
        assert outcome.is_refused("old.raw", "exists")
        assert raw.read_bytes() == b"evidence"

    def test_what_cannot_be_done_is_one_line(self, run, tmp_path):
        nowhere = tmp_path / "usb-nothing"
        assert run("listen", "-d", "plantower_pms", "-p", nowhere).is_refused("no such port")
        assert run("listen", "-d", "plantower", "-p", nowhere).is_refused("plantower_pms")
        assert run("listen", "-d", "winsen", "-p", nowhere).is_refused("which model")


class TestIdentify:
    @pytest.mark.parametrize(
        ("name", "frames"),
        [("plantower_pms", [DUST]), ("trisonica", [WIND]), ("mcu_cobs", mcu_frames())],
    )
    def test_what_speaks_is_recognised(self, run, port, name, frames):
        with VirtualDevice(driver_for(name), frames, port, rate_hz=20):
            outcome = run("identify", "-p", port, "--for", 1, "--json")
        assert outcome.code == 0
        found = json.loads(outcome.out)["devices"]
        assert found[0]["name"] == name
        assert found[0]["share"] > 0.8

    def test_silence_is_told_and_a_question_answered(self, run, port):
        with VirtualDevice(driver_for("winsen_mhz19b"), [CO2], port, rate_hz=0) as device:
            silent = run("identify", "-p", port, "--for", 0.5, "--baud", 9600)
            assert silent.code == 3
            assert "silence at 9600 baud" in silent.out
            assert device.requests == []
            asked = run("identify", "-p", port, "--for", 0.5, "--baud", 9600, "--ask")
        assert asked.code == 0
        assert "winsen_mhz19b at 9600 baud" in asked.out

    def test_noise_is_no_device(self, port):
        with VirtualDevice(driver_for("plantower_pms"), [DUST], port, rate_hz=0) as device:
            device.mute()
            running = started("identify", "-p", port, "--for", "2", "--baud", "9600")
            for _ in range(30):
                time.sleep(0.1)
                device.noise(b"\x13\x37\xc0\xff\xee" * 60)
            out, _ = running.communicate(timeout=30)
        assert running.returncode == 3
        assert "none of them a known frame" in out
