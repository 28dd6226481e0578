from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mapping.grid import Grid
from mapping.interpolate import kernel_dmvw
from mapping.survey_lines import kernel_width, line_spacing
from tests import naive_mapping as naive


@pytest.fixture
def grid(utm):
    return Grid(crs=utm, west=0.0, north=30.0, cell_m=1.5, nx=24, ny=20)


def scattered(rng, count):
    """Samples on, beside and far off the grid."""
    places = (rng.uniform(-12.0, 48.0, count), rng.uniform(-12.0, 42.0, count))
    return (*places, rng.exponential(5.0, count))


def gusts(rng, count):
    wind = rng.normal(2.0, 2.0, count), rng.normal(-1.0, 2.0, count)
    wind[0][0] = np.nan
    wind[0][1] = wind[1][1] = 0.0
    return wind


@pytest.mark.parametrize("windy", [False, True])
@pytest.mark.parametrize("width_m", [0.8, 4.0, 6.0, 15.0])
def test_the_kernel_map_equals_its_naive_twin(rng, grid, windy, width_m):
    samples = scattered(rng, 60)
    wind = gusts(rng, 60) if windy else None
    options = {"width_m": width_m, "wind": wind, "stretch_s": 0.7, "sure_weight": 0.4}
    fast = kernel_dmvw(grid, samples, threshold=6.0, **options)
    slow = naive.kernel_dmvw(samples, (grid.eastings, grid.northings), threshold=6.0, **options)
    sure = slow["confidence"] >= 0.5
    assert sure.any()
    assert np.array_equal(np.isfinite(fast.mean), sure)
    assert_allclose(fast.confidence, slow["confidence"], rtol=1e-6, atol=1e-7)
    peak = samples[2].max()
    for name, most in (("mean", peak), ("variance", 4.0 * peak**2), ("exceedance", 1.0)):
        error = abs(getattr(fast, name)[sure] - slow[name][sure])
        assert (error <= 1e-6 * most).all()


def test_two_samples_give_the_values_of_a_pocket_calculator(utm):
    """Readings 10 and 0, two widths apart, seen at the first: Omega = 1 + exp(-2) = 1.13534.

    alpha = 1 - exp(-Omega**2) = 0.724450; mean = alpha * 10 / Omega + (1 - alpha) * 5 = 7.75868;
    the residuals are 2.24132 each way, so the variance is 2.24132**2 = 5.02350 everywhere.
    """
    line = Grid(crs=utm, west=-0.5, north=0.5, cell_m=1.0, nx=3, ny=1)
    samples = (np.array([0.0, 2.0]), np.zeros(2), np.array([10.0, 0.0]))
    result = kernel_dmvw(line, samples, width_m=1.0, sure_weight=1.0, threshold=5.0)
    assert_allclose(result.confidence[0, 0], 0.724450, atol=1e-6)
    assert_allclose(result.mean[0], [7.75868, 5.0, 2.24132], atol=1e-5)
    assert_allclose(result.variance[0], 5.02350, atol=1e-5)
    assert_allclose(result.exceedance[0, 0], 1.0 / 1.135335, atol=1e-6)


def test_the_kernel_is_drawn_out_along_the_wind_and_keeps_its_area(utm):
    fine = Grid(crs=utm, west=-50.25, north=50.25, cell_m=0.5, nx=201, ny=201)
    spot = (np.zeros(1), np.zeros(1), np.ones(1))
    for towards, long, short in (((3.0, 0.0), 7.0, 16.0 / 7.0), ((0.0, -3.0), 16.0 / 7.0, 7.0)):
        wind = tuple(np.array([part]) for part in towards)
        alpha = kernel_dmvw(fine, spot, width_m=4.0, wind=wind, sure_weight=1e3).confidence
        weight = np.sqrt(-np.log1p(-alpha)) * 1e3
        total = weight.sum()
        assert total * 0.25 == pytest.approx(2.0 * math.pi * 16.0, rel=1e-4)
        east_sd = math.sqrt((weight * fine.eastings**2).sum() / total)
        north_sd = math.sqrt((weight * fine.northings[:, None] ** 2).sum() / total)
        assert (east_sd, north_sd) == pytest.approx((long, short), rel=1e-3)


def test_a_north_easterly_drift_stretches_to_the_north_east(utm):
    fine = Grid(crs=utm, west=-20.5, north=20.5, cell_m=1.0, nx=41, ny=41)
    wind = (np.array([2.0]), np.array([2.0]))
    spot = (np.zeros(1), np.zeros(1), np.ones(1))
    alpha = kernel_dmvw(fine, spot, width_m=4.0, wind=wind, sure_weight=1.0).confidence
    assert alpha[10, 30] > 100 * alpha[30, 30]  # row 10 is in the north, column 30 in the east


def test_a_sample_that_says_nothing_changes_nothing(rng, grid):
    east, north, reading = scattered(rng, 40)
    whole = kernel_dmvw(grid, (east, north, reading), width_m=4.0)
    padded = [
        np.insert(column, 5, value)
        for column, value in zip((east, north, reading), (3.0, 3.0, np.nan), strict=True)
    ]
    assert_allclose(kernel_dmvw(grid, tuple(padded), width_m=4.0).mean, whole.mean)


def test_the_map_does_not_depend_on_the_order_of_samples(rng, grid):
    samples = scattered(rng, 200)
    order = rng.permutation(200)
    turned = tuple(column[order] for column in samples)
    first = kernel_dmvw(grid, samples, width_m=4.0, sure_weight=2.0)
    second = kernel_dmvw(grid, turned, width_m=4.0, sure_weight=2.0)
    assert_allclose(first.mean, second.mean, rtol=1e-9)


def test_far_from_all_samples_the_map_is_unknown_not_zero(utm):
    grid = Grid(crs=utm, west=0.0, north=100.0, cell_m=1.0, nx=100, ny=100)
    samples = (np.linspace(0.0, 100.0, 101), np.full(101, 80.0), np.zeros(101))
    result = kernel_dmvw(grid, samples, width_m=5.0)
    assert np.isfinite(result.mean[20]).all()
    assert np.isnan(result.mean[60:]).all()
    assert (result.confidence[60:] < 1e-3).all()


def test_how_often_the_sensor_reads_does_not_change_what_counts_as_seen(utm):
    grid = Grid(crs=utm, west=0.0, north=100.0, cell_m=1.0, nx=200, ny=100)
    seen = []
    for count in (201, 2001):
        samples = (np.linspace(0.0, 200.0, count), np.full(count, 50.0), np.zeros(count))
        seen.append(np.isfinite(kernel_dmvw(grid, samples, width_m=8.0).mean).sum())
    assert seen[0] == pytest.approx(seen[1], rel=0.03)


def test_no_reading_at_all_gives_an_unknown_map(grid):
    result = kernel_dmvw(grid, (np.zeros(3), np.zeros(3), np.full(3, np.nan)), width_m=4.0)
    assert np.isnan(result.mean).all()
    assert (result.confidence == 0).all()


def test_a_width_that_is_no_width_is_refused(grid):
    for width_m in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="kernel width"):
            kernel_dmvw(grid, (np.zeros(1),) * 3, width_m=width_m)


def lawnmower(spacing_m, lines, length_m, *, turn_deg=0.0):
    along = np.linspace(0.0, length_m, 80)
    x = np.concatenate([along if k % 2 == 0 else along[::-1] for k in range(lines)])
    y = np.repeat(np.arange(lines) * spacing_m, along.size)
    cos, sin = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    return x * cos - y * sin, x * sin + y * cos


@pytest.mark.parametrize("spacing_m", [5.0, 20.0, 40.0])
@pytest.mark.parametrize("turn_deg", [0.0, 33.0])
def test_the_spacing_of_survey_lines_is_found(spacing_m, turn_deg):
    track = lawnmower(spacing_m, 9, 300.0, turn_deg=turn_deg)
    assert line_spacing(*track) == pytest.approx(spacing_m, rel=0.06)
    assert kernel_width(*track) == pytest.approx(0.6 * spacing_m, rel=0.06)


def test_flying_the_same_lines_twice_does_not_halve_the_spacing():
    x, y = lawnmower(20.0, 9, 300.0)
    twice = np.concatenate([x, x[::-1] + 0.3]), np.concatenate([y, y[::-1] + 0.3])
    assert line_spacing(*twice) == pytest.approx(20.0, rel=0.08)


@pytest.mark.parametrize(
    "track",
    [
        (np.linspace(0.0, 500.0, 50), np.linspace(0.0, 100.0, 50)),
        (np.full(9, 7.0), np.full(9, 3.0)),
        (np.array([1.0]), np.array([1.0])),
        (np.array([np.nan]), np.array([1.0])),
        (np.zeros(0), np.zeros(0)),
    ],
)
def test_a_single_line_has_no_spacing_and_the_width_has_a_default(track):
    assert math.isnan(line_spacing(*track))
    assert kernel_width(*track) == 10.0
