"""What ``sniffdrone fly`` costs and how soon it tells, recording on.

``python -m benchmarks.flying`` prints the table. Eight devices at 20 Hz with eight channels each
on pseudo-terminals, a vehicle with 200 MAVLink messages a second on UDP, both in processes of
their own; `fly` is a process as users start it. Every device has a plume now and then; the
values of a plume tell which frame an alarm on the link answers.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.tables import markdown
from firmware_bridge.mavlink_frames import PacketDecoder
from firmware_bridge.tunnel import decode_batch
from sensors.devices import driver_for
from sensors.framing import Frame
from sims.replay import ReplayPort

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Event

DEVICES, CHANNELS, DEVICE_HZ, MESSAGE_HZ = 8, 8, 20.0, 200.0
WARM_S, SECONDS = 30.0, 60.0
PLUME_EVERY_S, PLUME_S = 24.0, 2.0
UDP = 14_778
BASE, STEP = 50.0, 5000.0
STATUS = 3


DRIVER = driver_for("mcu_cobs")


def frame_of(device: int, number: int) -> tuple[bytes, float]:
    """A frame, and the value of its first channel where it is in plume, else 0."""
    age_s = (number / DEVICE_HZ - device * PLUME_EVERY_S / DEVICES) % PLUME_EVERY_S
    in_plume = age_s < PLUME_S and number / DEVICE_HZ > 12.0
    rng = np.random.default_rng((device, number))
    values = (BASE + rng.normal(0.0, 0.5, CHANNELS)).tolist()
    plume = STEP * (1.0 + round(age_s * DEVICE_HZ)) if in_plume else 0.0
    values[0] += plume
    told = {"kind": "mcu", "sequence": number, "device_us": number * 50_000, "values": values}
    return DRIVER.encode(told), plume


def play_devices(folder: str, stop: Event, sent: Queue[tuple[int, float, int]]) -> None:
    """All devices from one process, each frame at its time."""
    count = int((WARM_S + SECONDS + 60.0) * DEVICE_HZ)
    frames = [[frame_of(device, number) for number in range(count)] for device in range(DEVICES)]
    ports = [ReplayPort(Path(folder) / f"port{device}") for device in range(DEVICES)]
    while not all(port.is_open for port in ports) and not stop.is_set():
        time.sleep(0.05)
    begin = time.monotonic()
    for number in range(count):
        for device, port in enumerate(ports):
            due = begin + (number + device / DEVICES) / DEVICE_HZ
            time.sleep(max(0.0, due - time.monotonic()))
            data, plume = frames[device][number]
            port.send(data)
            if plume:
                sent.put((device, plume, time.monotonic_ns()))
        if stop.is_set():
            return


def play_vehicle(stop: Event, told: Queue[tuple[int, float, int]]) -> None:
    """An autopilot that speaks 200 times a second, and hears alarms."""
    os.environ["MAVLINK20"] = "1"
    from pymavlink.dialects.v20 import ardupilotmega as dialect  # noqa: PLC0415

    link = dialect.MAVLink(None, srcSystem=1, srcComponent=1)
    port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    port.bind(("127.0.0.1", 0))
    port.connect(("127.0.0.1", UDP))
    decoder = PacketDecoder()
    begin, number = time.monotonic(), 0
    while not stop.is_set():
        boot_ms = int((time.monotonic() - begin) * 1000) + 5000
        messages = (
            dialect.MAVLink_attitude_message(boot_ms, 0.0, 0.1, 1.0, 0.0, 0.0, 0.0),
            dialect.MAVLink_global_position_int_message(
                boot_ms, 520_000_000, 50_000_000, 30_000, 20_000, 100, 0, 0, 9000
            ),
            dialect.MAVLink_heartbeat_message(2, 3, 81, 5, 4, 3),
            dialect.MAVLink_system_time_message(time.time_ns() // 1000, boot_ms),
        )
        data = messages[number % 4].pack(link)
        link.seq = (link.seq + 1) % 256
        number += 1
        try:
            port.send(data)
            port.settimeout(max(1e-4, begin + number / MESSAGE_HZ - time.monotonic()))
            while True:
                heard = port.recv(2048)
                now_ns = time.monotonic_ns()
                for found in decoder.feed(heard, now_ns):
                    if isinstance(found, Frame):
                        note_alarm(found.fields["packet"], now_ns, told)
                port.settimeout(max(1e-4, begin + number / MESSAGE_HZ - time.monotonic()))
        except (TimeoutError, ConnectionRefusedError):
            time.sleep(max(0.0, begin + number / MESSAGE_HZ - time.monotonic()))


def note_alarm(packet: object, now_ns: int, told: Queue[tuple[int, float, int]]) -> None:
    if getattr(packet, "name", "") != "TUNNEL":
        return
    fields = packet.fields()  # type: ignore[attr-defined]
    batch = decode_batch(bytes(fields["payload"][: fields["payload_length"]]))
    for channel in batch.channels if batch.kind == STATUS else ():
        if channel.value > STEP / 2:
            told.put((batch.device - 1, channel.value, now_ns))


def mission(folder: Path) -> Path:
    channels = [f"pid{number}_ppb" for number in range(CHANNELS)]
    text = f'[mission]\nname = "load"\nauthority = "-"\n[autopilot]\nlink = "udp:127.0.0.1:{UDP}"\n'
    for device in range(DEVICES):
        text += f'[[device]]\nname = "dev{device}"\ndriver = "mcu_cobs"\n'
        text += f'port = "{folder / f"port{device}"}"\nchannels = {channels}\n'
    path = folder / "mission.toml"
    path.write_text(text)
    return path


def cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise LookupError("VmHWM")


def drained(queue: Queue[tuple[int, float, int]]) -> list[tuple[int, float, int]]:
    found = []
    while not queue.empty():
        found.append(queue.get())
    return found


def latencies_ms(
    sent: list[tuple[int, float, int]], told: list[tuple[int, float, int]]
) -> np.ndarray:
    """From the write of the frame an alarm answers, the nearest by value, to the alarm."""
    found = []
    for device, value, heard_ns in told:
        frames = [(abs(plume - value), at) for who, plume, at in sent if who == device]
        before = [(off, at) for off, at in frames if 0 <= heard_ns - at < 3e9]
        if before:
            found.append((heard_ns - min(before)[1]) / 1e6)
    return np.array(found)


def measured() -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    stop, sent, told = context.Event(), context.Queue(), context.Queue()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = mission(folder)
        players = [
            context.Process(target=play_devices, args=(name, stop, sent)),
            context.Process(target=play_vehicle, args=(stop, told)),
        ]
        for player in players:
            player.start()
        while len(list(folder.glob("port*"))) < DEVICES:
            time.sleep(0.1)
        fly = subprocess.Popen([sys.executable, "-m", "drone.cli", "fly", str(path), "--quiet"])
        time.sleep(WARM_S)
        before, begin = cpu_s(fly.pid), time.monotonic()
        time.sleep(SECONDS)
        cpu, peak = (cpu_s(fly.pid) - before) / (time.monotonic() - begin), peak_mib(fly.pid)
        stop.set()
        fly.send_signal(signal.SIGTERM)
        fly.wait(30)
        found = latencies_ms(drained(sent), drained(told))
        size = sum(file.stat().st_size for file in folder.glob("recordings/*.mcap"))
        for player in players:
            player.join(10)
    return {
        "cpu": cpu,
        "mebibytes": peak,
        "alarms": float(found.size),
        "median_ms": float(np.median(found)) if found.size else np.nan,
        "p99_ms": float(np.quantile(found, 0.99)) if found.size else np.nan,
        "recorded_mb_min": size / 1e6 / (WARM_S + SECONDS) * 60.0,
    }


def section() -> str:
    """The table."""
    told = measured()
    rows = [
        ["CPU, share of one core", f"{told['cpu']:.1%}", "15 %"],
        ["peak memory [MiB]", f"{told['mebibytes']:.0f}", "114 (120 MB)"],
        ["alarms", f"{told['alarms']:.0f}", "-"],
        ["bytes on the port to alarm on the link, median [ms]", f"{told['median_ms']:.0f}", "-"],
        ["the same, 99th percentile [ms]", f"{told['p99_ms']:.0f}", "50"],
        ["recorded [MB/min]", f"{told['recorded_mb_min']:.1f}", "-"],
    ]
    return "\n\n".join(
        [
            "## A flight",
            markdown(("what", "measured", "asked"), rows),
            f"{DEVICES} devices of {CHANNELS} channels at {DEVICE_HZ:.0f} Hz, "
            f"{MESSAGE_HZ:.0f} MAVLink messages a second, recording on: "
            "`python -m benchmarks.flying`.",
        ]
    )


if __name__ == "__main__":
    print(section())
