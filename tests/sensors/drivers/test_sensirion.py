"""SPS30 and SVM40 beyond the golden vectors: what their states and other answers mean."""

import struct

import pytest

from sensors.devices import driver_for
from sensors.records import Event, Quality
from sensors.shdlc import Reply, reply
from tests.sensors.drivers.readings import COLD, faults_of, frames_of, records_of

START, READ, INFORMATION = 0x00, 0x03, 0xD0


def measured(values):
    return reply(Reply(0, READ, 0, struct.pack(">10f", *values)))


def indexed(*values):
    return reply(Reply(0, READ, 0, struct.pack(">hhhHhh", *values)))


class TestSps30:
    def test_masses_are_si_and_saturate(self):
        samples = records_of("sps30", measured([5.0, 8.0, 9.0, 1000.0, *range(6)]))
        assert [one.channel for one in samples] == ["pm1", "pm2_5", "pm4", "pm10"]
        assert samples[0].value == pytest.approx(5e-9)
        assert samples[0].quality == Quality(0)
        assert samples[3].quality == Quality.SATURATED

    def test_what_is_no_number_is_missing(self):
        first, *_ = records_of("sps30", measured([float("nan"), *range(9)]))
        assert first.quality == Quality.MISSING

    def test_it_warms_up(self):
        first, *_ = records_of("sps30", measured(range(10)), COLD)
        assert first.quality == Quality.WARMING_UP

    def test_its_serial_number_is_told(self):
        (event,) = records_of("sps30", reply(Reply(0, INFORMATION, 0, b"8C7B3D42\0")))
        assert (event.kind, event.text) == ("version", "8C7B3D42")

    @pytest.mark.parametrize("layout", [b"", bytes(20), bytes(41)])
    def test_data_of_another_layout_are_no_reading(self, layout):
        data = reply(Reply(0, READ, 0, layout))
        assert records_of("sps30", data) == []
        assert faults_of("sps30", data) == (["length"] if layout else [])

    def test_it_is_woken_identified_and_started(self):
        dialogue = driver_for("sps30").dialogue()
        names = [one.name for one in dialogue.opening]
        assert names == ["wake_up", "device_information", "stop_measurement", "start_measurement"]
        (frame,) = frames_of("sps30", reply(Reply(0, INFORMATION, 0, b"x")))
        assert [one.answers(frame) for one in dialogue.opening[1:]] == [True, False, False]


class TestSvm40:
    def test_the_first_second_is_no_reading(self):
        index, ticks, air = records_of("svm40", indexed(0, 0, 0, 0, 0, 0))
        assert {one.quality for one in (index, ticks, air)} == {Quality.MISSING}

    def test_both_layouts_are_read(self):
        short = reply(Reply(0, READ, 0, struct.pack(">hhh", 1000, 4525, -200)))
        index, air = records_of("svm40", short)
        assert index.value == pytest.approx(100.0)
        assert air.temperature == pytest.approx(272.15)
        assert len(records_of("svm40", indexed(1000, 4525, 4690, 27500, 4480, 4730))) == 3


@pytest.mark.parametrize("name", ["sps30", "svm40"])
class TestBoth:
    @pytest.mark.parametrize("state", [0x01, 0x28, 0x80])
    def test_an_error_of_the_device_is_an_event_and_no_reading(self, name, state):
        (event,) = records_of(name, reply(Reply(0, READ, state, b"")))
        assert isinstance(event, Event)
        assert f"state {state:#04x}" in event.text

    def test_a_start_that_was_not_needed_is_no_error(self, name):
        assert records_of(name, reply(Reply(0, START, 0x43, b""))) == []

    def test_an_echo_is_no_answer(self, name):
        for request in driver_for(name).dialogue().opening:
            assert frames_of(name, request.send.lstrip(b"\xff")) == []
            assert faults_of(name, request.send.lstrip(b"\xff")) == []
