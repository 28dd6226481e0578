import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.devices import Moment, driver_for
from sensors.records import EnvironmentSample, GasSample
from sensors.units import (
    PATH_INTEGRAL,
    RECORD_UNITS,
    RESERVED,
    UNITS,
    from_speed_direction,
    is_concentration,
    parse_channel,
    readable,
    towards_vector,
    unit_of,
)
from tests.contracts.test_drivers import RECEIVED, bytes_of, decoded, driver_of, frames_in


@pytest.mark.parametrize(
    ("from_deg", "east", "north"),
    [(0, 0, -1), (90, -1, 0), (180, 0, 1), (270, 1, 0), (-90, 1, 0), (240, 0.866025, 0.5)],
)
def test_wind_blows_to_the_side_opposite_to_where_it_comes_from(from_deg, east, north):
    assert towards_vector(1.0, from_deg) == (
        pytest.approx(east, abs=1e-6),
        pytest.approx(north, abs=1e-6),
    )


def test_ardupilot_and_px4_vectors_are_the_same_wind():
    golden = Path(__file__).parents[1] / "data" / "golden_vectors.json"
    vectors = {entry["name"]: entry for entry in json.loads(golden.read_text())["vectors"]}
    ardupilot = bytes.fromhex(vectors["mav_wind_ardupilot"]["hex"])
    px4 = bytes.fromhex(vectors["mav_wind_cov_px4"]["hex"])
    # MAVLink 2: ten bytes of header, then the fields by size; WIND is direction, speed, speed_z,
    # WIND_COV time_usec, wind_x (towards north), wind_y (towards east)
    direction, speed = struct.unpack_from("<2f", ardupilot, 10)
    toward_north, toward_east = struct.unpack_from("<2f", px4, 18)
    east, north = towards_vector(speed, direction)
    assert float(east) == pytest.approx(toward_east, abs=1e-3)
    assert float(north) == pytest.approx(toward_north, abs=1e-3)


@given(st.floats(0.01, 80), st.floats(0, 359.99))
def test_speed_and_direction_survive_being_a_vector(speed, from_deg):
    back_speed, back_from = from_speed_direction(*towards_vector(speed, from_deg))
    assert float(back_speed) == pytest.approx(speed)
    turn = (float(back_from) - from_deg + 180) % 360 - 180
    assert turn == pytest.approx(0, abs=1e-6)
    assert 0 <= float(back_from) < 360


def test_calm_has_no_direction_and_needs_none():
    assert [float(part) for part in towards_vector(0.0, math.nan)] == [0.0, 0.0]
    assert math.isnan(from_speed_direction(0.0, 0.0)[1])


def test_wind_without_direction_is_missing_not_calm():
    assert np.isnan(towards_vector(3.0, math.nan)).all()


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("pid_ppb", ("pid", "1e-9")),
        ("co2_dry_ppm", ("co2_dry", "1e-6")),
        ("so2_mg_m3", ("so2", "mg m-3")),
        ("dust_ug_m3", ("dust", "ug m-3")),
        ("mox1_ohm", ("mox1", "ohm")),
        ("mox1_kohm", ("mox1", "kohm")),
        ("pid_mv", ("pid", "mV")),
        ("h2o_pct", None),
        ("_ppb", None),
        ("ppb", None),
        ("time_ppb", None),
        ("pid_corrected_ppb", None),
        ("wind_speed_m_s", None),
    ],
)
def test_a_columns_name_states_its_unit(column, expected):
    assert parse_channel(column) == expected


@given(st.sampled_from(sorted(UNITS)), st.from_regex(r"[a-z][a-z0-9]{0,9}", fullmatch=True))
def test_every_unit_is_read_from_a_name_that_ends_in_it(suffix, name):
    expected = None if name in RESERVED else (name, UNITS[suffix].udunits)
    assert parse_channel(f"{name}_{suffix}") == expected


def test_units_scale_to_si():
    assert unit_of("1e-9").scale == 1e-9
    assert unit_of("mg m-3").scale == 1e-6
    assert unit_of("kohm").scale == 1e3
    assert not is_concentration("V")
    with pytest.raises(ValueError, match="is not one of"):
        unit_of("furlong")


MOMENT = Moment(source="device", time_ns=1_700_000_000 * 10**9, time_sigma_s=0.01)


def records_of_all_drivers():
    """Device and record, of every golden frame."""
    for vector in RECEIVED:
        driver = driver_of(vector)
        for frame in frames_in(decoded(driver.decoder(), bytes_of(vector))):
            for record in driver.records(frame, MOMENT):
                yield vector["device"], record


def test_every_unit_a_driver_emits_is_known_and_can_be_read():
    gas = [(who, one) for who, one in records_of_all_drivers() if isinstance(one, GasSample)]
    assert {one.unit for _, one in gas} >= {"1", "kg m-3", "V", "m"}
    assert len({who for who, _ in gas}) >= 8
    for device, sample in gas:
        assert sample.unit in RECORD_UNITS, (device, sample.channel)
        assert RECORD_UNITS[sample.unit].scale == 1.0, "records are in SI"
        assert readable(sample.value, sample.unit)
        if sample.unit != PATH_INTEGRAL:
            assert unit_of(sample.unit).udunits == sample.unit


def test_air_is_in_the_units_its_fields_promise():
    for device, record in records_of_all_drivers():
        if isinstance(record, EnvironmentSample):
            assert not 0.0 < record.temperature < 200.0, device
            assert not record.relative_humidity > 1.2, device
            assert not 0.0 < record.pressure < 10_000.0, device
            assert readable(record.temperature, "K").endswith(("degC", "missing"))
            assert readable(record.pressure, "Pa").endswith(("hPa", "missing"))


@pytest.mark.parametrize("suffix", UNITS)
def test_every_unit_of_the_microcontrollers_channels_is_known(suffix):
    driver = driver_for("mcu_cobs", channels=[f"sensor_{suffix}"])
    told = {"values": [2.0], "sequence": 1}
    (frame,) = frames_in(decoded(driver.decoder(), driver.encode(told)))
    (sample,) = driver.records(frame, MOMENT)
    assert unit_of(sample.unit).kind == UNITS[suffix].kind
    assert sample.value == pytest.approx(2.0 * UNITS[suffix].scale)
    assert readable(sample.value, sample.unit) == readable(2.0, UNITS[suffix].udunits)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.0, "1", "0 ppb"),
        (-3e-9, "1", "-3 ppb"),
        (1000.0, "1e-9", "1 ppm"),
        (9.994e-7, "1", "999.4 ppb"),
        (4.1e-4, "1", "410 ppm"),
        (0.0531, "1", "5.31 %"),
        (12e-9, "kg m-3", "12 ug/m3"),
        (2.5, "mg m-3", "2.5 mg/m3"),
        (0.9, "ohm", "0.9 ohm"),
        (1.024e8, "ohm", "102.4 Mohm"),
        (0.4123, "V", "412.3 mV"),
        (3.3e9, "m-3", "3300 /cm3"),
        (27_013.0, "count", "27013 counts"),
        (1e-4, "m", "100 ppm m"),
        (98_520.0, "Pa", "985.2 hPa"),
        (273.15, "K", "0 degC"),
        (math.nan, "1", "missing"),
    ],
)
def test_values_are_told_as_people_write_them(value, unit, shown):
    assert readable(value, unit) == shown


def test_a_unit_no_record_has_is_refused():
    with pytest.raises(ValueError, match="furlong"):
        readable(1.0, "furlong")


@pytest.mark.parametrize("unit", ["m", "K", "Pa"])
def test_what_is_no_reading_of_a_gas_is_no_unit_of_a_channel(unit):
    assert unit in RECORD_UNITS
    with pytest.raises(ValueError, match="is not one of"):
        unit_of(unit)
