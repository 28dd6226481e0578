"""How well sources explain the readings: a robust likelihood; what counts of it: `noise.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detection.source.likelihood_kernels import sum_expected, sum_log_ratios

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = [
    "attainable_log_ratio",
    "expected_log_ratio",
    "log_ratio",
    "total_log_ratio",
]


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
        Not tempered.
    """
    known = np.zeros_like(excess) if others is None else others
    out = np.empty((kernel.shape[1], rates.size))
    sum_log_ratios(
        np.ascontiguousarray(kernel.T), excess, additive**2, rates, relative**2, known, out
    )
    return out


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
