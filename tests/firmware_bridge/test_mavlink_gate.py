"""Whom the bridge does not believe, and what it answers to others; no sockets here."""

from __future__ import annotations

import pytest

from firmware_bridge.signing import Signer
from sensors.records import PoseSample
from tests.mavlink_vehicle import NS, Bridge, FakeAutopilot, kinds

KEY = bytes(range(32))


@pytest.fixture
def bridge():
    return Bridge()


@pytest.fixture
def autopilot(bridge):
    return FakeAutopilot(boot_ns=bridge.now_ns - 100 * NS)


class TestWhoIsBelieved:
    def test_another_system_is_not(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat())
        other = FakeAutopilot(system=2)
        assert not bridge.hear(other.heartbeat() + other.position(bridge.now_ns))
        assert bridge.refused["other_system"] == 2

    def test_a_gimbal_of_the_vehicle_is_not(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat())
        gimbal = FakeAutopilot(component=154, vehicle=26, autopilot=8)
        assert not bridge.hear(gimbal.heartbeat())
        assert bridge.refused["other_component"] == 1

    @pytest.mark.parametrize(
        "kind", [{"vehicle": 1}, {"autopilot": 12}, {"vehicle": 6, "autopilot": 8}]
    )
    def test_a_spoofed_heartbeat_changes_nothing_and_is_told_once(self, bridge, autopilot, kind):
        bridge.hear(autopilot.heartbeat())
        liar = FakeAutopilot(**kind)
        assert not bridge.hear(liar.heartbeat(armed=True))
        assert kinds(bridge.hear(autopilot.heartbeat())) == ["spoofed heartbeat"]
        assert not bridge.hear(liar.heartbeat(armed=True) + autopilot.heartbeat())
        assert bridge.refused["spoofed"] == 2
        assert bridge.vehicle.gate.autopilot == 3
        assert bridge.vehicle.latest["HEARTBEAT"][1]["armed"] is False

    def test_a_hexacopter_that_says_quadcopter_while_it_boots_is_no_liar(self, bridge, autopilot):
        found = bridge.hear(autopilot.heartbeat())
        autopilot.vehicle = 13
        for _ in range(50):
            bridge.now_ns += NS // 10
            found += bridge.hear(autopilot.position(bridge.now_ns))
            if bridge.now_ns % NS == 0:
                found += bridge.hear(autopilot.heartbeat())
        assert bridge.refused["spoofed"] == 3
        assert "spoofed heartbeat" not in kinds(found)
        assert bridge.vehicle.latest["HEARTBEAT"][1]["vehicle"] == "hexarotor"

    @pytest.mark.parametrize("kind", [5, 6, 18, 26, 27, 30, 34, 36, 42])
    def test_what_is_no_vehicle_is_none_though_it_is_the_first_to_speak(self, bridge, kind):
        found = bridge.hear(FakeAutopilot(vehicle=kind).heartbeat())
        found += bridge.hear(FakeAutopilot(autopilot=8).heartbeat())
        found += bridge.hear(FakeAutopilot(component=100).heartbeat())
        assert not found
        assert not bridge.vehicle.is_heard
        bridge.vehicle.step(bridge.now_ns)
        assert not bridge.said()

    def test_a_ground_station_that_uses_its_number_is_not_the_vehicle(self, bridge):
        bridge.hear(FakeAutopilot(vehicle=6, autopilot=8).heartbeat())
        assert not bridge.vehicle.is_heard

    def test_nothing_is_believed_before_a_heartbeat(self, bridge, autopilot):
        assert not bridge.hear(autopilot.position(bridge.now_ns))
        assert bridge.refused["before_heartbeat"] == 1

    def test_another_sender_with_its_number_is_not_while_it_speaks(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat(), peer="10.0.0.1:5")
        liar = FakeAutopilot(boot_ns=autopilot.boot_ns)
        liar.sequence = 90
        assert not bridge.hear(liar.heartbeat() + liar.position(bridge.now_ns), peer="10.0.0.66:5")
        assert bridge.refused["other_route"] == 2
        bridge.now_ns += 4 * NS  # the vehicle comes back from another port
        bridge.hear(autopilot.heartbeat(), peer="10.0.0.1:6")
        assert bridge.vehicle.gate.peer == "10.0.0.1:6"

    def test_doubled_frames_by_two_routes_count_once(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat(), peer="a:1")
        poses = []
        for _ in range(50):
            bridge.now_ns += NS // 10
            frame = autopilot.position(bridge.now_ns)
            for peer in ("a:1", "b:2", "a:1"):
                poses += bridge.hear(frame, peer=peer)
        assert len(poses) == 50
        assert bridge.refused["duplicate"] == 100
        assert bridge.refused["lost"] == 0

    def test_the_same_heartbeat_256_frames_later_is_no_duplicate(self, bridge, autopilot):
        for _ in range(300):
            bridge.now_ns += NS
            bridge.hear(autopilot.heartbeat())
        assert bridge.refused["accepted"] == 300

    def test_losses_are_counted_by_sequence_and_latecomers_are_not(self, bridge, autopilot):
        frames = [autopilot.heartbeat() for _ in range(10)]
        for index in (0, 1, 4, 3, 9):
            bridge.now_ns += NS // 10
            bridge.hear(frames[index])
        assert bridge.refused["lost"] == 1 + 4

    def test_an_unknown_message_is_counted_and_not_decoded(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat())
        unknown = bytes.fromhex("fd0400000001015 5aa00 01020304 aabb".replace(" ", ""))
        assert not bridge.hear(unknown)
        assert bridge.decoder.counters.errors["unknown_message"] == 1
        assert bridge.refused["accepted"] == 1


class TestSigning:
    @pytest.fixture
    def signed(self, tmp_path):
        return Bridge(signer=Signer(KEY, tmp_path / "ours.time"))

    def test_a_signed_vehicle_is_believed_and_hears_signed_requests(self, signed, tmp_path):
        signer = Signer(KEY, tmp_path / "theirs.time")
        autopilot = FakeAutopilot(signer=signer, boot_ns=signed.now_ns - 100 * NS)
        poses = [one for one in signed.run(autopilot, 3) if isinstance(one, PoseSample)]
        assert len(poses) == 30
        assert signed.vehicle.rates.counters["accepted"] > 0

    @pytest.mark.parametrize("key", [None, bytes(32)])
    def test_a_bad_signature_or_none_is_refused(self, signed, tmp_path, key):
        signer = Signer(key, tmp_path / "theirs.time") if key else None
        autopilot = FakeAutopilot(signer=signer)
        assert not signed.hear(autopilot.heartbeat())
        assert signed.refused["signature" if key else "unsigned"] == 1
        assert not signed.vehicle.is_heard

    def test_a_signed_frame_played_back_later_is_refused(self, signed, tmp_path):
        autopilot = FakeAutopilot(signer=Signer(KEY, tmp_path / "theirs.time"))
        frames = [autopilot.heartbeat() for _ in range(200)]
        for frame in frames:
            signed.hear(frame)
        assert not signed.hear(frames[0])
        assert signed.refused["replay"] == 1


class TestCommandsToUs:
    def command(self, **fields):
        told = {"target_system": 1, "target_component": 191}
        return FakeAutopilot(system=255, component=190).frame("COMMAND_LONG", **(told | fields))

    def test_who_we_are_is_answered(self, bridge):
        bridge.hear(self.command(command=512, param1=148.0))
        ack, version = bridge.said()
        assert (ack.name, ack.fields()["result"]) == ("COMMAND_ACK", 0)
        assert version.name == "AUTOPILOT_VERSION"

    def test_all_else_is_refused(self, bridge):
        bridge.hear(self.command(command=400, param1=1.0))
        (ack,) = bridge.said()
        assert (ack.fields()["result"], ack.fields()["target_system"]) == (3, 255)

    def test_what_is_meant_for_others_is_left_alone(self, bridge):
        bridge.hear(self.command(command=400, target_component=1))
        assert not bridge.said()


class TestOurNumber:
    def test_another_computer_with_it_makes_us_give_way(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat())
        bridge.vehicle.step(bridge.now_ns)
        other = FakeAutopilot(component=191, vehicle=18, autopilot=8)
        (event,) = bridge.hear(other.heartbeat())
        assert event.text == "another computer is 191, we are 192"
        bridge.said()
        bridge.now_ns += NS + 1
        bridge.vehicle.step(bridge.now_ns)
        assert {one.component for one in bridge.said()} == {192}

    def test_an_echo_of_ourselves_does_not(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat())
        bridge.vehicle._outlet.send("HEARTBEAT", {"type": 18, "autopilot": 8}, bridge.now_ns)
        echo = bridge.sent[-1]
        assert not bridge.hear(echo)
        assert bridge.vehicle._outlet.component == 191

    def test_there_are_four_numbers(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat())
        for component in (191, 192, 193, 194, 194):
            other = FakeAutopilot(component=component, vehicle=18, autopilot=8)
            bridge.hear(other.heartbeat())
        assert bridge.vehicle._outlet.component == 194
