"""Worlds unlike those anything was fitted to, to see whether an answer knows how sure it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.blind_worlds import FOUND_PPB, drawn
from sims.samplers import Samplers, sampled
from sims.settings import Wake
from sims.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Callable

    from sims.settings import Scenario
    from sims.simulate import SimulatedFlight

    Shift = Callable[[Scenario, np.random.Generator], Scenario]

_SEEDS = 300  # number of the first family, apart from those of other worlds
_NO_MORE_THAN = 200
_FLIGHT_S = 1000.0
_MEANS_S = (60.0, 120.0, 300.0, 900.0)
MEANS = "averaged"


@dataclass(frozen=True, slots=True, order=True)
class ShiftedWorld:
    """A world by its family, turbulence and seed, with a peak of 25 ppb or more."""

    family: str
    turbulence: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.family} {self.turbulence} {self.seed}"

    def flown(self) -> SimulatedFlight:
        """The first flight of this seed that meets the plume."""
        number = _SEEDS + list(FAMILIES).index(self.family)
        for attempt in range(_NO_MORE_THAN):
            rng = np.random.default_rng((number, self.seed, attempt))
            scenario = FAMILIES[self.family](drawn(rng, self.turbulence), rng)
            if self.family == MEANS:
                samplers = _scattered(rng, averaging_time_s(self.seed))
                flight = sampled(scenario, samplers, rng=rng)
            else:
                flight = simulate(scenario, rng=rng)
            if flight.truth["peak_ppb"] >= FOUND_PPB:
                return flight
        raise RuntimeError(f"{self.name}: no world meets its conditions")


def averaging_time_s(seed: int) -> float:
    """Of a world of samplers that stand still."""
    return _MEANS_S[seed % len(_MEANS_S)]


def _usual(scenario: Scenario, _rng: np.random.Generator) -> Scenario:
    return scenario


def _stable(scenario: Scenario, rng: np.random.Generator) -> Scenario:
    """Air of a clear evening: little turbulence, short time scales, low wind shear aloft."""
    turbulence = replace(
        scenario.turbulence,
        intensity=round(rng.uniform(0.35, 0.6), 3),
        time_scale=round(rng.uniform(0.3, 0.6), 3),
    )
    wind = replace(scenario.wind, direction_sd_deg=round(rng.uniform(2.0, 8.0), 1))
    return replace(scenario, turbulence=turbulence, wind=wind)


def _convective(scenario: Scenario, rng: np.random.Generator) -> Scenario:
    """A summer's noon: twice to three times the neutral turbulence, and it lasts."""
    turbulence = replace(
        scenario.turbulence,
        intensity=round(rng.uniform(2.0, 3.0), 3),
        time_scale=round(rng.uniform(2.0, 3.0), 3),
    )
    wind = replace(scenario.wind, direction_sd_deg=round(rng.uniform(12.0, 25.0), 1))
    return replace(scenario, turbulence=turbulence, wind=wind)


def _rough(scenario: Scenario, rng: np.random.Generator) -> Scenario:
    """A suburb or a wood: roughness of 0.6-1.5 m."""
    return replace(
        scenario, wind=replace(scenario.wind, roughness_m=round(rng.uniform(0.6, 1.5), 2))
    )


def _smooth(scenario: Scenario, rng: np.random.Generator) -> Scenario:
    """Water or mown grass: roughness of 0.3-3 mm."""
    roughness = round(float(np.exp(rng.uniform(np.log(3e-4), np.log(3e-3)))), 5)
    return replace(scenario, wind=replace(scenario.wind, roughness_m=roughness))


def _slow_sensor(scenario: Scenario, rng: np.random.Generator) -> Scenario:
    """Another PID: twice as slow, noisier, steps of 10 ppb, no metal oxide beside it."""
    rise = round(rng.uniform(4.0, 7.0), 2)
    pid = replace(
        scenario.pid,
        rise_s=rise,
        decay_s=round(rise * rng.uniform(1.2, 2.0), 2),
        noise_ppb=round(rng.uniform(6.0, 12.0), 1),
        resolution_ppb=10.0,
    )
    return replace(scenario, pid=pid, mox=())


def _wide_lines(scenario: Scenario, rng: np.random.Generator) -> Scenario:
    """Lines 30-45 m apart, flown fast and high."""
    survey = replace(
        scenario.survey,
        spacing_m=round(rng.uniform(30.0, 45.0), 1),
        speed_m_s=round(rng.uniform(7.0, 10.0), 1),
        height_m=round(rng.uniform(12.0, 20.0), 1),
    )
    return replace(scenario, survey=survey)


def _pulsed(scenario: Scenario, rng: np.random.Generator) -> Scenario:
    """On a third to two thirds of the time, for half a minute to three minutes."""
    cycle, share = rng.uniform(30.0, 180.0), rng.uniform(0.33, 0.67)
    (source,) = scenario.source
    source = replace(
        source,
        on_s=round(share * cycle, 1),
        off_s=round((1.0 - share) * cycle, 1),
        phase_s=round(rng.uniform(0.0, cycle), 1),
    )
    return replace(scenario, source=(source,))


def _moving(scenario: Scenario, rng: np.random.Generator) -> Scenario:
    """On foot or on a barge: 10-40 m during the flight; the truth is its place at half time."""
    pace = rng.uniform(10.0, 40.0) / _FLIGHT_S
    bearing = rng.uniform(0.0, 2.0 * np.pi)
    (source,) = scenario.source
    source = replace(
        source,
        eastward_m_s=round(float(pace * np.sin(bearing)), 4),
        northward_m_s=round(float(pace * np.cos(bearing)), 4),
    )
    return replace(scenario, source=(source,))


def _wakes(scenario: Scenario, rng: np.random.Generator) -> Scenario:
    """Two to four buildings that turn the wind by 10-40 degrees and slow it."""
    half = 0.45 * scenario.survey.size_m
    wakes = tuple(
        Wake(
            east_m=round(rng.uniform(-half, half), 1),
            north_m=round(rng.uniform(-half, half), 1),
            radius_m=round(rng.uniform(15.0, 40.0), 1),
            turn_deg=round(float(rng.choice([-1.0, 1.0]) * rng.uniform(10.0, 40.0)), 1),
            speed=round(rng.uniform(0.4, 0.9), 2),
        )
        for _ in range(rng.integers(2, 5))
    )
    return replace(scenario, wake=wakes)


def _means(scenario: Scenario, rng: np.random.Generator) -> Scenario:
    """For samplers that stand still: a site of 200 m and a source in its middle part."""
    (source,) = scenario.source
    east, north = rng.uniform(-50.0, 50.0, 2)
    source = replace(source, east_m=round(float(east), 2), north_m=round(float(north), 2))
    survey = replace(scenario.survey, size_m=240.0)
    return replace(scenario, gas="methane", source=(source,), survey=survey)


def _scattered(rng: np.random.Generator, averaging_s: float) -> Samplers:
    """Twenty to forty methane samplers anywhere on the site, and a mast of 3 m."""
    count = int(rng.integers(20, 41))
    east, north = rng.uniform(-100.0, 100.0, (2, count))
    height = rng.uniform(1.0, 4.0, count)
    return Samplers(
        places=tuple(
            (round(float(x), 2), round(float(y), 2), round(float(z), 2))
            for x, y, z in zip(east, north, height, strict=True)
        ),
        averaging_s=averaging_s,
        duration_s=max(1800.0, averaging_s),
        wind_height_m=3.0,
        column="ch4_ppm",
        noise=0.01,
        offset_sd=0.03,
    )


FAMILIES: dict[str, Shift] = {
    "usual": _usual,
    "stable": _stable,
    "convective": _convective,
    "rough": _rough,
    "smooth": _smooth,
    "slow sensor": _slow_sensor,
    "wide lines": _wide_lines,
    "pulsed": _pulsed,
    "moving": _moving,
    "wakes": _wakes,
    "mox only": _usual,
    MEANS: _means,
}
