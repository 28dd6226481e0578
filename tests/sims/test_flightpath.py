"""The lawnmower flight."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sims.flightpath import flight_path, waypoints
from sims.settings import Survey


def test_lines_are_parallel_spaced_and_run_along_their_bearing():
    corners = waypoints(Survey(size_m=200.0, spacing_m=20.0, line_deg=30.0))
    assert corners.shape == (22, 2)
    lines = np.diff(corners, axis=0)[::2]
    assert_allclose(np.hypot(*lines.T), 200.0)
    assert_allclose(lines[0] / 200.0, [np.sin(np.pi / 6), np.cos(np.pi / 6)], atol=1e-12)
    assert_allclose(lines[1], -lines[0], atol=1e-9)
    assert_allclose(np.hypot(*np.diff(corners, axis=0)[1::2].T), 20.0)


def test_the_flight_covers_all_lines_at_its_speed_and_height(rng):
    survey = Survey(size_m=200.0, spacing_m=20.0, height_m=10.0, speed_m_s=5.0, rate_hz=10.0)
    path = flight_path(survey, rng=rng)
    corners = waypoints(survey)
    for corner in corners:
        assert np.hypot(path.east - corner[0], path.north - corner[1]).min() < 2.0
    assert path.height[0] == 0.0
    up = path.time_s > survey.on_ground_s + 10.0 / 1.5
    assert path.height[up].mean() == pytest.approx(10.0, abs=0.2)
    step = np.hypot(path.east[10:] - path.east[:-10], path.north[10:] - path.north[:-10])
    assert np.median(step[up[10:]]) == pytest.approx(5.0, rel=0.03)


def test_the_drone_stays_on_the_ground_before_take_off(rng):
    path = flight_path(Survey(on_ground_s=20.0), rng=rng)
    waiting = path.time_s <= 20.0
    assert np.ptp(path.east[waiting]) == 0.0
    assert path.height[waiting].max() == 0.0


def test_a_leg_too_short_for_the_cruise_speed_is_still_flown(rng):
    survey = Survey(size_m=40.0, spacing_m=8.0, speed_m_s=15.0)
    path = flight_path(survey, rng=rng)
    last = waypoints(survey)[-1]
    assert np.hypot(path.east[-1] - last[0], path.north[-1] - last[1]) < 3.0
