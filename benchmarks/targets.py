"""``python -m benchmarks.targets``: every row of the table of targets, on worlds nobody tuned to.

Simulated flights are kept (``--cache``), so that a second run pays for the analysis only. Each
flight becomes a line of JSON, ``--row`` measures a part, ``--resume`` goes on where it ended.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.blind_worlds import BlindWorld, blind_worlds
from benchmarks.flight_cache import FOLDER, kept_flight, without_columns
from benchmarks.judged_runs import judged_all
from benchmarks.judging import judged_flight
from benchmarks.running import say
from benchmarks.target_tables import report
from drone.choices import Choices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.judged_runs import Flight
    from benchmarks.judging import Judged

# Name of each simulated row: the family of its worlds, and the columns it lacks by their start.
ROWS = {
    "single": ("single", ""),
    "calm": ("calm", ""),
    "low": ("low", ""),
    "mox": ("single", "pid"),
    "peak 25-35": ("peak 25-35", ""),
    "peak 15-25": ("peak 15-25", ""),
    "two": ("two", ""),
    "none": ("none", ""),
}
FIRST_SEED = 0


@dataclass(frozen=True, slots=True)
class BlindFlight:
    """A flight through a blind world, without the columns whose names start with `lacks`."""

    row: str
    world: BlindWorld
    lacks: str
    cache: Path

    @property
    def name(self) -> str:
        return f"{self.row}: {self.world.name}"

    def judged(self) -> Judged:
        """Its log through the whole program, held against the truth."""
        kept = kept_flight(self.world, self.cache)
        with tempfile.TemporaryDirectory() as folder:
            log = kept.path
            if self.lacks:
                log = without_columns(log, self.lacks, Path(folder) / log.name)
            return judged_flight(
                [log],
                Choices(gas=kept.scenario["gas"]),
                kept.truth["sources"],
                wind=kept.wind,
                row=self.row,
                name=self.name,
                turbulence=self.world.turbulence,
                about=_about(kept.scenario, kept.truth),
            )


def _about(scenario: dict, truth: dict) -> dict:
    """What explains a result: the flight and the world in a few numbers."""
    return {
        "peak_ppb": truth["peak_ppb"],
        "peaks_ppb": truth.get("peaks_ppb", [truth["peak_ppb"]] * len(truth["sources"])),
        "sources": scenario["source"],
        "wind_m_s": scenario["wind"]["speed_m_s"],
        "roughness_m": scenario["wind"]["roughness_m"],
        "intensity": scenario["turbulence"]["intensity"],
        "drone_height_m": scenario["survey"]["height_m"],
        "spacing_m": scenario["survey"]["spacing_m"],
        "size_m": scenario["survey"]["size_m"],
    }


def flights_of(row: str, count: int, cache: Path, *, first_seed: int) -> list[Flight]:
    """That many flights of a row."""
    family, lacks = ROWS[row]
    worlds = blind_worlds(family, count, first_seed=first_seed)
    return [BlindFlight(row, world, lacks, cache) for world in worlds]


def main(arguments: Sequence[str]) -> int:
    """Measure the rows asked for, write lines and tables, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.targets", description=__doc__)
    parser.add_argument("--n", type=int, default=100, help="flights in each row")
    parser.add_argument("--row", action="append", choices=tuple(ROWS), help="repeat for several")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--cache", type=Path, default=FOLDER, help="where logs are kept")
    parser.add_argument("--out", type=Path, default=FOLDER.parent / "targets")
    parser.add_argument("--resume", action="store_true", help="keep what OUT holds already")
    parser.add_argument("--only-fly", action="store_true", help="fill the cache, measure nothing")
    asked = parser.parse_args(arguments)
    rows = asked.row or list(ROWS)
    flights = [
        flight
        for row in rows
        for flight in flights_of(row, asked.n, asked.cache, first_seed=asked.first_seed)
    ]
    if asked.only_fly:
        for flight in flights:
            kept_flight(flight.world, asked.cache)
            say(flight.name)
        return 0
    done = judged_all(
        flights, asked.out / "flights.jsonl", processes=asked.jobs, resume=asked.resume
    )
    by_row: dict[str, list[Judged]] = defaultdict(list)
    for one in done:
        by_row[one.row].append(one)
    text = report(by_row)
    (asked.out / "targets.md").write_text(text, encoding="utf-8")
    print(text)
    return 0 if len(done) == len(flights) else 1


if __name__ == "__main__":
    np.seterr(all="warn")
    sys.exit(main(sys.argv[1:]))
