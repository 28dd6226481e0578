"""How fast decoders are, and how often noise passes for a frame.

``python -m benchmarks.drivers`` prints the table; ``--noise 7000000`` sets the bytes of noise for
each decoder. `benchmarks.fuzz` damages frames.
"""

from __future__ import annotations

import argparse
import json
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.running import results
from benchmarks.tables import markdown
from sensors import plugins
from sensors.devices import FOLDER, Driver, driver_for
from sensors.framing import Frame

if TYPE_CHECKING:
    from sensors.framing import Decoder

VECTORS = Path(__file__).parents[1] / "tests" / "data" / "golden_vectors.json"
CHUNK = 256
GOOD_BYTES = 400_000
BITS_A_BYTE_ON_THE_LINE = 10
BATCHES = 10


def _driver(name: str) -> Driver:
    device = plugins.load(FOLDER, name).Driver.device
    return driver_for(name, model=next(iter(device.models), ""))


def _samples(name: str) -> list[bytes]:
    """Whole frames of the golden vectors, with nothing around them."""
    vectors = json.loads(VECTORS.read_text())["vectors"]
    received = [
        bytes.fromhex(one["hex"]) if "hex" in one else one["ascii"].encode("latin-1")
        for one in vectors
        if one["device"].startswith(name) and one["direction"] == "rx"
    ]
    return [one for one in received if _is_one_frame(_driver(name).decoder(), one)]


def _is_one_frame(decoder: Decoder, data: bytes) -> bool:
    found = decoder.feed(data)
    return len(found) == 1 and isinstance(found[0], Frame) and decoder.counters.garbage_bytes <= 1


def _fed(decoder: Decoder, data: bytes) -> tuple[float, list[Frame]]:
    """Seconds of one core that it took, and the frames that were found."""
    frames = []
    begin = time.process_time()
    for at in range(0, len(data), CHUNK):
        frames += [one for one in decoder.feed(data[at : at + CHUNK]) if isinstance(one, Frame)]
    return time.process_time() - begin, frames


def measured(task: tuple[str, int]) -> list[str]:
    """One row of the table."""
    name, size = task
    driver, rng = _driver(name), np.random.default_rng(1)
    samples = _samples(name) or [driver.encode({"kind": "reply", "command_id": 3, "data": "00"})]
    good = max(samples, key=len)
    seconds = min(_fed(driver.decoder(), good * (GOOD_BYTES // len(good)))[0] for _ in range(3))
    rate = GOOD_BYTES / seconds
    noise_s, false = 0.0, 0
    decoder = driver.decoder()
    for _ in range(BATCHES):
        taken, frames = _fed(decoder, rng.bytes(size // BATCHES))
        noise_s += taken
        false += len(frames)
    tracemalloc.start()  # apart: it would be timed as well
    _fed(decoder, rng.bytes(size // BATCHES))
    grown = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    line = driver.device.baud / BITS_A_BYTE_ON_THE_LINE
    return [
        name,
        str(len(good)),
        f"{rate / 1e6:.1f}",
        f"{rate / line:,.0f}",
        f"{size / noise_s / 1e6:.1f}",
        str(false),
        f"{grown:.1f}",
    ]


def section(size: int) -> str:
    """The table."""
    tasks = [(name, size) for name in plugins.available(FOLDER)]
    rows = results("decoders", measured, tasks, told=lambda row: row[0])
    header = (
        "device",
        "frame [B]",
        "frames [MB/s]",
        "x line rate",
        "noise [MB/s]",
        "frames in noise",
        "peak memory [MB]",
    )
    return "\n\n".join(
        [
            "## Decoders",
            markdown(header, rows),
            f"Reading: the longest golden frame again and again, best of three; then {size:,} "
            "random bytes. Asked are 200 times the line rate as delivered, and 1 MB/s of noise.",
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drivers", description=__doc__)
    parser.add_argument("--noise", type=int, default=7_000_000, help="bytes for each decoder")
    print(section(parser.parse_args().noise))
