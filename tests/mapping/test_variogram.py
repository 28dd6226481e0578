from __future__ import annotations

import numpy as np
import pytest

from mapping.variogram import MODELS, Variogram, empirical_variogram, fit_variogram


def field(rng, variogram, count=500):
    """A normal field of a known variogram at scattered places, by its Cholesky factor."""
    x, y = rng.uniform(0.0, 300.0, (2, count))
    away = np.hypot(x[:, None] - x, y[:, None] - y)
    factor = np.linalg.cholesky(variogram.covariance(away) + 1e-9 * np.eye(count))
    noise = rng.normal(0.0, np.sqrt(variogram.nugget), count)
    return x, y, factor @ rng.normal(size=count) + noise


@pytest.mark.parametrize("model", MODELS)
def test_a_model_reaches_its_sill_at_its_range(model):
    one = Variogram(model=model, nugget=1.0, sill=4.0, range_m=50.0)
    assert one.at(np.array([1e-9]))[0] == pytest.approx(1.0, abs=1e-6)
    assert one.at(np.array([50.0]))[0] == pytest.approx(5.0, abs=0.21)
    assert one.at(np.array([500.0]))[0] == pytest.approx(5.0, abs=1e-6)
    rising = one.at(np.linspace(0.1, 100.0, 50))
    assert (np.diff(rising) >= 0).all()


def test_the_variogram_of_a_known_field_is_found():
    """Median of eight fields, for any one of them holds few ranges, where the map looks."""
    truth = Variogram(model="exponential", nugget=0.5, sill=2.0, range_m=80.0)
    fits = [fit_variogram(*field(np.random.default_rng(seed), truth)) for seed in range(8)]
    distance = np.array([5.0, 20.0, 50.0, 100.0])
    found = np.median([one.at(distance) for one in fits], axis=0)
    np.testing.assert_allclose(found, truth.at(distance), rtol=0.2)


def test_noise_alone_is_all_nugget(rng):
    x, y = rng.uniform(0.0, 300.0, (2, 2000))
    one = fit_variogram(x, y, rng.normal(0.0, 3.0, 2000))
    assert one.nugget + one.sill == pytest.approx(9.0, rel=0.1)
    assert one.nugget > 6.0


def test_a_few_wild_readings_move_the_shape_little(rng):
    truth = Variogram(model="exponential", nugget=0.2, sill=2.0, range_m=80.0)
    x, y, value = field(rng, truth)
    _, before, _ = empirical_variogram(x, y, value)
    value[::100] += 30.0
    _, after, _ = empirical_variogram(x, y, value)
    squares_would = 5 * 2 * 30.0**2 / (2 * 500)  # what they add to a mean of squares
    assert (after - before).max() < 0.25 * squares_would


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_too_few_readings_have_a_nugget_only(rng, count):
    x, y, value = rng.uniform(0.0, 10.0, (3, count))
    one = fit_variogram(x, y, value)
    assert one.sill == 0.0
    assert one.nugget == pytest.approx(np.var(value) if count else 0.0)
    assert one.range_m > 0


def test_readings_all_in_one_place_have_no_variogram():
    distance, half, pairs = empirical_variogram(np.ones(50), np.ones(50), np.arange(50.0))
    assert distance.size == half.size == pairs.size == 0
