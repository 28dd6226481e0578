"""Frames of every device, damaged in every way, among noise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sensors.devices import driver_for
from sensors.framing import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BLIND", "RANDOM", "batches", "damaged_bytes", "originals"]

VECTORS = Path(__file__).parents[1] / "tests" / "data" / "golden_vectors.json"
BATCH = 250_000
NOISE_SHARE, LETTERS_SHARE = 0.2, 0.1  # random bytes; random bytes out of the device's own
# Damage by chance, which a checksum is made for; and damage it may be blind to: two flipped
# bits or two lost characters that make up for each other.
RANDOM = ("changed", "added", "tailless", "headless", "whole")
BLIND = ("flipped", "lost", "whole")
# frames of which no vector holds a good one
MORE = {
    "dfrobot_gas": [
        {"kind": "gas", "raw": {"ppm": ppm, "gas_type": gas, "decimals": 1, "thermistor_adc": 900}}
        for ppm, gas in ((12.3, 0x02), (0.4, 0x03), (250.0, 0x04))
    ],
    "sfc_shdlc": [
        {"kind": "reply", "command_id": 3, "data": data} for data in ("00000000", "3f8ccccd7e11")
    ],
}


def damaged_bytes(name: str, size: int, *, seed: int) -> bytes:
    """Noise and frames of a device, damaged in every way."""
    whole = originals(name)
    return b"".join(batches(np.random.default_rng(seed), whole, size, RANDOM + BLIND))


def originals(name: str) -> list[bytes]:
    """Good frames: those of the golden vectors, and some made here."""
    driver = driver_for(name)
    found = [driver.encode(one) for one in MORE.get(name, [])]
    for vector in json.loads(VECTORS.read_text())["vectors"]:
        is_own = vector["device"] == name or name.startswith(f"{vector['device']}_")
        if not is_own or vector["direction"] != "rx":
            continue
        data = bytes.fromhex(vector.get("hex", "")) or vector["ascii"].encode("latin-1")
        decoder = driver.decoder()
        frames = [one for one in decoder.feed(data) if isinstance(one, Frame)]
        found += [data[one.offset : one.offset + one.length] for one in frames]
    return sorted(set(found))


def batches(
    rng: np.random.Generator, whole: list[bytes], size: int, kinds: tuple[str, ...]
) -> Iterator[bytes]:
    """Noise and damaged frames, in pieces of any order."""
    letters = np.unique(np.frombuffer(b"".join(whole), np.uint8))
    left = size
    while left > 0:
        parts, length = [], 0
        while length < min(left, BATCH):
            draw = rng.random() * 40  # a piece of noise is many frames long
            if draw < NOISE_SHARE:
                part = rng.bytes(int(rng.integers(1, 2000)))
            elif draw < NOISE_SHARE + LETTERS_SHARE:
                part = rng.choice(letters, int(rng.integers(1, 2000))).tobytes()
            else:
                kind = kinds[int(rng.integers(len(kinds)))]
                part = _damaged(rng, whole[int(rng.integers(len(whole)))], kind)
            parts.append(part)
            length += len(part)
        left -= length
        yield b"".join(parts)


def _damaged(rng: np.random.Generator, original: bytes, kind: str) -> bytes:
    """A frame with one to four bytes changed, flipped, lost or added, or cut."""
    one = bytearray(original)
    places = rng.integers(len(one), size=int(rng.integers(1, 5))).tolist()
    if kind == "tailless":
        return original[: places[0]]
    if kind == "headless":
        return original[places[0] + 1 :]
    if kind == "lost":
        return bytes(octet for at, octet in enumerate(original) if at not in places)
    for at in places:
        if kind == "changed":
            one[at] = int(rng.integers(256))
        elif kind == "flipped":
            one[at] ^= 1 << int(rng.integers(8))
        elif kind == "added":
            one.insert(at, int(rng.integers(256)))
    return bytes(one)
