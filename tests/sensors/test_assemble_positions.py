"""Which position and height a reading gets, and when it gets none."""

from dataclasses import replace

import numpy as np
import pytest

from sensors.assemble import assemble
from sensors.flight import from_columns
from sensors.records import Quality
from tests.sensors.batches import boot_batch, clock_batch, gas_batch, own_log, track


def test_positions_are_never_taken_across_a_long_gap():
    fixes = track([0, 1, 2, 5, 6])
    flight = assemble([gas_batch([1.5, 3, 4.5, 5]), clock_batch(), fixes])
    assert np.isnan(flight.latitude).tolist() == [False, True, True, False]
    assert flight.quality.tolist() == [
        int(Quality.INTERPOLATED),
        int(Quality.NO_POSITION),
        int(Quality.NO_POSITION),
        0,
    ]
    assert any("2 of 4 readings have none" in note for note in flight.notes)
    from_columns(flight)


def test_no_fix_is_no_position():
    flight = assemble(
        [
            gas_batch([1, 3]),
            clock_batch(),
            boot_batch(
                "pose", "GPS", [0, 1, 2, 3], latitude=[0, 0, 50, 50], longitude=[0, 0, 5, 5]
            ),
        ]
    )
    assert np.isnan(flight.latitude).tolist() == [True, False]


def test_a_track_over_the_antimeridian_stays_there():
    fixes = boot_batch("pose", "POS", [0, 1], latitude=[-17, -17], longitude=[179.9999, -179.9999])
    flight = assemble([gas_batch([0.25, 0.5, 0.75]), clock_batch(), fixes])
    np.testing.assert_allclose(
        np.abs(flight.longitude), [179.99995, 180.0, 179.99995], rtol=0, atol=1e-9
    )
    assert flight.longitude[0] > 0 > flight.longitude[2]


def test_of_two_position_sources_the_one_that_places_more_is_taken():
    holey = track([0, 1, 8, 9])
    whole = boot_batch("pose", "POS", np.arange(10), latitude=[40] * 10, longitude=[5] * 10)
    flight = assemble([gas_batch([0.5, 4, 5]), clock_batch(), holey, whole])
    assert flight.latitude.tolist() == [40, 40, 40]


def test_rows_that_share_a_time_keep_their_own_positions():
    flight = assemble(own_log([0, 0, 0, 1], [50, 51, 52, 53]))
    assert flight.latitude.tolist() == [50, 51, 52, 53]
    assert flight.quality.tolist() == [0, 0, 0, 0]


def test_a_blank_position_between_two_is_filled_and_flagged():
    flight = assemble(own_log([0, 1, 2, 3, 7], [50, np.nan, 52, np.nan, 57]))
    assert flight.latitude[:3].tolist() == [50, 51, 52]
    assert np.isnan(flight.latitude[3])
    assert flight.quality.tolist() == [
        0,
        int(Quality.INTERPOLATED),
        0,
        int(Quality.NO_POSITION),
        0,
    ]


def test_a_gas_logs_own_positions_go_before_the_autopilots():
    flight = assemble([*own_log([0, 1], [40, 41]), clock_batch(), track(np.arange(5))])
    assert flight.latitude.tolist() == [40, 41]


def test_one_lost_fix_does_not_hide_the_autopilots_track():
    log = own_log([0, 1, 2, 3], [40, np.nan, np.nan, np.nan])
    flight = assemble([*log, clock_batch(), track(np.arange(5))])
    assert flight.latitude[3] == pytest.approx(52 + 3e-5)


def renamed(batches, source):
    return [replace(batch, source=source) for batch in batches]


def test_two_logs_with_the_same_times_keep_their_own_positions():
    there = renamed(own_log([0, 0], [60, 61]), "other.csv")
    there[1] = replace(there[1], columns={"mox": np.array([1.0, 2.0])}, units={"mox": "ohm"})
    flight = assemble([*own_log([0, 0], [50, 51]), *there])
    assert flight.latitude[np.isfinite(flight.channels["pid"].values)].tolist() == [50, 51]
    assert flight.latitude[np.isfinite(flight.channels["mox"].values)].tolist() == [60, 61]


def test_two_flights_one_after_the_other_keep_position_and_wind():
    first = own_log([0, 1], [50, 51], eastward=[1, 1], northward=[1, 1])
    second = own_log([900, 901], [52, 53], eastward=[2, 2], northward=[2, 2])
    flight = assemble([*first, *renamed(second, "b.csv")])
    assert flight.latitude.tolist() == [50, 51, 52, 53]
    assert flight.eastward_wind.tolist() == [1, 1, 2, 2]


def test_height_above_ground_is_taken_where_it_is_known():
    fixes = track([0, 1, 2], height_above_home_m=[1, 1, 1], height_above_ground_m=[8, 9, 10])
    flight = assemble([gas_batch([0.5]), clock_batch(), fixes])
    assert flight.height_above_ground.tolist() == [8.5]
    assert not any(note.startswith("height") for note in flight.notes)


def test_height_above_home_stands_in_for_it_and_says_so():
    flight = assemble([gas_batch([0.5]), clock_batch(), track([0, 1], height_above_home_m=[7, 8])])
    assert flight.height_above_ground.tolist() == [7.5]
    assert any("above home" in note for note in flight.notes)
    assert any("above home" in line for line in flight.history)


def test_no_reading_was_taken_below_the_ground():
    fixes = track([0, 1, 2, 3], height_above_home_m=[7, -2, -3.5, -20])
    flight = assemble([gas_batch([0, 1, 2, 3]), clock_batch(), fixes])
    np.testing.assert_array_equal(flight.height_above_ground, [7, -2, np.nan, np.nan])
    assert np.isfinite(flight.latitude).all()
    (note,) = (one for one in flight.notes if "below the ground" in one)
    assert note.startswith("height: 2 of 4 readings lie below the ground, down to -20 m")
