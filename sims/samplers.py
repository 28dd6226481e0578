"""Samplers that stand still: what each takes in over a while, in a world like any other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sims import instruments
from sims.flightpath import FlightPath
from sims.plume import concentration
from sims.releases import release_of
from sims.simulate import SimulatedFlight
from sims.site import geographic, utc_ns
from sims.turbulence import eddies, gusts
from sims.wind import profile
from sims.world import ppb_per_kg_m3, world_truth, world_wind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sims.settings import Scenario
    from sims.wind import WindHistory

    FloatArray = NDArray[np.float64]

__all__ = ["Samplers", "sampled"]

_RATE_HZ = 5.0
_PPB_OF = {"ppb": 1.0, "ppm": 1e3}


@dataclass(frozen=True, kw_only=True)
class Samplers:
    """Where samplers stand, how long each value takes, and what they make of it.

    Attributes
    ----------
    places : tuple of (east, north, height)
        [m].
    averaging_s, duration_s : float
        A value each of the first for as long as the second; no drift and no lag.
    wind_height_m : float
        Of the one wind mast, at the site's origin.
    column : str
        Named for the gas and its unit, ppb or ppm.
    background, noise, offset_sd : float
        In the column's unit: of the air, of each value, and from sampler to sampler.
    """

    places: tuple[tuple[float, float, float], ...]
    averaging_s: float = 60.0
    duration_s: float = 1200.0
    wind_height_m: float = 10.0
    column: str = "ch4_ppm"
    background: float = 2.0
    noise: float = 0.01
    offset_sd: float = 0.02


def sampled(scenario: Scenario, samplers: Samplers, *, rng: np.random.Generator) -> SimulatedFlight:
    """Let samplers that stand still take in the air of a world.

    Parameters
    ----------
    scenario : Scenario
        Its survey and drone's instruments are not used but for the size of the site.
    samplers : Samplers
    rng : numpy.random.Generator

    Returns
    -------
    SimulatedFlight
        A row for each value, by time and then by sampler; time is the middle of what is
        averaged. Wind is the vector mean at the mast.

    Raises
    ------
    ValueError
        The column's unit is neither ppb nor ppm.
    """
    wind_rng, plume_rng, _, air_rng, instrument_rng = rng.spawn(5)
    per_value = max(round(samplers.averaging_s * _RATE_HZ), 1)
    values = max(int(samplers.duration_s / samplers.averaging_s), 1)
    end_s = values * per_value / _RATE_HZ
    wind = world_wind(scenario, end_s, rate_hz=_RATE_HZ, rng=wind_rng)
    whirl = eddies(scenario.turbulence, scenario.wind, rng=wind_rng)
    places = np.array(samplers.places, dtype=np.float64)
    time_s = np.arange(values * per_value) / _RATE_HZ
    air = instruments.air_history(scenario.air, time_s, rng=air_rng)
    inlet_kg_m3 = concentration(
        np.broadcast_to(places, (time_s.size, *places.shape)),
        wind,
        rate_hz=_RATE_HZ,
        release=release_of(scenario, wind.time_s),
        gusts=gusts(scenario.turbulence, scenario.wind),
        eddies=whirl,
        rng=plume_rng,
    )
    gas_ppb = inlet_kg_m3 * ppb_per_kg_m3(scenario.gas, air)[:, np.newaxis]
    mean_ppb = gas_ppb.reshape(values, per_value, -1).mean(axis=1)
    middle_s = (np.arange(values, dtype=np.float64) + 0.5) * (per_value / _RATE_HZ)
    path = _rows(middle_s, places)
    mast = _at_mast(wind, samplers, scenario, time_s)
    mast_rng, gas_rng = instrument_rng.spawn(2)
    told = _measured(scenario, mast, rng=mast_rng)
    east, north, told_east, told_north = (
        np.repeat(series.reshape(values, per_value).mean(axis=1), len(places))
        for series in (*mast, *told)
    )
    return SimulatedFlight(
        time_ns=utc_ns(scenario.site, path.time_s),
        columns=_columns(scenario, samplers, path, (told_east, told_north), mean_ppb, rng=gas_rng),
        gas_ppb=mean_ppb.ravel(),
        path=path,
        wind_east=east,
        wind_north=north,
        truth=world_truth(scenario, float(mean_ppb.max(initial=0.0)), end_s),
        scenario=scenario,
    )


def _at_mast(
    wind: WindHistory, samplers: Samplers, scenario: Scenario, time_s: FloatArray
) -> FloatArray:
    """True wind without gusts, of which a mean over a minute keeps little, shape (2, n)."""
    still = np.zeros(time_s.size)
    fraction = profile(samplers.wind_height_m, scenario.wind.roughness_m)
    return np.asarray(fraction * np.stack(wind.at(time_s, still, still)))


def _measured(
    scenario: Scenario, wind: FloatArray, *, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Wind as the mast's sensor has it, towards [m s-1]."""
    speed, from_deg = instruments.measured_wind(
        scenario.anemometer, wind[0], wind[1], rate_hz=_RATE_HZ, rng=rng
    )
    return -speed * np.sin(np.deg2rad(from_deg)), -speed * np.cos(np.deg2rad(from_deg))


def _rows(middle_s: FloatArray, places: FloatArray) -> FlightPath:
    """Time and place of every value."""
    east, north, height = np.tile(places, (middle_s.size, 1)).T
    return FlightPath(np.repeat(middle_s, len(places)), east, north, height)


def _columns(
    scenario: Scenario,
    samplers: Samplers,
    path: FlightPath,
    wind: tuple[FloatArray, FloatArray],
    mean_ppb: FloatArray,
    *,
    rng: np.random.Generator,
) -> dict[str, FloatArray]:
    unit = samplers.column.rpartition("_")[2]
    if unit not in _PPB_OF:
        raise ValueError(f"the unit of column {samplers.column!r} is none of {sorted(_PPB_OF)}")
    latitude, longitude = geographic(scenario.site, path.east, path.north)
    offset = samplers.offset_sd * rng.standard_normal(mean_ppb.shape[1])
    noise = samplers.noise * rng.standard_normal(mean_ppb.shape)
    value = samplers.background + mean_ppb / _PPB_OF[unit] + offset + noise
    return {
        "latitude": latitude,
        "longitude": longitude,
        "altitude_agl_m": path.height,
        "wind_speed_m_s": np.hypot(*wind),
        "wind_from_deg": np.rad2deg(np.arctan2(-wind[0], -wind[1])) % 360.0,
        samplers.column: value.ravel(),
    }
