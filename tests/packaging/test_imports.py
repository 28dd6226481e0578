"""What importing costs, and what it must not bring along."""

import json
import subprocess
import sys
import time

import pytest

HEAVY = ("xarray", "rasterio", "scipy", "sklearn", "numba", "pandas", "matplotlib", "pyproj")

FLIGHT_SIDE = (
    "sensors.alignment",
    "sensors.decoders",
    "sensors.devices",
    "sensors.drivers.mcu_cobs",
    "sensors.drivers.trisonica",
    "sensors.framing",
    "sensors.assemble",
    "sensors.config",
    "sensors.errors",
    "sensors.gases",
    "sensors.plugins",
    "sensors.records",
    "sensors.streams",
    "sensors.units",
    "drone.doctor",
    "drone.doctor_gas",
    "firmware_bridge.clock",
    "firmware_bridge.decoders.mavlink",
    "firmware_bridge.decoders.tlog",
    "firmware_bridge.decoders.tunnel_gas",
    "firmware_bridge.bridge",
    "firmware_bridge.link",
    "firmware_bridge.logfile",
    "firmware_bridge.mavlink",
    "firmware_bridge.reader",
    "firmware_bridge.recorder",
    "firmware_bridge.recording",
    "firmware_bridge.recovery",
    "firmware_bridge.summary",
    "firmware_bridge.telemetry_names",
    "detection.signal.alarm",
    "detection.signal.alarm_reference",
    "detection.signal.alarm_steps",
    "detection.signal.baseline_steps",
    "detection.signal.online",
    "drone.fly",
    "drone.fly_lines",
    "drone.fly_screen",
)

DESK_SIDE = (
    "drone.cli.app",
    "drone.demonstration",
    "drone.inputs",
    "drone.output",
    "drone.pipeline",
    "firmware_bridge.summary",
    "firmware_bridge.formats._bmerawdata_reading",
    "firmware_bridge.formats.bmerawdata",
    "firmware_bridge.formats.csv",
    "firmware_bridge.recording",
    "firmware_bridge.formats.dataflash",
    "firmware_bridge.formats.mcap",
    "firmware_bridge.formats._mcap_reading",
    "firmware_bridge.recovery",
    "firmware_bridge.formats.netcdf",
    "firmware_bridge.formats.tlog",
    "firmware_bridge.formats.ulog",
)

POSIX_ONLY = ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty")


def python(code: str, *arguments: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def loaded_by(*modules: str) -> set[str]:
    code = (
        "import importlib, json, sys\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    )
    return set(json.loads(python(code, *modules)))


@pytest.mark.parametrize("module", FLIGHT_SIDE)
def test_the_flight_side_loads_nothing_heavy(module):
    assert loaded_by(module).isdisjoint(HEAVY)


def test_the_command_line_loads_nothing_heavy_before_a_command_runs():
    loaded = loaded_by("drone.cli.app")
    assert loaded.isdisjoint({*HEAVY, "numpy", "pymavlink", "rich"})


def test_the_desk_side_imports_no_module_that_only_posix_has():
    code = (
        "import importlib, sys\n"
        "import subprocess  # the standard library may look for them before they are blocked\n"
        f"for name in {POSIX_ONLY!r}: sys.modules[name] = None\n"
        "for name in sys.argv[1:]: importlib.import_module(name)"
    )
    python(code, *DESK_SIDE)


def test_help_answers_in_less_than_three_tenths_of_a_second():
    """The fastest of five, so that a busy machine does not decide."""
    command = [sys.executable, "-m", "drone.cli", "--help"]
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    assert min(times) <= 0.3
