"""Log-likelihoods of all cells and rates summed over readings, in vector arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["sum_expected", "sum_log_ratios", "sum_log_ratios_of_trials"]

NEGLIGIBLE = 0.02  # predicted excess, in noise deviations, that changes no likelihood
BEFORE_OVERFLOW = 8  # factors of a product, each within 1e-38 to 1e38 ...
OUTLYING = 1e32  # ... unless its reading stands out by this, the eighth power of deviations
SIDE_BY_SIDE = 32  # partial products
VECTOR = 8  # numbers that a wide processor takes at once
LOG_2 = float(np.log(2.0))


@njit(cache=True, nogil=True, error_model="numpy")
def sum_expected(
    kernel: NDArray[np.float32],
    rate: float,
    variance: FloatArray,
    relative: float,
    out: FloatArray,
) -> None:
    """`likelihood.expected_log_ratio` of a kernel of shape (m, n), into `out`."""
    cells, readings = kernel.shape
    scale = rate * rate / variance
    product = np.empty(SIDE_BY_SIDE)
    exponent = np.empty(SIDE_BY_SIDE, dtype=np.int64)
    for j in range(cells):
        product[:] = 1.0
        exponent[:] = 0
        for start in range(0, readings, SIDE_BY_SIDE):
            unit = kernel[j, start : start + SIDE_BY_SIDE]
            weight = scale[start : start + SIDE_BY_SIDE]
            for i in range(unit.size):  # without branches, so that it compiles to vectors
                strength = weight[i] * unit[i] * unit[i]
                stretch = 1.0 + strength / 3.0
                gained = stretch * stretch * stretch * stretch / (1.0 + relative * strength)
                product[i] *= gained if strength > NEGLIGIBLE * NEGLIGIBLE else 1.0
            if start // SIDE_BY_SIDE % 2 == 1:  # no signal makes two factors overflow
                _carry(product, exponent)
        _carry(product, exponent)
        total = 0.0
        for i in range(SIDE_BY_SIDE):
            total += exponent[i] * LOG_2 + np.log(product[i])
        out[j] = 0.5 * total


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
    if not np.isfinite(excess.sum() + variance.sum() + known.sum()):
        out[:] = np.nan
        return
    clean = 1.0 / (variance + relative * known**2)
    tail = (3.0 + (excess - known) ** 2 * clean) ** 4
    least = NEGLIGIBLE * np.sqrt(variance)
    count = rates.size
    wide = np.full(-(-count // VECTOR) * VECTOR, rates[-1])  # a vector that is not full is slow
    wide[:count] = rates
    product = np.empty_like(wide)
    exponent = np.empty(wide.size, dtype=np.int64)
    for j in range(kernel.shape[0]):
        product[:] = 1.0
        exponent[:] = 0
        pending = 0
        row = kernel[j]
        for i in range(row.size):
            unit = row[i]
            if rates[-1] * unit < least[i]:
                continue
            air, more = clean[i] * variance[i], clean[i] * relative
            for r in range(wide.size):  # one division and no branch, so that it compiles to vectors
                gas = wide[r] * unit
                mean = known[i] + gas
                miss = excess[i] - mean
                spread = air + more * mean * mean
                inverse = 1.0 / (3.0 * spread + clean[i] * miss * miss)
                near = spread * inverse
                gained = tail[i] * near * near * near * inverse
                product[r] *= gained if gas >= least[i] else 1.0
            pending += 1
            if pending == BEFORE_OVERFLOW or tail[i] > OUTLYING:
                _carry(product, exponent)
                pending = 0
        for r in range(count):
            out[j, r] = 0.5 * (exponent[r] * LOG_2 + np.log(product[r]))


@njit(cache=True, nogil=True)
def sum_log_ratios_of_trials(
    kernels: NDArray[np.float32],
    picked: NDArray[np.int64],
    starts: NDArray[np.int64],
    excess: FloatArray,
    variance: FloatArray,
    rates: FloatArray,
    relative: float,
    known: FloatArray,
    out: FloatArray,
) -> None:
    """The same of rows ``picked[starts[t]:starts[t + 1]]`` of kernels for trial t of many.

    Each trial has its row of `excess`, `variance` and `known`; `out` a row for each one picked.
    """
    for t in range(starts.size - 1):
        low, high = starts[t], starts[t + 1]
        sum_log_ratios(
            kernels[picked[low:high]],
            excess[t],
            variance[t],
            rates,
            relative,
            known[t],
            out[low:high],
        )


@njit(cache=True, nogil=True)
def _carry(product: FloatArray, exponent: NDArray[np.int64]) -> None:
    """Move powers of two from positive numbers to `exponent`, in place: no logarithm is needed."""
    bits = product.view(np.int64)  # IEEE 754: 11 bits of exponent above 52 of the fraction
    for k in range(bits.size):
        exponent[k] += (bits[k] >> 52) - 1023
        bits[k] = (bits[k] & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000
