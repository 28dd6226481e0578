"""Damaged bytes for every decoder: nothing invented but what a checksum of its width lets pass.

``python -m benchmarks.fuzz`` prints the table; ``--bytes 10000000`` sets the bytes each gets.
"""

from __future__ import annotations

import argparse
import math
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.damage import BLIND, RANDOM, batches, originals
from benchmarks.running import results
from benchmarks.tables import NOTHING, markdown
from sensors.devices import driver_for, names
from sensors.framing import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sensors.framing import Decoder, Fault

__all__ = [
    "ALLOWED_SIGMAS",
    "DECODERS",
    "Score",
    "score",
    "section",
]

LARGEST_CHUNK = 600
ALLOWED_SIGMAS = 4.0
BLANK = b"\r\n\0 "
# models that read frames alike are tried once
ALIKE = ("axetris_lgd", "spec_dgs")
DECODERS = [one for one in names() if not one.startswith(ALIKE)] + list(ALIKE)
BITS = {
    "axetris_lgd": 8,
    "dfrobot_gas": 8,
    "ft_technologies": 8,
    "gill_windsonic": 8,
    "laser_falcon": 8,
    "mcu_cobs": 32,
    "nmea_mda": 8,
    "nmea_mwv": 8,
    "plantower_pms": 8,  # written in 16, but a sum of bytes: against two wrong ones as good as 8
    "sfc_shdlc": 8,
    "sps30": 8,
    "svm40": 8,
    "vaisala_wxt": 16,
    "winsen": 8,
}
# lines that carry a checksum at all; a binary frame always does
_NMEA = rb"\$[^$]*\*[0-9A-Fa-f]{2}"
SUMMED = {
    "ft_technologies": re.compile(_NMEA),
    "gill_windsonic": re.compile(rb"\x02[^\x02]*\x03[0-9A-Fa-f]{2}|" + _NMEA),
    "nmea_mda": re.compile(_NMEA),
    "nmea_mwv": re.compile(_NMEA),
    "vaisala_wxt": re.compile(rb".[a-z].*[\x40-\x7f]{3}", re.DOTALL),
}


@dataclass(slots=True, kw_only=True)
class Score:
    """What a decoder made of damaged bytes.

    Attributes
    ----------
    name : str
    bits : int
        Width of the checksum; 0 for none.
    size : int
        Bytes it got.
    true : int
        Frames bit for bit as an undamaged one.
    false : int
        All others that passed a checksum.
    bare : int
        All others that carry none.
    refused : int
        Candidates whose checksum did not hold.
    seconds : float
    pending : int
        Most bytes that waited for more.
    """

    name: str
    bits: int
    size: int = 0
    true: int = 0
    false: int = 0
    bare: int = 0
    refused: int = 0
    seconds: float = 0.0
    pending: int = 0
    wrong: list[bytes] = field(default_factory=list)

    @property
    def expected(self) -> float:
        """False frames if every candidate were random: one in two to the power of `bits`."""
        return (self.refused + self.false) / 2**self.bits if self.bits else math.nan

    @property
    def is_as_predicted(self) -> bool:
        """Whether there are no more false frames than that, but for chance."""
        most = self.expected + ALLOWED_SIGMAS * math.sqrt(self.expected + 1.0)
        return not self.bits or self.false <= most


def score(task: tuple[str, int, tuple[str, ...]], *, seed: int = 1) -> Score:
    """Feed a decoder so many bytes, damaged in these ways, and judge all that it finds."""
    name, size, kinds = task
    stem = next((one for one in BITS if name.startswith(one)), name)
    judged = Score(name=name, bits=BITS.get(stem, 0))
    rng = np.random.default_rng(seed)
    driver = driver_for(name)
    whole = originals(name)
    known = {one.strip(BLANK) for one in whole}
    decoder = driver.decoder()
    stream = b""
    for batch in batches(rng, whole, size, kinds):
        judged.size += len(batch)
        stream = stream[-4 * decoder.longest :] + batch
        began = time.process_time()
        found = list(_fed(decoder, batch, rng, judged))
        judged.seconds += time.process_time() - began
        for one in found:
            begin = len(stream) - (judged.size - one.offset)
            _judge(judged, one, stream[begin : begin + one.length], known, SUMMED.get(stem))
    return judged


def _judge(
    judged: Score,
    one: Frame | Fault,
    octets: bytes,
    known: set[bytes],
    summed: re.Pattern[bytes] | None,
) -> None:
    octets = octets.strip(BLANK)
    has_sum = judged.bits > 0 and (summed is None or summed.fullmatch(octets) is not None)
    if not isinstance(one, Frame):
        judged.refused += has_sum and one.kind == "checksum"
    elif octets in known:
        judged.true += 1
    else:
        judged.false += has_sum
        judged.bare += not has_sum
        judged.wrong = [*judged.wrong, octets][-5:]


def _fed(
    decoder: Decoder, data: bytes, rng: np.random.Generator, judged: Score
) -> Iterator[Frame | Fault]:
    begin = 0
    while begin < len(data):
        end = begin + int(rng.integers(1, LARGEST_CHUNK))
        yield from decoder.feed(data[begin:end], begin)
        judged.pending = max(judged.pending, decoder.pending)
        begin = end


def section(size: int) -> str:
    """The table."""
    tasks = [(name, size, RANDOM) for name in DECODERS]
    tasks += [(name, size // 10, BLIND) for name in DECODERS]
    scores = results("fuzz", score, tasks, told=lambda one: one.name)
    chance, blind = scores[: len(DECODERS)], scores[len(DECODERS) :]
    header = (
        "device",
        "bits",
        "whole frames",
        "candidates",
        "expected false",
        "found false",
        "without checksum",
        "MB/s",
        "most pending [B]",
        "bits flipped, bytes lost: expected",
        "found",
    )
    over = ", ".join(one.name for one in chance if not one.is_as_predicted) or "none"
    rows = [_row(one, other) for one, other in zip(chance, blind, strict=True)]
    return "\n\n".join(
        [
            "## Damaged bytes",
            markdown(header, rows),
            f"Reading: each decoder got {size:,} bytes: noise, and frames with one to four bytes "
            "changed or added, without head or tail, or whole. A frame that is not bit for bit an "
            "undamaged one is false. Candidates are those whose checksum was tried; of random "
            "ones, one in two to the power of its bits passes. More than that by "
            f"{ALLOWED_SIGMAS:.0f} standard deviations: {over}. The last two columns are a tenth "
            "as many bytes, with one to four bits flipped or bytes lost: these can make up for "
            "each other in a sum or an exclusive or, which no decoder can see. Lines without a "
            "checksum (trisonica, spec_dgs, upper-case answers of vaisala_wxt) hold wrong digits "
            "that nothing tells from right ones.",
        ]
    )


def _row(one: Score, blind: Score) -> list[object]:
    if not one.bits:
        told: list[object] = [NOTHING] * 4
        harsh: list[object] = [NOTHING, NOTHING]
    else:
        told = [one.bits, f"{one.refused + one.false:,}", f"{one.expected:.1f}", one.false]
        harsh = [f"{blind.expected:.1f}", blind.false]
    bits, *rest = told
    speed = f"{one.size / one.seconds / 1e6:.1f}"
    return [
        one.name,
        bits,
        f"{one.true:,}",
        *rest,
        one.bare or NOTHING,
        speed,
        one.pending,
        *harsh,
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--bytes", type=int, default=10_000_000, help="for each decoder")
    print(section(parser.parse_args().bytes))
