"""``sniffdrone listen`` and ``identify`` on real pseudo-terminals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drone.identifying import Doubt, guesses
from sensors.devices import driver_for
from sims.virtual_device import VirtualDevice
from tests.firmware_bridge.test_reader import CO2, DUST, mcu_frames

ROOT = Path(__file__).parents[2]
HCHO = {"kind": "gas", "raw": {"ppb": 37.0, "full_scale_ppb": 5000.0}}
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


class TestStrangers:
    def test_two_devices_swapped_are_named(self, run, port):
        with VirtualDevice(driver_for("plantower_pms"), [DUST], port, rate_hz=20):
            outcome = run("listen", "-d", "trisonica", "-p", port, "--for", 6.5, "--quiet")
        assert outcome.code == 0
        assert "this is no trisonica" in outcome.err
        assert "frames of plantower_pms; are two devices swapped?" in outcome.err
        assert outcome.err.count("swapped") == 1

    def test_permission_names_the_group_to_join(self, run, monkeypatch):
        def refuse(*_, **__):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("serial.Serial", refuse)
        outcome = run("listen", "-d", "plantower_pms", "-p", "/dev/null")
        assert outcome.is_refused("no permission", "usermod -aG")

    def test_the_nearest_device_is_named(self, run, port):
        outcome = run("listen", "-d", "trisonika", "-p", port)
        assert outcome.is_refused('did you mean "trisonica"')


class TestGuesses:
    def test_a_standard_sentence_is_not_taken_for_a_make(self):
        found = guesses(b"$IIMWV,120,R,002.10,M,A*10\r\n" * 3)
        assert found[0].name == "nmea_mwv"
        assert {"ft_technologies", "gill_windsonic"} <= {one.name for one in found}

    def test_what_only_one_maker_writes_is_that_maker(self):
        (only,) = guesses(b"\x02Q,229,002.74,M,00,\x0316\r\n" * 3)
        assert only.name == "gill_windsonic"

    def test_a_sensor_is_told_before_the_protocol_it_speaks(self):
        found = guesses(bytes.fromhex("7e0003000c03e87d31ad12526b6c7d3180127aef7e") * 3)
        assert found[0].name == "svm40"


class TestDoubt:
    def setup_method(self):
        self.now_s = 0.0
        self.doubt = Doubt("trisonica", 115_200, monotonic=lambda: self.now_s)
        self.dust = driver_for("plantower_pms").encode(DUST)

    def after(self, seconds, frames=0):
        self.now_s += seconds
        return self.doubt.verdict(frames)

    def test_a_moment_or_a_few_bytes_prove_nothing(self):
        self.doubt.hear(self.dust * 10)
        assert self.after(1.0) is None
        few = Doubt("trisonica", 115_200, monotonic=lambda: self.now_s)
        few.hear(b"\x42\x4d")
        self.now_s += 60.0
        assert few.verdict(0) is None

    def test_it_is_said_once_and_again_after_frames_came(self):
        self.doubt.hear(self.dust * 10)
        assert "plantower_pms" in self.after(6.0)
        assert self.after(6.0) is None
        assert self.after(1.0, frames=3) is None
        self.doubt.hear(self.dust * 10)
        assert "plantower_pms" in self.after(6.0, frames=3)

    def test_models_that_send_alike_are_all_named(self):
        self.doubt.hear(driver_for("winsen_ze07_ch2o").encode(HCHO) * 20)
        verdict = self.after(6.0)
        assert "winsen_ze07_ch2o or winsen_ze08_ch2o" in verdict

    def test_a_wrong_baud_rate_is_guessed_at_in_bounded_memory(self):
        for _ in range(1000):  # as bytes look that were read at another rate
            self.doubt.hear(b"\x00\xf8\x80\xff\x1c\xe6" * 4)
        verdict = self.after(6.0)
        assert "4096 bytes at 115200 baud and no frame of any device we know" in verdict
        assert "another baud rate?" in verdict


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
