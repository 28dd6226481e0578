"""Nuisance draws: evenly spread, and without bias however the proposal adapts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import ndtr

from detection.source.prior import Prior, nuisances_at
from detection.source.proposals import (
    PRIOR_PROPOSAL,
    adapted,
    flattened,
    mixture_log_weights,
    normal_points,
)

MIDDLE = np.zeros(10)
HERE = {"wind_height_m": 10.0, "wind_speed": 4.0, "response_s": (2.0, 6.0)}


def at(dimension, value, prior=None, **changes):
    point = MIDDLE.copy()
    point[dimension] = value
    return nuisances_at(prior or Prior(), point, **{**HERE, **changes})


def test_points_have_the_moments_of_the_normal_distribution(rng):
    points = normal_points(1000, rng=rng)
    assert_allclose(points.mean(axis=0), 0.0, atol=0.05)
    assert_allclose(points.std(axis=0), 1.0, atol=0.05)
    correlation = np.corrcoef(points.T) - np.eye(10)
    assert abs(correlation).max() < 0.12


def test_every_coordinate_of_the_points_is_covered_without_gaps():
    """Independent draws leave gaps of about log(n) / n; 80 is what the estimator uses."""
    for seed in range(5):
        points = normal_points(80, rng=np.random.default_rng(seed))
        filled = np.sort(ndtr(points), axis=0)
        assert np.diff(filled, axis=0).max() < 5 / 80


@given(
    log_weight=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40).map(np.array),
    effective=st.floats(0.0, 0.6),
)
def test_flattened_shares_are_as_even_as_asked_and_keep_their_order(log_weight, effective):
    share = flattened(log_weight, least_effective=effective * log_weight.size)
    as_they_are = np.exp(log_weight - np.logaddexp.reduce(log_weight))
    assert share.sum() == pytest.approx(1.0)
    assert (np.diff(share[np.argsort(log_weight)]) >= -1e-12).all()
    assert 1.0 / (share**2).sum() >= min(effective * log_weight.size, log_weight.size) - 1e-6
    if 1.0 / (as_they_are**2).sum() >= effective * log_weight.size:
        assert_allclose(share, as_they_are, atol=1e-9)


def test_another_stream_shifts_the_points():
    first, second = (normal_points(10, rng=np.random.default_rng(seed)) for seed in (1, 2))
    assert not np.allclose(first, second)


@pytest.mark.parametrize("sharpness", [0.0, 2.0, 30.0])
def test_weights_make_any_proposal_unbiased(sharpness):
    """E[1], E[x], E[x^2] under the prior, by points drawn where another question matters."""
    estimates = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        first = normal_points(60, rng=rng)
        proposal = adapted(first, -sharpness * (first[:, 6] - 1.0) ** 2, least_effective=15)
        second = proposal.mean + proposal.sd * normal_points(90, rng=rng)
        points = np.concatenate([first, second])
        weight = np.exp(mixture_log_weights(points, [PRIOR_PROPOSAL, proposal], [60, 90]))
        x = points[:, 6]
        estimates.append([weight.mean(), (weight * x).mean(), (weight * x**2).mean()])
    error = np.std(estimates, axis=0) / np.sqrt(40)
    assert (abs(np.mean(estimates, axis=0) - [1, 0, 1]) < 3.5 * error + 0.02).all()
    assert (error < 0.1).all()


def test_the_proposal_goes_where_the_weight_is_and_is_never_too_narrow(rng):
    points = normal_points(200, rng=rng)
    proposal = adapted(points, -8.0 * (points[:, 2] - 1.0) ** 2, least_effective=20)
    assert_allclose(proposal.mean[2], 1.0, atol=0.25)
    assert proposal.sd[2] < 0.6
    assert (proposal.sd[[0, 1, 3, 4]] > 0.7).all()
    lone = adapted(points, np.where(np.arange(200) == 7, 0.0, -1e6), least_effective=1)
    assert (lone.sd >= 0.25).all()
    assert (adapted(4 * points, np.zeros(200), least_effective=20).sd <= 1.0).all()


def test_weights_are_flattened_until_enough_points_count(rng):
    points = normal_points(100, rng=rng)
    strict = adapted(points, -200.0 * points[:, 0] ** 2, least_effective=2)
    loose = adapted(points, -200.0 * points[:, 0] ** 2, least_effective=50)
    assert strict.sd[0] < loose.sd[0]


def test_the_middle_of_the_space_is_the_median_of_the_prior():
    prior, middle = Prior(), nuisances_at(Prior(), MIDDLE, **HERE)
    assert_allclose(middle.release_height_m, 3.0 * (2**0.5 - 1.0))
    assert_allclose(middle.lateral_sd / middle.vertical_sd, 1.9 / 1.25)
    assert_allclose(middle.roughness_m, prior.roughness_m)
    assert middle.wind_bias_rad == 0.0
    assert middle.wind_speed_factor == 1.0
    assert (middle.rise_s, middle.decay_s) == (2.0, 6.0)


def test_release_heights_are_those_of_a_lomax_distribution(rng):
    heights = [
        nuisances_at(Prior(), point, **HERE).release_height_m
        for point in normal_points(2000, rng=rng)
    ]
    assert stats.kstest(heights, stats.lomax(2.0, scale=3.0).cdf).pvalue > 0.2
    assert_allclose(np.mean(np.array(heights) > 9.0), 1 / 16, atol=0.002)


@pytest.mark.parametrize(
    ("dimension", "field", "width", "of_log"),
    [
        (1, "lateral_sd", "lateral_log_sd", True),
        (2, "vertical_sd", "vertical_log_sd", True),
        (3, "lateral_time_scale_s", "time_scale_log_sd", True),
        (4, "eddy_length_m", "eddy_log_sd", True),
        (5, "roughness_m", "roughness_log_sd", True),
        (6, "wind_bias_rad", "wind_bias_sd_deg", False),
        (7, "wind_speed_factor", "wind_speed_log_sd", True),
        (8, "rise_s", "lag_log_sd", True),
        (8, "decay_s", "lag_log_sd", True),
    ],
)
def test_each_width_of_the_prior_widens_its_own_nuisance(dimension, field, width, of_log):
    narrow = Prior(wind_error_m_s=1e-9)
    wide = Prior(wind_error_m_s=1e-9, **{width: 2 * getattr(narrow, width)})

    def excursion(prior):
        up, down = (getattr(at(dimension, sign, prior), field) for sign in (1.0, -1.0))
        return np.log(up / down) if of_log else up - down

    scale = 1.0 if of_log else np.pi / 180
    assert_allclose(excursion(narrow), 2 * getattr(narrow, width) * scale, rtol=1e-6)
    assert_allclose(excursion(wide), 2 * excursion(narrow), rtol=1e-6)


def test_wind_is_less_sure_in_light_air_and_turbulence_outlives_it():
    for field in ("wind_bias_rad", "wind_speed_factor"):
        dimension = 6 if field == "wind_bias_rad" else 7
        light, strong = (
            getattr(at(dimension, 1.0, wind_speed=speed), field) for speed in (0.3, 8.0)
        )
        assert light > strong
    assert at(1, 0.0, wind_speed=0.0).lateral_sd > 0.05
    assert np.isfinite(at(6, 3.0, wind_speed=0.0).wind_bias_rad)


def test_measured_turbulence_takes_the_place_of_that_of_the_wind_over_the_roughness():
    for speed in (1.0, 9.0):
        measured = at(5, 0.0, friction_m_s=0.5, wind_speed=speed)
        assert_allclose(measured.lateral_sd, 1.9 * 0.5)
        assert_allclose(measured.vertical_sd, 1.25 * 0.5)
    rougher = at(5, 1.0, friction_m_s=0.5).lateral_sd / (1.9 * 0.5)
    assert_allclose(rougher, np.exp(Prior().gust_log_sd))
