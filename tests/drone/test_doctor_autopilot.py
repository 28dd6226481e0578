"""What the doctor makes of an autopilot: set up well or badly, silent, another's, PX4."""

from __future__ import annotations

import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from drone.doctor_autopilot import VehicleCheck
from drone.doctor_clock import judged_clock
from drone.doctor_parameters import judged, names_for
from firmware_bridge.clock import BridgeClock, HostClock
from sensors.config import AutopilotTable
from tests.speaking_vehicle import GOOD_COPTER, SpeakingVehicle, free_port


@pytest.fixture(autouse=True)
def quicker(monkeypatch):
    monkeypatch.setattr("drone.doctor_autopilot.WATCH_S", 2.0)
    monkeypatch.setattr("drone.doctor_autopilot.ASK_S", 3.0)


def found_at(link, *, has_anemometer=False, clock=None, folder=Path(), **table):
    check = VehicleCheck(
        AutopilotTable(link=link, **table),
        clock=clock or BridgeClock(),
        folder=folder,
        has_anemometer=has_anemometer,
        stop=threading.Event(),
    )
    return {one.subject: one for one in check.run()}


def test_an_autopilot_not_set_up_is_told_with_what_to_set():
    port = free_port()
    bad = {"SERIAL1_PROTOCOL": 1.0, "EK3_DRAG_BCOEF_X": 0.0, "LOG_BACKEND_TYPE": 0.0}
    with SpeakingVehicle(port, bad, slow=4.0, satellites=0):
        found = found_at(f"udp:127.0.0.1:{port}")
    assert "set SERIAL1_PROTOCOL = 2" in found["SERIALn_PROTOCOL"].fix
    assert "EK3_DRAG_BCOEF_X" in found["estimation"].fix
    assert found["logging"].state == "warning"
    assert found["rates"].state == "warning"
    assert "of 10" in found["rates"].found
    assert "no 3D fix" in found["GPS"].found
    assert "failure" not in {one.state for one in found.values()}  # fly starts all the same


def test_another_system_on_the_link_is_not_believed(monkeypatch):
    monkeypatch.setattr("drone.doctor_autopilot.HEAR_S", 2.5)
    port = free_port()
    with SpeakingVehicle(port, GOOD_COPTER, system=7) as vehicle:
        found = found_at(f"udp:127.0.0.1:{port}")
    assert found["link"].state == "warning"
    assert "other systems speak" in found["link"].found
    assert found["parameters"].state == "not checked"
    assert "PARAM_REQUEST_READ" not in {one.name for one in vehicle.heard}


def test_a_link_in_use_is_a_failure_since_fly_would_not_start():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        found = found_at(f"udp:127.0.0.1:{other.getsockname()[1]}")
    assert found["link"].state == "failure"
    assert "in use by" in found["link"].found


@pytest.mark.parametrize(
    ("link", "state", "words"),
    [
        ("tcp:127.0.0.1:1", "warning", "refused"),
        ("serial:/dev/serial/by-id/no-such,921600", "warning", "no such port"),
        ("carrier pigeon", "failure", "link"),
    ],
)
def test_a_link_that_is_not_there_says_why(monkeypatch, link, state, words):
    monkeypatch.setattr("drone.doctor_autopilot.HEAR_S", 0.5)
    found = found_at(link)
    assert found["link"].state == state
    assert words in found["link"].found
    assert found["link"].fix


def test_bytes_without_a_heartbeat_are_told(monkeypatch):
    monkeypatch.setattr("drone.doctor_autopilot.HEAR_S", 1.0)
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noisy:
        timer = threading.Timer(0.4, lambda: noisy.sendto(b"\x00noise" * 40, ("127.0.0.1", port)))
        timer.start()
        found = found_at(f"udp:127.0.0.1:{port}")
        timer.join()
    assert "240 bytes" in found["link"].found
    assert "SERIALn_PROTOCOL = 2" in found["link"].fix


def test_a_missing_key_is_a_failure(tmp_path):
    found = found_at(f"udp:127.0.0.1:{free_port()}", folder=tmp_path, signing_key="key")
    assert found["link"].state == "failure"
    assert "key" in found["link"].found


def arguments(**more):
    return {
        "autopilot": 3,
        "vehicle": "quadrotor",
        "is_serial": True,
        "has_anemometer": False,
    } | more


def states(values, **more):
    return {one.subject: one.state for one in judged(values, **arguments(**more))}


class TestParameters:
    def test_a_good_copter_is_in_order(self):
        assert set(states(GOOD_COPTER).values()) == {"ok"}

    @pytest.mark.parametrize(
        ("name", "value", "subject"),
        [
            ("SERIAL1_PROTOCOL", 5.0, "SERIALn_PROTOCOL"),
            ("SERIAL1_BAUD", 57.0, "SERIALn_BAUD"),
            ("EK3_DRAG_MCOEF", 0.0, "estimation"),
            ("EK3_DRAG_BCOEF_Y", 0.0, "estimation"),
            ("AHRS_EKF_TYPE", 2.0, "estimation"),
            ("LOG_BACKEND_TYPE", 0.0, "logging"),
        ],
    )
    def test_each_that_is_wrong_is_one_warning(self, name, value, subject):
        found = states(GOOD_COPTER | {name: value})
        assert [one for one, state in found.items() if state != "ok"] == [subject]

    def test_an_anemometer_makes_the_estimate_needless(self):
        assert states(GOOD_COPTER | {"EK3_DRAG_MCOEF": 0.0}, has_anemometer=True) == {
            "SERIALn_PROTOCOL": "ok", "estimation": "ok", "logging": "ok",
        }  # fmt: skip

    def test_a_router_serves_whatever_its_own_port_is_set_to(self):
        assert states(GOOD_COPTER | {"SERIAL1_PROTOCOL": 5.0}, is_serial=False)[
            "SERIALn_PROTOCOL"
        ] == "ok"  # fmt: skip

    def test_a_plane_needs_its_airspeed_sensor(self):
        flown = {"vehicle": "fixed_wing"}
        values = {"SERIAL1_PROTOCOL": 2.0, "ARSPD_TYPE": 1.0, "ARSPD_USE": 1.0}
        assert states(values, **flown)["estimation"] == "ok"
        assert states(values | {"ARSPD_USE": 0.0}, **flown)["estimation"] == "warning"

    def test_px4_has_names_of_its_own(self):
        good = {"MAV_1_MODE": 2.0, "SDLOG_MODE": 0.0, "EKF2_DRAG_CTRL": 1.0}
        assert set(states(good, autopilot=12).values()) == {"ok"}
        bad = states({"MAV_1_MODE": 0.0, "SDLOG_MODE": -1.0}, autopilot=12)
        assert bad == {"MAV_n_MODE": "warning", "logging": "warning", "estimation": "warning"}

    def test_what_is_not_answered_is_not_called_well(self):
        assert set(states({}).values()) == {"not checked"}
        assert set(states({}, autopilot=4).values()) == {"not checked"}

    @pytest.mark.parametrize("autopilot", [3, 12])
    @pytest.mark.parametrize("vehicle", ["quadrotor", "fixed_wing"])
    def test_names_fit_into_the_message(self, autopilot, vehicle):
        names = names_for(autopilot, vehicle)
        assert all(
            len(struct.pack("16s", name.encode()).rstrip(b"\0")) == len(name) for name in names
        )
        assert len(set(names)) == len(names) <= 30


class TestClock:
    @staticmethod
    def clock(*, synchronised, ahead_s=None):
        """Of a computer that is ahead of the vehicle's UTC."""
        host = HostClock(synchronised=lambda: synchronised)
        clock = BridgeClock(host)
        if ahead_s is not None:
            now_ns = time.monotonic_ns()
            for k in range(40):
                sent_ns = now_ns + k * 10**8
                utc_us = (host.utc_of_monotonic(sent_ns).time_ns - int(ahead_s * 1e9)) // 1000
                clock.vehicle.asked(sent_ns)
                clock.vehicle.add_timesync(sent_ns, sent_ns + 10**6, sent_ns + 2 * 10**6)
                clock.vehicle.add_system_time(utc_us, sent_ns // 10**6)
        return clock

    def judged(self, clock, *, is_heard=True):
        return judged_clock(clock, time.monotonic_ns() + 4 * 10**9, is_heard=is_heard)

    def test_no_time_server_and_no_vehicle_is_a_warning(self):
        host, vehicle = self.judged(self.clock(synchronised=False), is_heard=False)
        assert (host.state, vehicle.state) == ("warning", "not checked")

    def test_the_vehicles_utc_makes_up_for_it(self):
        host, vehicle = self.judged(self.clock(synchronised=False, ahead_s=0.02))
        assert (host.state, vehicle.state) == ("ok", "ok")
        assert vehicle.figures["offset_s"] == pytest.approx(0.02, abs=0.01)

    @pytest.mark.parametrize(("ahead_s", "word"), [(3600.0, "ahead"), (-3600.0, "behind")])
    def test_clocks_that_disagree_are_told_with_their_sign(self, ahead_s, word):
        _, vehicle = self.judged(self.clock(synchronised=True, ahead_s=ahead_s))
        assert vehicle.state == "warning"
        assert word in vehicle.found
        assert vehicle.figures["offset_s"] == pytest.approx(ahead_s, abs=0.1)
