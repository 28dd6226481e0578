"""The bridge behind MAVProxy, a process of its own."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from tests.peers.processes import (
    Ground,
    bridge,
    check_that_nothing_moves_the_vehicle,
    free_port,
    is_settled,
    mavproxy,
    vehicle,
)


class TestRouter:
    def test_mavproxy_carries_both_ways(self, tmp_path):
        master, port = free_port(socket.SOCK_STREAM), free_port()
        with ExitStack() as stack:
            ground = stack.enter_context(Ground())
            autopilot = stack.enter_context(
                vehicle("--companion-tcp", master, "--ground", ground.address)
            )
            ours = stack.enter_context(bridge(f"udp:127.0.0.1:{port}"))
            router = [f"--master=tcp:127.0.0.1:{master}", f"--out=udp:127.0.0.1:{port}"]
            first = stack.enter_context(mavproxy(tmp_path, *router))
            told = ours.until(is_settled)
            assert told["position"] == pytest.approx([52.3701200, 4.8952100])
            heard = ground.hear("HEARTBEAT", "NAMED_VALUE_FLOAT", "TUNNEL")
            assert heard["NAMED_VALUE_FLOAT"].value == 2.125
            check_that_nothing_moves_the_vehicle(autopilot)
            # begun anew it speaks from another port, and slows what we have asked
            first.stop()
            stack.enter_context(mavproxy(tmp_path, *router))
            before = told["records"]["PoseSample"]
            told = ours.until(
                lambda told: (
                    told["records"]["PoseSample"] > before + 60
                    and fast(autopilot, "GLOBAL_POSITION_INT")
                    and fast(autopilot, "ATTITUDE")
                )
            )
            assert abs(told["late_s"]) < 0.5
            assert not told["counters"]["gate"].get("spoofed")

    def test_a_router_of_mavlink_1(self, tmp_path):
        master, port = free_port(socket.SOCK_STREAM), free_port()
        with ExitStack() as stack:
            stack.enter_context(vehicle("--companion-tcp", master, "--mavlink1"))
            ours = stack.enter_context(bridge(f"udp:127.0.0.1:{port}"))
            router = [f"--master=tcp:127.0.0.1:{master}", f"--out=udp:127.0.0.1:{port}"]
            stack.enter_context(mavproxy(tmp_path, *router, version="--mav10"))
            ours.until(is_settled)


def fast(autopilot, name):
    """Whether a message comes ten times a second on the port of the companion."""
    told = autopilot.everything()
    return bool(told) and told[-1]["interval_s"].get(name) == pytest.approx(0.1)
