"""How much of a log-likelihood ratio counts: neighbouring readings share their eddies."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["Tempering", "tempered"]


@dataclass(frozen=True, slots=True)
class Tempering:
    """How much of a log-likelihood ratio counts.

    What explains far less than the best is not the source, and is judged by the likelihood as
    it is; among what explains the readings about as well, small differences are the model's
    errors. What noise alone may reach is worth no more than those.

    Attributes
    ----------
    slope : float
        Share that counts up to `chance`.
    beyond : float
        Share that counts beyond `knee`.
    knee : float
        Log-likelihood ratio.
    sure : float
        Share that counts between `chance` and `knee`.
    chance : float
        Log-likelihood ratio; if it is not below `knee`, `slope` counts up to that.
    gas, anywhere : float
        Counts beside all that from a ratio of `unit` on, and up to 0: gas was met for certain.
    unit : float
        Log-likelihood ratio.
    """

    slope: float
    beyond: float
    knee: float
    sure: float = 1.0
    chance: float = np.inf
    gas: float = 0.0
    anywhere: float = 0.0
    unit: float = 1.0

    def of(self, ratio: ArrayLike) -> FloatArray:
        """What counts of log-likelihood ratios, any shape.

        Examples
        --------
        >>> Tempering(slope=0.5, beyond=0.1, knee=10.0).of([-2.0, 10.0, 20.0])
        array([-1.,  5.,  6.])
        >>> Tempering(slope=0.5, beyond=0.1, knee=10.0, sure=1.0, chance=6.0).of([6.0, 10.0, 20.0])
        array([3., 7., 8.])
        """
        values = np.asarray(ratio, dtype=np.float64)
        counted: FloatArray = tempered(values, *astuple(self))
        return counted

    def thinned(self, every: int) -> Tempering:
        """The same for every k-th reading, which are worth as much as all."""
        return Tempering(
            min(1.0, self.slope * every),
            min(1.0, self.beyond * every),
            self.knee / every,
            self.sure * every,
            self.chance / every,
            self.gas,
            self.anywhere,
            self.unit / every,
        )


def tempered(
    ratio: Any,
    slope: float,
    beyond: float,
    knee: float,
    sure: float,
    chance: float,
    gas: float,
    anywhere: float,
    unit: float,
) -> Any:
    """`Tempering.of` an array or a number, for numba to compile too."""
    low = min(chance, knee)
    counted = (
        beyond * ratio
        + (slope - sure) * np.minimum(ratio, low)
        + (sure - beyond) * np.minimum(ratio, knee)
    )
    if gas > 0.0:
        share = np.minimum(np.maximum(ratio, 0.0), unit) / unit
        counted = counted + anywhere + (gas - anywhere) * share
    return counted
