"""Field measurements whose source is known, ready to be judged beside simulated flights."""

from __future__ import annotations

import json
import math
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.judging import judged_flight
from benchmarks.real import SHARED, prairie_grass_log, prairie_grass_runs
from benchmarks.running import say
from drone.choices import Choices

if TYPE_CHECKING:
    from benchmarks.flight_cache import Flown
    from benchmarks.judging import Judged

# There are few measurements, and where posteriors hang on the draws of nuisances one seed may
# flatter: each is looked at with several of the program's own.
SEEDS = (0, 1, 2)


@dataclass(frozen=True, slots=True)
class PrairieGrassRun:
    """Ten-minute means on arcs, by the number of the run; `seed` is the program's."""

    run: str
    seed: int = 0
    worlds: tuple[Flown, ...] = ()
    choices: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        return f"prairie grass: run {self.run}, seed {self.seed}"

    def judged(self) -> Judged:
        """All receptors at once, held against the release."""
        (run,) = (one for one in prairie_grass_runs() if one["run"] == self.run)
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "run.csv"
            text, choices, truth = prairie_grass_log(run)
            log.write_text(text)
            from_rad = math.radians(float(run["wind_from_deg"]))
            speed = float(run["wind_speed_2m_m_s"])
            return judged_flight(
                [log],
                replace(choices, seed=self.seed, **dict(self.choices)),
                [truth],
                wind=(-speed * math.sin(from_rad), -speed * math.cos(from_rad)),
                row="prairie grass",
                name=self.name,
                about={"wind_m_s": speed, "peak_ppb": math.nan},
            )


@dataclass(frozen=True, slots=True)
class FrieslandFlight:
    """A drone with an equivalent-CO2 sensor about a parked car, by the name of its file."""

    file: str
    seed: int = 0
    worlds: tuple[Flown, ...] = ()
    choices: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        flight = self.file.removeprefix("flight_day1_").removesuffix(".csv")
        return f"friesland: {flight}, seed {self.seed}"

    def judged(self) -> Judged:
        """Held against the place of the car; rate and true wind are unknown."""
        folder = SHARED / "uav_co2_friesland"
        source = json.loads((folder / "truth.json").read_text())["source"]
        return judged_flight(
            [folder / self.file],
            Choices(seed=self.seed, **dict(self.choices)),
            [{name: source[name] for name in ("latitude", "longitude")}],
            wind=(math.nan, math.nan),
            row="friesland",
            name=self.name,
        )


def prairie_grass(count: int, _cache: Path, _first_seed: int) -> list[PrairieGrassRun]:
    """Runs with meteorology, at most so many, each under every seed."""
    if not (SHARED / "prairie_grass").is_dir():
        say(f"{SHARED / 'prairie_grass'} is not there; its row is left out")
        return []
    runs = prairie_grass_runs()[:count]
    return [PrairieGrassRun(one["run"], seed) for one in runs for seed in SEEDS]


def friesland(count: int, _cache: Path, _first_seed: int) -> list[FrieslandFlight]:
    """Flights about the car, at most so many, each under every seed."""
    folder = SHARED / "uav_co2_friesland"
    if not folder.is_dir():
        say(f"{folder} is not there; its row is left out")
        return []
    flights = sorted(folder.glob("flight_*.csv"))[:count]
    return [FrieslandFlight(path.name, seed) for path in flights for seed in SEEDS]
