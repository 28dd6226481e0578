"""Samplers that stand still."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sims.recording import flight_csv
from sims.samplers import Samplers, sampled
from sims.settings import Anemometer, Scenario, Source, Survey, Turbulence, Wind

PLACES = ((40.0, 0.0, 2.0), (-40.0, 0.0, 2.0), (40.0, 60.0, 2.0))
TO_THE_EAST = Scenario(
    gas="methane",
    source=(Source(east_m=0.0, north_m=0.0, height_m=1.0, rate_g_s=1.0),),
    wind=Wind(speed_m_s=4.0, from_deg=270.0, direction_sd_deg=3.0),
    survey=Survey(size_m=160.0),
    anemometer=Anemometer(bias_deg=0.0),
)
QUIET = Samplers(places=PLACES, duration_s=600.0, noise=0.0, offset_sd=0.0, background=2.0)


def values_of(scenario=TO_THE_EAST, samplers=QUIET, seed=1):
    flight = sampled(scenario, samplers, rng=np.random.default_rng(seed))
    return flight, flight.columns[samplers.column].reshape(-1, len(samplers.places))


def test_rows_are_minutes_by_sampler_and_only_the_one_downwind_smells_it():
    flight, values = values_of()
    assert values.shape == (10, 3)
    assert_allclose(np.diff(flight.time_ns[::3]), 60e9)
    assert_array_equal(flight.path.east.reshape(10, 3), np.tile([40.0, -40.0, 40.0], (10, 1)))
    assert (values[:, 0] > 2.1).all()
    assert_allclose(values[:, 1:], 2.0, atol=1e-3)


def test_a_mean_over_ten_minutes_is_the_mean_of_its_minutes():
    _, minutes = values_of()
    _, whole = values_of(samplers=replace(QUIET, averaging_s=600.0))
    assert_allclose(whole[0], minutes.mean(axis=0), rtol=1e-9)


def test_a_column_in_ppb_holds_a_thousand_times_that_in_ppm():
    _, ppm = values_of(samplers=replace(QUIET, background=0.0))
    _, ppb = values_of(samplers=replace(QUIET, background=0.0, column="ch4_ppb"))
    assert_allclose(ppb, 1000.0 * ppm)
    with pytest.raises(ValueError, match="ch4_ohm"):
        values_of(samplers=replace(QUIET, column="ch4_ohm"))


def test_wind_is_that_of_the_mast_s_height():
    high, _ = values_of(samplers=replace(QUIET, wind_height_m=10.0))
    low, _ = values_of(samplers=replace(QUIET, wind_height_m=2.0))
    ratio = low.columns["wind_speed_m_s"].mean() / high.columns["wind_speed_m_s"].mean()
    assert ratio == pytest.approx(np.log1p(2.0 / 0.05) / np.log1p(10.0 / 0.05), rel=0.02)
    assert_allclose(high.columns["wind_from_deg"].mean(), 270.0, atol=15.0)


def test_small_mole_fractions_survive_the_file():
    flight, values = values_of()
    lines = [line.split(",") for line in flight_csv(flight).splitlines()]
    column = lines[0].index("ch4_ppm")
    told = np.array([float(line[column]) for line in lines[1:]])
    assert_allclose(told, values.ravel(), atol=6e-5)


def test_eddies_are_met_as_well():
    scenario = replace(TO_THE_EAST, turbulence=Turbulence(kind="fourier"))
    _, values = values_of(scenario)
    assert values[:, 0].mean() > 2.1


def test_all_the_gas_passes_samplers_across_the_wind():
    across, upward = np.arange(-60.0, 61.0, 4.0), np.arange(0.5, 24.0, 1.5)
    curtain = tuple((40.0, float(y), float(z)) for z in upward for y in across)
    samplers = replace(QUIET, places=curtain, background=0.0, averaging_s=600.0)
    world = replace(TO_THE_EAST, wind=replace(TO_THE_EAST.wind, gradient_deg_100m=0.0))
    _, ppm = values_of(world, samplers)
    kelvin = world.air.temperature_c + 273.15
    kg_m3 = 1e-6 * ppm.reshape(upward.size, across.size) * 16.04e-3 * 101_325 / 8.314 / kelvin
    wind = 4.0 * np.log1p(upward / 0.05) / np.log1p(10.0 / 0.05)
    flux = (kg_m3 * wind[:, np.newaxis]).sum() * 4.0 * 1.5
    assert flux == pytest.approx(1e-3, rel=0.12)
