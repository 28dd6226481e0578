"""What a whole, well-meant table gives."""

import gzip
import math
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.formats import csv
from firmware_bridge.logfile import ReadReport
from sensors.assemble import assemble
from sensors.flight import from_columns

HEADER = (
    "time,latitude,longitude,altitude_agl_m,wind_speed_m_s,wind_from_deg,temperature_c,"
    "relative_humidity_pct,pressure_pa,pid_ppb,mox1_ohm"
)
ROWS = [
    "2024-05-01T12:00:00.000Z,52.1,5.2,8.0,3.0,240.0,15.0,60,101000,12.5,10000",
    "2024-05-01T12:00:00.100Z,52.2,5.3,8.1,,,15.1,61,101001,-0.5,10001",
]


def read(path, text=None, **options):
    """Joined columns of every kind of record in a table, and the report."""
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    report = ReadReport(path=path, bytes_total=path.stat().st_size, **options)
    columns = {}
    for batch in csv.read(path, report):
        for name, values in {"time_ns": batch.time_ns, **batch.columns}.items():
            columns.setdefault((batch.kind, name), []).append(values)
    return {key: np.concatenate(parts) for key, parts in columns.items()}, report


@pytest.fixture
def path(tmp_path):
    return tmp_path / "flight.csv"


def test_every_column_of_the_contract_arrives_in_si(path):
    columns, report = read(path, "\n".join([HEADER, *ROWS]) + "\n")
    assert report.warnings == []
    assert report.messages == {"row": 2}
    assert columns["gas", "time_ns"].tolist() == [1714564800 * 10**9, 1714564800 * 10**9 + 10**8]
    assert columns["pose", "latitude"].tolist() == [52.1, 52.2]
    assert columns["pose", "longitude"].tolist() == [5.2, 5.3]
    assert columns["pose", "height_above_ground_m"].tolist() == [8.0, 8.1]
    assert columns["wind", "eastward"][0] == pytest.approx(3 * math.sin(math.radians(60)))
    assert columns["wind", "northward"][0] == pytest.approx(1.5)
    assert np.isnan(columns["wind", "eastward"][1])
    assert columns["environment", "temperature"].tolist() == [288.15, pytest.approx(288.25)]
    assert columns["environment", "relative_humidity"].tolist() == [0.6, 0.61]
    assert columns["environment", "pressure"].tolist() == [101000, 101001]
    assert columns["gas", "pid"].tolist() == [12.5, -0.5]  # negative is noise around zero
    assert columns["gas", "mox1"].tolist() == [10000, 10001]


@pytest.mark.parametrize(
    "dressed",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.rstrip("\n"),
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace(",", " , "),
        lambda text: "\n".join(
            ",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines()
        )
        + "\n",
        lambda text: text.replace("\n", ",,\n"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: "# made by hand\n\n" + text,
        lambda text: text.replace("latitude", "Latitude", 1).replace("pid_ppb", "PID (ppb)"),
        lambda text: text.replace("latitude", " lat ", 1).replace("longitude", "lon", 1),
        lambda text: text.replace(",", ";").replace(".1;", ",1;").replace(".2;", ",2;"),
        lambda text: text + "\n,,,,,,,,,,\n",
    ],
    ids=["bom", "crlf", "cr", "no last line end", "semicolon", "tab", "spaces", "quotes",
         "empty last cells", "blank lines", "comment", "header in capitals", "aliases",
         "decimal comma", "empty last row"],
)  # fmt: skip
def test_the_same_table_dressed_otherwise_says_the_same(path, dressed):
    plain = "\n".join([HEADER, *ROWS]) + "\n"
    expected, _ = read(path, plain)
    columns, report = read(path, dressed(plain))
    assert report.warnings == []
    assert report.truncated_at_byte is None
    assert columns.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_array_equal(columns[key], values, err_msg=str(key))


def test_header_cells_quoted_twice_are_understood(path):
    header = 'time," ""Latitude"""," ""Longitude""",CO2 (ppm)'
    columns, _ = read(path, f"{header}\n2024-05-01T12:00:00Z,52,5,400\n")
    assert columns["pose", "latitude"].tolist() == [52]
    assert columns["gas", "co2"].tolist() == [400]


def test_a_table_without_positions_is_a_gas_log(path):
    columns, report = read(path, "time,pid_ppb\n2024-05-01T12:00:00Z,5\n")
    assert {kind for kind, _ in columns} == {"gas"}
    assert report.warnings == []


def test_calm_wind_needs_no_direction(path):
    text = "time,wind_speed_m_s,wind_from_deg,pid_ppb\n2024-05-01T12:00:00Z,0,,5\n"
    columns, _ = read(path, text)
    assert columns["wind", "eastward"].tolist() == [0.0]


def test_longitudes_to_360_are_a_custom(path):
    text = "time,latitude,longitude,pid_ppb\n2024-05-01T12:00:00Z,-17,181.5,5\n"
    path.write_text(text)
    flight = assemble(csv.read(path, ReadReport(path=path)))
    assert flight.longitude.tolist() == [-178.5]


def test_all_rows_arrive_however_the_file_is_cut_into_pieces(path, monkeypatch):
    rows = [f"2024-05-01T12:00:{i % 60:02d}.{i:03d}Z,52,{i / 1000},{i}" for i in range(900)]
    text = "time,latitude,longitude,pid_ppb\n" + "\n".join(rows) + "\n"
    expected, whole = read(path, text)
    monkeypatch.setattr("firmware_bridge.table._PIECE_BYTES", 97)
    columns, report = read(path)
    assert whole.messages == report.messages == {"row": 900}
    assert report.warnings == whole.warnings
    assert report.bytes_read == report.bytes_total == len(text)
    for key, values in expected.items():
        np.testing.assert_array_equal(columns[key], values)


NUMBERS = st.one_of(st.none(), st.floats(-1e9, 1e9, allow_nan=False))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4 * 10**18), NUMBERS, NUMBERS), min_size=1, max_size=20),
    st.sampled_from([",", ";", "\t"]),
)
def test_what_was_written_is_read(path, rows, delimiter):
    lines = [delimiter.join(["time", "pid_ppb", "mox_ohm"])]
    for time_ns, *cells in rows:
        shown = ["" if cell is None else repr(cell) for cell in cells]
        lines.append(delimiter.join([f"{np.datetime64(time_ns, 'ns')}Z", *shown]))
    columns, _ = read(path, "\n".join(lines) + "\n")
    expected = np.array([[np.nan if c is None else c for c in cells] for _, *cells in rows])
    assert columns["gas", "time_ns"].tolist() == [time_ns for time_ns, *_ in rows]
    np.testing.assert_array_equal(columns["gas", "pid"], expected[:, 0])
    np.testing.assert_array_equal(columns["gas", "mox"], expected[:, 1])


def test_memory_stays_bounded_on_a_large_file(path, monkeypatch):
    monkeypatch.setattr("firmware_bridge.table._PIECE_BYTES", 1 << 16)
    row = "2024-05-01T12:00:00.000Z,52.1234567,5.1234567,8.00,123.456\n"
    with path.open("w") as stream:
        stream.write("time,latitude,longitude,altitude_agl_m,pid_ppb\n")
        for _ in range(4):
            stream.write(row * 10_000)
    tracemalloc.start()
    rows = sum(len(b) for b in csv.read(path, ReadReport(path=path)) if b.kind == "gas")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows == 40_000
    assert path.stat().st_size > 2_000_000
    assert peak < 3_000_000  # a piece or two as cells; all of them would take 20 MB


@pytest.mark.parametrize("name", ["100m_a", "100m_c", "200m_a", "300m_a"])
def test_real_drone_flights_are_read(shared_data, name):
    path = shared_data / "uav_co2_friesland" / f"flight_day1_{name}.csv"
    report = ReadReport(path=path)
    columns = assemble(csv.read(path, report))
    flight = from_columns(columns)
    assert flight.sizes["obs"] == path.read_bytes().count(b"\n") - 1
    assert [warning for warning in report.warnings if "repeats" not in warning] == []
    assert float(flight["co2"].max()) == {"100m_a": 519, "100m_c": 714, "200m_a": 870,
                                          "300m_a": 765}[name]  # fmt: skip
    assert flight.attrs["wind_source"] == ("none" if name == "100m_c" else "anemometer")


def test_a_car_survey_without_wind_is_read(shared_data, tmp_path):
    path = tmp_path / "survey.csv"
    packed = shared_data / "hamburg_ch4_mobile" / "survey_20181024.csv.gz"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    report = ReadReport(path=path)
    started = time.perf_counter()
    flight = from_columns(assemble(csv.read(path, report)))
    assert time.perf_counter() - started < 3.0
    assert flight.sizes["obs"] == 18055
    assert flight["ch4"].attrs["gas"] == "methane"
    assert float(flight["ch4"].max()) == pytest.approx(4.497, abs=5e-4)
    assert np.isnan(flight["height_above_ground"]).all()
    assert any("h2o_pct" in warning for warning in report.warnings)


def test_receptors_that_share_one_time_stay_apart(shared_data, tmp_path):
    arcs = (shared_data / "prairie_grass" / "arcs.csv").read_text().splitlines()[1:]
    run = [line.split(",") for line in arcs if line.startswith("8,")]
    rows = [
        f"1956-07-10T23:00:00Z,{42.5 + float(y) / 111e3},{-98.5 + float(x) / 82e3},1.5,{conc}"
        for _, _, _, x, y, conc in run
    ]
    path = tmp_path / "grass.csv"
    path.write_text("time,latitude,longitude,altitude_agl_m,so2_mg_m3\n" + "\n".join(rows) + "\n")
    report = ReadReport(path=path)
    flight = from_columns(assemble(csv.read(path, report), averaging_time_s=600))
    assert flight.sizes["obs"] == len(run)
    assert np.unique(flight["latitude"].values).size > len(run) / 4
    assert flight["so2"].values.tolist() == [float(row[-1]) for row in run]
    assert flight["so2"].attrs["units"] == "mg m-3"
    assert flight.attrs["averaging_time_s"] == 600
