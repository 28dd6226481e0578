"""A gas log beside real autopilot logs: both formats of one flight must say the same."""

from itertools import chain

import numpy as np
import pytest

from firmware_bridge.formats import csv
from firmware_bridge.logfile import ReadReport, read_log
from sensors.assemble import assemble
from sensors.errors import FlightError
from sensors.flight import from_columns
from sensors.units import from_speed_direction

# UTC of the flight's middle ten minutes; the autopilot of survey_a booted at 00:39:28
START = np.datetime64("2026-11-21T00:41:00.050", "ms")


@pytest.fixture
def gas_log(tmp_path):
    times = START + np.arange(4000) * 100
    path = tmp_path / "gas.csv"
    path.write_text("time,pid_ppb\n" + "".join(f"{time}Z,{i}\n" for i, time in enumerate(times)))
    return path


def combined(gas_log, log, **options):
    logs = (read_log(path, ReadReport(path=path)) for path in (gas_log, log))
    return assemble(chain(*logs), **options)


def test_telemetry_and_dataflash_place_the_readings_alike(shared_data, gas_log):
    folder = shared_data / "autopilot_sitl"
    telemetry = combined(gas_log, folder / "survey_a.tlog")
    dataflash = combined(gas_log, folder / "survey_a.BIN")
    assert np.isfinite(telemetry.latitude).all()
    north = (telemetry.latitude - dataflash.latitude) * 111_195
    east = (telemetry.longitude - dataflash.longitude) * 68_300
    # at 5 m/s a tenth of a second of clock error is half a metre
    assert np.hypot(north, east).max() < 0.5
    assert np.abs(telemetry.height_above_ground - dataflash.height_above_ground).max() < 0.2
    for flight in (telemetry, dataflash):
        assert flight.wind_source == "autopilot"
        speed, from_deg = from_speed_direction(
            np.nanmean(flight.eastward_wind), np.nanmean(flight.northward_wind)
        )
        # the estimate of a true 3.0 m/s from 240 degrees, 8 % too strong
        assert float(speed) == pytest.approx(3.27, abs=0.1)
        assert float(from_deg) == pytest.approx(240.8, abs=2)
        from_columns(flight)


def test_an_offset_moves_readings_along_the_track(shared_data, gas_log):
    log = shared_data / "autopilot_sitl" / "survey_a.tlog"
    plain, later = combined(gas_log, log), combined(gas_log, log, offset_s=10.0)
    np.testing.assert_allclose(later.latitude[:-100], plain.latitude[100:], rtol=0, atol=1e-9)


def test_a_lost_link_leaves_readings_without_position(shared_data, gas_log):
    flight = combined(gas_log, shared_data / "autopilot_sitl" / "survey_b.tlog")
    lost = np.isnan(flight.latitude)
    assert 115 <= lost.sum() <= 125  # 12 s at 10 Hz
    assert np.flatnonzero(lost).size == np.ptp(np.flatnonzero(lost)) + 1
    # the wind's own gap is longer than it may be, too
    assert np.isnan(flight.eastward_wind[lost]).any()


@pytest.mark.parametrize("name", ["survey_a.tlog", "survey_a.BIN"])
def test_a_log_of_another_day_is_refused(shared_data, tmp_path, name):
    path = tmp_path / "gas.csv"
    path.write_text("time,pid_ppb\n2024-05-01T12:00:00Z,1\n2024-05-01T12:00:01Z,2\n")
    with pytest.raises(FlightError, match="do not overlap"):
        combined(path, shared_data / "autopilot_sitl" / name)


def test_an_autopilot_log_alone_is_no_flight(shared_data):
    path = shared_data / "autopilot_sitl" / "survey_a.tlog"
    with pytest.raises(FlightError, match="no gas readings"):
        assemble(read_log(path, ReadReport(path=path)))


def test_the_gas_log_itself_needs_no_position(gas_log):
    with pytest.raises(FlightError, match="give the autopilot log of the flight beside it"):
        assemble(csv.read(gas_log, ReadReport(path=gas_log)))
