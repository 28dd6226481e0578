"""`sniffdrone fly` as a process, on a real pseudo-terminal and a real socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from mcap.reader import make_reader

from firmware_bridge.recorded_bytes import RecordedBytes
from firmware_bridge.tunnel import decode_batch
from sensors.devices import driver_for
from tests.flying import RATE_HZ, Ground, Site, end, wait_for


@pytest.fixture
def site(tmp_path):
    with Site(tmp_path) as one:
        yield one


def messages(path, topic):
    with path.open("rb") as stream:
        found = make_reader(stream).iter_messages(topics=None)
        return [message for _, channel, message in found if channel.topic.startswith(topic)]


def test_a_whole_flight_is_recorded_told_and_finished(site):
    with Ground(site.udp) as ground:
        process = site.fly("--lines")
        wait_for(lambda: any("GAS" in one["text"] for one in ground.said("STATUSTEXT")), 40.0)
        wait_for(lambda: any(bytes(one["payload"])[1] == 3 for one in ground.said("TUNNEL")))
        time.sleep(1.0)
        code, output, errors = end(process)
    assert code == 0, errors
    assert "ALARM GAS pid" in output
    (recording,) = site.recordings()
    sent = b"".join(driver_for("mcu_cobs").encode(frame) for frame in site.frames)
    raw = b"".join(message.data for message in messages(recording, "/raw/pid"))
    assert raw in sent
    assert len(raw) > 0.8 * len(sent) * 12 / 100
    alarm = json.loads(messages(recording, "/alarms")[0].data)
    assert alarm["channel"] == "pid"
    assert alarm["latitude"] == pytest.approx(47.1234567)
    assert alarm["strength"] > 3.0
    assert len(messages(recording, "/health")) >= 10
    assert len(messages(recording, "/clock")) >= 10
    assert messages(recording, "/raw/autopilot")
    assert messages(recording, "/records/autopilot")
    assert "recorded" in errors
    with recording.open("rb") as stream:
        kept = {one.name: one.metadata for one in make_reader(stream).iter_metadata()}
    assert kept["clock"]["source"] == "vehicle"
    assert kept["device pid"]["driver"] == "mcu_cobs"


def test_the_ground_gets_readings_with_place_time_and_unit(site):
    with Ground(site.udp) as ground:
        process = site.fly("--quiet")
        told = wait_for(lambda: ground.said("TUNNEL"))
        wait_for(lambda: len(ground.said("NAMED_VALUE_FLOAT")) > 3)
        wait_for(lambda: any(bytes(one["payload"])[28] & 2 for one in ground.said("TUNNEL")))
        assert end(process)[0] == 0
    one = ground.said("TUNNEL")[-1]
    batch = decode_batch(bytes(one["payload"][: one["payload_length"]]))
    assert told
    assert batch.device == 1
    assert batch.latitude == pytest.approx(47.1234567)
    assert abs(batch.time_us / 1e6 - time.time()) < 20
    channels = [channel.as_json() for channel in batch.channels]
    assert [channel["unit"] for channel in channels] == ["ppb", "ohm"]
    assert 20 < channels[0]["value"] < 500
    assert channels[1]["value"] == pytest.approx(90_000, rel=0.01)


def test_it_starts_with_nothing_there_says_so_and_takes_in_what_comes(tmp_path):
    site = Site(tmp_path)
    site.device.unplug()
    log = tmp_path / "said.txt"
    with log.open("w") as said:
        process = site.fly("--lines", stdout=said)

    def is_told(*words):
        return all(word in log.read_text() for word in words)

    wait_for(lambda: is_told("no such port", "not heard on", "2 things are wrong"))
    site.device.replug()
    with site, Ground(site.udp):
        wait_for(lambda: is_told("vehicle found", "pid: link opened", "all in order"))
        assert end(process)[0] == 0


def test_a_second_start_on_the_same_ports_says_who_holds_them(site):
    process = site.fly("--quiet")
    wait_for(site.recordings)
    second = site.fly("--quiet")
    _, errors = second.communicate(timeout=30)
    assert second.returncode == 2
    assert "in use by" in errors
    assert str(process.pid) in errors
    assert len(errors.strip().splitlines()) == 1
    assert end(process)[0] == 0


def test_ctrl_c_finishes_the_file(site):
    process = site.fly("--quiet")
    wait_for(site.recordings)
    time.sleep(2.0)
    code, _, errors = end(process, signal.SIGINT)
    assert code == 130
    assert "Traceback" not in errors
    assert messages(site.recordings()[0], "/raw/pid")


def test_a_pulled_cable_is_told_and_recorded_and_the_device_comes_back(site):
    with Ground(site.udp) as ground:
        process = site.fly("--lines")
        wait_for(lambda: ground.said("TUNNEL"))
        site.device.unplug()
        wait_for(lambda: any("pid" in one["text"] for one in ground.said("STATUSTEXT")), 30.0)
        site.device.replug()
        before = len(ground.said("TUNNEL"))
        wait_for(lambda: len(ground.said("TUNNEL")) > before + 5)
        code, output, _ = end(process)
    assert code == 0
    assert "link lost" in output
    assert "link back" in output
    kinds = [json.loads(message.data) for message in messages(site.recordings()[0], "/records/pid")]
    assert {"link lost", "link back"} <= {one.get("kind") for one in kinds}


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "drone.cli", "fly", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_dry_run_shows_what_would_be_opened_and_opens_nothing(site):
    finished = run(site.mission, "--dry-run")
    assert finished.returncode == 0
    for words in ("pid", str(site.port), "115200 baud", f"udp:127.0.0.1:{site.udp}", "recordings"):
        assert words in finished.stdout
    assert not (site.folder / "recordings").exists()


def test_the_unit_names_this_mission(site):
    finished = run(site.mission, "--systemd-unit")
    assert finished.returncode == 0
    assert f"fly {site.mission}" in finished.stdout


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[autopilot]", "[autopilto]", 'did you mean "autopilot"'),
        ("driver", "drivr", 'did you mean "driver"'),
        ("mcu_cobs", "mcu_cob", "mcu_cobs"),
        ("udp:127", "upd:127", "udp:"),
        ("pid_ppb", "pid_foo", "pid_foo"),
    ],
)
def test_a_typo_in_the_mission_is_refused_in_one_line(site, old, new, words):
    site.mission.write_text(site.mission.read_text().replace(old, new, 1))
    finished = run(site.mission)
    assert finished.returncode == 2
    assert words in finished.stderr
    assert len(finished.stderr.strip().splitlines()) == 1


def test_the_port_of_the_link_may_not_be_anothers(site):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", site.udp))
        finished = run(site.mission)
    assert finished.returncode == 2
    assert f"{os.getpid()}" in finished.stderr
    assert "router" in finished.stderr
    assert not site.recordings()


@pytest.mark.parametrize("seconds", [3.0, 4.37, 5.61])
def test_a_kill_costs_the_last_second_at_most_and_the_file_opens_as_it_is(site, seconds):
    with Ground(site.udp):
        process = site.fly("--quiet")
        wait_for(site.recordings)
        begin = site.device.sent
        time.sleep(seconds)
        sent = site.device.sent
        code, _, _ = end(process, signal.SIGKILL)
    assert code == -signal.SIGKILL
    (recording,) = site.recordings()
    pieces = [piece for piece in RecordedBytes(recording) if piece.source == "pid"]
    raw = b"".join(piece.data for piece in pieces)
    encode = driver_for("mcu_cobs").encode
    assert raw in b"".join(encode(frame) for frame in site.frames)
    assert raw.count(b"\x00") >= sent - begin - 1.0 * RATE_HZ
    told = subprocess.run(
        [sys.executable, "-m", "drone.cli", "info", str(recording), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    (about,) = json.loads(told.stdout)
    assert about["format"] == "mcap"
    assert about["truncated_at_byte"] is not None
    assert about["bounding_box"]
