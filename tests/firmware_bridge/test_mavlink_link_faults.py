"""Links that are lost, half open, held by others, flooded or not read, and come back."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
import time

import pytest

from firmware_bridge.mavlink_link import MOST_ARRIVALS, MavlinkLink
from firmware_bridge.mavlink_ports import parse_address
from firmware_bridge.ports import holders
from sensors.records import PoseSample
from tests.mavlink_links import (
    PATIENCE_S,
    bridge,
    free_port,
    kinds,
    port_of,
    udp,
    until,
)
from tests.mavlink_vehicle import FakeAutopilot


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
