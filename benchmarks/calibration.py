"""``python -m benchmarks.calibration``: do posteriors know how sure they are?

Simulation-based calibration (Talts et al. 2018, arXiv:1804.06788) with truths drawn from the
simulator, not from the model of the inference, in worlds that nothing was fitted to. Where a
posterior is right, the truth ranks evenly among its draws.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chisquare

from benchmarks.blind_flights import BlindFlight
from benchmarks.blind_worlds import TURBULENCES
from benchmarks.intervals import quantile_text, share_text
from benchmarks.measuring import measure
from benchmarks.rank_picture import write_rank_picture
from benchmarks.shifted_worlds import FAMILIES, MEANS, ShiftedWorld, averaging_time_s
from benchmarks.tables import NOTHING, markdown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.judging import Judged
    from benchmarks.measuring import Row

LEVELS = (0.5, 0.8, 0.9, 0.95)
RANKS = ("along", "across", "distance", "rate")
BINS, FEW_BINS = 10, 5
_LEAST_IN_A_BIN = 5.0
PICTURE = "calibration.png"


def _flights(family: str, count: int, cache: Path, first_seed: int) -> list[BlindFlight]:
    worlds = [
        ShiftedWorld(family, TURBULENCES[number % 2], first_seed + number)
        for number in range(count)
    ]
    return [
        BlindFlight(
            family,
            world,
            cache,
            lacks="pid" if family == "mox only" else "",
            choices=(("averaging_time_s", averaging_time_s(world.seed)), ("wind_height_m", 3.0))
            if family == MEANS
            else (),
        )
        for world in worlds
    ]


ROWS: dict[str, Row] = {family: partial(_flights, family) for family in FAMILIES}


def report(rows: Mapping[str, Sequence[Judged]], folder: Path) -> str:
    """The chapter on calibration; its picture is written into `folder`."""
    told = {name: [one for one in group if one.indicated] for name, group in rows.items()}
    every = [one for group in told.values() for one in group]
    total = sum(len(group) for group in rows.values())
    write_rank_picture({rank: _ranks(every, rank) for rank in RANKS}, folder / PICTURE, bins=BINS)
    header = (
        "worlds",
        "n",
        "indicated",
        "error, median [m]",
        "equal-area radius of 90 %, median [m]",
        *(f"in {100 * level:g} %" for level in LEVELS),
        *(f"p, {rank}" for rank in RANKS),
    )
    lines = [_line("**all**", [o for group in rows.values() for o in group], every, BINS)]
    lines += [_line(name, group, told[name], FEW_BINS) for name, group in rows.items()]
    return (
        "\n\n".join(
            [
                "## Calibration",
                f"{total} flights in worlds that nothing was fitted to, {len(every)} of them "
                "indicated. *In 50 %* and so on: share of truths inside the region of highest "
                "density of the draws. *p*: chi-squared test that the truth ranks evenly among "
                "the draws along the wind, across it, in distance from the largest reading, and in "
                "rate (of pulsed sources that while they are on) "
                f"({BINS} classes for all, {FEW_BINS} for a family).",
                markdown(header, lines),
                f"![Ranks of the truth among the draws]({PICTURE})",
            ]
        )
        + "\n"
    )


def _line(name: str, group: Sequence[Judged], told: Sequence[Judged], bins: int) -> list[str]:
    return [
        name,
        str(len(group)),
        share_text([one.indicated for one in group]),
        quantile_text((one.error_m for one in told), 0.5),
        quantile_text((one.area_radius_90_m for one in told), 0.5),
        *(share_text([one.draws_level < level for one in told]) for level in LEVELS),
        *(_p_text(_ranks(told, rank), bins) for rank in RANKS),
    ]


def _ranks(flights: Sequence[Judged], rank: str) -> np.ndarray:
    return np.array([one.ranks[rank] for one in flights if rank in one.ranks])


def rank_p(ranks: np.ndarray, bins: int) -> float:
    """Probability of ranks as uneven as these if the truth ranks evenly; NaN of too few."""
    if ranks.size < _LEAST_IN_A_BIN * bins:
        return float("nan")
    counts, _ = np.histogram(ranks, bins=bins, range=(0.0, 1.0))
    return float(chisquare(counts).pvalue)


def _p_text(ranks: np.ndarray, bins: int) -> str:
    p = rank_p(ranks, bins)
    if not np.isfinite(p):
        return NOTHING
    return f"{p:.2g}" if p > 0.01 else f"**{p:.1g}**"


def main(arguments: Sequence[str]) -> int:
    """Measure the families asked for."""
    return measure(
        arguments, name="calibration", rows=ROWS, count=20, report=report, description=__doc__
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
