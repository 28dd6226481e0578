"""``python -m benchmarks.targets``: every row of the table of targets, on worlds nobody tuned to.

Simulated flights are kept (``--cache``), so that a second run pays for the analysis only. Each
flight becomes a line of JSON in OUT, ``--row`` measures a part, ``--resume`` goes on where a run
was stopped.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks import field_flights
from benchmarks.blind_flights import BlindFlight
from benchmarks.blind_worlds import TURBULENCES, blind_worlds
from benchmarks.measuring import measure
from benchmarks.sampler_worlds import ARC_CHOICES, FIXED_CHOICES, SamplerWorld
from benchmarks.target_tables import report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.measuring import Row


def _flights(
    row: str, family: str, lacks: str, count: int, cache: Path, first_seed: int
) -> list[BlindFlight]:
    worlds = blind_worlds(family, count, first_seed=first_seed)
    return [BlindFlight(row, world, cache, lacks) for world in worlds]


def _samplers(
    family: str, choices: tuple[tuple[str, Any], ...], count: int, cache: Path, first_seed: int
) -> list[BlindFlight]:
    worlds = [
        SamplerWorld(family, TURBULENCES[number % 2], first_seed + number // 2)
        for number in range(count)
    ]
    return [BlindFlight(family, world, cache, choices=choices) for world in worlds]


ROWS: dict[str, Row] = {
    "single": partial(_flights, "single", "single", ""),
    "calm": partial(_flights, "calm", "calm", ""),
    "low": partial(_flights, "low", "low", ""),
    "mox": partial(_flights, "mox", "single", "pid"),
    "peak 25-35": partial(_flights, "peak 25-35", "peak 25-35", ""),
    "peak 15-25": partial(_flights, "peak 15-25", "peak 15-25", ""),
    "two": partial(_flights, "two", "two", ""),
    "none": partial(_flights, "none", "none", ""),
    "none, mox": partial(_flights, "none, mox", "none", "pid"),
    "fixed": partial(_samplers, "fixed", FIXED_CHOICES),
    "arcs": partial(_samplers, "arcs", ARC_CHOICES),
    "prairie grass": field_flights.prairie_grass,
    "friesland": field_flights.friesland,
}


def main(arguments: Sequence[str]) -> int:
    """Measure the rows asked for."""
    return measure(
        arguments, name="targets", rows=ROWS, count=100, report=report, description=__doc__
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
