"""An analysis held against the truth: how far off, how sure, how strong, how many."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely.geometry import Point

from benchmarks.truth import matched, places
from drone.choices import Choices
from drone.pipeline import analyse
from mapping.survey import INDICATED
from sims.recording import write_flight_csv

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.worlds import World
    from drone.analysis import Analysis

    Baseline = Callable[[Analysis], "Guess"]

VISIBLE_PPB = 50.0
TOO_SURE = 3.0  # 90 % radii off the truth from which an indication misleads


@dataclass(frozen=True, slots=True)
class Guess:
    """What a simpler method says: a place on the analysis' axes [m], perhaps a rate [g s-1]."""

    east: float
    north: float
    rate_g_s: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One flight, judged.

    `error_m`, `radius_90_m`, `inside_50`, `inside_90` and `rate_ratio` are of the most probable
    hotspot, told or not, against the true source nearest to it; NaN and False where there is
    no hotspot or no source. `matched_m` pairs told hotspots with true sources, each used once.
    """

    name: str
    verdict: str
    p_any: float
    sources: int
    told: int
    error_m: float = float("nan")
    radius_90_m: float = float("nan")
    inside_50: bool = False
    inside_90: bool = False
    rate_ratio: float = float("nan")
    matched_m: tuple[float, ...] = ()
    baselines: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    cpu_s: float = float("nan")
    world: World | None = None
    peak_ppb: float = float("nan")
    wind_m_s: float = float("nan")

    @property
    def indicated(self) -> bool:
        """Whether the verdict names a source."""
        return self.verdict == INDICATED

    @property
    def visible(self) -> bool:
        """Whether the drone met a plume one could see."""
        return self.sources > 0 and self.peak_ppb >= VISIBLE_PPB

    @property
    def misleading(self) -> bool:
        """Whether a source is indicated where none is, as far as its own radius tells."""
        if not self.indicated:
            return False
        return self.sources == 0 or self.error_m > TOO_SURE * self.radius_90_m


def judged_world(world: World, baselines: Mapping[str, Baseline] | None = None) -> Score:
    """Fly a world, write its log, process that, and judge the result."""
    flight = world.flown()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flight.csv"
        write_flight_csv(flight, path)
        return judged(
            [path],
            Choices(gas=flight.scenario.gas),
            flight.truth["sources"],
            name=f"{world.kind} {world.turbulence} {world.seed}",
            baselines=baselines,
            world=world,
            peak_ppb=float(flight.truth["peak_ppb"]),
            wind_m_s=flight.scenario.wind.speed_m_s,
        )


def judged(
    paths: Sequence[Path],
    choices: Choices,
    sources: Sequence[Mapping[str, float]],
    *,
    name: str,
    baselines: Mapping[str, Baseline] | None = None,
    **more: Any,
) -> Score:
    """Process files and hold the result against `sources` (latitude, longitude, rate_g_s)."""
    begin = time.process_time()
    analysis = analyse(paths, choices=choices)
    cpu_s = time.process_time() - begin
    survey = analysis.survey
    told = survey.told
    more |= {
        "name": name,
        "verdict": survey.verdict,
        "p_any": float(survey.p_any_source),
        "sources": len(sources),
        "told": len(told),
        "cpu_s": cpu_s,
    }
    if not sources:
        return Score(**more)
    true = places(analysis, sources)
    if survey.hotspots:
        first = survey.hotspots[0]
        away = np.hypot(true[:, 0] - first.east, true[:, 1] - first.north)
        nearest = int(np.argmin(away))
        at = Point(true[nearest])
        more |= {
            "error_m": float(away[nearest]),
            "radius_90_m": first.radius_90_m,
            "inside_50": bool(first.regions[0.5].covers(at)),
            "inside_90": bool(first.regions[0.9].covers(at)),
            "rate_ratio": first.rate_g_s / sources[nearest].get("rate_g_s", float("nan")),
            "matched_m": matched(np.array([(spot.east, spot.north) for spot in told]), true),
        }
    more["baselines"] = {
        method: _guessed(guess, analysis, true, sources)
        for method, guess in (baselines or {}).items()
    }
    return Score(**more)


def _guessed(
    guess: Baseline,
    analysis: Analysis,
    true: np.ndarray,
    sources: Sequence[Mapping[str, float]],
) -> tuple[float, float, float]:
    """Error [m], rate ratio and CPU seconds of a baseline."""
    begin = time.process_time()
    place = guess(analysis)
    cpu_s = time.process_time() - begin
    away = np.hypot(true[:, 0] - place.east, true[:, 1] - place.north)
    nearest = int(np.argmin(away))
    rate = sources[nearest].get("rate_g_s", float("nan"))
    return float(away[nearest]), place.rate_g_s / rate, cpu_s
