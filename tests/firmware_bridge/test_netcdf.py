import numpy as np
import pytest

from firmware_bridge.formats import csv, netcdf
from firmware_bridge.logfile import ReadReport, identify, read_log
from sensors.assemble import assemble
from sensors.errors import FormatError
from sensors.flight import from_columns, write_netcdf

TABLE = """time,latitude,longitude,altitude_agl_m,wind_speed_m_s,wind_from_deg,temperature_c,pid_ppb
2024-05-01T12:00:00.000Z,52.1,5.2,8.0,3.0,240.0,15.0,12.5
2024-05-01T12:00:00.000Z,52.2,5.3,8.1,,,15.1,-0.5
2024-05-01T12:00:03.123Z,,,,2.0,10.0,,
"""


@pytest.fixture
def written(tmp_path):
    table = tmp_path / "flight.csv"
    table.write_text(TABLE)
    columns = assemble(csv.read(table, ReadReport(path=table)))
    path = tmp_path / "flight.nc"
    write_netcdf(from_columns(columns), path)
    return columns, path


def test_a_flight_file_gives_the_records_it_was_made_of(written, monkeypatch):
    monkeypatch.setattr(netcdf, "_ROWS", 2)
    columns, path = written
    report = ReadReport(path=path)
    again = assemble(read_log(path, report))
    assert report.format == "netcdf"
    assert report.messages == {"row": 3}
    assert report.bytes_read == path.stat().st_size
    np.testing.assert_array_equal(again.time_ns, columns.time_ns)
    for name in (
        "latitude",
        "longitude",
        "height_above_ground",
        "eastward_wind",
        "northward_wind",
        "air_temperature",
        "quality",
    ):
        np.testing.assert_array_equal(getattr(again, name), getattr(columns, name), err_msg=name)
    np.testing.assert_array_equal(again.channels["pid"].values, columns.channels["pid"].values)
    assert again.wind_source == "anemometer"


@pytest.mark.parametrize("kind", ["autopilot", "given"])
def test_a_wind_that_was_no_anemometers_stays_so(written, tmp_path, kind):
    columns, _ = written
    path = tmp_path / "again.nc"
    write_netcdf(from_columns(columns).assign_attrs(wind_source=kind), path)
    assert assemble(read_log(path, ReadReport(path=path))).wind_source == kind


def test_a_file_cut_before_its_first_rows_are_whole_is_refused(written):
    _, path = written
    path.write_bytes(path.read_bytes()[:-100])
    assert netcdf.sniff(path)
    with pytest.raises(FormatError, match="not a whole NetCDF file"):
        list(read_log(path, ReadReport(path=path)))


def test_sniffing_goes_by_content(written, tmp_path):
    _, path = written
    assert identify(path) == "netcdf"
    assert not netcdf.sniff(tmp_path / "flight.csv")
    assert not netcdf.sniff(tmp_path)
