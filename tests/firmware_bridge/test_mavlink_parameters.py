"""Reading parameters: asked by name, again when nothing comes, believed from the vehicle only."""

from __future__ import annotations

import struct

import pytest

from firmware_bridge.mavlink_parameters import parameter_value
from firmware_bridge.outlet import MESSAGES
from tests.mavlink_vehicle import Bridge, FakeAutopilot


def value_of(packet, value=2.0):
    return {"param_id": packet.fields()["param_id"], "param_value": value, "param_type": 9}


def test_a_parameter_is_asked_by_name_and_its_value_kept():
    bridge, vehicle = Bridge(), FakeAutopilot()
    bridge.run(vehicle, 2)
    bridge.vehicle.parameters.ask(["SERIAL1_PROTOCOL"])
    bridge.vehicle.step(bridge.now_ns)
    (asked,) = bridge.said("PARAM_REQUEST_READ")
    assert asked.fields() == {
        "target_system": 1,
        "target_component": 1,
        "param_id": "SERIAL1_PROTOCOL",  # sixteen characters: no NUL ends it
        "param_index": -1,
    }
    bridge.hear(vehicle.frame("PARAM_VALUE", **value_of(asked)))
    assert bridge.vehicle.parameters.values == {"SERIAL1_PROTOCOL": 2.0}
    assert bridge.vehicle.parameters.is_done


def test_values_of_others_and_values_nobody_asked_for_are_left_out():
    bridge, vehicle = Bridge(), FakeAutopilot()
    bridge.run(vehicle, 2)
    bridge.vehicle.parameters.ask(["LOG_DISARMED"])
    bridge.vehicle.step(bridge.now_ns)
    told = {"param_id": "LOG_DISARMED", "param_value": 7.0, "param_type": 9}
    for stranger in (FakeAutopilot(system=2), FakeAutopilot(component=100)):
        bridge.hear(stranger.frame("PARAM_VALUE", **told))
    bridge.hear(vehicle.frame("PARAM_VALUE", **(told | {"param_id": "ARMING_CHECK"})))
    assert bridge.vehicle.parameters.values == {}
    assert not bridge.vehicle.parameters.is_done


def test_a_parameter_it_does_not_have_is_given_up_after_three_requests():
    bridge, vehicle = Bridge(), FakeAutopilot()
    bridge.run(vehicle, 2)
    bridge.vehicle.parameters.ask(["NO_SUCH"])
    asked = 0
    for _ in range(40):
        bridge.run(vehicle, 0.1, answers=False)
        asked += len(bridge.said("PARAM_REQUEST_READ"))
    assert asked == 3
    assert bridge.vehicle.parameters.unanswered == {"NO_SUCH"}
    assert bridge.vehicle.parameters.is_done


@pytest.mark.parametrize(("kind", "layout", "number"), [
    (6, "<i", -1), (6, "<i", 2), (2, "<bxxx", -3), (4, "<hxx", 500), (5, "<I", 7),
])  # fmt: skip
def test_px4_sends_the_bytes_of_whole_numbers(kind, layout, number):
    (as_float,) = struct.unpack("<f", struct.pack(layout, number))
    assert parameter_value(as_float, kind, 12) == number
    assert parameter_value(1.5, 9, 12) == 1.5


def test_no_message_writes_a_parameter():
    assert {name for name in MESSAGES if "PARAM" in name} == {"PARAM_REQUEST_READ"}


def test_names_it_does_not_have_keep_no_other_waiting():
    bridge, vehicle = Bridge(), FakeAutopilot()
    bridge.run(vehicle, 2)
    known = [f"KNOWN_{k}" for k in range(20)]
    bridge.vehicle.parameters.ask([*(f"NOT_{k}" for k in range(20)), *known])
    for _ in range(20):  # 2 s
        bridge.run(vehicle, 0.1, answers=False)
        for packet in bridge.said("PARAM_REQUEST_READ"):
            if packet.fields()["param_id"] in known:
                bridge.hear(vehicle.frame("PARAM_VALUE", **value_of(packet)))
    assert set(bridge.vehicle.parameters.values) == set(known)
