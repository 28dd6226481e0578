"""The service file, and what systemd is told."""

import configparser
import socket
from pathlib import Path

from drone.systemd import Notifier, unit


def test_the_unit_runs_this_python_on_this_mission_and_has_a_watchdog():
    text = unit(Path("/home/pi/my missions/100%.toml"), name="har\nbour", user="pi")
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.optionxform = str
    parsed.read_string(text)
    service = parsed["Service"]
    assert service["ExecStart"].endswith(' -m drone.cli fly "/home/pi/my missions/100%%.toml"')
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) >= 5
    assert service["Restart"] == "always"
    assert service["User"] == "pi"
    assert "har bour" in parsed["Unit"]["Description"]


def test_systemd_hears_ready_alive_and_stopping(tmp_path):
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.settimeout(5.0)
        notifier = Notifier(address)
        notifier.ready()
        notifier.alive("all\nwell")
        notifier.stopping()
        assert [systemd.recv(200) for _ in range(3)] == [
            b"READY=1",
            b"WATCHDOG=1\nSTATUS=all well",
            b"STOPPING=1",
        ]


def test_without_systemd_or_when_it_is_gone_nothing_happens(tmp_path):
    Notifier("").alive("x")
    Notifier(str(tmp_path / "gone")).alive("x")


def test_a_systemd_that_is_behind_is_not_waited_for(tmp_path):
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        for _ in range(2000):
            Notifier(address).alive("x")
