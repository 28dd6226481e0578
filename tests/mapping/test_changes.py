"""Sources of two surveys: paired by place, their rates compared from the draws."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from detection.source.posterior import posterior_dataset
from mapping.changes import p_rate_rose, p_same_place, sides_of, source_changes

AREA_M2 = 500.0**2
SPREAD_M = 6.0
DRAWS = 1000


def posterior(*sources, seed=0, spread_m=SPREAD_M):
    """Posterior of sources given as (east, north, rate [g/s], probability)."""
    rng = np.random.default_rng(seed)
    columns = {name: np.full((DRAWS, max(1, len(sources))), np.nan)
               for name in ("east", "north", "height", "rate")}  # fmt: skip
    for k, (east, north, rate, share) in enumerate(sources):
        there = rng.random(DRAWS) < share
        columns["east"][there, k] = east + spread_m * rng.standard_normal(there.sum())
        columns["north"][there, k] = north + spread_m * rng.standard_normal(there.sum())
        columns["height"][there, k] = 1.0
        columns["rate"][there, k] = 1e-3 * rate * rng.lognormal(0.0, 0.3, there.sum())
    return posterior_dataset(columns, attrs={})


def changes(before, after, *, told=(1, 1), power=1.0, area_m2=AREA_M2):
    def everywhere(east, _north):
        return np.full(east.shape, power)

    return source_changes(
        sides_of(before, told=told[0]),
        sides_of(after, told=told[1]),
        area_m2=area_m2,
        power_before=everywhere,
        power_after=everywhere,
        reference_rate_g_s=1.0,
    )


def test_a_source_that_stays_is_matched_and_shows_no_change():
    (one,) = changes(posterior((0, 0, 1.0, 1.0)), posterior((2, 1, 1.0, 1.0), seed=1))
    assert one.status == "both"
    assert one.p_same > 0.95
    assert 0.4 < one.p_rose < 0.6
    assert one.ratio_p05 < 1.0 < one.ratio_p95


def test_sources_as_probable_keep_their_own_draws():
    """The better placed one is told first, though the other emits more."""
    wide, narrow = posterior((0, 0, 5.0, 1.0), spread_m=20.0), posterior((150, 0, 1.0, 1.0), seed=1)
    sides = sides_of(xr.concat([wide, narrow], dim="source"), told=2)
    assert [side.spot.east for side in sides] == pytest.approx([150.0, 0.0], abs=3.0)
    for side in sides:
        assert np.median(side.east) == pytest.approx(side.spot.east, abs=3.0)
        assert np.median(side.rate_g_s) == pytest.approx(side.spot.rate_g_s)


def test_a_rate_that_trebled_is_told_to_have_risen():
    (one,) = changes(posterior((0, 0, 1.0, 1.0)), posterior((2, 1, 3.0, 1.0), seed=1))
    assert one.p_rose > 0.97
    assert one.p_doubled > 0.7
    assert one.p_halved < 0.01
    assert one.ratio == pytest.approx(3.0, rel=0.1)
    assert one.p_changed == one.p_rose


def test_sources_far_apart_are_one_gone_and_one_new():
    found = changes(posterior((0, 0, 1.0, 1.0)), posterior((150, 0, 1.0, 1.0), seed=1))
    assert [one.status for one in found] == ["new", "gone"]
    assert all(one.p_changed > 0.8 for one in found)
    assert all(0.8 < one.p_noticed <= 1.0 for one in found)


def test_where_the_other_survey_did_not_search_nothing_is_known():
    for power in (0.0, np.nan):
        one = changes(
            posterior((0, 0, 1.0, 1.0)), posterior((150, 0, 1.0, 1.0)), power=power
        )[0]  # fmt: skip
        assert one.p_noticed == 0.0
        assert one.p_changed == pytest.approx(0.5)


def test_a_weak_source_is_taken_to_be_noticed_less():
    weak = changes(posterior(), posterior((0, 0, 0.1, 1.0)), told=(0, 1))[0]
    strong = changes(posterior(), posterior((0, 0, 5.0, 1.0)), told=(0, 1))[0]
    assert weak.p_noticed == pytest.approx(0.1, rel=0.2)
    assert strong.p_noticed == 1.0


def test_two_sources_are_paired_by_place_not_by_rank():
    before = posterior((0, 0, 1.0, 1.0), (120, 0, 1.0, 0.9))
    after = posterior((121, 1, 1.0, 1.0), (1, 0, 1.0, 0.9), seed=2)
    found = changes(before, after, told=(2, 2))
    assert [one.status for one in found] == ["both", "both"]
    for one in found:
        assert abs(one.before.spot.east - one.after.spot.east) < 10


def test_a_source_too_uncertain_to_be_told_is_still_matched():
    (one,) = changes(posterior((0, 0, 1.0, 1.0)), posterior((1, 0, 1.0, 0.4)), told=(1, 0))
    assert one.status == "both"
    assert not one.after.is_told


def test_no_source_in_either_is_no_change():
    assert changes(posterior(), posterior(), told=(0, 0)) == []


def test_exchanging_the_surveys_exchanges_the_answer():
    first, second = posterior((0, 0, 1.0, 1.0)), posterior((3, 1, 2.0, 1.0), seed=1)
    (one,), (other,) = changes(first, second), changes(second, first)
    assert one.p_rose == pytest.approx(1.0 - other.p_rose)
    assert one.p_same == pytest.approx(other.p_same)
    assert one.ratio == pytest.approx(1.0 / other.ratio, rel=0.02)


def test_the_probability_of_one_place_is_that_of_normal_densities():
    """Both normal: the overlap integral is normal in the distance, Budavari & Szalay (2008)."""
    (a,), (b,) = (
        sides_of(posterior((east, 0, 1.0, 1.0), seed=seed), told=1)
        for east, seed in ((0.0, 1), (20.0, 2))
    )
    variance = 2 * SPREAD_M**2 + 2 * 3.0**2
    overlap = np.exp(-0.5 * 20.0**2 / variance) / (2 * np.pi * variance)
    expected = AREA_M2 * overlap / (1 + AREA_M2 * overlap)
    assert p_same_place(a, b, area_m2=AREA_M2) == pytest.approx(expected, abs=0.03)


rates = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=12).map(np.array)


@given(before=rates, after=rates, by=st.floats(0.1, 10.0))
def test_the_probability_of_a_rise_counts_all_pairs(before, after, by):
    pairs = after[:, None] - (before * by)[None, :]
    expected = (pairs > 0).mean() + 0.5 * (pairs == 0).mean()
    assert p_rate_rose(before, after, by=by) == pytest.approx(expected)
