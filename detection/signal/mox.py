"""Metal-oxide elements: from falling resistance to what all of them agree the gas was.

An element in gas reads ``log(R0 / R) = exponent * log(1 + C / threshold)``, and its first-order
lag acts on that logarithm: gas first meets a static, saturating law, then a slow film (Martinez
et al. 2019, doi:10.3390/s19184029; time constants of Monroy et al. 2012, doi:10.3390/s121013664).
The source inference lags the gas itself, which is the same while gas is far below the threshold,
and beyond it too quick a fall after a plume: on simulated flights that cost nothing that twelve of
them could show. Gas is counted here in `NOMINAL` units, of which neither law nor flight of an
element alone tells the size: an array agrees on the shape of what it met, a calibrated channel
beside it on the scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detection.signal.baseline import MOX_EXPONENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = [
    "FEWEST_BRIGHT",
    "NOMINAL",
    "Agreed",
    "Laws",
    "agreed",
    "fitted_laws",
    "log_excess",
    "usual_laws",
]

NOMINAL = 5e-7  # mole fraction at which a usual element's resistance has fallen by 30 %
EXPONENT = abs(MOX_EXPONENT)
EXPONENT_LOG_SD = 0.2  # makers' sheets: 0.35 ... 0.7
THRESHOLD_LOG_SD = 0.8  # from element to element of an array
DISAGREEMENT = 0.15  # of elements that met the same gas with unlike lags, as a share
BRIGHT = 4.0  # noises above which readings tell the laws
CORRELATED_S = 5.0  # readings closer than this count as one
FEWEST_BRIGHT = 10
ROUNDS = 12
LARGEST_LOG = 8.0  # of a resistance ratio; beyond, the wire is broken


class Laws(NamedTuple):
    """Static laws of k elements, shape (k,): exponents [1], thresholds in `NOMINAL` units."""

    exponent: FloatArray
    threshold: FloatArray

    def gas(self, log_excess: FloatArray) -> FloatArray:
        """Gas that elements settled at some log excess would be in, shape (k, n) both.

        Examples
        --------
        >>> laws = Laws(np.array([0.5]), np.array([2.0]))
        >>> laws.gas(np.log([[1.0, 2.0]])).round(3)  # 2 ((R0 / R)^2 - 1)
        array([[0., 6.]])
        """
        power = np.clip(log_excess / self.exponent[:, None], -LARGEST_LOG, LARGEST_LOG)
        return np.asarray(self.threshold[:, None] * np.expm1(power))

    def log_excess(self, gas: FloatArray) -> FloatArray:
        """Log excess of elements settled in gas >= 0 of shape (n,), shape (k, n)."""
        ratio = np.maximum(gas, 0.0) / self.threshold[:, None]
        return np.asarray(self.exponent[:, None] * np.log1p(ratio))

    def slope(self, gas: FloatArray) -> FloatArray:
        """Gas per log excess about gas of shape (n,), shape (k, n)."""
        return np.asarray((self.threshold[:, None] + np.maximum(gas, 0.0)) / self.exponent[:, None])


class Agreed(NamedTuple):
    """What an array agrees on: gas in `NOMINAL` units, its standard deviation, both (n,).

    `share` of shape (k,) is how much of it each element says.
    """

    gas: FloatArray
    sigma: FloatArray
    share: FloatArray


def log_excess(relative: FloatArray, sigma: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Logarithm of clean-air over present resistance, and its standard deviation.

    Parameters
    ----------
    relative, sigma : ndarray, any shape
        Corrected reading of a channel in ohm, relative to clean air, and its noise [1].

    Returns
    -------
    log_excess, sigma : ndarray
        [1]; the inverse of what `detection.signal.baseline.correct` does on a log scale.

    Examples
    --------
    >>> value, sd = log_excess(np.array([3.0]), np.array([0.4]))
    >>> float(value[0] / np.log(2.0)), float(sd[0])  # sqrt(1 + 3) = 2; 0.4 * 0.5 / (1 + 3)
    (1.0, 0.05)
    """
    ratio = np.maximum(1.0 + relative, np.exp(-LARGEST_LOG))
    return np.asarray(EXPONENT * np.log(ratio)), np.asarray(EXPONENT * sigma / ratio)


def usual_laws(count: int) -> Laws:
    """What is believed of `count` elements before they met gas."""
    return Laws(np.full(count, EXPONENT), np.full(count, 1.0))


def agreed(log_excess: FloatArray, sigma: FloatArray, laws: Laws) -> Agreed:
    """Gas that the elements of an array agree on.

    Parameters
    ----------
    log_excess : ndarray, shape (k, n)
        Of k elements at the same times; NaN where one has no reading, not all at once.
    sigma : ndarray, shape (k,)
        Standard deviation of `log_excess` [1].
    laws : Laws

    Returns
    -------
    Agreed

    Notes
    -----
    Mean weighted by the noise each element's law makes of its own, plus `DISAGREEMENT` of the
    gas itself. The weights follow from the mean of the round before, never from an element's
    own reading: noise would then weigh itself.
    """
    known = np.isfinite(log_excess)
    each = laws.gas(np.where(known, log_excess, 0.0))
    mean = np.zeros(each.shape[1])
    for _ in range(3):
        noise = (laws.slope(mean) * sigma[:, None]) ** 2
        weight = known / (noise + (DISAGREEMENT * np.maximum(mean, 0.0)) ** 2)
        total = weight.sum(axis=0)
        mean = (weight * each).sum(axis=0) / total
    weight /= total
    return Agreed(mean, np.sqrt((weight**2 * noise).sum(axis=0)), np.asarray(weight.mean(axis=1)))


def fitted_laws(
    log_excess: FloatArray,
    sigma: FloatArray,
    *,
    step_s: float = 1.0,
    reference: FloatArray | None = None,
    reference_sigma: float = 0.0,
) -> Laws:
    """Laws under which the elements of an array agree on the gas they met.

    Parameters
    ----------
    log_excess : ndarray, shape (k, n)
        Of k elements at the same times; NaN where unknown.
    sigma : ndarray, shape (k,)
        Standard deviation of `log_excess` [1].
    step_s : float
        Time between readings [s].
    reference : ndarray, shape (n,), optional
        Gas that a calibrated channel read, in `NOMINAL` units; NaN where unknown.
    reference_sigma : float
        Its standard deviation.

    Returns
    -------
    Laws
        `usual_laws` where the readings never stand out.

    Notes
    -----
    Each element in turn is fitted to what the others agree on (Gauss-Newton in the logarithms
    of both parameters, log-normal priors), so that the noise of an element is not taken for
    gas it answers to. One element alone, without a reference, keeps the usual law.
    """
    count = log_excess.shape[0]
    laws = usual_laws(count)
    if count < 2 and reference is None:
        return laws
    independent = min(1.0, step_s / CORRELATED_S)
    for _ in range(ROUNDS):
        exponent, threshold = laws.exponent.copy(), laws.threshold.copy()
        for one in range(count):
            others = np.arange(count) != one
            gas, noise = _met_by(log_excess, sigma, laws, others, reference, reference_sigma)
            bright = np.isfinite(log_excess[one]) & (gas > BRIGHT * noise)
            if bright.sum() >= FEWEST_BRIGHT:
                exponent[one], threshold[one] = _step(
                    (exponent[one], threshold[one]),
                    log_excess[one][bright],
                    float(sigma[one]),
                    gas[bright],
                    noise[bright],
                    independent,
                )
        laws = Laws(exponent, threshold)
    return laws


def _met_by(
    log_excess: FloatArray,
    sigma: FloatArray,
    laws: Laws,
    which: NDArray[np.bool_],
    reference: FloatArray | None,
    reference_sigma: float,
) -> tuple[FloatArray, FloatArray]:
    """Gas by some elements and the reference, and its noise; a reference outweighs them."""
    if reference is not None and reference_sigma > 0.0:
        return reference, np.full(reference.size, reference_sigma)
    some = log_excess[which]
    blank = ~np.isfinite(some).any(axis=0)
    met = agreed(
        np.where(blank, 0.0, some), sigma[which], Laws(*(column[which] for column in laws))
    )
    return np.where(blank, np.nan, met.gas), met.sigma


def _step(
    law: tuple[float, float],
    log_excess: FloatArray,
    sigma: float,
    gas: FloatArray,
    noise: FloatArray,
    independent: float,
) -> tuple[float, float]:
    """A law after one step towards the readings that stand out."""
    exponent, threshold = law
    usual = np.log([EXPONENT, 1.0])
    prior = np.array([EXPONENT_LOG_SD, THRESHOLD_LOG_SD]) ** -2
    now = np.log([exponent, threshold])
    predicted = exponent * np.log1p(gas / threshold)
    slope = exponent / (threshold + gas)
    by_law = np.stack([predicted, -slope * gas])  # derivatives by the logarithms
    spread = sigma**2 + (slope * noise) ** 2 + (2.0 * DISAGREEMENT * predicted) ** 2
    weight = independent / spread
    miss = log_excess - predicted
    weight /= 1.0 + miss**2 / (3.0 * spread)  # as Student's t: lags differ
    curvature = (by_law * weight) @ by_law.T + np.diag(prior)
    uphill = by_law @ (weight * miss) - prior * (now - usual)
    step = np.clip(np.linalg.solve(curvature, uphill), -0.5, 0.5)
    bound = 4.0 * np.array([EXPONENT_LOG_SD, THRESHOLD_LOG_SD])
    after = np.exp(np.clip(now + 0.7 * step, usual - bound, usual + bound))
    return float(after[0]), float(after[1])
