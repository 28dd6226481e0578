"""Footprints: against a slow twin, upwind of the reading, and through the sensor's lag."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detection.source.footprint import footprints, path_of
from detection.source.lattice import Lattice
from detection.source.observations import Observations
from detection.source.prior import Nuisances
from detection.source.sensor_memory import respond
from tests import naive_source

DOMAIN = (-60.0, -50.0, 60.0, 50.0)
NUISANCES = Nuisances(
    release_height_m=1.5,
    lateral_sd=0.5,
    vertical_sd=0.3,
    lateral_time_scale_s=25.0,
    eddy_length_m=2.4,
    eddy_growth=0.0,
    roughness_m=0.08,
    wind_bias_rad=0.0,
    wind_speed_factor=1.0,
    rise_s=0.0,
    decay_s=0.0,
)


def readings(wind, *, height=6.0, wind_height_m=10.0):
    """A reading near the middle every 15 s, in a wind given as a function of time."""
    time = np.arange(0.0, 301.0, 15.0)
    east, north = wind(time)
    ones = np.ones_like(time)
    return Observations(
        time_s=time,
        east=np.linspace(-15, 15, time.size),
        north=np.linspace(10, -10, time.size),
        height=height * ones,
        concentration=0 * ones,
        sigma=ones,
        wind_time_s=time,
        eastward_wind=east * ones,
        northward_wind=north * ones,
        wind_height_m=wind_height_m,
    )


WINDS = {
    "from the west": lambda time: (3.0, 0.0),
    "from the south": lambda time: (0.0, 2.0),
    "veering": lambda time: (2.5 * np.cos(time / 80), 2.5 * np.sin(time / 80)),
    "calm": lambda time: (0.0, 0.0),
}


def kernel_and_centres(observations, *, cell_m=4.0, **changes):
    lattice = Lattice.covering(DOMAIN, cell_m)
    path = path_of(observations, DOMAIN)
    kernel = footprints(path, lattice, dataclasses.replace(NUISANCES, **changes))
    return kernel, lattice.centres(), path


@pytest.mark.parametrize(("name", "bias"), [(name, 0.0) for name in WINDS] + [("veering", 0.3)])
def test_footprints_equal_their_naive_twin(name, bias):
    """To a few percent: the twin's ages are dense, and in a calm the fast code's are few."""
    close = 0.4 if name == "calm" else 0.07
    observations = readings(WINDS[name])
    kernel, centres, path = kernel_and_centres(
        observations, wind_bias_rad=bias, wind_speed_factor=0.9
    )
    air = naive_source.Air(
        time_s=observations.wind_time_s,
        eastward=observations.eastward_wind,
        northward=observations.northward_wind,
        wind_height_m=10.0,
        turned_rad=bias,
        speed_factor=0.9,
        lateral_sd=NUISANCES.lateral_sd,
        lateral_scale_s=NUISANCES.lateral_time_scale_s,
        vertical_sd=NUISANCES.vertical_sd,
        vertical_scale_s=NUISANCES.eddy_length_m / NUISANCES.vertical_sd,
        roughness_m=NUISANCES.roughness_m,
    )
    ages = np.concatenate([np.geomspace(0.05, 60, 120), np.geomspace(61, path.oldest_s, 30)])
    for i in (3, 16):
        reading = [getattr(observations, key)[i] for key in ("time_s", "east", "north", "height")]
        expected = naive_source.footprint(
            reading, centres, air, release_height=1.5, ages=ages,
            least_m=np.hypot(1.0, 4.0 / np.sqrt(12)),
        )  # fmt: skip
        assert_allclose(kernel[i], expected, atol=close * expected.max())
        assert_allclose(kernel[i].sum(), expected.sum(), rtol=close)


@pytest.mark.parametrize(
    ("wind", "towards"),
    [((3.0, 0.0), (-1, 0)), ((-3.0, 0.0), (1, 0)), ((0.0, 3.0), (0, -1)), ((0.0, -3.0), (0, 1))],
)
def test_gas_comes_from_upwind(wind, towards):
    observations = readings(lambda time: wind)
    kernel, (east, north), _ = kernel_and_centres(observations)
    for i in (0, 20):
        weight = kernel[i] / kernel[i].sum()
        offset = (weight @ east - observations.east[i], weight @ north - observations.north[i])
        along = offset[0] * towards[0] + offset[1] * towards[1]
        across = offset[0] * towards[1] - offset[1] * towards[0]
        assert along > 15
        assert abs(across) < 3


def test_a_positive_wind_bias_turns_the_wind_anticlockwise():
    kernel, (east, north), _ = kernel_and_centres(
        readings(WINDS["from the west"]), wind_bias_rad=0.4
    )
    weight = kernel[10] / kernel[10].sum()  # at (0, 0); wind towards north of east
    angle = np.arctan2(-(weight @ north), -(weight @ east))
    assert_allclose(angle, 0.4, atol=0.05)


def test_footprints_move_with_the_readings():
    observations = readings(WINDS["veering"])
    moved = dataclasses.replace(
        observations, east=observations.east + 8.0, north=observations.north - 12.0
    )
    lattice = Lattice.covering(DOMAIN, 4.0)
    here = footprints(path_of(observations, DOMAIN), lattice, NUISANCES).reshape(-1, 25, 30)
    there = footprints(path_of(moved, DOMAIN), lattice, NUISANCES).reshape(-1, 25, 30)
    assert_allclose(there[:, :-3, 2:], here[:, 3:, :-2], rtol=1e-4, atol=1e-9)


def test_footprints_do_not_depend_on_which_cells_are_active():
    observations = readings(WINDS["veering"])
    whole = Lattice.covering(DOMAIN, 4.0)
    mask = np.random.default_rng(0).random(whole.index.shape) < 0.3
    part = whole.restricted(mask)
    path = path_of(observations, DOMAIN)
    assert part.size == mask.sum()
    expected = footprints(path, whole, NUISANCES)[:, whole.index[mask]]
    assert np.array_equal(footprints(path, part, NUISANCES), expected)
    east, north = whole.centres()
    assert_allclose(part.centres(), [east[whole.index[mask]], north[whole.index[mask]]])


def test_smaller_cells_see_the_same_gas():
    observations = readings(WINDS["from the west"])
    coarse, _, _ = kernel_and_centres(observations, cell_m=4.0)
    fine, _, _ = kernel_and_centres(observations, cell_m=2.0)
    assert_allclose(fine.sum(axis=1), 4 * coarse.sum(axis=1), rtol=0.05)


def test_a_crosswind_line_catches_all_the_gas_a_source_gives():
    """Flux through a curtain: the sum of speed times concentration is the rate."""
    heights, offsets = np.arange(0.25, 40, 0.5), np.arange(-40, 41, 1.0)
    height, north = (grid.ravel() for grid in np.meshgrid(heights, offsets))
    ones = np.ones_like(height)
    curtain = Observations(
        time_s=np.arange(height.size) * 1e-3, east=50 * ones, north=north, height=height,
        concentration=0 * ones, sigma=ones, wind_time_s=np.array([0.0]),
        eastward_wind=np.array([3.0]), northward_wind=np.array([0.0]), wind_height_m=10.0,
    )  # fmt: skip
    spot = Lattice(0.0, 0.0, 1.0, np.zeros((1, 1), dtype=np.int32))
    still_level = dataclasses.replace(NUISANCES, roughness_m=1e-12)  # nearly a uniform wind
    kernel = footprints(path_of(curtain, DOMAIN), spot, still_level)
    flux = 3.0 * kernel.sum() * 0.5 * 1.0
    assert 0.9 < flux < 1.15


@pytest.mark.parametrize(("rise_s", "decay_s"), [(2.0, 7.0), (5.0, 5.0), (0.0, 4.0), (3.0, 0.0)])
def test_response_equals_its_naive_twin(rng, rise_s, decay_s):
    time = np.cumsum(rng.uniform(0.2, 3.0, 60))
    kernel = rng.gamma(0.5, 1.0, (60, 5)).astype(np.float32)
    twin = [
        naive_source.respond(column.astype(float), time, rise_s=rise_s, decay_s=decay_s)
        for column in kernel.T
    ]
    respond(kernel, time, rise_s=rise_s, decay_s=decay_s)
    assert_allclose(kernel, np.transpose(twin), rtol=1e-4, atol=1e-5)


def test_a_slow_sensor_reports_a_puff_late_and_lower():
    puff = np.zeros((200, 1), dtype=np.float32)
    puff[20:26] = 1.0  # a trapezium: up within a second, six seconds later down again
    respond(puff, np.arange(200.0), rise_s=3.0, decay_s=10.0)
    assert not puff[:20].any()
    assert puff.argmax() == 25
    ramp = 1.0 - 3.0 * -np.expm1(-1.0 / 3.0)  # response to the first second, in closed form
    assert_allclose(puff[25], 1.0 - (1.0 - ramp) * np.exp(-5.0 / 3.0), rtol=1e-5)
    assert_allclose(puff[46] / puff[36], np.exp(-1.0), rtol=1e-5)


def test_thinned_readings_lag_as_all_of_them_do():
    time = np.arange(0.0, 300.0, 0.5)
    smooth = np.exp(-0.5 * ((time[:, None] - [100.0, 180.0]) / 8.0) ** 2).astype(np.float32)
    every, fifth = smooth.copy(), smooth[::5].copy()
    respond(every, time, rise_s=2.5, decay_s=6.0)
    respond(fifth, time[::5], rise_s=2.5, decay_s=6.0)
    assert_allclose(fifth, every[::5], atol=0.01)
