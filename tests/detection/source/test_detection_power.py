"""Where a source would have been noticed, and where nobody looked."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detection.source.effort import detection_power, probability_of_none, smallest_found_rate

EAST, NORTH = np.meshgrid(np.linspace(-150, 150, 31), np.linspace(-100, 100, 21))
RATE = 3e-4


@pytest.fixture(scope="module")
def flight(survey):
    """Lines across the middle in a wind from the west."""
    return survey(lines=[-20.0, 0.0, 20.0], wind=(3.0, 0.0))


@pytest.fixture(scope="module")
def power(flight):
    return detection_power(flight, EAST, NORTH, rate=RATE)


def test_power_is_a_probability_or_unknown(power):
    assert power.shape == EAST.shape
    known = power[np.isfinite(power)]
    assert ((known >= 0) & (known <= 1)).all()
    assert known.max() > 0.6


def test_a_stronger_source_is_noticed_more_surely(flight, power):
    weaker = detection_power(flight, EAST, NORTH, rate=RATE / 30)
    known = np.isfinite(power)
    assert np.array_equal(known, np.isfinite(weaker))
    assert (weaker[known] <= power[known] + 0.1).mean() > 0.97
    assert weaker[known].mean() + 0.1 < power[known].mean()
    assert np.nanmax(detection_power(flight, EAST, NORTH, rate=1e-9)) < 0.05


def test_sources_upwind_of_the_lines_are_noticed_and_those_downwind_are_not(power):
    middle = abs(NORTH) < 40
    upwind = power[middle & (EAST > -80) & (EAST < -40)]
    downwind = np.nan_to_num(power[middle & (EAST > 60)])
    assert np.nan_to_num(upwind).mean() > 0.4
    assert downwind.max() < 0.05


def test_ground_whose_gas_no_line_met_was_not_searched(power):
    assert np.isnan(power[EAST > 100]).all()
    assert np.isfinite(power[(abs(NORTH) < 40) & (EAST > -80) & (EAST < 0)]).all()


def test_the_searched_side_turns_with_the_wind(flight):
    turned = dataclasses.replace(flight, eastward_wind=-flight.eastward_wind)
    power = np.nan_to_num(detection_power(turned, EAST, NORTH, rate=RATE))
    assert power[(abs(NORTH) < 40) & (EAST > 40) & (EAST < 80)].mean() > 0.4
    assert power[EAST < -60].max() < 0.05


def test_east_and_north_are_not_the_same(survey):
    """Lines flown east and west in a wind from the south: ground to the south was searched."""
    across = survey(lines=[-20.0, 0.0, 20.0], wind=(0.0, 3.0))
    across = dataclasses.replace(across, east=across.north, north=across.east)
    power = np.nan_to_num(detection_power(across, EAST, NORTH, rate=RATE))
    south = (abs(EAST) < 40) & (NORTH > -80) & (NORTH < -40)
    assert power[south].mean() > 0.4
    assert power[NORTH > 60].max() < 0.05


def test_the_order_of_places_does_not_matter(flight, power, rng):
    shuffle = rng.permutation(EAST.size)
    again = detection_power(flight, EAST.ravel()[shuffle], NORTH.ravel()[shuffle], rate=RATE)
    assert np.array_equal(again, power.ravel()[shuffle], equal_nan=True)


def test_drift_that_a_source_must_stand_out_of_costs_power(flight, power):
    """What was measured counts, not only where: waves of ten deviations hide a source."""
    waves = 10 * flight.sigma * np.sin(2 * np.pi * flight.time_s / 60.0)
    other = dataclasses.replace(flight, concentration=flight.concentration + waves)
    again = detection_power(other, EAST, NORTH, rate=RATE)
    assert np.nanmean(again) < np.nanmean(power) - 0.1


def test_what_a_source_already_found_explains_does_not_hide_another(flight, power):
    plume = np.where(abs(flight.north) < 15, 30 * flight.sigma, 0.0)
    other = dataclasses.replace(flight, concentration=flight.concentration + plume)
    again = detection_power(other, EAST, NORTH, rate=RATE, explained=[plume])
    beside = np.isfinite(power) & (abs(NORTH) > 50)
    assert_allclose(again[beside].mean(), power[beside].mean(), atol=0.1)


def test_two_flights_miss_less_than_one_and_two_channels_as_much_as_the_better(flight, power):
    both = detection_power([flight, flight], EAST, NORTH, rate=RATE)
    assert_allclose(both, power)


def test_a_noisier_sensor_notices_less(flight, power):
    noisy = dataclasses.replace(flight, sigma=10 * flight.sigma)
    again = detection_power(noisy, EAST, NORTH, rate=RATE)
    assert np.nanmean(again) < np.nanmean(power) - 0.1


def test_one_place_alone_is_what_the_map_says_if_the_ground_sought_is_the_same(flight):
    domain = (-155.0, -105.0, 155.0, 105.0)
    power = detection_power(flight, EAST, NORTH, rate=RATE, domain=domain)
    alone = detection_power(flight, [EAST[10, 9]], [NORTH[10, 9]], rate=RATE, domain=domain)
    assert_allclose(alone, [power[10, 9]])


def test_the_smallest_rate_found_is_one_that_would_have_been(flight, power):
    searched = np.nan_to_num(power) > 0.3
    east, north, domain = EAST[searched], NORTH[searched], (-155.0, -105.0, 155.0, 105.0)
    (rate,) = smallest_found_rate(flight, east, north, domain=domain, power=0.5, shares=(0.5,))
    for factor, least, most in ((1.5, 0.4, 1.0), (0.25, 0.0, 0.45)):
        found = detection_power(flight, east, north, rate=factor * rate, domain=domain)
        assert least <= (np.nan_to_num(found) >= 0.5).mean() <= most


def test_sources_where_nobody_searched_are_not_excluded():
    rate = np.array([[np.nan, np.nan], [2e-3, np.nan], [2e-3, 1e-4], [1e-4, np.nan]])
    power = np.array([[np.nan, np.nan], [np.nan, np.nan], [0.9, 0.9], [0.9, np.nan]])
    assert probability_of_none(rate, rate, rate, power, above=1e-3) == 0.75
    assert probability_of_none(rate, rate, rate, power, above=1e-5) == 0.5


@pytest.mark.parametrize("rate", [0.0, -1.0])
def test_a_rate_that_is_none_is_refused(flight, rate):
    with pytest.raises(ValueError, match="positive rate"):
        detection_power(flight, EAST, NORTH, rate=rate)


def test_no_places_are_refused(flight):
    with pytest.raises(ValueError, match="at least one place"):
        detection_power(flight, [], [], rate=1e-3)
