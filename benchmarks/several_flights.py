"""``python -m benchmarks.several_flights``: is what two flights say together better than either?"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.blind_flights import about
from benchmarks.blind_worlds import TURBULENCES
from benchmarks.flight_cache import kept_flight
from benchmarks.intervals import quantile_text, share_text
from benchmarks.judging import judged_flight
from benchmarks.measuring import measure
from benchmarks.paired_worlds import DAYS, DayWorld
from benchmarks.tables import markdown, median
from drone.choices import Choices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.judging import Judged
    from benchmarks.measuring import Row

ROW_DAYS = {"first alone": (0,), "second alone": (1,), "both": (0, 1)}


@dataclass(frozen=True, slots=True)
class DayFlights:
    """Flights of one or both days of a pair, processed together."""

    row: str
    turbulence: str
    seed: int
    cache: Path
    choices: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        return f"{self.row}: pair {self.turbulence} {self.seed}"

    @property
    def worlds(self) -> tuple[DayWorld, ...]:
        return tuple(DayWorld(self.turbulence, self.seed, day) for day in ROW_DAYS[self.row])

    def judged(self) -> Judged:
        """One posterior of all flights, held against the source; the wind is the first's."""
        kept = [kept_flight(world, self.cache) for world in self.worlds]
        return judged_flight(
            [one.path for one in kept],
            Choices(gas=kept[0].scenario["gas"], **dict(self.choices)),
            kept[0].truth["sources"],
            wind=kept[0].wind,
            row=self.row,
            name=self.name,
            turbulence=self.turbulence,
            about=about(kept[0].scenario, kept[0].truth)
            | {"peaks_ppb": [one.truth["peak_ppb"] for one in kept]},
        )


def _flights(row: str, count: int, cache: Path, first_seed: int) -> list[DayFlights]:
    return [
        DayFlights(row, TURBULENCES[number % 2], first_seed + number, cache)
        for number in range(count)
    ]


ROWS: dict[str, Row] = {row: partial(_flights, row) for row in ROW_DAYS}


def report(rows: Mapping[str, Sequence[Judged]], _folder: Path) -> str:
    """The chapter on several flights."""
    header = (
        "flights",
        "pairs",
        "indicated",
        "error, median [m]",
        "error, 90 % [m]",
        "mean log score",
        "in 50 %",
        "in 90 %",
        "equal-area radius of 90 %, median [m]",
        "rate within 2x",
        "CPU s",
    )
    groups: dict[str, list[Judged]] = {row: list(group) for row, group in rows.items()}
    alone = [groups[row] for row, days in ROW_DAYS.items() if len(days) == 1 and row in groups]
    if len(alone) == len(DAYS):
        paired = _paired(*alone)
        groups["better alone, by its own log score"] = [
            max(pair, key=lambda one: one.log_score) for pair in paired
        ]
    return (
        "\n\n".join(
            [
                "## Several flights over one area",
                "Two days over one source, each in its own wind; at least one met 25 ppb. Error "
                "and log score (of the density at the truth [m-2], 1 % of it spread evenly over "
                "the domain) are over all pairs, indicated or not. The last row picks the better "
                "flight of each pair with knowledge of the truth, which nobody has.",
                markdown(header, [_line(row, group) for row, group in groups.items()]),
            ]
        )
        + "\n"
    )


def _paired(first: Sequence[Judged], second: Sequence[Judged]) -> list[tuple[Judged, Judged]]:
    by_pair = {one.name.partition(": ")[2]: one for one in second}
    return [
        (one, by_pair[one.name.partition(": ")[2]])
        for one in first
        if one.name.partition(": ")[2] in by_pair
    ]


def _line(name: str, group: Sequence[Judged]) -> list[str]:
    scores = [one.log_score for one in group if np.isfinite(one.log_score)]
    told = [one for one in group if one.indicated]
    error = f"{np.std(scores) / np.sqrt(len(scores)):.2f}" if scores else "-"
    return [
        name,
        str(len(group)),
        share_text([one.indicated for one in group]),
        quantile_text((one.error_m for one in group), 0.5),
        quantile_text((one.error_m for one in group), 0.9),
        f"{np.mean(scores):.2f} ± {error}" if scores else "-",
        share_text([one.inside_50 for one in told]),
        share_text([one.inside_90 for one in told]),
        median((one.area_radius_90_m for one in group), "{:.1f}"),
        share_text([0.5 <= one.rate_ratio <= 2.0 for one in told]),
        median((one.cpu_s for one in group), "{:.1f}"),
    ]


def main(arguments: Sequence[str]) -> int:
    """Measure single flights and pairs."""
    return measure(
        arguments, name="several_flights", rows=ROWS, count=30, report=report, description=__doc__
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
