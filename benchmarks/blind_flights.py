"""Flights through blind worlds, ready to be judged in any process."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.flight_cache import kept_flight, without_columns
from benchmarks.judging import judged_flight
from drone.choices import Choices

if TYPE_CHECKING:
    from benchmarks.flight_cache import Flown
    from benchmarks.judging import Judged


@dataclass(frozen=True, slots=True)
class BlindFlight:
    """A flight through a world, without the columns whose names start with `lacks`.

    `choices` are those of the command line beside the gas, as pairs of name and value.
    """

    row: str
    world: Flown
    cache: Path
    lacks: str = ""
    choices: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        return f"{self.row}: {self.world.name}"

    @property
    def worlds(self) -> tuple[Flown, ...]:
        return (self.world,)

    def judged(self) -> Judged:
        """Its log through the whole program, held against the truth."""
        kept = kept_flight(self.world, self.cache)
        with tempfile.TemporaryDirectory() as folder:
            log = kept.path
            if self.lacks:
                log = without_columns(log, self.lacks, Path(folder) / log.name)
            return judged_flight(
                [log],
                Choices(gas=kept.scenario["gas"], **dict(self.choices)),
                kept.truth["sources"],
                wind=kept.wind,
                row=self.row,
                name=self.name,
                turbulence=self.world.turbulence,
                about=about(kept.scenario, kept.truth),
            )


def about(scenario: dict[str, Any], truth: dict[str, Any]) -> dict[str, Any]:
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
