"""Which source of one draw is which source of another: the slots of a Posterior put in order."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

__all__ = ["label_sources"]

MOST_SOURCES = 6
STARTS = 8
ROUNDS = 50
TAILS = 4.0  # degrees of freedom of a label's Student-t: heavy tails keep strays from widening it
FLOOR_M2 = 0.25
LIKELY = 0.5


def label_sources(east: FloatArray, north: FloatArray) -> IntArray:
    """Label of each source in each draw, so that one label is one source in the world.

    Parameters
    ----------
    east, north : ndarray, shape (draw, source)
        [m]; NaN where a draw has no source. The order of sources within a draw means nothing.

    Returns
    -------
    ndarray of int, shape (draw, source)
        From 0; -1 where there is no source. No label occurs twice in a draw.

    Raises
    ------
    ValueError
        A draw has more than six sources.

    Notes
    -----
    Alternatives are one label: places that never have a source in the same draw are two modes
    of one source. The number of core labels is the largest k such that, given k - 1 sources,
    a k-th is at least as likely as not. Draws with fewer sources take those core labels that
    fit them best; draws with more fill labels beyond the core. Labels are Student-t in the
    plane, fitted by hard expectation-maximisation from several draws as starts; after
    Stephens (2000), doi:10.1111/1467-9868.00265.

    Examples
    --------
    >>> x = np.array([[0.0, 90.0], [91.0, 1.0], [0.5, 90.5], [2.0, np.nan]])
    >>> label_sources(x, np.zeros_like(x) + x * 0)
    array([[ 0,  1],
           [ 1,  0],
           [ 0,  1],
           [ 0, -1]])
    """
    present = np.isfinite(east) & np.isfinite(north)
    number = present.sum(axis=1)
    most = int(number.max(initial=0))
    labels = np.where(present, 0, -1).astype(np.int64)
    if most <= 1:
        return labels
    if most > MOST_SOURCES:
        raise ValueError(f"a draw has {most} sources; at most {MOST_SOURCES} can be told apart")
    order = np.argsort(~present, axis=1, kind="stable")[:, :most]
    place = np.stack([np.take_along_axis(axis, order, axis=1) for axis in (east, north)], axis=2)
    compact = _best_of_starts(place, number, _core(number, most), most)
    np.put_along_axis(labels, order, compact, axis=1)
    return labels


def _core(number: IntArray, most: int) -> int:
    at_least = [int((number >= k).sum()) for k in range(1, most + 1)]
    core = 1
    while core < most and at_least[core] >= LIKELY * at_least[core - 1]:
        core += 1
    return core


def _best_of_starts(place: FloatArray, number: IntArray, core: int, most: int) -> IntArray:
    """Labels of the start that ends at the highest score, shape (draw, most)."""
    full = np.flatnonzero(number >= core)
    pivots = full[np.linspace(0, full.size - 1, min(STARTS, full.size)).astype(np.int64)]
    choices = {n: _choices(n, core) for n in range(1, most + 1)}
    best, best_score = np.full(place.shape[:2], -1), -np.inf
    for pivot in pivots:
        labels, score = _fitted(place, number, choices, _start(place, pivot, core, most))
        if score > best_score + 1e-9:
            best, best_score = labels, score
    return best


def _choices(number: int, core: int) -> IntArray:
    """Ways to label a draw of `number` sources, shape (ways, number)."""
    pool = range(max(number, core))
    ways = permutations(pool, number) if number <= core else permutations(pool)
    return np.array(list(ways), dtype=np.int64)


def _start(
    place: FloatArray, pivot: int, core: int, most: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    everywhere = place[np.isfinite(place[..., 0])]
    scatter = np.cov(everywhere.T) + FLOOR_M2 * np.eye(2)
    mean = np.tile(everywhere.mean(axis=0), (most, 1))
    mean[:core] = place[pivot, :core]
    shape = np.tile(scatter, (most, 1, 1))
    shape[:core] /= 16.0
    return mean, shape, np.ones(most)


def _fitted(
    place: FloatArray,
    number: IntArray,
    choices: dict[int, IntArray],
    start: tuple[FloatArray, FloatArray, FloatArray],
) -> tuple[IntArray, float]:
    mean, shape, share = start
    labels = np.full(place.shape[:2], -2, dtype=np.int64)
    score = -np.inf
    for _ in range(ROUNDS):
        log_density, distance = _student(place, mean, shape)
        log_density += np.log(share)
        fresh, score = _assigned(log_density, number, choices)
        if np.array_equal(fresh, labels):
            break
        labels = fresh
        for label in range(len(mean)):
            mine = labels == label
            share[label] = max(mine.any(axis=1).mean(), 1e-3)
            if mine.sum() >= 3:
                weight = (TAILS + 2.0) / (TAILS + distance[mine][:, label])
                mean[label] = np.average(place[mine], axis=0, weights=weight)
                away = place[mine] - mean[label]
                shape[label] = (weight[:, None] * away).T @ away / mine.sum()
                shape[label] += FLOOR_M2 * np.eye(2)
    return labels, score


def _student(
    place: FloatArray, mean: FloatArray, shape: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Log-density and squared Mahalanobis distance, shape (draw, slot, label)."""
    away = place[:, :, None, :] - mean
    distance = np.einsum("dski,kij,dskj->dsk", away, np.linalg.inv(shape), away)
    spread = 0.5 * np.log(np.linalg.det(shape))
    log_density = -spread - 0.5 * (TAILS + 2.0) * np.log1p(distance / TAILS)
    return log_density, distance


def _assigned(
    log_density: FloatArray, number: IntArray, choices: dict[int, IntArray]
) -> tuple[IntArray, float]:
    """Best way to label each draw, and the sum of log-densities it reaches."""
    labels = np.full(log_density.shape[:2], -1, dtype=np.int64)
    total = 0.0
    for count, ways in choices.items():
        draws = np.flatnonzero(number == count)
        if draws.size:
            gain = sum(log_density[draws, slot][:, ways[:, slot]] for slot in range(count))
            best = np.argmax(gain, axis=1)
            labels[draws, :count] = ways[best]
            total += float(np.max(gain, axis=1).sum())
    return labels, total
