"""Whole flights corrected: simulated, on the ground, averaged, and real."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from detection.signal.airborne import is_airborne
from detection.signal.events import plume_events
from detection.signal.flight import correct_flight, is_usable
from sensors.flight import read_netcdf, write_netcdf
from tests.metric_flights import flight_of
from tests.naive_signal import simulated_channel


def survey(seed=0, **options):
    channel = simulated_channel(np.random.default_rng(seed), **options)
    flight = flight_of(
        channel.time_s,
        channel.east,
        channel.north,
        np.full(channel.time_s.size, 10.0),
        {"pid": channel.reading},
        {"pid": "1e-9"},
        temperature=channel.temperature,
        humidity=channel.humidity,
    )
    return channel, flight


def with_pads(height_known):
    """60 s on the pad, straight up, a survey, straight down, 60 s on the pad."""
    channel = simulated_channel(np.random.default_rng(5), duration_s=480.0, rate_hz=2.0)
    there = np.concatenate((np.zeros(160), channel.east + 30.0, np.zeros(160) + channel.east[-1]))
    aside = np.concatenate((np.zeros(160), channel.north, np.zeros(160) + channel.north[-1]))
    up = np.clip((np.arange(160) - 120) * 0.5, 0.0, 12.0)
    height = np.concatenate((up, np.full(960, 12.0), up[::-1]))
    rng = np.random.default_rng(6)
    reading = 50.0 + 4.0 * rng.normal(size=1280)
    reading[:150] += 300.0  # somebody starts a car beside the pad
    reading[-150:] += 300.0
    if not height_known:
        height = np.full(1280, np.nan)
    there[1120:] = there[1119]
    return reading, flight_of(
        np.arange(1280) * 0.5, there, aside, height, {"pid": reading}, {"pid": "1e-9"}
    )


def test_the_raw_channel_stays_and_the_corrected_one_stands_beside_it():
    channel, flight = survey()
    corrected = correct_flight(flight)
    assert_array_equal(corrected["pid"].values, channel.reading)
    assert corrected["pid_corrected"].attrs["units"] == flight["pid"].attrs["units"]
    for suffix in ("corrected", "baseline", "sigma", "plume", "warming_up"):
        assert corrected[f"pid_{suffix}"].dims == ("obs",)
        assert corrected[f"pid_{suffix}"].attrs["long_name"]
    assert_array_equal(
        corrected["pid_corrected"].values,
        corrected["pid"].values - corrected["pid_baseline"].values,
    )
    assert "pid_corrected" not in flight
    assert "airborne" not in flight


def test_the_corrected_signal_of_a_survey_is_the_plume():
    channel, flight = survey(front=0.05)
    corrected = correct_flight(flight)
    usable = is_usable(corrected, "pid")
    assert usable.mean() > 0.9
    error = (corrected["pid_corrected"].values - channel.truth)[usable] / channel.noise
    assert np.sqrt(np.mean(error**2)) < 1.2


def test_the_corrected_channel_says_how_fast_it_answers():
    _, flight = survey(peak=300.0, duration_s=1200.0, lag_s=6.0)
    attrs = correct_flight(flight)["pid_corrected"].attrs
    assert attrs["response_lines"] >= 5
    error = 0.5 * np.log(attrs["rise_s"] * attrs["decay_s"] / (6.0 * 9.0))
    assert abs(error) < 2.0 * attrs["response_log_sd"]
    assert attrs["response_log_sd"] < 0.4  # the prior's


def test_each_channel_gets_one_line_of_history():
    _, flight = survey()
    lines = correct_flight(flight).attrs["history"].split("\n")
    before = str(flight.attrs["history"]).split("\n")
    assert lines[: len(before)] == before
    assert len(lines) == len(before) + 1
    assert "pid: baseline smoothed" in lines[-1]


def test_a_corrected_flight_survives_its_file(tmp_path):
    corrected = correct_flight(survey(duration_s=120.0)[1])
    write_netcdf(corrected, tmp_path / "flight.nc")
    back = read_netcdf(tmp_path / "flight.nc")
    assert set(back.variables) == set(corrected.variables)
    for name in corrected.variables:
        assert_array_equal(back[name].values, corrected[name].values)
    assert_array_equal(is_usable(back, "pid"), is_usable(corrected, "pid"))


@pytest.mark.parametrize("height_known", [True, False])
def test_what_is_smelt_on_and_above_the_pad_takes_no_part(height_known):
    _, flight = with_pads(height_known)
    airborne = is_airborne(flight)
    assert not airborne[:158].any()
    assert not airborne[-155:].any()
    assert airborne[165:1115].all()
    corrected = correct_flight(flight)
    assert np.isnan(corrected["pid_corrected"].values[:158]).all()
    known = np.isfinite(corrected["pid_corrected"].values)
    assert np.abs(corrected["pid_corrected"].values[known]).max() < 6.0 * 4.0
    assert_array_equal(corrected["airborne"].values == 1, airborne)


def test_a_landing_amid_the_flight_is_on_the_ground():
    _, flight = survey(duration_s=600.0)
    height = np.full(flight.sizes["obs"], 10.0)
    height[1500:1700] = 0.2
    still = flight.assign_coords(
        height_above_ground=flight["height_above_ground"].copy(data=height)
    )
    for name in ("latitude", "longitude"):
        values = still[name].values.copy()
        values[1500:1700] = values[1500]
        still[name] = still[name].copy(data=values)
    airborne = is_airborne(still)
    assert not airborne[1530:1670].any()
    assert airborne[:1450].all()
    assert airborne[1750:].all()


def test_a_sensor_that_never_moves_is_in_use_all_the_time():
    size = 200
    flight = flight_of(
        np.arange(size),
        np.zeros(size),
        np.zeros(size),
        np.full(size, 1.5),
        {"pid": np.arange(size) % 3 * 1.0},
        {"pid": "1e-9"},
    )
    assert is_airborne(flight).all()


@pytest.mark.parametrize("how", ["argument", "attribute", "average"])
def test_readings_without_background_are_left_alone(how):
    _, flight = survey(duration_s=200.0)
    if how == "attribute":
        flight.attrs["background_removed"] = 1
    if how == "average":
        flight.attrs["averaging_time_s"] = 600.0
    corrected = correct_flight(flight, background_removed=how == "argument")
    assert_array_equal(corrected["pid_corrected"].values, flight["pid"].values)
    assert (corrected["pid_baseline"].values == 0.0).all()
    assert (corrected["pid_sigma"].values > 0.0).all()
    assert "left as given" in corrected.attrs["history"]


def test_a_resistance_becomes_relative_and_keeps_its_baseline_in_ohm():
    size = 600
    rng = np.random.default_rng(8)
    east = 5.0 * np.arange(size)
    flight = flight_of(
        np.arange(size),
        east,
        np.zeros(size),
        np.full(size, 10.0),
        {"mox1": 4e4 * np.exp(0.01 * rng.normal(size=size))},
        {"mox1": "ohm"},
    )
    corrected = correct_flight(flight)
    assert corrected["mox1_corrected"].attrs["units"] == "1"
    assert corrected["mox1_sigma"].attrs["units"] == "1"
    assert corrected["mox1_baseline"].attrs["units"] == "ohm"
    assert abs(np.median(corrected["mox1_baseline"]) / 4e4 - 1.0) < 0.01


def test_faulty_readings_are_no_gas():
    _, flight = survey(peak=0.0)
    reading = flight["pid"].values.copy()
    reading[1000:1020] = 5000.0
    quality = flight["pid_quality"].values.copy()
    quality[1000:1020] |= 16
    faulty = flight.assign(
        pid=flight["pid"].copy(data=reading), pid_quality=flight["pid_quality"].copy(data=quality)
    )
    corrected = correct_flight(faulty)
    assert np.isnan(corrected["pid_corrected"].values[1000:1020]).all()
    assert not is_usable(corrected, "pid")[1000:1020].any()


@pytest.mark.parametrize("name", ["100m_a", "100m_b", "100m_c", "200m_a", "200m_b", "300m_a"])
def test_take_off_of_a_real_flight_is_no_plume_event(shared_data, name):
    table = np.genfromtxt(
        shared_data / "uav_co2_friesland" / f"flight_day1_{name}.csv",
        delimiter=",",
        names=True,
        dtype=None,
        encoding="utf-8",
    )
    utc = np.strings.rstrip(table["time"], "Z").astype("datetime64[ms]")
    time_s = utc.astype(np.int64) * 1e-3
    time_s = time_s - time_s[0]
    flight = flight_of(
        time_s,
        (table["longitude"] - table["longitude"][0]) * 66_400.0,
        (table["latitude"] - table["latitude"][0]) * 111_195.0,
        table["altitude_agl_m"],
        {"tvoc": table["tvoc_ppb"].astype(np.float64)},
        {"tvoc": "1e-9"},
        temperature=table["temperature_c"] + 273.15,
    )
    corrected = correct_flight(flight)
    usable = is_usable(corrected, "tvoc")
    assert usable.mean() > 0.8
    assert (corrected["tvoc_sigma"].values[usable] >= 1.0 / np.sqrt(12.0)).all()
    events = plume_events(
        time_s[usable],
        corrected["tvoc_corrected"].values[usable],
        corrected["tvoc_sigma"].values[usable],
    )
    begun = time_s[usable][0]
    assert begun > 10.0  # after the climb
    assert all(event.start_s > begun for event in events)


def test_ten_minute_means_are_left_alone(shared_data):
    arcs = np.genfromtxt(shared_data / "prairie_grass" / "arcs.csv", delimiter=",", names=True)
    run = arcs[(arcs["run"] == 8) & (arcs["conc_mg_m3"] >= 0.0)]
    flight = flight_of(
        np.arange(run.size) * 600.0,
        run["x_east_m"],
        run["y_north_m"],
        np.full(run.size, 1.5),
        {"so2": run["conc_mg_m3"]},
        {"so2": "mg m-3"},
    )
    flight.attrs["averaging_time_s"] = 600.0
    corrected = correct_flight(flight)
    assert_array_equal(corrected["so2_corrected"].values, run["conc_mg_m3"])
    assert (corrected["so2_baseline"].values == 0.0).all()
    assert is_usable(corrected, "so2").all()
