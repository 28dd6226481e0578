"""The bridge against a vehicle and a ground station written with pymavlink, over loopback."""

from __future__ import annotations

import socket

import pytest

from firmware_bridge.tunnel import PAYLOAD_TYPE, decode_batch
from tests.peers.processes import (
    KEY,
    Ground,
    bridge,
    check_that_nothing_moves_the_vehicle,
    free_port,
    is_settled,
    vehicle,
)


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
