"""What the bridge costs: eight devices at 20 Hz and 200 MAVLink messages a second.

``python -m benchmarks.bridge_load`` prints the table. The devices and the vehicle are processes
of their own, on pseudo-terminals and UDP over loopback; only the bridge is counted.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.flying import peak_mib
from benchmarks.tables import markdown
from firmware_bridge.clock import BridgeClock
from firmware_bridge.link import SerialLink
from firmware_bridge.mavlink import Autopilot
from firmware_bridge.reader import DeviceReader
from sensors.config import AutopilotTable
from sensors.devices import driver_for
from sims.virtual_device import VirtualDevice

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Event

DEVICES, DEVICE_HZ, MESSAGE_HZ, SECONDS = 8, 20.0, 200.0, 20.0
PORT = 14_777


def _devices(folder: str, stop: Event) -> None:
    """Microcontrollers and anemometers, half of each."""
    wind = {"kind": "wind", "raw": {"S2": 2.5, "D": 90, "U": -2.5, "V": 0.0, "W": 0.1, "T": 18.5}}
    played = []
    for number in range(DEVICES):
        name = "mcu_cobs" if number % 2 else "trisonica"
        frames = [
            {"kind": "mcu", "sequence": k, "device_us": k * 50_000, "values": [0.1] * 8}
            if number % 2
            else wind
            for k in range(2000)
        ]
        device = VirtualDevice(
            driver_for(name), frames, Path(folder) / str(number), rate_hz=DEVICE_HZ
        )
        played.append(device.__enter__())
    stop.wait()
    for device in played:
        device.__exit__()


def _vehicle(stop: Event) -> None:
    os.environ["MAVLINK20"] = "1"
    from pymavlink.dialects.v20 import ardupilotmega as dialect  # noqa: PLC0415

    link = dialect.MAVLink(None, srcSystem=1, srcComponent=1)
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    begin = time.monotonic()
    sent = 0
    while not stop.is_set():
        boot_ms = int((time.monotonic() - begin) * 1000) + 5000
        messages = (
            dialect.MAVLink_attitude_message(boot_ms, 0.0, 0.1, 1.0, 0.0, 0.0, 0.0),
            dialect.MAVLink_global_position_int_message(
                boot_ms, 520_000_000, 50_000_000, 30_000, 20_000, 100, 0, 0, 9000
            ),
            dialect.MAVLink_heartbeat_message(2, 3, 81, 5, 4, 3),
            dialect.MAVLink_vfr_hud_message(5.0, 5.0, 90, 50, 30.0, 0.0),
        )
        out.sendto(messages[sent % 4].pack(link), ("127.0.0.1", PORT))
        sent += 1
        time.sleep(max(0.0, begin + sent / MESSAGE_HZ - time.monotonic()))


def measured() -> dict[str, float]:
    """CPU share, memory and what came through."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    with tempfile.TemporaryDirectory() as folder:
        players = [
            context.Process(target=_devices, args=(folder, stop)),
            context.Process(target=_vehicle, args=(stop,)),
        ]
        for player in players:
            player.start()
        bridged: Queue[dict[str, float]] = context.Queue()
        bridge = context.Process(target=_bridged, args=(folder, bridged))
        bridge.start()
        try:
            return bridged.get(timeout=120.0)
        finally:
            bridge.join(10)
            stop.set()
            for player in players:
                player.join(10)


def _bridged(folder: str, told: Queue[dict[str, float]]) -> None:
    """A process of its own, so that the memory counted is the bridge's."""
    clock = BridgeClock()
    while len(list(Path(folder).iterdir())) < DEVICES:
        time.sleep(0.1)
    readers = [
        DeviceReader(
            str(number),
            driver_for("mcu_cobs" if number % 2 else "trisonica"),
            SerialLink(str(Path(folder) / str(number)), 115_200),
            utc_of=clock.utc_of_monotonic,
        )
        for number in range(DEVICES)
    ]
    taken = heard = 0
    for reader in readers:
        reader.start()
    with Autopilot(AutopilotTable(link=f"udp:127.0.0.1:{PORT}"), clock=clock) as autopilot:
        begin = time.monotonic() + 3.0  # until all have settled
        cpu, counting = time.process_time(), False
        while time.monotonic() < begin + SECONDS:
            if not counting and time.monotonic() > begin:
                cpu, counting, taken, heard = time.process_time(), True, 0, 0
            autopilot.wait(0.05)
            heard += len(autopilot.step())
            for reader in readers:
                while not reader.records.empty():
                    reader.records.get_nowait()
                    taken += 1
        cpu = time.process_time() - cpu
    for reader in readers:
        reader.close()
    told.put(
        {
            "cpu": cpu / SECONDS,
            "mebibytes": peak_mib(os.getpid()),
            "device records a second": taken / SECONDS,
            "vehicle records a second": heard / SECONDS,
        }
    )


def import_time_s() -> float:
    """Wall time of importing the flight side in a fresh process, least of five."""
    code = (
        "import time; a = time.perf_counter()\n"
        "import firmware_bridge.mavlink, firmware_bridge.reader, firmware_bridge.clock\n"
        "import sensors.config, detection.signal.online\n"
        "from sensors.devices import names; names()\n"
        "print(time.perf_counter() - a)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
        for _ in range(5)
    ]
    return min(float(run.stdout) for run in runs)


def in_a_process_of_its_own() -> dict[str, float]:
    """Whoever asks has more in memory than a bridge."""
    code = "import json; from benchmarks import bridge_load as b; print(json.dumps(b.measured()))"
    # a file to begin with, since the players begin as this one did
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "bridge.py"
        script.write_text(f'if __name__ == "__main__":\n    {code}\n')
        run = subprocess.run(
            [sys.executable, str(script)],
            capture_output=True,
            check=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
    found: dict[str, float] = json.loads(run.stdout)
    return found


def section() -> str:
    """The table."""
    told = in_a_process_of_its_own()
    rows = [
        ["CPU, share of one core", f"{told['cpu']:.1%}", "10 %"],
        ["peak memory [MiB]", f"{told['mebibytes']:.0f}", "100"],
        ["records of devices a second", f"{told['device records a second']:.0f}", "-"],
        ["records of the vehicle a second", f"{told['vehicle records a second']:.0f}", "-"],
        ["import of the flight side [s]", f"{import_time_s():.2f}", "0.4"],
    ]
    return "\n\n".join(
        [
            "## The bridge at work",
            markdown(("what", "measured", "asked"), rows),
            f"Reading: {DEVICES} devices at {DEVICE_HZ:g} Hz on pseudo-terminals and "
            f"{MESSAGE_HZ:g} MAVLink messages a second over UDP, {SECONDS:g} s, all decoded, "
            "stamped and taken.",
        ]
    )


if __name__ == "__main__":
    print(section())
