"""One place flown over on two days: the same source and square in another wind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.blind_worlds import FOUND_PPB, drawn
from sims.simulate import simulate

if TYPE_CHECKING:
    from sims.settings import Scenario
    from sims.simulate import SimulatedFlight

_SEEDS = 600
_NO_MORE_THAN = 200
DAYS = ("2026-05-12T09:00:00Z", "2026-05-14T13:30:00Z")


@dataclass(frozen=True, slots=True, order=True)
class DayWorld:
    """One day (0 or 1) of a pair by its turbulence and seed.

    At least one of the days meets a peak of 25 ppb.
    """

    turbulence: str
    seed: int
    day: int

    @property
    def name(self) -> str:
        return f"pair {self.turbulence} {self.seed} day {self.day}"

    def flown(self) -> SimulatedFlight:
        """The flight of this day."""
        for attempt in range(_NO_MORE_THAN):
            both = [self._on(day, attempt) for day in range(len(DAYS))]
            if max(flight.truth["peak_ppb"] for flight in both) >= FOUND_PPB:
                return both[self.day]
        raise RuntimeError(f"{self.name}: no world meets its conditions")

    def _on(self, day: int, attempt: int) -> SimulatedFlight:
        key = (_SEEDS, self.seed, attempt)
        first = drawn(np.random.default_rng((*key, 0)), self.turbulence)
        weather = drawn(np.random.default_rng((*key, 1)), self.turbulence)
        scenario = first if day == 0 else _another_day(first, weather)
        scenario = replace(scenario, site=replace(scenario.site, start=DAYS[day]))
        return simulate(scenario, rng=np.random.default_rng((*key, 2 + day)))


def _another_day(first: Scenario, weather: Scenario) -> Scenario:
    """The same source, square and sensors; wind, air, lines and the sensors' state are new."""
    return replace(
        first,
        wind=weather.wind,
        turbulence=weather.turbulence,
        air=weather.air,
        survey=replace(first.survey, line_deg=weather.survey.line_deg),
        pid=replace(
            first.pid,
            offset_ppb=weather.pid.offset_ppb,
            warm_up_ppb=weather.pid.warm_up_ppb,
            drift_ppb_sqrt_s=weather.pid.drift_ppb_sqrt_s,
        ),
        anemometer=weather.anemometer,
    )
