"""Gas where a drone takes off and lands is left out, and said."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from detection.signal.airborne import seconds
from detection.signal.flight import correct_flight
from drone.pads import pad_notes, warm_up_notes
from tests.metric_flights import flight_of

GROUND_S, CLIMB_S, LINE_S = 10.0, 8.0, 200.0


def flown_in_gas(begin_s: float, end_s: float, ppb: float) -> xr.Dataset:
    """A flight there and back, gas read for a while; it lands where it took off."""
    time_s = np.arange(0.0, 2.0 * (GROUND_S + CLIMB_S) + LINE_S, 0.2)
    middle = 0.5 * time_s[-1]
    to_end_s = middle - np.abs(time_s - middle)  # since power-on, or to the end
    away = 5.0 * np.clip(to_end_s - GROUND_S - CLIMB_S, 0.0, None)
    height = 10.0 * np.clip((to_end_s - GROUND_S) / CLIMB_S, 0.0, 1.0)
    noise = np.random.default_rng(3).normal(0.0, 2.0, time_s.size)
    gas = np.where((time_s >= begin_s) & (time_s < end_s), ppb, 0.0)
    flight = flight_of(
        time_s, away, np.zeros(time_s.size), height, {"pid": 80.0 + noise + gas}, {"pid": "1e-9"}
    )
    return correct_flight(flight)


def notes_with_gas(begin_s: float, end_s: float, ppb: float) -> list[str]:
    """Notes on such a flight's gas on the ground."""
    return pad_notes(flown_in_gas(begin_s, end_s, ppb))


def test_clean_air_on_the_ground_needs_no_words():
    assert notes_with_gas(0.0, 0.0, 0.0) == []


def test_gas_at_take_off_is_told_with_its_amount():
    (note,) = notes_with_gas(4.0, 12.0, 500.0)
    assert "took off" in note
    amount, unit = note.removeprefix("pid: up to ").split()[:2]
    assert unit == "ppb"
    assert abs(float(amount) - 500.0) < 10.0


def test_gas_at_landing_is_told():
    (note,) = notes_with_gas(2.0 * CLIMB_S + GROUND_S + LINE_S, 1e9, 500.0)
    assert "landed" in note


def test_a_reading_that_only_falls_since_power_on_is_warm_up():
    assert notes_with_gas(0.0, 3.0, 500.0) == []


def test_gas_in_flight_is_no_matter_of_the_pad():
    assert notes_with_gas(60.0, 70.0, 500.0) == []


def test_gas_in_flight_while_a_sensor_may_warm_up_is_told():
    (note,) = warm_up_notes(flown_in_gas(0.0, GROUND_S + 12.0, 500.0))
    amount, unit = note.removeprefix("pid: up to ").split()[:2]
    assert unit == "ppb"
    assert abs(float(amount) - 500.0) < 20.0
    seconds = float(note.split("within the first ")[1].split()[0])
    assert GROUND_S + 11.0 <= seconds < GROUND_S + 25.0


def test_clean_air_and_later_gas_are_no_matter_of_the_warm_up():
    assert warm_up_notes(flown_in_gas(0.0, 0.0, 0.0)) == []
    assert warm_up_notes(flown_in_gas(60.0, 70.0, 500.0)) == []


@pytest.mark.parametrize("amount", [200.0, 600.0, 1200.0])
@pytest.mark.parametrize("shape", ["single", "double"])
def test_a_transient_that_only_fades_is_no_gas_to_tell(amount, shape):
    """A hundred to six hundred noises of it, in clean air."""
    flight = flown_in_gas(0.0, 0.0, 0.0)
    time_s = seconds(flight)
    transient = {
        "single": np.exp(-time_s / 40.0),
        "double": 0.7 * np.exp(-time_s / 15.0) + 0.3 * np.exp(-time_s / 120.0),
    }[shape]
    flight["pid"] = flight["pid"].copy(data=flight["pid"].values + amount * transient)
    assert warm_up_notes(correct_flight(flight)) == []


@pytest.mark.parametrize(("noises", "is_told"), [(12.0, False), (40.0, True)])
def test_what_is_left_out_is_told_where_it_is_strong(noises, is_told):
    flight = flown_in_gas(0.0, GROUND_S + CLIMB_S + 12.0, 2.0 * noises)
    assert bool(warm_up_notes(flight)) == is_told


def test_a_fixed_sensor_that_begins_in_gas_is_told_once():
    """Two stand in turn in one record; only the first smells something."""
    time_s = np.arange(0.0, 600.0, 0.5)
    station = np.arange(time_s.size) % 2
    gas = np.where((station == 0) & (time_s < 60.0), 300.0, 0.0)
    reading = 80.0 + np.random.default_rng(0).normal(0.0, 3.0, time_s.size) + gas
    here = np.zeros(time_s.size)
    flight = flight_of(time_s, 100.0 * station, here, here + 3.0, {"pid": reading}, {"pid": "1e-9"})
    (note,) = warm_up_notes(correct_flight(flight))
    assert abs(float(note.removeprefix("pid: up to ").split()[0]) - 300.0) < 30.0
    assert "in flight" not in note
