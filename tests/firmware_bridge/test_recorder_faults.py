"""Whatever a disk does, nobody waits for it, the operator is told, and recording resumes."""

from __future__ import annotations

import errno
import re
import shutil
import subprocess
import time

import pytest

from firmware_bridge import recorder_thread, recorder_writer
from firmware_bridge.recorder_disk import Disk
from sensors.records import Event
from tests.faulty_disk import FaultyDisk, Feed, SmallDisk, recorder, status_with, until
from tests.recorded import events_in, numbered_in, raw_in

EIO, ENOSPC, EROFS, EACCES = errno.EIO, errno.ENOSPC, errno.EROFS, errno.EACCES


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """Rounds and attempts follow each other sooner than in flight."""
    monkeypatch.setattr(recorder_thread, "FLUSH_S", 0.1)
    monkeypatch.setattr(recorder_writer, "RETRY_NS", 200_000_000)
    monkeypatch.setattr(recorder_writer, "LOOK_NS", 500_000_000)


@pytest.fixture
def disk():
    return FaultyDisk()


@pytest.mark.parametrize(
    ("error", "state", "advice"),
    [
        (ENOSPC, "full", "the disk is full; free some space"),
        (EIO, "failing", r"does not take data \(Input/output error\); replace it"),
        (EROFS, "read-only", "read-only; check its lock switch"),
        (errno.ENODEV, "gone", "put the card back in"),
    ],
)
def test_writing_fails_and_goes_on_with_nothing_lost(tmp_path, disk, error, state, advice):
    with recorder(tmp_path, disk) as recording:
        feed = Feed(recording)
        until(lambda: recording.status().bytes_written > 2000)
        disk.write_error = error
        told = status_with(recording, state)
        assert not told.is_recording
        assert re.search(advice, told.text)
        assert "wait in memory" in told.text
        assert "\n" not in told.text
        until(lambda: disk.cuts)  # told first, cut back to what is whole then
        whole = recording.files[0].read_bytes()[: disk.cuts[0]]
        disk.write_error = 0
        status_with(recording, "recording")
        time.sleep(0.2)
        sent = feed.end()
    assert raw_in(recording.files) == sent
    assert recording.status().lost_bytes == 0
    assert len(recording.files) == (1 if error == ENOSPC else 2)
    assert "recording again after" in events_in(recording.files)
    assert whole
    assert recording.files[0].read_bytes().startswith(whole)


def test_syncing_fails_and_what_was_not_safe_is_written_anew(tmp_path, disk):
    with recorder(tmp_path, disk) as recording:
        feed = Feed(recording)
        until(lambda: disk.syncs > 2)
        disk.sync_error = EIO
        status_with(recording, "failing")
        disk.sync_error = 0
        status_with(recording, "recording")
        time.sleep(0.2)
        sent = feed.end()
    assert raw_in(recording.files) == sent  # none missing, none twice
    assert len(recording.files) == 2


def test_a_card_pulled_out_for_good_can_be_replaced(tmp_path, disk):
    """Not even cutting works any more, and no file can be made until there is a card again."""
    with recorder(tmp_path, disk) as recording:
        feed = Feed(recording)
        until(lambda: recording.status().bytes_written > 2000)
        disk.write_error = disk.sync_error = disk.cut_error = EIO
        disk.create_error = errno.ENODEV
        status_with(recording, "gone")
        disk.write_error = disk.sync_error = disk.cut_error = disk.create_error = 0
        status_with(recording, "recording")
        sent = feed.end()
    # what was written but not known to be safe may be in both files; its number tells
    assert [data for _, data in sorted(numbered_in(recording.files))] == sent


def test_a_folder_that_vanishes_is_made_again(tmp_path, disk):
    folder = tmp_path / "card"
    with recorder(folder, disk) as recording:
        feed = Feed(recording)
        until(lambda: disk.syncs > 2)
        shutil.rmtree(folder)
        before = len(feed.sent)
        until(lambda: len(recording.files) > 1)
        time.sleep(0.2)
        sent = feed.end()
    found = raw_in(recording.files[1:])
    assert found == sent[len(sent) - len(found) :]
    assert len(found) >= len(sent) - before - 600  # it is noticed within 2 s
    assert "is gone (card pulled out, or file removed)" in events_in(recording.files[1:])
    assert "is gone (card pulled out, or file removed)" in recording.status().news


def test_a_slow_card_is_told_and_what_comes_meanwhile_is_written(tmp_path, disk):
    disk.sync_s = 2.0
    with recorder(tmp_path, disk) as recording:
        feed = Feed(recording)
        told = status_with(recording, "slow")
        assert told.is_recording
        assert "the disk is slow" in told.text
        until(lambda: recording.status().behind_s > 1.9)
        written = raw_in(recording.files)  # a kill now would lose no more than the rest
        assert len(feed.sent) - len(written) < 250
        disk.sync_s = 0.0
        status_with(recording, "recording")
        sent = feed.end()
    assert raw_in(recording.files) == sent


def test_a_slow_card_that_was_full_is_told_to_record_again(tmp_path, disk):
    disk.sync_s = 0.7
    with recorder(tmp_path, disk) as recording:
        feed = Feed(recording)
        disk.write_error = ENOSPC
        status_with(recording, "full")
        disk.write_error = 0
        until(lambda: recording.status().is_recording)
        disk.sync_s = 0.0
        sent = feed.end()
    assert raw_in(recording.files) == sent


def test_a_start_without_a_card_records_when_it_comes(tmp_path, disk):
    disk.create_error = EROFS
    with recorder(tmp_path, disk) as recording:
        assert recording.status().state == "read-only"
        feed = Feed(recording)
        time.sleep(0.3)
        disk.create_error = 0
        status_with(recording, "recording")
        sent = feed.end()
    assert raw_in(recording.files) == sent
    assert events_in(recording.files).count("recording again") == 1


def test_when_memory_is_full_records_go_before_raw_bytes_and_all_is_counted(tmp_path, disk):
    with recorder(tmp_path, disk, queue_bytes=200_000) as recording:
        until(lambda: disk.syncs > 0)
        disk.write_error = ENOSPC
        recording.raw("pid", b"first", 0)
        status_with(recording, "full")
        sent = [b"%4d" % number for number in range(200)]
        for number, data in enumerate(sent):
            recording.record("pid", [Event(number, "pid", "note", "x")] * 10, number, number)
            recording.raw("pid", data, number)
        told = recording.status()
        assert told.queue_bytes <= 210_000
        assert told.lost_messages > 500
        assert f"{told.lost_messages} messages ({told.lost_bytes} bytes) lost so far" in told.text
        disk.write_error = 0
        status_with(recording, "recording")
    assert raw_in(recording.files) == [b"first", *sent]
    noted = re.findall(
        r"(\d+) messages, (\d+) bytes of /records/pid/event", events_in(recording.files)
    )
    told = recording.status()
    assert sum(int(count) for count, _ in noted) == told.lost_messages
    assert sum(int(size) for _, size in noted) == told.lost_bytes


def test_raw_bytes_that_never_fit_are_counted_too(tmp_path, disk):
    disk.create_error = ENOSPC
    recording = recorder(tmp_path, disk, queue_bytes=50_000)
    for _ in range(1000):
        recording.raw("pid", bytes(100), 0)
    recording.close(timeout_s=0.5)
    told = recording.status()
    assert (told.state, told.lost_messages, told.lost_bytes) == ("closed", 1000, 100_000)
    assert recording.files == ()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_hangs_does_not_hang_the_end_of_a_flight(tmp_path, disk):
    recording = recorder(tmp_path, disk)
    disk.hang.clear()
    recording.raw("pid", b"x", 0)
    begin = time.monotonic()
    recording.close(timeout_s=0.5)
    assert time.monotonic() - begin < 5.0
    disk.hang.set()
    until(lambda: recording.status().state == "closed")
    assert raw_in(recording.files) == [b"x"]


def test_no_room_for_the_end_leaves_a_file_that_can_be_read(tmp_path, disk):
    recording = recorder(tmp_path, disk)
    recording.raw("pid", b"x", 0)
    until(lambda: recording.status().behind_s == 0.0)
    disk.write_error = ENOSPC
    recording.close(timeout_s=0.5)
    assert raw_in(recording.files) == [b"x"]
    assert recording.status().lost_messages == 0


@pytest.fixture
def small(tmp_path):
    """A folder with room for 300 kB, the disk to write with, and what makes more room.

    A file system of its own where we may mount one.
    """
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        disk = SmallDisk(300_000)
        yield folder, disk, lambda: setattr(disk, "room", 10_000_000)
        return
    filler = folder / "filler"
    filler.write_bytes(bytes(150_000))
    yield folder, Disk(), filler.unlink
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_fills_to_the_brim_and_resumes_when_there_is_room(small, rng):
    folder, disk, make_room = small
    sent = [rng.bytes(500) for _ in range(400)]
    with recorder(folder, disk) as recording:
        for data in sent:
            recording.raw("pid", data, 0)
            time.sleep(0.002)
        status_with(recording, "full")
        torn = raw_in(recording.files)
        assert torn == sent[: len(torn)]
        make_room()
        status_with(recording, "recording")
    assert raw_in(recording.files) == sent
    assert recording.status().lost_messages == 0


def test_a_folder_that_may_not_be_written_is_told(tmp_path, disk):
    disk.create_error = EACCES
    with recorder(tmp_path, disk) as recording:
        told = recording.status()
        assert told.state == "refused"
        assert told.text.startswith(f"{tmp_path}: this user may not write there; change its owner")
        disk.create_error = 0


def test_a_file_in_place_of_the_folder_is_told(tmp_path, disk):
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        recording = recorder(folder, disk)
        told = recording.status()
        recording.close(timeout_s=0.1)
        assert told.state == "refused"
        assert told.text.startswith(f"{folder}: is not a folder; choose another in [recorder]")


def test_minutes_left_follow_from_room_and_rate(tmp_path):
    class Roomy(Disk):
        def free_bytes(self, folder):
            return 6_000_000

    with recorder(tmp_path, Roomy()) as recording:
        feed = Feed(recording)
        told = until(lambda: (one := recording.status()).bytes_per_s > 0.0 and one)
        assert told.minutes_left == pytest.approx(6_000_000 / told.bytes_per_s / 60.0)
        assert told.free_bytes == 6_000_000
        feed.end()
