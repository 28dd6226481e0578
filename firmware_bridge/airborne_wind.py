"""Wind over the ground from an anemometer that is carried, turned and moved by the vehicle."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sensors.records import WindSample

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AirborneWind", "over_ground"]

ATTITUDE_AGE_NS = 250_000_000
VELOCITY_AGE_NS = 1_000_000_000
VELOCITIES = ("LOCAL_POSITION_NED", "GLOBAL_POSITION_INT")


def over_ground(
    sample: WindSample,
    *,
    roll: float,
    pitch: float,
    yaw: float,
    velocity_ned: tuple[float, float, float],
) -> WindSample:
    """The wind, from what a carried anemometer feels.

    Parameters
    ----------
    sample : WindSample
        In the vehicle's frame: "northward" is forward, "eastward" to the right. A missing third
        component counts as none.
    roll, pitch, yaw : float
        Of the vehicle [rad], in MAVLink's order (yaw, then pitch, then roll).
    velocity_ned : tuple of float
        Of the vehicle over the ground [m s-1].

    Returns
    -------
    WindSample
        In the earth's frame: the felt movement of the air, turned, plus the vehicle's own.

    Examples
    --------
    >>> felt = WindSample(0, "sonic", eastward=0.0, northward=-5.0, upward=0.0, frame="vehicle")
    >>> still = over_ground(felt, roll=0, pitch=0, yaw=math.pi / 2, velocity_ned=(0.0, 5.0, 0.0))
    >>> abs(still.eastward) < 1e-9 and abs(still.northward) < 1e-9
    True
    """
    forward, right = sample.northward, sample.eastward
    down = 0.0 if math.isnan(sample.upward) else -sample.upward
    sin_roll, cos_roll = math.sin(roll), math.cos(roll)
    sin_pitch, cos_pitch = math.sin(pitch), math.cos(pitch)
    sin_yaw, cos_yaw = math.sin(yaw), math.cos(yaw)
    level_right = cos_roll * right - sin_roll * down
    rolled_down = sin_roll * right + cos_roll * down
    level_forward = cos_pitch * forward + sin_pitch * rolled_down
    level_down = -sin_pitch * forward + cos_pitch * rolled_down
    north = cos_yaw * level_forward - sin_yaw * level_right
    east = sin_yaw * level_forward + cos_yaw * level_right
    return replace(
        sample,
        northward=north + velocity_ned[0],
        eastward=east + velocity_ned[1],
        upward=math.nan if math.isnan(sample.upward) else -(level_down + velocity_ned[2]),
        frame="earth",
    )


class AirborneWind:
    """Does that as the readings come, by what the vehicle said last.

    Parameters
    ----------
    latest : mapping
        `Vehicle.latest`.
    """

    def __init__(self, latest: Mapping[str, tuple[int, dict[str, Any]]]) -> None:
        self._latest = latest

    def of(self, sample: WindSample, monotonic_ns: int) -> WindSample | None:
        """The wind; None while attitude or velocity are not known for that moment.

        Parameters
        ----------
        sample : WindSample
        monotonic_ns : int
            When it was taken.
        """
        attitude = self._at("ATTITUDE", monotonic_ns, ATTITUDE_AGE_NS)
        velocity = next(
            (
                told["vel_ned_m_s"]
                for name in VELOCITIES
                if (told := self._at(name, monotonic_ns, VELOCITY_AGE_NS))
            ),
            None,
        )
        if attitude is None or velocity is None:
            return None
        angles = [attitude[f"{name}_rad"] for name in ("roll", "pitch", "yaw")]
        if None in angles or None in velocity:
            return None
        roll, pitch, yaw = angles
        return over_ground(sample, roll=roll, pitch=pitch, yaw=yaw, velocity_ned=tuple(velocity))

    def _at(self, name: str, monotonic_ns: int, age_ns: int) -> dict[str, Any] | None:
        arrival_ns, told = self._latest.get(name, (-(1 << 62), {}))
        return told if abs(monotonic_ns - arrival_ns) <= age_ns else None
