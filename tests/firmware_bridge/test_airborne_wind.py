"""What a carried anemometer feels, turned into wind: against scipy's rotations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from firmware_bridge.airborne_wind import AirborneWind, over_ground
from sensors.records import WindSample

angles = st.floats(-math.pi, math.pi)
tilts = st.floats(-1.5, 1.5)
speeds = st.floats(-30.0, 30.0)
vectors = st.tuples(speeds, speeds, speeds)


@given(roll=angles, pitch=tilts, yaw=angles, wind=vectors, velocity=vectors)
def test_the_wind_is_found_however_the_vehicle_turns_and_moves(roll, pitch, yaw, wind, velocity):
    to_earth = Rotation.from_euler("ZYX", [yaw, pitch, roll])
    forward, right, down = to_earth.inv().apply(np.subtract(wind, velocity))
    felt = WindSample(5, "sonic", eastward=right, northward=forward, upward=-down, frame="vehicle")
    found = over_ground(felt, roll=roll, pitch=pitch, yaw=yaw, velocity_ned=velocity)
    assert found.frame == "earth"
    assert (found.northward, found.eastward, -found.upward) == pytest.approx(wind, abs=1e-9)
    assert (found.time_ns, found.source) == (5, "sonic")


def test_without_a_third_component_none_is_made_up():
    felt = WindSample(0, "sonic", eastward=1.0, northward=2.0, frame="vehicle")
    found = over_ground(felt, roll=0.2, pitch=0.1, yaw=0.0, velocity_ned=(0.0, 0.0, 0.0))
    assert math.isnan(found.upward)
    assert math.isfinite(found.eastward)


FELT = WindSample(0, "sonic", eastward=0.0, northward=-4.0, frame="vehicle")
ATTITUDE = {"roll_rad": 0.0, "pitch_rad": 0.0, "yaw_rad": 0.0}
MOVING = {"vel_ned_m_s": [4.0, 0.0, 0.0]}
NOW = 10_000_000_000


def test_the_newest_attitude_and_velocity_are_used():
    latest = {"ATTITUDE": (NOW - 10**8, ATTITUDE), "GLOBAL_POSITION_INT": (NOW, MOVING)}
    assert AirborneWind(latest).of(FELT, NOW).northward == pytest.approx(0.0)


@pytest.mark.parametrize(
    "latest",
    [
        {},
        {"ATTITUDE": (NOW, ATTITUDE)},
        {"GLOBAL_POSITION_INT": (NOW, MOVING)},
        {"ATTITUDE": (NOW - 10**9, ATTITUDE), "GLOBAL_POSITION_INT": (NOW, MOVING)},
        {"ATTITUDE": (NOW, {**ATTITUDE, "yaw_rad": None}), "GLOBAL_POSITION_INT": (NOW, MOVING)},
        {"ATTITUDE": (NOW, ATTITUDE), "LOCAL_POSITION_NED": (NOW, {"vel_ned_m_s": [None] * 3})},
    ],
)
def test_what_is_not_known_for_that_moment_gives_no_wind(latest):
    assert AirborneWind(latest).of(FELT, NOW) is None
