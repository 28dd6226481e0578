"""Readings of one or more logs become one flight: all are kept, and each channel knows its gas."""

import numpy as np
import pytest

from sensors.assemble import assemble
from sensors.errors import ConfigError, FlightError
from sensors.flight import from_columns
from sensors.records import Quality
from tests.sensors.batches import clock_batch, gas_batch, own_log, track


def test_a_gas_log_alone_has_no_positions():
    with pytest.raises(FlightError, match=r"gas\.csv: no positions; give the autopilot log"):
        assemble([gas_batch([0, 1])])


def test_an_autopilot_log_alone_has_no_gas():
    with pytest.raises(FlightError, match="GLOBAL_POSITION_INT: no gas readings"):
        assemble([clock_batch(), track([0, 1])])
    with pytest.raises(FlightError, match="no gas readings"):
        assemble([])


def test_rows_go_in_order_of_time_with_what_belongs_to_them():
    flight = assemble(own_log([3, 1, 2, 1], [53, 51, 52, 51.5]))
    assert flight.latitude.tolist() == [51, 51.5, 52, 53]
    assert flight.channels["pid"].values.tolist() == [1, 3, 2, 0]


def test_two_gas_logs_keep_all_their_readings():
    other = gas_batch([0.5, 1.5], source="mox.csv", unit="ohm", mox=[10, 20])
    flight = assemble([gas_batch([0, 1]), other, clock_batch(), track(np.arange(5))])
    assert flight.channels["pid"].values[[0, 2]].tolist() == [0, 1]
    assert flight.channels["mox"].values[[1, 3]].tolist() == [10, 20]
    assert flight.channels["mox"].quality.tolist() == [1, 0, 1, 0]


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


def test_the_readings_own_flags_stay_with_them():
    log = [
        gas_batch([0, 1], quality=[int(Quality.SATURATED), 0]),
        clock_batch(),
        track([0, 1]),
    ]
    assert assemble(log).channels["pid"].quality.tolist() == [int(Quality.SATURATED), 0]
