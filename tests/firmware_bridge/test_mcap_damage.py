"""Recordings that are torn or damaged: all that is whole comes back, nothing is altered."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer

from firmware_bridge.formats import mcap
from firmware_bridge.formats._mcap_scan import Damage, parts
from firmware_bridge.logfile import ReadReport, read_log
from sensors.errors import FormatError
from sensors.records import RecordBatch
from tests.recordings import short_run

CHUNK = 6
SECONDS, MESSAGES = 2, 14
CHUNK_BYTES, IN_A_CHUNK = 2500, 6
FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    return short_run(SECONDS).write(folder / "a.mcap", chunk_bytes=CHUNK_BYTES).read_bytes()


@pytest.fixture(scope="module")
def truth(whole: bytes, tmp_path_factory: pytest.TempPathFactory) -> set[tuple[object, ...]]:
    path = tmp_path_factory.mktemp("truth") / "a.mcap"
    return values(read(path, whole)[0])


def read(path: Path, octets: bytes, **settings_: int) -> tuple[list[RecordBatch], ReadReport]:
    path.write_bytes(octets)
    report = ReadReport(path=path, **settings_)
    return list(read_log(path, report)), report


def read_quickly(path: Path, octets: bytes) -> tuple[list[RecordBatch], ReadReport]:
    """Without looking for the format; nothing of ours in it is no batch."""
    path.write_bytes(octets)
    report = ReadReport(path=path, chunk_bytes=1 << 14)
    try:
        return list(mcap.read(path, report)), report
    except FormatError:
        return [], report


def values(batches: list[RecordBatch]) -> set[tuple[object, ...]]:
    """Every value with what it is of; times are left out, for damage may take the clock's pairs."""
    return {
        (batch.kind, batch.source, name, repr(value))
        for batch in batches
        for name, column in batch.columns.items()
        for value in column.tolist()
    }


def chunk_ends(path: Path) -> list[int]:
    found = parts(ReadReport(path=path), Damage())
    return [part.start + part.size for part in found if part.opcode == CHUNK]


def places_in(whole: bytes, ends: list[int]) -> list[int]:
    """Every byte as far as there are messages; some of the summary behind them."""
    return [*range(ends[-1]), *range(ends[-1], len(whole), 7)]


def test_a_sample_has_several_chunks_that_the_library_reads(whole, tmp_path):
    path = tmp_path / "a.mcap"
    path.write_bytes(whole)
    assert len(chunk_ends(path)) >= 3
    with path.open("rb") as stream:
        assert len(list(make_reader(stream, validate_crcs=True).iter_messages())) == MESSAGES


def test_truncation_at_every_byte_leaves_all_whole_chunks(whole, truth, tmp_path):
    path = tmp_path / "a.mcap"
    path.write_bytes(whole)
    ends = chunk_ends(path)
    whole_by = [sum(read(path, whole[:end])[1].messages.values()) for end in ends]
    assert whole_by == sorted(whole_by)
    assert whole_by[-1] == MESSAGES
    for size in places_in(whole, ends):
        batches, report = read_quickly(path, whole[:size])
        expected = [n for end, n in zip(ends, whole_by, strict=True) if end <= size]
        assert sum(report.messages.values()) >= max(expected, default=0)
        assert values(batches) <= truth
        assert report.damaged_bytes == 0
        if expected:
            assert report.truncated_at_byte is not None
            assert max(end for end in ends if end <= size) <= report.truncated_at_byte <= size


def test_a_flipped_bit_anywhere_never_alters_a_value(whole, truth, tmp_path):
    path = tmp_path / "a.mcap"
    path.write_bytes(whole)
    ends = chunk_ends(path)
    for place in places_in(whole, ends):
        octets = bytearray(whole)
        octets[place] ^= 1 << place % 8
        batches, report = read_quickly(path, bytes(octets))
        assert values(batches) <= truth
        # what is lost is one chunk at most
        least = MESSAGES - IN_A_CHUNK if place < ends[-1] else MESSAGES
        assert sum(report.messages.values()) >= least
        assert report.damaged_bytes < 2000


@FUZZ
@given(data=st.data())
def test_damage_of_any_kind_alters_nothing(data, whole, truth, tmp_path):
    octets = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(octets) - 1))
        length = data.draw(st.integers(0, 600))
        filling = data.draw(st.sampled_from(["cut out", "zeros", "noise", "copy"]))
        piece = {
            "cut out": b"",
            "zeros": bytes(length),
            "noise": data.draw(st.binary(min_size=length, max_size=length)),
            "copy": bytes(octets[: 2 * length]),
        }[filling]
        octets[place : place + length] = piece
    window = data.draw(st.sampled_from([64, 1000, 1 << 20]))
    path = tmp_path / "a.mcap"
    path.write_bytes(octets)
    report = ReadReport(path=path, chunk_bytes=window)
    batches = []
    with contextlib.suppress(FormatError):  # that nothing of ours is left
        batches = list(mcap.read(path, report))
    assert values(batches) <= truth


def test_bit_rot_in_a_chunk_costs_that_chunk_and_is_counted(whole, tmp_path):
    path = tmp_path / "a.mcap"
    path.write_bytes(whole)
    second = [part for part in parts(ReadReport(path=path), Damage()) if part.opcode == CHUNK][1]
    octets = bytearray(whole)
    octets[second.start + second.size - 5] ^= 0x10
    before = read(path, whole)[1].messages
    _, report = read(path, bytes(octets))
    assert report.damaged_bytes == second.size
    assert report.truncated_at_byte is None
    assert sum(before.values()) - IN_A_CHUNK <= sum(report.messages.values()) < sum(before.values())
    assert any("belong to no whole message" in line for line in report.warnings)


@pytest.mark.parametrize("field", range(1, 9))
def test_a_damaged_length_costs_what_follows_up_to_the_next_chunk(field, whole, tmp_path):
    path = tmp_path / "a.mcap"
    path.write_bytes(whole)
    second = [part for part in parts(ReadReport(path=path), Damage()) if part.opcode == CHUNK][1]
    octets = bytearray(whole)
    octets[second.start + field] ^= 0x41
    _, report = read(path, bytes(octets), chunk_bytes=256)
    assert report.damaged_bytes == second.size
    assert report.truncated_at_byte is None


def test_zeros_that_a_power_cut_left_at_the_end_are_a_cut(whole, tmp_path):
    path = tmp_path / "a.mcap"
    path.write_bytes(whole)
    end = chunk_ends(path)[1]
    _, report = read(path, whole[:end] + bytes(5000), chunk_bytes=1000)
    assert report.truncated_at_byte == end
    assert report.damaged_bytes == 0


@pytest.mark.parametrize("compression", list(CompressionType))
def test_other_compressions_are_read_and_the_last_chunk_as_far_as_it_goes(compression, tmp_path):
    path = tmp_path / "a.mcap"
    with path.open("wb") as stream:
        writer = Writer(stream, compression=compression, chunk_size=1 << 20)
        writer.start(profile="sniffdrone", library="x")
        number = writer.register_channel("/raw/x", "application/octet-stream", 0, {"role": "raw"})
        for place in range(400):
            noise = np.random.default_rng(place).bytes(1000)
            writer.add_message(number, place, noise, place)
        writer.finish()
    octets = path.read_bytes()
    assert read(path, octets)[1].messages == {"/raw/x": 400}
    _, report = read(path, octets[:300_000])
    least = {CompressionType.NONE: 280, CompressionType.LZ4: 250, CompressionType.ZSTD: 230}
    assert least[compression] <= report.messages["/raw/x"] <= 300
    assert report.truncated_at_byte is not None
    assert report.truncated_at_byte < 1000


def test_two_recordings_one_after_the_other_are_both_read(whole, tmp_path):
    _, report = read(tmp_path / "a.mcap", whole + whole)
    assert sum(report.messages.values()) == 2 * MESSAGES
    assert report.damaged_bytes == 0
    assert report.truncated_at_byte is None
