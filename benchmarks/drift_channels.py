"""What instruments that drift, and the same ones that do not, read of one simulated plume."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sims import instruments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from benchmarks.worlds import World
    from sims.settings import Mox, Pid
    from sims.simulate import SimulatedFlight

    FloatArray = NDArray[np.float64]

WEAK_PPB = (10.0, 50.0)  # 1-s peak of the plumes that are counted as found or missed


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One-second means of one channel on one flight; arrays of shape (n,), the channel's unit.

    `free` is the reading that drift would have left alone, less its offset.
    """

    time_s: FloatArray
    reading: FloatArray
    free: FloatArray
    truth: FloatArray
    temperature: FloatArray
    humidity: FloatArray
    noise: float
    family: str
    weak: bool


def channels(world: World) -> list[Channel]:
    """Photo-ionisation detector and metal oxide on a flight, its plume as it is and weak."""
    flight = world.flown()
    rng = np.random.default_rng((world.seed, 1))
    peak = float(flight.truth["peak_ppb"])
    gases = [(flight.gas_ppb, False)]
    if peak > 0.0:
        wanted = np.exp(rng.uniform(*np.log(WEAK_PPB)))
        gases.append((flight.gas_ppb * wanted / peak, True))
    seeds = rng.integers(2**31, size=2)
    return [
        made(flight, gas, weak=weak, rng=np.random.default_rng(seed))
        for gas, weak in gases
        for seed, made in zip(seeds, (_pid, _mox), strict=True)
    ]


def _pid(
    flight: SimulatedFlight, gas: FloatArray, *, weak: bool, rng: np.random.Generator
) -> Channel:
    pid = flight.scenario.pid
    still = replace(
        pid, drift_ppb_sqrt_s=0.0, warm_up_ppb=0.0, humidity_ppb_pct=0.0, temperature_ppb_c=0.0
    )
    silent = replace(still, noise_ppb=0.0, resolution_ppb=1e-6)

    def read(sensor: Pid, air: instruments.AirHistory, rng: np.random.Generator) -> FloatArray:
        return instruments.pid_reading(
            sensor, gas, air, step_s=_step_s(flight), response=1.0, rng=rng
        )

    sensors = (pid, still, silent)
    noise = float(np.hypot(pid.noise_ppb, pid.resolution_ppb / np.sqrt(12.0)))
    return _channel(flight, read, sensors, pid.offset_ppb, noise, "pid", weak=weak, rng=rng)


def _mox(
    flight: SimulatedFlight, gas: FloatArray, *, weak: bool, rng: np.random.Generator
) -> Channel:
    mox = flight.scenario.mox[0]
    still = replace(mox, drift_sqrt_s=0.0, humidity_per_pct=0.0, temperature_per_c=0.0)
    silent = replace(still, noise=0.0)

    def read(sensor: Mox, air: instruments.AirHistory, rng: np.random.Generator) -> FloatArray:
        return -np.log(
            instruments.mox_resistance(sensor, gas, air, step_s=_step_s(flight), rng=rng)
        )

    offset = -np.log(mox.clean_air_ohm)
    return _channel(
        flight, read, (mox, still, silent), offset, mox.noise, "mox", weak=weak, rng=rng
    )


def _channel(
    flight: SimulatedFlight,
    read: Callable[..., FloatArray],
    sensors: Sequence[Pid | Mox],
    offset: float,
    noise: float,
    family: str,
    *,
    weak: bool,
    rng: np.random.Generator,
) -> Channel:
    """One-second means of the same noise through a sensor that drifts, does not, is silent."""
    air_rng, climate_rng = rng.spawn(2)
    rate = round(1.0 / _step_s(flight))
    air = instruments.air_history(flight.scenario.air, flight.path.time_s, rng=air_rng)
    climate = instruments.measured_air(air, _step_s(flight), rng=climate_rng)
    seed = rng.integers(2**31)
    drifting, free, silent = (
        _means(read(sensor, air, np.random.default_rng(seed)), rate) for sensor in sensors
    )
    return Channel(
        time_s=_means(flight.path.time_s, rate),
        reading=drifting,
        free=free - offset,
        truth=silent - offset,
        temperature=_means(climate[0], rate) + 273.15,
        humidity=_means(climate[1], rate) / 100.0,
        noise=noise / np.sqrt(rate),
        family=family,
        weak=weak,
    )


def _step_s(flight: SimulatedFlight) -> float:
    return 1.0 / flight.scenario.survey.rate_hz


def _means(values: FloatArray, width: int) -> FloatArray:
    whole = values.size // width * width
    return np.asarray(values[:whole].reshape(-1, width).mean(axis=1))
