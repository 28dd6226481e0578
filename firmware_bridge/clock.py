"""UTC for every record: the vehicle's where it is known, else our own, and how sure.

Everything is stamped with our monotonic clock, which never steps; UTC is attached to it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_bridge.device_clock import DeviceClock, Estimate
from firmware_bridge.vehicle_clock import VehicleClock

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BridgeClock", "DeviceClock", "Estimate", "HostClock", "VehicleClock", "is_synchronised"]

STEP_NS = 500_000_000
SYNCHRONISED_SIGMA_S = 0.1  # of a computer that keeps its time by the network
UNKNOWN_SIGMA_S = 86_400.0  # a companion computer has no battery for its clock
_TIMESYNCD = Path("/run/systemd/timesync/synchronized")


def is_synchronised() -> bool:
    """Whether this computer's clock follows a time server, as far as systemd knows."""
    return _TIMESYNCD.exists()


class HostClock:
    """UTC of this computer, taken once: steps of its clock do not move what is recorded.

    Parameters
    ----------
    wall_ns, monotonic_ns : callable
        The computer's clocks.
    synchronised : callable
        Whether the wall clock can be believed.
    """

    def __init__(
        self,
        *,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        synchronised: Callable[[], bool] = is_synchronised,
    ) -> None:
        self._wall_ns, self._monotonic_ns = wall_ns, monotonic_ns
        self._anchor_ns = self._difference_ns()
        self._seen_ns = self._anchor_ns
        self.sigma_s = SYNCHRONISED_SIGMA_S if synchronised() else UNKNOWN_SIGMA_S

    def utc_of_monotonic(self, monotonic_ns: int) -> Estimate:
        """UTC of a moment on our clock."""
        return Estimate(monotonic_ns + self._anchor_ns, self.sigma_s)

    def step_s(self) -> float | None:
        """By how much the wall clock was set since it was last looked at [s]; None if not."""
        now_ns = self._difference_ns()
        step_ns = now_ns - self._seen_ns
        if abs(step_ns) < STEP_NS:
            return None
        self._seen_ns = now_ns
        return step_ns * 1e-9

    def _difference_ns(self) -> int:
        """Wall minus monotonic, from the tightest of a few readings."""
        tries = []
        for _ in range(5):
            before = self._monotonic_ns()
            wall = self._wall_ns()
            after = self._monotonic_ns()
            tries.append((after - before, wall - (before + after) // 2))
        return min(tries)[1]


class BridgeClock:
    """UTC of moments on our monotonic clock: by GNSS through the autopilot, else our own."""

    def __init__(self, host: HostClock | None = None, vehicle: VehicleClock | None = None) -> None:
        self.host = host or HostClock()
        self.vehicle = vehicle or VehicleClock()

    def utc_of_monotonic(self, monotonic_ns: int) -> Estimate:
        """UTC and its standard deviation; the surer of the two clocks."""
        own = self.host.utc_of_monotonic(monotonic_ns)
        if not self.vehicle.has_utc:
            return own
        theirs = self.vehicle.utc_of_monotonic(monotonic_ns)
        return theirs if theirs.sigma_s <= own.sigma_s else own
