"""DFRobot's multi-gas modules: the reply tells gas and decimals."""

import math

import pytest

from sensors.devices import driver_for
from sensors.records import Quality
from sensors.winsen_frames import framed
from tests.sensors.drivers.readings import COLD, faults_of, frames_of, records_of


def reply(value, gas, decimals, kind=0x86):
    head = bytes([kind]) + value.to_bytes(2, "big")
    return framed(head + bytes([gas, decimals, 0x01, 0x90]))


@pytest.mark.parametrize(
    ("gas", "decimals", "channel", "fraction"),
    [(0x04, 0, "co", 123e-6), (0x2B, 1, "so2", 12.3e-6), (0x2A, 2, "o3", 1.23e-6)],
)
def test_gas_and_decimals_come_with_the_value(gas, decimals, channel, fraction):
    (sample,) = records_of("dfrobot_gas", reply(123, gas, decimals))
    assert (sample.channel, sample.unit, sample.quality) == (channel, "1", Quality(0))
    assert sample.value == pytest.approx(fraction)


def test_oxygen_is_told_in_percent():
    (sample,) = records_of("dfrobot_gas", reply(209, 0x05, 1))
    assert (sample.channel, sample.value) == ("o2", pytest.approx(0.209))


def test_encoding_a_reading_gives_its_bytes():
    data = reply(209, 0x05, 1)
    (frame,) = frames_of("dfrobot_gas", data)
    assert driver_for("dfrobot_gas").encode(frame.as_json()) == data


def test_what_it_uploads_by_itself_has_the_same_layout():
    asked, unasked = (records_of("dfrobot_gas", reply(7, 0x02, 0, k)) for k in (0x86, 0x88))
    assert asked == unasked


def test_full_scale_is_saturated_and_more_is_void():
    (full,) = records_of("dfrobot_gas", reply(200, 0x2B, 1))
    (beyond,) = records_of("dfrobot_gas", reply(300, 0x2B, 1))
    assert full.quality == Quality.SATURATED
    assert beyond.quality == Quality.SATURATED | Quality.OUT_OF_RANGE
    assert math.isnan(beyond.value)


def test_it_warms_up():
    (sample,) = records_of("dfrobot_gas", reply(7, 0x02, 0), COLD)
    assert sample.quality == Quality.WARMING_UP


def test_unknown_gases_decimals_and_answers_are_refused():
    assert faults_of("dfrobot_gas", reply(7, 0x7F, 0)) == ["format"]
    assert faults_of("dfrobot_gas", reply(7, 0x02, 3)) == ["format"]
    assert faults_of("dfrobot_gas", framed(bytes([0x78, 2, 0, 0, 0, 0, 0]))) == ["format"]


def test_an_acknowledgement_ends_the_opening_and_is_no_reading():
    dialogue = driver_for("dfrobot_gas").dialogue()
    (frame,) = frames_of("dfrobot_gas", bytes.fromhex("ff7801000000000087"))
    assert dialogue.opening[0].answers(frame)
    assert not dialogue.poll.answers(frame)
    assert records_of("dfrobot_gas", bytes.fromhex("ff7801000000000087")) == []
