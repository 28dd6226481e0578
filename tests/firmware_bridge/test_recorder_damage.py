"""Cut anywhere and rotten anywhere, a recording keeps every chunk that is whole."""

from __future__ import annotations

import io
import os
import time
from itertools import accumulate

import pytest
from mcap.opcode import Opcode
from mcap.records import Channel, Message, Schema

from firmware_bridge.recorder import Recorder
from firmware_bridge.recorder_disk import Disk
from sensors.records import GasSample
from tests.recorded import TORN, chunks_in, messages_in, unpacked

NS = 1_000_000_000
TOPICS = ("/raw/pid", "/records/pid/gas", "/raw/wind")


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A small file of a few chunks."""
    folder = tmp_path_factory.mktemp("recording")
    with Recorder(folder, name="small", anchor_ns=10**18) as recorder:
        for number in range(5):
            recorder.raw("pid", b"pid %d" % number, number)
            recorder.record("pid", [GasSample(number, "pid", "co", 1.0, "1")], number, number)
            if number > 1:
                recorder.raw("wind", b"wind %d" % number, number)
            time.sleep(0.45)
    (path,) = recorder.files
    return path.read_bytes()


def chunk_ends(data):
    """Where chunk records begin and end, by walking over all records."""
    at, found = 8, []
    while at < len(data) - 8:
        length = 9 + int.from_bytes(data[at + 1 : at + 9], "little")
        if data[at] == Opcode.CHUNK:
            found.append((at, at + length))
        at += length
    return found


def test_truncated_at_every_byte_every_whole_chunk_is_read(recording):
    spans = chunk_ends(recording)
    assert len(spans) >= 4
    held = [unpacked(chunk) for chunk in chunks_in(io.BytesIO(recording))]
    counts = [0, *accumulate(sum(isinstance(one, Message) for one in chunk) for chunk in held)]
    everything = messages_in(io.BytesIO(recording))
    assert set(everything) == set(TOPICS)
    for length in range(len(recording) + 1):
        found = messages_in(io.BytesIO(recording[:length])) if length > 8 else {}
        whole = sum(end <= length for _, end in spans)
        assert sum(map(len, found.values())) == counts[whole]
        assert all(found[topic] == everything[topic][: len(found[topic])] for topic in found)


def test_a_chunk_can_be_read_without_the_rest_of_the_file(recording):
    for chunk in chunks_in(io.BytesIO(recording)):
        channels, schemas = {}, {0}
        for record in unpacked(chunk):
            if isinstance(record, Schema):
                schemas.add(record.id)
            elif isinstance(record, Channel):
                assert record.schema_id in schemas
                channels[record.id] = record
            else:
                assert record.channel_id in channels


def test_bit_rot_costs_the_chunk_it_is_in_and_no_other(recording, rng):
    whole, damage = chunks_in(io.BytesIO(recording)), []
    for number, (_, end) in enumerate(chunk_ends(recording)):
        packed = end - len(whole[number].data)
        for _ in range(50):
            rotten = bytearray(recording)
            rotten[rng.integers(packed, end)] ^= 1 << rng.integers(8)
            found = chunks_in(io.BytesIO(rotten))
            assert len(found) == len(whole)
            for other, chunk in enumerate(found):
                if other != number:
                    assert unpacked(chunk) == unpacked(whole[other])
            try:
                noticed = unpacked(found[number]) != unpacked(whole[number])
                assert not noticed  # a bit that zstd does not use; never other data
            except TORN:
                noticed = True
            damage.append(noticed)
    assert sum(damage) > 0.9 * len(damage)


class LedgerDisk(Disk):
    """Remembers how much of the file was on the medium, and when that was known."""

    def __init__(self):
        self.synced = []

    def sync(self, descriptor):
        size = os.fstat(descriptor).st_size
        super().sync(descriptor)
        self.synced.append((time.monotonic_ns(), size))


def test_a_power_cut_costs_at_most_the_last_second(tmp_path):
    disk, handed = LedgerDisk(), []
    with Recorder(tmp_path, name="cut", anchor_ns=0, disk=disk) as recorder:
        begin = time.monotonic()
        while time.monotonic() < begin + 3.0:
            recorder.raw("pid", b"%d" % len(handed), time.monotonic_ns())
            handed.append(time.monotonic_ns())
            time.sleep(0.003)
        during = len(disk.synced)
    data = recorder.files[0].read_bytes()
    steps = [b - a for (a, _), (b, _) in zip(disk.synced, disk.synced[1:during], strict=False)]
    assert len(steps) >= 5
    for (_, size), (until_ns, _) in zip(disk.synced, disk.synced[1:], strict=False):
        found = messages_in(io.BytesIO(data[:size])).get("/raw/pid", [])
        assert [one.data for one in found] == [b"%d" % one for one in range(len(found))]
        # whatever the moment before the next sync, so much had to be safe
        assert len(found) >= sum(when < until_ns - NS for when in handed)
