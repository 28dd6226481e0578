"""pyELQ (reversible-jump MCMC over Gaussian plumes) on flights that sniffdrone also gets."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.blind_worlds import BlindWorld, blind_worlds
from benchmarks.flight_cache import kept_flight
from benchmarks.intervals import quantile_text, share_text
from benchmarks.running import results
from benchmarks.tables import NOTHING, markdown, median
from benchmarks.truth import places
from detection.source.estimators import grid
from drone.choices import Choices
from drone.pipeline import survey
from mapping.density import credible_regions, draw_density

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from benchmarks.pyelq_model import Emissions
    from drone.pipeline import Surveyed

    Place = tuple[float, float]

OURS, CELL, MEAN = "**sniffdrone**", "pyELQ, best cell", "pyELQ, mean"
_CELL_M = 4.0
_DRAWS = 2000  # of emission, that tell a region
_LEVEL = 0.9


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program says of a flight, held against the truth, and what its inference took.

    The region is the one of highest density that holds 90 % of its draws; `radius_90_m` is that
    of a disc of its area.
    """

    error_m: float
    inside_90: bool
    radius_90_m: float
    rate_ratio: float
    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Compared:
    """A flight's answers by program; only ours where pyELQ is not installed."""

    name: str
    answers: dict[str, Answer]


def is_installed() -> bool:
    """Whether this optional dependency of the benchmark is there."""
    return importlib.util.find_spec("pyelq") is not None


def scores(how_many: int) -> list[Compared]:
    """Judge both programs on the first blind flights over one source in a wind."""
    worlds = blind_worlds("single", how_many)
    return results("peers", _compared, worlds, told=_told, processes=1)


def section(found: Sequence[Compared]) -> str:
    """The chapter on peers."""
    title = "## pyELQ on the same flights"
    if not is_installed():
        return f"{title}\n\npyELQ is not installed.\n\n{_summary(found)}"
    version = importlib.metadata.version("pyelq")
    iterations = importlib.import_module("benchmarks.pyelq_model").ITERATIONS
    return "\n\n".join(
        [
            title,
            f"The first flights of the row *single*, indicated or not. Both programs get the same "
            f"corrected readings and wind; timed is what each makes of those, not how they were "
            f"read. pyELQ {version} gets means over 2 s, {iterations:,} iterations (the last half "
            "kept) and the flown box up to 5 m for its sources; told are the cell that holds most "
            "of its emission, and the mean place of all of it.",
            _summary(found),
            "Reading: *times as long* is the time of a flight over ours for the same flight, one "
            "after the other with the machine to themselves. "
            "Regions of pyELQ are of all its sources, by what they emit; where it emits "
            "nothing, no place is told and the truth missed.",
            _flights(found),
        ]
    )


def _summary(found: Sequence[Compared]) -> str:
    header = (
        "program",
        "n",
        "a place told",
        "error, median [m]",
        "error, 90 % [m]",
        "truth in 90 %",
        "equal-area radius of 90 %, median [m]",
        "rate within 2x",
        "wall s, median",
        "CPU s, median",
        "times as long, wall",
        "times as long, CPU",
    )
    rows = []
    for program in (OURS, CELL, MEAN):
        pairs = [
            (one.answers[program], one.answers[OURS]) for one in found if program in one.answers
        ]
        if not pairs:
            continue
        answers = [theirs for theirs, _ in pairs]
        rows.append(
            [
                program,
                str(len(answers)),
                str(sum(np.isfinite(one.error_m) for one in answers)),
                quantile_text((one.error_m for one in answers), 0.5),
                quantile_text((one.error_m for one in answers), 0.9),
                share_text([one.inside_90 for one in answers]),
                quantile_text((one.radius_90_m for one in answers), 0.5),
                share_text([0.5 <= one.rate_ratio <= 2.0 for one in answers]),
                median((one.wall_s for one in answers), "{:.2f}"),
                median((one.cpu_s for one in answers), "{:.2f}"),
                *(
                    quantile_text(
                        (getattr(theirs, spent) / getattr(ours, spent) for theirs, ours in pairs),
                        0.5,
                        "{:.0f}",
                    )
                    for spent in ("wall_s", "cpu_s")
                ),
            ]
        )
    return markdown(header, rows)


def _flights(found: Sequence[Compared]) -> str:
    header = (
        "flight",
        "program",
        "error [m]",
        "radius of 90 % [m]",
        "rate ratio",
        "wall s",
        "CPU s",
    )
    rows = [
        [
            compared.name,
            program,
            *_words(one),
            f"{one.wall_s:.1f}",
            f"{one.cpu_s:.1f}",
        ]
        for compared in found
        for program, one in compared.answers.items()
    ]
    return markdown(header, rows)


def _words(one: Answer) -> tuple[str, str, str]:
    if not np.isfinite(one.error_m):
        return NOTHING, NOTHING, NOTHING
    misses = "" if one.inside_90 else ", misses"
    return f"{one.error_m:.0f}", f"{one.radius_90_m:.0f}{misses}", f"{one.rate_ratio:.2f}"


def _told(one: Compared) -> str:
    return one.name + "".join(
        f", {program} {answer.error_m:.0f} m in {answer.cpu_s:.1f} s"
        for program, answer in one.answers.items()
    )


def _compared(world: BlindWorld) -> Compared:
    kept = kept_flight(world)
    (source,) = kept.truth["sources"]
    found = survey([kept.path], choices=Choices(gas=kept.scenario["gas"]))
    ((east, north),) = places(found.analysis, [source])
    truth, rate = (float(east), float(north)), float(source["rate_g_s"])
    answers = {OURS: _ours(found, truth, rate)}
    if is_installed():
        answers |= _pyelqs(found, truth, rate)
    return Compared(world.name, answers)


def _ours(found: Surveyed, truth: Place, rate: float) -> Answer:
    """The survey's best hotspot; its inference is done again, alone."""
    domain = found.analysis.survey.domain
    rng = np.random.default_rng(found.analysis.choices.seed)
    _, wall_s, cpu_s = _timed(lambda: grid.infer(list(found.series), domain.bounds, rng=rng))
    posterior = found.analysis.posterior
    if posterior is None or not found.analysis.survey.hotspots:
        return Answer(np.nan, False, np.nan, np.nan, wall_s, cpu_s)
    first = found.analysis.survey.hotspots[0]
    draws = [posterior[name].to_numpy().ravel() for name in ("east", "north")]
    there = np.isfinite(draws[0])
    inside, radius = _region(draws[0][there], draws[1][there], truth)
    return Answer(
        float(np.hypot(first.east - truth[0], first.north - truth[1])),
        inside,
        radius,
        first.rate_g_s / rate,
        wall_s,
        cpu_s,
    )


def _pyelqs(found: Surveyed, truth: Place, rate: float) -> dict[str, Answer]:
    """Two places from the same draws."""
    model = importlib.import_module("benchmarks.pyelq_model")
    emitted: Emissions
    emitted, wall_s, cpu_s = _timed(
        lambda: model.emissions(found.series[0], found.analysis.survey.domain)
    )
    if not emitted.rate.size:
        nothing = Answer(np.nan, False, np.nan, np.nan, wall_s, cpu_s)
        return {CELL: nothing, MEAN: nothing}
    share = emitted.rate / emitted.rate.sum()
    some = np.random.default_rng(0).choice(share.size, _DRAWS, p=share)
    inside, radius = _region(emitted.east[some], emitted.north[some], truth)
    ratio = float(emitted.rate.sum() / emitted.draws) / rate
    told = {CELL: _best_cell(emitted), MEAN: (share @ emitted.east, share @ emitted.north)}
    return {
        program: Answer(
            float(np.hypot(east - truth[0], north - truth[1])), inside, radius, ratio, wall_s, cpu_s
        )
        for program, (east, north) in told.items()
    }


def _region(east: np.ndarray, north: np.ndarray, truth: Place) -> tuple[bool, float]:
    """Whether the region of 90 % of some draws holds the truth, and its equal-area radius."""
    density = draw_density(east, north)
    levels = density.at(east, north)
    here = density.at(np.array([truth[0]]), np.array([truth[1]]))
    region = credible_regions(density, east, north, levels=[_LEVEL])[_LEVEL]
    inside = float(here[0]) >= float(np.quantile(levels, 1.0 - _LEVEL))
    return inside, float(np.sqrt(region.area / np.pi))


def _best_cell(emitted: Emissions) -> Place:
    """The cell that emits most."""
    at = np.floor(np.stack((emitted.east, emitted.north)) / _CELL_M)
    cells, which = np.unique(at, axis=1, return_inverse=True)
    best = int(np.argmax(np.bincount(which.ravel(), weights=emitted.rate)))
    east, north = (cells[:, best] + 0.5) * _CELL_M
    return float(east), float(north)


def _timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What some work gives, and its wall and CPU seconds."""
    clock, begin = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - clock, time.process_time() - begin
