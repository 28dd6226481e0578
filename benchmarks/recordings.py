"""How fast a recording opens and is read, beside the mcap library on the same file.

Half an hour of eight devices at 20 Hz with eight channels each, none of whose values repeats, and
an autopilot of 200 messages a second. ``python -m benchmarks.recordings`` prints the table.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from mcap.reader import NonSeekingReader

from benchmarks.running import say
from benchmarks.tables import markdown
from firmware_bridge.logfile import ReadReport, read_log
from firmware_bridge.recorder_channels import Channels
from firmware_bridge.recorder_chunk import Item, chunks
from firmware_bridge.recorder_disk import Disk
from firmware_bridge.recorder_file import Opening, RecordingFile
from firmware_bridge.recording import (
    CLOCK,
    FORMAT,
    RECORDING,
    VERSION,
    data_of_message,
    messages_of_records,
)
from firmware_bridge.recovery import recover
from firmware_bridge.summary import summarise
from sensors.records import GOOD, GasSample, PoseSample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NS = 1_000_000_000
DEVICES, DEVICE_HZ, CHANNELS, MESSAGES_A_STEP = 8, 20, 8, 10
CHUNK_STEPS = 10  # half a second
MINUTES, RUNS = 30.0, 3
HEADER = ("what", "seconds", "times as fast", "most memory [MB]")
BEGIN_NS = 1_795_000_000 * NS


def write(path: Path, minutes: float = MINUTES) -> None:
    """A flight of so many minutes, as the recorder writes it."""
    opening = Opening(
        library="benchmark",
        time_ns=BEGIN_NS,
        metadata=((RECORDING, {VERSION: FORMAT, "run": "benchmark"}),),
    )
    file, rng, channels = RecordingFile(path, opening, Disk()), random.Random(1), Channels()
    for begin in range(0, round(minutes * 60 * DEVICE_HZ), CHUNK_STEPS):
        items = [
            item
            for step in range(begin, begin + CHUNK_STEPS)
            for item in _items(step, channels, rng)
        ]
        for chunk in chunks(items):
            file.append(chunk)
        file.settle(file.mark())
    file.finish()


def _items(step: int, channels: Channels, rng: random.Random) -> Iterator[Item]:
    """What comes in a twentieth of a second."""
    now_ns = BEGIN_NS + step * NS // DEVICE_HZ
    for device in range(DEVICES):
        name = f"device{device}"
        yield Item(0, channels.raw(name), step, now_ns, now_ns, rng.randbytes(45))
        sigma_s = rng.random() / 100
        frame = [
            GasSample(now_ns, name, f"ch{number}", rng.gauss(2e-6, 1e-7), "1", GOOD, sigma_s)
            for number in range(CHANNELS)
        ]
        for kind, data in messages_of_records(frame):
            yield Item(0, channels.records(name, kind), step, now_ns, now_ns - 3_000_000, data)
    for _ in range(MESSAGES_A_STEP):
        data = rng.randbytes(44)
        yield Item(0, channels.raw("autopilot", "udp"), step, now_ns, now_ns, data)
    pose = PoseSample(now_ns, "autopilot", 52.0 + step * 1e-7, 4.9, 30.0, 20.0, 20.0, GOOD, 0.01)
    for kind, data in messages_of_records([pose]):
        yield Item(0, channels.records("autopilot", kind), step, now_ns, now_ns, data)
    if step % DEVICE_HZ == 0:
        told = {"utc_ns": now_ns, "sigma_s": 0.01, "source": "vehicle", "host_step_s": None}
        yield Item(0, channels.topic(CLOCK), step, now_ns, now_ns, data_of_message(told))


def rows(minutes: float = MINUTES) -> list[tuple[str, ...]]:
    """One row for each thing that is done with the recording."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flight.mcap"
        write(path, minutes)
        size = path.stat().st_size
        torn = Path(folder) / "torn.mcap"
        torn.write_bytes(path.read_bytes()[: size * 9 // 10])
        report = ReadReport(path=path)
        readings = sum(len(one) for one in read_log(path, report) if one.kind == "gas")
        say(f"{size / 1e6:.0f} MB, {sum(report.messages.values())} messages, {readings} frames")
        library_s = _seconds(lambda: _by_the_library(path), runs=1)
        out = Path(folder) / "out.mcap"
        measured = {
            "open (what `info` does)": (lambda: summarise(path), path),
            "open, torn at nine tenths": (lambda: summarise(torn), torn),
            "read all records": (lambda: _read(path), path),
            "recover, torn": (lambda: _recover(torn, out), torn),
        }
        table = [("all messages by the mcap library, their JSON by orjson", library_s, 1.0, "")]
        for what, (call, of) in measured.items():
            taken_s = _seconds(call)
            memory = f"{_memory_mb(of):.0f}" if "open" in what else ""
            table.append((what, taken_s, library_s / taken_s, memory))
        return [(what, f"{s:.2f}", f"{ratio:.1f}", memory) for what, s, ratio, memory in table]


def section(minutes: float = MINUTES) -> str:
    """The chapter of the benchmark page."""
    return markdown(HEADER, rows(minutes))


def _read(path: Path) -> None:
    for _ in read_log(path, ReadReport(path=path)):
        pass


def _recover(path: Path, out: Path) -> None:
    out.unlink(missing_ok=True)
    recover(path, out)


def _by_the_library(path: Path) -> None:
    with path.open("rb") as stream:
        for _, channel, message in NonSeekingReader(stream).iter_messages(log_time_order=False):
            if channel.message_encoding == "json":
                orjson.loads(message.data)


def _seconds(call: Callable[[], object], runs: int = RUNS) -> float:
    """The best of some."""
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)


def _memory_mb(path: Path) -> float:
    """Most memory of a process of its own that opens the file."""
    script = (
        "import sys; from pathlib import Path; from firmware_bridge.summary import summarise;"
        "summarise(Path(sys.argv[1])); print(Path('/proc/self/status').read_text())"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, path], check=True, capture_output=True, text=True
    )
    line = next(line for line in told.stdout.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    say(section(parser.parse_args().minutes))


if __name__ == "__main__":
    main()
