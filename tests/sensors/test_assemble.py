from dataclasses import replace

import numpy as np
import pytest

from sensors.assemble import assemble
from sensors.errors import ConfigError, FlightError
from sensors.flight import from_columns
from sensors.records import Quality, RecordBatch

S = 10**9
T0 = 1_700_000_000 * S  # UTC of the start of the gas log
BOOT = 1_699_999_900 * S  # UTC at which the autopilot booted


def gas_batch(seconds, source="gas.csv", quality=None, clock="utc", unit="1e-9", **columns):
    times = T0 + np.round(np.asarray(seconds, float) * S).astype(np.int64)
    columns = columns or {"pid": np.arange(times.size, dtype=float)}
    return RecordBatch(
        "gas",
        source,
        times,
        {name: np.asarray(column, float) for name, column in columns.items()},
        clock=clock,
        units=dict.fromkeys(columns, unit),
        **({} if quality is None else {"quality": np.asarray(quality, np.uint16)}),
    )


def boot_batch(kind, source, seconds_utc, clock="boot", quality=None, **columns):
    """A batch at seconds after T0, on the autopilot's own clock."""
    times = T0 - (BOOT if clock == "boot" else 0) + np.round(np.asarray(seconds_utc) * S)
    extra = {} if quality is None else {"quality": np.asarray(quality, np.uint16)}
    return RecordBatch(
        kind,
        source,
        times.astype(np.int64),
        {name: np.asarray(column, float) for name, column in columns.items()},
        clock=clock,
        **extra,
    )


def clock_batch(jitter_ns=(0, 0, 0), clock="boot", ahead_s=0.0):
    boot = np.arange(1, len(jitter_ns) + 1, dtype=np.int64) * S
    utc = BOOT + boot
    times = boot if clock == "boot" else utc + round(ahead_s * S)
    return RecordBatch(
        "clock", "SYSTEM_TIME", times + np.array(jitter_ns), {"utc_ns": utc}, clock=clock
    )


def track(seconds, **more):
    seconds = np.asarray(seconds, float)
    return boot_batch(
        "pose",
        "GLOBAL_POSITION_INT",
        seconds,
        latitude=52 + seconds * 1e-5,
        longitude=5 + seconds * 2e-5,
        altitude_amsl_m=10 + seconds,
        **more,
    )


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


def test_a_gas_log_alone_has_no_positions():
    with pytest.raises(FlightError, match=r"gas\.csv: no positions; give the autopilot log"):
        assemble([gas_batch([0, 1])])


def test_an_autopilot_log_alone_has_no_gas():
    with pytest.raises(FlightError, match="GLOBAL_POSITION_INT: no gas readings"):
        assemble([clock_batch(), track([0, 1])])
    with pytest.raises(FlightError, match="no gas readings"):
        assemble([])


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


def own_log(seconds, latitude, **wind):
    times = gas_batch(seconds).time_ns
    pose = {"latitude": np.asarray(latitude, float), "longitude": np.full(times.size, 5.0)}
    batches = [RecordBatch("pose", "gas.csv", times, pose), gas_batch(seconds)]
    if wind:
        columns = {name: np.asarray(column, float) for name, column in wind.items()}
        batches.append(RecordBatch("wind", "gas.csv", times, columns))
    return batches


def test_rows_that_share_a_time_keep_their_own_positions():
    flight = assemble(own_log([0, 0, 0, 1], [50, 51, 52, 53]))
    assert flight.latitude.tolist() == [50, 51, 52, 53]
    assert flight.quality.tolist() == [0, 0, 0, 0]


def test_rows_go_in_order_of_time_with_what_belongs_to_them():
    flight = assemble(own_log([3, 1, 2, 1], [53, 51, 52, 51.5]))
    assert flight.latitude.tolist() == [51, 51.5, 52, 53]
    assert flight.channels["pid"].values.tolist() == [1, 3, 2, 0]


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


def test_two_gas_logs_keep_all_their_readings():
    other = gas_batch([0.5, 1.5], source="mox.csv", unit="ohm", mox=[10, 20])
    flight = assemble([gas_batch([0, 1]), other, clock_batch(), track(np.arange(5))])
    assert flight.channels["pid"].values[[0, 2]].tolist() == [0, 1]
    assert flight.channels["mox"].values[[1, 3]].tolist() == [10, 20]
    assert flight.channels["mox"].quality.tolist() == [1, 0, 1, 0]


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


def test_anemometer_goes_before_autopilot_goes_before_given():
    own = own_log([0, 1], [50, 50], eastward=[1, 1], northward=[2, 2])
    estimate = boot_batch("wind", "WIND", [0, 1], eastward=[3, 3], northward=[4, 4])
    by_sensor = assemble([*own, clock_batch(), estimate], wind=(9, 90))
    assert (by_sensor.wind_source, by_sensor.eastward_wind[0]) == ("anemometer", 1)
    assert any("what was given is not used" in note for note in by_sensor.notes)
    without = own_log([0, 1], [50, 50])
    by_autopilot = assemble([*without, clock_batch(), estimate], wind=(9, 90))
    assert (by_autopilot.wind_source, by_autopilot.northward_wind[1]) == ("autopilot", 4)
    by_hand = assemble(without, wind=(9, 90))
    assert by_hand.wind_source == "given"
    assert by_hand.eastward_wind.tolist() == [-9, -9]
    nothing = assemble(without)
    assert nothing.wind_source == "none"
    assert np.isnan(nothing.eastward_wind).all()
    assert any("--wind-speed" in note for note in nothing.notes)


def test_an_anemometer_that_says_nothing_gives_way_to_the_autopilot():
    own = own_log([0, 1], [50, 50], eastward=[np.nan] * 2, northward=[np.nan] * 2)
    estimate = boot_batch("wind", "WIND", [0, 1], eastward=[3, 3], northward=[4, 4])
    assert assemble([*own, clock_batch(), estimate]).wind_source == "autopilot"


def test_no_estimate_yet_is_not_calm():
    estimate = boot_batch(
        "wind",
        "WIND",
        np.arange(0, 30, 5),
        eastward=[0, 0, 0, 3, 3, 3],
        northward=[0, 0, 0, 4, 4, 4],
        quality=[int(Quality.MISSING)] * 3 + [0] * 3,
    )
    log = own_log([0, 10, 15, 20], [50] * 4)
    flight = assemble([*log, clock_batch(), estimate])
    np.testing.assert_array_equal(flight.eastward_wind, [np.nan, np.nan, 3, 3])


def test_wind_is_interpolated_as_a_vector_and_not_for_long():
    estimate = boot_batch("wind", "WIND", [0, 2, 30], eastward=[0, 2, 0], northward=[2, 0, 0])
    flight = assemble([*own_log([1, 15], [50, 50]), clock_batch(), estimate])
    assert (flight.eastward_wind[0], flight.northward_wind[0]) == (1, 1)
    assert np.isnan(flight.eastward_wind[1])


def test_the_mission_gas_is_what_a_general_sensor_means():
    log = [gas_batch([0, 1], pid=[1, 2], ch4=[1, 2]), clock_batch(), track([0, 1])]
    flight = assemble(log, gas="toluene")
    assert flight.channels["pid"].gas == "toluene"
    assert flight.channels["pid"].is_equivalent
    assert flight.channels["ch4"].gas == "methane"
    assert not flight.channels["ch4"].is_equivalent


def test_a_gas_the_sensors_cannot_see_is_refused():
    log = [gas_batch([0, 1], pid=[1, 2]), clock_batch(), track([0, 1])]
    with pytest.raises(
        ConfigError, match=r'"methanol": none of the channels pid \(pid\)'
    ) as caught:
        assemble(log, gas="methanol")
    assert "10.84 eV" in str(caught.value)
    assert assemble(log, gas="methanol", lamp_ev=11.7).channels["pid"].gas == "methanol"


def test_a_channel_of_its_own_makes_a_gas_visible():
    log = [gas_batch([0, 1], pid=[1, 2], ch4=[1, 2]), clock_batch(), track([0, 1])]
    flight = assemble(log, gas="methane")
    assert flight.channels["pid"].gas == "isobutylene"
    assert any("cannot see methane" in note for note in flight.notes)


def test_no_gas_asked_for_is_never_refused():
    log = [gas_batch([0, 1], co2=[400, 401]), clock_batch(), track([0, 1])]
    assert assemble(log).channels["co2"].gas == "carbon dioxide"


def test_one_channel_cannot_come_in_two_units():
    log = [
        gas_batch([0]),
        gas_batch([1], source="b.csv", unit="1e-6"),
        clock_batch(),
        track([0, 1]),
    ]
    with pytest.raises(ConfigError, match='"pid" comes in 1e-6 and 1e-9'):
        assemble(log)


@pytest.mark.parametrize(
    "values", [[np.nan] * 4, [7.0] * 4, [0.0, -1.0, np.nan, 1e300]], ids=["nan", "constant", "odd"]
)
def test_dull_or_odd_readings_still_make_a_flight(values):
    log = [gas_batch([0, 1, 3600, 3601], pid=values), clock_batch(), track([0, 1, 3600, 3601])]
    flight = from_columns(assemble(log))
    np.testing.assert_array_equal(flight["pid"].values, values)


def test_two_readings_are_enough_for_a_flight():
    assert from_columns(assemble(own_log([0, 1], [50, 51]))).sizes["obs"] == 2


def test_air_comes_from_the_gas_log_first():
    log = own_log([0, 1], [50, 50])
    mine = RecordBatch("environment", "gas.csv", log[0].time_ns, {"temperature": np.full(2, 290.0)})
    other = boot_batch("environment", "BARO", [0, 1, 2], temperature=[310] * 3, pressure=[1e5] * 3)
    flight = assemble([*log, mine, clock_batch(), other])
    assert flight.air_temperature.tolist() == [290, 290]
    assert flight.air_pressure.tolist() == [1e5, 1e5]


def test_the_readings_own_flags_stay_with_them():
    log = [
        gas_batch([0, 1], quality=[int(Quality.SATURATED), 0]),
        clock_batch(),
        track([0, 1]),
    ]
    assert assemble(log).channels["pid"].quality.tolist() == [int(Quality.SATURATED), 0]
