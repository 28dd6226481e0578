"""Uncertainty of benchmark figures."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.intervals import quantile_span, quantile_text, share_span, share_text


def test_shares_have_the_published_exact_interval():
    # Clopper & Pearson (1934): 0 of 10 and 9 of 10 at 95 %, as in every table of them.
    assert share_span([False] * 10) == pytest.approx((0.0, 0.0, 0.3085), abs=1e-4)
    assert share_span([True] * 9 + [False]) == pytest.approx((0.9, 0.5550, 0.9975), abs=1e-4)
    assert share_text([]) == "-"
    assert share_text([True] * 9 + [False]) == "90 % (55-100)"


def test_a_quantile_lies_in_its_interval_which_narrows_with_more_flights():
    rng = np.random.default_rng(0)
    few, many = (quantile_span(rng.exponential(10.0, n), 0.5) for n in (20, 2000))
    for value, low, high in (few, many):
        assert low <= value <= high
    assert many[2] - many[1] < 0.3 * (few[2] - few[1])
    assert many[1] < 10.0 * np.log(2.0) < many[2]


def test_what_is_not_known_is_left_out_and_nothing_is_a_dash():
    assert quantile_span([1.0, np.nan, 1.0], 0.5) == (1.0, 1.0, 1.0)
    assert quantile_text([np.nan], 0.5) == "-"
