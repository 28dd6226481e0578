"""Worlds that no estimator was tuned on: one generator for each row of the table of targets.

Their winds, turbulence and instruments are drawn more widely than those of `sims.scenario`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sims.scenario import draw_scenario
from sims.settings import Source, Turbulence, Wind
from sims.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Callable

    from sims.settings import Mox, Scenario, Survey
    from sims.simulate import SimulatedFlight

    Draw = Callable[[np.random.Generator, str], Scenario]

GAS = "acetone"
NOISE_PPB, RATE_HZ = 4.0, 5.0
FOUND_PPB, FAINT_PPB = 25.0, 15.0
CALM_M_S, WINDY_M_S = (0.8, 1.6), (2.0, 7.0)
APART_M = 60.0
ARRAY = 4  # metal-oxide elements
_NO_MORE_THAN = 200  # draws until one meets its conditions
_RATES_G_S = (0.005, 10.0)  # beyond this a source scaled to a peak is drawn again


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Worlds of one kind.

    `peak_ppb` is the span that the largest mean over one second at the inlet must lie in. With
    `is_scaled` the rate is chosen so that it does, evenly over the span, otherwise worlds are
    drawn until one does.
    """

    number: int  # of its seeds
    draw: Draw
    peak_ppb: tuple[float, float] | None = None
    is_scaled: bool = False


@dataclass(frozen=True, slots=True, order=True)
class BlindWorld:
    """A world by its family, turbulence and seed: the same flight to the last bit every time."""

    family: str
    turbulence: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.family} {self.turbulence} {self.seed}"

    def flown(self) -> SimulatedFlight:
        """The first flight of this seed that meets the conditions of its family.

        The truth of worlds with several sources says which peak each makes alone
        (`peaks_ppb`).
        """
        family = FAMILIES[self.family]
        for attempt in range(_NO_MORE_THAN):
            key = (family.number, TURBULENCES.index(self.turbulence), self.seed, attempt)
            scenario = family.draw(np.random.default_rng((*key, 0)), self.turbulence)
            flight = _of_peak(scenario, family, key)
            if flight is not None:
                return flight
        raise RuntimeError(f"{self.name}: no world meets its conditions; widen {family.peak_ppb}")


TURBULENCES = ("ou", "fourier")


def _of_peak(scenario: Scenario, family: Family, key: tuple[int, ...]) -> SimulatedFlight | None:
    flight = _fly(scenario, key)
    if family.peak_ppb is None:
        return flight
    low, high = family.peak_ppb
    peak = flight.truth["peak_ppb"]
    if family.is_scaled:
        wanted = np.random.default_rng((*key, 2)).uniform(low, high)
        rates = [one.rate_g_s * wanted / max(peak, 1e-9) for one in scenario.source]
        if not all(_RATES_G_S[0] <= rate <= _RATES_G_S[1] for rate in rates):
            return None
        flight = _fly(with_rates(scenario, rates), key)
        peak = flight.truth["peak_ppb"]
    if not low <= peak < high:
        return None
    if len(scenario.source) > 1:
        flight.truth["peaks_ppb"] = [
            _fly(replace(scenario, source=(one,)), key).truth["peak_ppb"] for one in scenario.source
        ]
    return flight


def _fly(scenario: Scenario, key: tuple[int, ...]) -> SimulatedFlight:
    return simulate(scenario, rng=np.random.default_rng((*key, 1)))


def with_rates(scenario: Scenario, rates: list[float]) -> Scenario:
    """The same world with other emission rates [g s-1]."""
    sources = zip(scenario.source, rates, strict=True)
    return replace(
        scenario, source=tuple(replace(one, rate_g_s=round(rate, 6)) for one, rate in sources)
    )


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def drawn(
    rng: np.random.Generator,
    turbulence: str,
    *,
    kind: str = "single",
    speed_m_s: tuple[float, float] = WINDY_M_S,
) -> Scenario:
    """A world of the issue's survey (160-320 m squares, lines of 12-25 m, 8-16 m height).

    Source, track and instruments as `sims.scenario` draws them, but a PID of the stated noise
    and rate beside an array of metal-oxide elements; wind and turbulence drawn here.
    """
    scenario = draw_scenario(rng, kind, turbulence=turbulence)
    return replace(
        scenario,
        gas=GAS,
        wind=wind_between(rng, speed_m_s),
        turbulence=_turbulence(rng, turbulence, scenario.turbulence),
        survey=replace(scenario.survey, rate_hz=RATE_HZ),
        pid=replace(scenario.pid, noise_ppb=NOISE_PPB),
        mox=_array(rng, turbulence),
    )


def wind_between(rng: np.random.Generator, speed_m_s: tuple[float, float]) -> Wind:
    """A wind whose mean speed at 10 m lies in a span [m s-1]; light ones meander more."""
    speed = _log_uniform(rng, *speed_m_s)
    is_calm = speed < WINDY_M_S[0]
    return Wind(
        speed_m_s=round(speed, 3),
        from_deg=round(rng.uniform(0.0, 360.0), 1),
        roughness_m=round(_log_uniform(rng, 0.005, 0.5), 4),
        direction_sd_deg=round(rng.uniform(20.0, 50.0) if is_calm else rng.uniform(4.0, 20.0), 1),
        direction_time_s=round(_log_uniform(rng, 50.0, 350.0)),
        speed_sd=round(rng.uniform(0.15, 0.4) if is_calm else rng.uniform(0.08, 0.28), 3),
        speed_time_s=round(_log_uniform(rng, 40.0, 250.0)),
        gradient_deg_100m=round(rng.uniform(0.0, 6.0), 1),
        gradient_time_s=round(_log_uniform(rng, 120.0, 600.0)),
    )


def _turbulence(rng: np.random.Generator, kind: str, usual: Turbulence) -> Turbulence:
    return replace(
        usual,
        kind=kind,
        intensity=round(_log_uniform(rng, 0.65, 2.0), 3),
        time_scale=round(_log_uniform(rng, 0.4, 2.2), 3),
        share=round(rng.uniform(0.5, 0.85), 2),
    )


def _array(rng: np.random.Generator, turbulence: str) -> tuple[Mox, ...]:
    elements: list[Mox] = []
    while len(elements) < ARRAY:
        elements += draw_scenario(rng, "none", turbulence=turbulence).mox
    return tuple(elements[:ARRAY])


def _calm(rng: np.random.Generator, turbulence: str) -> Scenario:
    scenario = drawn(rng, turbulence, speed_m_s=CALM_M_S)
    return replace(scenario, turbulence=replace(scenario.turbulence, filaments_per_s=5.0))


def _low(rng: np.random.Generator, turbulence: str) -> Scenario:
    """Half fly low over sources near the ground, half past a vent or a roof."""
    scenario = drawn(rng, turbulence)
    above = rng.uniform(0.5, 5.0)
    survey, (source,) = scenario.survey, scenario.source
    if rng.random() < 0.5:
        height = round(rng.uniform(0.0, 3.0), 2)
        survey = replace(survey, height_m=round(max(height + above, 2.0), 2))
    else:
        height = round(survey.height_m - above, 2)
    return replace(scenario, survey=survey, source=(replace(source, height_m=height),))


def _two(rng: np.random.Generator, turbulence: str) -> Scenario:
    scenario = drawn(rng, turbulence, kind="double")
    while True:
        others = [_place(rng, scenario.survey, source) for source in scenario.source]
        first, second = others
        if np.hypot(first.east_m - second.east_m, first.north_m - second.north_m) >= APART_M:
            return replace(scenario, source=tuple(others))


def _place(rng: np.random.Generator, survey: Survey, source: Source) -> Source:
    right, ahead = rng.uniform(-0.5 * survey.size_m, 0.5 * survey.size_m, 2)
    bearing = np.deg2rad(survey.line_deg)
    return replace(
        source,
        east_m=round(float(right * np.cos(bearing) + ahead * np.sin(bearing)), 2),
        north_m=round(float(-right * np.sin(bearing) + ahead * np.cos(bearing)), 2),
    )


def _none(rng: np.random.Generator, turbulence: str) -> Scenario:
    return drawn(rng, turbulence, kind="none", speed_m_s=(CALM_M_S[0], WINDY_M_S[1]))


_FOUND = (FOUND_PPB, np.inf)
FAMILIES = {
    "single": Family(number=1, draw=drawn, peak_ppb=_FOUND),
    "calm": Family(number=2, draw=_calm, peak_ppb=_FOUND),
    "low": Family(number=3, draw=_low, peak_ppb=_FOUND),
    "two": Family(number=4, draw=_two, peak_ppb=_FOUND),
    "none": Family(number=5, draw=_none),
    "peak 25-35": Family(number=6, draw=drawn, peak_ppb=(FOUND_PPB, 35.0), is_scaled=True),
    "peak 15-25": Family(number=7, draw=drawn, peak_ppb=(FAINT_PPB, FOUND_PPB), is_scaled=True),
}


def blind_worlds(family: str, count: int, *, first_seed: int = 0) -> list[BlindWorld]:
    """That many worlds of a family, in both kinds of turbulence by turns."""
    return [
        BlindWorld(family, TURBULENCES[number % 2], first_seed + number // 2)
        for number in range(count)
    ]
