"""``sniffdrone watch`` over real sockets, in this process and in one of its own."""

from __future__ import annotations

import csv
import json
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from drone import ground_link
from drone.ground_link import GroundLink
from firmware_bridge.mavlink_frames import PacketDecoder
from sensors.errors import LinkError
from tests.drone.ground import NS, ROOT, gas, tunnel_frame
from tests.mavlink_vehicle import FakeAutopilot
from tests.peers.processes import bridge, free_port, vehicle


class TestLink:
    @pytest.mark.parametrize(
        ("own_system", "with_gas", "is_sent"),
        [(255, True, False), (255, False, True), (0, False, False)],
    )
    def test_udp_speaks_only_where_no_gas_comes_without(
        self, own_system, with_gas, is_sent, monkeypatch
    ):
        monkeypatch.setattr(ground_link, "FED_NS", NS)
        port, autopilot = free_port(), FakeAutopilot()
        companion = FakeAutopilot(component=191)
        with (
            GroundLink(f"udp:127.0.0.1:{port}", own_system=own_system) as link,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        ):
            other.bind(("127.0.0.1", 0))
            other.settimeout(0.02)
            heard, number = [], 0
            end = time.monotonic() + (10 if is_sent else 2)
            while not heard and time.monotonic() < end:
                number += 1
                frames = autopilot.heartbeat()
                if with_gas:
                    frames += tunnel_frame(companion, gas(number).encode())
                other.sendto(frames, ("127.0.0.1", port))
                link.packets(0.1)
                try:
                    heard += PacketDecoder().feed(other.recv(1000))
                except TimeoutError:
                    continue
        assert link.is_speaking == is_sent
        assert [one.fields["packet"].name for one in heard] == ["HEARTBEAT"] * is_sent

    @pytest.mark.parametrize(("own_system", "is_sent"), [(255, True), (0, False)])
    def test_a_stream_is_sent_heartbeats_and_nothing_else(self, own_system, is_sent):
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            GroundLink(f"tcp:127.0.0.1:{server.getsockname()[1]}", own_system=own_system) as link,
        ):
            stream, _ = server.accept()
            with stream:
                decoder, names = PacketDecoder(), []
                stream.settimeout(0.1)
                end = time.monotonic() + (10 if is_sent else 2)
                while len(names) < 2 and time.monotonic() < end:
                    link.packets(0.1)
                    try:
                        data = stream.recv(1000)
                    except TimeoutError:
                        continue
                    for frame in decoder.feed(data):
                        packet = frame.fields["packet"]
                        assert (packet.system, packet.fields()["type"]) == (255, 6)
                        names.append(packet.name)
        assert names == ["HEARTBEAT"] * (2 if is_sent else 0)

    def test_a_port_in_use_is_said_at_once(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
            holder.bind(("127.0.0.1", 0))
            link = f"udp:127.0.0.1:{holder.getsockname()[1]}"
            with pytest.raises(LinkError, match="close the program"):
                GroundLink(link)

    def test_a_wrong_link_is_named_as_the_option_is(self, run):
        outcome = run("watch", "--link", "cup:1")
        assert outcome.code == 2
        assert 'link "cup:1" is not udp:' in outcome.err


class Watching:
    """The command as a process, and its lines."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "drone.cli", "watch", *map(str, arguments)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines, self.errors = [], []
        self._threads = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in (
                (self.process.stdout, self.lines),
                (self.process.stderr, self.errors),
            )
        ]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line)

    def until(self, condition, *, patience_s=30.0):
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            if condition(list(self.lines)):
                return
            assert self.process.poll() is None, self.errors
            time.sleep(0.02)
        raise AssertionError((self.lines[-3:], self.errors))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        for thread in self._threads:
            thread.join(5)
        self.process.stdout.close()
        self.process.stderr.close()


def test_a_flying_bridge_is_heard_through_its_vehicle(tmp_path):
    port, companion = free_port(), free_port(socket.SOCK_STREAM)
    path = tmp_path / "survey.csv"
    with (
        vehicle("--companion-tcp", companion, "--ground", f"127.0.0.1:{port}"),
        bridge(f"tcp:127.0.0.1:{companion}"),
        Watching("--link", f"udp:127.0.0.1:{port}", "--csv", path, "--json") as watching,
    ):
        watching.until(lambda lines: sum('"gas"' in line for line in lines) > 10)
        watching.until(lambda lines: any("pid lost" in line for line in lines))
        watching.process.send_signal(signal.SIGINT)
        assert watching.process.wait(20) == 130
        for thread in watching._threads:
            thread.join(5)
        told = [json.loads(line) for line in watching.lines]
        assert "Traceback" not in "".join(watching.errors)
        assert "vehicle 1: heartbeat" in "".join(watching.errors)
    readings = [one for one in told if one["record"] == "gas"]
    assert {one["value"] for one in readings} == {2.125}
    assert {(one["device"], one["channel"], one["unit"]) for one in readings} == {
        (16, "ch4", "ppm")
    }
    assert path.read_text().count("2.125") == len(readings)
    assert any(one["record"] == "text" and one["text"] == "pid lost" for one in told)


def test_nothing_that_was_heard_is_lost_on_kill(tmp_path):
    port, path = free_port(), tmp_path / "survey.csv"
    companion = FakeAutopilot(component=191)
    with (
        Watching("--link", f"udp:127.0.0.1:{port}", "--csv", path, "--json") as watching,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        number = 0
        end = time.monotonic() + 30
        while len(watching.lines) < 20 and time.monotonic() < end:
            number += 1
            batch = gas(number, device=1 + number % 3)
            frame = tunnel_frame(companion, batch.encode())
            sender.sendto(frame, ("127.0.0.1", port))
            time.sleep(0.02)
        watching.process.kill()
        watching.process.wait(10)
        seen = len(watching.lines)
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert seen >= 20
    assert len(rows) >= seen
    assert {"ch4_ppm", "ch4_device2_ppm", "ch4_device3_ppm"} & set(rows[0])
    assert "".join(watching.lines).count('"record": "gas"') == seen
