"""A recorder killed at any moment has lost at most the last second."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from firmware_bridge.recorder import Recorder
from tests.recorded import messages_in, raw_in

PROCESS = Path(__file__).parents[1] / "peers" / "recorder_process.py"
ROOT = Path(__file__).parents[2]
NS = 1_000_000_000
AT_ONCE, WAVES = 15, 3  # and one on slow cards: 60 kills


class Told:
    """What the processes said they handed over."""

    def __init__(self, stream):
        self.handed = {}  # index to list of (number, monotonic_ns)
        self.pids = {}
        self._thread = threading.Thread(target=self._read, args=(stream,))
        self._thread.start()

    def _read(self, stream):
        for line in stream:
            index, pid, number, when_ns = map(int, line.split())
            self.handed.setdefault(index, []).append((number, when_ns))
            self.pids[index] = pid

    def join(self):
        self._thread.join()


def killed(folder, moments, *, sync_s=0.0):
    """Files of processes killed so long after their first report, and what they had said."""
    process = subprocess.Popen(
        [sys.executable, str(PROCESS), str(folder), str(len(moments)), str(sync_s)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    told, at_ns = Told(process.stdout), {}
    end = time.monotonic() + 30.0
    try:
        while len(told.handed) < len(moments):
            assert time.monotonic() < end, "the processes did not start"
            time.sleep(0.01)
        begin = time.monotonic()
        for index in sorted(range(len(moments)), key=moments.__getitem__):
            time.sleep(max(0.0, begin + moments[index] - time.monotonic()))
            at_ns[index] = time.monotonic_ns()
            os.kill(told.pids[index], signal.SIGKILL)
        assert process.wait(20) == 0
    finally:
        for pid in told.pids.values():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.kill()
        process.wait()
        told.join()
        process.stdout.close()
    return told.handed, at_ns


@pytest.mark.parametrize(("wave", "sync_s"), [*((wave, 0.0) for wave in range(WAVES)), (0, 2.0)])
def test_a_kill_at_any_moment_loses_at_most_the_last_second(tmp_path, wave, sync_s):
    """With a card that takes 2 s to sync, too."""
    chance = random.Random(wave)
    moments = [chance.uniform(0.0, 2.2) for _ in range(AT_ONCE)]
    handed, at_ns = killed(tmp_path, moments, sync_s=sync_s)
    for index, said in handed.items():
        paths = sorted((tmp_path / str(index)).iterdir())
        found = raw_in(paths)
        assert found == [b"%d " % number * 10 for number in range(len(found))]
        safe = [number for number, when_ns in said if when_ns < at_ns[index] - NS]
        assert len(found) > max(safe, default=-1)
        records = 0
        for path in paths:
            with path.open("rb") as file:
                records += len(messages_in(file).get("/records/pid/gas", []))
        assert records > max(safe, default=-1)


def test_a_new_recorder_leaves_the_files_of_a_killed_one_alone(tmp_path):
    killed(tmp_path, [0.6])
    folder = tmp_path / "0"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with Recorder(folder, name="killed", anchor_ns=0) as recorder:
        recorder.raw("pid", b"x", 0)
    assert before
    assert all(path.read_bytes() == data for path, data in before.items())
    assert raw_in(recorder.files) == [b"x"]
