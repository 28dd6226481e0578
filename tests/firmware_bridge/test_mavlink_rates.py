"""Which messages the bridge asks the vehicle for, and what it does when they do not come."""

from __future__ import annotations

import pytest

from sensors.records import Event
from tests.mavlink_vehicle import NS, Bridge, FakeAutopilot


@pytest.fixture
def bridge():
    return Bridge()


@pytest.fixture
def autopilot(bridge):
    return FakeAutopilot(boot_ns=bridge.now_ns - 100 * NS)


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
        assert bridge.vehicle.rates.counters["asked"] == 3
        assert "REQUEST_DATA_STREAM" not in {one.name for one in bridge.said()}
        bridge.run(autopilot, 0.5, answers=False)
        assert "REQUEST_DATA_STREAM" in {one.name for one in bridge.said()}
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

    def test_what_a_ground_station_slows_down_is_asked_again(self, bridge, autopilot):
        """MAVProxy asks for all streams four times a second, again every 15 s."""
        found = bridge.run(autopilot, 30)
        counters = bridge.vehicle.rates.counters
        assert not counters["asked_again"]
        found += bridge.run(autopilot, 20, hz=4)
        assert counters["asked_again"] == 2
        assert [one.text for one in found if isinstance(one, Event) and one.kind == "rates"] == [
            "GLOBAL_POSITION_INT comes 4.0 times a second and not 10: another program sets rates, "
            "or the link is full"
        ]
        for _ in range(30):
            bridge.run(autopilot, 20, hz=4)
        assert counters["asked_again"] < 15  # it does not help: ever more seldom

    def test_what_was_not_answered_is_asked_again_when_the_vehicle_can_hear(
        self, bridge, autopilot
    ):
        bridge.run(autopilot, 60, answers=False)
        rates = bridge.vehicle.rates
        assert rates.counters["unanswered"] >= 15
        assert len(rates.refused) == 15
        bridge.run(autopilot, 60)
        assert rates.is_done
        assert not rates.refused
        assert rates.counters["accepted"] == 15

    def test_only_the_autopilot_s_acknowledgement_counts(self, bridge, autopilot):
        bridge.hear(autopilot.heartbeat())
        bridge.vehicle.step(bridge.now_ns)
        ours = {"target_system": 1, "target_component": 191, "command": 511, "result": 3}
        gimbal = FakeAutopilot(component=154)
        bridge.hear(gimbal.frame("COMMAND_ACK", **ours))
        assert not bridge.vehicle.rates.refused
        bridge.hear(autopilot.frame("COMMAND_ACK", **ours | {"result": 0}))
        assert bridge.vehicle.rates.counters["accepted"] == 1

    def test_what_never_came_is_not_asked_again(self, bridge, autopilot):
        bridge.run(autopilot, 60)  # no rangefinder, no wind
        assert not bridge.vehicle.rates.counters["asked_again"]
