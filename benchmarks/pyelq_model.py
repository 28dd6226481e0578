"""pyELQ set up as its own examples do, on one of our flights. Needs pyELQ."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from pyelq.component.background import SpatioTemporalBackground
from pyelq.component.error_model import BySensor
from pyelq.component.source_model import Normal
from pyelq.coordinate_system import ENU
from pyelq.dispersion_model.gaussian_plume import GaussianPlume
from pyelq.gas_species import GasSpecies
from pyelq.meteorology.meteorology import Meteorology
from pyelq.model import ELQModel
from pyelq.sensor.sensor import Sensor, SensorGroup
from pyelq.source_map import SourceMap

from benchmarks.worlds import GAS
from detection.source.observations import bin_samples
from mapping.grid import to_geographic
from sensors.gases import resolve

if TYPE_CHECKING:
    from detection.source.observations import Observations
    from mapping.area import Domain

ITERATIONS = 5000
BURN_IN = 2500
_STEP_M = ((5.0,), (5.0,), (0.3,))  # its own 1 m would take far longer to cross a site
_BIN_S = 2.0
_TOP_M = 5.0
_TURBULENCE_DEG = (8.0, 5.0)  # what a neutral wind over grass has
_BACKGROUND_STEP_PPM, _BACKGROUND_SD_PPM = 1e-4, 2e-3  # the readings come corrected
_KG_H = 3.6  # kg/h in a g/s


class Emissions(NamedTuple):
    """Every source in every kept draw: place [m] and rate [g s-1]; the number of draws."""

    east: np.ndarray
    north: np.ndarray
    rate: np.ndarray
    draws: int


def emissions(seen: Observations, domain: Domain) -> Emissions:
    """Run pyELQ on a series; the domain says where its axes are."""
    west, south, _, _ = _flown(seen)
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        model = _model(domain, seen, np.random.default_rng(1))
        model.initialise()
        model.to_mcmc()
        model.run_mcmc()
        model.from_mcmc()
    store, labels = model.mcmc.store, model.components["source"].map
    places = store[labels["source_location"]][:, :, BURN_IN:]
    rates = store[labels["source"]][:, BURN_IN:]
    there = np.isfinite(places[0]) & np.isfinite(rates) & (rates > 0)
    return Emissions(
        east=places[0][there] + west,
        north=places[1][there] + south,
        rate=rates[there] / _KG_H,
        draws=rates.shape[1],
    )


def _model(domain: Domain, seen: Observations, rng: np.random.Generator) -> Any:
    """pyELQ set up as its examples do, on this flight."""

    west, south, east, north = _flown(seen)
    latitude, longitude = to_geographic(domain.crs, [west], [south])
    reference = {
        "ref_latitude": float(latitude[0]),
        "ref_longitude": float(longitude[0]),
        "ref_altitude": 0.0,
    }
    binned = _binned(seen)
    gas = _species()
    sensors, weather = _measured(binned, west, south, reference, gas)
    limits = np.array([[0.0, east - west], [0.0, north - south], [0.0, _TOP_M]])
    start = SourceMap()
    np.random.seed(int(rng.integers(2**31)))  # noqa: NPY002 - the only seed pyELQ takes
    start.generate_sources(
        coordinate_object=ENU(**reference),
        sourcemap_limits=limits,
        sourcemap_type="hypercube",
        nof_sources=3,
    )
    source = Normal()
    source.emission_rate_mean = np.array([0.0], ndmin=1)
    source.initial_precision = np.array([1 / 2.5**2], ndmin=1)
    source.reversible_jump = True
    source.rate_num_sources = 1.0
    source.dispersion_model = GaussianPlume(start)
    source.site_limits = limits
    source.random_walk_step_size = np.array(_STEP_M)
    # a passing drone is in any plume for less than the 5 % of the time that pyELQ presumes
    source.threshold_function = lambda couplings: np.max(couplings, axis=0)
    source.coverage_detection, source.coverage_test_source = 1e-9, 1e9
    background = SpatioTemporalBackground()
    background.mean_bg = 0.0
    background.initial_precision = 1 / _BACKGROUND_STEP_PPM**2
    background.precision_time_0 = 1 / _BACKGROUND_SD_PPM**2
    error = BySensor()
    error.initial_precision = 1 / max(float(np.median(binned["sigma"])), 1e-4) ** 2
    model = ELQModel(
        sensor_object=sensors,
        meteorology=weather,
        gas_species=gas,
        background=background,
        source_model=source,
        error_model=error,
    )
    model.n_iter = ITERATIONS
    return model


def _flown(seen: Observations) -> tuple[float, float, float, float]:
    """West, south, east and north of the track [m]."""
    return seen.east.min(), seen.north.min(), seen.east.max(), seen.north.max()


def _binned(seen: Observations) -> dict[str, np.ndarray]:
    """Means over 2 s of readings [ppm] and wind, by pyELQ's names."""
    ppm = 1e6 / _density_kg_m3()
    columns = {
        "east": seen.east,
        "north": seen.north,
        "height": seen.height,
        "ppm": seen.concentration * ppm,
        "sigma": seen.sigma * ppm,
        "u": np.interp(seen.time_s, seen.wind_time_s, seen.eastward_wind),
        "v": np.interp(seen.time_s, seen.wind_time_s, seen.northward_wind),
    }
    middle, means, _ = bin_samples(seen.time_s, columns, width_s=_BIN_S)
    return {"time": middle, **means}


def _measured(
    binned: dict[str, np.ndarray], west: float, south: float, reference: dict[str, float], gas: Any
) -> tuple[Any, Any]:

    times = pd.array(
        pd.Timestamp("2026-01-01") + pd.to_timedelta(binned["time"], unit="s"),
        dtype="datetime64[ns]",
    )
    sensor = Sensor()
    sensor.label, sensor.time, sensor.concentration = gas.name, times, binned["ppm"]
    sensor.location = ENU(
        **reference,
        east=binned["east"] - west,
        north=binned["north"] - south,
        up=binned["height"],
    ).to_lla()
    group = SensorGroup()
    group.add_sensor(sensor)
    weather = Meteorology()
    weather.time, weather.u_component, weather.v_component = times, binned["u"], binned["v"]
    weather.calculate_wind_direction_from_uv()
    weather.calculate_wind_speed_from_uv()
    weather.temperature = np.full(len(times), 288.15)
    weather.pressure = np.full(len(times), 101.325)
    weather.wind_turbulence_horizontal = np.full(len(times), _TURBULENCE_DEG[0])
    weather.wind_turbulence_vertical = np.full(len(times), _TURBULENCE_DEG[1])
    return group, weather


def _density_kg_m3() -> float:
    return 101_325.0 * resolve(GAS).molar_mass_kg_mol / (8.314462618 * 288.15)


def _species() -> Any:

    gas = resolve(GAS)

    class _Species(GasSpecies):
        global_background = 0.0
        name = gas.name
        formula = gas.formula
        molar_mass = 1e3 * gas.molar_mass_kg_mol

    return _Species()
