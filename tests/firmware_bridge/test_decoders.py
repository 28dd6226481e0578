"""MAVLink, TUNNEL and .tlog decoders: the golden vectors, however their bytes arrive."""

from __future__ import annotations

import importlib
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.mavlink_frames import frame_bytes
from firmware_bridge.tunnel import batch_from_json
from sensors.framing import Fault, Frame

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "golden_vectors.json").read_text())
DEVICES = ("mavlink", "tunnel_gas", "tlog")
OURS = [v for v in VECTORS["vectors"] if v["device"] in DEVICES]
SENT = [v for v in OURS if v["direction"] == "tx"]


def decoder_of(device):
    return importlib.import_module(f"firmware_bridge.decoders.{device}").decoder()


def bytes_of(vector):
    return bytes.fromhex(vector["hex"])


def vector(name):
    return next(one for one in OURS if one["name"] == name)


def decoded(decoder, data, cuts=()):
    found, edges = [], [0, *cuts, len(data)]
    for time_ns, (begin, end) in enumerate(itertools.pairwise(edges)):
        found += decoder.feed(data[begin:end], time_ns)
    return found + decoder.flush()


def outline(found):
    return [
        (one.as_json(), one.offset, one.length) if isinstance(one, Frame) else
        (one.kind, one.offset, one.length)
        for one in found
    ]  # fmt: skip


def agrees(got, wanted):
    if isinstance(wanted, dict):
        return all(key in got and agrees(got[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return len(got) == len(wanted) and all(map(agrees, got, wanted))
    if isinstance(wanted, float | int) and not isinstance(wanted, bool) and got is not None:
        return math.isclose(got, wanted, rel_tol=1e-5, abs_tol=1e-12)
    return bool(got == wanted)


@pytest.mark.parametrize("one", OURS, ids=lambda v: v["name"])
class TestGoldenVectors:
    def test_frames_and_errors_are_as_expected(self, one):
        expect, decoder = one["expect"], decoder_of(one["device"])
        arrival = expect["frames"][0].get("si", {}) if expect["frames"] else {}
        example_ns = arrival.pop("example_receive_ns", 0)
        found = decoder.feed(bytes_of(one), example_ns) + decoder.flush()
        frames = [thing for thing in found if isinstance(thing, Frame)]
        assert len(frames) == len(expect["frames"]), found
        for frame, wanted in zip(frames, expect["frames"], strict=True):
            assert agrees(frame.as_json(), wanted), frame.as_json()
            json.dumps(frame.as_json(), allow_nan=False)
        assert [thing.kind for thing in found if isinstance(thing, Fault)] == expect["errors"]
        assert sum(decoder.counters.errors.values()) == len(expect["errors"])
        assert decoder.counters.frames_ok == len(frames)

    def test_chunks_change_nothing(self, one):
        data = bytes_of(one)
        rng = np.random.default_rng(len(data))
        whole = outline(decoded(decoder_of(one["device"]), data))
        assert outline(decoded(decoder_of(one["device"]), data, range(1, len(data)))) == whole
        for _ in range(20):
            cuts = np.sort(rng.integers(0, len(data) + 1, rng.integers(1, 6)))
            assert outline(decoded(decoder_of(one["device"]), data, cuts.tolist())) == whole


@pytest.mark.parametrize("one", SENT, ids=lambda v: v["name"])
def test_what_we_send_is_the_vector_byte_for_byte(one):
    (frame,) = one["expect"]["frames"]
    if one["device"] == "tunnel_gas":
        assert batch_from_json(frame).encode() == bytes_of(one)
        return
    made = frame_bytes(
        frame["kind"],
        frame["raw"],
        sequence=frame["seq"],
        system=frame["sysid"],
        component=frame["compid"],
    )
    assert made == bytes_of(one)


@given(data=st.data())
def test_no_single_flipped_bit_makes_another_message(data):
    one = data.draw(st.sampled_from(OURS))
    clean = bytes_of(one)
    if one["device"] != "mavlink" or len(one["expect"]["frames"]) != 1:
        return
    bit = data.draw(st.integers(0, 8 * len(clean) - 1))
    flipped = bytearray(clean)
    flipped[bit // 8] ^= 1 << bit % 8
    whole = outline(decoded(decoder_of("mavlink"), clean))
    frames = [
        thing
        for thing in decoded(decoder_of("mavlink"), bytes(flipped))
        if isinstance(thing, Frame)
    ]
    for frame in frames:  # the signature's bits are not under the checksum
        assert "signed" in frame.fields or frame.as_json() in [entry[0] for entry in whole]


@given(
    pieces=st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from([bytes_of(v) for v in OURS if v["device"] != "tunnel_gas"]),
        ),
        max_size=8,
    ),
    size=st.integers(1, 400),
    device=st.sampled_from(["mavlink", "tlog"]),
)
def test_no_mixture_of_noise_and_frames_depends_on_how_it_arrives(pieces, size, device):
    data = b"".join(pieces)
    whole = outline(decoded(decoder_of(device), data))
    decoder = decoder_of(device)
    found = []
    for begin in range(0, len(data), size):
        found += decoder.feed(data[begin : begin + size])
        assert decoder.pending <= 4 * decoder.longest
    assert outline(found + decoder.flush()) == whole


@pytest.mark.parametrize("device", DEVICES)
def test_the_buffer_is_bounded_in_any_noise(device):
    rng = np.random.default_rng(3)
    noise = bytes(rng.integers(0, 256, 60_000, dtype=np.uint8))
    for data in [noise, bytes(20_000), b"\xfd" * 20_000, b"\xfe\xff" * 10_000]:
        decoder = decoder_of(device)
        for begin in range(0, len(data), 997):
            decoder.feed(data[begin : begin + 997], begin)
            assert decoder.pending <= 4 * decoder.longest
        decoder.flush()
        assert decoder.pending == 0


def test_a_good_frame_inside_a_torn_one_is_found():
    good = bytes_of(vector("mav_attitude"))
    torn = bytes_of(vector("mav_truncated"))
    frames = [one for one in decoded(decoder_of("mavlink"), torn + good) if isinstance(one, Frame)]
    assert [frame.kind for frame in frames] == ["ATTITUDE"]


def test_a_log_record_with_a_damaged_time_keeps_its_frame():
    data = bytearray(bytes_of(vector("tlog_two_records")))
    data[0] = 0xFF
    frames = decoded(decoder_of("tlog"), bytes(data))
    assert [frame.fields["received_unix_us"] for frame in frames] == [None, 1700000000223456]


def test_an_unknown_message_in_a_log_is_counted_and_the_next_is_read():
    unknown = bytes_of(vector("mav_unknown_msgid"))[:40]
    log = bytes_of(vector("tlog_two_records"))
    decoder = decoder_of("tlog")
    found = decoded(decoder, log[:8] + unknown + log)
    assert [one.kind for one in found] == ["unknown_message", "GLOBAL_POSITION_INT", "ATTITUDE"]
