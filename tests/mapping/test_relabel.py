from __future__ import annotations

import numpy as np
import pytest

from mapping.relabel import label_sources

A, B, C = (0.0, 0.0), (90.0, 40.0), (-60.0, 80.0)


def shuffled(rng, places, *, slots=4):
    """Draws in random slots, as an estimator with no order of its own would leave them."""
    draws, number, _ = places.shape
    out = np.full((draws, slots, 2), np.nan)
    order = np.argsort(rng.random((draws, slots)), axis=1)[:, :number]
    for source in range(number):
        out[np.arange(draws), order[:, source]] = places[:, source]
    return out


def together(around, *sources, draws=600):
    return np.stack([around(place, spread, draws=draws) for place, spread in sources], axis=1)


def only(places, keep):
    places = places.copy()
    places[~keep] = np.nan
    return places


def labels_of(places):
    return label_sources(places[..., 0], places[..., 1])


def near(places, centre, reach):
    return np.hypot(places[..., 0] - centre[0], places[..., 1] - centre[1]) < reach


def test_two_sources_in_the_same_draws_are_two(rng, around):
    places = shuffled(rng, together(around, (A, 5.0), (B, 9.0)))
    labels = labels_of(places)
    first, second = labels[near(places, A, 40.0)], labels[near(places, B, 45.0)]
    assert len(set(first)) == len(set(second)) == 1
    assert set(first) != set(second)


def test_two_places_never_in_one_draw_are_one_source(rng, around):
    at_a = rng.random(600) < 0.55
    places = np.where(at_a[:, None], around(A, 5.0, draws=600), around(B, 5.0, draws=600))
    labels = labels_of(shuffled(rng, places[:, None]))
    assert set(labels[labels >= 0]) == {0}


def test_rare_draws_of_both_places_do_not_split_one_source(rng, around):
    both = together(around, (A, 5.0), (B, 5.0))
    keep = np.zeros((600, 2), dtype=bool)
    keep[np.arange(600), (rng.random(600) < 0.5).astype(int)] = True
    keep[:30] = True
    labels = labels_of(shuffled(rng, only(both, keep)))
    assert (labels == 0).any(axis=1).all()
    assert (labels == 1).any(axis=1).sum() == 30


def test_two_sure_sources_keep_their_own_probabilities(rng, around):
    both = together(around, (A, 5.0), (B, 5.0), draws=1000)
    keep = np.ones((1000, 2), dtype=bool)
    keep[:30, 0] = False
    keep[30:70, 1] = False
    places = shuffled(rng, only(both, keep))
    labels = labels_of(places)
    at_a = int(labels[near(places, A, 40.0)][0])
    assert (labels == at_a).any(axis=1).mean() == pytest.approx(0.97)
    assert (labels == 1 - at_a).any(axis=1).mean() == pytest.approx(0.96)


def test_a_second_source_that_is_sometimes_there_is_the_second(rng, around):
    both = together(around, (A, 5.0), (B, 30.0))
    keep = np.ones((600, 2), dtype=bool)
    keep[:400, 1] = False
    places = shuffled(rng, only(both, keep))
    labels = labels_of(places)
    assert (labels == 0).any(axis=1).all()
    assert (labels == 1).any(axis=1).sum() == 200
    assert (labels[near(places, A, 20.0)] == 0).mean() > 0.99


def test_a_tight_source_is_told_from_a_vague_one_around_it(rng, around):
    places = shuffled(rng, together(around, (A, 3.0), ((10.0, 0.0), 80.0), draws=1000))
    labels = labels_of(places)
    tight = labels[near(places, A, 9.0)]
    share = np.bincount(tight, minlength=2) / tight.size
    assert share.max() > 0.97


def test_three_sources_are_three_whatever_their_slots(rng, around):
    places = shuffled(rng, together(around, (A, 5.0), (B, 8.0), (C, 12.0)))
    labels = labels_of(places)
    for centre in (A, B, C):
        here = labels[near(places, centre, 42.0)]
        assert np.bincount(here).max() > 0.995 * here.size
    assert sorted(np.unique(labels)) == [-1, 0, 1, 2]


def test_no_label_occurs_twice_in_a_draw_and_only_where_a_source_is(rng, around):
    places = together(around, (A, 20.0), (A, 30.0), (B, 50.0))
    places = shuffled(rng, only(places, rng.random((600, 3)) < 0.6))
    labels = labels_of(places)
    assert np.array_equal(labels >= 0, np.isfinite(places[..., 0]))
    for draw in labels:
        named = draw[draw >= 0]
        assert len(set(named)) == named.size


def test_the_same_draws_give_the_same_labels_up_to_the_slots(rng, around):
    places = together(around, (A, 5.0), (B, 9.0))
    first, second = (shuffled(np.random.default_rng(seed), places) for seed in (1, 2))
    at_a = [labels_of(one)[near(one, A, 40.0)] for one in (first, second)]
    assert set(at_a[0]) == set(at_a[1])


def test_no_draws_and_no_sources_have_no_labels():
    assert labels_of(np.empty((0, 4, 2))).shape == (0, 4)
    assert (labels_of(np.full((7, 4, 2), np.nan)) == -1).all()


def test_more_sources_than_can_be_told_apart_are_refused(rng):
    with pytest.raises(ValueError, match="at most 6"):
        labels_of(rng.normal(size=(5, 7, 2)))
