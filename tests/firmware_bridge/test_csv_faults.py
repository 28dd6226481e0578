"""What a table with faults gives: one line each, and never a traceback."""

import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from firmware_bridge.formats import csv
from firmware_bridge.logfile import ReadReport, identify
from sensors.assemble import assemble
from sensors.errors import FormatError, SniffdroneError
from sensors.flight import from_columns

HEADER = "time,latitude,longitude,altitude_agl_m,pid_ppb"
GOOD = [f"2024-05-01T12:00:0{i}.000Z,52.000{i},5.000{i},8.0,{10 * i}.5" for i in range(6)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "flight.csv"


def read(path, *lines, header=HEADER):
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    report = ReadReport(path=path)
    flight = assemble(csv.read(path, report))
    from_columns(flight)
    return flight, report


def with_cell(row, column, cell):
    cells = row.split(",")
    cells[column] = cell
    return ",".join(cells)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "\n", "holds a header and no rows"),
        (HEADER, "holds a header and no rows"),
        (HEADER + "\n\n\n", "holds a header and no rows"),
        (HEADER + "\n2024-05-01T12:00", "holds a header and no rows"),
        ("\n\n", "no header"),
        ("stamp,pid_ppb\n1,2\n", 'line 1: no column "time" among stamp, pid_ppb'),
        ("time,pid\n2024-05-01T12:00:00Z,2\n", "line 1: no gas column among time, pid"),
        ("time,latitude,longitude\n2024-05-01T12:00:00Z,2,3\n", "no gas column"),
        ("time,h2o_pct\n2024-05-01T12:00:00Z,2\n", "no gas column among time, h2o_pct"),
        ("time,pid_ppb,pid_ppb\n2024-05-01T12:00:00Z,2,3\n", 'two columns are "pid_ppb"'),
        ("time,pid_ppb\n1700000000,2\n", "line 2: time '1700000000' is not ISO 8601"),
        ("time,pid_ppb\nyesterday,2\n,3\n", r"'yesterday' is not ISO 8601 \(2 of 2 rows\)"),
        ("\ufefftime,pid_ppb\n".encode("utf-16-le").decode("latin-1"), "UTF-16"),
    ],
)  # fmt: skip
def test_what_is_no_flight_is_refused_in_one_line(path, text, message):
    path.write_bytes(text.encode("latin-1") if "\xff" in text else text.encode())
    with pytest.raises(FormatError, match=message) as caught:
        list(csv.read(path, ReadReport(path=path)))
    assert "flight.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_most_times_unreadable_is_refused(path):
    rows = [GOOD[0], *[with_cell(row, 0, "noon") for row in GOOD[1:]]]
    with pytest.raises(FormatError, match="5 of 6 rows"):
        read(path, *rows)


def test_a_single_unreadable_time_drops_its_row(path):
    flight, report = read(path, *GOOD[:3], with_cell(GOOD[3], 0, "noon"), *GOOD[4:])
    assert flight.time_ns.size == 5
    assert report.warnings == [
        "flight.csv line 5: time 'noon' is not ISO 8601; 1 such row(s) left out, correct them"
    ]


@pytest.mark.parametrize("cell", ["abc", "1e400", "inf", "-inf", "12,5", "1_000", "0x10", "٣x"])
def test_a_bad_cell_is_missing_and_named_with_its_line(path, cell):
    quoted = f'"{cell}"'
    rows = [GOOD[0], with_cell(GOOD[1], 4, quoted), GOOD[2], with_cell(GOOD[3], 4, quoted)]
    flight, report = read(path, *rows)
    assert np.isnan(flight.channels["pid"].values).tolist() == [False, True, False, True]
    (warning,) = report.warnings
    assert warning.startswith("flight.csv line 3: pid_ppb ")
    assert "2 such cell(s)" in warning


@pytest.mark.parametrize("cell", ["", " ", "nan", "NaN", "NA", "null"])
def test_a_missing_cell_is_missing_without_a_word(path, cell):
    flight, report = read(path, GOOD[0], with_cell(GOOD[1], 4, cell))
    assert np.isnan(flight.channels["pid"].values).tolist() == [False, True]
    assert report.warnings == []


def test_values_that_cannot_be_are_missing(path):
    header = "time,latitude,longitude,wind_speed_m_s,wind_from_deg,temperature_c,pid_ppb"
    rows = ["2024-05-01T12:00:00Z,52,5,-3,90,-999,1", "2024-05-01T12:00:01Z,52,5,3,90,20,2"]
    flight, report = read(path, *rows, header=header)
    assert np.isnan(flight.eastward_wind[0])
    assert flight.air_temperature[1] == 293.15
    assert [warning.split(";")[0] for warning in report.warnings] == [
        "flight.csv line 2: wind_speed_m_s '-3' is not a number in 0..150",
        "flight.csv line 2: temperature_c '-999' is not a number in -90..100",
    ]


def test_one_impossible_position_is_blanked(path):
    rows = [GOOD[0], with_cell(GOOD[1], 1, "512.37"), *GOOD[2:]]
    flight, report = read(path, *rows)
    (warning,) = report.warnings
    assert warning.startswith("flight.csv line 3: latitude 512.37, longitude 5.0001 is no place")
    assert flight.latitude[1] == pytest.approx(52.0001)  # between its neighbours


def test_swapped_coordinates_are_refused_with_the_remedy(path):
    rows = [with_cell(with_cell(row, 1, "151.2"), 2, "-33.8") for row in GOOD]
    with pytest.raises(FormatError, match="look swapped; exchange the two column names") as caught:
        read(path, *rows)
    assert "line 2" in str(caught.value)


def test_coordinates_in_another_system_are_refused(path):
    rows = [with_cell(with_cell(row, 1, "463000"), 2, "155000") for row in GOOD]
    with pytest.raises(FormatError, match=r"no place on Earth \(6 of 6 positions\)"):
        read(path, *rows)


def test_zero_zero_is_no_fix(path):
    rows = [with_cell(with_cell(GOOD[0], 1, "0"), 2, "0"), *GOOD[1:]]
    flight, report = read(path, *rows)
    assert np.isnan(flight.latitude[0])
    assert "line 2: position 0, 0 means no fix; 1 such" in report.warnings[0]


def test_no_position_at_all_is_refused(path):
    rows = [with_cell(with_cell(row, 1, ""), 2, "") for row in GOOD]
    with pytest.raises(SniffdroneError, match="no positions; give the autopilot log"):
        read(path, *rows)


def test_times_that_repeat_or_go_back_are_kept_in_order_and_said(path):
    flight, report = read(path, GOOD[0], GOOD[2], GOOD[1], GOOD[3], GOOD[3])
    assert np.all(np.diff(flight.time_ns) >= 0)
    assert flight.channels["pid"].values.tolist() == [0.5, 10.5, 20.5, 30.5, 30.5]
    assert report.warnings == [
        "flight.csv line 6: time repeats the row before; 1 such row(s), all kept",
        "flight.csv line 4: time goes back; 1 such row(s), rows are put in order",
    ]
    assert [jump["seconds"] for jump in report.clock_jumps] == [-1.0]


def test_a_row_with_too_few_or_too_many_cells_is_left_out(path):
    flight, report = read(path, GOOD[0], GOOD[1][:-8], GOOD[2] + ",7", GOOD[3])
    assert flight.time_ns.size == 2
    (warning,) = report.warnings
    assert "line 3: has 4 cells where the header has 5; 2 such row(s) left out" in warning
    assert report.damaged_bytes == len(GOOD[1][:-8]) + 1 + len(GOOD[2] + ",7") + 1


def test_a_channel_of_unknown_unit_is_named_and_the_rest_used(path):
    header = HEADER + ",h2o_pct,remark"
    rows = [row + ",1.2,windy" for row in GOOD]
    flight, report = read(path, *rows, header=header)
    assert list(flight.channels) == ["pid"]
    (warning,) = report.warnings
    assert warning.startswith("flight.csv line 1: not used: h2o_pct, remark")


def test_half_a_position_is_none(path):
    with pytest.raises(SniffdroneError, match="no positions"):
        read(path, "2024-05-01T12:00:00Z,52,1", header="time,latitude,pid_ppb")


def test_a_torn_last_row_is_left_out_and_its_place_told(path):
    whole = "\n".join([HEADER, *GOOD[:3]]) + "\n"
    path.write_text(whole + GOOD[3][:30])
    report = ReadReport(path=path)
    flight = assemble(csv.read(path, report))
    assert flight.time_ns.size == 3
    assert report.truncated_at_byte == len(whole)
    assert report.damaged_bytes == 30
    assert "line 5: the file ends inside this row" in report.warnings[0]


def test_space_that_was_reserved_and_never_written_is_a_torn_end(path):
    whole = "\n".join([HEADER, *GOOD[:3]]) + "\n"
    path.write_bytes(whole.encode() + GOOD[3].encode() + b"\0" * (20 << 20))
    report = ReadReport(path=path)
    assert assemble(csv.read(path, report)).time_ns.size == 3
    assert report.truncated_at_byte == len(whole)


def test_a_line_without_end_is_refused(path):
    path.write_bytes(HEADER.encode() + b"\n" + b"1," * (9 << 20))
    with pytest.raises(FormatError, match="no line end in 16 MiB"):
        list(csv.read(path, ReadReport(path=path)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 10_000))
@example(3)
@example(0)
def test_a_file_cut_anywhere_keeps_its_whole_rows(path, place):
    text = "\n".join([HEADER, *GOOD]) + "\n"
    path.write_text(text[: place % len(text)])
    whole = max(path.read_bytes().count(b"\n") - 1, 0)
    report = ReadReport(path=path)
    rows = 0
    with contextlib.suppress(SniffdroneError):
        for batch in csv.read(path, report):
            rows += len(batch) * (batch.kind == "gas")
    cut = text[: place % len(text)]
    is_only_the_line_end_lost = "\n" in cut and text[len(cut)] == "\n"
    # in the very first row there is no cell above to tell how long the last one should be
    assert rows == whole + is_only_the_line_end_lost or (rows == 1 and whole == 0)
    if rows == whole > 0:
        assert (report.truncated_at_byte is None) == cut.endswith("\n")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8), st.data())
def test_damaged_bytes_never_raise_anything_of_our_own(path, damage, data):
    text = bytearray(("\n".join([HEADER, *GOOD]) + "\n").encode())
    for place, value in damage:
        text[place % len(text)] = value
    path.write_bytes(bytes(text))
    with contextlib.suppress(SniffdroneError):
        from_columns(assemble(csv.read(path, ReadReport(path=path))))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_after_a_header_is_survived(path, first, second):
    path.write_text(f"{HEADER}\n{GOOD[0]}\n{first}\n{second}", encoding="utf-8", errors="replace")
    with contextlib.suppress(SniffdroneError):
        from_columns(assemble(csv.read(path, ReadReport(path=path))))


@pytest.mark.parametrize(
    ("content", "is_table"),
    [
        (b"time,pid_ppb\n", True),
        (b"\xef\xbb\xbftime;pid_ppb\n", True),
        (b"time\n", True),
        (b"", False),
        (b'{"a": 1, "b": 2}', False),
        (b"<html>, </html>", False),
        (b"ULog\x01\x12\x35\x01", False),
        (b"\xa3\x95\x80,,,\x00\x01", False),
        (b"\x89HDF\r\n\x1a\n,,,", False),
        (b"just some words\n", False),
    ],
)
def test_a_table_is_recognised_by_its_content(path, content, is_table):
    path.write_bytes(content)
    assert csv.sniff(path) is is_table


def test_what_cannot_be_opened_is_no_table(tmp_path):
    assert not csv.sniff(tmp_path)
    assert not csv.sniff(tmp_path / "none.csv")


def test_a_table_is_identified(path):
    path.write_text(HEADER + "\n" + GOOD[0] + "\n")
    assert identify(path) == "csv"
