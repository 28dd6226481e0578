"""Posteriors and surveys with a known answer, built without any estimator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS

from detection.source.posterior import posterior_dataset
from mapping.area import Domain
from mapping.grid import convergence_deg
from mapping.hotspots import find_hotspots, probability_grid
from mapping.located import locate
from mapping.rasters import concentration_grid, hotspot_map, source_map
from mapping.survey import Survey, Track, verdict_of

FloatArray = NDArray[np.float64]
CENTRE = np.array([629_000.0, 5_804_000.0])
DRAWS = 2000
START = np.datetime64("2026-05-12T09:00:00", "ns")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260611)


@pytest.fixture
def utm() -> CRS:
    return CRS.from_epsg(32631)


@pytest.fixture
def domain(utm: CRS) -> Domain:
    west, south = CENTRE - 250.0
    return Domain(crs=utm, bounds=(west, south, west + 500.0, south + 480.0))


@pytest.fixture
def posterior_of(rng: np.random.Generator) -> Callable[..., xr.Dataset]:
    """Posterior from places of shape (draw, source, 2) in metres from the centre."""

    def build(places: FloatArray, *, rate_g_s: float = 1.0, height_m: float = 1.5) -> xr.Dataset:
        missing = np.isnan(places[..., 0])
        rate = rate_g_s * 1e-3 * rng.lognormal(0.0, 0.3, missing.shape)
        columns = {
            "east": places[..., 0] + CENTRE[0],
            "north": places[..., 1] + CENTRE[1],
            "height": np.where(missing, np.nan, height_m),
            "rate": np.where(missing, np.nan, rate),
        }
        return posterior_dataset(columns, attrs={"crs_wkt": CRS.from_epsg(32631).to_wkt()})

    return build


@pytest.fixture
def around(rng: np.random.Generator) -> Callable[..., FloatArray]:
    """Draws of shape (n, 2) scattered normally about a place."""

    def build(place: tuple[float, float], spread_m: float, *, draws: int = DRAWS) -> FloatArray:
        return np.asarray(place) + rng.normal(0.0, spread_m, (draws, 2))

    return build


@pytest.fixture
def track(rng: np.random.Generator) -> Track:
    """Lawnmower of 30 m spacing over 240 m, gas downwind (to the north-east) of the centre."""
    lines, per_line = 9, 200
    along = np.linspace(-120.0, 120.0, per_line)
    x = np.concatenate([along if k % 2 == 0 else along[::-1] for k in range(lines)])
    y = np.repeat(np.linspace(-120.0, 120.0, lines), per_line)
    downwind, across = (x + y) / np.sqrt(2), (x - y) / np.sqrt(2)
    width = 4.0 + 0.15 * np.maximum(downwind, 0.0)
    plume = np.where(downwind > 0, 4000.0 / width * np.exp(-0.5 * (across / width) ** 2), 0.0)
    reading = plume * rng.gamma(1.0, 1.0, x.size) + rng.normal(0.0, 4.0, x.size)
    reading[100:110] = np.nan
    return Track(
        time=START + np.arange(x.size) * np.timedelta64(200, "ms"),
        east=CENTRE[0] + x,
        north=CENTRE[1] + y,
        height_m=np.full(x.size, 8.0),
        altitude_m=np.full(x.size, 11.5),
        reading=reading,
        raw=reading + 40.0,
        quality=np.zeros(x.size, dtype=np.uint16),
        eastward_wind=2.2 + rng.normal(0.0, 0.5, x.size),
        northward_wind=2.2 + rng.normal(0.0, 0.5, x.size),
        unit="ppb",
        raw_unit="ppb",
    )


@pytest.fixture
def survey_of(domain: Domain, track: Track) -> Callable[[xr.Dataset], Survey]:
    """Survey from a Posterior, as the pipeline would put it together."""

    def build(posterior: xr.Dataset) -> Survey:
        sources = locate(posterior)
        hotspots = find_hotspots(sources)
        p_any = float(posterior.attrs["p_any_source"])
        fine, _ = probability_grid(domain, hotspots)
        coarse, _ = concentration_grid(domain, track)
        return Survey(
            name="harbour survey",
            verdict=verdict_of(p_any, indicate_above=0.95),
            p_any_source=p_any,
            indicate_above=0.95,
            hotspots=tuple(hotspots),
            domain=domain,
            track=track,
            maps=hotspot_map(
                coarse,
                domain,
                track,
                sources,
                detection_power=searched,
                threshold=20.0,
                axis_turn_deg=convergence_deg(domain.crs, 52.37, 4.89),
            ),
            source_map=source_map(fine, domain, sources),
            channel="pid",
            gas="acetone",
            reference_rate_g_s=1.0,
            version="0.0.test",
        )

    return build


def searched(east: FloatArray, north: FloatArray) -> FloatArray:
    """Detection power as a lawnmower leaves it: high upwind of the lines, unknown far off."""
    x, y = east - CENTRE[0] + 25.0, north - CENTRE[1] + 25.0
    away = np.maximum(np.maximum(abs(x), abs(y)) - 110.0, 0.0)
    return np.where(away < 90.0, np.exp(-away / 25.0), np.nan)
