"""How fast decoders are, and how often noise passes for a frame.

``python -m benchmarks.drivers`` prints the table; ``--fuzz 10000000`` sets the bytes of noise for
each decoder.
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
DAMAGED_SHARE = 0.3  # of the noise is golden frames with a few bytes changed


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
    """Seconds it took, and the frames that were found."""
    frames = []
    begin = time.perf_counter()
    for at in range(0, len(data), CHUNK):
        frames += [one for one in decoder.feed(data[at : at + CHUNK]) if isinstance(one, Frame)]
    return time.perf_counter() - begin, frames


def _damaged(rng: np.random.Generator, samples: list[bytes], size: int) -> bytes:
    """Golden frames, each with up to four bytes changed, and some cut short."""
    parts, length = [], 0
    while length < size:
        one = bytearray(samples[rng.integers(len(samples))])
        for _ in range(rng.integers(1, 5)):
            one[rng.integers(len(one))] = rng.integers(256)
        kept = bytes(one if rng.random() < 0.7 else one[: rng.integers(1, len(one) + 1)])
        parts.append(kept)
        length += len(kept)
    return b"".join(parts)


def measured(task: tuple[str, int]) -> list[str]:
    """One row of the table."""
    name, fuzz = task
    driver, rng = _driver(name), np.random.default_rng(1)
    samples = _samples(name) or [driver.encode({"kind": "reply", "command_id": 3, "data": "00"})]
    good = max(samples, key=len)
    seconds, frames = _fed(driver.decoder(), good * (GOOD_BYTES // len(good)))
    rate = GOOD_BYTES / seconds
    noise_s, false, found = 0.0, 0, 0
    decoder = driver.decoder()
    tracemalloc.start()
    for _ in range(10):
        noise = rng.integers(0, 256, int(fuzz * (1 - DAMAGED_SHARE) / 10), np.uint8).tobytes()
        tracemalloc.stop()  # it would be timed as well
        taken, frames = _fed(decoder, noise)
        tracemalloc.start()
        noise_s += taken
        false += len(frames)
        found += len(_fed(decoder, _damaged(rng, samples, int(fuzz * DAMAGED_SHARE / 10)))[1])
    grown = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    line = driver.device.baud / BITS_A_BYTE_ON_THE_LINE
    return [
        name,
        f"{rate / 1e6:.1f}",
        f"{rate / line:,.0f}",
        f"{fuzz * (1 - DAMAGED_SHARE) / noise_s / 1e6:.1f}",
        str(false),
        str(found),
        f"{grown:.1f}",
    ]


def section(fuzz: int) -> str:
    """The table."""
    tasks = [(name, fuzz) for name in plugins.available(FOLDER)]
    rows = results("decoders", measured, tasks, told=lambda row: row[0])
    header = (
        "device",
        "frames [MB/s]",
        "x line rate",
        "noise [MB/s]",
        "frames in noise",
        "frames in damaged frames",
        "peak memory [MB]",
    )
    return "\n\n".join(
        [
            "## Decoders",
            markdown(header, rows),
            f"Reading: each decoder got {fuzz:,} bytes, {1 - DAMAGED_SHARE:.0%} random and "
            f"{DAMAGED_SHARE:.0%} golden frames with one to four bytes changed, a third of them "
            "cut short; asked are 200 times the line rate and 1 MB/s of noise. Frames found among "
            "the damaged ones are those whose byte was changed to itself, lines without a checksum "
            "(trisonica, spec_dgs), and what the width of a checksum lets pass (8 bits: one in "
            "256).",
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drivers", description=__doc__)
    parser.add_argument("--fuzz", type=int, default=10_000_000, help="bytes of noise a decoder")
    print(section(parser.parse_args().fuzz))
