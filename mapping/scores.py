"""How well a map foretells readings it has not seen."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mapping.concentration import Interpolator, Readings

    FloatArray = NDArray[np.float64]
    IndexArray = NDArray[np.int64]

__all__ = ["Scores", "cross_validate", "scores_of", "variance_floor"]

MOST_TARGETS = 1_500
NINETY = 1.6448536269514722  # standard deviations either side of the mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Of predictions, each a mean and a variance, against readings.

    Attributes
    ----------
    rmse, bias : float
        Root of the mean squared error, and predicted minus read, in the readings' unit.
    skill : float
        1 minus the squared error over that of the mean of all readings; 0 is no better than it.
    nlpd : float
        Negative logarithm of the predictive density, of normal predictions, mean over readings;
        lower is better.
    within_90 : float
        Share of readings in the central 90 % of their prediction.
    """

    rmse: float
    bias: float
    skill: float
    nlpd: float
    within_90: float

    def told(self) -> dict[str, str | float]:
        """By name, as attributes of a map."""
        return {f"cv_{name}": value for name, value in asdict(self).items()}


def scores_of(value: FloatArray, mean: FloatArray, variance: FloatArray) -> Scores:
    """Scores of predictions of readings.

    Parameters
    ----------
    value, mean, variance : ndarray, shape (n,)
        Readings, and what was predicted of them; variances > 0, n > 0.

    Returns
    -------
    Scores

    Examples
    --------
    >>> one = scores_of(np.array([0.0, 2.0]), np.array([1.0, 1.0]), np.array([1.0, 1.0]))
    >>> one.rmse, one.bias, one.skill, round(one.nlpd, 3)  # (log(2 pi) + 1) / 2
    (1.0, 0.0, 0.0, 1.419)
    """
    error = mean - value
    square = float(np.mean(error**2))
    spread = float(np.var(value))
    return Scores(
        rmse=math.sqrt(square),
        bias=float(error.mean()),
        skill=1.0 - square / spread if spread > 0 else math.nan,
        nlpd=float(np.mean(0.5 * np.log(2.0 * math.pi * variance) + 0.5 * error**2 / variance)),
        within_90=float(np.mean(np.abs(error) <= NINETY * np.sqrt(variance))),
    )


def variance_floor(value: FloatArray) -> float:
    """Least variance a prediction may claim: that of neighbouring readings, robustly.

    Where all readings near are alike, a map would else be certain of the next.
    """
    if value.size < 2 or np.ptp(value) == 0:
        return 1e-12
    step = 0.5 * float(np.median(np.abs(np.diff(value))) / 0.6745) ** 2
    return max(step, 1e-4 * float(np.var(value)))


def cross_validate(fitted: Interpolator, readings: Readings, lines: IndexArray) -> Scores | None:
    """Scores of a method on survey lines that it has not seen, its settings kept.

    Parameters
    ----------
    fitted : Interpolator
    readings : Readings
        What it was fitted to.
    lines : ndarray of int, shape (n,)
        Survey line of each, from `survey_lines`.

    Returns
    -------
    Scores or None
        Of up to 1,500 readings, evenly from all lines; None if there is only one line.
    """
    if not lines.any():
        return None
    every = max(1, -(-len(readings) // MOST_TARGETS))
    is_target = np.arange(len(readings)) % every == every // 2
    mean, variance = np.full((2, len(readings)), np.nan)
    for line in np.unique(lines):
        left_out = lines == line
        here = left_out & is_target
        if here.any() and not left_out.all():
            without = fitted.refitted(readings[~left_out])
            mean[here], variance[here] = without.at(readings.east[here], readings.north[here])
    done = np.isfinite(mean)
    floor = variance_floor(readings.value)
    return scores_of(readings.value[done], mean[done], np.maximum(variance[done], floor))
