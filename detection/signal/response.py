"""How fast a channel answers, rising and falling, found from the flight itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detection.signal.air import level_and_slope, with_slope_noise
from detection.signal.deconvolution import RESPONSE, RESPONSE_LOG_SD
from detection.signal.survey_lines import survey_lines

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from detection.signal.recovery import Decay
    from detection.signal.survey_lines import SurveyLines

    FloatArray = NDArray[np.float64]

__all__ = ["Response", "estimate_response", "family_response"]

TIMES_S = np.geomspace(0.3, 45.0, 19)  # tried for rise and for decay
RATIO_LOG_SD = 0.35  # of decay over rise within a family: Monroy et al. (2012) have 1.8 to 5.3
TAIL_FREEDOM = 4.0  # of the Student t about the family's times: some channels are mislabelled
FEWEST_READINGS = 10
FEWEST_LINES = 5  # with gas on them, that a displacement can be told from
SEEN = 8.0  # noises of an exposure from which a line has met gas
FLANK_S = 2.0  # that flying out of a plume takes, which a measured decay of a fast sensor holds
PARABOLA = 8  # lines
LEAST_LIKELY = 25.0  # minus log prior, above its least, that is not looked at
BIN_S = 0.5  # readings are averaged over
LEAST_SPREAD_M = 3.0  # of a plume's place about its mean path: positions and cells are no better


class Response(NamedTuple):
    """Time constants [s]; log standard deviation of both together; survey lines that told."""

    rise_s: float
    decay_s: float
    log_sd: float
    lines: int


def family_response(family: str) -> Response:
    """What is believed of a sensor family before looking."""
    return Response(*RESPONSE[family], RESPONSE_LOG_SD[family], 0)


def estimate_response(
    time_s: ArrayLike,
    east: ArrayLike,
    north: ArrayLike,
    signal: ArrayLike,
    *,
    noise: float,
    prior: Response,
    decay: Decay | None = None,
) -> Response:
    """The rise and decay at which neighbouring lines flown opposite ways agree.

    Parameters
    ----------
    time_s : array_like, shape (n,)
        [s].
    east, north : array_like, shape (n,)
        Metric positions [m].
    signal : array_like, shape (n,)
        Baseline removed, linear in what the sensor answers to exponentially (minus the
        logarithm of a resistance); NaN where unknown.
    noise : float
        1-sigma noise of `signal`, in its unit.
    prior : Response
        Of the sensor family.
    decay : Decay, optional
        Measured behind plumes (`recovery.measured_decay`).

    Returns
    -------
    Response
        The prior, narrowed by `decay` alone, where there are no opposite lines.

    Notes
    -----
    A lag displaces what is met onward on one line and backward on the next, while a plume's path
    across the lines is steady. For each pair of time constants tried, the response is undone on
    the smoothed signal (signal + constant * slope) and the centroid of what was met is taken on
    each line. With S the sum of squares of the m centroids about a straight path (about a
    parabola, from eight lines on) that knows nothing of the way flown, the likelihood is
    S^(-f/2), f the degrees of freedom left: normal scatter of unknown size.
    """
    columns = (np.asarray(values, np.float64) for values in (time_s, east, north, signal))
    time, east_m, north_m, values = columns
    known = np.isfinite(time) & np.isfinite(east_m) & np.isfinite(north_m) & np.isfinite(values)
    improbability = _improbability(prior, decay)
    if known.sum() < FEWEST_READINGS:
        return _narrowed(prior, decay, improbability)
    time, east_m, north_m, values, count = _means(
        *(column[known] for column in (time, east_m, north_m, values))
    )
    noise = noise / np.sqrt(float(np.median(count)))
    lines = survey_lines(time, east_m, north_m)
    if np.unique(lines.way).size < 2:
        return _narrowed(prior, decay, improbability)
    level, slope = level_and_slope(time, values)
    lags = 0.5 * (TIMES_S[:, np.newaxis] + TIMES_S[np.newaxis, :])
    floors = SEEN * noise * with_slope_noise(time, lags)
    scatter = np.full(improbability.shape, np.nan)
    told = np.zeros(improbability.shape, np.int64)
    paths: dict[bytes, FloatArray | None] = {}
    for row, rise_s in enumerate(TIMES_S):
        for column, decay_s in enumerate(TIMES_S):
            if improbability[row, column] > improbability.min() + LEAST_LIKELY:
                continue
            exposed = level + np.where(slope > 0.0, rise_s, decay_s) * slope
            found = _scatter(lines, np.maximum(exposed - floors[row, column], 0.0), paths)
            scatter[row, column], told[row, column] = found
    usual = int(np.median(told[np.isfinite(scatter)])) if np.isfinite(scatter).any() else 0
    if usual < FEWEST_LINES:
        return _narrowed(prior, decay, improbability)
    # where too few lines are left to tell, no time constants are preferred
    worst = np.nanmax(scatter)
    freedom = usual - (3 if usual >= PARABOLA else 2)
    surprise = 0.5 * freedom * np.log(np.where(np.isfinite(scatter), scatter, worst))
    return _summary(improbability + surprise, usual)


def _means(time: FloatArray, *columns: FloatArray) -> list[FloatArray]:
    """Means over half a second of time and columns, in order; and how many readings they hold."""
    order = np.argsort(time, kind="stable")
    first = np.flatnonzero(np.diff(np.floor(time[order] / BIN_S), prepend=-np.inf))
    count = np.diff(first, append=time.size).astype(np.float64)
    means = [np.add.reduceat(column[order], first) / count for column in (time, *columns)]
    return [*means, count]


def _scatter(
    lines: SurveyLines, met: FloatArray, paths: dict[bytes, FloatArray | None]
) -> tuple[float, int]:
    """Mean square of the plume's places about a path blind to the way flown [m2]; how many.

    `paths` keeps what takes a path off the lines that were seen, which are often the same.
    """
    on = lines.number >= 0
    number, weight = lines.number[on], np.sqrt(met[on])
    total = np.bincount(number, weights=weight, minlength=lines.way.size)
    place = np.bincount(number, weights=weight * lines.along[on], minlength=lines.way.size)
    seen = total > 0.0
    count = int(seen.sum())
    key = seen.tobytes()
    if key not in paths:
        paths[key] = _path(lines, seen)
    path = paths[key]
    if path is None:
        return np.nan, count
    centre = place[seen] / total[seen]
    off = centre - path @ (centre @ path)
    return float(off @ off) / (count - path.shape[1]) + LEAST_SPREAD_M**2, count


def _path(lines: SurveyLines, seen: NDArray[np.bool_]) -> FloatArray | None:
    """Orthonormal columns that straight (or bent) paths across some lines are made of.

    None where the lines are too few or all were flown one way; zeros for a column too many, as
    where all lie one above the other.
    """
    count = int(seen.sum())
    if count < FEWEST_LINES or np.unique(lines.way[seen]).size < 2:
        return None
    across = lines.across[seen]
    across = across - across.mean()
    across /= max(float(np.abs(across).max()), 1e-9)
    powers = np.polynomial.polynomial.polyvander(across, 2 if count >= PARABOLA else 1)
    columns, size, _ = np.linalg.svd(powers, full_matrices=False)
    return np.asarray(columns * (size > count * np.finfo(np.float64).eps * size[0]))


def _improbability(prior: Response, decay: Decay | None) -> FloatArray:
    """Minus the log prior of each rise (rows) and decay (columns), less a constant."""
    rise, fall = np.log(TIMES_S)[:, np.newaxis], np.log(TIMES_S)[np.newaxis, :]
    middle = 0.5 * (np.log(prior.rise_s) + np.log(prior.decay_s))
    off = (0.5 * (rise + fall) - middle) / prior.log_sd
    ratio = (fall - rise - np.log(prior.decay_s / prior.rise_s)) / RATIO_LOG_SD
    total = 0.5 * (TAIL_FREEDOM + 1.0) * np.log1p(off**2 / TAIL_FREEDOM) + 0.5 * ratio**2
    if decay is not None and decay.timings:
        off = fall - np.log(decay.decay_s)
        shorter = decay.log_sd + FLANK_S / decay.decay_s
        total = total + 0.5 * (off / np.where(off < 0.0, shorter, decay.log_sd)) ** 2
    return np.asarray(total)


def _narrowed(prior: Response, decay: Decay | None, improbability: FloatArray) -> Response:
    """What is left where no lines tell: the prior, with the decay where that was measured."""
    return _summary(improbability, 0) if decay is not None and decay.timings else prior


def _summary(improbability: FloatArray, lines: int) -> Response:
    weight = np.exp(improbability.min() - improbability)
    weight /= weight.sum()
    rise, fall = np.log(TIMES_S)[:, np.newaxis], np.log(TIMES_S)[np.newaxis, :]
    middle = 0.5 * (rise + fall)
    mean = float((weight * middle).sum())
    grid = float(np.log(TIMES_S[1] / TIMES_S[0]))
    spread = float(np.sqrt((weight * (middle - mean) ** 2).sum() + grid**2 / 12.0))
    return Response(
        float(np.exp((weight * rise).sum())), float(np.exp((weight * fall).sum())), spread, lines
    )
