"""How well sources explain the readings: a robust likelihood; what counts of it: `noise.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from detection.source.likelihood_kernels import sum_expected, sum_log_ratios

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = [
    "attainable_log_ratio",
    "expected_log_ratio",
    "log_ratio",
    "log_ratio_over_gains",
    "total_log_ratio",
]

WIDEST_GAIN = 2.0  # standard deviations of a gain that are looked at


def log_ratio(
    kernel: NDArray[np.float32],
    excess: FloatArray,
    additive: FloatArray,
    rates: FloatArray,
    *,
    relative: float,
    others: FloatArray | None = None,
) -> FloatArray:
    """Log-likelihood of a further source, minus that of no further source.

    Parameters
    ----------
    kernel : ndarray of float32, shape (n, m)
        Reading i of a unit source at cell j [s m-3].
    excess : ndarray, shape (n,)
        Measured concentration above background [kg m-3].
    additive : ndarray, shape (n,)
        Additive standard deviation [kg m-3], > 0.
    rates : ndarray, shape (r,)
        Candidate rates, ascending [kg s-1].
    relative : float
        Model error as a share of the prediction.
    others : ndarray, shape (n,), optional
        Concentration predicted from sources already known [kg m-3].

    Returns
    -------
    ndarray, shape (m, r)
        Not tempered, within some 1e-4: summed in single precision, in which a reading that stands
        out by more than 3e4 deviations counts as if by that.
    """
    known = np.zeros_like(excess) if others is None else others
    out = np.empty((kernel.shape[1], rates.size))
    sum_log_ratios(kernel, excess, additive**2, rates, relative**2, known, out)
    return out


def log_ratio_over_gains(
    kernel: NDArray[np.float32],
    excess: FloatArray,
    additive: FloatArray,
    rates: FloatArray,
    *,
    relative: float,
    gain_log_sd: float,
) -> NDArray[np.float32]:
    """`log_ratio` averaged over the sensor's gain.

    Parameters
    ----------
    kernel, excess, additive, relative
        As in `log_ratio`.
    rates : ndarray, shape (r,)
        Candidate rates, ascending, evenly spaced in the logarithm: a gain moves the table along
        them [kg s-1].
    gain_log_sd : float
        Spread of the logarithm of the gain.

    Returns
    -------
    ndarray of float32, shape (m, r)
    """
    step = float(np.log(rates[1] / rates[0])) if rates.size > 1 else 1.0
    reach = int(np.ceil(WIDEST_GAIN * gain_log_sd / step)) if gain_log_sd > 0.25 * step else 0
    shifts = np.arange(-reach, reach + 1)
    wider = rates[0] * np.exp(step * np.arange(-reach, rates.size + reach))
    ratio = log_ratio(kernel, excess, additive, wider, relative=relative).astype(np.float32)
    if not reach:
        return ratio
    weights = -0.5 * (shifts * step / gain_log_sd) ** 2
    weights -= logsumexp(weights)
    total = np.full((ratio.shape[0], rates.size), -np.inf, dtype=np.float32)
    for shift, weight in zip(shifts, weights, strict=True):
        moved = ratio[:, reach + shift : reach + shift + rates.size]
        np.logaddexp(total, moved + np.float32(weight), out=total)
    return total


def total_log_ratio(
    prediction: FloatArray, excess: FloatArray, additive: FloatArray, *, relative: float
) -> float:
    """Log-likelihood of a whole prediction minus that of clean air.

    Parameters
    ----------
    prediction, excess, additive : ndarray, shape (n,)
        Predicted and measured concentration, additive standard deviation [kg m-3].
    relative : float
        Model error as a share of the prediction.

    Returns
    -------
    float
        Not tempered.
    """
    clean = additive**2
    spread = clean + (relative * prediction) ** 2
    tails = np.log1p(excess**2 / (3 * clean)) - np.log1p((excess - prediction) ** 2 / (3 * spread))
    return float(np.sum(2.0 * tails - 0.5 * np.log(spread / clean)))


def expected_log_ratio(
    kernel: NDArray[np.float32], rate: float, additive: FloatArray, *, relative: float
) -> FloatArray:
    """Log-likelihood ratio a source at each cell reaches if all readings are as predicted.

    Parameters
    ----------
    kernel : ndarray of float32, shape (n, m)
        Reading i of a unit source at cell j [s m-3].
    rate : float
        [kg s-1].
    additive : ndarray, shape (n,)
        Additive standard deviation [kg m-3], > 0.
    relative : float
        Model error as a share of the prediction.

    Returns
    -------
    ndarray, shape (m,)
        Not tempered, never negative.
    """
    out = np.zeros(kernel.shape[1])
    sum_expected(np.ascontiguousarray(kernel.T), rate, additive**2, relative**2, out)
    return np.maximum(out, 0.0)


def attainable_log_ratio(
    excess: FloatArray, additive: FloatArray, *, relative: float
) -> tuple[float, int]:
    """Log-likelihood ratio of predicting every reading that stands out exactly.

    Parameters
    ----------
    excess, additive : ndarray, shape (n,)
        Measured concentration and additive standard deviation [kg m-3].
    relative : float
        Model error as a share of the prediction.

    Returns
    -------
    log_ratio : float
        Over readings above three standard deviations; 0 where none is.
    readings : int
        How many those are.
    """
    strength = (excess / additive)[excess > 3.0 * additive] ** 2
    gained = 2.0 * np.log1p(strength / 3.0) - 0.5 * np.log1p(relative**2 * strength)
    return float(gained.sum()), int(strength.size)
