"""Bytes lost, flipped and invented: a frame is found or it is not, and never another one."""

import numpy as np
import pytest

from sensors.devices import Moment, driver_for, names
from tests.contracts.test_drivers import (
    GOOD,
    RECEIVED,
    bytes_of,
    decoded,
    driver_of,
    faults_in,
    frames_in,
)

BINARY = [v for v in GOOD if "hex" in v and len(v["expect"]["frames"]) == 1]
MANY = 250_000
# models that read frames alike are tried once
ALIKE = ("axetris_lgd_", "spec_dgs_")
DISTINCT = [n for n in names() if not n.startswith(ALIKE)] + ["axetris_lgd", "spec_dgs"]


@pytest.mark.parametrize("vector", BINARY, ids=lambda v: v["name"])
class TestOneFrame:
    def test_no_flipped_bit_makes_another_frame(self, vector):
        data, driver = bytes_of(vector), driver_of(vector)
        (original,) = frames_in(decoded(driver.decoder(), data))
        for bit in range(8 * len(data)):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            found = decoded(driver.decoder(), bytes(flipped))
            assert [f.as_json() for f in frames_in(found)] in ([], [original.as_json()])

    def test_no_half_of_it_is_a_frame_and_none_hides_the_next(self, vector):
        data, driver = bytes_of(vector), driver_of(vector)
        (original,) = frames_in(decoded(driver.decoder(), data))
        begin, end = original.offset, original.offset + original.length
        for cut in range(begin + 1, end):
            half = data[begin:cut]
            assert frames_in(decoded(driver.decoder(), half)) == []
            decoder = driver.decoder()
            found = decoder.feed(half) + decoder.flush() + decoder.feed(data) + decoder.flush()
            assert [f.as_json() for f in frames_in(found)] == [original.as_json()]


def damaged(samples, rng):
    """Many bytes: noise, and samples with bytes changed, left out and doubled."""
    parts = [rng.bytes(MANY // 4)]
    size = MANY // 4
    while size < MANY:
        part = bytearray(samples[rng.integers(len(samples))] if samples else rng.bytes(64))
        for _ in range(rng.integers(0, 4)):
            at = int(rng.integers(len(part)))
            change = rng.integers(3)
            if change == 0:
                part[at] = int(rng.integers(256))
            elif change == 1:
                del part[at:]
                part += rng.bytes(1)
            else:
                part += part[at:]
        parts.append(bytes(part))
        size += len(part)
    return b"".join(parts)[:MANY]


@pytest.mark.parametrize("name", DISTINCT)
def test_many_bad_bytes_end_in_counts_and_records(name):
    rng = np.random.default_rng(11)
    driver, moment = driver_for(name), Moment(source="device", time_ns=0, heard_for_s=1.0)
    decoder = driver.decoder()
    own = [bytes_of(v) for v in RECEIVED if v["device"] == name or name.startswith(v["device"])]
    data, found, begin = damaged(own, rng), [], 0
    while begin < len(data):
        size = int(rng.integers(1, 2000))
        found += decoder.feed(data[begin : begin + size], begin)
        assert decoder.pending <= 4 * decoder.longest
        begin += size
    found += decoder.flush()
    for frame in frames_in(found):
        for record in driver.records(frame, moment):
            assert record.source.partition(".")[0] == "device"
        assert driver.sample_delay_s(frame) >= 0
    assert decoder.counters.bytes == MANY
    assert sum(decoder.counters.errors.values()) == len(faults_in(found))
    assert decoder.counters.frames_ok >= len(frames_in(found))
