"""TriSonica beyond its golden vectors."""

from __future__ import annotations

import math

import pytest

from sensors.devices import Moment, driver_for
from sensors.framing import Fault, Frame
from sensors.records import Event, Quality

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


BASIC = b"S 00.26 D 080 U -00.23 V -00.04 W 00.12 T 23.58 H 36.37 P 857.30 \r\n"


def kinds_of(data):
    decoder = DRIVER.decoder()
    found = decoder.feed(data) + decoder.flush()
    return ["frame" if isinstance(one, Frame) else one.kind for one in found]


class TestTagsThatItLearns:
    def test_any_of_them_may_be_left_out(self):
        fewer = b"S 00.26 D 080 U -00.23 V -00.04\r\n"
        assert kinds_of(BASIC * 20 + fewer * 2 + BASIC) == ["frame"] * 23

    def test_they_may_come_in_any_order(self):
        turned = b"T 23.58 U -00.23 S 00.26 D 080\r\n"
        assert kinds_of(BASIC * 20 + turned) == ["frame"] * 21

    def test_a_new_one_must_come_twice(self):
        damaged = BASIC.replace(b"H 36", b"C 36")
        assert kinds_of(BASIC * 20 + damaged + BASIC) == ["frame"] * 20 + ["format", "frame"]
        more = BASIC.replace(b"T 23", b"C 345.1 T 23")
        assert kinds_of(BASIC * 20 + more * 3) == ["frame"] * 20 + ["format"] + ["frame"] * 2

    def test_two_different_accidents_do_not_confirm_each_other(self):
        first, second = BASIC.replace(b"H 36", b"C 36"), BASIC.replace(b"T 23", b"DP 23")
        wanted = ["frame"] * 20 + ["format"] * 2 + ["frame"]
        assert kinds_of(BASIC * 20 + first + second + BASIC) == wanted


class TestTagsThatAreSwitchedOff:
    def events(self, line, lines=30):
        driver = driver_for("trisonica")
        found = driver.decoder().feed(line * lines)
        records = [record for frame in found for record in driver.records(frame, NOW)]
        return [record.text for record in records if isinstance(record, Event)]

    def test_the_components_and_the_temperature_are_missed(self):
        (text,) = self.events(b"S 00.26 S2 00.25 D 080 H 36.37\r\n")
        assert text.startswith("U, V, T: switched off")
        (text,) = self.events(BASIC.replace(b"T 23.58 ", b""))
        assert text.startswith("T: switched off")

    def test_nothing_is_missed_in_a_full_set_or_before_it_is_known(self):
        assert self.events(BASIC) == []
        assert self.events(b"S 00.26 D 080 H 36.37\r\n", lines=5) == []

    def test_three_dimensional_speed_is_no_wind_by_itself(self):
        wind, *_ = DRIVER.records(only(b"S 00.26 D 080 H 36.37\r\n"), NOW)
        assert math.isnan(wind.eastward)
        assert wind.quality == Quality.MISSING


def test_void_components_give_no_wind():
    wind, *_ = DRIVER.records(only(b"S 00.26 D 080 U -99.90 V -99.90 W -99.90 T 23.58\r\n"), NOW)
    assert math.isnan(wind.eastward)
    assert wind.quality & (Quality.MISSING | Quality.OUT_OF_RANGE)
