"""What the bridge makes of a vehicle: rates, time, records, faults; no sockets here."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.mavlink_messages import IN_SI
from sensors.records import Event, PoseSample, Quality, WindSample
from tests.mavlink_vehicle import NOON_US, NS, Bridge, FakeAutopilot, kinds


@pytest.fixture
def bridge():
    return Bridge()


@pytest.fixture
def autopilot(bridge):
    return FakeAutopilot(boot_ns=bridge.now_ns - 100 * NS)


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

    def test_a_ground_station_s_answer_to_our_request_moves_nothing(self, bridge, autopilot):
        """MAVSDK answers requests for time that the autopilot passes on to it."""
        bridge.run(autopilot, 15)
        bridge.now_ns += NS
        bridge.hear(autopilot.heartbeat())
        bridge.vehicle.step(bridge.now_ns)
        (request,) = bridge.said("TIMESYNC")
        before = bridge.clock.utc_of_monotonic(bridge.now_ns)
        station = FakeAutopilot(system=245, component=190)
        bridge.hear(station.frame("TIMESYNC", tc1=10**18, ts1=request.fields()["ts1"]))
        station_time = station.frame("SYSTEM_TIME", time_unix_usec=NOON_US, time_boot_ms=77)
        bridge.hear(station_time)
        assert bridge.clock.utc_of_monotonic(bridge.now_ns) == before

    def test_an_answer_to_somebody_else_moves_nothing(self, bridge, autopilot):
        bridge.run(autopilot, 15)
        before = bridge.clock.utc_of_monotonic(bridge.now_ns)
        for _ in range(5):
            bridge.hear(autopilot.frame("TIMESYNC", tc1=10**15, ts1=bridge.now_ns - 12345))
        assert bridge.clock.utc_of_monotonic(bridge.now_ns) == before

    def test_a_stalled_simulation_is_told_seldom_and_is_no_reboot(self, bridge, autopilot):
        found = bridge.run(autopilot, 20)
        for _ in range(20):
            autopilot.boot_ns += NS // 3
            found += bridge.run(autopilot, 4)
        assert kinds(found).count("vehicle clock step") in {2, 3, 4}
        assert "autopilot reboot" not in kinds(found)
        assert bridge.vehicle.counters["clock_steps"] >= 15

    def test_a_message_of_another_clock_gets_its_time_of_arrival(self, bridge, autopilot):
        bridge.run(autopilot, 20)
        for boot_ms in (0, 10**9):
            (air,) = bridge.hear(
                autopilot.frame("SCALED_PRESSURE", time_boot_ms=boot_ms, press_abs=1e3)
            )
            assert air.time_ns == pytest.approx(NOON_US * 1000 + bridge.now_ns, abs=5e6)
        assert bridge.vehicle.counters["odd_times"] == 2
        assert bridge.vehicle.counters["reboots"] == 0


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


READ = [*IN_SI, "COMMAND_ACK", "COMMAND_LONG", "EXTENDED_SYS_STATE", "STATUSTEXT", "TIMESYNC"]


@given(
    messages=st.lists(
        st.tuples(st.sampled_from(READ), st.binary(min_size=1, max_size=255)), max_size=20
    )
)
def test_nothing_a_vehicle_can_say_stops_the_bridge(messages):
    bridge = Bridge()
    autopilot = FakeAutopilot(boot_ns=bridge.now_ns - 100 * NS)
    bridge.hear(autopilot.heartbeat())
    for name, payload in messages:
        bridge.now_ns += NS // 10
        bridge.hear(autopilot.raw(name, payload))
        for record in bridge.vehicle.step(bridge.now_ns):
            assert record.source == "autopilot"
    assert bridge.refused["accepted"] + bridge.refused["spoofed"] == 1 + len(messages)
