"""What a result is held to."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from benchmarks.calibration import rank_p
from benchmarks.judging import Judged, _of_raster, _rank, judged_line
from benchmarks.truth import matched


def judged(**changed):
    usual = {"row": "single", "name": "one", "p_any": 1.0, "sources": 1, "told": 1}
    return Judged(**(usual | {"verdict": "source indicated"} | changed))


@pytest.mark.parametrize(
    ("changed", "is_wrong"),
    [
        ({"beyond_90_m": 0.0, "area_radius_90_m": 10.0}, False),
        ({"beyond_90_m": 9.0, "area_radius_90_m": 10.0}, False),
        ({"beyond_90_m": 11.0, "area_radius_90_m": 10.0}, True),
        ({"beyond_90_m": 11.0, "area_radius_90_m": 10.0, "verdict": "nothing indicated"}, False),
        ({"sources": 0}, True),
        ({"sources": 0, "verdict": "nothing indicated"}, False),
    ],
)
def test_only_an_indication_far_outside_its_own_region_misleads(changed, is_wrong):
    assert judged(**changed).misleading is is_wrong


def test_a_flight_survives_its_line_of_json():
    one = judged(matched_m=(1.0, 2.0), notes=("a", "b"), ranks={"rate": 0.25}, about={"u": 2.0})
    again = judged_line(one.line())
    assert np.isnan(again.error_m)
    assert again.line() == one.line()
    assert again.matched_m == (1.0, 2.0)


def test_the_raster_s_region_holds_the_cells_of_most_probability():
    probability = np.array([[0.04, 0.05], [0.31, 0.6]])
    raster = xr.Dataset(
        {"source_probability": (("y", "x"), probability)},
        coords={"x": [0.0, 2.0], "y": [2.0, 0.0]},
    )
    assert _of_raster(raster, np.array([2.2, 0.1]))["raster_level"] == pytest.approx(0.0)
    assert _of_raster(raster, np.array([0.0, -0.5]))["raster_level"] == pytest.approx(0.6)
    assert _of_raster(raster, np.array([0.3, 2.0]))["raster_level"] == pytest.approx(0.96)
    assert _of_raster(raster, np.array([50.0, 2.0]))["raster_level"] == pytest.approx(1.0)
    # Two cells of 4 m2 hold 91 %.
    radius = _of_raster(raster, np.array([0.0, 0.0]))["raster_radius_90_m"]
    assert radius == pytest.approx(np.sqrt(8.0 / np.pi))


def test_ranks_of_a_right_posterior_are_even_and_of_one_too_sure_are_not():
    rng = np.random.default_rng(1)
    truths = rng.standard_normal(400)
    right = np.array([_rank(rng.standard_normal(99), truth, rng) for truth in truths])
    too_sure = np.array([_rank(0.4 * rng.standard_normal(99), truth, rng) for truth in truths])
    assert rank_p(right, 10) > 0.01
    assert rank_p(too_sure, 10) < 1e-6
    assert np.isnan(rank_p(right[:20], 10))


def test_a_rank_is_the_share_of_draws_below_and_ties_are_shared():
    rng = np.random.default_rng(0)
    assert 0.75 <= _rank(np.array([1.0, 2.0, 3.0]), 9.0, rng) <= 1.0
    tied = [_rank(np.zeros(99), 0.0, rng) for _ in range(200)]
    assert np.mean(tied) == pytest.approx(0.5, abs=0.1)


def test_hotspots_and_sources_are_paired_each_once():
    told = np.array([[0.0, 0.0], [1.0, 0.0]])
    true = np.array([[0.0, 0.0], [100.0, 0.0]])
    assert matched(told, true) == (0.0, 99.0)
    assert matched(np.zeros((0,)), true) == ()
