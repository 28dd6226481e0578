"""Plantower's three lengths of frame, acknowledgements, faults and ranges."""

import math
import struct

import pytest

from sensors.devices import driver_for
from sensors.drivers.plantower_pms import COMMANDS, COUNTS, MASSES
from sensors.records import EnvironmentSample, Quality
from tests.sensors.drivers.readings import COLD, faults_of, frames_of, records_of

MASS_WORDS = (1, 8, 9, 2, 7, 10)
COUNT_WORDS = (210, 70, 45, 30, 5, 1)


def framed(*words):
    body = struct.pack(f">2sH{len(words)}H", b"BM", 2 * len(words) + 2, *words)
    return body + struct.pack(">H", sum(body))


def frame_28(masses=MASS_WORDS, counts=COUNT_WORDS, error=0):
    return framed(*masses, *counts, 0x9700 | error)


def frame_36(hcho=26, temperature=0xFFE7, humidity=553):
    return framed(*MASS_WORDS, *COUNT_WORDS, hcho, temperature, humidity, 0, 0x9700)


def test_the_short_frame_holds_masses_and_nothing_else():
    (frame,) = frames_of("plantower_pms", framed(*MASS_WORDS, 3, 0x1C04, 0xFFFF))
    assert frame.fields["raw"] == dict(zip(MASSES, MASS_WORDS, strict=True))
    records = records_of("plantower_pms", framed(*MASS_WORDS, 3, 0x1C04, 0xFFFF))
    assert [r.value for r in records] == pytest.approx([2e-9, 7e-9, 10e-9])
    assert {r.quality for r in records} == {Quality(0)}  # reserved words are no error code


def test_the_long_frame_adds_formaldehyde_and_air():
    *masses, hcho, air = records_of("plantower_pms", frame_36())
    assert [r.channel for r in masses] == ["pm1", "pm2_5", "pm10"]
    assert (hcho.channel, hcho.unit, hcho.value) == ("hcho", "kg m-3", pytest.approx(26e-9))
    assert isinstance(air, EnvironmentSample)
    assert air.temperature == pytest.approx(273.15 - 2.5)  # words of temperature are signed
    assert air.relative_humidity == pytest.approx(0.553)


@pytest.mark.parametrize("data", [framed(*MASS_WORDS, 0, 0, 0), frame_28(), frame_36()])
def test_encoding_what_was_decoded_gives_the_same_bytes(data):
    (frame,) = frames_of("plantower_pms", data)
    assert driver_for("plantower_pms").encode(frame.as_json()) == data


def test_acknowledgements_of_eight_bytes_are_skipped():
    acknowledged = bytes.fromhex("424d0004e1000174")
    decoder = driver_for("plantower_pms").decoder()
    found = decoder.feed(acknowledged + frame_28() + acknowledged) + decoder.flush()
    assert [one.kind for one in found] == ["pm"]
    assert decoder.counters.garbage_bytes == 0
    assert decoder.counters.frames_ok == 3


@pytest.mark.parametrize("length", [0, 2, 6, 19, 21, 27, 30, 38, 255, 0x1C00])
def test_other_lengths_are_refused(length):
    head = b"BM" + length.to_bytes(2, "big")
    assert faults_of("plantower_pms", head + frame_28())[0] == "length"
    assert len(frames_of("plantower_pms", head + frame_28())) == 1


def test_an_error_code_makes_all_void():
    records = records_of("plantower_pms", frame_28(error=4))
    assert {r.quality for r in records} == {Quality.FAULT}
    assert all(math.isnan(r.value) for r in records)


def test_nothing_at_all_means_that_the_fan_stands():
    records = records_of("plantower_pms", frame_28((0,) * 6, (0,) * 6))
    assert {r.quality for r in records} == {Quality.FAULT}
    records = records_of("plantower_pms", frame_28((0,) * 6, (12, 0, 0, 0, 0, 0)))
    assert [(r.value, r.quality) for r in records] == [(0.0, Quality(0))] * 3


def test_each_mass_saturates_by_itself():
    records = records_of("plantower_pms", frame_28((0, 0, 0, 999, 1000, 4000)))
    flags = [r.quality for r in records]
    assert flags == [Quality(0), Quality.SATURATED, Quality.SATURATED]
    assert records[2].value == pytest.approx(4e-6)


def test_the_fan_needs_half_a_minute():
    assert {r.quality for r in records_of("plantower_pms", frame_36(), COLD)} == {
        Quality.WARMING_UP
    }


def test_counts_become_numbers_in_a_cubic_metre():
    (frame,) = frames_of("plantower_pms", frame_28())
    assert [frame.fields["raw"][name] for name in COUNTS] == list(COUNT_WORDS)
    assert frame.fields["si"]["n0_3_per_m3"] == 2_100_000


def test_it_is_woken_only_if_it_keeps_silent():
    dialogue = driver_for("plantower_pms").dialogue()
    assert dialogue.heard_is_enough
    assert dialogue.listen_s > 2.3  # its slowest pace
    assert [r.send for r in dialogue.opening] == [COMMANDS["wake"], COMMANDS["active"]]
