"""The straight lines of a survey, which way each was flown, and where along it gas was met."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["SurveyLines", "survey_lines"]

LINE_M = 20.0  # shorter runs are turns
STRAIGHT = 0.9  # cosine of the heading against the survey's axis
SLOWEST_M_S = 1.0


class SurveyLines(NamedTuple):
    """Straight runs along a survey's main axis.

    Attributes
    ----------
    number : ndarray of int, shape (n,)
        Which line each sample is on, -1 off the lines.
    along : ndarray, shape (n,)
        Its place along the axis [m].
    way : ndarray, shape (lines,)
        1 or -1, with the axis or against it.
    across : ndarray, shape (lines,)
        Mean place across the axis [m].
    """

    number: NDArray[np.int64]
    along: FloatArray
    way: FloatArray
    across: FloatArray


def survey_lines(time_s: FloatArray, east: FloatArray, north: FloatArray) -> SurveyLines:
    """The straight runs of a survey.

    Parameters
    ----------
    time_s : ndarray, shape (n,)
        Increasing [s].
    east, north : ndarray, shape (n,)
        Metric positions [m].

    Returns
    -------
    SurveyLines

    Examples
    --------
    >>> time_s = np.arange(60.0)
    >>> survey_lines(time_s, 5.0 * np.abs(30.0 - time_s), np.zeros(60)).way.tolist()
    [-1.0, 1.0]
    """
    eastward, northward = (
        np.interp(time_s + 1.0, time_s, metres) - np.interp(time_s - 1.0, time_s, metres)
        for metres in (east, north)
    )
    pace = np.hypot(eastward, northward)  # over two seconds
    axis = 0.5 * np.angle(np.sum((eastward + 1j * northward) ** 2))
    along = np.asarray(east * np.cos(axis) + north * np.sin(axis))
    across = north * np.cos(axis) - east * np.sin(axis)
    ahead = eastward * np.cos(axis) + northward * np.sin(axis)
    straight = (np.abs(ahead) > STRAIGHT * pace) & (pace > 2.0 * SLOWEST_M_S)
    way = np.where(straight, np.sign(ahead), 0.0)
    edges = np.flatnonzero(np.diff(way, prepend=0.0, append=0.0))
    runs = [
        slice(first, last)
        for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        if way[first] != 0.0 and abs(along[last - 1] - along[first]) > LINE_M
    ]
    number = np.full(time_s.size, -1)
    for line, run in enumerate(runs):
        number[run] = line
    return SurveyLines(
        number,
        along,
        np.array([way[run.start] for run in runs]),
        np.array([across[run].mean() for run in runs]),
    )
