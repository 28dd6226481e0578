"""Published values and limits of the dispersion formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detection.source.dispersion import (
    briggs_sigma,
    layer_sigma,
    reflected_density,
    taylor_sigma,
    transport_fraction,
)
from tests import naive_source

LOG_LAW = {"reference_height_m": 10.0, "roughness_m": 0.1}


# At 1 km, from the table of Hanna, Briggs & Hosker (1982), p. 30, worked by hand.
@pytest.mark.parametrize(
    ("stability", "terrain", "across", "vertical"),
    [
        ("A", "rural", 209.76, 200.0),
        ("B", "rural", 152.55, 120.0),
        ("C", "rural", 104.88, 73.03),
        ("D", "rural", 76.28, 37.95),
        ("E", "rural", 57.21, 23.08),
        ("F", "rural", 38.14, 12.31),
        ("A", "urban", 270.45, 339.41),
        ("B", "urban", 270.45, 339.41),
        ("C", "urban", 185.93, 200.0),
        ("D", "urban", 135.22, 122.79),
        ("E", "urban", 92.97, 50.60),
        ("F", "urban", 92.97, 50.60),
    ],
)
def test_briggs_spreads_are_the_published_ones(stability, terrain, across, vertical):
    sigma = briggs_sigma([1000.0], stability, terrain=terrain)
    assert_allclose(np.concatenate(sigma), [across, vertical], rtol=2e-4)


def test_briggs_knows_no_plume_upwind_and_no_other_classes():
    for sigma in briggs_sigma([-10.0, 0.0, 10.0], "D"):
        assert np.isnan(sigma).tolist() == [True, True, False]
    for stability, terrain in (("G", "rural"), ("D", "forest")):
        with pytest.raises(ValueError, match="Briggs"):
            briggs_sigma([100.0], stability, terrain=terrain)


def test_stable_air_spreads_a_plume_less():
    spreads = [np.concatenate(briggs_sigma([300.0], stability)) for stability in "ABCDEF"]
    assert (np.diff(spreads, axis=0) < 0).all()


def test_taylor_spread_grows_with_age_at_first_and_with_its_root_later():
    assert_allclose(taylor_sigma(1e-3, 0.5, 20.0), 0.5e-3, rtol=1e-4)
    assert_allclose(taylor_sigma(1e6, 0.5, 20.0), 0.5 * math.sqrt(2 * 20.0 * 1e6), rtol=1e-4)


def test_taylor_spread_equals_its_naive_twin():
    ages = np.array([0.5, 3.0, 20.0, 200.0])
    expected = [naive_source.taylor(age, 0.4, 15.0) for age in ages]
    assert_allclose(taylor_sigma(ages, 0.4, 15.0), expected, rtol=1e-3)


@pytest.mark.parametrize(("release_height", "sigma"), [(0.0, 3.0), (5.0, 2.0), (2.0, 40.0)])
def test_the_ground_loses_no_gas(release_height, sigma):
    height = np.linspace(0.0, release_height + 8 * sigma, 20001)
    density = reflected_density(height, release_height, sigma)
    assert_allclose(np.trapezoid(density, height), 1.0, rtol=1e-5)
    assert np.isnan(reflected_density(-0.1, release_height, sigma))


def test_gas_at_the_winds_own_height_moves_with_the_wind():
    assert_allclose(transport_fraction(10.0, 10.0, 1e-9, **LOG_LAW), 1.0)


def test_gas_travels_faster_from_higher_to_higher_and_over_smoother_ground():
    heights = np.array([1.0, 4.0, 10.0, 30.0])
    assert (np.diff(transport_fraction(heights, 2.0, 1.0, **LOG_LAW)) > 0).all()
    by_release = [float(transport_fraction(8.0, z, 1.0, **LOG_LAW)) for z in (0.0, 2.0, 8.0)]
    assert (np.diff(by_release) > 0).all()
    by_roughness = [
        float(transport_fraction(5.0, 1.0, 1.0, reference_height_m=10.0, roughness_m=z0))
        for z0 in (0.01, 0.1, 1.0)
    ]
    assert (np.diff(by_roughness) < 0).all()


@pytest.mark.parametrize(("height", "release_height", "sigma"), [(8, 1, 0.5), (8, 1, 6), (3, 0, 2)])
def test_transport_fraction_is_near_its_naive_twin(height, release_height, sigma):
    air = naive_source.Air(
        time_s=None, eastward=None, northward=None, wind_height_m=10.0, turned_rad=0.0,
        speed_factor=1.0, lateral_sd=0.3, lateral_scale_s=30.0, vertical_sd=0.2,
        vertical_scale_s=10.0, roughness_m=0.1,
    )  # fmt: skip
    expected = naive_source.slower_near_ground(height, release_height, sigma, air)
    assert_allclose(
        transport_fraction(height, release_height, sigma, **LOG_LAW), expected, rtol=0.02
    )


@pytest.mark.parametrize("growth", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("release_height", [0.0, 4.0])
def test_spread_in_growing_eddies_is_that_of_ten_thousand_small_steps(growth, release_height):
    ages = np.geomspace(0.5, 120.0, 25)
    found = layer_sigma(ages, 0.4, release_height, eddy_length_m=5.0, eddy_growth=growth)
    expected = naive_source.layer(ages, 0.4, release_height, length_m=5.0, growth=growth)
    assert_allclose(found, expected, rtol=0.03)


def test_a_plume_from_the_ground_rises_later_but_goes_on_rising():
    early, late = layer_sigma(
        [10.0, 4000.0], 0.4, 0.0, eddy_length_m=5.0, eddy_growth=1.0
    ) / layer_sigma([10.0, 4000.0], 0.4, 0.0, eddy_length_m=5.0, eddy_growth=0.0)
    assert early < 0.9
    assert late > 1.5


def test_each_of_many_plumes_spreads_as_it_would_alone():
    ages = np.array([[1.0, 5.0, 30.0], [2.0, 9.0, 80.0]])
    both = layer_sigma(
        ages, np.array([0.3, 0.6]), np.array([0.0, 2.0]),
        eddy_length_m=np.array([3.0, 8.0]), eddy_growth=np.array([0.2, 0.9]),
    )  # fmt: skip
    second = layer_sigma(ages[1], 0.6, 2.0, eddy_length_m=8.0, eddy_growth=0.9)
    assert_allclose(both[1], second)
