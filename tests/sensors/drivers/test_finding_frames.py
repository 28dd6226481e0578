"""Where frames and faults lie in the stream, and when each of them is told."""

import json

import numpy as np
import pytest

from benchmarks.damage import damaged_bytes
from benchmarks.fuzz import DECODERS
from sensors.devices import driver_for
from sensors.framing import Frame
from sensors.shdlc import Reply, ShdlcDecoder, reply
from tests.contracts.test_drivers import GOOD, bytes_of, decoded, driver_of, frames_in, outline

MWV = b"$IIMWV,120,R,002.10,M,A*10\r\n"
POLAR = b"\x02Q,229,002.74,M,00,\x0316\r\n"
WIND = b"S 00.26 D 080 U -00.23 V -00.04 W 00.12 T 23.58\r\n"
REPLY = reply(Reply(0, 3, 0, b"\x01\x02"))
SINGLE = [v for v in GOOD if len(v["expect"]["frames"]) == 1]


def spans(found):
    """What was found, as kind, offset and length."""
    return [
        ("frame" if isinstance(one, Frame) else one.kind, one.offset, one.length) for one in found
    ]


def found_in(name, data):
    return spans(decoded(driver_for(name).decoder(), data))


@pytest.mark.parametrize("vector", SINGLE, ids=lambda v: v["name"])
def test_frames_side_by_side_cover_the_stream(vector):
    data, driver = bytes_of(vector), driver_of(vector)
    (first,) = frames_in(decoded(driver.decoder(), data))
    frame = data[first.offset : first.offset + first.length]
    frames = frames_in(decoded(driver.decoder(), frame * 5))
    assert [one.offset for one in frames] == [len(frame) * n for n in range(5)]
    assert {one.length for one in frames} == {len(frame)}


@pytest.mark.parametrize("vector", SINGLE, ids=lambda v: v["name"])
def test_a_pipe_shows_a_frame_with_its_last_byte(vector):
    data, decoder = bytes_of(vector), driver_of(vector).decoder()
    (told,) = frames_in(decoded(driver_of(vector).decoder(), data))
    end = told.offset + told.length
    for at in range(end):
        found = frames_in(decoder.feed(data[at : at + 1], at))
        assert bool(found) == (at == end - 1)
    assert found[0].offset == told.offset


class TestDelimiters:
    def test_a_frame_begins_at_its_own_delimiter(self):
        size = len(REPLY)
        assert found_in("sfc_shdlc", b"xyz" + REPLY + REPLY) == [
            ("frame", 3, size),
            ("frame", 3 + size, size),
        ]

    def test_a_shared_delimiter_belongs_to_both(self):
        size = len(REPLY)
        shared = REPLY + REPLY[1:]
        assert found_in("sfc_shdlc", shared) == [("frame", 0, size), ("frame", size - 1, size)]

    def test_a_frame_is_timed_by_its_own_bytes_when_the_delimiter_came_before(self):
        decoder = driver_for("sfc_shdlc").decoder()
        decoder.feed(REPLY, 1)
        (second,) = decoder.feed(REPLY[1:], 2)
        assert second.time_ns == 2

    def test_what_never_ends_is_one_fault_and_the_next_frame_is_found(self):
        data = REPLY + bytes(2000) + REPLY
        kinds = [kind for kind, _, _ in found_in("sfc_shdlc", data)]
        assert kinds == ["frame", "length", "frame"]

    def test_a_lost_delimiter_is_one_fault_as_long_as_both_frames(self):
        frame = driver_for("mcu_cobs").encode({"values": [1.0]})
        fused = frame[:-1] + frame
        assert found_in("mcu_cobs", fused + frame) == [
            ("checksum", 0, len(fused)),
            ("frame", len(fused), len(frame)),
        ]


class TestLines:
    @pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r\r\n", b"\n\r"])
    @pytest.mark.parametrize(
        ("name", "line"), [("nmea_mwv", MWV), ("gill_windsonic", POLAR), ("trisonica", WIND)]
    )
    def test_line_ends_of_all_kinds(self, name, line, end):
        data = (line.strip() + end) * 3
        found = found_in(name, data)
        assert [kind for kind, _, _ in found] == ["frame"] * 3
        assert [data[begin : begin + 1] for _, begin, _ in found] == [line[:1]] * 3

    @pytest.mark.parametrize(("name", "line"), [("nmea_mwv", MWV), ("gill_windsonic", POLAR)])
    def test_a_return_alone_ends_a_line_with_a_checksum(self, name, line):
        data = (line.strip() + b"\r") * 3
        kinds = [kind for kind, _, _ in found_in(name, data)]
        assert kinds == ["frame", "frame", "truncated"]

    def test_lines_that_end_with_a_return_and_silence_are_read_from_the_second_on(self):
        decoder, line = driver_for("gill_windsonic").decoder(), POLAR.strip() + b"\r"
        found = [decoder.feed(line, n) + decoder.flush() for n in range(4)]
        assert [spans(one)[0][0] for one in found] == ["truncated", "frame", "frame", "frame"]
        assert found[3][0].time_ns == 3

    def test_a_return_inside_a_line_without_checksum_does_not_end_it(self):
        damaged = WIND.replace(b" -00.04", b"\r-00.04").replace(b"U -0", b"U -\r")
        assert [kind for kind, _, _ in found_in("trisonica", damaged + WIND)] == ["format", "frame"]

    def test_the_rest_of_an_endless_line_is_no_line(self):
        noise = b"x" * 400
        found = found_in("trisonica", noise + WIND + WIND)
        assert found == [("length", 0, 400), ("frame", 400 + len(WIND), len(WIND))]

    def test_a_start_ends_an_endless_line(self):
        assert found_in("nmea_mwv", b"x" * 500 + MWV) == [
            ("length", 0, 120),
            ("frame", 500, len(MWV)),
        ]

    @pytest.mark.parametrize("name", ["trisonica", "nmea_mwv", "gill_windsonic"])
    def test_cuts_change_nothing_in_any_mixture_of_line_ends(self, name):
        rng = np.random.default_rng(5)
        noise = [b"\r", b"\n", b"\r\n", b"$", b"\x02", b" \0 ", b"x" * 130, b"x" * 450]
        pieces = [MWV, POLAR, WIND, *noise]
        for _ in range(30):
            data = b"".join(pieces[n] for n in rng.integers(len(pieces), size=12))
            whole = outline(decoded(driver_for(name).decoder(), data))
            each = range(1, len(data))
            assert outline(decoded(driver_for(name).decoder(), data, each)) == whole
            cuts = np.sort(rng.integers(0, len(data) + 1, 6)).tolist()
            assert outline(decoded(driver_for(name).decoder(), data, cuts)) == whole


@pytest.mark.parametrize("name", DECODERS)
def test_each_frame_stands_where_it_is_said_to(name):
    driver, size = driver_for(name), 60_000
    data = damaged_bytes(name, size, seed=9)
    decoder = driver.decoder()
    found = decoded(decoder, data, range(311, len(data), 311))
    assert outline(found) == outline(decoded(driver.decoder(), data, range(7, len(data), 7)))
    shared, end, covered = isinstance(decoder, ShdlcDecoder), 0, 0
    for one in found:
        assert 0 <= one.offset < one.offset + one.length <= len(data)
        if not isinstance(one, Frame):
            continue
        assert one.offset >= end - shared
        end = one.offset + one.length
        covered += one.length
        alone, *_ = decoded(driver.decoder(), data[one.offset : end + 1])
        assert json.dumps(alone.as_json()) == json.dumps(one.as_json())  # NaN equals NaN so
        assert (alone.offset, alone.length) == (0, one.length)
    counters = decoder.counters
    assert counters.bytes == len(data)
    assert covered > 5000
    assert covered + counters.garbage_bytes <= len(data) + counters.frames_ok * shared
    assert [one.offset for one in found] == sorted(one.offset for one in found)
