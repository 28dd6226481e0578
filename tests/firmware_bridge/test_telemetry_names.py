"""Names and units of channels on the telemetry link, there and back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.telemetry_names import (
    SPECIES,
    channel_of_species,
    channel_of_value,
    species_and_unit,
    value_name,
)
from firmware_bridge.tunnel import SPECIES as TUNNEL_SPECIES
from firmware_bridge.tunnel import UNITS as TUNNEL_UNITS
from sensors.units import RECORD_UNITS, RESERVED

SI = ("1", "kg m-3", "ohm", "V", "m", "m-3", "count", "K")
# names that cross whole, as the drivers and mission files have them
WHOLE = {
    "1": ["ch4", "co2", "co", "nh3", "h2s", "so2", "no2", "o3", "hcho", "ethanol", "pid", "pid2",
          "h2", "o2", "gas", "tvoc", "n2o"],
    "kg m-3": ["pm1", "pm2_5", "pm4", "pm10", "hcho", "pm2_5"],
    "ohm": ["mox1", "mox12", "mox", "tgs1"],
    "V": ["ch0", "ch7", "uv", "mox1"],
    "m": ["ch4_path"],
    "count": ["voc_raw"],
}  # fmt: skip


@pytest.mark.parametrize(("unit", "channel"), [(u, c) for u, cs in WHOLE.items() for c in cs])
@given(value=st.floats(1e-12, 1e6))
def test_a_value_keeps_its_name_and_size(unit, channel, value):
    _, _, scale = species_and_unit(channel, unit)
    back = channel_of_value(value_name(channel, unit))
    assert back.channel == channel
    in_si = value * scale * back.scale * RECORD_UNITS[back.unit].scale
    assert in_si == pytest.approx(value, rel=1e-12)


@given(channel=st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True), unit=st.sampled_from(SI))
def test_any_name_fits_and_comes_back_with_its_unit(channel, unit):
    name = value_name(channel, unit)
    assert 1 <= len(name) <= 10
    assert name.isascii()
    assert name == name.upper()
    back = channel_of_value(name)
    if back is not None:
        _, _, scale = species_and_unit(channel, unit)
        known = RECORD_UNITS[unit]
        told = RECORD_UNITS[back.unit]
        assert told.kind == known.kind or unit == "K"
        assert scale * back.scale * told.scale == pytest.approx(known.scale, rel=1e-12)


@given(channel=st.sampled_from(sorted(SPECIES)), unit=st.sampled_from(SI))
def test_numbers_of_a_tunnel_come_back_as_the_same_quantity(channel, unit):
    species, code, scale = species_and_unit(channel, unit)
    assert species in TUNNEL_SPECIES
    assert code in TUNNEL_UNITS
    back = channel_of_species(species, code)
    if back is None:
        assert unit in {"K", "count"} or channel == "voc_index"
        return
    assert back.channel not in RESERVED
    told, known = RECORD_UNITS[back.unit], RECORD_UNITS[unit]
    assert told.kind == known.kind
    assert math.isclose(scale * back.scale * told.scale, known.scale, rel_tol=1e-12)


def test_names_are_those_of_the_protocol():
    assert value_name("pm2_5", "kg m-3") == "PM25_UGM3"
    assert value_name("pm1_0", "kg m-3") == "PM1_UGM3"  # not PM10
    assert value_name("ch4_path", "m") == "CH4_PPMM"
    assert value_name("voc_index", "count") == "VOC_IDX"
    assert value_name("hcho", "1") == "HCHO_PPB"


@pytest.mark.parametrize(
    "name", ["", "_", "_PPM", "GAS_SNR", "LAT_V_", "BATT_PCT", "ADC_RAW", "\x00"]
)
def test_what_is_no_gas_is_none(name):
    assert channel_of_value(name) is None


def test_a_lost_tail_leaves_the_gas():
    assert channel_of_value(value_name("co2_dry_left", "1")).channel.startswith("co2_")
