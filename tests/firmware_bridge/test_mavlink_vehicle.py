"""What the bridge makes of a vehicle, and whom it does not believe; no sockets here."""

from __future__ import annotations

import math

import pytest

from firmware_bridge.clock import BridgeClock, HostClock
from firmware_bridge.mavlink_frames import PacketDecoder
from firmware_bridge.outlet import Outlet
from firmware_bridge.signing import Signer
from firmware_bridge.vehicle import Vehicle
from sensors.framing import Frame
from sensors.records import Event, PoseSample, Quality, WindSample
from tests.mavlink_vehicle import NOON_US, NS, FakeAutopilot

KEY = bytes(range(32))


class Bridge:
    """A vehicle without a link: bytes in, bytes out, time by hand."""

    def __init__(self, *, signer=None, system=1):
        self.now_ns = 1000 * NS
        self.sent = []
        self.clock = BridgeClock(
            HostClock(wall_ns=lambda: 0, monotonic_ns=lambda: self.now_ns, synchronised=bool)
        )
        outlet = Outlet(self.write, system=system, budget_bytes_s=100_000, signer=signer)
        self.vehicle = Vehicle(outlet=outlet, clock=self.clock, signer=signer)
        self.decoder = PacketDecoder()

    def write(self, frame):
        self.sent.append(frame)
        return True

    def hear(self, data, *, peer="", delay_ns=2_000_000):
        found = []
        for frame in self.decoder.feed(data, self.now_ns) + self.decoder.flush():
            if isinstance(frame, Frame):
                packet = frame.fields["packet"]
                found += self.vehicle.take(packet, self.now_ns + delay_ns, peer)
        return found

    def said(self, name=None):
        """Packets sent since the last call."""
        data = b"".join(self.sent)
        self.sent.clear()
        packets = [frame.fields["packet"] for frame in PacketDecoder().feed(data)]
        return [one for one in packets if name in {None, one.name}]

    def run(self, autopilot, seconds, *, answers=True, hz=10):
        """Fly on: heartbeat and time each second, position ten times, answers to requests."""
        found = []
        for tick in range(round(seconds * hz)):
            self.now_ns += NS // hz
            if tick % hz == 0:
                found += self.hear(autopilot.heartbeat() + autopilot.system_time(self.now_ns))
            found += self.hear(autopilot.position(self.now_ns))
            found += self.vehicle.step(self.now_ns)
            for packet in self.said() if answers else ():
                found += self.hear(autopilot.answer(packet, self.now_ns + 1_000_000))
        return found

    @property
    def refused(self):
        return self.vehicle.gate.counters


def kinds(records):
    return [one.kind for one in records if isinstance(one, Event)]


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
        assert kinds(bridge.hear(liar.heartbeat(armed=True))) == ["spoofed heartbeat"]
        assert not bridge.hear(liar.heartbeat(armed=True))
        assert bridge.refused["spoofed"] == 2
        assert bridge.vehicle.gate.autopilot == 3
        assert bridge.vehicle.latest["HEARTBEAT"][1]["armed"] is False

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


class TestRates:
    def test_each_is_asked_and_acknowledged_one_at_a_time(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat())
        bridge.vehicle.step(bridge.now_ns)
        (first,) = bridge.said("COMMAND_LONG")
        fields = first.fields()
        assert (fields["command"], fields["param1"], fields["param2"]) == (511, 33.0, 100_000.0)
        assert (fields["target_system"], fields["target_component"]) == (1, 1)
        bridge.now_ns += NS // 2
        bridge.vehicle.step(bridge.now_ns)
        assert not bridge.said("COMMAND_LONG")
        bridge.hear(autopilot.answer(first, bridge.now_ns))
        bridge.vehicle.step(bridge.now_ns)
        assert bridge.said("COMMAND_LONG")[0].fields()["param1"] == 30.0

    @pytest.mark.parametrize(("kind", "wanted", "other"), [(3, 168, 231), (12, 231, 168)])
    def test_wind_is_asked_as_the_autopilot_knows_it(self, bridge, kind, wanted, other):
        autopilot = FakeAutopilot(autopilot=kind, boot_ns=bridge.now_ns - NS)
        asked = set()
        for _ in range(30):
            bridge.now_ns += NS // 10
            bridge.hear(autopilot.heartbeat())
            bridge.vehicle.step(bridge.now_ns)
            for packet in bridge.said("COMMAND_LONG"):
                asked.add(packet.fields()["param1"])
                bridge.hear(autopilot.answer(packet, bridge.now_ns))
        assert wanted in asked
        assert other not in asked
        assert bridge.vehicle.rates.is_done

    def test_without_an_answer_it_is_asked_three_times_then_otherwise(self, bridge, autopilot):
        bridge.run(autopilot, 3.05, answers=False)
        bridge.sent.clear()
        bridge.run(autopilot, 0.5, answers=False)
        bridge.vehicle.rates.counters["unanswered"] += 0
        assert bridge.vehicle.rates.counters["asked"] >= 3
        assert bridge.vehicle.rates.refused == ["GLOBAL_POSITION_INT"]

    def test_an_old_autopilot_is_asked_for_streams(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat())
        bridge.vehicle.step(bridge.now_ns)
        bridge.said()
        bridge.hear(autopilot.frame("COMMAND_ACK", command=511, result=3))
        (packet,) = bridge.said("REQUEST_DATA_STREAM")
        assert packet.fields()["start_stop"] == 1

    def test_an_acknowledgement_to_somebody_else_is_left_out(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat())
        bridge.vehicle.step(bridge.now_ns)
        ack = {"command": 511, "result": 0, "target_system": 255, "target_component": 190}
        bridge.hear(autopilot.frame("COMMAND_ACK", **ack))
        assert bridge.vehicle.rates.counters["accepted"] == 0

    def test_a_rejection_for_now_is_asked_again(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat())
        bridge.vehicle.step(bridge.now_ns)
        bridge.hear(autopilot.frame("COMMAND_ACK", command=511, result=1))
        bridge.said()
        bridge.now_ns += NS + 1
        bridge.hear(autopilot.heartbeat())
        bridge.vehicle.step(bridge.now_ns)
        (again,) = bridge.said("COMMAND_LONG")
        assert (again.fields()["param1"], again.fields()["confirmation"]) == (33.0, 1)


class TestFaults:
    def test_after_a_reboot_rates_are_asked_again_and_time_begins_anew(self, bridge, autopilot):
        bridge.run(autopilot, 20)
        assert bridge.vehicle.rates.is_done
        before = bridge.vehicle.rates.counters["accepted"]
        autopilot.boot_ns = bridge.now_ns + 3 * NS
        autopilot.sequence = 0
        bridge.now_ns += 4 * NS
        found = bridge.run(autopilot, 20)
        assert kinds(found).count("autopilot reboot") == 1
        assert bridge.vehicle.rates.counters["accepted"] == 2 * before
        poses = [one for one in found if isinstance(one, PoseSample)]
        assert poses[-1].time_ns == pytest.approx(NOON_US * 1000 + bridge.now_ns, abs=2e6)
        assert poses[-1].time_sigma_s < 0.05

    def test_a_link_loss_of_12_s_is_told_and_is_a_gap(self, bridge, autopilot):
        bridge.run(autopilot, 20)
        found = []
        for _ in range(120):
            bridge.now_ns += NS // 10
            found += bridge.vehicle.step(bridge.now_ns)
        assert kinds(found) == ["vehicle lost"]
        assert not bridge.vehicle.is_heard
        before = bridge.vehicle.rates.counters["accepted"]
        found = bridge.run(autopilot, 20)
        backs = [one for one in found if isinstance(one, Event)]
        assert [one.kind for one in backs] == ["vehicle back"]
        assert 11.9 < float(backs[0].text.split()[1]) < 12.3
        assert bridge.vehicle.rates.counters["accepted"] == 2 * before
        assert bridge.vehicle.counters["reboots"] == 0
        poses = [one for one in found if isinstance(one, PoseSample)]
        assert len(poses) == 200

    def test_nothing_is_asked_while_the_vehicle_is_lost(self, bridge, autopilot):
        bridge.run(autopilot, 20)
        bridge.now_ns += 6 * NS
        bridge.vehicle.step(bridge.now_ns)
        bridge.said()
        for _ in range(50):
            bridge.now_ns += NS // 10
            bridge.vehicle.step(bridge.now_ns)
        assert not bridge.said()

    @pytest.mark.parametrize("unix_us", [0, 5_000_000, 1_262_304_000_000_000])
    def test_gps_time_of_1970_is_no_time(self, bridge, autopilot, unix_us):
        bridge.hear(autopilot.heartbeat())
        for _ in range(20):
            bridge.now_ns += NS
            bridge.hear(autopilot.heartbeat() + autopilot.system_time(bridge.now_ns, unix_us))
            (pose,) = bridge.hear(autopilot.position(bridge.now_ns))
        assert not bridge.clock.vehicle.has_utc
        assert pose.quality & Quality.CLOCK_POOR
        assert pose.time_sigma_s > 1000.0


class TestTime:
    def test_answers_to_timesync_set_the_clock(self, bridge, autopilot):
        bridge.run(autopilot, 15)
        estimate = bridge.clock.utc_of_monotonic(bridge.now_ns)
        assert estimate.time_ns == pytest.approx(NOON_US * 1000 + bridge.now_ns, abs=3e6)
        assert estimate.sigma_s < 0.01
        assert bridge.vehicle.boot_ms(bridge.now_ns) == pytest.approx(115_000, abs=3)

    def test_it_is_asked_five_times_a_second_for_ten_seconds_then_once(self, bridge, autopilot):
        requests = []
        for tick in range(200):
            bridge.now_ns += NS // 10
            if tick % 10 == 0:
                bridge.hear(autopilot.heartbeat())
            bridge.vehicle.step(bridge.now_ns)
            requests += [tick for _ in bridge.said("TIMESYNC")]
        assert sum(tick < 100 for tick in requests) == 50
        assert sum(tick >= 100 for tick in requests) == 10

    def test_a_request_of_the_vehicle_is_answered(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat())
        bridge.hear(autopilot.frame("TIMESYNC", tc1=0, ts1=77))
        (answer,) = bridge.said("TIMESYNC")
        assert answer.fields() == {"tc1": bridge.now_ns + 2_000_000, "ts1": 77} | {
            name: 0 for name in answer.fields() if name.startswith("target")
        }

    def test_an_answer_to_somebody_else_moves_nothing(self, bridge, autopilot):
        bridge.run(autopilot, 15)
        before = bridge.clock.utc_of_monotonic(bridge.now_ns)
        for _ in range(5):
            bridge.hear(autopilot.frame("TIMESYNC", tc1=10**15, ts1=bridge.now_ns - 12345))
        assert bridge.clock.utc_of_monotonic(bridge.now_ns) == before


class TestRecords:
    def wind(self, bridge, autopilot, **fields):
        (record,) = bridge.hear(autopilot.frame("WIND", **fields))
        assert isinstance(record, WindSample)
        return record

    def test_wind_counts_after_five_seconds_of_flight(self, bridge, autopilot):
        west = {"direction": -90.0, "speed": 5.0, "speed_z": 0.0}
        bridge.hear(autopilot.heartbeat())
        assert math.isnan(self.wind(bridge, autopilot, **west).eastward)
        bridge.hear(autopilot.heartbeat(armed=True))
        assert self.wind(bridge, autopilot, **west).quality & Quality.MISSING
        bridge.now_ns += 6 * NS
        bridge.hear(autopilot.heartbeat(armed=True))
        good = self.wind(bridge, autopilot, **west)
        assert (good.eastward, good.northward) == pytest.approx((5.0, 0.0))
        none = self.wind(bridge, autopilot, direction=-180.0, speed=0.0, speed_z=0.0)
        assert math.isnan(none.eastward)

    def test_height_above_ground_comes_from_what_looks_down(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat())
        (pose,) = bridge.hear(autopilot.position(bridge.now_ns))
        assert math.isnan(pose.height_above_ground_m)
        assert (pose.altitude_amsl_m, pose.height_above_home_m) == (523.4, 60.5)
        terrain = {"lat": 1, "lon": 1, "spacing": 100, "current_height": 58.0}
        bridge.hear(autopilot.frame("TERRAIN_REPORT", **terrain))
        (pose,) = bridge.hear(autopilot.position(bridge.now_ns + 1))
        assert pose.height_above_ground_m == 58.0
        down = {"min_distance": 20, "max_distance": 9000, "current_distance": 5900}
        bridge.hear(autopilot.frame("DISTANCE_SENSOR", orientation=25, **down))
        (pose,) = bridge.hear(autopilot.position(bridge.now_ns + 2))
        assert pose.height_above_ground_m == 59.0
        bridge.now_ns += 5 * NS
        bridge.hear(autopilot.heartbeat())
        (pose,) = bridge.hear(autopilot.position(bridge.now_ns))
        assert math.isnan(pose.height_above_ground_m)

    def test_no_position_is_not_the_gulf_of_guinea(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat())
        (pose,) = bridge.hear(autopilot.position(bridge.now_ns, lat=0, lon=0))
        assert math.isnan(pose.latitude)
        assert pose.quality & Quality.NO_POSITION

    def test_long_texts_are_joined(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat())
        first = autopilot.frame("STATUSTEXT", severity=4, text="a" * 50, id=9, chunk_seq=0)
        last = autopilot.frame("STATUSTEXT", severity=4, text="bcd", id=9, chunk_seq=1)
        (event,) = bridge.hear(first + last)
        assert (event.kind, event.text) == ("text", "a" * 50 + "bcd")

    def test_arming_and_modes_are_events_once(self, bridge, autopilot):
        found = kinds(bridge.hear(autopilot.heartbeat()))
        assert found == ["vehicle found", "disarmed", "mode"]
        assert not bridge.hear(autopilot.heartbeat())
        assert kinds(bridge.hear(autopilot.heartbeat(armed=True))) == ["armed"]
        assert kinds(bridge.hear(autopilot.heartbeat(armed=True, custom_mode=3))) == ["mode"]


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
