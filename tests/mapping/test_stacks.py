from __future__ import annotations

import math

import numpy as np
import pytest

from mapping.concentration import Readings
from mapping.grid import Grid
from mapping.interpolate import kernel_dmvw, weight_beside_line
from mapping.stacks import height_maps, time_maps
from tests import naive_mapping as naive

START = np.datetime64("2026-05-01T10:00:00", "ns")


@pytest.fixture
def grid(utm):
    return Grid(crs=utm, west=0.0, north=60.0, cell_m=3.0, nx=20, ny=20)


@pytest.fixture
def flight(rng):
    """Two levels over the same lines, strong gas at the lower only."""
    x = np.tile(np.concatenate([np.linspace(0, 60, 60), np.linspace(60, 0, 60)]), 6)
    y = np.tile(np.repeat(np.arange(6) * 10.0 + 5.0, 60), 2)
    height = np.repeat([5.0, 20.0], 360)
    value = np.where(height < 10.0, 10.0, 1.0) + rng.normal(0.0, 0.2, x.size)
    time = START + np.arange(x.size) * np.timedelta64(1, "s")
    return Readings.of(x, y, value), height, time


def test_a_height_sees_the_readings_near_it(flight, grid):
    readings, height, _ = flight
    stack = height_maps(
        grid, readings, height, levels_m=(5.0, 20.0), width_m=6.0, height_width_m=3.0, unit="ppb"
    )
    assert stack["concentration_mean"].dims == ("height", "y", "x")
    low, high = stack["concentration_mean"].mean(("y", "x")).to_numpy()
    assert low == pytest.approx(10.0, abs=0.3)
    assert high == pytest.approx(1.0, abs=0.3)
    assert (stack["concentration_std"] < 1.0).where(stack["confidence"] > 0.9).all()


def test_a_height_nobody_flew_at_is_unknown(flight, grid):
    readings, height, _ = flight
    stack = height_maps(
        grid, readings, height, levels_m=(5.0, 60.0), width_m=6.0, height_width_m=3.0, unit="ppb"
    )
    known = np.isfinite(stack["concentration_mean"]).any(("y", "x"))
    assert known.to_numpy().tolist() == [True, False]
    assert (stack["confidence"][1] < 1e-6).all()


def test_a_layer_is_that_of_its_naive_twin(flight, grid):
    readings, height, time = flight
    samples = readings.east, readings.north, readings.value
    sure = weight_beside_line(readings.east, readings.north, 6.0)
    heights = height_maps(
        grid, readings, height, levels_m=(8.0,), width_m=6.0, height_width_m=4.0, unit="ppb"
    )
    moments = np.array([START + np.timedelta64(200, "s")])
    times = time_maps(grid, readings, time, moments=moments, width_m=6.0, scale_s=90.0, unit="ppb")
    seconds = np.arange(720.0)
    by_age = np.exp(-abs(seconds - 200.0) / 90.0)
    for stack, share, overall in (
        (heights, np.exp(-0.5 * ((height - 8.0) / 4.0) ** 2), readings.value.mean()),
        (times, by_age, np.average(readings.value, weights=by_age)),
    ):
        for row, column in ((9, 4), (12, 11)):
            place = grid.eastings[column], grid.northings[row]
            total, mean = naive.layered_mean(samples, share, place, width_m=6.0)
            alpha = 1.0 - math.exp(-((total / sure) ** 2))
            assert float(stack["confidence"][0, row, column]) == pytest.approx(alpha, abs=1e-6)
            if alpha >= 0.5:
                expected = alpha * mean + (1.0 - alpha) * overall
                found = float(stack["concentration_mean"][0, row, column])
                assert found == pytest.approx(expected, rel=1e-6)


def test_very_wide_layers_are_the_flat_map(flight, grid):
    readings, height, time = flight
    flat = kernel_dmvw(grid, (readings.east, readings.north, readings.value), width_m=6.0)
    tall = height_maps(
        grid, readings, height, levels_m=(9.0,), width_m=6.0, height_width_m=1e6, unit="ppb"
    )
    long = time_maps(grid, readings, time, moments=time[:1], width_m=6.0, scale_s=1e12, unit="ppb")
    for stack in (tall, long):
        np.testing.assert_allclose(stack["concentration_mean"][0], flat.mean, rtol=1e-6)
        np.testing.assert_allclose(stack["concentration_std"][0] ** 2, flat.variance, rtol=1e-6)


def test_a_moment_forgets_what_was_long_before(flight, grid):
    readings, _, time = flight
    moments = time[[150, 550]]
    stack = time_maps(grid, readings, time, moments=moments, width_m=6.0, scale_s=60.0, unit="ppb")
    early, late = (float(one) for one in stack["concentration_mean"].median(("y", "x")))
    assert early == pytest.approx(10.0, abs=0.5)
    assert late == pytest.approx(1.0, abs=0.5)
    assert np.array_equal(stack["time"], moments)
    assert np.isnan(stack["concentration_mean"][0]).any()


def test_a_map_drawn_at_the_time_knows_nothing_of_later(flight, grid):
    readings, _, time = flight
    options = {"moments": time[[300]], "width_m": 6.0, "scale_s": 200.0, "unit": "ppb"}
    stack = time_maps(grid, readings, time, is_causal=True, **options)
    past = time_maps(grid, readings[:301], time[:301], is_causal=True, **options)
    np.testing.assert_allclose(stack["concentration_mean"], past["concentration_mean"], rtol=1e-6)


def test_readings_of_unknown_height_take_no_part(flight, grid):
    readings, height, _ = flight
    height[:360] = np.nan
    stack = height_maps(
        grid, readings, height, levels_m=(20.0,), width_m=6.0, height_width_m=50.0, unit="ppb"
    )
    assert float(stack["concentration_mean"].max()) < 2.0


def test_a_width_that_is_no_width_is_refused(flight, grid):
    readings, height, time = flight
    with pytest.raises(ValueError, match="widths must be positive"):
        height_maps(
            grid, readings, height, levels_m=(5.0,), width_m=6.0, height_width_m=0.0, unit="1"
        )
    with pytest.raises(ValueError, match="time scale"):
        time_maps(grid, readings, time, moments=time[:1], width_m=6.0, scale_s=-1.0, unit="1")
    with pytest.raises(ValueError, match="no layer"):
        time_maps(grid, readings, time, moments=time[:0], width_m=6.0, scale_s=1.0, unit="1")
