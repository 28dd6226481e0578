"""Log-likelihoods of all cells and rates summed over readings, in vector arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["sum_expected", "sum_log_ratios", "sum_log_ratios_of_trials"]

NEGLIGIBLE = 0.02  # predicted excess, in noise deviations, that changes no likelihood
SIDE_BY_SIDE = 32  # partial products
VECTOR = 8  # numbers that a wide processor takes at once
TOGETHER = 16  # cells whose partial products stay at hand
LOG_2 = float(np.log(2.0))
# What keeps products within single precision, in deviations of a reading:
FARTHEST = 3e4  # a reading counts as standing out by no more than this, ...
MOST_GAS = 1e9  # a prediction as no larger than this, or than the other where ...
LEAST_RELATIVE = 0.01  # ... the square of the model error is below this share;
BEFORE_OVERFLOW = 3  # after so many factors the exponent is carried, or before and after one of ...
MODERATE = np.float32(1e3)  # ... a reading that stands out by more, squared, or ...
MODERATE_GAS = 1e4  # ... of a larger prediction.


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
    bits = product.view(np.int64)
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
                _carry(bits, exponent)
        _carry(bits, exponent)
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
    """`likelihood.log_ratio` of a kernel of shape (n, m), into `out`, in single precision."""
    if not np.isfinite(excess.sum() + variance.sum() + known.sum()):
        out[:] = np.nan
        return
    one, three = np.float32(1.0), np.float32(3.0)
    share = np.float32(relative)
    readings = _in_deviations(excess, variance, relative, known)
    faintest = (NEGLIGIBLE / rates[-1] * np.sqrt(variance)).astype(np.float32)
    count = rates.size
    wide = np.full(-(-count // VECTOR) * VECTOR, np.float32(rates[-1]))  # full vectors are faster
    wide[:count] = rates
    errs = relative > LEAST_RELATIVE
    most = np.float32(MOST_GAS if errs else FARTHEST)
    moderate_gas = np.float32(MODERATE_GAS if errs else 0.0)
    product = np.empty((TOGETHER, wide.size), dtype=np.float32)
    bits = product.view(np.int32)
    exponent = np.empty(product.shape, dtype=np.int32)
    pending = np.empty(TOGETHER, dtype=np.int64)
    for begin in range(0, kernel.shape[1], TOGETHER):
        cells = min(TOGETHER, kernel.shape[1] - begin)
        product[:] = one
        exponent[:] = 0
        pending[:] = 0
        for i in range(kernel.shape[0]):
            units, faint = kernel[i, begin : begin + cells], faintest[i]
            air, miss, other, base, scale = readings[i]
            least = wide[-1] * faint * scale
            for j in range(cells):
                if units[j] < faint:
                    continue
                unit, row = units[j] * scale, product[j]
                is_large = base > MODERATE or unit * wide[-1] > moderate_gas
                if is_large or pending[j] == BEFORE_OVERFLOW:
                    _carry(bits[j], exponent[j])
                    pending[j] = 0
                pending[j] += BEFORE_OVERFLOW if is_large else 1
                for r in range(wide.size):  # no branch, one division: it compiles to vectors
                    gas = min(wide[r] * unit, most)
                    mean = other + gas
                    spread = air + share * mean * mean
                    inverse = one / (three * spread + (miss - gas) * (miss - gas))
                    near = base * spread * inverse
                    gained = near * near * near * (base * inverse)
                    row[r] *= gained if gas >= least else one
        for j in range(cells):
            _carry(bits[j], exponent[j])
            for r in range(count):
                out[begin + j, r] = 0.5 * (exponent[j, r] * LOG_2 + np.log(product[j, r]))


@njit(cache=True, nogil=True, error_model="numpy")
def _in_deviations(
    excess: FloatArray, variance: FloatArray, relative: float, known: FloatArray
) -> NDArray[np.float32]:
    """Of each reading, in standard deviations it has without a further source, shape (n, 5).

    Its variance in clean air, what `known` leaves unexplained, `known`, three plus the square of
    what is left, and one over the deviation.
    """
    variance = np.maximum(variance, ((excess - known) / FARTHEST) ** 2)
    clean = 1.0 / (variance + relative * known**2)
    scale = np.sqrt(clean)
    readings = np.empty((excess.size, 5), dtype=np.float32)
    readings[:, 0] = variance * clean
    readings[:, 1] = (excess - known) * scale
    readings[:, 2] = known * scale
    readings[:, 3] = 3.0 + (excess - known) ** 2 * clean
    readings[:, 4] = scale
    return readings


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
            np.ascontiguousarray(kernels[picked[low:high]].T),
            excess[t],
            variance[t],
            rates,
            relative,
            known[t],
            out[low:high],
        )


@njit(cache=True, nogil=True)
def _carry(bits: NDArray[Any], exponent: NDArray[Any]) -> None:
    """Move powers of two from positive numbers to `exponent`, in place: no logarithm is needed.

    Of their bits (IEEE 754): an exponent of 8 above 23 of the fraction, or of 11 above 52.
    """
    if bits.itemsize == 4:
        for k in range(bits.size):
            exponent[k] += (bits[k] >> 23) - 127
            bits[k] = (bits[k] & 0x7FFFFF) | 0x3F800000
    else:
        for k in range(bits.size):
            exponent[k] += (bits[k] >> 52) - 1023
            bits[k] = (bits[k] & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000
