"""Log-likelihoods of all cells and rates summed over readings, in vector arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["sum_expected", "sum_log_ratios"]

NEGLIGIBLE = 0.02  # predicted excess, in noise deviations, that changes no likelihood
BEFORE_OVERFLOW = 8  # factors of a product, each within 1e-38 to 1e38 ...
OUTLYING = 1e32  # ... unless its reading stands out by this, the eighth power of deviations
LOG_2 = float(np.log(2.0))


@njit(cache=True, nogil=True, error_model="numpy")
def sum_expected(
    kernel: NDArray[np.float32],
    rate: float,
    variance: FloatArray,
    relative: float,
    out: FloatArray,
) -> None:
    """`likelihood.expected_log_ratio` of a kernel of shape (n, m), into `out`."""
    readings, cells = kernel.shape
    product = np.ones(cells)
    exponent = np.zeros(cells, dtype=np.int64)
    for i in range(readings):
        unit = kernel[i]
        scale = rate * rate / variance[i]
        for j in range(cells):  # without branches, so that it compiles to vectors
            strength = scale * unit[j] * unit[j]
            stretch = 1.0 + strength / 3.0
            gained = stretch * stretch * stretch * stretch / (1.0 + relative * strength)
            product[j] *= gained if strength > NEGLIGIBLE * NEGLIGIBLE else 1.0
        if i % 2 == 1:  # no signal makes two factors overflow
            _carry(product, exponent)
    for j in range(cells):
        out[j] = 0.5 * (exponent[j] * LOG_2 + np.log(product[j]))


@njit(cache=True, nogil=True, error_model="numpy")
def sum_log_ratios(
    kernel: NDArray[np.float32],
    excess: FloatArray,
    variance: FloatArray,
    rates: FloatArray,
    relative: float,
    known: FloatArray,
    out: FloatArray,
) -> None:
    """`likelihood.log_ratio` of a kernel of shape (m, n), into `out`."""
    cells, readings = kernel.shape
    if not np.isfinite(excess.sum() + variance.sum() + known.sum()):
        out[:] = np.nan
        return
    spread_0 = variance + relative * known**2
    tail_0 = 3.0 + (excess - known) ** 2 / spread_0
    least = NEGLIGIBLE * np.sqrt(variance) / rates[-1]
    product = np.empty(rates.size)
    exponent = np.empty(rates.size, dtype=np.int64)
    for j in range(cells):
        product[:] = 1.0
        exponent[:] = 0
        pending = 0
        for i in range(readings):
            unit = kernel[j, i]
            if unit < least[i]:
                continue
            first = 0
            while rates[first] * unit < least[i] * rates[-1]:
                first += 1
            clean = 1.0 / spread_0[i]
            tail = tail_0[i] * tail_0[i] * tail_0[i] * tail_0[i]
            some, its = rates[first:], product[first:]
            for r in range(some.size):  # one division and no branch, so that it compiles to vectors
                mean = known[i] + some[r] * unit
                spread = clean * (variance[i] + relative * mean * mean)
                miss = excess[i] - mean
                inverse = 1.0 / (3.0 * spread + clean * miss * miss)
                near = spread * inverse
                its[r] *= tail * near * near * near * inverse
            pending += 1
            if pending == BEFORE_OVERFLOW or tail > OUTLYING:
                _carry(product, exponent)
                pending = 0
        for r in range(rates.size):
            out[j, r] = 0.5 * (exponent[r] * LOG_2 + np.log(product[r]))


@njit(cache=True, nogil=True)
def _carry(product: FloatArray, exponent: NDArray[np.int64]) -> None:
    """Move powers of two from positive numbers to `exponent`, in place: no logarithm is needed."""
    bits = product.view(np.int64)  # IEEE 754: 11 bits of exponent above 52 of the fraction
    for k in range(bits.size):
        exponent[k] += (bits[k] >> 52) - 1023
        bits[k] = (bits[k] & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000
