"""Time averages on arcs of samplers, whose plume has its eddies averaged away."""

from dataclasses import replace

import numpy as np
import pytest

from detection.source.dispersion import briggs_sigma, reflected_density
from detection.source.estimators.grid import Settings, infer, search
from detection.source.noise import Noise
from detection.source.observations import Observations

SITE = (-400.0, -300.0, 450.0, 300.0)
WIND_M_S = 6.0
RATE = 0.05  # [kg s-1]
SEEDS = range(5)


@pytest.fixture(scope="module")
def arcs():
    """Means over ten minutes on four arcs about a source at the origin, wind along east."""
    rng = np.random.default_rng(0)
    radius = np.repeat([50.0, 100.0, 200.0, 400.0], 31)
    bearing = np.tile(np.deg2rad(np.linspace(-30.0, 30.0, 31)), 4)
    east, north = radius * np.cos(bearing), radius * np.sin(bearing)
    lateral, vertical = briggs_sigma(east, "D")
    plume = RATE / WIND_M_S * reflected_density(np.full(east.size, 1.5), 0.5, vertical)
    plume *= np.exp(-0.5 * (north / lateral) ** 2) / (np.sqrt(2.0 * np.pi) * lateral)
    plume *= np.exp(0.15 * rng.standard_normal(east.size))
    sigma = np.full(east.size, 1e-3 * plume.max())
    at_once = np.zeros(east.size)
    return Observations(
        time_s=at_once,
        east=east,
        north=north,
        height=np.full(east.size, 1.5),
        concentration=plume + sigma * rng.standard_normal(east.size),
        sigma=sigma,
        wind_time_s=at_once,
        eastward_wind=np.full(east.size, WIND_M_S),
        northward_wind=at_once,
        averaging_time_s=600.0,
        wind_height_m=2.0,
    )


@pytest.fixture(scope="module")
def posteriors(arcs):
    settings = Settings(max_sources=1)
    return [infer(arcs, SITE, rng=np.random.default_rng(seed), settings=settings) for seed in SEEDS]


def test_where_the_source_is_hangs_little_on_the_draws_of_nuisances(posteriors):
    east = np.array([one["east"].values[:, 0] for one in posteriors])
    assert np.std(np.nanmean(east, axis=1)) < 0.2 * np.nanstd(east, axis=1).mean()


def test_a_published_plume_is_placed_and_its_rate_told(posteriors):
    for one in posteriors:
        assert one.attrs["p_any_source"] > 0.99
        assert np.hypot(np.nanmean(one["east"]), np.nanmean(one["north"])) < 20.0
        assert 0.5 < np.nanmedian(one["rate"]) / RATE < 2.0


def test_a_strong_signal_of_averages_is_believed_more_than_one_of_readings():
    single, averages = Noise(), Noise().for_averages(600.0)
    for best in (100.0, 400.0):
        slopes = [one.tempering_for(best, 1.0) for one in (single, averages)]
        worth = [one.beyond / one.slope for one in slopes]
        assert worth[1] == pytest.approx(4.0 / 3.0 * worth[0])


def test_averages_and_flights_together_take_more_draws(arcs):
    single = replace(arcs, averaging_time_s=0.0)
    together = [single, replace(single, flight="another")]
    least = Settings(pilots=8, hypotheses=8, scouts=4, draws=100, max_sources=1)
    taken = [
        len(search(each, SITE, rng=np.random.default_rng(0), settings=least).flights[0].points)
        for each in (single, arcs, together)
    ]
    assert taken[0] == least.pilots + least.hypotheses
    assert taken[1] > 4 * taken[0]
    assert taken[2] > 2 * taken[0]
