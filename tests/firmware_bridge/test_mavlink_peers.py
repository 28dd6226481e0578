"""The bridge against what others wrote, each a process of its own, over loopback.

pymavlink is the vehicle and a ground station, MAVProxy the router, MAVSDK 3 a client.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import mavsdk
import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from firmware_bridge.outlet import COMMANDS, MESSAGES
from firmware_bridge.tunnel import PAYLOAD_TYPE, decode_batch

PEERS = Path(__file__).parents[1] / "peers"
ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0
KEY = bytes(range(32))


class Process:
    """A process whose lines of JSON can be asked for."""

    def __init__(self, *command, cwd=ROOT):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "MAVLINK20": "1"}
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd=cwd,
            env=environment,
        )
        self.lines, self.told = queue.Queue(), []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)

    def everything(self):
        """All lines of JSON so far."""
        while not self.lines.empty():
            line = self.lines.get()
            if line.startswith("{"):
                self.told.append(json.loads(line))
            else:
                self.other = [*getattr(self, "other", []), line]
        return self.told

    def until(self, condition):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            told = self.everything()
            if told and condition(told[-1]):
                return told[-1]
            assert self.process.poll() is None, getattr(self, "other", [])
            time.sleep(0.02)
        raise AssertionError(f"it did not happen; last: {self.told[-1:]}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self._thread.join(5)
        self.process.stdout.close()


def free_port(kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def vehicle(*options):
    return Process(sys.executable, PEERS / "autopilot_process.py", *options)


def bridge(link, *key):
    return Process(sys.executable, PEERS / "bridge_process.py", link, *key)


class Ground:
    """A ground station that reads with pymavlink."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.parser = mavlink.MAVLink(None, srcSystem=255, srcComponent=190)
        self.parser.robust_parsing = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def hear(self, *names):
        """The first message of each name from component 191."""
        found, end = {}, time.monotonic() + PATIENCE_S
        while time.monotonic() < end and set(found) != set(names):
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                continue
            for message in self.parser.parse_buffer(data) or []:
                if message.get_srcComponent() == 191 and message.get_type() in names:
                    found.setdefault(message.get_type(), message)
        assert set(found) == set(names)
        return found


def is_settled(told):
    counters = told["counters"]
    return (
        told["records"].get("PoseSample", 0) >= 20
        and counters["rates"].get("accepted", 0) >= 5
        and told["sigma_s"] is not None
        and told["sigma_s"] < 0.05
    )


def check_that_nothing_moves_the_vehicle(autopilot):
    heard = [one for one in autopilot.everything() if one["from"] == [1, 191]]
    assert heard
    assert {one["name"] for one in heard} <= MESSAGES
    assert {one["command"] for one in heard if one["name"] == "COMMAND_LONG"} <= COMMANDS


class TestPymavlink:
    @pytest.mark.parametrize("version", [1, 2])
    @pytest.mark.parametrize("transport", ["udp", "tcp"])
    def test_a_vehicle_is_read_and_a_ground_station_reads_us(self, transport, version):
        port = free_port(socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM)
        side = ["--companion-tcp", port] if transport == "tcp" else \
            ["--companion-udp", f"127.0.0.1:{port}"]  # fmt: skip
        old = ["--mavlink1"] if version == 1 else []
        with Ground() as ground, vehicle(*side, *old, "--ground", ground.address) as autopilot, \
                bridge(f"{transport}:127.0.0.1:{port}") as ours:  # fmt: skip
            told = ours.until(is_settled)
            assert told["position"] == pytest.approx([52.3701200, 4.8952100])
            assert abs(told["late_s"]) < 0.5
            assert "WIND" not in told["refused"]
            heard = ground.hear("HEARTBEAT", "NAMED_VALUE_FLOAT", "STATUSTEXT", "TUNNEL")
            assert (heard["HEARTBEAT"].type, heard["HEARTBEAT"].autopilot) == (18, 8)
            assert heard["NAMED_VALUE_FLOAT"].name == "CH4_PPM"
            assert heard["NAMED_VALUE_FLOAT"].value == 2.125
            assert heard["STATUSTEXT"].text == "pid lost"
            tunnel = heard["TUNNEL"]
            assert tunnel.payload_type == PAYLOAD_TYPE
            batch = decode_batch(bytes(tunnel.payload[: tunnel.payload_length]))
            assert (batch.device, batch.channels[0].value) == (16, 2.125)
            check_that_nothing_moves_the_vehicle(autopilot)

    def test_rates_are_asked_again_after_a_reboot(self):
        port = free_port()
        side = ["--companion-udp", f"127.0.0.1:{port}", "--reboot-after-s", "6"]
        with vehicle(*side), bridge(f"udp:127.0.0.1:{port}") as ours:
            first = ours.until(is_settled)
            ours.until(lambda told: told["counters"]["vehicle"].get("reboots"))
            told = ours.until(
                lambda told: (
                    told["counters"]["rates"]["accepted"]
                    >= 2 * first["counters"]["rates"]["accepted"]
                    and told["records"]["PoseSample"] > first["records"]["PoseSample"] + 20
                )
            )
            assert sum(event.startswith("autopilot reboot") for event in told["events"]) == 1
            assert abs(told["late_s"]) < 0.5

    def test_signed_both_ways(self, tmp_path):
        port = free_port()
        key = tmp_path / "key"
        key.write_bytes(KEY)
        side = ["--companion-udp", f"127.0.0.1:{port}", "--key", KEY.hex()]
        with vehicle(*side), bridge(f"udp:127.0.0.1:{port}", key) as ours:
            told = ours.until(is_settled)
            assert not told["counters"]["gate"].get("signature")

    def test_a_wrong_key_is_refused(self, tmp_path):
        port = free_port()
        key = tmp_path / "key"
        key.write_bytes(KEY)
        side = ["--companion-udp", f"127.0.0.1:{port}", "--key", bytes(32).hex()]
        with vehicle(*side), bridge(f"udp:127.0.0.1:{port}", key) as ours:
            told = ours.until(lambda told: told["counters"]["gate"].get("signature", 0) >= 2)
            assert not told["counters"]["gate"].get("accepted")
            assert told["records"].keys() <= {"Event"}


def mavproxy(folder, *options):
    script = Path(sysconfig.get_path("scripts")) / "mavproxy.py"
    fixed = ["--non-interactive", "--no-state", "--default-modules=", "--mav20", "--nowait"]
    return Process(sys.executable, script, *fixed, *options, cwd=folder)


class TestRouter:
    def test_mavproxy_carries_both_ways(self, tmp_path):
        master, port = free_port(socket.SOCK_STREAM), free_port()
        with ExitStack() as stack:
            ground = stack.enter_context(Ground())
            autopilot = stack.enter_context(
                vehicle("--companion-tcp", master, "--ground", ground.address)
            )
            ours = stack.enter_context(bridge(f"udp:127.0.0.1:{port}"))
            stack.enter_context(
                mavproxy(
                    tmp_path, f"--master=tcp:127.0.0.1:{master}", f"--out=udp:127.0.0.1:{port}"
                )
            )
            told = ours.until(is_settled)
            assert told["position"] == pytest.approx([52.3701200, 4.8952100])
            heard = ground.hear("HEARTBEAT", "NAMED_VALUE_FLOAT", "TUNNEL")
            assert heard["NAMED_VALUE_FLOAT"].value == 2.125
            check_that_nothing_moves_the_vehicle(autopilot)


class TestMavsdk:
    def test_a_client_sees_the_vehicle_and_our_readings(self, tmp_path):
        port, ground, grpc = free_port(), free_port(), free_port(socket.SOCK_STREAM)
        server = Path(mavsdk.__file__).parent / "bin" / "mavsdk_server"
        with ExitStack() as stack:
            stack.enter_context(Process(server, "-p", grpc, f"udpin://127.0.0.1:{ground}"))
            autopilot = stack.enter_context(
                vehicle("--companion-udp", f"127.0.0.1:{port}", "--ground", f"127.0.0.1:{ground}")
            )
            stack.enter_context(bridge(f"udp:127.0.0.1:{port}"))
            seen = asyncio.run(asyncio.wait_for(client_view(grpc), PATIENCE_S))
            assert seen["latitude"] == pytest.approx(52.37012)
            assert seen["gas"]["name"].rstrip("\0") == "CH4_PPM"
            assert seen["gas"]["value"] == 2.125
            assert seen["gas_from"] == (1, 191)
            assert seen["tunnel"]["payload_type"] == PAYLOAD_TYPE
            check_that_nothing_moves_the_vehicle(autopilot)


async def client_view(grpc):
    """What MAVSDK shows of the vehicle and of the bridge."""
    client = mavsdk.System(mavsdk_server_address="127.0.0.1", port=grpc)
    await client.connect()
    async for state in client.core.connection_state():
        if state.is_connected:
            break
    seen = {}
    async for position in client.telemetry.position():
        seen["latitude"] = position.latitude_deg
        break
    async for message in client.mavlink_direct.message("NAMED_VALUE_FLOAT"):
        seen["gas"] = json.loads(message.fields_json)
        seen["gas_from"] = (message.system_id, message.component_id)
        break
    async for message in client.mavlink_direct.message("TUNNEL"):
        seen["tunnel"] = json.loads(message.fields_json)
        break
    return seen
