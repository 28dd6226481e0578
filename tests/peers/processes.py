"""Processes the tests of MAVLink start, and what they are asked."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

import mavsdk
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from firmware_bridge.outlet import COMMANDS, MESSAGES

PEERS = Path(__file__).parent
ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
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
        self.lines, self.told, self.other = queue.Queue(), [], []
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
                self.other.append(line)
        return self.told

    def until(self, condition):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            told = self.everything()
            if told and condition(told[-1]):
                return told[-1]
            assert self.process.poll() is None, self.other
            time.sleep(0.02)
        raise AssertionError(f"it did not happen; last: {self.told[-1:]}, {self.other[-20:]}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
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
                data, peer = self.socket.recvfrom(65536)
            except TimeoutError:
                continue
            heartbeat = mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3)
            self.socket.sendto(heartbeat.pack(self.parser), peer)
            for message in self.parser.parse_buffer(data) or []:
                if message.get_srcComponent() == 191 and message.get_type() in names:
                    found.setdefault(message.get_type(), message)
        assert set(found) == set(names)
        return found


def mavproxy(folder, *options, version="--mav20"):
    script = Path(sysconfig.get_path("scripts")) / "mavproxy.py"
    fixed = ["--non-interactive", "--no-state", "--default-modules=", version, "--nowait"]
    return Process(sys.executable, script, *fixed, *options, cwd=folder)


def mavsdk_server(port):
    """A server that listens on a UDP port, and the port a client finds it on."""
    grpc = free_port(socket.SOCK_STREAM)
    server = Path(mavsdk.__file__).parent / "bin" / "mavsdk_server"
    return Process(server, "-p", grpc, f"udpin://127.0.0.1:{port}"), grpc


def mavsdk_client(grpc, *what):
    return Process(sys.executable, PEERS / "mavsdk_process.py", grpc, *what)


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
