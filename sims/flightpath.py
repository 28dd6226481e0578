"""The lawnmower flight: where the drone is at every sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sims.wind import ornstein_uhlenbeck

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sims.settings import Survey

    FloatArray = NDArray[np.float64]

__all__ = ["FlightPath", "flight_path", "waypoints"]

_CORNER_SPEED_M_S = 1.5
_ACCELERATION_M_S2 = 2.0
_CLIMB_M_S = 1.5
_WOBBLE_M = (0.4, 0.25)  # along the ground and in height: what an autopilot leaves over
_WOBBLE_S = 6.0


@dataclass(frozen=True)
class FlightPath:
    """True positions by `time_s` since the start: east, north, height above ground [m]."""

    time_s: FloatArray
    east: FloatArray
    north: FloatArray
    height: FloatArray


def waypoints(survey: Survey) -> FloatArray:
    """Ends of the survey lines in the order they are flown.

    Parameters
    ----------
    survey : Survey
        Lines run along `line_deg` (clockwise from north), the first one on the left.

    Returns
    -------
    ndarray, shape (2 * lines, 2)
        East and north [m].

    Examples
    --------
    >>> from sims.settings import Survey
    >>> waypoints(Survey(size_m=40, spacing_m=40, line_deg=0.0)).round(6).tolist()
    [[-20.0, -20.0], [-20.0, 20.0], [20.0, 20.0], [20.0, -20.0]]
    """
    half = 0.5 * survey.size_m
    lines = survey.lines or int(survey.size_m / survey.spacing_m + 1e-9) + 1
    offsets = (np.arange(lines) - 0.5 * (lines - 1)) * survey.spacing_m
    right = np.repeat(offsets, 2)
    ends = np.tile([-half, half, half, -half], lines)[: 2 * lines]
    bearing = np.deg2rad(survey.line_deg)
    once = np.stack(
        (
            survey.east_m + (right * np.cos(bearing) + ends * np.sin(bearing)),
            survey.north_m + (-right * np.sin(bearing) + ends * np.cos(bearing)),
        ),
        axis=1,
    )
    return np.concatenate([once[:: 1 - 2 * (number % 2)] for number in range(survey.passes)])


def flight_path(survey: Survey, *, rng: np.random.Generator) -> FlightPath:
    """Take off at the first corner, climb, and fly the lines, slowing down at each corner.

    Parameters
    ----------
    survey : Survey
    rng : numpy.random.Generator
        For what an autopilot does not hold exactly.

    Returns
    -------
    FlightPath
        Evenly spaced samples, `survey.rate_hz` a second.
    """
    corners = waypoints(survey)
    legs = np.hypot(*np.diff(corners, axis=0).T)
    lift_s = survey.on_ground_s + survey.height_m / _CLIMB_M_S
    knots, speeds = _speed_knots(legs, survey.speed_m_s)
    count = int((lift_s + knots[-1]) * survey.rate_hz) + 1
    time = np.arange(count) / survey.rate_hz
    speed = np.interp(time - lift_s, knots, speeds, left=0.0, right=0.0)
    travelled = np.cumsum(speed) / survey.rate_hz
    marks = np.concatenate(([0.0], np.cumsum(legs)))
    flying = np.clip((time - survey.on_ground_s) * _CLIMB_M_S, 0.0, survey.height_m)
    aloft = flying / survey.height_m
    wobble = [
        aloft * ornstein_uhlenbeck(count, 1.0 / survey.rate_hz, time_scale_s=_WOBBLE_S, rng=rng)
        for _ in range(3)
    ]
    return FlightPath(
        time_s=time,
        east=np.interp(travelled, marks, corners[:, 0]) + _WOBBLE_M[0] * wobble[0],
        north=np.interp(travelled, marks, corners[:, 1]) + _WOBBLE_M[0] * wobble[1],
        height=np.maximum(flying + _WOBBLE_M[1] * wobble[2], 0.0),
    )


def _speed_knots(legs: FloatArray, cruise_m_s: float) -> tuple[FloatArray, FloatArray]:
    """Times [s] and speeds [m s-1] between which the speed changes evenly."""
    corner = min(_CORNER_SPEED_M_S, cruise_m_s)
    times, speeds = [0.0], [corner]
    for leg in legs:
        top = min(cruise_m_s, float(np.sqrt(corner**2 + _ACCELERATION_M_S2 * leg)))
        change_s = (top - corner) / _ACCELERATION_M_S2
        cruise_s = (leg - (top**2 - corner**2) / _ACCELERATION_M_S2) / top
        for duration, speed in ((change_s, top), (cruise_s, top), (change_s, corner)):
            times.append(times[-1] + duration)
            speeds.append(speed)
    return np.array(times), np.array(speeds)
