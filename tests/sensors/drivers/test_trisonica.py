"""TriSonica beyond its golden vectors."""

from __future__ import annotations

import math

import pytest

from sensors.devices import Moment, driver_for
from sensors.framing import Fault, Frame

DRIVER = driver_for("trisonica")
NOW = Moment(source="wind", time_ns=1, time_sigma_s=0.01)


def only(line):
    (found,) = DRIVER.decoder().feed(line)
    return found


def test_wind_points_where_the_air_goes():
    frame = only(b"S2 02.00 D 090 U -02.00 V 00.00 W 00.10 T 18.50\r\n")
    wind, air = DRIVER.records(frame, NOW)
    assert (wind.eastward, wind.northward, wind.upward) == (-2.0, 0.0, 0.1)
    assert wind.frame == "vehicle"
    assert air.temperature == pytest.approx(291.65)
    assert math.isnan(air.pressure)


def test_without_components_speed_and_direction_serve():
    wind, *_ = DRIVER.records(only(b"S2 02.00 D 180 T 18.50\r\n"), NOW)
    assert (wind.eastward, wind.northward) == pytest.approx((0.0, 2.0))


def test_a_second_p_is_pitch():
    frame = only(b"S 1.00 D 010 P 1013.20 P -003.1\r\n")
    assert frame.fields["raw"] == {"S": 1.0, "D": 10, "P": 1013.2, "PI": -3.1}
    assert frame.fields["si"]["pressure_Pa"] == pytest.approx(101_320)


@pytest.mark.parametrize(
    "line",
    [
        b"H 5\r\n",  # two letters of noise
        b"S 1.00 D 010 U 1.0 U 2.0\r\n",
        b"S 1.00 D 010 Q 1.0\r\n",
        b"S 1.00 D 010 T nan\r\n",
        b"S 1.00 D 010 T\r\n",
    ],
)
def test_a_line_counts_only_if_all_of_it_parses(line):
    assert isinstance(only(line), Fault)
    found = DRIVER.decoder().feed(line + b"S 1.00 D 010 T 20.0\r\n")
    assert isinstance(found[-1], Frame)
