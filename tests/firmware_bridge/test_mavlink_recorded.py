"""Flights an autopilot really flew (in simulation), heard as if they came over the link."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from firmware_bridge.clock import BridgeClock
from firmware_bridge.decoders.tlog import decoder
from firmware_bridge.mavlink_frames import parse_frame
from firmware_bridge.outlet import Outlet
from firmware_bridge.vehicle import Vehicle
from sensors.framing import Frame
from sensors.records import Event, PoseSample, WindSample


@pytest.fixture(scope="module", params=["survey_a", "survey_b"])
def flight(request, shared_data):
    """Name, frames found, the vehicle as the bridge saw it, and its records."""
    data = (shared_data / "autopilot_sitl" / f"{request.param}.tlog").read_bytes()
    found = decoder().feed(data)
    outlet = Outlet(lambda _frame: True, system=1, budget_bytes_s=10**6)
    vehicle, records = Vehicle(outlet=outlet, clock=BridgeClock()), []
    for frame in found:
        assert isinstance(frame, Frame)
        now_ns = frame.fields["received_unix_us"] * 1000
        packet = parse_frame(data[frame.offset + 8 : frame.offset + frame.length])
        records += vehicle.step(now_ns)
        records += vehicle.take(packet, now_ns)
    return request.param, found, vehicle, records


def test_every_message_is_found(flight):
    name, found, _, _ = flight
    assert len(found) == {"survey_a": 36_919, "survey_b": 36_421}[name]


def test_only_the_vehicle_is_believed(flight):
    _, found, vehicle, _ = flight
    counters = vehicle.gate.counters
    others = sum(frame.fields["sysid"] != 1 for frame in found)
    assert counters["other_system"] == others > 800
    assert counters["accepted"] > 35_000
    assert counters["spoofed"] == counters["duplicate"] == 0


def test_the_gap_of_flight_b_is_told_and_nothing_else_is(flight):
    name, _, vehicle, records = flight
    kinds = Counter(one.kind for one in records if isinstance(one, Event))
    assert kinds["vehicle lost"] == kinds["vehicle back"] == (name == "survey_b")
    assert kinds["mission item reached"] == 24
    assert (kinds["armed"], kinds["disarmed"]) == (1, 2)
    assert not vehicle.counters["reboots"]
    assert not vehicle.counters["clock_steps"]


def test_times_and_places_are_the_vehicles(flight):
    _, _, _, records = flight
    poses = [one for one in records if isinstance(one, PoseSample) and one.time_sigma_s < 0.1]
    assert len(poses) > 6000
    steps = np.diff([one.time_ns for one in poses])
    assert (steps > 0).mean() > 0.999
    assert np.median(steps) == pytest.approx(1e8, rel=0.05)
    assert poses[-1].latitude == pytest.approx(52.0907, abs=1e-4)


def test_the_wind_blows_as_it_was_set(flight):
    _, _, _, records = flight
    winds = [one for one in records if isinstance(one, WindSample)]
    used = [one for one in winds if not math.isnan(one.eastward)][100:]
    east = np.mean([one.eastward for one in used])
    north = np.mean([one.northward for one in used])
    assert math.degrees(math.atan2(east, north)) == pytest.approx(60.0, abs=4.0)
    assert math.hypot(east, north) == pytest.approx(3.0, rel=0.15)
