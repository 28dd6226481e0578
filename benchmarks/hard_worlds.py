"""Flights that go wrong: each a fault in an otherwise sound survey of one source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.blind_worlds import drawn
from sims.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Callable

    from sims.settings import Scenario
    from sims.simulate import SimulatedFlight

    Fault = Callable[[Scenario, np.random.Generator, float], Scenario]

_SEEDS = 500
_NO_MORE_THAN = 200
MET_PPB = 50.0


@dataclass(frozen=True, slots=True, order=True)
class HardWorld:
    """A case by its name, turbulence and seed: cases of one seed share their world.

    Without the fault the drone meets 50 ppb or more.
    """

    case: str
    turbulence: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.case} {self.turbulence} {self.seed}".replace("/", "-")

    def flown(self) -> SimulatedFlight:
        """The flight with its fault."""
        for attempt in range(_NO_MORE_THAN):
            key = (_SEEDS, self.seed, attempt)
            sound = drawn(np.random.default_rng((*key, 0)), self.turbulence)
            flight = simulate(sound, rng=np.random.default_rng((*key, 1)))
            peak = flight.truth["peak_ppb"]
            if peak >= MET_PPB:
                wrong = CASES[self.case](sound, np.random.default_rng((*key, 2)), peak)
                return simulate(wrong, rng=np.random.default_rng((*key, 1)))
        raise RuntimeError(f"{self.name}: no world meets its conditions")


def _sound(scenario: Scenario, _rng: np.random.Generator, _peak_ppb: float) -> Scenario:
    return scenario


def _wind_missing(scenario: Scenario, _rng: np.random.Generator, _peak_ppb: float) -> Scenario:
    return replace(scenario, anemometer=replace(scenario.anemometer, silent_from_s=0.0))


def _wind_reversed(scenario: Scenario, _rng: np.random.Generator, _peak_ppb: float) -> Scenario:
    sensor = scenario.anemometer
    return replace(scenario, anemometer=replace(sensor, bias_deg=sensor.bias_deg + 180.0))


def _wind_constant(scenario: Scenario, _rng: np.random.Generator, _peak_ppb: float) -> Scenario:
    return replace(scenario, anemometer=replace(scenario.anemometer, stuck_from_s=0.0))


def _pid_stuck(scenario: Scenario, rng: np.random.Generator, _peak_ppb: float) -> Scenario:
    """At some time of the flight, in the plume or out of it."""
    return replace(
        scenario, pid=replace(scenario.pid, stuck_from_s=round(rng.uniform(60.0, 500.0), 1))
    )


def _pid_saturated(scenario: Scenario, _rng: np.random.Generator, peak_ppb: float) -> Scenario:
    """At a quarter of its largest excess over the baseline."""
    pid = scenario.pid
    excess = pid.gain * peak_ppb / (pid.response_factor or 1.0)
    return replace(scenario, pid=replace(pid, ceiling_ppb=round(pid.offset_ppb + 0.25 * excess, 1)))


def _element_stuck(scenario: Scenario, _rng: np.random.Generator, _peak_ppb: float) -> Scenario:
    first, *others = scenario.mox
    return replace(scenario, mox=(replace(first, stuck_from_s=120.0), *others))


def _clock(ahead_s: float) -> Fault:
    def with_clock(scenario: Scenario, _rng: np.random.Generator, _peak_ppb: float) -> Scenario:
        return replace(scenario, gas_clock_s=ahead_s)

    return with_clock


def _gain(factor: float) -> Fault:
    def with_gain(scenario: Scenario, _rng: np.random.Generator, _peak_ppb: float) -> Scenario:
        return replace(scenario, pid=replace(scenario.pid, gain=factor * scenario.pid.gain))

    return with_gain


def _upwind_half(scenario: Scenario, _rng: np.random.Generator, _peak_ppb: float) -> Scenario:
    """The lines run across the wind, the last of them 5 m to the lee of the source."""
    (source,) = scenario.source
    lines = int(scenario.survey.size_m / scenario.survey.spacing_m) + 1
    back = 0.5 * (lines - 1) * scenario.survey.spacing_m - 5.0
    from_rad = np.deg2rad(scenario.wind.from_deg)
    survey = replace(
        scenario.survey,
        line_deg=_bearing(scenario.wind.from_deg + 90.0),
        east_m=round(float(source.east_m + back * np.sin(from_rad)), 2),
        north_m=round(float(source.north_m + back * np.cos(from_rad)), 2),
    )
    return replace(scenario, survey=survey)


def _one_line(scenario: Scenario, rng: np.random.Generator, _peak_ppb: float) -> Scenario:
    """To and fro on one line that crosses the plume 20-60 m downwind of the source."""
    (source,) = scenario.source
    from_rad = np.deg2rad(scenario.wind.from_deg)
    downwind = rng.uniform(20.0, 60.0)
    bearing = scenario.wind.from_deg + 90.0 + rng.uniform(-40.0, 40.0)
    survey = replace(
        scenario.survey,
        lines=1,
        passes=6,
        line_deg=_bearing(bearing),
        east_m=round(float(source.east_m - downwind * np.sin(from_rad)), 2),
        north_m=round(float(source.north_m - downwind * np.cos(from_rad)), 2),
    )
    return replace(scenario, survey=survey)


def _outside(scenario: Scenario, rng: np.random.Generator, _peak_ppb: float) -> Scenario:
    """The source lies 20-100 m upwind of the square, a tenth of its side off the axis."""
    (source,) = scenario.source
    size = scenario.survey.size_m
    from_rad = np.deg2rad(scenario.wind.from_deg)
    turn = np.deg2rad(scenario.survey.line_deg)
    reach = 0.5 * size / max(abs(np.sin(from_rad - turn)), abs(np.cos(from_rad - turn)))
    away, aside = reach + rng.uniform(20.0, 100.0), 0.1 * size * rng.uniform(-1.0, 1.0)
    source = replace(
        source,
        east_m=round(float(away * np.sin(from_rad) + aside * np.cos(from_rad)), 2),
        north_m=round(float(away * np.cos(from_rad) - aside * np.sin(from_rad)), 2),
        rate_g_s=max(source.rate_g_s, 1.0),
    )
    return replace(scenario, source=(source,))


def _bearing(angle_deg: float) -> float:
    return round(float(angle_deg % 360.0), 1)


CASES: dict[str, Fault] = {
    "nothing wrong": _sound,
    "wind missing": _wind_missing,
    "wind wrong by 180 degrees": _wind_reversed,
    "wind constant": _wind_constant,
    "PID stuck": _pid_stuck,
    "PID saturated": _pid_saturated,
    "metal-oxide element stuck": _element_stuck,
    "gas clock 5 s ahead": _clock(5.0),
    "gas clock 5 s behind": _clock(-5.0),
    "PID gain x 3": _gain(3.0),
    "PID gain / 3": _gain(1.0 / 3.0),
    "upwind half only": _upwind_half,
    "all on one line": _one_line,
    "source outside the square": _outside,
}
