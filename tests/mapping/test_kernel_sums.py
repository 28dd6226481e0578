from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from mapping.grid import Grid
from mapping.kernel_sums import REACH, kernel_precision, kernel_sums

PER_KERNEL = 2e-7  # of its peak: what interpolation and cut-off may cost together


def direct(grid, east, north, precision, values):
    x, y = np.meshgrid(grid.eastings, grid.northings)
    total = np.zeros((len(values), *grid.shape))
    for i in range(east.size):
        xx, xy, yy = precision[i]
        dx, dy = x - east[i], y - north[i]
        kernel = np.exp(-0.5 * (xx * dx**2 + 2.0 * xy * dx * dy + yy * dy**2))
        total += values[:, i, None, None] * kernel
    return total


@settings(max_examples=40, deadline=None)
@given(
    width_m=st.floats(0.2, 60.0),
    speed=st.floats(0.0, 30.0),
    bearing=st.floats(0.0, 6.3),
    offset=st.floats(-1.0, 1.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_sums_are_those_of_whole_kernels(width_m, speed, bearing, offset, seed):
    """Any width and stretch, on the grid and far off it, each within the bound of a kernel."""
    grid = Grid(crs=CRS.from_epsg(32631), west=offset, north=30.0, cell_m=1.0, nx=47, ny=31)
    rng = np.random.default_rng(seed)
    east, north = rng.uniform(-60.0, 110.0, 25), rng.uniform(-60.0, 90.0, 25)
    gusts = speed * rng.uniform(0.0, 1.0, 25)
    wind = gusts * np.cos(bearing), gusts * np.sin(bearing)
    precision = kernel_precision(25, width_m, wind=wind)
    values = np.stack([np.ones(25), rng.normal(0.0, 5.0, 25)])
    fast = kernel_sums(grid, east, north, precision, values)
    slow = direct(grid, east, north, precision, values)
    bound = PER_KERNEL * abs(values).sum(axis=1)
    assert (abs(fast - slow) <= bound[:, None, None]).all()


def test_a_kernel_is_cut_where_it_is_below_its_stated_share(utm):
    grid = Grid(crs=utm, west=-0.5, north=0.5, cell_m=1.0, nx=200, ny=1)
    spot = np.zeros(1), np.zeros(1)
    (row,) = kernel_sums(grid, *spot, kernel_precision(1, 2.5), np.ones((1, 1)))
    reached = np.flatnonzero(row[0])
    assert reached.max() == int(2.5 * REACH)
    assert row[0, reached.max()] < 2e-8


@pytest.mark.parametrize("speed", [0.0, 4.0])
def test_a_kernel_drawn_out_keeps_its_area(speed):
    ((xx, xy, yy),) = kernel_precision(1, 6.0, wind=(np.array([speed]), np.array([-speed])))
    assert xx * yy - xy**2 == pytest.approx(6.0**-4)
    assert (xy == 0.0) == (speed == 0.0)
