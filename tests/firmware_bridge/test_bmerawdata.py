"""BME688 files as records: values and their flags, times, and what damage leaves."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.decoders.bme688_bmerawdata import decoder
from firmware_bridge.formats import bmerawdata
from firmware_bridge.logfile import ReadReport, identify, read_log
from sensors.errors import FormatError
from sensors.records import Quality
from tests.contracts.test_drivers import VECTORS, bytes_of, decoded, frames_in
from tests.log_samples import bme_file

START_S = 1_795_221_600
GOLDEN = [v for v in VECTORS["vectors"] if v["device"] == "bme688_bmerawdata"]
KEYS = {"ohm": 7, "step": 8, "scanning": 9, "label": 11, "error": 12, "ms": 2, "unix": 3}


def rows_of(count, *, sensors=2, steps=3, every_ms=130, **changes):
    """Good rows, some values of row n replaced: ``ohm={3: -1.0}``."""
    rows = []
    for number in range(count):
        ms = 5000 + number * every_ms
        step = number // sensors % steps
        identity = [number % sensors, 90_595_661, ms, START_S + ms // 1000]
        rows.append([*identity, 24.5, 985.2, 41.0, 1000.0 + number, step, 1, 1, 0, 0])
    for name, values in changes.items():
        for number, value in values.items():
            rows[number][KEYS[name]] = value
    return rows


@pytest.fixture
def read(tmp_path):
    """Records of a file with some content, and the report."""

    def read_content(content, **options):
        path = tmp_path / "board.bmerawdata"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        report = ReadReport(path=path, **options)
        return list(read_log(path, report)), report

    return read_content


def joined(batches, kind, name):
    return np.concatenate([batch.columns[name] for batch in batches if batch.kind == kind])


def quality_of(batches, kind):
    return np.concatenate([batch.quality for batch in batches if batch.kind == kind])


def resistances(batches):
    """The one value that each row has."""
    rows = []
    for batch in batches:
        if batch.kind == "gas":
            table = np.stack(list(batch.columns.values()))
            assert (np.isfinite(table).sum(axis=0) <= 1).all()
            rows.append(np.nansum(table, axis=0))
    return np.concatenate(rows)


def told(report, *words):
    return any(all(word in line for word in words) for line in report.warnings)


@pytest.mark.parametrize("vector", GOLDEN, ids=lambda v: v["name"])
def test_golden_files_give_what_the_decoder_gives(vector, read):
    data = bytes_of(vector)
    frames = [one.fields for one in frames_in(decoded(decoder(), data))]
    if not frames:
        with pytest.raises(FormatError, match="no message in it is whole"):
            read(data)
        return
    batches, report = read(data)
    assert report.messages["row"] == len(frames)
    for number, frame in enumerate(frames):
        name = f"bme688_s{frame['sensor_index']}_step{frame['step']}"
        assert quality_of(batches, "gas")[number] == (
            0 if frame["valid"] else Quality.FAULT | Quality.MISSING
        )
        if frame["valid"]:
            assert joined(batches, "gas", name)[number] == frame["si"]["resistance_ohm"]
            for field, key in (
                ("temperature", "temperature_K"),
                ("pressure", "pressure_Pa"),
                ("relative_humidity", "relative_humidity_fraction"),
            ):
                value = joined(batches, "environment", field)[number]
                assert value == pytest.approx(frame["si"][key])


def test_channels_are_sensor_and_step_in_ohm(read):
    batches, report = read(bme_file(rows_of(24)))
    gas = next(batch for batch in batches if batch.kind == "gas")
    assert set(gas.columns) == {f"bme688_s{s}_step{n}" for s in (0, 1) for n in (0, 1, 2)}
    assert set(gas.units.values()) == {"ohm"}
    assert gas.clock == "utc"
    np.testing.assert_array_equal(resistances(batches), 1000.0 + np.arange(24))
    assert report.messages == {"row": 24, "cycle": 6}  # 12 rows a sensor, 3 of 4 cycles closed


def test_what_is_wrong_is_missing_and_flagged(read):
    changes = {"ohm": {1: -1.0, 2: None, 3: 1.024e8}, "error": {4: 9}}
    rows = rows_of(8, **changes)
    rows[5][4:7] = [200.0, 0.0, 140.0]
    batches, report = read(bme_file(rows))
    quality = quality_of(batches, "gas").tolist()
    missing = int(Quality.MISSING)
    assert quality[1:5] == [
        Quality.OUT_OF_RANGE | missing,
        missing,
        Quality.SATURATED,
        Quality.FAULT | missing,
    ]
    assert quality[0] == quality[5] == 0
    assert np.isfinite(joined(batches, "gas", "bme688_s1_step1"))[3]
    for name in ("temperature", "pressure", "relative_humidity"):
        values = joined(batches, "environment", name)
        assert np.isnan(values[[4, 5]]).all()
        assert np.isfinite(np.delete(values, [4, 5])).all()
    assert quality_of(batches, "environment")[5] == Quality.OUT_OF_RANGE
    assert told(report, "1 readings left out", "error code")
    assert told(report, "4 values left out", "outside")


def test_booleans_and_missing_columns_are_read(read):
    rows = [[row[8], True, row[7], row[0], row[2]] for row in rows_of(9)]
    keys = [
        "heater_profile_step_index",
        "scanning_mode_enabled",
        "resistance_gassensor",
        "sensor_index",
        "timestamp_since_poweron",
    ]
    batches, report = read(bme_file(rows, keys))
    np.testing.assert_array_equal(resistances(batches), 1000.0 + np.arange(9))
    assert np.isnan(joined(batches, "environment", "pressure")).all()
    assert report.damaged_bytes == 0


def test_labels_are_events_where_they_change(read):
    batches, _ = read(bme_file(rows_of(9, label={2: 3, 3: 3, 6: 1001})))
    (events,) = [batch for batch in batches if batch.kind == "event"]
    assert events.columns["text"].tolist() == ["label 3", "no label", "label 1001", "no label"]
    gas_ns = next(batch for batch in batches if batch.kind == "gas").time_ns
    np.testing.assert_array_equal(events.time_ns, gas_ns[[2, 4, 6, 7]])


def test_labels_and_cycles_do_not_depend_on_the_size_of_the_window(read):
    content = bme_file(rows_of(300, label=dict.fromkeys(range(40, 90), 2)))
    whole, report = read(content)
    pieces, in_pieces = read(content, chunk_bytes=500)
    assert in_pieces.messages == report.messages
    for kind in ("gas", "event"):
        times = [
            np.concatenate([one.time_ns for one in batches if one.kind == kind])
            for batches in (whole, pieces)
        ]
        np.testing.assert_array_equal(*times)
    np.testing.assert_array_equal(resistances(pieces), resistances(whole))


def test_a_board_that_never_knew_the_time_counts_from_1970(read):
    batches, report = read(bme_file(rows_of(20, unix=dict.fromkeys(range(20), 0))))
    gas = next(batch for batch in batches if batch.kind == "gas")
    np.testing.assert_array_equal(gas.time_ns, (5000 + 130 * np.arange(20)) * 1_000_000)
    assert (gas.quality & Quality.CLOCK_POOR).all()
    assert told(report, "never knew the time of day", "--offset-s")


def test_a_power_on_without_time_is_left_out_beside_one_with(read):
    rows = rows_of(40) + rows_of(10, unix=dict.fromkeys(range(10), 0))
    batches, report = read(bme_file(rows))
    assert report.messages["row"] == 40
    assert resistances(batches).size == 40
    assert told(report, "10 rows left out", "did not know the time")


def test_the_report_says_how_the_times_were_found(read):
    _, report = read(bme_file(rows_of(600)))
    assert told(report, "78 Unix seconds", "known to 0.0", "check with --offset-s")


CONTENT = bme_file(rows_of(60)).encode()


def lost_in(batches):
    """Rows of `CONTENT` that are not among the records."""
    return set(range(60)) - {round(value - 1000.0) for value in resistances(batches)}


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.integers(CONTENT.index(b"[\n[0") + 2, len(CONTENT) - 5), bit=st.integers(0, 7))
def test_a_flipped_bit_costs_two_rows_at_most(place, bit, read):
    damaged = bytearray(CONTENT)
    damaged[place] ^= 1 << bit
    batches, report = read(bytes(damaged), chunk_bytes=700)
    assert 58 <= report.messages["row"] <= 60
    assert len(lost_in(batches)) <= 2


def test_a_hole_in_the_rows_costs_what_was_in_it(read):
    start = CONTENT.index(b"1010.0")
    hole = CONTENT[:start] + bytes(400) + CONTENT[start + 400 :]
    batches, report = read(hole)
    assert 3 <= len(lost_in(batches)) <= 8
    assert 400 <= report.damaged_bytes < 600
    assert told(report, "bytes belong to no whole message")
    assert report.truncated_at_byte is None


def test_a_cut_says_where_the_last_whole_row_ends(read):
    end = CONTENT.index(b"]", CONTENT.index(b"1030.0")) + 1
    for cut in (end, end + 1, end + 20):
        batches, report = read(CONTENT[:cut])
        assert resistances(batches).size == 31
        assert report.truncated_at_byte == end
        assert report.damaged_bytes == 0
        assert told(report, f"cut off after byte {end}")


def test_rows_that_cannot_be_are_left_out_and_counted(read):
    rows = rows_of(12, step={3: 77, 4: 1.5, 5: None}, ms={6: None})
    rows[7][0] = 4000
    _, report = read(bme_file(rows))
    assert report.messages["row"] == 7
    assert told(report, "5 rows left out", "cannot be")


@pytest.mark.parametrize("number", ["1e308", "-1e308", "9" * 30, "1e-320", "-5"])
def test_absurd_numbers_are_left_out_or_flagged(number, read):
    for column in range(13):
        row = [0, 1, 6000, START_S + 6, 24.5, 985.2, 41.0, 1000.0, 0, 1, 1, 0, 0]
        texts = [number if place == column else str(value) for place, value in enumerate(row)]
        content = bme_file(rows_of(10)).replace("\n]", f",\n[{','.join(texts)}]\n]")
        batches, report = read(content)
        assert 10 <= report.messages["row"] <= 11
        for name in ("temperature", "pressure", "relative_humidity"):
            assert np.nanmax(np.abs(joined(batches, "environment", name))) < 1.1e5


def test_damage_among_the_columns_costs_no_row_while_their_keys_are_whole(read):
    batches, report = read(CONTENT.replace(b'"unit": "", "format"', b'"unit": "\x00 "format"', 1))
    np.testing.assert_array_equal(resistances(batches), 1000.0 + np.arange(60))
    assert told(report, "list of its columns is damaged")


def test_files_put_one_behind_the_other_are_read_each_by_its_own_columns(read):
    rows = [[row[7], row[0], row[8], row[2], row[3]] for row in rows_of(10)]
    keys = [
        "resistance_gassensor",
        "sensor_index",
        "heater_profile_step_index",
        "timestamp_since_poweron",
        "real_time_clock",
    ]
    content = bme_file(rows_of(10)) + bme_file(rows, keys)
    for chunk_bytes in (400, 1 << 20):
        batches, report = read(content, chunk_bytes=chunk_bytes)
        np.testing.assert_array_equal(resistances(batches), 1000.0 + np.arange(20) % 10)
        assert report.damaged_bytes == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            CONTENT.replace(b'"key": "heater_profile_step_index"', b'"key": "step"'),
            "export it with",
        ),
        (CONTENT.replace(b'"key": "sensor_id"', b'"key" "sensor_id"'), "no message in it is"),
        (b'{"rawDataBody": {"dataBlock": [[1, 2]]}}', "has no column sensor_index, timestamp"),
        (CONTENT[:900], "no message in it is whole"),
        (CONTENT[: CONTENT.index(b"[\n[0")] + b"[]}}", "no message in it is whole"),
    ],
)
def test_files_that_cannot_be_read_are_refused_with_a_remedy(content, words, read):
    with pytest.raises(FormatError, match=words) as caught:
        read(content)
    assert "board.bmerawdata" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_is_known_by_what_is_in_it_and_a_udf_by_its_name(tmp_path):
    renamed = tmp_path / "flight.json"
    renamed.write_bytes(b"\xef\xbb\xbf" + CONTENT)
    assert identify(renamed) == "bmerawdata"
    other = tmp_path / "other.bmerawdata"
    other.write_text(json.dumps({"type": "FeatureCollection", "features": []}))
    assert not bmerawdata.sniff(other)
    binary = tmp_path / "board.UDF"
    binary.write_bytes(bytes(100))
    with pytest.raises(FormatError, match="export it as"):
        list(read_log(binary, ReadReport(path=binary)))
