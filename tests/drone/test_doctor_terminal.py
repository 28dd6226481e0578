"""The doctor in a shell: what a terminal shows, and that it ends at once when it is told to."""

from __future__ import annotations

import contextlib
import functools
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from sensors.devices import driver_for
from sims.virtual_device import VirtualDevice
from tests.missions import DUST, write_mission


@pytest.fixture
def mission(tmp_path):
    return functools.partial(write_mission, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_gives_ports_back_and_leaves_nothing(mission, tmp_path, number):
    path = mission(("nose", "plantower_pms"))
    with VirtualDevice(driver_for("plantower_pms"), [DUST], tmp_path / "nose", rate_hz=20):
        process = subprocess.Popen(
            [sys.executable, "-m", "drone.cli", "doctor", str(path), "--zero", "60"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(3.0)
        process.send_signal(number)
        out, errors = process.communicate(timeout=15)
    assert process.returncode == 130, errors
    assert out == ""
    assert "Traceback" not in errors
    assert [one.name for one in tmp_path.iterdir()] == ["mission.toml"]


def test_on_a_terminal_it_shows_what_it_waits_for(mission, tmp_path):
    path = mission(("dust", "plantower_pms"))
    master, slave = pty.openpty()
    with VirtualDevice(driver_for("plantower_pms"), [DUST], tmp_path / "dust", rate_hz=20):
        process = subprocess.Popen(
            [sys.executable, "-m", "drone.cli", "doctor", str(path), "--zero", "2"],
            stdout=subprocess.PIPE, stderr=slave, text=True, env=os.environ | {"TERM": "xterm"},
        )  # fmt: skip
        os.close(slave)
        shown = b""
        with contextlib.suppress(OSError):  # the other end is closed
            while piece := os.read(master, 4096):
                shown += piece
        out, _ = process.communicate(timeout=30)
    os.close(master)
    assert process.returncode == 0
    assert out.splitlines()[-1] == "ready to fly"
    assert b"dust" in shown
    assert b"zero test: 1 s left" in shown
    assert b"keep all sensors in clean air" in shown


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_port_and_a_folder_of_somebody_else_are_told_with_what_to_do():
    """First as ourselves, so that all is loaded: nobody may not read this interpreter."""
    code = (
        "import os, sys\n"
        "import drone.cli.app as app, drone.doctor_autopilot as autopilot, grp\n"
        "autopilot.HEAR_S = 0.5\n"
        "app.run(['doctor', '--quiet', sys.argv[1]])\n"
        "os.chmod(sys.argv[2], 0o600)\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "sys.exit(app.run(['doctor', sys.argv[1]]))"
    )
    with tempfile.TemporaryDirectory() as name:  # pytest's own may not be entered by others
        folder = Path(name)
        folder.chmod(0o755)
        path = write_mission(folder, ("dust", "plantower_pms"))
        with VirtualDevice(driver_for("plantower_pms"), [DUST], folder / "dust", rate_hz=20):
            finished = subprocess.run(
                [sys.executable, "-c", code, str(path), str(folder / "dust")],
                capture_output=True, text=True, check=False, timeout=40,
            )  # fmt: skip
    assert finished.returncode == 2, finished.stderr
    lines = finished.stdout.splitlines()
    assert "no permission" in lines[0]
    assert "join the group" in lines[1]
    assert any("this user may not write there" in line for line in lines)
    assert lines[-1] == "not ready: 2 things to fix"
