"""How fast and how exact a concentration map is, beside scikit-learn's Gaussian process, PyKrige.

``python -m benchmarks.mapping`` prints the table. All map the same readings of one made-up survey
onto the same cells. The Gaussian process is cubic in the number of readings, so it is timed on
fewer and scaled; a row says so. Times are CPU seconds on one core.
"""

from __future__ import annotations

import importlib.util
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import CRS
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from threadpoolctl import threadpool_limits

from benchmarks.tables import markdown
from mapping.concentration import Readings
from mapping.grid import Grid
from mapping.interpolate import kernel_dmvw
from mapping.interpolators import kriging
from mapping.kernel_sums import kernel_precision
from mapping.variogram import Variogram

if TYPE_CHECKING:
    from collections.abc import Callable

_READINGS = 20_000
_CELLS = 500
_WIDTH_M = 10.0
_RUNS = 3
_GP_READINGS = 2_000
_KRIGED_READINGS = 5_000
_KRIGED_CELLS = 100


def rows() -> list[dict[str, Any]]:
    """One row a method: readings and cells asked for, CPU seconds, and how they were come by."""
    with threadpool_limits(1):
        return _rows()


def _rows() -> list[dict[str, Any]]:
    east, north, reading, wind = _survey(np.random.default_rng(1))
    grid = Grid(crs=CRS.from_epsg(32631), west=0.0, north=500.0, cell_m=1.0, nx=_CELLS, ny=_CELLS)
    samples = (east, north, reading)
    few = tuple(column[:50] for column in samples)
    kernel_dmvw(grid, few, width_m=_WIDTH_M)  # compiled or read from the cache
    ours = {"Kernel DM+V": None, "Kernel DM+V/W": wind}
    table = []
    for name, blown in ours.items():

        def work(blown: Any = blown) -> Any:
            return kernel_dmvw(grid, samples, width_m=_WIDTH_M, wind=blown)

        off = _off_the_plain_sum(grid, samples, blown, work())
        how = f"mean, variance, confidence; within {off:.0e} of the highest reading"
        table.append(_row(name, _seconds(work), how))
    readings = Readings.of(*samples)
    fitted = kriging.fit(readings)
    seconds = _seconds(lambda: kriging.fit(readings))
    table.append(_row("variogram and scores", seconds, "fitted, and each line left out once"))
    table.append(_row("ordinary kriging", _seconds(lambda: fitted.on(grid)), _off_pykrige()))
    table.append(_row("scikit-learn GP", *_gaussian_process(samples)))
    if importlib.util.find_spec("pykrige"):
        table.append(_row("PyKrige, 50 neighbours", *_kriging(samples)))
    return table


def _off_the_plain_sum(grid: Grid, samples: Any, wind: Any, maps: Any) -> float:
    """Largest difference of the mean at some cells from the sum over all readings, in readings."""
    east, north, reading = samples
    precision = kernel_precision(reading.size, _WIDTH_M, wind=wind)
    worst = 0.0
    for row, column in np.random.default_rng(3).integers(0, _CELLS, (200, 2)):
        dx, dy = grid.eastings[column] - east, grid.northings[row] - north
        away = precision[:, 0] * dx**2 + 2.0 * precision[:, 1] * dx * dy + precision[:, 2] * dy**2
        weight = np.exp(-0.5 * away)
        alpha = maps.confidence[row, column]
        mean = alpha * (weight @ reading) / weight.sum() + (1.0 - alpha) * reading.mean()
        if np.isfinite(maps.mean[row, column]):
            worst = max(worst, abs(mean - maps.mean[row, column]))
    return worst / float(reading.max())


def _off_pykrige() -> str:
    """How far all-data kriging of 150 readings is from PyKrige's, in words."""
    if not importlib.util.find_spec("pykrige"):
        return "mean, variance"
    from pykrige.ok import OrdinaryKriging  # noqa: PLC0415 - an optional dependency

    rng = np.random.default_rng(3)
    x, y = rng.uniform(0.0, 60.0, (2, 150))
    z = np.sin(x / 9.0) + np.cos(y / 7.0) + rng.normal(0.0, 0.2, 150)
    one = Variogram(model="exponential", nugget=0.05, sill=1.3, range_m=40.0)
    theirs = OrdinaryKriging(
        x, y, z, variogram_model=one.model, exact_values=False,
        variogram_parameters={"psill": one.sill, "range": one.range_m, "nugget": one.nugget},
    )  # fmt: skip
    places = rng.uniform(0.0, 60.0, (2, 200))
    mean, variance = kriging.fit(Readings.of(x, y, z), variogram=one).at(*places)
    their_mean, their_variance = theirs.execute("points", *places)
    off = max(abs(mean - their_mean).max(), abs(variance - their_variance).max())
    return f"mean, variance; all of 150 readings: within {off:.0e} of PyKrige"


def _row(method: str, seconds: float, how: str) -> dict[str, Any]:
    return {
        "method": method,
        "readings": _READINGS,
        "cells": f"{_CELLS} x {_CELLS}",
        "cpu_s": round(seconds, 2),
        "how": how,
    }


def _survey(rng: np.random.Generator) -> tuple[Any, Any, Any, Any]:
    """Lawnmower of 25 m spacing with a plume across it."""
    along = np.linspace(0.0, 20.0, _READINGS, endpoint=False)
    line, share = along.astype(int), along % 1.0
    east = 500.0 * np.where(line % 2 == 0, share, 1.0 - share)
    north = 12.5 + 25.0 * line
    plume = 100.0 * np.exp(-(((east - north) / 60.0) ** 2))
    wind = rng.normal(2.0, 1.0, _READINGS), rng.normal(2.0, 1.0, _READINGS)
    return east, north, plume * rng.exponential(1.0, _READINGS), wind


def _gaussian_process(samples: tuple[Any, Any, Any]) -> tuple[float, str]:
    """Fixed kernel: fitting is cubic in readings, prediction linear in readings and cells."""
    every = _READINGS // _GP_READINGS
    places = np.stack(samples[:2], axis=1)[::every]
    process = GaussianProcessRegressor(
        100.0 * RBF(_WIDTH_M) + WhiteKernel(10.0), optimizer=None, normalize_y=True
    )
    fit = _seconds(lambda: process.fit(places, samples[2][::every]))
    cells = np.random.default_rng(2).uniform(0.0, 500.0, (_GP_READINGS, 2))
    predict = _seconds(lambda: process.predict(cells))
    scale = _READINGS / _GP_READINGS
    seconds = fit * scale**3 + predict * scale * _CELLS**2 / _GP_READINGS
    return seconds, f"mean only, scaled from {_GP_READINGS} readings"


def _kriging(samples: tuple[Any, Any, Any]) -> tuple[float, str]:
    from pykrige.ok import OrdinaryKriging  # noqa: PLC0415 - an optional dependency

    every = _READINGS // _KRIGED_READINGS
    some = [column[::every] + 1e-6 * np.arange(column[::every].size) for column in samples]
    parameters = {"sill": 1000.0, "range": 3.0 * _WIDTH_M, "nugget": 100.0}
    axis = np.linspace(0.5, 499.5, _KRIGED_CELLS)

    def prepare() -> Any:
        return OrdinaryKriging(
            *some, variogram_model="gaussian", variogram_parameters=parameters, nlags=2
        )

    ready = prepare()
    setup = _seconds(prepare)
    solve = _seconds(lambda: ready.execute("grid", axis, axis, backend="loop", n_closest_points=50))
    seconds = setup * every**2 + solve * (_CELLS / _KRIGED_CELLS) ** 2
    return seconds, f"scaled from {_KRIGED_READINGS} readings, {_KRIGED_CELLS} x {_KRIGED_CELLS}"


def _seconds(work: Callable[[], object]) -> float:
    """CPU time of the shortest of a few runs; the first also loads what a method needs."""
    taken = []
    for _ in range(_RUNS):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


if __name__ == "__main__":
    table = rows()
    print(markdown(list(table[0]), [list(row.values()) for row in table]))
