"""A flight file that was cut or damaged: what comes back is what was written, to the last bit."""

import errno
import os
import shutil
import tempfile
from unittest import mock

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.formats.netcdf import flight_in
from firmware_bridge.logfile import ReadReport, read_log
from sensors.assemble import assemble
from sensors.errors import FormatError, SniffdroneError
from sensors.flight import from_columns, read_netcdf, write_netcdf
from sensors.flight_blocks import RowBlocks
from sensors.records import RecordBatch

ROWS = 1000
FUZZ = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def flight_of(rows, rng):
    """Readings no compression can make small, with gaps and zeros in all rows but the first."""
    times = np.cumsum(rng.integers(0, 10**9, rows))
    values = rng.normal(size=(6, rows))
    values[:, 1:][rng.random((6, rows - 1)) < 0.1] = np.nan
    values[:, 1:][rng.random((6, rows - 1)) < 0.1] = 0.0
    batches = [
        RecordBatch("pose", "a", times, {"latitude": values[0] * 0 + 52, "longitude": values[0]}),
        RecordBatch("environment", "a", times, {"pressure": 1e5 + values[1]}),
        RecordBatch("wind", "a", times, {"eastward": values[2], "northward": values[2] * 2}),
        RecordBatch(
            "gas",
            "a",
            times,
            {"pid": values[3], "mox": values[4]},
            units={"pid": "1e-9", "mox": "V"},
        ),
    ]
    flight = from_columns(assemble(batches, name="a", source_files=["a"]))
    corrected = ("obs", values[5], {"long_name": "pid without drift"})
    return flight.assign(pid_corrected=corrected, day=("day", np.arange(3.0)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "flight.nc"
    write_netcdf(flight_of(ROWS, np.random.default_rng(3)), path)
    blocks = RowBlocks.find(path)
    assert blocks is not None
    return path.read_bytes(), read_netcdf(path), blocks


def rows_left(octets, whole, folder):
    """Readings that come back of a flight file; each must be as it was written."""
    path = folder / "torn.nc"
    path.write_bytes(octets)
    report = ReadReport(path=path, bytes_total=len(octets))
    complaint = ""
    try:
        found = flight_in(path, report)
    except SniffdroneError as error:
        complaint = str(error)
    if complaint:
        assert str(path) in complaint
        assert "\n" not in complaint
        return 0, report
    rows = found.sizes["obs"]
    full = whole[1].isel(obs=slice(rows))
    xr.testing.assert_identical(found, full)
    for name, variable in full.variables.items():
        assert found.variables[name].values.tobytes() == variable.values.tobytes(), name
    return rows, report


def blocks_before(byte, blocks):
    return int(np.append(0, blocks.row_end)[(blocks.byte_end <= byte).sum()])


def test_the_table_ends_where_the_file_ends(whole):
    octets, flight, blocks = whole
    assert blocks.row_end.tolist() == [*range(64, ROWS, 64), ROWS]
    assert blocks.byte_end[-1] == len(octets)
    assert (np.diff(blocks.byte_end) > 0).all()
    assert flight.sizes["obs"] == ROWS


@FUZZ
@given(data=st.data())
def test_a_cut_anywhere_leaves_the_blocks_before_it(whole, tmp_path, data):
    octets, _, blocks = whole
    behind_head = st.integers(int(blocks.byte_end[0]) - 2000, len(octets) - 1)
    cut = data.draw(st.integers(0, len(octets) - 1) | behind_head)
    rows, report = rows_left(octets[:cut], whole, tmp_path)
    assert rows == blocks_before(cut, blocks)
    if rows:
        assert report.truncated_at_byte == blocks.byte_end[blocks.row_end == rows][0]
        assert report.warnings == [f"{report.path}: {rows} of {ROWS} readings are whole"]


def test_a_cut_at_a_block_keeps_it_and_a_byte_less_does_not(whole, tmp_path):
    octets, _, blocks = whole
    ends, rows = blocks.byte_end.tolist(), [0, *blocks.row_end.tolist()]
    for number, end in enumerate(ends[:-1]):
        assert rows_left(octets[:end], whole, tmp_path)[0] == rows[number + 1]
        assert rows_left(octets[: end - 1], whole, tmp_path)[0] == rows[number]


def test_a_cut_costs_the_share_behind_it(whole, tmp_path):
    octets, _, blocks = whole
    head = int(blocks.byte_end[0])
    for share in (0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        cut = head + int(share * (len(octets) - head))
        rows, _ = rows_left(octets[:cut], whole, tmp_path)
        assert share * ROWS - 80 <= rows <= share * ROWS + 80
    assert head < 100_000


@FUZZ
@given(data=st.data())
def test_zeros_in_place_of_the_end_are_no_readings(whole, tmp_path, data):
    """As a copy that was stopped leaves behind where room for it was made beforehand."""
    octets, _, blocks = whole
    end = data.draw(st.integers(int(blocks.byte_end[0]), len(octets) - 1))
    rows, report = rows_left(octets[:end].ljust(len(octets), b"\0"), whole, tmp_path)
    assert blocks_before(end, blocks) <= rows <= ROWS
    if rows < ROWS:
        assert report.damaged_bytes == len(octets) - blocks.byte_end[blocks.row_end == rows][0]


@FUZZ
@given(data=st.data())
def test_damaged_rows_are_no_readings(whole, tmp_path, data):
    octets, _, blocks = whole
    damaged = bytearray(octets)
    place = data.draw(st.integers(int(blocks.byte_end[0]), len(octets) - 1))
    damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    kept = data.draw(st.integers(place + 1, len(octets)))
    rows, _ = rows_left(damaged[:kept], whole, tmp_path)
    assert blocks_before(place, blocks) <= rows <= blocks_before(kept, blocks)


def test_zeros_from_within_the_head_are_no_readings(whole, tmp_path):
    octets, _, blocks = whole
    for end in np.linspace(8, blocks.byte_end[0], 60, dtype=int).tolist():
        rows, _ = rows_left(octets[:end].ljust(len(octets), b"\0"), whole, tmp_path)
        assert rows in {0, blocks.row_end[0]}  # its last bytes may be room that nothing fills


@settings(FUZZ, max_examples=10)
@given(
    rows=st.integers(1, 5000), seed=st.integers(0, 1000), share=st.floats(0, 1, exclude_max=True)
)
def test_flights_of_any_length_survive_a_cut(rows, seed, share, tmp_path):
    path = tmp_path / "whole.nc"
    write_netcdf(flight_of(rows, np.random.default_rng(seed)), path)
    blocks = RowBlocks.find(path)
    assert blocks is not None
    octets = path.read_bytes()
    assert blocks.byte_end[-1] == len(octets)
    cut = int(blocks.byte_end[0] + share * (len(octets) - blocks.byte_end[0]))
    left, _ = rows_left(octets[:cut], (octets, read_netcdf(path), blocks), tmp_path)
    assert left == blocks_before(cut, blocks)


def test_a_cut_file_is_read_as_any_log_and_says_so(whole, tmp_path):
    octets, _, blocks = whole
    path = tmp_path / "torn.nc"
    path.write_bytes(octets[: blocks.byte_end[3] + 1])
    report = ReadReport(path=path)
    columns = assemble(read_log(path, report))
    assert columns.time_ns.size == 256
    assert report.messages == {"row": 256}
    assert report.bytes_read == report.bytes_total == path.stat().st_size
    assert report.warnings == [
        f"{path}: 256 of 1000 readings are whole",
        f"{path}: cut off after byte {blocks.byte_end[3]}; all that is whole before it was read",
    ]


def test_no_copy_is_left_behind(whole, tmp_path, monkeypatch):
    octets, _, blocks = whole
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    for cut in (blocks.byte_end[0] - 1, blocks.byte_end[2]):
        rows_left(octets[:cut], whole, tmp_path)
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("fault", ["no folder", "disk full"])
def test_without_room_for_a_copy_the_message_names_the_folder_not_the_file(
    whole, tmp_path, monkeypatch, fault
):
    octets, _, blocks = whole
    path = tmp_path / "torn.nc"
    path.write_bytes(octets[: blocks.byte_end[2]])
    folder = tmp_path / "temporary"
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    if fault == "disk full":
        folder.mkdir()
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        monkeypatch.setattr(shutil, "copyfile", mock.Mock(side_effect=full))
    words = "No space left" if fault == "disk full" else "No such file"
    with pytest.raises(FormatError, match=rf"cannot be made \({words}.*TMPDIR") as caught:
        flight_in(path, ReadReport(path=path))
    assert "\n" not in str(caught.value)
    assert not folder.exists() or not list(folder.iterdir())


def test_a_file_another_program_wrote_anew_has_no_table_any_more(whole, tmp_path):
    octets, flight, _ = whole
    path, again = tmp_path / "a.nc", tmp_path / "b.nc"
    path.write_bytes(octets)
    with xr.open_dataset(path, decode_times=False, mask_and_scale=False) as stored:
        changed = stored.load().drop_encoding()
    changed["pid"] += 1.0
    changed.to_netcdf(again)
    assert RowBlocks.find(again) is None
    np.testing.assert_array_equal(read_netcdf(again)["pid"], flight["pid"] + 1.0)
    again.write_bytes(again.read_bytes()[:-1])
    with pytest.raises(FormatError, match="not a whole NetCDF file"):
        flight_in(again, ReadReport(path=again))


def test_a_classic_file_is_refused_because_its_cuts_go_unnoticed(tmp_path):
    path = tmp_path / "classic.nc"
    xr.Dataset({"x": ("y", [1.0])}).to_netcdf(path, format="NETCDF3_64BIT")
    with pytest.raises(FormatError, match=r"classic NetCDF file.*nccopy -k nc4"):
        flight_in(path, ReadReport(path=path))
