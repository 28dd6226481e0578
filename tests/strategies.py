"""Hypothesis strategies for the project's data: flights, gas columns, tables of text."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sensors.assemble import FlightColumns
from sensors.channels import Channel
from sensors.flight import from_columns
from sensors.gases import FAMILIES, GASES
from sensors.records import Quality
from sensors.units import RESERVED, UNITS

_FIRST_NS = -(10**18)  # 1938
_LAST_NS = 4 * 10**18  # 2096
_PAYLOADS = (0x7FF8000000000000, 0x7FF8000000000001, 0xFFF8DEADBEEF0000)


def values(size: int, *, low: float = -1e6, high: float = 1e6) -> st.SearchStrategy[np.ndarray]:
    """Numbers and NaNs, the latter with all kinds of bits in them."""
    numbers = st.floats(low, high, allow_nan=False, allow_infinity=False)
    missing = st.sampled_from(_PAYLOADS).map(lambda bits: np.uint64(bits).view(np.float64))
    return hnp.arrays(np.float64, size, elements=st.one_of(numbers, missing.map(float)))


def pairs(
    size: int, *, low: float, high: float
) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    """Two columns that are missing together."""
    limits = {"allow_nan": False, "allow_infinity": False}
    one = hnp.arrays(np.float64, size, elements=st.floats(low, high, **limits))
    gaps = hnp.arrays(np.bool_, size)
    return st.tuples(one, one, gaps).map(
        lambda found: (
            np.where(found[2], np.nan, found[0]),
            np.where(found[2], np.nan, found[1]),
        )
    )


def flags(size: int) -> st.SearchStrategy[np.ndarray]:
    """Quality bits."""
    return hnp.arrays(np.uint16, size, elements=st.integers(0, sum(Quality)))


def channel_names() -> st.SearchStrategy[str]:
    """Names a channel may have."""
    names = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
    return names.filter(lambda name: name not in RESERVED)


@st.composite
def channels(draw: st.DrawFn, size: int) -> Channel:
    """One gas channel."""
    return Channel(
        values=draw(values(size)),
        unit=draw(st.sampled_from([unit.udunits for unit in UNITS.values()])),
        gas=draw(st.sampled_from(sorted(GASES))),
        family=draw(st.sampled_from(FAMILIES)),
        is_equivalent=draw(st.booleans()),
        quality=draw(flags(size)),
    )


@st.composite
def flight_columns(draw: st.DrawFn, max_size: int = 12) -> FlightColumns:
    """Columns of a valid flight: any times in order, equal ones too, gaps anywhere."""
    size = draw(st.integers(1, max_size))
    times = draw(hnp.arrays(np.int64, size, elements=st.integers(_FIRST_NS, _LAST_NS)))
    latitude, longitude = draw(pairs(size, low=-90.0, high=90.0))
    eastward, northward = draw(pairs(size, low=-60.0, high=60.0))
    text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
    lines = st.lists(text.map(lambda line: line.replace("\n", " ")), max_size=3).map(tuple)
    return FlightColumns(
        name=draw(text.filter(bool)),
        time_ns=np.sort(times),
        latitude=latitude,
        longitude=longitude * 2,
        altitude=draw(values(size)),
        height_above_ground=draw(values(size)),
        eastward_wind=eastward,
        northward_wind=northward,
        air_temperature=draw(values(size)),
        relative_humidity=draw(values(size)),
        air_pressure=draw(values(size)),
        quality=draw(flags(size)),
        channels=draw(st.dictionaries(channel_names(), channels(size), min_size=1, max_size=3)),
        wind_source=draw(st.sampled_from(["anemometer", "autopilot", "given", "none"])),
        wind_height_m=draw(st.floats(0, 100) | st.just(float("nan"))),
        averaging_time_s=draw(st.floats(0, 3600)),
        background_removed=draw(st.booleans()),
        clock_offset_s=draw(st.floats(-1e6, 1e6)),
        lamp_ev=draw(st.sampled_from([10.6, 11.7])),
        source_files=draw(lines),
        notes=(),
        history=draw(lines),
    )


def flights(max_size: int = 12) -> st.SearchStrategy:
    """Valid flights."""
    return flight_columns(max_size).map(from_columns)
