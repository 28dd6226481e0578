"""One call from a scenario to a recorded flight with a known truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sensors.gases import pid_factor, visible
from sims import instruments
from sims.faults import with_clock_ahead
from sims.flightpath import FlightPath, flight_path
from sims.plume import concentration
from sims.releases import release_of
from sims.site import geographic, utc_ns
from sims.turbulence import Eddies, Gusts, eddies, eddy_wind, gusts
from sims.wakes import wake_table, waked_along
from sims.wind import WindHistory, ornstein_uhlenbeck, profile
from sims.world import one_second_peak, ppb_per_kg_m3, world_truth, world_wind

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from sims.settings import Scenario

    FloatArray = NDArray[np.float64]

__all__ = ["SimulatedFlight", "simulate"]


@dataclass(frozen=True)
class SimulatedFlight:
    """What was recorded, and what was true.

    Attributes
    ----------
    time_ns : ndarray of int64, shape (n,)
        UTC.
    columns : dict of str to ndarray, shape (n,)
        Named and in the units of the flight CSV contract; NaN is missing.
    gas_ppb : ndarray, shape (n,)
        True mole fraction of the gas at the inlet [1e-9], without lag or noise.
    path : FlightPath
        True positions.
    wind_east, wind_north : ndarray, shape (n,)
        True wind at the drone [m s-1], towards.
    truth : dict
        As `simulate --truth` writes it: kind, sources, peak_ppb.
    scenario : Scenario
    """

    time_ns: NDArray[np.int64]
    columns: dict[str, FloatArray]
    gas_ppb: FloatArray
    path: FlightPath
    wind_east: FloatArray
    wind_north: FloatArray
    truth: dict[str, Any]
    scenario: Scenario


def simulate(scenario: Scenario, *, rng: np.random.Generator) -> SimulatedFlight:
    """Fly a survey through a simulated world.

    Parameters
    ----------
    scenario : Scenario
    rng : numpy.random.Generator
        Each part of the world has its own stream of it: the same seed gives the same wind
        and noise whatever the sources.

    Returns
    -------
    SimulatedFlight

    Raises
    ------
    ConfigError
        The scenario's gas is not in the gas table.
    """
    wind_rng, plume_rng, path_rng, air_rng, instrument_rng = rng.spawn(5)
    path = flight_path(scenario.survey, rng=path_rng)
    end_s = float(path.time_s[-1])
    wind = world_wind(scenario, end_s, rate_hz=scenario.survey.rate_hz, rng=wind_rng)
    whirl = eddies(scenario.turbulence, scenario.wind, rng=wind_rng)
    own = gusts(scenario.turbulence, scenario.wind)
    air = instruments.air_history(scenario.air, path.time_s, rng=air_rng)
    inlet_kg_m3 = concentration(
        np.stack((path.east, path.north, path.height), axis=1)[:, np.newaxis, :],
        wind,
        rate_hz=scenario.survey.rate_hz,
        release=release_of(scenario, wind.time_s),
        gusts=own,
        eddies=whirl,
        rng=plume_rng,
    )[:, 0]
    gas_ppb = scenario.gas_efficiency * inlet_kg_m3 * ppb_per_kg_m3(scenario.gas, air)
    wind_here = _wind_at_drone(scenario, path, wind, own, whirl, rng=wind_rng)
    return SimulatedFlight(
        time_ns=utc_ns(scenario.site, path.time_s),
        columns=_columns(scenario, path, wind_here, air, gas_ppb, rng=instrument_rng),
        gas_ppb=gas_ppb,
        path=path,
        wind_east=wind_here[0],
        wind_north=wind_here[1],
        truth=world_truth(scenario, one_second_peak(gas_ppb, scenario.survey.rate_hz), end_s),
        scenario=scenario,
    )


def _wind_at_drone(
    scenario: Scenario,
    path: FlightPath,
    wind: WindHistory,
    own: Gusts,
    whirl: Eddies,
    *,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """The wind that blows at the drone, gusts included [m s-1], towards."""
    east, north = wind.at(path.time_s, path.east, path.north)
    if scenario.wake:
        east, north = waked_along(wake_table(scenario.wake), path.east, path.north, east, north)
    fraction = profile(path.height, scenario.wind.roughness_m)
    # Gusts pass the moving drone within the time it needs to cross them.
    level = scenario.survey.height_m
    length = own.horizontal_ratio * (own.scale_base_m + own.scale_slope * level)
    crossing_s = length / max(scenario.survey.speed_m_s, scenario.wind.speed_m_s)
    step_s = 1.0 / scenario.survey.rate_hz
    along, across = (
        sigma * ornstein_uhlenbeck(east.size, step_s, time_scale_s=crossing_s, rng=rng)
        for sigma in (own.sigma_u, own.sigma_v)
    )
    speed = np.hypot(east, north) + 1e-9
    cos, sin = east / speed, north / speed
    eddy = _eddies_along(whirl, path, wind)
    return (
        fraction * east + cos * along - sin * across + eddy[:, 0],
        fraction * north + sin * along + cos * across + eddy[:, 1],
    )


def _eddies_along(whirl: Eddies, path: FlightPath, wind: WindHistory) -> FloatArray:
    """Velocity of the eddies along the flight [m s-1], shape (n, 3)."""
    step_s = wind.time_s[1] - wind.time_s[0]
    # What the plume's kernel has added up by the start of each step.
    swept = [
        np.interp(
            path.time_s, wind.time_s, np.concatenate(([0.0], np.cumsum(velocity)[:-1])) * step_s
        )
        for velocity in (wind.east, wind.north)
    ]
    places = np.stack((path.east, path.north, path.height), axis=1)
    return np.asarray(eddy_wind(whirl, places, np.stack(swept, axis=1)))


def _columns(
    scenario: Scenario,
    path: FlightPath,
    wind: tuple[FloatArray, FloatArray],
    air: instruments.AirHistory,
    gas_ppb: FloatArray,
    *,
    rng: np.random.Generator,
) -> dict[str, FloatArray]:
    """What every instrument wrote down, each from its own stream of random numbers."""
    wind_rng, gps_rng, air_rng, pid_rng, mox_rng = rng.spawn(5)
    rate_hz = scenario.survey.rate_hz
    step_s = 1.0 / rate_hz
    error = instruments.position_error(scenario.receiver, gas_ppb.size, step_s=step_s, rng=gps_rng)
    latitude, longitude = geographic(scenario.site, path.east + error[0], path.north + error[1])
    speed, from_deg = instruments.measured_wind(
        scenario.anemometer, *wind, rate_hz=rate_hz, rng=wind_rng
    )
    temperature, humidity = instruments.measured_air(air, step_s, rng=air_rng)
    columns = {
        "latitude": latitude,
        "longitude": longitude,
        "altitude_agl_m": path.height + 0.5 * error[2],
        "wind_speed_m_s": speed,
        "wind_from_deg": from_deg,
        "temperature_c": temperature,
        "relative_humidity_pct": humidity,
        "pid_ppb": instruments.pid_reading(
            scenario.pid,
            gas_ppb,
            air,
            step_s=step_s,
            response=_pid_response(scenario),
            rng=pid_rng,
        ),
    }
    for number, mox in enumerate(scenario.mox, start=1):
        columns[f"mox{number}_ohm"] = instruments.mox_resistance(
            mox, gas_ppb, air, step_s=step_s, rng=mox_rng
        )
    return with_clock_ahead(columns, round(scenario.gas_clock_s * rate_hz))


def _pid_response(scenario: Scenario) -> float:
    """Reading in isobutylene equivalents per gas present; zero for what the lamp cannot ionise."""
    if not visible(scenario.gas, "pid"):
        return 0.0
    return 1.0 / (scenario.pid.response_factor or pid_factor(scenario.gas) or 1.0)
