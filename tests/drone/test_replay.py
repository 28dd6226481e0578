"""A flight, recorded, played again, and flown again: the same readings and alarms."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from mcap.reader import make_reader

from drone.replaying import pieces_of, recorded_devices, replayed_mission
from firmware_bridge.recorder import Recorder
from sensors.errors import FormatError
from tests.flying import MISSION, Ground, Site, end, free_udp_port, wait_for


def messages(path, topic):
    with path.open("rb") as stream:
        found = make_reader(stream).iter_messages()
        return [message.data for _, channel, message in found if channel.topic == topic]


def readings(path):
    """Values of the frames, by the device's own count."""
    return [
        (told["channels"], told["values"])
        for told in map(json.loads, messages(path, "/records/pid/gas"))
    ]


def alarms(path):
    return [
        (told["source"], told["channel"], told["state"], round(told["value"] * 1e9))
        for told in map(json.loads, messages(path, "/alarms"))
    ]


def cli(*arguments, **more):
    command = [sys.executable, "-m", "drone.cli", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **(pipes | more))


def test_what_is_played_again_is_recorded_again(tmp_path):
    with Site(tmp_path) as site, Ground(site.udp) as ground:
        flight = site.fly("--quiet")
        wait_for(lambda: any("GAS" in one["text"] for one in ground.said("STATUSTEXT")), 60.0)
        time.sleep(1.0)
        assert end(flight)[0] == 0
    (first,) = site.recordings()
    again, udp = tmp_path / "again", free_udp_port()
    replay = cli("replay", first, "--folder", again, "--link", f"udp:127.0.0.1:{udp}")
    wait_for((again / "mission.toml").exists)
    second = cli("fly", again / "mission.toml", "--quiet")
    said, errors = replay.communicate(timeout=60)
    assert replay.returncode == 0, errors
    assert "of flight in" in said
    time.sleep(1.0)
    assert end(second)[0] == 0
    (copy,) = (again / "recordings").glob("*.mcap")
    played, flown = (b"".join(messages(path, "/raw/pid")) for path in (copy, first))
    assert played == flown
    assert b"".join(messages(copy, "/raw/autopilot")) == b"".join(messages(first, "/raw/autopilot"))
    assert len(readings(first)) > 40
    assert readings(copy) == readings(first)
    assert alarms(first)
    assert alarms(copy) == alarms(first)


@pytest.fixture
def recording(tmp_path):
    mission = MISSION.format(udp=14550, port="/dev/ttyX") + 'model = ""\n'
    with Recorder(
        tmp_path / "r", name="x", anchor_ns=0, attachments={"mission.toml": mission.encode()}
    ) as recorder:
        for k in range(3000):
            recorder.raw("pid", bytes([k % 256] * 50), k * 10**7)
            recorder.raw("autopilot", bytes(40), k * 10**7 + 5, peer="10.0.0.1:9")
    (path,) = recorder.files
    return path


def test_as_fast_as_it_is_taken_is_fifty_times_real_time(recording, tmp_path):
    begin = time.monotonic()
    replay = cli("replay", recording, "--speed", "max", "--no-wait", "--folder", tmp_path / "again")
    said, errors = replay.communicate(timeout=60)
    assert replay.returncode == 0, errors
    assert "30.0 s of flight" in said
    assert "150000 bytes nobody took" in said
    assert time.monotonic() - begin < 30.0


def test_pieces_come_whole_and_in_order_from_a_torn_file_too(recording, tmp_path):
    whole = list(pieces_of([recording], warn=pytest.fail))
    assert len(whole) == 6000
    assert [piece.time_ns for piece in whole] == sorted(piece.time_ns for piece in whole)
    assert {piece.peer for piece in whole} == {"", "10.0.0.1:9"}
    torn, said = tmp_path / "torn.mcap", []
    whole_bytes = recording.read_bytes()
    torn.write_bytes(whole_bytes[: len(whole_bytes) // 2])
    left = list(pieces_of([torn], warn=said.append))
    assert 0 < len(left) < len(whole)
    assert left == whole[: len(left)]
    assert any("cut off" in line for line in said)


def test_the_mission_of_a_replay_names_its_ports_and_keeps_the_rest(recording, tmp_path):
    text, devices = recorded_devices(recording)
    assert devices == ["pid"]
    told = replayed_mission(text, {"pid": tmp_path / "pid"}, link="udp:127.0.0.1:9")
    assert f'port = "{tmp_path / "pid"}"' in told
    assert 'link = "udp:127.0.0.1:9"' in told
    assert "pid_ppb" in told
    assert "test flight" in told


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--speed", "0"), "above 0"),
        (("--speed", "fast"), "max"),
        (("--link", "tcp:127.0.0.1:1"), "udp:"),
    ],
)
def test_wrong_options_are_refused_in_one_line(recording, options, words):
    replay = cli("replay", recording, *options)
    _, errors = replay.communicate(timeout=60)
    assert replay.returncode == 2
    assert words in errors
    assert len(errors.strip().splitlines()) == 1


def test_other_files_are_no_recordings(tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("time,pid_ppb\n")
    with pytest.raises(FormatError, match="no recording"):
        recorded_devices(other)
    with pytest.raises(FormatError, match="no such file"):
        recorded_devices(tmp_path / "none.mcap")
