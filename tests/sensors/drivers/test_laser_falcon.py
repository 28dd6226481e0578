"""Laser Falcon: its checksum may be any byte, and no light back is no reading."""

import math
import string
from functools import reduce
from operator import xor

import pytest

from sensors.devices import driver_for
from sensors.records import Event, Quality
from tests.sensors.drivers.readings import COLD, WARM, faults_of, frames_of, records_of


def framed(text):
    body = text.encode("latin-1") + b"\x03"
    return b"\x06\x02" + body + bytes([reduce(xor, body)])


def reply(ppm_m=115, status=1, f1=485.0, counter=76927):
    sub = "".join(f"{ppm_m:05d};{f1:+.4E};+1.4193E+03;{counter + n:010d};" for n in range(5))
    return framed(f"ETC:FWD {status};{ppm_m:05d};{sub}")


def test_every_checksum_byte_ends_a_frame():
    seen = {}
    for counter in range(100_000, 100_000 + 4000):
        data = reply(counter=counter)
        seen.setdefault(data[-1], data)
    for letter in string.ascii_letters + string.digits:
        data = framed(f"ETC:VER {letter};")
        seen.setdefault(data[-1], data)
    assert {2, 3, 6} <= set(seen)
    for data in seen.values():
        assert len(frames_of("laser_falcon", data + data)) == 2
        assert faults_of("laser_falcon", data + data) == []


def test_a_path_integral_is_a_quantity_of_its_own():
    (sample,) = records_of("laser_falcon", reply())
    assert (sample.channel, sample.unit) == ("ch4_path", "m")
    assert sample.value == pytest.approx(115e-6)
    assert sample.quality == Quality(0)


@pytest.mark.parametrize("status", [0, 2, 9])
def test_an_error_of_the_device_is_a_fault(status):
    (sample,) = records_of("laser_falcon", reply(status=status))
    assert sample.quality == Quality.FAULT
    assert math.isnan(sample.value)


def test_no_light_back_is_no_reading():
    (sample,) = records_of("laser_falcon", reply(ppm_m=0, f1=3.0))
    assert sample.quality == Quality.MISSING
    assert math.isnan(sample.value)


def test_the_top_of_its_range_is_saturated():
    (sample,) = records_of("laser_falcon", reply(ppm_m=50_000))
    assert (sample.value, sample.quality) == (pytest.approx(0.05), Quality.SATURATED)


def test_it_warms_up():
    (sample,) = records_of("laser_falcon", reply(), COLD)
    assert sample.quality == Quality(0)  # ten seconds are enough


@pytest.mark.parametrize(
    "text",
    [
        "ETC:FWD 1;00115;",
        "ETC:FWD 1;115;",
        reply()[2:-2].decode() + "00115;+4.8500E+02;+1.4193E+03;0000076932;",
        reply()[2:-2].decode().replace("4.8500", "4.8.00", 1),
        reply()[2:-2].decode().replace("+4.8500E+02", "+4.8500E+0", 1),
        "no colon",
        "ETC:FWD 1",
    ],
)
def test_a_text_that_is_not_as_the_device_writes_it_is_a_format_error(text):
    assert frames_of("laser_falcon", framed(text)) == []
    assert faults_of("laser_falcon", framed(text)) == ["format"]


def test_a_frame_is_plain_text():
    assert faults_of("laser_falcon", framed("ETC:VER \xe9;"))[0] == "format"
    assert faults_of("laser_falcon", b"\x02" + b"A" * 500)[0] == "length"


def test_a_question_inside_a_broken_answer_does_not_hide_the_next():
    half = reply()[:100]
    assert len(frames_of("laser_falcon", half + reply())) == 1
    assert faults_of("laser_falcon", half + reply()) == ["format"]


def test_its_version_is_told_as_an_event():
    data = framed("ETC:VER 1.23;")
    assert records_of("laser_falcon", data) == [
        Event(WARM.time_ns, "device", "version", "ETC:VER 1.23;", WARM.time_sigma_s)
    ]
    (frame,) = frames_of("laser_falcon", data)
    assert driver_for("laser_falcon").encode(frame.as_json()) == data


def test_each_question_acknowledges_the_answer_before():
    dialogue = driver_for("laser_falcon").dialogue()
    assert dialogue.poll.send == b"\x06\x02ETC:FWD ?;\x03\x1a"
    assert [r.send for r in dialogue.identify] == [b"\x02ETC:VER ?;\x03\x0e"]
    (frame,) = frames_of("laser_falcon", reply())
    assert dialogue.poll.answers(frame)
    assert dialogue.period_s == 0.5


def test_the_value_is_a_mean_over_half_a_second():
    (frame,) = frames_of("laser_falcon", reply())
    assert driver_for("laser_falcon").sample_delay_s(frame) == 0.25


def test_noise_about_zero_may_be_negative():
    (frame,) = frames_of("laser_falcon", reply(ppm_m=-3))
    assert frame.fields["raw"]["ppm_m"] == -3
    assert frame.fields["si"]["column_mole_fraction_m"] == pytest.approx(-3e-6)


def test_two_equal_digits_lost_are_seen_though_the_checksum_holds():
    data = reply().replace(b"00115;", b"115;", 1)
    assert faults_of("laser_falcon", data) == ["format"]
