"""Worlds with samplers that stand still: methane sensors about a site, arcs in a field trial."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.blind_worlds import drawn
from sims.samplers import Samplers, sampled

if TYPE_CHECKING:
    from sims.settings import Scenario
    from sims.simulate import SimulatedFlight

_FAMILIES = ("fixed", "arcs")
FIXED_CHOICES = (("averaging_time_s", 60.0), ("wind_height_m", 3.0))
ARC_CHOICES = (("averaging_time_s", 600.0), ("wind_height_m", 2.0), ("background_removed", True))


@dataclass(frozen=True, slots=True, order=True)
class SamplerWorld:
    """A world by its family ("fixed" or "arcs"), turbulence and seed."""

    family: str
    turbulence: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.family} {self.turbulence} {self.seed}"

    def flown(self) -> SimulatedFlight:
        """What its samplers took in."""
        rng = np.random.default_rng((100 + _FAMILIES.index(self.family), self.seed))
        make = _fixed if self.family == "fixed" else _arcs
        scenario, samplers = make(rng, self.turbulence)
        return sampled(scenario, samplers, rng=rng)


def _fixed(rng: np.random.Generator, turbulence: str) -> tuple[Scenario, Samplers]:
    """Six to twelve methane sensors about a site of 50-100 m, its mast at 3 m, 40-90 min."""
    size = rng.uniform(50.0, 100.0)
    count = int(rng.integers(6, 13))
    bearing = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False) + rng.uniform(-0.2, 0.2, count)
    radius = 0.5 * size * rng.uniform(0.7, 1.2, count)
    places = tuple(
        (round(float(r * np.sin(b)), 2), round(float(r * np.cos(b)), 2), round(float(z), 2))
        for r, b, z in zip(radius, bearing, rng.uniform(1.5, 4.0, count), strict=True)
    )
    scenario = drawn(rng, turbulence, speed_m_s=(1.5, 6.0))
    (source,) = scenario.source
    east, north = rng.uniform(-0.3 * size, 0.3 * size, 2)
    source = replace(
        source,
        east_m=round(float(east), 2),
        north_m=round(float(north), 2),
        height_m=round(rng.uniform(0.5, 4.0), 2),
        rate_g_s=round(float(np.exp(rng.uniform(np.log(0.1), np.log(2.0)))), 4),
    )
    samplers = Samplers(
        places=places,
        averaging_s=60.0,
        duration_s=60.0 * int(rng.integers(40, 91)),
        wind_height_m=3.0,
        column="ch4_ppm",
        background=round(rng.uniform(1.95, 2.1), 3),
        noise=round(rng.uniform(0.005, 0.03), 4),
        offset_sd=0.05,
    )
    survey = replace(scenario.survey, size_m=round(size + 40.0))
    return replace(scenario, gas="methane", source=(source,), survey=survey), samplers


def _arcs(rng: np.random.Generator, turbulence: str) -> tuple[Scenario, Samplers]:
    """Means over ten minutes on arcs about a place near the source, at 1.5 m, a mast of 2 m."""
    middle = rng.uniform(-10.0, 10.0, 2)
    places = [
        (
            round(float(middle[0] + radius * np.sin(bearing)), 2),
            round(float(middle[1] + radius * np.cos(bearing)), 2),
            1.5,
        )
        for radius in (50.0, 100.0, 200.0)
        for bearing in np.deg2rad(np.arange(0.0, 360.0, 4.0))
    ]
    scenario = drawn(rng, turbulence)
    (source,) = scenario.source
    source = replace(source, east_m=0.0, north_m=0.0, height_m=0.5, rate_g_s=rng.uniform(40, 100))
    samplers = Samplers(
        places=tuple(places),
        averaging_s=600.0,
        duration_s=600.0,
        wind_height_m=2.0,
        column="so2_ppb",
        background=0.0,
        noise=10.0,
        offset_sd=0.0,
    )
    survey = replace(scenario.survey, size_m=340.0)
    return replace(scenario, gas="sulphur dioxide", source=(source,), survey=survey), samplers
