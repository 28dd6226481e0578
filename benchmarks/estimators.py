"""``python -m benchmarks.estimators``: every estimator on the same flights, row by row.

Flights are those of `benchmarks.targets`; each goes through the whole program once for every
file in `detection/source/estimators`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import targets
from benchmarks.measuring import measure
from benchmarks.tables import NOTHING, markdown, median, quantile, share, within_factor
from drone.choices import ESTIMATORS
from sensors.plugins import available

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.blind_flights import BlindFlight
    from benchmarks.judging import Judged

BY = " by "
_HEADER = (
    "flights",
    "estimator",
    "n",
    "indicated",
    "error, median [m]",
    "error, 90 % [m]",
    "equal-area radius of 90 %, median [m]",
    "truth in 50 %",
    "truth in 90 %",
    "log score, mean",
    "rate ratio, median",
    "rate within 2x",
    "p, median",
    "p, largest",
    "told 0 / 1 / 2 / more",
    "confidently wrong",
    "CPU s",
)


def _flights(row: str, count: int, cache: Path, first_seed: int) -> list[BlindFlight]:
    """Flights of a row of the targets, each once for every estimator."""
    return [
        replace(flight, row=f"{row}{BY}{name}", choices=(*flight.choices, ("estimator", name)))
        for flight in targets.ROWS[row](count, cache, first_seed)
        for name in available(ESTIMATORS)
    ]


FIELD = ("prairie grass", "friesland")
ROWS = {row: partial(_flights, row) for row in targets.ROWS if row not in FIELD}


def report(by_row: Mapping[str, Sequence[Judged]], _folder: Path) -> str:
    """What each estimator says of each row, and where they differ."""
    groups: dict[str, dict[str, Sequence[Judged]]] = {}
    for name, group in by_row.items():
        row, _, estimator = name.partition(BY)
        groups.setdefault(row, {})[estimator] = group
    lines = [
        _line(row, name, group) for row, named in groups.items() for name, group in named.items()
    ]
    return "\n\n".join(
        [
            "## Estimators on the same flights",
            markdown(_HEADER, lines),
            "Errors, regions, scores and rates are over indicated flights. The log score is that "
            "of the density at the true place [m-2], 1 % of it spread evenly: higher is better. "
            "CPU time is that of the whole program.",
            "### Flight by flight",
            _paired(groups),
        ]
    )


def _line(row: str, estimator: str, group: Sequence[Judged]) -> list[str]:
    told = [one for one in group if one.indicated]
    scores = [one.log_score for one in told if np.isfinite(one.log_score)]
    numbers = [sum(one.told == k for one in group) for k in range(3)]
    return [
        row,
        estimator,
        str(len(group)),
        share([one.indicated for one in group]),
        median((one.error_m for one in told), "{:.1f}"),
        quantile((one.error_m for one in told), 0.9, "{:.1f}"),
        median((one.area_radius_90_m for one in told), "{:.1f}"),
        share([one.inside_50 for one in told]),
        share([one.inside_90 for one in told]),
        f"{np.mean(scores):.2f}" if scores else NOTHING,
        median((one.rate_ratio for one in told), "{:.2f}"),
        within_factor(one.rate_ratio for one in told),
        median((one.p_any for one in group), "{:.3f}"),
        quantile((one.p_any for one in group), 1.0, "{:.3f}"),
        " / ".join(str(count) for count in [*numbers, len(group) - sum(numbers)]),
        str(sum(one.misleading for one in group)),
        median((one.cpu_s for one in group), "{:.1f}"),
    ]


def _paired(groups: Mapping[str, Mapping[str, Sequence[Judged]]]) -> str:
    """Differences on the flights that two estimators both indicate."""
    header = (
        "flights",
        "the second against the first",
        "pairs",
        "same verdict",
        "error nearer / farther by 2 m or more",
        "log score, mean difference",
        "90 % radius, median ratio",
        "|log odds of any|, median difference",
    )
    rows = []
    for row, named in groups.items():
        first, *others = named
        for other in others:
            by_world = {_world(one): one for one in named[first]}
            pairs = [(by_world[_world(o)], o) for o in named[other] if _world(o) in by_world]
            both = [(a, b) for a, b in pairs if a.indicated and b.indicated and a.sources]
            gains = [b.error_m - a.error_m for a, b in both]
            odds = [abs(_log_odds(b.p_any) - _log_odds(a.p_any)) for a, b in pairs]
            score = [b.log_score - a.log_score for a, b in both]
            rows.append(
                [
                    row,
                    f"{other} against {first}",
                    str(len(pairs)),
                    share([a.verdict == b.verdict for a, b in pairs]),
                    f"{sum(gain <= -2 for gain in gains)} / {sum(gain >= 2 for gain in gains)}",
                    f"{np.mean(score):+.2f}" if score else NOTHING,
                    median((b.area_radius_90_m / a.area_radius_90_m for a, b in both), "{:.2f}"),
                    median(odds, "{:.2f}"),
                ]
            )
    return markdown(header, rows)


def _world(one: Judged) -> str:
    return one.name.partition(": ")[2]


def _log_odds(p: float) -> float:
    p = float(np.clip(p, 1e-9, 1.0 - 1e-9))
    return float(np.log(p / (1.0 - p)))


def main(arguments: Sequence[str]) -> int:
    """Measure the rows asked for."""
    return measure(
        arguments, name="estimators", rows=ROWS, count=40, report=report, description=__doc__
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
