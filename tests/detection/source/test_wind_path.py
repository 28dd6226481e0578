"""Readings refused or binned, and where the air was before it met the sensor."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detection.source.observations import bin_samples, wind_path
from tests import naive_source

SOURCE = naive_source.Source(east=-40.0, north=10.0, rate=1e-3)
COLUMNS = ("time_s", "east", "north", "height", "concentration", "sigma")
WINDS = ("wind_time_s", "eastward_wind", "northward_wind")


def holed(column):
    column = column.copy()
    column[3] = np.nan
    return column


@pytest.mark.parametrize("name", COLUMNS + WINDS)
def test_missing_values_are_refused(survey, name):
    flight = survey(SOURCE)
    with pytest.raises(ValueError, match="finite"):
        dataclasses.replace(flight, **{name: holed(getattr(flight, name))})


@pytest.mark.parametrize("name", [*COLUMNS[1:], *WINDS[1:]])
def test_columns_of_another_length_are_refused(survey, name):
    flight = survey(SOURCE)
    with pytest.raises(ValueError, match="length"):
        dataclasses.replace(flight, **{name: getattr(flight, name)[:-1]})


def test_a_sensor_without_noise_is_refused(survey):
    flight = survey(SOURCE)
    with pytest.raises(ValueError, match="sigma"):
        dataclasses.replace(flight, sigma=np.zeros_like(flight.sigma))


def test_air_moves_towards_where_the_wind_blows(survey):
    grid, east, north = wind_path(survey(SOURCE, wind=(3.0, -0.5)), before_s=100.0)
    assert grid[0] == -100.0
    assert_allclose(east, 3.0 * (grid + 100.0), rtol=1e-9)
    assert_allclose(north, -0.5 * (grid + 100.0), rtol=1e-9)


def test_the_path_follows_a_veering_wind_and_the_first_minute_stands_for_before(survey):
    flight = survey(SOURCE)
    angle = flight.wind_time_s / 60.0
    flight = dataclasses.replace(
        flight, eastward_wind=3 * np.cos(angle), northward_wind=3 * np.sin(angle)
    )
    grid, east, north = wind_path(flight, before_s=50.0)
    start, end = np.searchsorted(grid, [0.0, 200.0])
    assert_allclose(east[end] - east[start], 180 * np.sin(200 / 60), atol=0.5)
    assert_allclose(north[end] - north[start], 180 * (1 - np.cos(200 / 60)), atol=0.5)
    # an arc of one radian: its mean is (sin 1, 1 - cos 1) of the speed
    assert_allclose(east[start - 1] - east[0], 49 * 3 * np.sin(1.0), rtol=0.03)
    assert_allclose(north[start - 1] - north[0], 49 * 3 * (1 - np.cos(1.0)), rtol=0.03)


def test_smoothing_keeps_the_displacement_and_takes_gusts_out(survey):
    flight = survey(SOURCE)
    gusts = 2.0 * (-1.0) ** np.arange(flight.wind_time_s.size)
    gusty = dataclasses.replace(flight, eastward_wind=3.0 + gusts)
    grid, rough, _ = wind_path(gusty, before_s=10.0)
    _, smooth, _ = wind_path(gusty, before_s=10.0, smoothing_s=15.0)
    flown = grid > 0
    assert np.diff(smooth[flown]).std() < 0.2 * np.diff(rough[flown]).std()
    assert_allclose(np.ptp(smooth[flown]), np.ptp(rough[flown]), rtol=0.03)


def test_smoothing_does_not_delay_a_change_of_wind(survey):
    flight = survey(SOURCE)
    step = np.where(flight.wind_time_s < 150.0, 1.0, 5.0)
    changed = dataclasses.replace(flight, eastward_wind=step)
    grid, east, _ = wind_path(changed, before_s=10.0, smoothing_s=15.0)
    halfway = grid[1:][np.diff(east) > 3.0][0]
    assert abs(halfway - 150.0) <= 2.5


def test_bins_hold_the_means_of_their_samples_and_no_others(rng):
    time = np.sort(rng.uniform(0, 40, 200))
    time = time[(time < 10) | (time > 20)]
    reading = rng.standard_normal(time.size)
    middle, columns, count = bin_samples(time, {"reading": reading}, width_s=2.0)
    bins = np.floor((time - time[0]) / 2.0)
    kept = np.unique(bins)
    assert_allclose(middle, [time[bins == one].mean() for one in kept])
    assert_allclose(columns["reading"], [reading[bins == one].mean() for one in kept])
    assert count.tolist() == [(bins == one).sum() for one in kept]
