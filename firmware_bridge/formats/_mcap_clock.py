"""A recording's own time put on UTC, by all that became known of it during the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sensors.records import Quality

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]

__all__ = ["ClockPair", "RecordingTime"]

NS = 1_000_000_000
POOR_S = 1.0
ENOUGH_S = 0.05  # pairs surer than this are all as good as each other
SURE_RATIO = 2.0


class ClockPair(NamedTuple):
    """One message of ``/clock``: a moment on the recording axis and what UTC it was thought to be.

    Attributes
    ----------
    axis_ns, utc_ns : int
    sigma_s : float
        Infinite where it is not known.
    is_vehicle : bool
        By GNSS through the autopilot, else by the companion's own clock.
    step_s : float
        By how much the companion's clock was set since the message before.
    """

    axis_ns: int
    utc_ns: int
    sigma_s: float
    is_vehicle: bool
    step_s: float

    @classmethod
    def of(cls, axis_ns: int, told: Mapping[str, Any]) -> ClockPair | None:
        """What a message says; None if it is not as its schema says."""
        utc_ns, sigma_s = told.get("utc_ns"), told.get("sigma_s")
        step_s = told.get("host_step_s") or 0.0
        if not isinstance(utc_ns, int) or not isinstance(sigma_s, int | float | None):
            return None
        if not isinstance(step_s, int | float):
            return None
        sigma_s = float("inf") if sigma_s is None else float(sigma_s)
        return cls(axis_ns, utc_ns, sigma_s, told.get("source") == "vehicle", float(step_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingTime:
    """UTC minus the recording axis, and its standard deviation, over a run.

    The axis is a clock that never steps, so that what is known late holds for what came before.

    Attributes
    ----------
    axis_ns, offset_ns : ndarray of int64, shape (n,)
        Ascending; UTC minus axis.
    sigma_s : ndarray, shape (n,)
    by_vehicle : bool
    steps_s : tuple of float
        By how much the companion's clock was set, each time.
    """

    axis_ns: IntArray
    offset_ns: IntArray
    sigma_s: NDArray[np.float64]
    by_vehicle: bool
    steps_s: tuple[float, ...]

    @classmethod
    def from_pairs(cls, pairs: Iterable[ClockPair]) -> RecordingTime:
        """By the surest pairs of GNSS; without any by the companion's clock, as last set."""
        told = sorted(set(pairs))
        steps = tuple(pair.step_s for pair in told if pair.step_s)
        vehicle = [pair for pair in told if pair.is_vehicle and np.isfinite(pair.sigma_s)]
        best_s = min((pair.sigma_s for pair in vehicle or told), default=np.inf)
        kept = [
            pair
            for pair in vehicle or told[-1:]
            if pair.sigma_s <= max(SURE_RATIO * best_s, ENOUGH_S)
        ]
        offsets = [pair.utc_ns - pair.axis_ns for pair in kept]
        if not vehicle and best_s > POOR_S:
            offsets = [offset + round(sum(steps) * NS) for offset in offsets]
        return cls(
            axis_ns=np.array([pair.axis_ns for pair in kept] or [0], np.int64),
            offset_ns=np.array(offsets or [0], np.int64),
            sigma_s=np.array([pair.sigma_s for pair in kept] or [np.inf]),
            by_vehicle=bool(vehicle),
            steps_s=steps,
        )

    @property
    def is_sure(self) -> bool:
        """Whether UTC is known to a second."""
        return bool(self.sigma_s.min() <= POOR_S)

    def utc_ns(self, axis_ns: IntArray) -> IntArray:
        """UTC of moments: between pairs a line, beyond them the offset of the last."""
        first = self.offset_ns[0]
        rest = np.interp(
            (axis_ns - self.axis_ns[0]).astype(np.float64),
            (self.axis_ns - self.axis_ns[0]).astype(np.float64),
            (self.offset_ns - first).astype(np.float64),
        )
        utc_ns: IntArray = axis_ns + first + np.rint(rest).astype(np.int64)
        return utc_ns

    def quality(self, axis_ns: IntArray) -> NDArray[np.uint16]:
        """`CLOCK_POOR` for moments whose UTC is not known to a second."""
        sigma_s = np.interp(
            (axis_ns - self.axis_ns[0]).astype(np.float64),
            (self.axis_ns - self.axis_ns[0]).astype(np.float64),
            self.sigma_s,
        )
        return np.where(sigma_s <= POOR_S, 0, int(Quality.CLOCK_POOR)).astype(np.uint16)
