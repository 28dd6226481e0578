"""Recorders as processes of their own, to be killed: each says what it has handed over, and when.

``recorder_process.py FOLDER COUNT SYNC_S`` forks so many, each on a disk that takes so long to
sync; standard output has lines "index pid number
monotonic_ns", each written after the call that handed over that number has returned.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from firmware_bridge.recorder import Recorder
from firmware_bridge.recorder_disk import Disk
from sensors.records import GasSample

FILE_BYTES = 6_000  # a new one every second or two
BATCH, PAUSE_S = 4, 0.02  # reads between two reports, and time between two of these


class SlowDisk(Disk):
    def __init__(self, sync_s):
        self.sync_s = sync_s

    def sync(self, descriptor):
        time.sleep(self.sync_s)
        super().sync(descriptor)


def record(folder, index, sync_s):
    recorder = Recorder(
        folder / str(index),
        name="killed",
        anchor_ns=0,
        disk=SlowDisk(sync_s),
        file_bytes=FILE_BYTES,
    )
    number = 0
    while True:
        for _ in range(BATCH):
            now_ns = time.monotonic_ns()
            recorder.raw("pid", b"%d " % number * 10, now_ns)
            recorder.record("pid", [GasSample(now_ns, "pid", "co", 1.0, "1")], now_ns, now_ns)
            number += 1
        told = f"{index} {os.getpid()} {number - 1} {time.monotonic_ns()}\n"
        os.write(1, told.encode())  # short enough not to be mixed with others
        time.sleep(PAUSE_S)


def main(folder, count, sync_s):
    for index in range(count):
        if os.fork() == 0:
            record(folder, index, sync_s)
    for _ in range(count):
        os.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
