"""The TUNNEL payload: what goes in comes out, what is unknown stays unknown."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.tunnel import (
    SPECIES,
    UNITS,
    Batch,
    Channel,
    TunnelFlag,
    batch_from_json,
    decode_batch,
)
from sensors.framing import BrokenFrame

CHANNELS = st.builds(
    Channel,
    index=st.integers(0, 255),
    species=st.integers(0, 255),
    unit=st.integers(0, 255),
    quality=st.integers(0, 255),
    value=st.floats(width=32, allow_nan=False),
    sigma=st.floats(width=32, allow_nan=False),
)
BATCHES = st.builds(
    Batch,
    kind=st.integers(1, 3),
    device=st.integers(0, 65535),
    sequence=st.integers(0, 2**32 - 1),
    time_us=st.integers(0, 2**63),
    latitude=st.integers(-900_000_000, 900_000_000).map(lambda one: one * 1e-7),
    longitude=st.integers(-1_800_000_000, 1_800_000_000).map(lambda one: one * 1e-7),
    altitude_amsl_m=st.integers(-500_000, 10_000_000).map(lambda one: one * 1e-3),
    flags=st.integers(0, 1023).map(lambda one: TunnelFlag(one | 6)),
    channels=st.lists(CHANNELS, max_size=8).map(tuple),
)


@given(BATCHES)
def test_what_is_encoded_is_decoded(batch):
    payload = batch.encode()
    assert len(payload) == 32 + 12 * len(batch.channels) <= 128
    assert decode_batch(payload) == batch


@given(BATCHES)
def test_what_json_says_is_the_same_payload(batch):
    finite = all(math.isfinite(c.value) and math.isfinite(c.sigma) for c in batch.channels)
    if finite:
        assert batch_from_json(batch.as_json()).encode() == batch.encode()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_batch_or_refused(data):
    batch = None
    with contextlib.suppress(BrokenFrame):
        batch = decode_batch(data)
    is_sized = len(data) >= 32 and data[30] <= 8 and len(data) == 32 + 12 * data[30]
    assert (batch is not None) == (is_sized and data[0] == 1)


def test_an_unknown_position_is_not_the_equator():
    batch = Batch(device=1, sequence=1, time_us=1, channels=())
    again = decode_batch(batch.encode())
    assert math.isnan(again.latitude)
    assert math.isnan(again.altitude_amsl_m)
    assert not again.flags & (TunnelFlag.POSITION | TunnelFlag.ALTITUDE)
    assert again.as_json()["lat_deg"] is None


def test_an_unknown_species_or_unit_is_shown_as_its_number():
    channel = Channel(index=0, species=99, unit=77, value=math.nan)
    told = channel.as_json()
    assert (told["species"], told["unit"], told["value"], told["sigma"]) == (99, 77, None, None)


@pytest.mark.parametrize(
    ("unit", "name", "factor"),
    [
        (1, "mole_fraction", 1e-6),
        (2, "mole_fraction", 1e-9),
        (3, "mole_fraction", 1e-2),
        (5, "mass_concentration_kg_m3", 1e-9),
        (6, "mass_concentration_kg_m3", 1e-6),
        (7, "path_integrated_mole_fraction_m", 1e-6),
    ],
)
def test_units_are_told_in_si(unit, name, factor):
    assert Channel(index=0, species=1, unit=unit, value=3.0).as_json()[name] == 3.0 * factor


def test_more_than_eight_channels_are_refused():
    channel = Channel(index=0, species=1, unit=1, value=1.0)
    with pytest.raises(ValueError, match="8"):
        Batch(device=1, sequence=1, time_us=1, channels=(channel,) * 9).encode()


@pytest.mark.parametrize(("device", "value"), [(70_000, 1.0), (1, 1e300)])
def test_a_number_that_does_not_fit_is_refused(device, value):
    channel = Channel(index=0, species=1, unit=1, value=value)
    with pytest.raises(ValueError, match="fit"):
        Batch(device=device, sequence=1, time_us=1, channels=(channel,)).encode()


def test_names_are_unique():
    assert len(set(SPECIES.values())) == len(SPECIES)
    assert len(set(UNITS.values())) == len(UNITS)
