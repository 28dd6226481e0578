"""Gas readings and an autopilot's fixes meet on one clock, or are refused."""

import numpy as np
import pytest

from sensors.assemble import assemble
from sensors.errors import FlightError
from sensors.records import Quality
from tests.sensors.batches import T0, S, boot_batch, clock_batch, gas_batch, track


def test_gas_and_autopilot_meet_on_the_vehicles_utc():
    flight = assemble([gas_batch([0.25, 1.5, 3]), clock_batch(), track(np.arange(10))])
    np.testing.assert_allclose(flight.latitude, 52 + np.array([0.25, 1.5, 3]) * 1e-5)
    np.testing.assert_allclose(flight.longitude, 5 + np.array([0.25, 1.5, 3]) * 2e-5)
    np.testing.assert_allclose(flight.altitude, [10.25, 11.5, 13])
    between, own = int(Quality.INTERPOLATED), 0
    assert flight.quality.tolist() == [between, between, own]


def test_readings_and_their_times_are_never_resampled():
    seconds = [0.1, 0.1, 0.73, 4.0]
    flight = assemble([gas_batch(seconds), clock_batch(), track(np.arange(10))])
    assert ((flight.time_ns - T0) / S).tolist() == pytest.approx(seconds)
    assert flight.channels["pid"].values.tolist() == [0, 1, 2, 3]


def test_a_given_offset_is_added_to_the_gas_times():
    late = assemble([gas_batch([13.0]), clock_batch(), track(np.arange(10))], offset_s=-10.0)
    assert late.latitude[0] == pytest.approx(52 + 3e-5)
    assert late.clock_offset_s == -10.0
    assert any("-10.000 s added" in note for note in late.notes)


def test_one_wild_clock_pair_does_not_move_the_flight():
    flight = assemble([gas_batch([3]), clock_batch((0, 0, 7 * S, 0, 0)), track(np.arange(10))])
    assert flight.latitude[0] == pytest.approx(52 + 3e-5)


def test_the_statement_names_how_far_off_the_receiver_was():
    pairs = [clock_batch(), clock_batch(clock="receiver", ahead_s=10.0)]
    flight = assemble([gas_batch([3]), *pairs, track(np.arange(10))])
    assert any("receiver's clock was +10.000 s off and unused" in note for note in flight.notes)
    assert flight.clock_offset_s == 0.0


def test_logs_that_do_not_overlap_are_refused_with_both_spans():
    with pytest.raises(FlightError, match="do not overlap") as caught:
        assemble([gas_batch([5000, 5001]), clock_batch(), track(np.arange(10))])
    message = str(caught.value)
    assert "2023-11-14T23:36:40Z" in message
    assert "2023-11-14T22:13:20Z" in message
    assert "--offset-s" in message
    assert "\n" not in message


def test_overlapping_logs_without_a_common_moment_are_refused():
    with pytest.raises(FlightError, match="no reading lies between"):
        assemble([gas_batch([5, 5.5]), clock_batch(), track([0, 1, 9, 10])])


def test_an_autopilot_that_never_knew_utc_is_not_guessed_at():
    with pytest.raises(FlightError, match="no positions"):
        assemble([gas_batch([0, 1]), track([0, 1])])


def test_receiver_stamps_are_the_last_resort_and_say_so():
    fixes = boot_batch(
        "pose", "GPS_RAW_INT", [0, 1, 2], clock="receiver", latitude=[1, 2, 3], longitude=[0.5] * 3
    )
    flight = assemble([gas_batch([1]), fixes])
    assert flight.quality[0] & Quality.CLOCK_POOR
    assert any("receiving computer's own stamps" in note for note in flight.notes)


def test_receiver_stamps_are_corrected_where_the_log_tells_by_how_much():
    fixes = boot_batch(
        "pose",
        "GPS_RAW_INT",
        np.arange(10) + 4.0,  # stamped 4 s late
        clock="receiver",
        latitude=np.arange(10),
        longitude=[0.5] * 10,
    )
    pairs = clock_batch(clock="receiver", ahead_s=4.0)
    flight = assemble([gas_batch([3]), pairs, fixes])
    assert flight.latitude.tolist() == [3.0]
    assert not flight.quality[0] & Quality.CLOCK_POOR
