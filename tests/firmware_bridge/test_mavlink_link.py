"""Real sockets and pseudo-terminals on this computer: opened, lost, half open, and back."""

from __future__ import annotations

import contextlib
import os
import pty
import socket
import subprocess
import sys
import threading
import time

import pytest

from firmware_bridge.clock import BridgeClock
from firmware_bridge.mavlink import Autopilot
from firmware_bridge.mavlink_frames import PacketDecoder
from firmware_bridge.mavlink_link import MOST_ARRIVALS, MavlinkLink
from firmware_bridge.mavlink_ports import Address, parse_address
from firmware_bridge.ports import holders
from sensors.config import AutopilotTable
from sensors.errors import ConfigError
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


class TestFaults:
    def test_a_half_open_tcp_connection_is_made_anew(self):
        """The other end is gone and nobody told us: only the silence shows it."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            link = f"tcp:127.0.0.1:{port_of(server)}"
            with bridge(link, silence_s=0.5) as autopilot:
                first, _ = server.accept()
                vehicle = FakeAutopilot()
                first.sendall(vehicle.heartbeat())
                records = []
                until(lambda: records.extend(autopilot.step()) or autopilot.vehicle.is_heard)
                second, _ = server.accept()  # `first` stays open, and says nothing more
                second.sendall(vehicle.heartbeat())
                until(lambda: records.extend(autopilot.step()) or "link back" in kinds(records))
                lost = next(one for one in records if getattr(one, "kind", "") == "link lost")
                assert "nothing heard for 0.5 s" in lost.text
                until(lambda: autopilot.vehicle.gate.counters["accepted"] == 2 or autopilot.step())
                first.close()
                second.close()

    def test_a_server_that_never_speaks_is_tried_ever_more_seldom(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = parse_address(f"tcp:127.0.0.1:{port_of(server)}")
            with MavlinkLink(address, silence_s=0.05) as link:
                time.sleep(2.0)
                assert 2 <= link.counters["opened"] <= 5

    def test_a_server_that_comes_later_is_found(self):
        port = free_port(socket.SOCK_STREAM)
        with bridge(f"tcp:127.0.0.1:{port}") as autopilot:
            records = []
            until(lambda: records.extend(autopilot.step()) or "link lost" in kinds(records))
            with socket.create_server(("127.0.0.1", port)):
                until(lambda: records.extend(autopilot.step()) or "link opened" in kinds(records))
        assert kinds(records).count("link lost") == 1

    def test_a_serial_port_another_program_holds_is_named_with_its_holder(self):
        master, slave = pty.openpty()
        code = "import serial, sys; p = serial.Serial(sys.argv[1], exclusive=True); input()"
        with subprocess.Popen(
            [sys.executable, "-c", code, os.ttyname(slave)], stdin=subprocess.PIPE
        ) as other:
            until(lambda: other.pid in {int(one.split()[-1][:-1]) for one in
                                        holders(os.ttyname(slave))})  # fmt: skip
            time.sleep(0.3)  # until it has locked it
            with bridge(f"serial:{os.ttyname(slave)},57600") as autopilot:
                (event,) = until(autopilot.step)
                assert event.kind == "link lost"
                assert f"(process {other.pid})" in event.text
                other.communicate(b"\n", timeout=PATIENCE_S)
                assert "link opened" in kinds(until(autopilot.step))
        os.close(master)
        os.close(slave)

    def test_an_unplugged_serial_port_is_opened_again(self, tmp_path):
        name = tmp_path / "by-id"
        master, slave = pty.openpty()
        name.symlink_to(os.ttyname(slave))
        records = []
        with bridge(f"serial:{name},57600") as autopilot:
            until(lambda: records.extend(autopilot.step()) or "link opened" in kinds(records))
            os.close(slave)
            os.close(master)
            until(lambda: records.extend(autopilot.step()) or "link lost" in kinds(records))
            master, slave = pty.openpty()
            name.unlink()
            name.symlink_to(os.ttyname(slave))
            until(lambda: records.extend(autopilot.step()) or "link back" in kinds(records))
            os.write(master, FakeAutopilot().heartbeat())
            until(lambda: autopilot.step() and autopilot.vehicle.is_heard)
        os.close(slave)
        os.close(master)

    def test_two_routes_give_each_message_once(self):
        port = free_port()
        with bridge(f"udp:127.0.0.1:{port}") as autopilot, udp() as one, udp() as two:
            vehicle, records = FakeAutopilot(), []
            for number in range(40):
                frame = vehicle.position(number * 10**8) if number else vehicle.heartbeat()
                for sock in (one, two) if number else (one,):
                    sock.sendto(frame, ("127.0.0.1", port))
                autopilot.wait(0.2)
                records += autopilot.step()
            until(lambda: records.extend(autopilot.step()) or sum(
                autopilot.vehicle.gate.counters[name]
                for name in ("accepted", "duplicate", "other_route")) == 79)  # fmt: skip
            assert sum(isinstance(one, PoseSample) for one in records) == 39
            assert autopilot.vehicle.gate.counters["lost"] == 0

    def test_a_frame_cut_over_datagrams_is_whole(self):
        port = free_port()
        with bridge(f"udp:127.0.0.1:{port}") as autopilot, udp() as vehicle:
            frame = FakeAutopilot().heartbeat()
            for piece in (frame[:7], frame[7:]):
                vehicle.sendto(piece, ("127.0.0.1", port))
            until(lambda: autopilot.step() and autopilot.vehicle.is_heard)

    def test_senders_without_number_do_not_fill_the_memory(self):
        port = free_port()
        with bridge(f"udp:127.0.0.1:{port}") as autopilot:
            for _ in range(40):
                with udp() as sock:
                    sock.sendto(FakeAutopilot(system=9).heartbeat(), ("127.0.0.1", port))
                autopilot.wait(1.0)
                autopilot.step()
            assert autopilot.counters()["decoder"]["frames_ok"] == 40
            assert len(autopilot._decoders) <= 8

    def test_a_hung_loop_falls_silent_although_the_link_lives(self):
        with udp() as ground, bridge(f"udpout:127.0.0.1:{port_of(ground)}") as autopilot:
            autopilot.step()
            assert ground.recv(2048)
            ground.settimeout(1.5)
            with pytest.raises(TimeoutError):
                ground.recv(2048)

    def test_a_reader_that_is_too_slow_loses_the_oldest_and_counts(self):
        port = free_port()
        address = parse_address(f"udp:127.0.0.1:{port}")
        with MavlinkLink(address) as link, udp() as vehicle:
            until(lambda: link.counters["opened"])
            for number in range(MOST_ARRIVALS + 500):
                vehicle.sendto(number.to_bytes(4, "big"), ("127.0.0.1", port))
                if number % 50 == 0:
                    time.sleep(0.002)
            until(lambda: link.counters["arrivals_dropped"] >= 400)
            kept = link.take()
            assert len(kept) == MOST_ARRIVALS
            numbers = [int.from_bytes(one.data, "big") for one in kept]
            assert numbers == sorted(numbers)

    def test_a_peer_that_does_not_read_keeps_nobody_waiting(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = parse_address(f"tcp:127.0.0.1:{port_of(server)}")
            with MavlinkLink(address) as link:
                peer, _ = server.accept()
                until(lambda: link.write(b"x"))
                started = time.monotonic()
                for _ in range(2000):
                    link.write(bytes(10_000))
                assert time.monotonic() - started < 1.0
                assert link.counters["frames_dropped"] > 0
                peer.close()


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
