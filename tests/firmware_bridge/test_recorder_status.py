"""The operator reads in one line how the recording stands."""

from __future__ import annotations

import errno
import math
import os
from pathlib import Path

import pytest

from firmware_bridge import recorder_thread
from firmware_bridge.recorder_disk import is_full, trouble
from firmware_bridge.recorder_room import Room
from firmware_bridge.recorder_status import state_of
from tests.faulty_disk import FaultyDisk, recorder, until

PLACE = Path("/card/flight.mcap")
NS = 1_000_000_000


@pytest.mark.parametrize(
    ("found", "behind_s", "minutes", "state", "text"),
    [
        (None, 0.4, math.inf, "recording", "recording to /card/flight.mcap"),
        (None, 0.4, 4.2, "recording", "/card/flight.mcap: 4 min of room left; free some space"),
        (
            None,
            2.3,
            math.inf,
            "slow",
            "/card/flight.mcap: the disk is slow, 2.3 s not safe yet; replace it",
        ),
        (
            ("full", "/card: the disk is full; free some space"),
            12.0,
            0.0,
            "full",
            "/card: the disk is full; free some space; 12 s of data wait in memory",
        ),
    ],
)
def test_state_and_text(found, behind_s, minutes, state, text):
    told = state_of(found, place=PLACE, behind_s=behind_s, minutes_left=minutes)
    assert told == (state, text)


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (errno.ENOSPC, "full"),
        (errno.EDQUOT, "full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "refused"),
        (errno.EPERM, "refused"),
        (errno.ENOTDIR, "refused"),
        (errno.ENOENT, "gone"),
        (errno.ENODEV, "gone"),
        (errno.EIO, "failing"),
        (errno.EFBIG, "failing"),
    ],
)
def test_what_a_disk_says_becomes_one_line_with_what_to_do(number, state):
    error = OSError(number, os.strerror(number))
    told, text = trouble(error, Path("/card"))
    assert told == state
    assert text.startswith("/card: ")
    assert "; " in text
    assert "\n" not in text
    assert is_full(error) == (state == "full")


def test_minutes_left_are_those_of_the_last_minute():
    free = {"now": 60_000_000}
    room = Room(lambda _: free["now"])
    assert room.minutes_left == math.inf
    room.look(PLACE, 0, 0)
    assert room.minutes_left == math.inf
    room.look(PLACE, 1_000_000, 10 * NS)  # 0.1 MB/s
    assert room.bytes_per_s == 100_000.0
    assert room.minutes_left == 10.0
    for step in range(1, 8):  # a minute and more at a tenth of that
        room.look(PLACE, 1_000_000 + step * 100_000, (10 + 10 * step) * NS)
    assert room.bytes_per_s == 10_000.0
    assert room.minutes_left == 100.0


def test_a_disk_that_does_not_tell_its_room_is_not_taken_for_full():
    def unknown(_):
        raise OSError(errno.EIO, "Input/output error")

    room = Room(unknown)
    room.look(PLACE, 0, 0)
    room.look(PLACE, 1000, NS)
    assert room.free_bytes is None
    assert room.minutes_left == math.inf


def test_a_fault_of_the_program_is_told_and_not_swallowed(tmp_path, monkeypatch):
    def broken(_):
        raise ZeroDivisionError("a fault")

    recording = recorder(tmp_path, FaultyDisk())
    monkeypatch.setattr(recorder_thread, "chunks", broken)
    recording.raw("pid", b"x", 0)
    told = until(lambda: (one := recording.status()).state == "broken" and one)
    assert not told.is_recording
    assert "a fault of this program ended the recording; start anew" in told.text
    recording.raw("pid", b"later", 0)  # is counted, and hurts nobody
    assert recording.status().lost_messages == 1
    with pytest.raises(ZeroDivisionError):
        recording.close()
