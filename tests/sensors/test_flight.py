import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings

from sensors.assemble import assemble
from sensors.errors import FlightError, FormatError
from sensors.flight import (
    add_history,
    channel_mass_concentration,
    from_columns,
    gas_channels,
    read_netcdf,
    validate,
    write_netcdf,
)
from sensors.records import Quality, RecordBatch
from tests.strategies import flights


@pytest.fixture
def flight():
    times = np.arange(4, dtype=np.int64) * 10**9
    pose = {"latitude": np.full(4, 52.0), "longitude": np.full(4, 5.0)}
    gas = {"pid": np.arange(4.0), "mox": np.full(4, 1e4), "co2": np.array([400, np.nan, 402, 403])}
    batches = [
        RecordBatch("pose", "a.csv", times, pose),
        RecordBatch("gas", "a.csv", times, gas, units={"pid": "1e-9", "mox": "ohm", "co2": "1e-6"}),
    ]
    return from_columns(assemble(batches, name="a", source_files=["a.csv"]))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flight=flights())
def test_netcdf_gives_a_flight_back_to_the_last_bit(tmp_path_factory, flight):
    path = tmp_path_factory.mktemp("flight") / "flight.nc"
    write_netcdf(flight, path)
    back = read_netcdf(path)
    xr.testing.assert_identical(back, flight)
    for name, variable in flight.variables.items():
        other = back.variables[name]
        if variable.dims:
            assert other.dtype == variable.dtype
            assert other.values.tobytes() == variable.values.tobytes(), name


def test_further_variables_of_any_kind_come_back(tmp_path, flight):
    more = flight.assign(
        is_plume=("obs", np.array([True, False, True, True])),
        note=("obs", np.array(["a", "", "b", "c"])),
        packed=("obs", np.arange(4, dtype=np.int16), {"scale_factor": 0.5}),
        **{"a name with spaces": ("obs", np.arange(4.0))},
        kernel=(("row", "column"), np.eye(2)),
        threshold=((), 1.5),
    )
    write_netcdf(more, tmp_path / "f.nc")
    xr.testing.assert_identical(read_netcdf(tmp_path / "f.nc"), more)


def test_writing_leaves_the_flight_as_it_was(tmp_path, flight):
    before = flight.copy(deep=True)
    write_netcdf(flight, tmp_path / "f.nc")
    xr.testing.assert_identical(flight, before)
    assert [path.name for path in tmp_path.iterdir()] == ["f.nc"]


def test_the_file_follows_cf(tmp_path, flight):
    write_netcdf(flight, tmp_path / "f.nc")
    with xr.open_dataset(tmp_path / "f.nc", decode_cf=False) as stored:
        assert stored.attrs["Conventions"] == "CF-1.11"
        assert stored.attrs["featureType"] == "trajectory"
        assert stored["time"].attrs["units"] == "nanoseconds since 1970-01-01"
        assert stored["time"].dtype == np.int64
        assert stored["trajectory"].attrs["cf_role"] == "trajectory_id"
        assert set(stored["pid"].attrs["coordinates"].split()) == {
            "time",
            "latitude",
            "longitude",
            "altitude",
            "height_above_ground",
        }
        assert stored["pid"].attrs["ancillary_variables"] == "pid_quality"
        flags = stored["pid_quality"].attrs
        assert flags["flag_masks"].tolist() == [flag.value for flag in Quality]
        assert len(flags["flag_meanings"].split()) == len(Quality)
        assert stored["co2"].attrs["standard_name"] == "mole_fraction_of_carbon_dioxide_in_air"
        assert "standard_name" not in stored["pid"].attrs
    with xr.open_dataset(tmp_path / "f.nc") as decoded:  # as anyone else would read it
        assert decoded["time"].values[1] == np.datetime64("1970-01-01T00:00:01")


def test_an_old_file_stays_whole_when_writing_fails(tmp_path, flight, monkeypatch):
    path = tmp_path / "f.nc"
    write_netcdf(flight, path)
    before = path.read_bytes()

    def fails(self, target, **_):
        target.write_bytes(b"half a file")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", fails)
    with pytest.raises(FlightError, match="No space left"):
        write_netcdf(flight, path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["f.nc"]


def test_a_disk_that_fills_while_rows_are_written_is_said_in_one_line(
    tmp_path, flight, monkeypatch
):
    def fails(self):
        raise RuntimeError("NetCDF: HDF error")  # what the library makes of a full disk

    monkeypatch.setattr("sensors.flight_file.netCDF4.Dataset.sync", fails)
    with pytest.raises(FlightError, match=r"f\.nc: cannot be written \(NetCDF: HDF error\)"):
        write_netcdf(flight, tmp_path / "f.nc")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(tmp_path, flight):
    with pytest.raises(FlightError, match="cannot be written"):
        write_netcdf(flight, tmp_path / "none" / "f.nc")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_cut_file_is_refused_in_one_line(tmp_path, flight, share):
    path = tmp_path / "f.nc"
    write_netcdf(flight, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(FormatError, match=r"f\.nc: not a whole NetCDF file") as caught:
        read_netcdf(path)
    assert "\n" not in str(caught.value)


def test_another_netcdf_file_is_refused(tmp_path):
    xr.Dataset({"x": ("y", [1.0])}).to_netcdf(tmp_path / "x.nc")
    with pytest.raises(FlightError, match='"time"'):
        read_netcdf(tmp_path / "x.nc")


def _changed(flight, name, values):
    return flight.assign({name: (flight[name].dims, values, flight[name].attrs)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop_vars("air_pressure"), '"air_pressure" is missing'),
        (lambda f: f.drop_vars("pid_quality"), '"pid_quality" is missing'),
        (lambda f: _changed(f, "pid", f["pid"].values.astype(np.float32)), '"pid" is float32'),
        (lambda f: _changed(f, "pid", np.array([1, 2, np.inf, 4])), '"pid" holds infinity'),
        (lambda f: _changed(f, "time", f["time"].values[::-1]), '"time" goes back after row 0'),
        (
            lambda f: _changed(f, "time", f["time"].values.astype("datetime64[s]")),
            '"time" is datetime64',
        ),
        (lambda f: _changed(f, "latitude", np.full(4, 91.0)), '"latitude" is 91 in row 0'),
        (lambda f: _changed(f, "longitude", np.full(4, np.nan)), "not missing together"),
        (lambda f: _changed(f, "eastward_wind", np.full(4, 1.0)), "not missing together in row 0"),
        (lambda f: f.isel(obs=slice(0, 0)), "no readings"),
        (lambda f: f.assign_attrs(wind_source="guess"), "wind_source"),
        (lambda f: f.assign_attrs(clock_offset_s="0"), '"clock_offset_s" must be a number'),
        (lambda f: f.assign_attrs(background_removed=2), "background_removed"),
        (lambda f: f.assign_attrs(featureType="point"), "featureType"),
    ],
)
def test_validate_names_the_fault(flight, change, message):
    with pytest.raises(FlightError, match=message):
        validate(change(flight))


def test_validate_names_a_channel_without_unit(flight):
    del flight["pid"].attrs["units"]
    with pytest.raises(FlightError, match=r'"pid" has no usable units.*units = "1e-9" for ppb'):
        validate(flight)


def test_validate_refuses_other_units(flight):
    flight["air_temperature"].attrs["units"] = "degC"
    with pytest.raises(FlightError, match="\"air_temperature\" has units 'degC'"):
        validate(flight)


def test_validate_lets_further_variables_pass(flight):
    more = flight.assign(pid_corrected=flight["pid"] - 1)
    more["pid_corrected"].attrs.pop("channel_role", None)
    assert gas_channels(validate(more)) == ["pid", "mox", "co2"]


def test_history_grows_by_a_line(flight):
    more = add_history(flight, "drift removed")
    assert more.attrs["history"] == flight.attrs["history"] + "\ndrift removed"


def test_a_channels_mass_uses_its_attributes_and_the_air(flight):
    # co2: named for its gas; air unknown: 293.15 K; 400e-6 x 0.044009 x 41.571 mol m-3
    mass = channel_mass_concentration(flight, "co2")
    assert mass[0] == pytest.approx(400e-6 * 0.044009 * 41.571, rel=1e-4)
    assert np.isnan(mass[1])
    # pid: in isobutylene equivalents of acetone, makers' mean sqrt(1.1 x 0.7)
    pid = channel_mass_concentration(flight, "pid")
    assert pid[1] == pytest.approx(1e-9 * np.sqrt(0.77) * 0.05808 * 41.571, rel=1e-4)
    doubled = channel_mass_concentration(flight, "pid", 2 * flight["pid"].values)
    assert doubled == pytest.approx(2 * pid)
    cold = _changed(flight, "air_temperature", np.full(4, 293.15 / 2))
    assert channel_mass_concentration(cold, "pid") == pytest.approx(2 * pid)


def test_a_resistance_has_no_mass(flight):
    with pytest.raises(FlightError, match='"mox" is in ohm'):
        channel_mass_concentration(flight, "mox")
