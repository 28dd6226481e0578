"""A site to fly at: a sensor on a pseudo-terminal, a vehicle on UDP, and a mission file."""

from __future__ import annotations

import math
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from firmware_bridge.mavlink_frames import PacketDecoder
from sensors.devices import driver_for
from sensors.framing import Frame
from sims.virtual_device import VirtualDevice
from tests.mavlink_vehicle import FakeAutopilot

RATE_HZ = 20.0
QUIET_S, PLUME_S = 12.0, 3.0
MISSION = """
[mission]
name = "test flight"
authority = "nobody"

[autopilot]
link = "udp:127.0.0.1:{udp}"

[[device]]
name = "pid"
driver = "mcu_cobs"
port = "{port}"
channels = ["pid_ppb", "mox1_ohm"]
"""


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def smell(count: int = 2000) -> list[dict]:
    """Frames of a quiet sensor, with a plume of three seconds after twelve."""
    frames = []
    for k in range(count):
        age_s = k / RATE_HZ - QUIET_S
        plume = 400.0 * math.sin(math.pi * age_s / PLUME_S) if 0 < age_s < PLUME_S else 0.0
        noise = math.sin(12.9898 * k) * 43758.5453 % 1.0 - 0.5
        values = [50.0 + 4.0 * noise + plume, 90_000.0 + 40.0 * noise]
        frames.append({"kind": "mcu", "sequence": k, "device_us": k * 50_000, "values": values})
    return frames


@dataclass
class Ground:
    """A vehicle that flies on, and what it heard from its companion."""

    udp: int
    heard: list = field(default_factory=list)

    def __enter__(self):
        self.autopilot = FakeAutopilot(boot_ns=time.monotonic_ns())
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(5.0)

    def run(self):
        decoder = PacketDecoder()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.bind(("127.0.0.1", 0))
            link.settimeout(0.02)
            due_s, tick = time.monotonic(), 0
            while not self.stop.is_set():
                try:
                    data, _ = link.recvfrom(2048)
                except (TimeoutError, ConnectionRefusedError):
                    data = b""
                now_ns = time.monotonic_ns()
                for frame in decoder.feed(data, now_ns) if data else ():
                    if isinstance(frame, Frame):
                        packet = frame.fields["packet"]
                        self.heard.append((now_ns, packet.name, packet.fields()))
                        answer = self.autopilot.answer(packet, now_ns)
                        if answer:
                            link.sendto(answer, ("127.0.0.1", self.udp))
                if time.monotonic() >= due_s:
                    due_s += 0.1
                    self.speak(link, now_ns, tick)
                    tick += 1

    def speak(self, link, now_ns, tick):
        said = self.autopilot.position(now_ns)
        if tick % 10 == 0:
            utc_us = time.time_ns() // 1000
            said += self.autopilot.heartbeat(armed=True)
            said += self.autopilot.system_time(now_ns, unix_us=utc_us)
        link.sendto(said, ("127.0.0.1", self.udp))

    def said(self, name):
        return [fields for _, kind, fields in list(self.heard) if kind == name]


class Site:
    """A sensor that has begun to speak, and the mission that reads it."""

    def __init__(self, folder: Path, frames: list[dict] | None = None):
        self.folder, self.port, self.udp = folder, folder / "pid-port", free_udp_port()
        self.frames = smell() if frames is None else frames
        self.mission = folder / "mission.toml"
        self.mission.write_text(MISSION.format(udp=self.udp, port=self.port))
        driver = driver_for("mcu_cobs", channels=("pid_ppb", "mox1_ohm"))
        self.device = VirtualDevice(driver, self.frames, self.port, rate_hz=RATE_HZ)

    def __enter__(self):
        self.device.__enter__()
        return self

    def __exit__(self, *_):
        self.device.__exit__()

    def fly(self, *options, **more) -> subprocess.Popen:
        command = [sys.executable, "-m", "drone.cli", "fly", str(self.mission), *options]
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, text=True, **(piped | more))

    def recordings(self) -> list[Path]:
        return sorted((self.folder / "recordings").glob("*.mcap"))


def wait_for(what, timeout_s=20.0):
    """Until it is true."""
    end = time.monotonic() + timeout_s
    while not (found := what()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
    return found


def end(process: subprocess.Popen, number: int = signal.SIGTERM) -> tuple[int, str, str]:
    """Ask a process to end; its code, and what it said."""
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    return process.returncode, output, errors
