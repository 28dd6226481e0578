"""Recovered recordings: finished, readable by anyone, all whole messages byte for byte."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import zstandard
from mcap.reader import NonSeekingReader, make_reader
from mcap.writer import CompressionType, Writer

from firmware_bridge.formats._mcap_scan import Damage, Part, parts
from firmware_bridge.logfile import ReadReport
from firmware_bridge.recovery import recover, recovered_name
from sensors.errors import ConfigError, FormatError
from tests.recordings import short_run

CHUNK = 6
Messages = Counter[tuple[str, int, int, int, bytes]]


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    return short_run().write(tmp_path / "whole.mcap", chunk_bytes=2500).read_bytes()


def messages_in(path: Path) -> Messages:
    """As the mcap library reads them, by the summary and without it, with all checksums tested."""
    with path.open("rb") as stream:
        seeking = list(make_reader(stream, validate_crcs=True).iter_messages())
    with path.open("rb") as stream:
        plain = list(NonSeekingReader(stream, validate_crcs=True).iter_messages())
    found = [
        Counter(
            (channel.topic, one.sequence, one.log_time, one.publish_time, one.data)
            for _, channel, one in read
        )
        for read in (seeking, plain)
    ]
    assert found[0] == found[1]
    return found[0]


def chunk_parts(path: Path) -> list[Part]:
    found = parts(ReadReport(path=path), Damage())
    return [part._replace(content=memoryview(b"")) for part in found if part.opcode == CHUNK]


def recovered(folder: Path, octets: bytes) -> tuple[Path, object]:
    path = folder / "torn.mcap"
    path.write_bytes(octets)
    out = folder / "out.mcap"
    out.unlink(missing_ok=True)
    found = recover(path, out)
    assert path.read_bytes() == octets
    return out, found


def test_a_torn_recording_is_finished_with_all_that_is_whole(whole, tmp_path):
    sent = messages_in(tmp_path / "whole.mcap")
    chunks = chunk_parts(tmp_path / "whole.mcap")
    cut = chunks[2].start + chunks[2].size // 2
    out, found = recovered(tmp_path, whole[:cut])
    kept = messages_in(out)
    assert kept <= sent
    assert found.messages == kept.total()
    assert found.chunks == 2
    assert found.cut_at == chunks[2].start
    assert found.damaged_bytes == 0
    assert 0.4 < found.lost_s < 1.1
    assert not found.is_intact


def test_cuts_at_many_places_lose_no_whole_chunk(whole, tmp_path):
    sent = messages_in(tmp_path / "whole.mcap")
    ends = [part.start + part.size for part in chunk_parts(tmp_path / "whole.mcap")]
    most = 0
    for cut in range(ends[0], len(whole), 97):
        out, found = recovered(tmp_path, whole[:cut])
        kept = messages_in(out)
        assert kept <= sent
        assert found.chunks >= sum(end <= cut for end in ends)
        assert kept.total() >= most
        most = kept.total()
    assert most == sent.total()


def test_bits_flipped_at_many_places_cost_one_chunk_and_are_said(whole, tmp_path):
    sent = messages_in(tmp_path / "whole.mcap")
    chunks = chunk_parts(tmp_path / "whole.mcap")
    for place in range(0, len(whole), 61):
        octets = bytearray(whole)
        octets[place] ^= 0x20
        out, found = recovered(tmp_path, bytes(octets))
        kept = messages_in(out)
        assert kept <= sent
        assert found.chunks >= len(chunks) - 1
        assert (kept == sent) == (found.chunks == len(chunks))
        if found.chunks < len(chunks):
            assert found.damaged_bytes > 0
            assert 0.0 <= found.lost_s < 2.0


def test_what_was_lost_in_the_middle_is_said_in_seconds(whole, tmp_path):
    second = chunk_parts(tmp_path / "whole.mcap")[1]
    octets = bytearray(whole)
    octets[second.start + second.size - 3] ^= 1
    out, found = recovered(tmp_path, bytes(octets))
    assert (found.lost_chunks, found.damaged_bytes, found.cut_at) == (1, second.size, None)
    assert 0.4 < found.lost_s < 1.6
    with out.open("rb") as stream:
        told = {one.name: one.metadata for one in make_reader(stream).iter_metadata()}
    assert told["recording"]["run"] == "one run"
    assert told["recovery"]["from"] == "torn.mcap"
    assert told["recovery"]["damaged_bytes"] == str(second.size)


def test_attachments_stay_and_a_damaged_one_is_named(whole, tmp_path):
    out, _ = recovered(tmp_path, whole[:-30])
    with out.open("rb") as stream:
        (kept,) = make_reader(stream).iter_attachments()
    assert (kept.name, kept.data) == ("mission.toml", b"[mission]\n")
    octets = whole.replace(b"[mission]\n", b"[mossion]\n")
    out, found = recovered(tmp_path, octets)
    assert found.lost_attachments == ["mission.toml"]
    with out.open("rb") as stream:
        assert not list(make_reader(stream).iter_attachments())


def test_a_whole_recording_comes_out_the_same(whole, tmp_path):
    out, found = recovered(tmp_path, whole)
    assert found.is_intact
    assert messages_in(out) == messages_in(tmp_path / "whole.mcap")
    before, after = chunk_parts(tmp_path / "whole.mcap"), chunk_parts(out)
    octets = out.read_bytes()
    for one, other in zip(before, after, strict=True):
        original = whole[one.start : one.start + one.size]
        assert octets[other.start : other.start + other.size] == original
    out_again, again = recovered(tmp_path, octets)
    assert again.is_intact
    assert messages_in(out_again) == messages_in(tmp_path / "whole.mcap")


@pytest.mark.parametrize("compression", list(CompressionType))
def test_the_last_chunk_is_kept_as_far_as_it_goes(compression, tmp_path):
    path = tmp_path / "long.mcap"
    noise = os.urandom(1000)
    with path.open("wb") as stream:
        writer = Writer(stream, compression=compression, chunk_size=1 << 20)
        writer.start(profile="sniffdrone", library="x")
        told = {"role": "raw", "source": "x"}
        number = writer.register_channel("/raw/x", "application/octet-stream", 0, told)
        for place in range(400):
            data = place.to_bytes(4, "big") + noise[place:] + noise[:place]
            writer.add_message(number, place, data, place)
        writer.finish()
    sent = messages_in(path)
    size = chunk_parts(path)[0].size
    out, found = recovered(tmp_path, path.read_bytes()[: size * 9 // 10])
    kept = messages_in(out)
    assert kept <= sent
    assert 150 < kept.total() < 400
    assert found.messages == kept.total()


def test_a_message_of_a_channel_that_nothing_describes_is_counted(tmp_path):
    path = tmp_path / "odd.mcap"
    with path.open("wb") as stream:
        writer = Writer(stream)
        writer.start(profile="sniffdrone", library="x")
        known = writer.register_channel("/raw/x", "application/octet-stream", 0, {"role": "raw"})
        writer.add_message(known, 1, b"a", 1)
        writer.add_message(known + 1, 1, b"b", 1)
        writer.add_message(known, 2, b"c", 2)
        writer.finish()
    out, found = recovered(tmp_path, path.read_bytes())
    assert found.lost_messages == 1
    assert [key[-1] for key in messages_in(out)] == [b"a", b"c"]


def test_nothing_is_overwritten_and_nothing_half_done_is_left(whole, tmp_path):
    path = tmp_path / "torn.mcap"
    path.write_bytes(whole[:-100])
    taken = tmp_path / "taken.mcap"
    taken.write_text("mine")
    for out in (taken, path):
        with pytest.raises(ConfigError, match="exists; name a new file"):
            recover(path, out)
    assert taken.read_text() == "mine"
    with pytest.raises(ConfigError, match="cannot be written"):
        recover(path, tmp_path / "no folder" / "x.mcap")
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "taken.mcap",
        "torn.mcap",
        "whole.mcap",
    ]
    assert recovered_name(path) == tmp_path / "torn_recovered.mcap"


def test_a_full_disk_is_one_line_and_leaves_nothing(whole, tmp_path):
    path = tmp_path / "torn.mcap"
    path.write_bytes(whole[:-100])
    script = (
        "import resource, signal, sys; from pathlib import Path;"
        "from firmware_bridge.recovery import recover;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000));"
        "recover(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    out = tmp_path / "out.mcap"
    done = subprocess.run(
        [sys.executable, "-c", script, path, out], capture_output=True, text=True, check=False
    )
    assert "cannot be written (File too large)" in done.stderr.splitlines()[-1]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["torn.mcap", "whole.mcap"]


def test_what_holds_nothing_of_ours_is_refused(whole, tmp_path):
    path, out = tmp_path / "a.mcap", tmp_path / "out.mcap"
    first = chunk_parts(tmp_path / "whole.mcap")[0]
    for octets, words in (
        (b"nothing of the kind", "nothing in it says"),
        (b"", "nothing in it says"),
        (whole[: first.start], "no message in it is whole"),
    ):
        path.write_bytes(octets)
        with pytest.raises(FormatError, match=words):
            recover(path, out)
    with pytest.raises(FormatError, match="No such file"):
        recover(tmp_path / "none.mcap", out)
    assert not out.exists()


def test_a_chunk_whose_compression_is_damaged_but_not_its_data_is_packed_anew(whole, tmp_path):
    sent = messages_in(tmp_path / "whole.mcap")
    second = chunk_parts(tmp_path / "whole.mcap")[1]
    at = second.start + 9
    data = zstandard.decompress(whole[at + 44 : second.start + second.size])
    unfinished = zstandard.ZstdCompressor().compressobj()  # without a last block
    body = unfinished.compress(data) + unfinished.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    head = bytearray(whole[at : at + 44])
    head[-8:] = len(body).to_bytes(8, "little")
    record = b"\x06" + (44 + len(body)).to_bytes(8, "little") + bytes(head) + body
    octets = whole[: second.start] + record + whole[second.start + second.size :]
    out, _ = recovered(tmp_path, octets)
    assert messages_in(out) == sent


def test_a_file_whose_beginning_is_gone_is_recovered_too(whole, tmp_path):
    sent = messages_in(tmp_path / "whole.mcap")
    first = chunk_parts(tmp_path / "whole.mcap")[0]
    out, found = recovered(tmp_path, bytes(first.start + 10) + whole[first.start + 10 :])
    assert messages_in(out) < sent
    assert found.chunks >= 2
