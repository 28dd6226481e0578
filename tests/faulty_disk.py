"""A disk that fails as it is told to, and a feed of numbered reads that never waits for it."""

from __future__ import annotations

import errno
import os
import threading
import time

from firmware_bridge.recorder import Recorder
from firmware_bridge.recorder_disk import Disk

LONGEST_CALL_S = 0.25  # of a call that only puts into memory, on a machine with much else to do


class FaultyDisk(Disk):
    """Fails as it is told to; a failing write leaves half of its bytes behind."""

    def __init__(self):
        self.create_error = self.write_error = self.sync_error = self.cut_error = 0
        self.sync_s = 0.0
        self.hang = threading.Event()
        self.hang.set()
        self.syncs = 0
        self.cuts = []  # the length left by each

    def create(self, path):
        if self.create_error:
            raise OSError(self.create_error, os.strerror(self.create_error))
        return super().create(path)

    def write(self, descriptor, data, offset):
        if self.write_error:
            super().write(descriptor, data[: len(data) // 2], offset)
            raise OSError(self.write_error, os.strerror(self.write_error))
        super().write(descriptor, data, offset)

    def cut(self, descriptor, length):
        if self.cut_error:
            raise OSError(self.cut_error, os.strerror(self.cut_error))
        super().cut(descriptor, length)
        self.cuts.append(length)

    def sync(self, descriptor):
        self.hang.wait()
        time.sleep(self.sync_s)
        if self.sync_error:
            raise OSError(self.sync_error, os.strerror(self.sync_error))
        super().sync(descriptor)
        self.syncs += 1


class Feed:
    """Hands numbered reads to a recorder from a thread of its own, and times each call."""

    def __init__(self, recorder):
        self.sent, self.longest_s = [], 0.0
        self._recorder, self._stop = recorder, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(0.004):
            data = b"%d," % len(self.sent) * 20
            begin = time.monotonic()
            self._recorder.raw("pid", data, time.monotonic_ns())
            self._recorder.status()
            self.longest_s = max(self.longest_s, time.monotonic() - begin)
            self.sent.append(data)

    def end(self):
        self._stop.set()
        self._thread.join()
        assert self.longest_s < LONGEST_CALL_S
        return self.sent


class SmallDisk(Disk):
    """Holds so many bytes, and takes as many of a write as still fit."""

    def __init__(self, room):
        self.room = room

    def write(self, descriptor, data, offset):
        fits = max(0, self.room - offset)
        super().write(descriptor, data[:fits], offset)
        if fits < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def recorder(folder, disk, **options):
    return Recorder(folder, name="faults", anchor_ns=0, clock_is_trusted=True, disk=disk, **options)


def until(condition, seconds=8.0):
    """The first true answer of `condition` within this time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError("did not happen in time")


def status_with(recording, state):
    return until(lambda: (told := recording.status()).state == state and told)
