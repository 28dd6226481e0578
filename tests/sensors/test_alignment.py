import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sensors.alignment import bracket, longitudes_between, series_at, values_between

SECOND = 10**9


def naive_at(known, values, wanted, max_gap_s):
    """One wanted time at a time, by looking at every neighbour."""
    found = []
    for time in wanted:
        exact = [value for at, value in zip(known, values, strict=True) if at == time]
        earlier = [(at, value) for at, value in zip(known, values, strict=True) if at < time]
        later = [(at, value) for at, value in zip(known, values, strict=True) if at > time]
        if exact:
            found.append(exact[0])
        elif earlier and later and later[0][0] - earlier[-1][0] <= max_gap_s * SECOND:
            (t0, v0), (t1, v1) = earlier[-1], later[0]
            found.append(v0 + (v1 - v0) * (time - t0) / (t1 - t0))
        else:
            found.append(np.nan)
    return np.array(found)


@given(
    st.lists(st.integers(0, 60), max_size=12, unique=True),
    st.lists(st.integers(-5, 65), max_size=12),
    st.randoms(use_true_random=False),
)
def test_series_equals_its_naive_twin(seconds, wanted, random):
    known = np.array(sorted(seconds), np.int64) * SECOND
    values = np.array([random.uniform(-1, 1) for _ in known])
    times = np.array(wanted, np.int64) * SECOND
    np.testing.assert_allclose(
        series_at(known, values, times, max_gap_s=3.0), naive_at(known, values, times, 3.0)
    )


def test_a_gap_is_never_crossed_and_ends_are_not_extended():
    known = np.array([0, 1, 2, 10, 11]) * SECOND
    wanted = np.array([-1, 0, 2, 3, 6, 10, 12]) * SECOND
    at = series_at(known, known / SECOND, wanted, max_gap_s=2.0)
    np.testing.assert_array_equal(at, [np.nan, 0, 2, np.nan, np.nan, 10, np.nan])


def test_missing_values_widen_the_gap():
    known = np.array([0, 1, 2, 3]) * SECOND
    values = np.array([0.0, np.nan, np.nan, 3.0])
    wanted = np.array([1, 2]) * SECOND
    assert np.isnan(series_at(known, values, wanted, max_gap_s=2.0)).all()
    assert series_at(known, values, wanted, max_gap_s=3.0).tolist() == [1.0, 2.0]


def test_longitudes_go_the_short_way_over_the_antimeridian():
    found = bracket(np.array([0, 4]), np.array([1, 2, 3]), max_gap_s=1.0)
    longitude = np.array([179.8, -179.8])
    np.testing.assert_allclose(
        longitudes_between(found, longitude), [179.9, -180.0, -179.9], atol=1e-9
    )
    assert values_between(found, longitude)[1] == 0.0  # what would be wrong


def test_an_empty_series_answers_nothing():
    empty = np.zeros(0, np.int64)
    assert np.isnan(series_at(empty, np.zeros(0), np.array([1, 2]), max_gap_s=9.0)).all()
