"""The bridge with MAVProxy as a router and MAVSDK 3 as a client, each a process of its own."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from firmware_bridge.tunnel import PAYLOAD_TYPE
from tests.peers.processes import (
    KEY,
    bridge,
    check_that_nothing_moves_the_vehicle,
    free_port,
    is_settled,
    mavproxy,
    mavsdk_client,
    mavsdk_server,
    vehicle,
)


class TestMavsdk:
    def test_a_client_sees_the_vehicle_and_our_readings(self, tmp_path):
        port, ground = free_port(), free_port()
        server, grpc = mavsdk_server(ground)
        with ExitStack() as stack:
            stack.enter_context(server)
            autopilot = stack.enter_context(
                vehicle("--companion-udp", f"127.0.0.1:{port}", "--ground", f"127.0.0.1:{ground}")
            )
            stack.enter_context(bridge(f"udp:127.0.0.1:{port}"))
            check_view(stack.enter_context(mavsdk_client(grpc)).until(is_done)["seen"])
            check_that_nothing_moves_the_vehicle(autopilot)


class TestChain:
    @pytest.mark.parametrize("is_signed", [False, True])
    def test_through_two_routers_and_a_vehicle_to_a_client(self, tmp_path, is_signed):
        """Bridge - MAVProxy - vehicle - MAVProxy - MAVSDK, each a process of its own."""
        upper, lower = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM)
        port, ground = free_port(), free_port()
        key, options = tmp_path / "key", []
        if is_signed:
            key.write_bytes(KEY)
            options = ["--key", KEY.hex()]
        server, grpc = mavsdk_server(ground)
        with ExitStack() as stack:
            autopilot = stack.enter_context(
                vehicle("--companion-tcp", upper, "--ground-tcp", lower, *options)
            )
            ours = stack.enter_context(
                bridge(f"udp:127.0.0.1:{port}", *([key] if is_signed else []))
            )
            stack.enter_context(mavproxy(tmp_path, *between(lower, ground)))
            stack.enter_context(server)
            if not is_signed:  # MAVSDK waits for ever if another than the autopilot speaks first
                client = stack.enter_context(mavsdk_client(grpc))
                client.until(lambda told: told["step"] == "position")
            stack.enter_context(mavproxy(tmp_path, *between(upper, port)))
            if not is_signed:  # the routers have no key: nothing of theirs is let through
                check_view(client.until(is_done)["seen"])
            told = ours.until(is_settled)
            assert abs(told["late_s"]) < 0.5
            gate = told["counters"]["gate"]
            assert gate["other_component"] >= 2  # gimbal and ADS-B
            assert not gate.get("spoofed")
            assert not told["counters"]["vehicle"].get("reboots")
            check_that_nothing_moves_the_vehicle(autopilot)

    def test_beside_a_client_on_another_output_of_one_router(self, tmp_path):
        """MAVProxy passes nothing between its outputs, but both ask the vehicle for rates."""
        master, port, other = free_port(socket.SOCK_STREAM), free_port(), free_port()
        server, grpc = mavsdk_server(other)
        with ExitStack() as stack:
            stack.enter_context(vehicle("--companion-tcp", master))
            ours = stack.enter_context(bridge(f"udp:127.0.0.1:{port}"))
            outs = [f"--out=udp:127.0.0.1:{one}" for one in (port, other)]
            stack.enter_context(mavproxy(tmp_path, f"--master=tcp:127.0.0.1:{master}", *outs))
            stack.enter_context(server)
            client = stack.enter_context(mavsdk_client(grpc, "vehicle"))
            assert client.until(is_done)["seen"]["latitude"] == pytest.approx(52.37012)
            told = ours.until(is_settled)
            assert told["position"] == pytest.approx([52.3701200, 4.8952100])
            rates = told["counters"]["rates"]
            assert rates["accepted"] + rates.get("refused", 0) <= rates["asked"]
            assert not told["counters"]["vehicle"].get("reboots")

    def test_a_simulated_vehicle_that_waits_for_a_client_is_started_by_us(self):
        port = free_port(socket.SOCK_STREAM)
        with bridge(f"tcp:127.0.0.1:{port}") as ours, vehicle(
            "--ground-tcp", port, "--waits-for-ground"
        ):  # fmt: skip
            told = ours.until(is_settled)
            assert abs(told["late_s"]) < 0.5


def between(master, out):
    """Options of a router between a vehicle's TCP port and a UDP port."""
    return f"--master=tcp:127.0.0.1:{master}", f"--out=udp:127.0.0.1:{out}"


def is_done(told):
    return told["step"] == "done"


def check_view(seen):
    """That a client saw the vehicle, and all that we tell."""
    assert seen["latitude"] == pytest.approx(52.37012)
    assert seen["text"] == "pid lost"
    told = seen["NAMED_VALUE_FLOAT"]
    assert (told["name"].rstrip("\0"), told["value"]) == ("CH4_PPM", 2.125)
    assert seen["TUNNEL"]["payload_type"] == PAYLOAD_TYPE
    told = seen["HEARTBEAT"]
    assert (told["type"], told["autopilot"]) == (18, 8)
