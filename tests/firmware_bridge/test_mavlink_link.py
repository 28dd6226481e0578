"""Real sockets and pseudo-terminals on this computer: addresses, conversations, wake-ups."""

from __future__ import annotations

import contextlib
import os
import pty
import socket
import threading
import time

import pytest

from firmware_bridge.clock import BridgeClock
from firmware_bridge.mavlink import Autopilot
from firmware_bridge.mavlink_frames import PacketDecoder
from firmware_bridge.mavlink_link import MavlinkLink
from firmware_bridge.mavlink_ports import Address, parse_address
from sensors.config import AutopilotTable
from sensors.errors import ConfigError
from sensors.records import PoseSample
from tests.mavlink_links import (
    PATIENCE_S,
    bridge,
    check_conversation,
    converse,
    free_port,
    port_of,
    received,
    udp,
    until,
)
from tests.mavlink_vehicle import FakeAutopilot


class TestAddresses:
    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("udp:0.0.0.0:14550", Address("udp", "0.0.0.0", 14550)),
            ("udpout:10.1.1.2:14551", Address("udpout", "10.1.1.2", 14551)),
            ("tcp:localhost:5760", Address("tcp", "localhost", 5760)),
            ("serial:/dev/by-id/usb,921600", Address("serial", "/dev/by-id/usb", 921600)),
            ("udp:[::1]:14550", Address("udp", "::1", 14550)),
        ],
    )  # fmt: skip
    def test_what_the_mission_file_may_say(self, text, address):
        assert parse_address(text) == address
        assert parse_address(str(address)) == address

    @pytest.mark.parametrize(
        "text", ["", "udp", "udp:14550", "tcp:host:", "http:x:1", "serial:/dev/ttyS0", "udp:x:0",
                 "tcp:x:70000", "udp:x:-1"]
    )  # fmt: skip
    def test_what_it_may_not(self, text):
        with pytest.raises(ConfigError, match=r"\[autopilot\] link"):
            parse_address(text)


def test_a_shared_event_wakes_whoever_waits_for_anything():
    wake, port = threading.Event(), free_port()
    with bridge(f"udp:127.0.0.1:{port}", wake=wake) as autopilot, udp() as vehicle:
        autopilot.wait(1.0)  # the link was opened
        timer = threading.Timer(0.1, wake.set)  # as a device would
        timer.start()
        assert autopilot.wait(PATIENCE_S)
        assert not wake.is_set()
        vehicle.sendto(b"anything", ("127.0.0.1", port))
        assert autopilot.wait(PATIENCE_S)
        wake.set()
        autopilot.step()
        assert wake.is_set()  # what others have brought is not forgotten


def test_datagrams_taken_together_keep_the_moments_at_which_they_came():
    port, sent_ns = free_port(), []
    with MavlinkLink(parse_address(f"udp:127.0.0.1:{port}")) as link, udp() as vehicle:
        until(lambda: link.counters["opened"])
        for number in range(60):
            sent_ns.append(time.monotonic_ns())
            vehicle.sendto(bytes([number]), ("127.0.0.1", port))
            time.sleep(0.003)
        until(lambda: link.counters["received"] == 60)
        arrivals = link.take()
    late_ms = [(one.time_ns - sent) / 1e6 for one, sent in zip(arrivals, sent_ns, strict=True)]
    assert [one.data[0] for one in arrivals] == list(range(60))
    assert min(late_ms) > -1.0
    assert sorted(late_ms)[30] < 1.0  # taken up to 20 ms after they came


@pytest.mark.parametrize("stepped_s", [-3600.0, -0.5, 3600.0])
def test_a_clock_that_is_set_moves_no_arrival(monkeypatch, stepped_s):
    port, real = free_port(), time.time_ns
    with MavlinkLink(parse_address(f"udp:127.0.0.1:{port}")) as link, udp() as vehicle:
        until(lambda: link.counters["opened"])
        monkeypatch.setattr(
            "firmware_bridge.mavlink_ports.time.time_ns", lambda: real() + int(stepped_s * 1e9)
        )
        before_ns = time.monotonic_ns()
        vehicle.sendto(b"x", ("127.0.0.1", port))
        until(lambda: link.counters["received"])
        assert before_ns < link.take()[0].time_ns <= time.monotonic_ns()


def test_records_are_told_with_arrival_and_sample_time_as_they_are_read():
    calls, port = [], free_port()
    with bridge(
        f"udp:127.0.0.1:{port}", on_records=lambda *told: calls.append(told)
    ) as autopilot, udp() as vehicle:  # fmt: skip
        begun_ns = time.monotonic_ns()
        records, _ = converse(
            autopilot,
            lambda data: vehicle.sendto(data, ("127.0.0.1", port)),
            lambda: received(vehicle),
        )
    assert [one for told, *_ in calls for one in told] == records
    poses = [call for call in calls if isinstance(call[0][0], PoseSample)]
    assert len(poses) > 10
    for told, arrival_ns, sample_ns in poses:
        assert len(told) == 1
        assert begun_ns - 10**8 < sample_ns < arrival_ns + 2 * 10**6  # time_boot_ms counts in ms
        assert arrival_ns < time.monotonic_ns()


class TestConversations:
    def test_udp_waits_to_be_spoken_to(self):
        port = free_port()
        with bridge(f"udp:127.0.0.1:{port}") as autopilot, udp() as vehicle:
            records, heard = converse(
                autopilot,
                lambda data: vehicle.sendto(data, ("127.0.0.1", port)),
                lambda: received(vehicle),
            )
            check_conversation(records, heard, autopilot)

    def test_udpout_speaks_first(self):
        with (
            udp() as vehicle,
            bridge(f"udpout:127.0.0.1:{port_of(vehicle)}") as autopilot,
        ):
            autopilot.step()
            data, peer = vehicle.recvfrom(2048)
            assert PacketDecoder().feed(data)[0].kind == "HEARTBEAT"
            records, heard = converse(
                autopilot, lambda data: vehicle.sendto(data, peer), lambda: received(vehicle)
            )
            assert any(isinstance(one, PoseSample) for one in records)
            assert "COMMAND_LONG" in {one.name for one in heard}

    @pytest.mark.parametrize("kind", ["udp", "udpout"])
    def test_ipv6(self, kind):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as vehicle:
            vehicle.bind(("::1", 0))
            vehicle.settimeout(PATIENCE_S)
            port = free_port() if kind == "udp" else port_of(vehicle)
            with bridge(f"{kind}:[::1]:{port}") as autopilot:
                if kind == "udpout":
                    autopilot.step()
                    port = vehicle.recvfrom(2048)[1][1]
                records, heard = converse(
                    autopilot,
                    lambda data: vehicle.sendto(data, ("::1", port)),
                    lambda: received(vehicle),
                )
        assert any(isinstance(one, PoseSample) for one in records)
        assert "COMMAND_LONG" in {one.name for one in heard}

    def test_udpout_hears_nobody_else(self):
        with udp() as vehicle, udp() as other, \
                bridge(f"udpout:127.0.0.1:{port_of(vehicle)}") as autopilot:  # fmt: skip
            autopilot.step()
            _, peer = vehicle.recvfrom(2048)
            other.sendto(FakeAutopilot().heartbeat(), peer)
            vehicle.sendto(FakeAutopilot().heartbeat(), peer)
            until(lambda: autopilot.step() and autopilot.vehicle.is_heard)
            assert autopilot.counters()["decoder"]["frames_ok"] == 1

    def test_tcp(self):
        with socket.create_server(("127.0.0.1", 0)) as server, \
                bridge(f"tcp:127.0.0.1:{port_of(server)}") as autopilot:  # fmt: skip
            vehicle, _ = server.accept()
            with vehicle:
                records, heard = converse(autopilot, vehicle.sendall, lambda: received(vehicle))
            check_conversation(records, heard, autopilot)

    def test_serial(self):
        master, slave = pty.openpty()
        os.set_blocking(master, False)

        def receive():
            with contextlib.suppress(BlockingIOError):
                return os.read(master, 65536)
            return b""

        try:
            with bridge(f"serial:{os.ttyname(slave)},921600") as autopilot:
                until(lambda: autopilot.counters()["link"].get("opened"))
                records, heard = converse(autopilot, lambda data: os.write(master, data), receive)
                check_conversation(records, heard, autopilot)
        finally:
            os.close(master)
            os.close(slave)


def test_closing_ends_the_thread_and_may_be_done_twice():
    link = MavlinkLink(parse_address(f"udp:127.0.0.1:{free_port()}"))
    link.close()
    link.close()
    assert not link.write(b"late")
    assert not link._thread.is_alive()


def test_a_signing_key_lies_beside_the_mission_file(tmp_path):
    (tmp_path / "key").write_bytes(bytes(31))
    table = AutopilotTable(link="udp:127.0.0.1:9", signing_key="key")
    with pytest.raises(ConfigError, match="32 bytes"):
        Autopilot(table, clock=BridgeClock(), folder=tmp_path)
