"""Axetris LGD: framed by size, any status is a fault, version asked and told."""

import math
import struct

import pytest

from firmware_bridge.session import Session
from sensors.devices import driver_for
from sensors.drivers.axetris_lgd import COMMANDS
from sensors.records import Event, Quality
from tests.sensors.drivers.readings import COLD, WARM, faults_of, frames_of, records_of

SECOND = 10**9


def framed(letter, body, status=0):
    head = struct.pack("<BBHH", 0x7B, ord(letter), len(body) + 8, status)
    return head + body + bytes([-sum(head + body) & 0xFF]) + b"}"


def measured(*values, status=0):
    return framed("M", struct.pack(f"<{len(values)}f4x", *values), status)


def test_any_status_but_good_is_a_fault_and_no_value():
    for bit in range(16):
        (sample,) = records_of("axetris_lgd", measured(2.0, status=1 << bit))
        assert sample.quality == Quality.FAULT
        assert math.isnan(sample.value)
        (frame,) = frames_of("axetris_lgd", measured(2.0, status=1 << bit))
        assert frame.fields["raw"] == {"status": 1 << bit, "gas1_ppm": 2.0}


@pytest.mark.parametrize(
    ("ppm", "quality"),
    [
        (-0.5, Quality(0)),
        (1e6, Quality(0)),
        (1.1e6, Quality.OUT_OF_RANGE),
        (-2e3, Quality.OUT_OF_RANGE),
        (math.nan, Quality.MISSING),
        (math.inf, Quality.MISSING),
    ],
)
def test_noise_is_kept_and_what_no_air_holds_is_void(ppm, quality):
    (sample,) = records_of("axetris_lgd", measured(ppm))
    assert sample.quality == quality
    assert math.isnan(sample.value) == bool(quality)


def test_the_gas_is_what_model_or_mission_says():
    data = measured(49.86, 13167.0, 30.6)
    assert [r.channel for r in records_of("axetris_lgd", data)] == ["gas"]
    assert [r.channel for r in records_of("axetris_lgd_ch4", data)] == ["ch4"]
    both = records_of("axetris_lgd", data, channels=["nh3", "h2o"])
    assert [(r.channel, r.value) for r in both] == [
        ("nh3", pytest.approx(49.86e-6)),
        ("h2o", pytest.approx(13167e-6)),
    ]
    (one,) = records_of("axetris_lgd", measured(49.86), channels=["nh3", "h2o"])
    assert one.channel == "nh3"


def test_the_laser_takes_a_minute_to_lock():
    (sample,) = records_of("axetris_lgd", measured(2.0), COLD)
    assert sample.quality == Quality.WARMING_UP


def test_its_version_is_told_as_an_event():
    data = framed("V", b"LGD F200 CH4 1.02".ljust(24, b"\0"))
    assert records_of("axetris_lgd", data) == [
        Event(WARM.time_ns, "device", "version", "LGD F200 CH4 1.02", WARM.time_sigma_s)
    ]
    (frame,) = frames_of("axetris_lgd", data)
    assert driver_for("axetris_lgd").encode(frame.as_json()) == data


def test_answers_that_hold_no_reading_give_no_record():
    data = framed("I", b"") + framed("P", bytes(8)) + framed("M", b"", status=1)
    assert [f.kind for f in frames_of("axetris_lgd", data)] == ["idle", "ping"]
    assert records_of("axetris_lgd", data) == []


def test_an_impossible_head_does_not_wait_for_its_size():
    decoder = driver_for("axetris_lgd").decoder()
    for head in (b"{X\x10\x00", b"{M\x20\x00", b"{V\x88\x00", b"{P\x09\x00", b"{I\x00\x00"):
        found = decoder.feed(head + measured(2.0))
        assert found[-1].as_json()["raw"]["gas1_ppm"] == 2.0
        assert decoder.pending == 0


def test_the_closing_brace_is_looked_at_before_the_sum():
    data = bytearray(measured(2.0))
    data[-1] = 0x7C
    assert faults_of("axetris_lgd", bytes(data)) == ["framing"]


def test_it_is_started_only_if_silent_and_always_asked_who_it_is():
    dialogue = driver_for("axetris_lgd").dialogue()
    assert (dialogue.listen_s, dialogue.heard_is_enough) == (3.0, True)
    assert [r.name for r in dialogue.opening] == ["start_measurement"]
    assert [r.name for r in dialogue.identify] == ["version"]
    assert dialogue.poll is None
    (frame,) = frames_of("axetris_lgd", measured(2.0))
    assert dialogue.opening[0].answers(frame)


def test_a_unit_that_streams_is_not_started_again_but_asked_for_its_version():
    driver = driver_for("axetris_lgd")
    silent, heard = (Session(driver.dialogue(), 0) for _ in range(2))
    assert heard.due(SECOND) == []
    heard.take(driver.decoder().feed(measured(2.0)), SECOND)
    assert heard.due(3 * SECOND) == [COMMANDS["version"]]
    heard.take(driver.decoder().feed(framed("V", bytes(8))), 3 * SECOND)
    assert heard.due(4 * SECOND) == []
    assert heard.step == "streaming"
    assert silent.due(3 * SECOND) == [COMMANDS["start_measurement"]]
    silent.take(driver.decoder().feed(measured(2.0)), 3 * SECOND)
    assert silent.due(4 * SECOND) == [COMMANDS["version"]]
