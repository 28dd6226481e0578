"""Fixed sensors in one table of readings."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from detection.signal.flight import correct_flight, is_usable
from detection.signal.shared_background import above_shared_background, usually_together
from detection.signal.stations import (
    APART_DEG,
    FEWEST_PLACES,
    SAME_DEG,
    place_at_once,
    station_of,
)
from tests import naive_signal
from tests.metric_flights import flight_of
from tests.naive_signal import fixed_sensors, survey_track


def flattened(site):
    """Time, station number, truth and reading, row by row."""
    size = site.reading.shape[1]
    return (
        np.repeat(site.time_s, size),
        np.tile(np.arange(size), site.time_s.size),
        site.truth.ravel(),
        site.reading.ravel(),
    )


def flight_from(site, **attrs):
    time_s, station, truth, reading = flattened(site)
    flight = flight_of(
        time_s,
        site.east[station],
        site.north[station],
        np.full(time_s.size, 2.0),
        {"ch4": reading},
        {"ch4": "1e-9"},
    )
    flight.attrs.update(attrs)
    return flight, truth


def test_minute_means_of_fixed_sensors_are_freed_of_a_background_that_changes():
    """16 sensors, four hours, a background that swings by 40 noises: noise alone is left."""
    for seed in range(4):
        site = fixed_sensors(np.random.default_rng(seed))
        flight, truth = flight_from(site, averaging_time_s=60.0)
        corrected = correct_flight(flight)
        error = corrected["ch4_corrected"].values - truth
        assert np.sqrt(np.mean(error**2)) < 1.15 * site.noise
        ratio = np.abs(error / corrected["ch4_sigma"].values)
        assert 0.6 < np.mean(ratio < 1.0) < 0.75
        assert 0.91 < np.mean(ratio < 2.0) < 0.98
        met = truth > 5.0 * site.noise
        assert abs(error[met].sum() / truth[met].sum()) < 0.05
        assert is_usable(corrected, "ch4").all()
        assert "rise_s" not in corrected["ch4_corrected"].attrs
        assert "background shared by 16 fixed sensors" in corrected.attrs["history"]


@pytest.mark.parametrize("moments", [1, 4])
def test_few_readings_of_many_places_at_once_share_a_background_too(moments):
    """Background swings by 40 noises; what is left is noise and how far offsets lie apart."""
    for seed in range(4):
        site = fixed_sensors(np.random.default_rng(seed))
        times = np.linspace(20, site.time_s.size - 20, moments).astype(int)
        few = site._replace(
            time_s=site.time_s[times], truth=site.truth[times], reading=site.reading[times]
        )
        flight, truth = flight_from(few, averaging_time_s=600.0)
        corrected = correct_flight(flight)
        error = corrected["ch4_corrected"].values - truth
        spread = np.hypot(site.noise, np.std(site.offset))
        clean = truth < 0.1 * spread
        assert np.abs(np.median(error[clean])) < 0.8 * spread
        assert np.sqrt(np.mean(error[clean] ** 2)) < 1.5 * spread
        assert 0.4 * spread < np.median(corrected["ch4_sigma"].values) < 2.5 * spread
        assert "background shared by 16 places that read at once" in corrected.attrs["history"]
        assert is_usable(corrected, "ch4").all()
        given = correct_flight(flight, background_removed=True)
        assert_array_equal(given["ch4_corrected"].values, few.reading.ravel())


def test_without_drift_fixed_sensors_are_left_alone_each_with_its_own_noise():
    site = fixed_sensors(np.random.default_rng(5), peak=0.0)
    quiet = site.reading - site.background[:, None] - site.offset
    quiet[:, 3] *= 5.0
    flight, _ = flight_from(site._replace(reading=quiet), averaging_time_s=60.0)
    corrected = correct_flight(flight, background_removed=True)
    assert_array_equal(corrected["ch4_corrected"].values, quiet.ravel())
    sigma = corrected["ch4_sigma"].values.reshape(quiet.shape)[0]
    assert_allclose(sigma[3], 5.0 * site.noise, rtol=0.25)
    assert_allclose(np.delete(sigma, 3), site.noise, rtol=0.45)


def test_two_fixed_sensors_have_each_a_baseline_of_their_own():
    site = fixed_sensors(np.random.default_rng(6), sensors=2, peak=0.0)
    apart = site.reading + np.array([0.0, 500.0])
    flight, _ = flight_from(site._replace(reading=apart), averaging_time_s=60.0)
    corrected = correct_flight(flight)
    baseline = corrected["ch4_baseline"].values.reshape(apart.shape)
    assert "2 fixed sensors one by one" in corrected.attrs["history"]
    step = np.median(baseline[:, 1] - baseline[:, 0])
    assert_allclose(step, 500.0 + site.offset[1] - site.offset[0], atol=2.0 * site.noise)


def test_a_plume_over_one_sensor_for_an_hour_is_no_background():
    site = fixed_sensors(np.random.default_rng(7), peak=0.0)
    truth = np.zeros(site.reading.shape)
    truth[60:140, 4] = 80.0
    time_s, station, _, reading = flattened(site._replace(reading=site.reading + truth))
    found = above_shared_background(time_s, reading, station, step_s=60.0)
    there = truth.ravel() > 0.0
    assert_allclose(found.signal[there].mean(), 80.0, atol=site.noise)
    assert (found.plume[there] > 0.9).mean() > 0.95
    assert (found.plume[~there] > 0.5).mean() < 0.02


def test_a_sensor_that_never_leaves_the_plume_keeps_it():
    site = fixed_sensors(np.random.default_rng(17), peak=0.0)
    rng = np.random.default_rng(18)
    truth = np.zeros(site.reading.shape)
    truth[:, 4] = 80.0 * site.noise * rng.lognormal(0.0, 0.3, site.time_s.size)
    reading = site.reading + truth
    reading[:, 4] += 3.0 * site.noise - site.offset[4]  # the others' offsets are known, not this
    time_s, station, _, flat = flattened(site._replace(reading=reading))
    found = above_shared_background(time_s, flat, station, step_s=60.0)
    there = truth.ravel() > 0.0
    apart = float(np.std(np.delete(site.offset, 4)))
    error = found.signal[there].mean() - truth[:, 4].mean()
    assert abs(error) < 3.0 * apart
    assert found.sigma[there].min() > 0.5 * apart  # its offset is not known better
    assert np.abs(found.signal[~there].mean()) < 0.3 * site.noise


def test_missing_readings_and_sensors_take_no_part():
    site = fixed_sensors(np.random.default_rng(8), sensors=6)
    gappy = site.reading.copy()
    gappy[:, 2] = np.nan
    gappy[30:60, 1] = np.nan
    time_s, station, truth, reading = flattened(site._replace(reading=gappy))
    found = above_shared_background(time_s, reading, station, step_s=60.0)
    assert_array_equal(np.isnan(found.signal), np.isnan(reading))
    known = np.isfinite(reading)
    error = (found.signal - truth)[known]
    assert np.sqrt(np.mean(error**2)) < 1.6 * site.noise
    nothing = above_shared_background(time_s, np.full(reading.size, np.nan), station, step_s=60.0)
    assert np.isnan(nothing.sigma).all()


def test_the_order_of_rows_does_not_matter():
    site = fixed_sensors(np.random.default_rng(9))
    time_s, station, _, reading = flattened(site)
    mixed = np.random.default_rng(1).permutation(time_s.size)
    straight = above_shared_background(time_s, reading, station, step_s=60.0)
    turned = above_shared_background(time_s[mixed], reading[mixed], station[mixed], step_s=60.0)
    assert_allclose(turned.signal, straight.signal[mixed], atol=1e-6)
    assert_allclose(turned.plume, straight.plume[mixed], atol=1e-6)


def test_sensors_that_read_at_once_are_counted():
    time_s = np.repeat(np.arange(10.0) * 60.0, 3) + np.tile([0.0, 2.0, 5.0], 10)
    station = np.tile([0, 1, 2], 10)
    assert usually_together(time_s, station, 60.0) == 3
    assert usually_together(time_s, np.full(30, -1), 60.0) == 0


@pytest.mark.parametrize("hover_s", [0.0, 60.0])
def test_a_flight_has_no_stations_even_if_it_hovers(hover_s):
    time_s, east, north = survey_track(600.0, 5.0)
    still = time_s < hover_s
    east[still], north[still] = east[0], north[0]
    latitude = 52.0 + north / 111_195.0
    assert (station_of(latitude, 5.0 + east / 68_000.0) == -1).all()


@pytest.mark.parametrize("clock_s", [0.1, 1.0])
def test_a_flight_is_at_one_place_at_a_time_whatever_its_clock(clock_s):
    time_s, east, north = survey_track(600.0, 15.0)
    many = np.arange(0.0, time_s[-1], 0.1)
    latitude = 52.0 + np.interp(many, time_s, north) / 111_195.0
    longitude = 5.0 + np.interp(many, time_s, east) / 68_000.0
    assert (place_at_once(np.floor(many / clock_s) * clock_s, latitude, longitude) == -1).all()


def test_places_read_at_once_are_told_apart_but_for_those_unknown():
    latitude = np.tile([52.0, 52.001, 52.002, 52.003, np.nan], 3)
    found = place_at_once(np.repeat([0.0, 60.0, 120.0], 5), latitude, np.full(15, 5.0))
    assert_array_equal(found, np.tile([0, 1, 2, 3, -1], 3))
    assert place_at_once([], [], []).size == 0
    beside = place_at_once(np.zeros(4), 52.0 + 1e-5 * np.arange(4), np.full(4, 5.0))
    assert (beside == -1).all()


def test_places_at_once_are_those_of_the_slow_twin():
    met = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        moments, places = rng.integers(1, 6), rng.integers(1, 9)
        time_s = np.repeat(60.0 * np.arange(moments), places)
        if seed % 3 == 0:
            time_s = rng.choice(time_s, time_s.size)
        spread = 10.0 ** rng.uniform(-6.0, -2.0)
        latitude, longitude = (
            np.tile(middle + spread * rng.standard_normal(places), moments)
            for middle in (52.0, 5.0)
        )
        found = place_at_once(time_s, latitude, longitude)
        limits = {"same_deg": SAME_DEG, "apart_deg": APART_DEG, "fewest": FEWEST_PLACES}
        assert_array_equal(found, naive_signal.place_at_once(time_s, latitude, longitude, **limits))
        met += found.max() >= 0
    assert 30 < met < 270


def test_a_receptor_read_once_is_no_station():
    assert (station_of(52.0 + 1e-3 * np.arange(90), np.full(90, 5.0)) == -1).all()
    assert station_of([], []).size == 0
    assert (station_of([np.nan] * 20, [np.nan] * 20) == -1).all()


def test_clean_air_is_no_gas_however_many_sensors_read_it():
    """A bias of a tenth of the noise in all of them would be taken for a source afar."""
    means = []
    for seed in range(10):
        site = fixed_sensors(np.random.default_rng(30 + seed), hours=1.0, sensors=12, peak=0.0)
        time_s, station, _, reading = flattened(site)
        found = above_shared_background(time_s, reading, station, step_s=60.0)
        means.append(found.signal.mean() / site.noise)
    assert abs(np.mean(means)) < 0.04
