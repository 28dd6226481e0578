"""Where a source would have been noticed, and where nobody looked."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detection.source.effort import detection_power
from detection.source.likelihood import Noise

EAST, NORTH = np.meshgrid(np.linspace(-150, 150, 31), np.linspace(-100, 100, 21))


@pytest.fixture(scope="module")
def flight(survey):
    """Lines across the middle in a wind from the west."""
    return survey(lines=[-20.0, 0.0, 20.0], wind=(3.0, 0.0))


@pytest.fixture(scope="module")
def power(flight):
    return detection_power(flight, EAST, NORTH, rate=3e-4)


def test_power_is_a_probability_or_unknown(power):
    assert power.shape == EAST.shape
    known = power[np.isfinite(power)]
    assert ((known >= 0) & (known <= 1)).all()
    assert known.max() > 0.8


def test_a_stronger_source_is_noticed_more_surely(flight, power):
    weaker = detection_power(flight, EAST, NORTH, rate=1e-4)
    stronger = detection_power(flight, EAST, NORTH, rate=1e-3)
    known = np.isfinite(power)
    assert np.array_equal(known, np.isfinite(weaker))
    assert (weaker[known] <= power[known] + 1e-9).all()
    assert (power[known] <= stronger[known] + 1e-9).all()
    assert stronger[known].mean() > weaker[known].mean() + 0.1
    assert np.nanmax(detection_power(flight, EAST, NORTH, rate=1e-9)) < 0.05


def test_sources_upwind_of_the_lines_are_noticed_and_those_downwind_are_not(power):
    middle = abs(NORTH) < 40
    upwind = power[middle & (EAST > -80) & (EAST < -40)]
    downwind = np.nan_to_num(power[middle & (EAST > 60)])
    assert np.nan_to_num(upwind).mean() > 0.7
    assert downwind.max() < 0.01


def test_ground_whose_gas_no_line_met_was_not_searched(power):
    assert np.isnan(power[EAST > 100]).all()
    assert np.isfinite(power[(abs(NORTH) < 40) & (EAST > -80) & (EAST < 0)]).all()


def test_the_searched_side_turns_with_the_wind(flight):
    turned = dataclasses.replace(flight, eastward_wind=-flight.eastward_wind)
    power = np.nan_to_num(detection_power(turned, EAST, NORTH, rate=3e-4))
    assert power[(abs(NORTH) < 40) & (EAST > 40) & (EAST < 80)].mean() > 0.7
    assert power[EAST < -60].max() < 0.01


def test_east_and_north_are_not_the_same(survey):
    """Lines flown east and west in a wind from the south: ground to the south was searched."""
    across = survey(lines=[-20.0, 0.0, 20.0], wind=(0.0, 3.0))
    across = dataclasses.replace(across, east=across.north, north=across.east)
    power = np.nan_to_num(detection_power(across, EAST, NORTH, rate=3e-4))
    south = (abs(EAST) < 40) & (NORTH > -80) & (NORTH < -40)
    assert power[south].mean() > 0.7
    assert power[NORTH > 60].max() < 0.01


def test_the_order_of_places_does_not_matter(flight, power, rng):
    shuffle = rng.permutation(EAST.size)
    again = detection_power(flight, EAST.ravel()[shuffle], NORTH.ravel()[shuffle], rate=3e-4)
    assert np.array_equal(again, power.ravel()[shuffle], equal_nan=True)


def test_power_does_not_depend_on_the_readings_order_of_size_or_sign(flight, power):
    """Only where, when and how precisely it was measured counts, not what."""
    other = dataclasses.replace(flight, concentration=-7 * flight.concentration)
    again = detection_power(other, EAST, NORTH, rate=3e-4)
    assert np.array_equal(again, power, equal_nan=True)


def test_a_noisier_sensor_notices_less(flight, power):
    noisy = dataclasses.replace(flight, sigma=10 * flight.sigma)
    again = detection_power(noisy, EAST, NORTH, rate=3e-4)
    assert np.nanmean(again) < np.nanmean(power) - 0.1


def test_one_place_alone_is_about_what_the_map_says(flight, power):
    row, column = 10, 9
    place = EAST[row, column], NORTH[row, column]
    alone = detection_power(flight, [place[0]], [place[1]], rate=3e-4, noise=Noise())
    assert_allclose(alone, [power[row, column]], atol=0.1)


@pytest.mark.parametrize("rate", [0.0, -1.0])
def test_a_rate_that_is_none_is_refused(flight, rate):
    with pytest.raises(ValueError, match="positive rate"):
        detection_power(flight, EAST, NORTH, rate=rate)


def test_no_places_are_refused(flight):
    with pytest.raises(ValueError, match="at least one place"):
        detection_power(flight, [], [], rate=1e-3)
