"""A bridge on a real link, and what a test needs at its other end."""

from __future__ import annotations

import contextlib
import socket
import time

from firmware_bridge.clock import BridgeClock
from firmware_bridge.mavlink import Autopilot
from firmware_bridge.mavlink_frames import PacketDecoder
from sensors.config import AutopilotTable
from sensors.records import Event, PoseSample
from tests.mavlink_vehicle import FakeAutopilot

PATIENCE_S = 8.0


def until(condition, timeout_s=PATIENCE_S):
    """Wait for what must come; what it gives."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError("it did not happen")


def kinds(records):
    return [one.kind for one in records if isinstance(one, Event)]


@contextlib.contextmanager
def udp(port=0):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", port))
        sock.settimeout(PATIENCE_S)
        yield sock


def free_port(kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def port_of(sock):
    return sock.getsockname()[1]


def bridge(link, **options):
    autopilot = Autopilot(AutopilotTable(link=link), clock=BridgeClock(), **options)
    if link.startswith("udp"):
        until(lambda: autopilot.counters()["link"].get("opened"))
    return autopilot


def converse(autopilot, send, receive, *, seconds=1.5):
    """Speak as a vehicle would and hear what the bridge says."""
    vehicle, records, heard = FakeAutopilot(boot_ns=time.monotonic_ns() - 10**11), [], []
    decoder = PacketDecoder()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        now_ns = time.monotonic_ns()
        send(vehicle.heartbeat() + vehicle.system_time(now_ns) + vehicle.position(now_ns))
        autopilot.wait(0.05)
        records += autopilot.step()
        for frame in decoder.feed(receive()):
            packet = frame.fields["packet"]
            heard.append(packet)
            send(vehicle.answer(packet, time.monotonic_ns()))
        records += autopilot.step()
    return records, heard


def check_conversation(records, heard, autopilot):
    assert any(isinstance(one, PoseSample) for one in records)
    assert {"HEARTBEAT", "TIMESYNC", "COMMAND_LONG"} <= {one.name for one in heard}
    assert autopilot.vehicle.rates.counters["accepted"] >= 3
    assert records[-1].time_sigma_s < 1.0
    assert [one.sequence for one in heard] == [n % 256 for n in range(len(heard))]


def received(sock):
    sock.setblocking(False)
    data = b""
    with contextlib.suppress(BlockingIOError):
        while True:
            piece = sock.recv(65536)
            if not piece:
                return data
            data += piece
    return data
