"""``sniffdrone decode`` and ``devices``: golden vectors, and pipes as they come."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sensors import plugins
from sensors.devices import FOLDER
from tests.contracts.test_drivers import VECTORS, agrees, bytes_of

ROOT = Path(__file__).parents[2]
STREAMS = plugins.available("firmware_bridge.decoders")
DRIVERS = plugins.available(FOLDER)
PMS = next(bytes_of(v) for v in VECTORS["vectors"] if v["name"] == "pms_frame_32")


def is_known(vector):
    name = vector["device"]
    drivers = [d for d in DRIVERS if name == d or name.startswith(f"{d}_")]
    needs_model = name in DRIVERS and plugins.load(FOLDER, name).Driver.device.needs_model
    return vector["direction"] != "tx" and (name in STREAMS or bool(drivers)) and not needs_model


def without_arrival(frame):
    """What a file can tell of a frame: when it arrived is not in it."""
    is_timed = "example_receive_ns" in frame.get("si", {})
    return {key: value for key, value in frame.items() if not (is_timed and key == "si")}


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS["vectors"] if is_known(v)], ids=lambda v: v["name"]
)
def test_every_golden_vector(run, tmp_path, vector):
    captured = tmp_path / "captured.raw"
    captured.write_bytes(bytes_of(vector))
    outcome = run("decode", "--device", vector["device"], captured)
    assert outcome.code == 0
    lines, expect = lines_of(outcome.out), vector["expect"]
    wanted = [without_arrival(frame) for frame in expect["frames"]]
    frames = [line["frame"] for line in lines if "frame" in line]
    assert len(frames) == len(wanted)
    assert all(map(agrees, frames, wanted))
    errors = [line["error"] for line in lines if "error" in line]
    assert bool(errors) == bool(expect.get("errors"))
    assert expect.get("error", "") in ["", *errors]
    assert all({"error", "offset", "length"} == set(line) for line in lines if "error" in line)


def test_a_pipe_shows_a_frame_as_soon_as_it_is_whole():
    command = [sys.executable, "-m", "drone.cli", "decode", "-q", "-d", "plantower_pms", "-"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        running.stdin.write(PMS[:10])
        running.stdin.flush()
        running.stdin.write(PMS[10:])
        running.stdin.flush()
        first = json.loads(running.stdout.readline())  # while the pipe is still open
        assert first["offset"] == 0
        running.stdin.write(b"\x42\x4d\x00")
        running.stdin.close()
        assert json.loads(running.stdout.readline())["error"] == "truncated"
        assert running.wait(20) == 0


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    captured = tmp_path / "captured.raw"
    captured.write_bytes(PMS * 20_000)
    command = [sys.executable, "-m", "drone.cli", "decode", "-d", "plantower_pms", str(captured)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        running.stdout.readline()
        running.stdout.close()
        said = running.stderr.read()
        assert running.wait(30) == 0
    assert b"Traceback" not in said


def test_what_is_not_in_frames_is_counted(run, tmp_path):
    captured = tmp_path / "captured.raw"
    captured.write_bytes(b"xyz" + PMS)
    outcome = run("decode", "-d", "plantower_pms", captured)
    assert "1 frames" in outcome.err
    assert "3 bytes in no frame" in outcome.err
    assert run("decode", "-q", "-d", "plantower_pms", captured).err == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-d", "plantower_psm", "x"), ('"plantower_pms"',)),
        (("-d", "plantower_pms", "nowhere.raw"), ("nowhere.raw", "check the name")),
        (("-d", "plantower_pms", "."), (".", "cannot be read")),
        (("-d", "plantower_pms", "--model", "x", "f"), ('no model "x"',)),
        (("-d", "mavlink", "--model", "x", "f"), ("mavlink", "no models")),
    ],
)
def test_what_cannot_be_done_is_one_line(run, arguments, words):
    assert run("decode", *arguments).is_refused(*words)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("trisonika", "trisonica"),
        ("mhz19b", "winsen_mhz19b"),
        ("PMS5003", "plantower_pms"),
        ("anemoment", "trisonica"),
        ("windsonic", "gill_windsonic"),
        ("bmerawdata", "bme688_bmerawdata"),
    ],
)
def test_the_nearest_device_is_named_by_type_or_maker(run, name, near):
    assert run("decode", "-d", name, "x").is_refused(f'did you mean "{near}"')


@pytest.mark.parametrize("name", ["Plantower_PMS", "PLANTOWER-PMS"])
def test_a_name_may_be_written_in_capitals_or_with_hyphens(run, tmp_path, name):
    captured = tmp_path / "captured.raw"
    captured.write_bytes(PMS)
    (line,) = lines_of(run("decode", "-q", "-d", name, captured).out)
    assert line["frame"]["kind"] == "pm"
    assert run("devices", name).out.startswith("plantower_pms: ")


def test_a_model_may_be_part_of_the_name_or_an_option(run, tmp_path):
    captured = tmp_path / "captured.raw"
    captured.write_bytes(bytes.fromhex("ff86027c42000000ba"))
    ways = [
        ("-d", "winsen_mhz19b"),
        ("-d", "winsen", "--model", "mhz19b"),
        ("-d", "winsen", "--model", "MH-Z19B"),
    ]
    told = {run("decode", "-q", *way, captured).out for way in ways}
    assert len(told) == 1
    assert lines_of(told.pop())[0]["frame"]["raw"]["ppm"] == 636
    assert run("devices", "winsen_mhz19b").out.startswith("winsen: ")


def test_devices_are_listed_with_wiring_and_warm_up(run):
    outcome = run("devices")
    assert outcome.code == 0
    for name in DRIVERS:
        assert name in outcome.out
    assert "baud" in outcome.out
    assert "warm-up" in outcome.out


@pytest.mark.parametrize("name", DRIVERS)
def test_each_device_is_told_in_full(run, name):
    outcome = run("devices", name)
    assert outcome.code == 0
    assert outcome.out.startswith(f"{name}: ")
    (told,) = json.loads(run("devices", name, "--json").out)
    assert told["name"] == name
    assert told["baud"] > 0


def test_a_device_nobody_knows_is_one_line(run):
    assert run("devices", "plantower_psm").is_refused('did you mean "plantower_pms"')
