import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.iso_time import NO_TIME, parse_times

UTC = dt.UTC


def nanoseconds(moment):
    since = moment - dt.datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 10**9 + since.microseconds * 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-12-12T10:12:40.000Z", 1670839960 * 10**9),
        ("2022-12-12T10:12:40Z", 1670839960 * 10**9),
        ("2022-12-12T10:12:40", 1670839960 * 10**9),
        ("2022-12-12 10:12:40.123456789", 1670839960 * 10**9 + 123456789),
        ("2022-12-12T10:12:40.5Z", 1670839960 * 10**9 + 5 * 10**8),
        ("2022-12-12T10:12:40,5Z", 1670839960 * 10**9 + 5 * 10**8),
        ("2022-12-12T11:12:40+01:00", 1670839960 * 10**9),
        ("2022-12-12T05:42:40.000-0430", 1670839960 * 10**9),
        ("2022-12-12T10:12", 1670839920 * 10**9),
        (" 2022-12-12T10:12:40Z ", 1670839960 * 10**9),
        ("2022-12-12 10:12:40 UTC", 1670839960 * 10**9),
        ("1956-07-03T15:00:00Z", -425898000 * 10**9),
    ],
)
def test_a_time_is_read(text, expected):
    assert parse_times([text]).tolist() == [expected]
    assert parse_times([text, "x"]).tolist() == [expected, NO_TIME]  # the slow way, too


@pytest.mark.parametrize(
    "text",
    ["", "now", "NaT", "2022-12-12", "2022-13-12T10:12:40Z", "2022-02-30T10:12:40Z", "1670839960",
     "2022-12-12T24:12:40Z", "2022-12-12T10:60:40Z", "12/12/2022 10:12:40", "0000-01-01T00:00:00Z",
     "2022-12-12T10:12:40.Z", "2022-12-12T10:12:4", "9999-12-31T23:59:59Z",
     "\uff12\uff10\uff12\uff12-12-12T10:12:40Z", "UTC 221212 101240 5 9",
     "2022-12-12T10:12:40.000\x00"],
)  # fmt: skip
def test_what_is_no_time_is_not_taken_for_one(text):
    assert parse_times([text]).tolist() == [NO_TIME]
    assert parse_times([text] * 3).tolist() == [NO_TIME] * 3


@given(
    st.lists(
        st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2199, 12, 31)), min_size=1, max_size=5
    ),
    st.sampled_from(["milliseconds", "microseconds", "seconds"]),
    st.sampled_from(["Z", "", "+00:00"]),
)
def test_times_agree_with_the_standard_library(moments, digits, zone):
    texts = [moment.isoformat(timespec=digits) + zone for moment in moments]
    expected = [nanoseconds(dt.datetime.fromisoformat(t).replace(tzinfo=UTC)) for t in texts]
    assert parse_times(texts).tolist() == expected


def test_no_cells_are_no_times():
    assert parse_times([]).size == 0
