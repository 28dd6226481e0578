"""What recording costs, how far it is from its limit, and whether it grows.

``python -m benchmarks.recorder`` prints the table; ``--hours 1`` shortens the long flight.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.running import say
from benchmarks.tables import markdown
from firmware_bridge.recorder import Recorder
from sensors.records import GOOD, GasSample, PoseSample

if TYPE_CHECKING:
    from collections.abc import Callable

NS = 1_000_000_000
DEVICES, DEVICE_HZ, CHANNELS, MESSAGE_HZ, POSE_HZ = 8, 20, 8, 200, 20
FRAME_BYTES, MESSAGE_BYTES = 45, 44
MADE = 512  # frames, messages and poses, handed over again and again
LIVE_S, SPEED_S = 20.0, 600.0  # seconds of flight
ANCHOR = 1_795_000_000 * NS


class Flight:
    """Hands over what comes in a twentieth of a second of flight, made beforehand."""

    def __init__(self) -> None:
        rng = random.Random(1)
        self._frames = [rng.randbytes(FRAME_BYTES) for _ in range(MADE)]
        self._messages = [rng.randbytes(MESSAGE_BYTES) for _ in range(MADE)]
        self._samples = [
            [
                GasSample(
                    ANCHOR + k * NS, _name(k % DEVICES), f"ch{c}", rng.random(), "1", GOOD, 0.002
                )
                for c in range(CHANNELS)
            ]
            for k in range(MADE)
        ]
        self._poses = [
            PoseSample(ANCHOR, "autopilot", 52.0 + rng.random(), 4.9 + rng.random(), 30.0)
            for _ in range(MADE)
        ]
        self.data_bytes = DEVICES * FRAME_BYTES + MESSAGE_HZ // DEVICE_HZ * MESSAGE_BYTES

    def step(self, recorder: Recorder, number: int, now_ns: int) -> None:
        for device in range(DEVICES):
            name = _name(device)
            which = (number * DEVICES + device) % MADE
            recorder.raw(name, self._frames[which], now_ns)
            recorder.record(name, self._samples[which], now_ns, now_ns - 3_000_000)
        for message in range(MESSAGE_HZ // DEVICE_HZ):
            data = self._messages[(number + message) % MADE]
            recorder.raw("autopilot", data, now_ns, peer="127.0.0.1:14550")
        recorder.record("autopilot", [self._poses[number % MADE]], now_ns, now_ns)
        if number % DEVICE_HZ == 0:
            told = {"utc_ns": ANCHOR + now_ns, "sigma_s": 0.01, "source": "vehicle"}
            recorder.message("/clock", told, now_ns)


def _name(device: int) -> str:
    return f"device{device}"


def live(folder: Path) -> dict[str, float]:
    """CPU shares in real time: of the threads that write, and of those that hand over."""
    flight = Flight()
    with _recorder(folder) as recorder:
        cpu, mine = time.process_time(), time.thread_time()
        begin, longest_s = time.monotonic(), 0.0
        for number in range(int(LIVE_S * DEVICE_HZ)):
            before = time.perf_counter()
            flight.step(recorder, number, time.monotonic_ns())
            longest_s = max(longest_s, time.perf_counter() - before)
            time.sleep(max(0.0, begin + (number + 1) / DEVICE_HZ - time.monotonic()))
        cpu, mine = time.process_time() - cpu, time.thread_time() - mine
        status = recorder.status()
    return {
        "writing": (cpu - mine) / LIVE_S,
        "handing over": mine / LIVE_S,
        "bytes a second": status.bytes_written / LIVE_S,
        "longest": longest_s,
    }


def at_speed(folder: Path, seconds: float, *, look: Callable[[float], None]) -> tuple[float, float]:
    """How many times faster than a flight, by the clock and by processor time.

    `look` is told the share done.
    """
    flight = Flight()
    recorder = _recorder(folder)
    begin, cpu = time.monotonic(), time.process_time()
    steps = int(seconds * DEVICE_HZ)
    for number in range(steps):
        flight.step(recorder, number, number * NS // DEVICE_HZ)
        if number % 100 == 0:
            while recorder.status().queue_bytes > 4_000_000:
                time.sleep(0.001)
            look(number / steps)
    recorder.close()
    taken_s, cpu = time.monotonic() - begin, time.process_time() - cpu
    if recorder.status().lost_messages:
        raise RuntimeError("the recorder lost messages at speed")
    return seconds / taken_s, seconds / cpu


def _long(hours: float) -> dict[str, float]:
    """Resident memory [MiB] during a long flight at speed; finished files are thrown away."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seen: list[tuple[float, float]] = []

        def look(share: float) -> None:
            if not seen or share > seen[-1][0] + 0.001:  # few, so that they take no memory
                seen.append((share, _resident_mebibytes()))
            for path in sorted(folder.iterdir())[:-2]:
                path.unlink()

        at_speed(folder, hours * 3600.0, look=look)
    return {
        "early": statistics.median(one for share, one in seen if 0.05 < share < 0.15),
        "late": statistics.median(one for share, one in seen if share > 0.9),
        "peak": max(one for _, one in seen),
    }


def _recorder(folder: Path) -> Recorder:
    return Recorder(folder, name="benchmark", anchor_ns=ANCHOR, attachments={"mission.toml": b"#"})


def _resident_mebibytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def section(hours: float = 24.0) -> str:
    """The table."""
    with tempfile.TemporaryDirectory() as name:
        say("recorder: in real time")
        told = live(Path(name) / "live")
        say("recorder: at speed")
        by_clock, by_cpu = at_speed(Path(name) / "speed", SPEED_S, look=lambda _: None)
    say(f"recorder: {hours:g} h at speed")
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        memory = pool.apply(_long, (hours,))
    rate = Flight().data_bytes * DEVICE_HZ
    rows = [
        ["CPU of its threads, share of a core", f"{told['writing']:.2%}", "3 %"],
        ["CPU of handing over, share of a core", f"{told['handing over']:.2%}", "-"],
        ["longest twentieth of a second handed over [ms]", f"{told['longest'] * 1e3:.1f}", "-"],
        ["raw bytes in [kB/s]", f"{rate / 1e3:.1f}", "-"],
        ["written, records and all [kB/s]", f"{told['bytes a second'] / 1e3:.1f}", "-"],
        ["times a flight's data rate, by the clock", f"{by_clock:.0f}", "100"],
        ["times a flight's data rate, by processor time", f"{by_cpu:.0f}", "-"],
        [f"memory after {hours / 10:.1f} h [MiB]", f"{memory['early']:.0f}", "-"],
        [f"memory after {hours:.1f} h [MiB]", f"{memory['late']:.0f}", "no growth"],
        ["memory, peak [MiB]", f"{memory['peak']:.0f}", "-"],
    ]
    return "\n\n".join(
        [
            "## The recorder",
            markdown(("what", "measured", "asked"), rows),
            f"Reading: {DEVICES} devices at {DEVICE_HZ} Hz with {CHANNELS} channels each, "
            f"{MESSAGE_HZ} MAVLink messages and {POSE_HZ} poses a second; bytes and records are "
            f"recorded, synced every 0.4 s. {LIVE_S:g} s in real time, {SPEED_S:g} s of flight as "
            f"fast as it goes on one core shared with the writing thread, and {hours:g} h at "
            "speed in a process of its own.",
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recorder", description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0, help="of the long flight")
    print(section(parser.parse_args().hours))
