"""What every log format must do, whichever it is: one suite over all of them."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.logfile import ReadReport, identify, read_log
from sensors import plugins
from sensors.errors import FormatError, SniffdroneError
from sensors.flight_blocks import RowBlocks
from sensors.records import Quality, RecordBatch
from sensors.streams import vehicle_time
from tests import log_samples as truth

FORMATS = plugins.available("firmware_bridge.formats")
# a flight file is in memory as a whole, and flipped bytes in it go to a library of others
STREAMED = [name for name in FORMATS if name != "netcdf"]
# gas logs that know no place and no wind: the autopilot's log beside them does
PLACELESS = {"bmerawdata"}
WITH_PLACE = [name for name in FORMATS if name not in PLACELESS]
FUZZ = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("samples")
    paths = {}
    for name, write in truth.WRITERS.items():
        paths[name] = folder / name / "sample.log"
        paths[name].parent.mkdir()
        write(paths[name])
    return paths


def read(path: Path, **settings_: int) -> tuple[list[RecordBatch], ReadReport]:
    report = ReadReport(path=path, **settings_)
    return list(read_log(path, report)), report


def column(batches: list[RecordBatch], kind: str, name: str) -> np.ndarray:
    found = [
        np.asarray(b.columns[name], float) for b in batches if b.kind == kind if name in b.columns
    ]
    return np.concatenate(found) if found else np.zeros(0)


def track(name: str, batches: list[RecordBatch]) -> np.ndarray:
    """One value for each sample: where it was, or of the first channel of one that does not say."""
    kind, field = ("gas", "bme688_s0_step0") if name in PLACELESS else ("pose", "latitude")
    return column(batches, kind, field)


def complaint_about(path: Path) -> str:
    """What reading a file ends with if not well; errors that are not ours pass through."""
    try:
        read(path)
    except SniffdroneError as error:
        return str(error)
    return ""


def times_s(batches: list[RecordBatch], kind: str) -> np.ndarray:
    """Seconds since the first sample, on UTC."""
    boot = vehicle_time(batch for batch in batches if batch.kind == "clock").utc_minus_boot_ns
    parts = [
        batch.time_ns + (boot or 0) if batch.clock == "boot" else batch.time_ns
        for batch in batches
        if batch.kind == kind
    ]
    return (np.concatenate(parts) - truth.UTC_S * 10**9) / 1e9


def test_every_format_has_a_sample():
    assert set(truth.WRITERS) == set(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_claims_its_own_sample_and_no_other(name, samples):
    sniff = plugins.load("firmware_bridge.formats", name).sniff
    assert [other for other, path in samples.items() if sniff(path)] == [name]
    assert identify(samples[name]) == name


@pytest.mark.parametrize("name", WITH_PLACE)
def test_positions_and_their_times_are_true(name, samples):
    batches, report = read(samples[name])
    assert report.format == name
    assert len({batch.source for batch in batches if batch.kind == "pose"}) == 1
    np.testing.assert_allclose(times_s(batches, "pose"), truth.TIME_S, atol=2e-3)
    np.testing.assert_allclose(column(batches, "pose", "latitude"), truth.LATITUDE, atol=1e-7)
    np.testing.assert_allclose(column(batches, "pose", "longitude"), truth.LONGITUDE, atol=1e-7)
    np.testing.assert_allclose(column(batches, "pose", "altitude_amsl_m"), truth.ALTITUDE_M)


@pytest.mark.parametrize("name", WITH_PLACE)
def test_wind_blows_towards_and_is_missing_where_there_is_no_estimate(name, samples):
    batches, _ = read(samples[name])
    east, north = column(batches, "wind", "eastward"), column(batches, "wind", "northward")
    quality = np.concatenate([batch.quality for batch in batches if batch.kind == "wind"])
    is_missing = (quality & Quality.MISSING) > 0
    if name not in {"csv", "netcdf"}:
        np.testing.assert_array_equal(
            is_missing, times_s(batches, "wind") < truth.WIND_FROM_S - 0.05
        )
        assert is_missing.any()
    assert np.isnan(east[is_missing]).all()
    np.testing.assert_allclose(east[~is_missing], truth.EAST, atol=0.006)
    np.testing.assert_allclose(north[~is_missing], truth.NORTH, atol=0.006)


@pytest.mark.parametrize("name", FORMATS)
def test_air_and_gas_are_in_plausible_units(name, samples):
    batches, _ = read(samples[name])
    np.testing.assert_allclose(
        column(batches, "environment", "pressure"), truth.PRESSURE_PA, rtol=1e-5
    )
    gas = [batch for batch in batches if batch.kind == "gas"]
    if name == "ulog":
        assert not gas
        return
    if name in PLACELESS:
        assert {unit for batch in gas for unit in batch.units.values()} == {"ohm"}
        return
    unit, in_ppm = ("1", 1e6) if name == "mcap" else ("1e-6", 1.0)
    assert {own for batch in gas for own in batch.units.values()} == {unit}
    readings = column(gas, "gas", "ch4") * in_ppm
    expected = truth.GAS if name in {"csv", "mcap", "netcdf"} else truth.GAS[:: truth.RATE_HZ]
    np.testing.assert_allclose(readings, expected, rtol=1e-5)
    step_s = truth.SECONDS / readings.size
    seconds = times_s(batches, "gas")
    np.testing.assert_allclose(seconds, np.arange(readings.size) * step_s, atol=2e-3)


@pytest.mark.parametrize("name", FORMATS)
def test_an_intact_file_is_reported_whole(name, samples):
    seen = []
    report = ReadReport(path=samples[name], progress=lambda done, total: seen.append((done, total)))
    for _ in read_log(samples[name], report):
        pass
    size = samples[name].stat().st_size
    assert report.truncated_at_byte is None
    assert report.damaged_bytes == 0
    assert report.bytes_read == report.bytes_total == size
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (size, size)


@pytest.mark.parametrize("name", FORMATS)
def test_columns_are_named_as_the_records(name, samples):
    fields = {
        "pose": {
            "latitude",
            "longitude",
            "altitude_amsl_m",
            "height_above_home_m",
            "height_above_ground_m",
        },
        "wind": {"eastward", "northward", "upward"},
        "environment": {"temperature", "relative_humidity", "pressure"},
        "event": {"kind", "text"},
        "clock": {"utc_ns"},
    }
    batches, _ = read(samples[name])
    for batch in batches:
        assert len(batch) > 0
        assert batch.time_ns.dtype == np.int64
        if batch.kind == "gas":
            assert set(batch.units) == set(batch.columns)
        else:
            assert set(batch.columns) <= fields[batch.kind]


def least_readings(name: str, path: Path, cut_bytes: int) -> float:
    """How many readings must be left of a sample: all but some, but for those in a cut block."""
    if name != "netcdf":
        return truth.TIME_S.size * cut_bytes / path.stat().st_size - 20
    blocks = RowBlocks.find(path)
    assert blocks is not None
    return float(np.append(0, blocks.row_end)[np.searchsorted(blocks.byte_end, cut_bytes, "right")])


@pytest.mark.parametrize("name", FORMATS)
@FUZZ
@given(share=st.floats(0.0, 1.0))
def test_a_cut_anywhere_leaves_a_prefix(name, share, samples, tmp_path):
    whole = samples[name].read_bytes()
    if name == "netcdf":  # the first seven eighths of so short a flight say what is in it
        share = 0.85 + 0.15 * share
    cut = tmp_path / "cut.log"
    cut.write_bytes(whole[: int(share * len(whole))])
    full, _ = read(samples[name])
    try:
        batches, report = read(cut)
    except FormatError:
        assert complaint_about(cut).count("\n") == 0
        assert least_readings(name, samples[name], cut.stat().st_size) <= 0
        return
    samples_left = track(name, batches)
    np.testing.assert_array_equal(samples_left, track(name, full)[: samples_left.size])
    assert samples_left.size >= least_readings(name, samples[name], cut.stat().st_size)
    if report.truncated_at_byte is not None:
        assert report.truncated_at_byte <= cut.stat().st_size
        assert any("cut off" in warning or "not whole" in warning for warning in report.warnings)


@pytest.mark.parametrize("name", FORMATS)
def test_a_longer_piece_never_gives_less(name, samples, tmp_path):
    whole = samples[name].read_bytes()
    piece = tmp_path / "piece.log"
    counts = []
    for size in np.linspace(1, len(whole), 60, dtype=int).tolist():
        piece.write_bytes(whole[:size])
        try:
            counts.append(track(name, read(piece)[0]).size)
        except FormatError:
            counts.append(0)
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] == truth.TIME_S.size
    assert len(set(counts)) > 3


@pytest.mark.parametrize("name", STREAMED)
def test_the_size_of_the_window_does_not_change_positions(name, samples):
    whole, _ = read(samples[name])
    pieces, report = read(samples[name], chunk_bytes=1000)
    np.testing.assert_array_equal(track(name, pieces), track(name, whole))
    for field in ("latitude", "longitude", "altitude_amsl_m"):
        np.testing.assert_array_equal(column(pieces, "pose", field), column(whole, "pose", field))
    assert report.messages == read(samples[name])[1].messages


@pytest.mark.parametrize("name", STREAMED)
@FUZZ
@given(data=st.data())
def test_damage_raises_nothing_but_our_errors(name, data, samples, tmp_path):
    octets = bytearray(samples[name].read_bytes())
    places = st.integers(0, len(octets) - 1)
    for place in data.draw(st.lists(places, max_size=20)):
        octets[place] ^= 1 << data.draw(st.integers(0, 7))
    place = data.draw(places)
    octets[place : place + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    damaged = tmp_path / "damaged.log"
    damaged.write_bytes(octets)
    assert complaint_about(damaged).count("\n") == 0


@FUZZ
@given(octets=st.binary(min_size=1, max_size=3000))
def test_any_bytes_are_refused_or_read(octets, tmp_path):
    path = tmp_path / "any.log"
    path.write_bytes(octets)
    for name in FORMATS:
        assert plugins.load("firmware_bridge.formats", name).sniff(path) in {True, False}
    assert complaint_about(path).count("\n") == 0


@pytest.mark.parametrize("name", [name for name in STREAMED if name != "csv"])
def test_memory_does_not_grow_with_the_file(name, samples, tmp_path):
    once = samples[name].read_bytes()
    data_start = len(truth.ulog_definitions()) if name == "ulog" else 0
    long = tmp_path / "long.log"
    with long.open("wb") as stream:
        stream.write(once)
        for _ in range(24_000_000 // len(once)):
            stream.write(once[data_start:])
    report = ReadReport(path=long, chunk_bytes=1 << 18)
    tracemalloc.start()
    try:
        for _ in read_log(long, report):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report.bytes_read == long.stat().st_size > 20_000_000
    assert peak < 12_000_000


@pytest.mark.parametrize("name", FORMATS)
def test_empty_missing_and_folder_are_refused_in_one_line(name, samples, tmp_path):
    empty = tmp_path / "empty.log"
    empty.touch()
    for path, words in (
        (empty, "empty"),
        (tmp_path, "directory"),
        (tmp_path / "no", "no such file"),
    ):
        with pytest.raises(FormatError, match=words) as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
