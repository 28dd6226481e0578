"""Width of the kernel by leaving out one survey line at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from detection.pacing import in_order
from mapping.interpolate import blended, confidence_of, weight_beside_line
from mapping.kernel_sums import kernel_precision
from mapping.scores import Scores, scores_of, variance_floor
from mapping.survey_lines import kernel_width, line_spacing, survey_lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mapping.concentration import Readings

    FloatArray = NDArray[np.float64]
    IndexArray = NDArray[np.int64]

__all__ = ["best_width", "width_scores"]

SPACINGS = (0.35, 0.45, 0.6, 0.8, 1.0)
WORTH_CHANGING = 0.02  # nats a reading: where the air is clean every width foretells alike
NARROWEST_M, WIDEST_M = 2.0, 50.0
MOST_RUNS = 2_000
REACH = 4.5


def best_width(readings: Readings, *, stretch_s: float = 1.0) -> tuple[float, Scores | None]:
    """Kernel width that foretells left-out survey lines best, and how well it does.

    Parameters
    ----------
    readings : Readings
    stretch_s : float
        As in `kernel_dmvw`.

    Returns
    -------
    width_m : float
        Of 0.35 to 1 line spacings, within 2..50 m, by negative log predictive density, as
        Asadi et al. (2011, Statistical gas distribution modelling using kernel methods) learn
        it. The `kernel_width` of the track where no other is better by 0.02, and where there
        are no lines or all readings are the same.
    scores : Scores or None
        None where nothing could be left out.
    """
    spacing = line_spacing(readings.east, readings.north)
    usual = kernel_width(readings.east, readings.north, spacing_m=spacing)
    lines = survey_lines(readings.east, readings.north, spacing_m=spacing)
    if not lines.any() or np.ptp(readings.value) == 0:
        return usual, None
    widths = np.array([usual])
    if math.isfinite(spacing):
        widths = np.unique(np.clip(spacing * np.array(SPACINGS), NARROWEST_M, WIDEST_M))
    scores = width_scores(readings, lines, widths, stretch_s=stretch_s)
    nlpd = np.array([one.nlpd for one in scores])
    best, as_ever = int(np.argmin(nlpd)), int(np.argmin(np.abs(widths - usual)))
    if nlpd[as_ever] - nlpd[best] < WORTH_CHANGING:
        best = as_ever
    return float(widths[best]), scores[best]


def width_scores(
    readings: Readings, lines: IndexArray, widths_m: FloatArray, *, stretch_s: float = 1.0
) -> list[Scores]:
    """Scores of Kernel DM+V/W on lines it has not seen, for each width.

    Parameters
    ----------
    readings : Readings
    lines : ndarray of int, shape (n,)
        Survey line of each, from `survey_lines`; at least two.
    widths_m : ndarray, shape (k,)
    stretch_s : float
        As in `kernel_dmvw`.

    Returns
    -------
    list of Scores
        k of them.

    Notes
    -----
    Neighbouring readings of a line count together, with their mean and spread, so that there are
    some 2,000 runs at most. Weights are summed once for each line, so that leaving one out is a
    subtraction.
    """
    run = _runs(lines)
    count = np.bincount(run)
    east, north, value, wind_east, wind_north = (
        np.bincount(run, weights=column) / count
        for column in (
            readings.east,
            readings.north,
            readings.value,
            readings.eastward_wind,
            readings.northward_wind,
        )
    )
    spread = np.bincount(run, weights=(readings.value - value[run]) ** 2) / count
    of_line = lines[np.searchsorted(run, np.arange(count.size))]
    data = np.stack([east, north, value, spread, count.astype(np.float64)])
    floor = variance_floor(readings.value)

    def of_width(width_m: float) -> Scores:
        wind = wind_east, wind_north
        precision = kernel_precision(count.size, width_m, wind=wind, stretch_s=stretch_s)
        sure = weight_beside_line(readings.east, readings.north, width_m)
        mean, variance = _left_out(data, precision, of_line, sure)
        return scores_of(readings.value, mean[run], np.maximum(variance[run], floor))

    return in_order(of_width, widths_m.tolist())


def _runs(lines: IndexArray) -> IndexArray:
    """Number of the run of neighbours on a line that each reading is in, from 0."""
    length = -(-lines.size // MOST_RUNS)
    new_line = np.diff(lines, prepend=lines[0]) != 0
    start = np.maximum.accumulate(np.where(new_line, np.arange(lines.size), 0))
    return np.asarray(np.cumsum(new_line | ((np.arange(lines.size) - start) % length == 0)) - 1)


def _left_out(
    data: FloatArray, precision: FloatArray, of_line: IndexArray, sure_weight: float
) -> tuple[FloatArray, FloatArray]:
    """Mean and variance at each run of the map without its line."""
    _, _, value, spread, count = data
    lines = int(of_line.max()) + 1
    weight, weighted = _sums_by_line(data, precision, of_line, lines)
    weight = np.maximum(weight.sum(axis=1, keepdims=True) - weight, 0.0)
    weighted = weighted.sum(axis=1, keepdims=True) - weighted
    per_line = np.bincount(of_line, weights=count, minlength=lines)
    total = np.bincount(of_line, weights=count * value, minlength=lines)
    overall = (total.sum() - total) / (per_line.sum() - per_line)
    alpha = confidence_of(weight, sure_weight)
    ratio = np.divide(weighted, weight, out=np.zeros_like(weight), where=weight > 1e-9)
    means = alpha * ratio + (1.0 - alpha) * overall
    residual = (value[:, np.newaxis] - means) ** 2 + spread[:, np.newaxis]
    residual[np.arange(value.size), of_line] = 0.0
    usual = count @ residual / (per_line.sum() - per_line)
    squares = _residual_sums(data, precision, of_line, residual)
    own = np.arange(value.size), of_line
    return means[own], blended(alpha[own], weight[own], squares, 0.0) + (
        (1.0 - alpha[own]) * usual[of_line]
    )


@njit(cache=True, nogil=True)
def _sums_by_line(
    data: FloatArray, precision: FloatArray, of_line: IndexArray, lines: int
) -> tuple[FloatArray, FloatArray]:
    """Weight and weighted reading that each line brings to each run, shape (n, lines)."""
    size = of_line.size
    weight, weighted = np.zeros((size, lines)), np.zeros((size, lines))
    for j in range(size):
        a, b, c = precision[j]
        for i in range(size):
            dx, dy = data[0, i] - data[0, j], data[1, i] - data[1, j]
            away = a * dx * dx + 2.0 * b * dx * dy + c * dy * dy
            if away < REACH * REACH:
                share = data[4, j] * math.exp(-0.5 * away)
                weight[i, of_line[j]] += share
                weighted[i, of_line[j]] += share * data[2, j]
    return weight, weighted


@njit(cache=True, nogil=True)
def _residual_sums(
    data: FloatArray, precision: FloatArray, of_line: IndexArray, residual: FloatArray
) -> FloatArray:
    """Weighted squares of residuals that other lines bring to each run, shape (n,)."""
    size = of_line.size
    sums = np.zeros(size)
    for j in range(size):
        a, b, c = precision[j]
        for i in range(size):
            if of_line[i] == of_line[j]:
                continue
            dx, dy = data[0, i] - data[0, j], data[1, i] - data[1, j]
            away = a * dx * dx + 2.0 * b * dx * dy + c * dy * dy
            if away < REACH * REACH:
                share = data[4, j] * math.exp(-0.5 * away)
                sums[i] += share * residual[j, of_line[i]]
    return sums
