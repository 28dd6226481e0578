"""What goes wrong with instruments: they repeat themselves, fall silent, keep another clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["silent", "stuck", "with_clock_ahead"]

_OF_THE_AUTOPILOT = (
    "latitude",
    "longitude",
    "altitude_agl_m",
    "wind_speed_m_s",
    "wind_from_deg",
)


def stuck(series: FloatArray, from_s: float | None, step_s: float) -> FloatArray:
    """A series that repeats itself from some time on [s]; as it was without one.

    Examples
    --------
    >>> stuck(np.array([1.0, 2.0, 3.0, 4.0]), 2.0, 1.0)
    array([1., 2., 3., 3.])
    """
    if from_s is None:
        return series
    first = min(max(round(from_s / step_s), 0), series.size - 1)
    return np.concatenate((series[:first], np.full(series.size - first, series[first])))


def silent(series: FloatArray, from_s: float | None, step_s: float) -> FloatArray:
    """A series that is missing from some time on [s]; as it was without one.

    Examples
    --------
    >>> silent(np.array([1.0, 2.0, 3.0, 4.0]), 2.0, 1.0)
    array([ 1.,  2., nan, nan])
    """
    if from_s is None:
        return series
    first = min(max(round(from_s / step_s), 0), series.size)
    return np.concatenate((series[:first], np.full(series.size - first, np.nan)))


def with_clock_ahead(columns: dict[str, FloatArray], samples: int) -> dict[str, FloatArray]:
    """Columns of a flight whose gas logger wrote everything down that many samples later.

    Parameters
    ----------
    columns : dict of str to ndarray, shape (n,)
        Position and wind stay where they are.
    samples : int
        Below zero the logger's clock is behind.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        What the logger did not see in time is NaN.

    Examples
    --------
    >>> late = with_clock_ahead({"latitude": np.arange(3.0), "pid_ppb": np.arange(3.0)}, 1)
    >>> late["latitude"], late["pid_ppb"]
    (array([0., 1., 2.]), array([nan,  0.,  1.]))
    """
    if samples == 0:
        return columns
    return {
        name: series if name in _OF_THE_AUTOPILOT else _later(series, samples)
        for name, series in columns.items()
    }


def _later(series: FloatArray, samples: int) -> FloatArray:
    nothing = np.full(min(abs(samples), series.size), np.nan)
    if samples > 0:
        return np.concatenate((nothing, series[: series.size - nothing.size]))
    return np.concatenate((series[nothing.size :], nothing))
