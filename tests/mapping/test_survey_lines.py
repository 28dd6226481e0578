from __future__ import annotations

import numpy as np
import pytest

from mapping.concentration import Readings
from mapping.interpolators import kernel, kriging
from mapping.kernel_width import best_width, width_scores
from mapping.scores import cross_validate, scores_of
from mapping.survey_lines import kernel_width, survey_lines


def lawnmower(spacing_m, lines, length_m, *, turn_deg=0.0, per_line=80):
    along = np.linspace(0.0, length_m, per_line)
    x = np.concatenate([along if k % 2 == 0 else along[::-1] for k in range(lines)])
    y = np.repeat(np.arange(lines) * spacing_m, along.size)
    cos, sin = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    return x * cos - y * sin, x * sin + y * cos


def survey(rng, *, spacing=20.0, field_m=40.0, noise=0.3, per_line=80):
    x, y = lawnmower(spacing, 9, 160.0, per_line=per_line)
    field = 10.0 * np.exp(-((x - 80.0) ** 2 + (y - 85.0) ** 2) / (2 * field_m**2))
    return Readings.of(x, y, field + rng.normal(0.0, noise, x.size))


@pytest.mark.parametrize("turn_deg", [0.0, 33.0, 90.0])
@pytest.mark.parametrize("jitter_m", [0.0, 0.5])
def test_every_line_of_a_lawnmower_is_found(rng, turn_deg, jitter_m):
    x, y = lawnmower(20.0, 9, 300.0, turn_deg=turn_deg)
    lines = survey_lines(*(axis + rng.normal(0.0, jitter_m, axis.size) for axis in (x, y)))
    expected = np.repeat(np.arange(9), 80)
    assert lines.max() == 8
    assert (lines != expected).mean() < 0.02


def test_a_line_flown_twice_is_one_line():
    x, y = lawnmower(20.0, 9, 300.0)
    lines = survey_lines(np.append(x, x[::-1] + 0.5), np.append(y, y[::-1] + 1.0))
    assert lines.max() == 8
    assert np.array_equal(lines, np.append(lines[:720], lines[:720][::-1]))


def test_turns_belong_to_the_lines_beside_them():
    x = np.array([0.0, 100.0, 110.0, 110.0, 100.0, 0.0, 0.0, 100.0])
    y = np.array([0.0, 0.0, 5.0, 15.0, 20.0, 20.0, 40.0, 40.0])
    assert survey_lines(x, y).tolist() == [0, 0, 0, 1, 1, 1, 2, 2]


@pytest.mark.parametrize(
    "track",
    [
        (np.linspace(0.0, 300.0, 100), np.zeros(100)),
        (np.linspace(0.0, 300.0, 100), np.linspace(0.0, 100.0, 100)),
    ],
)
def test_a_track_without_lines_is_cut_into_stretches(track):
    lines = survey_lines(*track)
    assert np.bincount(lines).tolist() == [20] * 5


@pytest.mark.parametrize("count", [0, 1, 4])
def test_a_track_without_length_is_one_line(count):
    assert survey_lines(np.ones(count), np.ones(count)).tolist() == [0] * count


def test_cross_validation_of_widths_is_that_of_each_line_left_out(rng):
    """The quick sums against the plain way, each line refitted without."""
    some = survey(rng)
    lines = survey_lines(some.east, some.north)
    for width in (9.0, 16.0):
        (quick,) = width_scores(some, lines, np.array([width]))
        plain = cross_validate(kernel.fit(some, width_m=width), some, lines)
        assert quick.rmse == pytest.approx(plain.rmse, rel=1e-3)
        assert quick.nlpd == pytest.approx(plain.nlpd, rel=1e-2)
        assert quick.within_90 == pytest.approx(plain.within_90, abs=0.01)


def test_many_readings_are_scored_in_runs_much_as_one_by_one(rng):
    dense = survey(rng, per_line=800)
    lines = survey_lines(dense.east, dense.north)
    (quick,) = width_scores(dense, lines, np.array([12.0]))
    plain = cross_validate(kernel.fit(dense, width_m=12.0), dense, lines)
    assert quick.rmse == pytest.approx(plain.rmse, rel=0.1)


def test_the_width_that_foretells_left_out_lines_best_is_taken(rng):
    some = survey(rng, field_m=18.0, noise=0.1)
    lines = survey_lines(some.east, some.north)
    width, scores = best_width(some)
    usual = kernel_width(some.east, some.north)
    among = np.array([usual / 0.6 * share for share in (0.35, 0.45, 0.6, 0.8, 1.0)])
    nlpd = [one.nlpd for one in width_scores(some, lines, among)]
    assert width == pytest.approx(among[np.argmin(nlpd)])
    assert width != pytest.approx(usual)
    assert scores.nlpd == pytest.approx(min(nlpd))
    assert scores.skill > 0.2


def test_clean_air_keeps_the_usual_width(rng):
    some = survey(rng)
    blank = Readings.of(some.east, some.north, rng.normal(0.0, 1.0, len(some)))
    assert best_width(blank)[0] == pytest.approx(kernel_width(some.east, some.north), rel=0.02)


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_readings_that_do_not_differ_say_nothing_of_the_width(rng, value):
    some = survey(rng)
    flat = Readings.of(some.east, some.north, np.full(len(some), value))
    width, scores = best_width(flat)
    assert width == kernel_width(some.east, some.north)
    assert scores is None


def test_both_methods_foretell_a_smooth_field_and_kriging_better(rng):
    some = survey(rng)
    lines = survey_lines(some.east, some.north)
    of_kernel = cross_validate(kernel.fit(some), some, lines)
    of_kriging = cross_validate(kriging.fit(some), some, lines)
    assert of_kernel.skill > 0.8
    assert of_kriging.skill > of_kernel.skill
    assert of_kriging.rmse < 0.6
    assert 0.7 < of_kriging.within_90 <= 1.0


def test_nothing_can_be_left_out_of_one_line(rng):
    one = Readings.of(np.ones(30), np.ones(30), rng.normal(size=30))
    assert cross_validate(kernel.fit(one), one, survey_lines(one.east, one.north)) is None


def test_scores_tell_a_sure_wrong_prediction_from_an_honest_one():
    value = np.array([0.0, 10.0, 0.0, 10.0])
    honest = scores_of(value, np.full(4, 5.0), np.full(4, 25.0))
    sure = scores_of(value, np.full(4, 5.0), np.full(4, 0.25))
    assert honest.rmse == sure.rmse == 5.0
    assert honest.skill == 0.0
    assert honest.nlpd < sure.nlpd
    assert (honest.within_90, sure.within_90) == (1.0, 0.0)
