"""``python -m benchmarks.array``: what metal-oxide elements add to a PID, and do without one.

The flights of `benchmarks.blind_worlds`, each seen by the PID alone, by one metal-oxide element, by
all four fused (`detection.source.array`), by PID and elements as two series of one inference, and
by whichever of the two `sniffdrone process` chooses (`drone.channels`).
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.blind_worlds import blind_worlds
from benchmarks.flight_cache import kept_flight
from benchmarks.intervals import quantile_text, share_text
from benchmarks.running import results
from benchmarks.tables import markdown
from detection.source.array import observe_array
from detection.source.estimators import grid, smc
from detection.source.observe import observe
from drone.analysis import corrected_flight
from drone.channels import observed
from drone.choices import Choices
from drone.inputs import read_inputs
from mapping.area import survey_domain
from mapping.grid import to_metric
from mapping.hotspots import find_hotspots
from mapping.located import locate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import xarray as xr

    from benchmarks.blind_worlds import BlindWorld
    from detection.source.observations import Observations

ESTIMATORS: dict[str, Callable[..., xr.Dataset]] = {"grid": grid.infer, "smc": smc.infer}
FAMILIES = ("single", "peak 25-35", "peak 15-25", "none")
CHOSEN = "as chosen"
SEEN_BY = ("PID", "one element", "elements", "PID and elements", CHOSEN)
INDICATE_ABOVE = 0.95
HEADER = (
    "flights",
    "turbulence",
    "seen by",
    "n",
    "indicated",
    "p, largest",
    "error, median [m]",
    "error, 90 % [m]",
    "truth in 90 %",
    "90 % radius, median [m]",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one set of sensors says of a flight; NaN and False where it tells of no source."""

    family: str
    turbulence: str
    seen_by: str
    p_any: float
    error_m: float = float("nan")
    radius_90_m: float = float("nan")
    inside_90: bool = False


def answers(world: BlindWorld, *, estimator: str, seen_by: Sequence[str]) -> list[Answer]:
    """What each set of sensors says of the flight through a world."""
    kept = kept_flight(world)
    flight, _ = corrected_flight(read_inputs([kept.path]), Choices(gas=kept.scenario["gas"]))
    domain = survey_domain(flight["latitude"], flight["longitude"], area=None)
    east, north = to_metric(domain.crs, flight["latitude"], flight["longitude"])
    true = np.transpose(
        to_metric(
            domain.crs,
            [one["latitude"] for one in kept.truth["sources"]],
            [one["longitude"] for one in kept.truth["sources"]],
        )
    )
    found: list[Answer] = []
    for name, series in _series(flight, east, north).items():
        if name not in seen_by:
            continue
        if name == CHOSEN and series[0].channel == "pid" and "PID" in seen_by:
            found.append(replace(found[0], seen_by=name))
            continue
        posterior = ESTIMATORS[estimator](
            series if len(series) > 1 else series[0],
            domain.bounds,
            rng=np.random.default_rng(world.seed),
        ).assign_attrs(crs_wkt=domain.crs.to_wkt())
        found.append(_answer(world, name, posterior, true))
    return found


def _series(
    flight: xr.Dataset, east: np.ndarray, north: np.ndarray
) -> dict[str, tuple[Observations, ...]]:
    without = flight.drop_vars([name for name in flight if str(name).startswith("pid")])
    return {
        "PID": (observe(flight, "pid", east=east, north=north),),
        "one element": (observe(flight, "mox1", east=east, north=north),),
        "elements": observe_array(without, east=east, north=north),
        "PID and elements": observe_array(flight, east=east, north=north),
        CHOSEN: (
            observed(
                flight, "pid", east=east, north=north, gas=None, may_stand_in=True
            ).observations,
        ),
    }


def _answer(world: BlindWorld, seen_by: str, posterior: xr.Dataset, true: np.ndarray) -> Answer:
    p_any = float(posterior.attrs["p_any_source"])
    about = (world.family, world.turbulence, seen_by, p_any)
    spots = find_hotspots(locate(posterior))
    if p_any < INDICATE_ABOVE or not spots or not true.size:
        return Answer(*about)
    draws = np.stack([posterior[axis].values[:, 0] for axis in ("east", "north")], axis=1)
    draws = draws[np.isfinite(draws).all(axis=1)]
    first = spots[0]
    place = np.array([first.east, first.north])
    away = float(np.hypot(*(true - place).T).min())
    radius = float(np.quantile(np.hypot(*(draws - place).T), 0.9))
    return Answer(*about, error_m=away, radius_90_m=radius, inside_90=away <= radius)


def report(found: Sequence[Answer]) -> str:
    """A table, a row for each kind of flight, turbulence and set of sensors."""
    groups: Mapping[tuple[str, str, str], list[Answer]] = defaultdict(list)
    for one in found:
        groups[one.family, "both", one.seen_by].append(one)
        groups[one.family, one.turbulence, one.seen_by].append(one)
    rows = [_row(key, groups[key]) for key in sorted(groups)]
    return "\n\n".join(
        [
            "## Sensors together",
            markdown(HEADER, rows),
            "Errors and regions are over indicated flights; in brackets the 95 % interval.",
        ]
    )


def _row(key: tuple[str, str, str], group: Sequence[Answer]) -> list[str]:
    told = [one for one in group if one.p_any >= INDICATE_ABOVE]
    errors = [one.error_m for one in told]
    return [
        *key,
        str(len(group)),
        share_text([one.p_any >= INDICATE_ABOVE for one in group]),
        f"{max(one.p_any for one in group):.2f}",
        quantile_text(errors, 0.5),
        quantile_text(errors, 0.9),
        share_text([one.inside_90 for one in told if np.isfinite(one.error_m)]),
        quantile_text([one.radius_90_m for one in told], 0.5),
    ]


def main(arguments: Sequence[str]) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.array", description=__doc__)
    parser.add_argument("--n", type=int, default=40, help="flights of each kind")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--kind", action="append", choices=FAMILIES, help="repeat for several")
    parser.add_argument("--seen-by", action="append", choices=SEEN_BY, help="repeat for several")
    parser.add_argument("--estimator", choices=tuple(ESTIMATORS), default="grid")
    asked = parser.parse_args(arguments)
    worlds = [
        world
        for family in asked.kind or FAMILIES
        for world in blind_worlds(family, asked.n, first_seed=asked.first_seed)
    ]
    work = partial(answers, estimator=asked.estimator, seen_by=tuple(asked.seen_by or SEEN_BY))
    found = results("array", work, worlds, told=_told)
    print(report([answer for group in found for answer in group]))
    return 0


def _told(group: Sequence[Answer]) -> str:
    first = group[0]
    each = [f"{one.seen_by}: p {one.p_any:.3f}, {one.error_m:.1f} m" for one in group]
    return "; ".join([f"{first.family}, {first.turbulence}", *each])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
