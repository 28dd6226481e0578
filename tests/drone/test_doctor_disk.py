"""The disk as the doctor sees it: full, slow, read-only, gone, and how long it lasts."""

from __future__ import annotations

import errno
import threading

import pytest

from drone.doctor_disk import disk_speed, recorded_bytes_per_s, room
from tests.faulty_disk import FaultyDisk

GO = threading.Event()


class Room(FaultyDisk):
    def __init__(self, free):
        super().__init__()
        self.free = free

    def free_bytes(self, folder):
        if isinstance(self.free, OSError):
            raise self.free
        return self.free


def test_a_disk_is_measured_and_nothing_is_left_on_it(tmp_path):
    disk = FaultyDisk()
    finding = disk_speed(tmp_path / "recordings" / "deep", GO, disk)
    assert finding.state == "ok"
    assert finding.figures["fsyncs"] == disk.syncs == 48
    assert finding.figures["write_bytes_per_s"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_slow_card_is_a_warning_and_does_not_take_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("drone.doctor_disk.LIMIT_S", 1.0)
    disk = FaultyDisk()
    disk.sync_s = 0.6
    finding = disk_speed(tmp_path, GO, disk)
    assert finding.state == "warning"
    assert finding.figures["fsync_p99_s"] >= 0.6
    assert disk.syncs <= 3
    assert "faster card" in finding.fix


@pytest.mark.parametrize(
    ("step", "number", "words"),
    [
        ("create_error", errno.EROFS, "read-only"),
        ("create_error", errno.EACCES, "may not write"),
        ("write_error", errno.ENOSPC, "full"),
        ("sync_error", errno.EIO, "does not take data"),
    ],
)
def test_a_disk_that_fails_says_what_to_do_and_keeps_nothing(tmp_path, step, number, words):
    disk = FaultyDisk()
    setattr(disk, step, number)
    finding = disk_speed(tmp_path, GO, disk)
    assert finding.state == "failure"
    assert words in finding.found
    assert finding.fix
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "recordings").write_text("I am a file")
    assert disk_speed(tmp_path / "recordings", GO).state == "failure"


@pytest.mark.parametrize(
    ("minutes", "state"), [(10.0, "failure"), (30.0, "warning"), (61.0, "ok"), (1e6, "ok")]
)
def test_room_is_told_in_minutes_of_this_mission(tmp_path, minutes, state):
    finding = room(tmp_path, 20_000.0, Room(int(minutes * 60 * 20_000)))
    assert finding.state == state
    assert finding.figures["minutes"] == pytest.approx(minutes, abs=0.1)


def test_a_disk_whose_room_is_not_told_is_a_failure(tmp_path):
    assert room(tmp_path, 1.0, Room(OSError(errno.ENODEV, "gone"))).state == "failure"


def test_interrupted_it_stops_and_leaves_nothing(tmp_path):
    stop = threading.Event()
    stop.set()
    assert disk_speed(tmp_path, stop).state == "not checked"
    assert list(tmp_path.iterdir()) == []


def test_more_devices_and_messages_need_more_room():
    alone = recorded_bytes_per_s(0.0, 0.0, 0.0, vehicle=0.0)
    assert recorded_bytes_per_s(1000.0, 20.0, 60.0, vehicle=0.0) > alone + 1000.0
    assert recorded_bytes_per_s(0.0, 0.0, 0.0, vehicle=100.0) > alone + 10_000.0
