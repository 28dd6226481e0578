"""What a laser sums along its beam is no concentration at a point and finds no source."""

import numpy as np
import pytest

from sensors.assemble import assemble
from sensors.devices import Moment, driver_for
from sensors.errors import FlightError
from sensors.flight import from_columns
from sensors.flight_contract import gas_channels, validate
from sensors.framing import Frame
from sensors.units import PATH_INTEGRAL, UNITS, parse_channel
from tests.sensors.batches import clock_batch, gas_batch, track


def beam(times, **columns):
    return gas_batch(times, source="falcon", unit=PATH_INTEGRAL, **columns)


def test_the_laser_falcon_says_that_it_is_one():
    driver = driver_for("laser_falcon")
    sub = [{"ppm_m": 100, "f1": 480.0, "f2": 1400.0, "counter": n} for n in range(5)]
    told = {"kind": "path_integral", "raw": {"ppm_m": 100, "sub": sub}}
    (frame,) = driver.decoder().feed(driver.encode(told))
    assert isinstance(frame, Frame)
    (sample,) = driver.records(frame, Moment(source="falcon", time_ns=0))
    assert (sample.channel, sample.unit) == ("ch4_path", PATH_INTEGRAL)


def test_a_point_sensor_beside_the_beam_is_all_the_flight_holds():
    logs = [gas_batch([0, 1], pid=[1, 2]), beam([0.2, 0.7], ch4_path=[1e-4, 2e-4])]
    columns = assemble([*logs, clock_batch(), track(np.arange(5))])
    assert list(columns.channels) == ["pid"]
    assert any("ch4_path: summed along a beam" in note for note in columns.notes)
    assert gas_channels(from_columns(columns)) == ["pid"]


def test_a_flight_of_the_beam_alone_is_refused():
    logs = [beam([0, 1], ch4_path=[1e-4, 2e-4]), clock_batch(), track(np.arange(5))]
    with pytest.raises(FlightError, match=r"ch4_path: summed along a beam.*samples air"):
        assemble(logs)


def test_no_flight_passes_the_gate_with_one():
    logs = [gas_batch([0, 1], pid=[1, 2]), clock_batch(), track(np.arange(5))]
    flight = from_columns(assemble(logs))
    flight["pid"].attrs["units"] = PATH_INTEGRAL
    with pytest.raises(FlightError, match='"pid" has no usable units'):
        validate(flight)


@pytest.mark.parametrize("column", ["ch4_ppm_m", "ch4_path_m", "ch4_path_ppm_m"])
def test_no_column_of_a_table_is_read_as_a_point_value(column):
    assert parse_channel(column) is None


def test_no_unit_of_a_channel_is_a_length():
    assert PATH_INTEGRAL not in {unit.udunits for unit in UNITS.values()}
