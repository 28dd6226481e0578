"""How unevenly gas meets a sensor that passes: patches of strong gas, and air without any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaincinv, ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["Patchiness"]

_TABLE = np.linspace(-5.0, 5.0, 401)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patchiness:
    """Random factors of unit mean that make single passes out of a mean plume.

    Attributes
    ----------
    shape : float
        Of the gamma distribution of one second's gas over the mean plume's; the variance is
        its inverse. Small values mean mostly clean air and rare strong patches.
    lasting_s : float
        Correlation time of the patches along a flight, the sensor's response included [s].
    pass_log_sd : float
        Standard deviation of the logarithm of a slower factor: the whole plume stronger,
        weaker or off its place for a pass or two.
    pass_s : float
        Correlation time of that factor [s].

    Notes
    -----
    Concentration in a meandering plume is close to gamma distributed, with a shape below one
    near the source: Yee & Chan (1997), doi:10.1016/S1352-2310(96)00135-9.
    """

    shape: float = 1.0
    lasting_s: float = 3.0
    pass_log_sd: float = 0.5
    pass_s: float = 40.0

    def factors(self, time_s: FloatArray, count: int, *, rng: np.random.Generator) -> FloatArray:
        """Factors along a flight.

        Parameters
        ----------
        time_s : ndarray, shape (n,)
            Ascending [s].
        count : int
            Independent flights.
        rng : numpy.random.Generator

        Returns
        -------
        ndarray, shape (count, n)
            0 or more, mean 1.
        """
        quantiles = gammaincinv(self.shape, ndtr(_TABLE)) / self.shape
        patches = np.interp(_wandering(time_s, self.lasting_s, count, rng), _TABLE, quantiles)
        slow = self.pass_log_sd * _wandering(time_s, self.pass_s, count, rng)
        return np.asarray(patches * np.exp(slow - 0.5 * self.pass_log_sd**2))


def _wandering(
    time_s: FloatArray, lasting_s: float, count: int, rng: np.random.Generator
) -> FloatArray:
    """Ornstein-Uhlenbeck processes of unit variance, shape (count, n)."""
    keep = np.exp(-np.diff(time_s, prepend=time_s[:1] - 1e6) / lasting_s)
    fresh = np.sqrt(1.0 - keep**2) * rng.standard_normal((count, time_s.size))
    out = np.empty_like(fresh)
    state = np.zeros(count)
    for k in range(time_s.size):
        state = keep[k] * state + fresh[:, k]
        out[:, k] = state
    return out
