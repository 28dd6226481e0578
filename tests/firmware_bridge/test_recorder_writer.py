"""Any sequence of faults loses nothing, repeats nothing that could be cut off, stays in order."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader

from firmware_bridge import recorder_file
from firmware_bridge.recorder_channels import Channels
from firmware_bridge.recorder_chunk import CHUNK_BYTES, Item, chunks
from firmware_bridge.recorder_file import Opening
from firmware_bridge.recorder_folder import RecordingFolder
from firmware_bridge.recorder_room import Room
from firmware_bridge.recorder_writer import DiskWriter
from tests.faulty_disk import FaultyDisk
from tests.recorded import messages_in, raw_in

ERRORS = [0, errno.ENOSPC, errno.EIO, errno.EROFS]
OPENING = Opening(library="test", time_ns=1, metadata=(("about", {"a": "b"}),))


def writer_of(folder, disk, *, file_bytes=10**9):
    recordings = RecordingFolder(folder, "w", begin_ns=0, clock_is_trusted=True, disk=disk)
    return DiskWriter(
        recordings,
        opening=lambda _: OPENING,
        metadata=lambda: (("about", {"a": "b"}), ("more", {"c": "d"})),
        file_bytes=file_bytes,
        most_waiting_bytes=10**9,
        room=Room(lambda _: 10**9),
    )


class Source:
    """Numbered messages, in chunks of a few."""

    def __init__(self):
        self._channels = [Channels().raw("pid")]
        self.sent = []

    def chunk(self, messages=3):
        (channel,) = self._channels
        items = []
        for _ in range(messages):
            number = len(self.sent)
            self.sent.append(b"%d" % number * 5)
            items.append(Item(number, channel, number, number, number, self.sent[-1]))
        (found,) = chunks(items)
        return found


faults = st.tuples(
    st.sampled_from(["write_error", "sync_error", "create_error"]), st.sampled_from(ERRORS)
)


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(faults | st.just("put"), max_size=25), file_bytes=st.sampled_from([600, 10**9])
)
def test_any_faults_lose_nothing_and_repeat_nothing(steps, file_bytes):
    with tempfile.TemporaryDirectory() as name:
        disk, source = FaultyDisk(), Source()
        writer = writer_of(Path(name), disk, file_bytes=file_bytes)
        for step in steps:
            if step == "put":
                writer.put(source.chunk(), 0)
            else:
                setattr(disk, *step)
            writer.flush()
            assert writer.waiting_messages % 3 == 0
            assert (
                (writer.trouble is None)
                or disk.write_error
                or disk.sync_error
                or (disk.create_error)
            )
            before = raw_in(writer.folder.files)
            assert before == source.sent[: len(before)]
            assert len(before) >= len(source.sent) - writer.waiting_messages
        disk.write_error = disk.sync_error = disk.create_error = 0
        writer.put(source.chunk(), 0)
        while writer.waiting_messages:
            writer.flush()
        writer.finish()
        writer.close()
        assert writer.trouble is None
        assert raw_in(writer.folder.files) == source.sent
        assert sorted(Path(name).iterdir()) == sorted(writer.folder.files)
        with writer.folder.files[-1].open("rb") as file:
            assert {one.name for one in make_reader(file).iter_metadata()} == {"about", "more"}


def test_a_file_is_finished_before_its_summary_fills_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder_file, "MOST_SUMMARY_BYTES", 300)
    writer, source = writer_of(tmp_path, FaultyDisk()), Source()
    for _ in range(12):
        writer.put(source.chunk(), 0)
        writer.flush()
    writer.finish()
    writer.close()
    assert len(writer.folder.files) > 2
    assert raw_in(writer.folder.files) == source.sent
    for path in writer.folder.files:
        with path.open("rb") as file:
            assert make_reader(file).get_summary().statistics.message_count % 3 == 0


def test_long_messages_have_chunks_of_their_own_and_none_is_split():
    channel = Channels().raw("pid")
    sizes = [10, CHUNK_BYTES // 2, CHUNK_BYTES // 2, 2 * CHUNK_BYTES, 10, 10]
    items = [Item(n, channel, n, n, n, bytes(size)) for n, size in enumerate(sizes)]
    found = list(chunks(items))
    assert [sum(one.counts.values()) for one in found] == [2, 1, 1, 2]
    assert [one.uncompressed_bytes <= CHUNK_BYTES for one in found] == [True, True, False, True]
    assert [(one.begin_ns, one.end_ns) for one in found] == [(0, 1), (2, 2), (3, 3), (4, 5)]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_write_that_fails_leaves_no_torn_end(tmp_path, number):
    disk, source = FaultyDisk(), Source()
    writer = writer_of(tmp_path, disk)
    writer.put(source.chunk(), 0)
    writer.flush()
    (path,) = writer.folder.files
    whole = path.read_bytes()
    disk.write_error = number
    writer.put(source.chunk(), 0)
    writer.flush()
    assert path.read_bytes() == whole
    disk.write_error = 0
    while writer.waiting_messages:
        writer.flush()
    writer.finish()
    writer.close()
    with path.open("rb") as file:
        assert len(messages_in(file)["/raw/pid"]) == (6 if number == errno.ENOSPC else 3)
