"""Which wind and air a reading gets."""

import numpy as np

from sensors.assemble import assemble
from sensors.records import Quality, RecordBatch
from tests.sensors.batches import boot_batch, clock_batch, own_log


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


def test_a_wind_of_nothing_throughout_is_a_sensor_that_does_not_turn():
    times = np.arange(0.0, 90.0, 5.0)
    still = own_log(times, [50] * times.size, eastward=0.0 * times, northward=0.0 * times)
    alone = assemble(still)
    assert alone.wind_source == "none"
    assert np.isnan(alone.eastward_wind).all()
    assert any("as no wind is" in note for note in alone.notes)
    assert assemble(still, wind=(3.0, 90.0)).wind_source == "given"
    estimate = boot_batch("wind", "WIND", times, eastward=times / 30.0, northward=0.0 * times)
    assert assemble([*still, clock_batch(), estimate]).wind_source == "autopilot"
    lull = own_log(times[:10], [50] * 10, eastward=0.0 * times[:10], northward=0.0 * times[:10])
    assert assemble(lull).wind_source == "anemometer"


def test_a_wind_that_never_changes_is_used_and_told():
    times = np.arange(0.0, 90.0, 5.0)
    ones = np.ones(times.size)
    flight = assemble(own_log(times, [50] * times.size, eastward=3.0 * ones, northward=0.0 * ones))
    assert flight.eastward_wind.tolist() == [3.0] * times.size
    (note,) = (one for one in flight.notes if one.startswith("wind"))
    assert "3.0 m/s from 270 degrees from the first reading to the last" in note
    ones[-1] = 1.001
    flight = assemble(own_log(times, [50] * times.size, eastward=3.0 * ones, northward=0.0 * ones))
    assert not any(one.startswith("wind") for one in flight.notes)
    given = assemble(own_log(times, [50] * times.size), wind=(3.0, 270.0))
    assert not any("stands still" in one for one in given.notes)


def test_wind_is_interpolated_as_a_vector_and_not_for_long():
    estimate = boot_batch("wind", "WIND", [0, 2, 30], eastward=[0, 2, 0], northward=[2, 0, 0])
    flight = assemble([*own_log([1, 15], [50, 50]), clock_batch(), estimate])
    assert (flight.eastward_wind[0], flight.northward_wind[0]) == (1, 1)
    assert np.isnan(flight.eastward_wind[1])


def test_air_comes_from_the_gas_log_first():
    log = own_log([0, 1], [50, 50])
    mine = RecordBatch("environment", "gas.csv", log[0].time_ns, {"temperature": np.full(2, 290.0)})
    other = boot_batch("environment", "BARO", [0, 1, 2], temperature=[310] * 3, pressure=[1e5] * 3)
    flight = assemble([*log, mine, clock_batch(), other])
    assert flight.air_temperature.tolist() == [290, 290]
    assert flight.air_pressure.tolist() == [1e5, 1e5]
