"""Surveys of a textbook plume, and the estimator at a size that answers in a blink."""

from __future__ import annotations

import numpy as np
import pytest

from detection.source.estimators.grid import Settings, infer
from detection.source.observations import Observations
from tests import naive_source

DOMAIN = (-100.0, -100.0, 100.0, 100.0)
SMALL = {
    "pilots": 12,
    "hypotheses": 18,
    "scouts": 6,
    "rates": 16,
    "coarse_cells": 625,
    "fine_cells": 700,
    "draws": 800,
    "max_sources": 1,
}


@pytest.fixture
def rng():
    return np.random.default_rng(20250)


@pytest.fixture(scope="session")
def domain():
    return DOMAIN


@pytest.fixture(scope="session")
def survey():
    """Function from sources and lines to Observations, noise of 4 ug/m3 included."""

    def make(
        *sources, lines=None, wind=(3.0, 0.5), seed=0, sigma=4e-9, one_way=False, step_s=2.0, **rest
    ):
        eastings = np.linspace(-60, 60, 6) if lines is None else lines
        time, east, north, height = naive_source.lawnmower(eastings, one_way=one_way, step_s=step_s)
        noise = np.random.default_rng(seed).standard_normal(time.size)
        total = sum(naive_source.plume(one, east, north, height, wind) for one in sources)
        return Observations(
            **{
                "time_s": time,
                "east": east,
                "north": north,
                "height": height,
                "concentration": total + sigma * noise,
                "sigma": np.full(time.size, sigma),
                "wind_time_s": time,
                "eastward_wind": np.full(time.size, wind[0]),
                "northward_wind": np.full(time.size, wind[1]),
                **rest,
            }
        )

    return make


@pytest.fixture(scope="session")
def posterior_of(domain):
    """Function from Observations to a Posterior, quickly."""

    def make(observations, *, seed=0, where=domain, prior=None, noise=None, progress=None, **work):
        return infer(
            observations,
            where,
            rng=np.random.default_rng(seed),
            prior=prior,
            noise=noise,
            progress=progress,
            settings=Settings(**{**SMALL, **work}),
        )

    return make


@pytest.fixture(scope="session")
def first_source():
    """Function from a Posterior to its first sources' columns, one row a draw that has one."""

    def pick(posterior):
        columns = {name: posterior[name].values[:, 0] for name in posterior.data_vars}
        there = np.isfinite(columns["east"])
        return {name: column[there] for name, column in columns.items()}

    return pick


@pytest.fixture(scope="session")
def region_area(domain):
    """Function from places to the area of the cells that hold most, 90 % of them by default."""

    def area(east, north, *, where=domain, level=0.9, cell_m=5.0):
        west, south, right, top = where
        edges = [np.arange(west, right + 1, cell_m), np.arange(south, top + 1, cell_m)]
        counts = np.sort(np.histogram2d(east, north, edges)[0].ravel())[::-1]
        needed = np.searchsorted(np.cumsum(counts), level * counts.sum()) + 1
        return needed * cell_m**2

    return area
