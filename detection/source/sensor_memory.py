"""What a slow sensor still shows of the air before: its response, carried on from row to row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["FORGOTTEN", "SensorMemory", "ramp_weights", "respond"]

FORGOTTEN = 12.0  # time constants after which e^-12, six in a million, is left


@dataclass(slots=True)
class SensorMemory:
    """State of a first-order sensor that would meet unit sources, one at each cell.

    Attributes
    ----------
    rise_s, decay_s : float
        Time constants [s].
    time_s : float
        Of the reading it is the state after.
    state, before : ndarray of float32, shape (m,)
        What the sensor shows, and what there was to read [s m-3].
    """

    rise_s: float
    decay_s: float
    time_s: float
    state: NDArray[np.float32]
    before: NDArray[np.float32]

    @classmethod
    def after(
        cls, kernel: NDArray[np.float32], time_s: FloatArray, *, rise_s: float, decay_s: float
    ) -> SensorMemory:
        """State after n >= 1 readings, of which the first is taken for settled.

        It is forgotten `FORGOTTEN` time constants later.

        Parameters
        ----------
        kernel : ndarray of float32, shape (n, m)
            From `footprints`; what it becomes is the sensor's answer.
        time_s : ndarray, shape (n,)
            Ascending [s].
        rise_s, decay_s : float
        """
        memory = cls(rise_s, decay_s, float(time_s[0]), kernel[0].copy(), kernel[0].copy())
        memory.respond(kernel[1:], time_s[1:])
        return memory

    def respond(self, kernel: NDArray[np.float32], time_s: FloatArray) -> None:
        """Turn further footprints into what the sensor shows of them, in place.

        Parameters
        ----------
        kernel : ndarray of float32, shape (n, m)
            Of the same cells.
        time_s : ndarray, shape (n,)
            Ascending, after those before [s].
        """
        if not time_s.size:
            return
        step_s = np.diff(time_s, prepend=self.time_s)
        rising, falling = (ramp_weights(step_s, one) for one in (self.rise_s, self.decay_s))
        _respond(kernel, self.state, self.before, rising, falling)
        self.time_s = float(time_s[-1])


def respond(
    kernel: NDArray[np.float32], time_s: FloatArray, *, rise_s: float, decay_s: float
) -> None:
    """Pass each column of a kernel through the sensor's first-order response, in place.

    Parameters
    ----------
    kernel : ndarray of float32, shape (n, m)
    time_s : ndarray, shape (n,)
        Ascending [s].
    rise_s, decay_s : float
        Time constants [s]; 0 is an instant response.

    Notes
    -----
    Exact for concentrations that change linearly between readings (ramp-invariant filter:
    Franklin, Powell & Workman, Digital Control of Dynamic Systems, 3rd ed., section 6.2), so
    that thinned readings lag as all of them do. The first reading is taken for settled.
    """
    SensorMemory.after(kernel, time_s, rise_s=rise_s, decay_s=decay_s)


def ramp_weights(step_s: FloatArray, constant_s: float) -> NDArray[np.float32]:
    """Weights of the state and of the inputs before and now in the state after each step.

    Of steps of shape (n,) [s] and a time constant [s], shape (n, 3).
    """
    if constant_s <= 0:
        return np.tile(np.array([0.0, 0.0, 1.0], np.float32), (step_s.size, 1))
    ratio = np.maximum(step_s / constant_s, 1e-9)
    keep, mean = np.exp(-ratio), -np.expm1(-ratio) / ratio
    return np.column_stack([keep, mean - keep, 1.0 - mean]).astype(np.float32)


@njit(cache=True, nogil=True)
def _respond(
    kernel: NDArray[np.float32],
    state: NDArray[np.float32],
    before: NDArray[np.float32],
    rising: NDArray[np.float32],
    falling: NDArray[np.float32],
) -> None:
    n, m = kernel.shape
    for i in range(n):
        for j in range(m):
            now = kernel[i, j]
            gain = rising[i] if before[j] + now > 2.0 * state[j] else falling[i]
            state[j] = gain[0] * state[j] + gain[1] * before[j] + gain[2] * now
            before[j] = now
            kernel[i, j] = state[j]
