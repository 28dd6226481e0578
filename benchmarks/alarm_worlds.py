"""Channels without gas, of many kinds, and surveys with it, to try the live alarm on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sims import instruments
from sims.scenario import draw_scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from sims.settings import Scenario

    Array = np.ndarray
    Noise = Callable[[np.random.Generator, int, float], Array]

FLIGHT_S = 1500.0
CELSIUS = 273.15
SPIKES = 0.001  # share of readings, either way
SLOW_S = 3.0  # time constant of a sensor that filters its own noise


@dataclass(frozen=True, slots=True)
class Channel:
    """What one channel of a flight said, and the air that the drone measured."""

    time_s: Array
    value: Array
    temperature: Array
    humidity: Array
    is_resistance: bool = False


def _pid(
    scenario: Scenario, rng: np.random.Generator, rate_hz: float, **changed: float
) -> tuple[Array, Array, Array]:
    """Reading, temperature [K] and humidity [1] of a flight without gas."""
    time_s = np.arange(0.0, FLIGHT_S, 1.0 / rate_hz)
    air = instruments.air_history(scenario.air, time_s, rng=rng)
    pid = replace(scenario.pid, **changed)
    value = instruments.pid_reading(
        pid, np.zeros(time_s.size), air, step_s=1.0 / rate_hz, response=1.0, rng=rng
    )
    warm, damp = instruments.measured_air(air, 1.0 / rate_hz, rng=rng)
    return value, warm + CELSIUS, damp / 100.0


def pid(rng: np.random.Generator, rate_hz: float) -> Channel:
    """A photo-ionisation detector as drawn for the other benchmarks."""
    value, warm, damp = _pid(draw_scenario(rng, "none"), rng, rate_hz)
    return Channel(np.arange(value.size) / rate_hz, value, warm, damp)


def pid_front(rng: np.random.Generator, rate_hz: float) -> Channel:
    """The same in air whose humidity steps by 10-18 %."""
    drawn = draw_scenario(rng, "none")
    step = rng.choice([-1.0, 1.0]) * rng.uniform(10.0, 18.0)
    air = replace(drawn.air, front_humidity_pct=step, front_width_s=rng.uniform(3.0, 20.0))
    value, warm, damp = _pid(replace(drawn, air=air), rng, rate_hz)
    return Channel(np.arange(value.size) / rate_hz, value, warm, damp)


def pid_unseen_front(rng: np.random.Generator, rate_hz: float) -> Channel:
    """The same without a humidity sensor."""
    found = pid_front(rng, rate_hz)
    nothing = np.full(found.value.size, np.nan)
    return replace(found, temperature=nothing, humidity=nothing)


def pid_warm_up(rng: np.random.Generator, rate_hz: float) -> Channel:
    """Switched on just before take-off: 100-300 noises of transient."""
    drawn = draw_scenario(rng, "none")
    size = rng.choice([-1.0, 1.0]) * drawn.pid.noise_ppb * rng.uniform(100.0, 300.0)
    value, warm, damp = _pid(
        drawn, rng, rate_hz, warm_up_ppb=float(size), offset_ppb=3.0 * abs(float(size))
    )
    return Channel(np.arange(value.size) / rate_hz, value, warm, damp)


def pid_coarse(rng: np.random.Generator, rate_hz: float) -> Channel:
    """Resolution of 20 ppb, several noises."""
    value, warm, damp = _pid(draw_scenario(rng, "none"), rng, rate_hz, resolution_ppb=20.0)
    return Channel(np.arange(value.size) / rate_hz, value, warm, damp)


def metal_oxide(rng: np.random.Generator, rate_hz: float) -> Channel:
    """A metal-oxide resistance."""
    return _metal_oxide(draw_scenario(rng, "none"), rng, rate_hz)


def metal_oxide_front(rng: np.random.Generator, rate_hz: float) -> Channel:
    """The same in air whose humidity steps by 10-18 %."""
    drawn = draw_scenario(rng, "none")
    step = rng.choice([-1.0, 1.0]) * rng.uniform(10.0, 18.0)
    air = replace(drawn.air, front_humidity_pct=step, front_width_s=rng.uniform(3.0, 20.0))
    return _metal_oxide(replace(drawn, air=air), rng, rate_hz)


def _metal_oxide(scenario: Scenario, rng: np.random.Generator, rate_hz: float) -> Channel:
    time_s = np.arange(0.0, FLIGHT_S, 1.0 / rate_hz)
    air = instruments.air_history(scenario.air, time_s, rng=rng)
    value = instruments.mox_resistance(
        scenario.mox[0], np.zeros(time_s.size), air, step_s=1.0 / rate_hz, rng=rng
    )
    warm, damp = instruments.measured_air(air, 1.0 / rate_hz, rng=rng)
    return Channel(time_s, value, warm + CELSIUS, damp / 100.0, is_resistance=True)


def _white(rng: np.random.Generator, size: int, _: float) -> Array:
    return rng.standard_normal(size)


def _heavy(rng: np.random.Generator, size: int, _: float) -> Array:
    """Student's t with 3 degrees of freedom."""
    return rng.standard_t(3.0, size)


def _spiky(rng: np.random.Generator, size: int, _: float) -> Array:
    spikes = rng.random(size) < SPIKES
    return rng.standard_normal(size) + spikes * rng.choice([-40.0, 40.0], size)


def _slow(rng: np.random.Generator, size: int, rate_hz: float) -> Array:
    """Noise of an amplifier before a filter of 3 s, and a little after it."""
    share = 1.0 - np.exp(-1.0 / (rate_hz * SLOW_S))
    return _filtered(rng.standard_normal(size) / np.sqrt(0.5 * share), share) + 0.2 * (
        rng.standard_normal(size)
    )


def _filtered(values: Array, share: float) -> Array:
    out = np.empty(values.size)
    level = 0.0
    for index, value in enumerate(values.tolist()):
        level += share * (value - level)
        out[index] = level
    return out


def _pink(rng: np.random.Generator, size: int, _: float) -> Array:
    """Noise of 1/f."""
    spectrum = np.fft.rfft(rng.standard_normal(size))
    frequency = np.maximum(np.fft.rfftfreq(size), 1.0 / size)
    values = np.fft.irfft(spectrum / np.sqrt(frequency), size)
    return values / values.std() * 3.0


def _held(rng: np.random.Generator, size: int, rate_hz: float) -> Array:
    """A sensor that measures once in 1 s, recorded more often."""
    every = max(round(rate_hz), 1)
    return np.repeat(rng.standard_normal(size // every + 1), every)[:size]


def plain(noise: Noise) -> Callable[[np.random.Generator, float], Channel]:
    """A channel of nothing but that noise, on a level that walks."""

    def drawn(rng: np.random.Generator, rate_hz: float) -> Channel:
        size = int(FLIGHT_S * rate_hz)
        walk = np.cumsum(rng.standard_normal(size)) * 0.03 / np.sqrt(rate_hz)
        nothing = np.full(size, np.nan)
        value = 100.0 + walk + noise(rng, size, rate_hz)
        return Channel(np.arange(size) / rate_hz, value, nothing, nothing)

    return drawn


KINDS: dict[str, Callable[[np.random.Generator, float], Channel]] = {
    "white noise": plain(_white),
    "heavy tails (Student, 3)": plain(_heavy),
    "spikes in 0.1 %": plain(_spiky),
    "filtered by 3 s": plain(_slow),
    "1/f noise": plain(_pink),
    "measured once a second": plain(_held),
    "PID": pid,
    "PID, steps of 20 ppb": pid_coarse,
    "PID, humidity front": pid_front,
    "PID, front unmeasured": pid_unseen_front,
    "PID, warm-up": pid_warm_up,
    "metal oxide": metal_oxide,
    "metal oxide, front": metal_oxide_front,
}
