"""A device's own clock against ours: the lower envelope of delay.

A serial line only ever adds delay, so of all pairs (device time, time of arrival) those that
came through fastest tell the offset, and the lower edge of their convex hull the skew.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MILLISECONDS_32", "DeviceClock", "Estimate", "lower_edge"]

MILLISECONDS_32 = 2**32 * 1_000_000  # where a 32-bit counter of milliseconds wraps: 49.7 days
NS = 1_000_000_000

BIN_NS = NS // 2  # of the pairs within so long only the fastest is kept
MOST_SKEW = 2e-4  # crystals of cheap boards are within 100 ppm, and ours has an error as well
PRIOR_SKEW = 3e-5  # typical of a crystal, before the skew has been seen
YOUNG_NS = 5 * NS  # before so much was seen, neither skew nor jump can be told
AHEAD_NS = 250_000_000  # a device this much ahead of all it said before has jumped
BEHIND_NS = 250_000_000  # and this much behind ...
BEHIND_FOR_NS = 10 * NS  # ... for so long: a full buffer empties sooner
NARROWEST_S = 0.0002


class Estimate(NamedTuple):
    """A time [ns] and its standard deviation [s]; infinite where nothing is known."""

    time_ns: int
    sigma_s: float


def lower_edge(points: Sequence[tuple[float, float]], at: float) -> tuple[float, float]:
    """Line below all points and nearest to them, as offset at zero and slope.

    Parameters
    ----------
    points : sequence of tuple of float
        (x, y), x ascending, at least one.
    at : float
        The line is the edge of the lower convex hull above which this x lies; with the mean
        of x it has the least sum of distances to the points.

    Returns
    -------
    offset, slope : float

    Notes
    -----
    Moon, Skelly & Towsley (1999), Estimation and removal of clock skew from network delay
    measurements, doi:10.1109/INFCOM.1999.749287. Hull by Andrew's monotone chain (1979).

    Examples
    --------
    >>> lower_edge([(0.0, 1.0), (1.0, 5.0), (2.0, 3.0), (4.0, 9.0)], 1.5)
    (1.0, 1.0)
    """
    hull: list[tuple[float, float]] = []
    for x, y in points:
        while len(hull) > 1 and (hull[-1][0] - hull[-2][0]) * (y - hull[-2][1]) <= (
            hull[-1][1] - hull[-2][1]
        ) * (x - hull[-2][0]):
            hull.pop()
        if hull and hull[-1][0] == x:
            if hull[-1][1] <= y:
                continue
            hull.pop()
        hull.append((x, y))
    if len(hull) == 1:
        return hull[0][1], 0.0
    edge = next((k for k in range(1, len(hull)) if hull[k][0] >= at), len(hull) - 1)
    (x0, y0), (x1, y1) = hull[edge - 1], hull[edge]
    slope = (y1 - y0) / (x1 - x0)
    return y0 - slope * x0, slope


class DeviceClock:
    """Turns a device's time into ours.

    Parameters
    ----------
    wrap_ns : int, optional
        Where the device's counter starts again from zero; `MILLISECONDS_32` for MAVLink.
    window_s : float
        Pairs older than this are forgotten.
    least_delay_s : float
        Known part of the delay, of the fastest frame; half of it is the uncertainty it brings.
    """

    def __init__(
        self, *, wrap_ns: int | None = None, window_s: float = 60.0, least_delay_s: float = 0.001
    ) -> None:
        self._wrap_ns = wrap_ns
        self._window_ns = int(window_s * NS)
        self._least_delay_s = least_delay_s
        self._turns = 0
        self._newest_ns: int | None = None  # unwrapped device time
        self._bins: deque[tuple[int, int]] = deque()  # device time, arrival - device time
        self._fit: tuple[int, float, float, float] | None = None
        self._behind_since_ns: int | None = None

    @property
    def is_set(self) -> bool:
        """Whether any pair is known."""
        return bool(self._bins)

    def add(self, device_ns: int, arrival_ns: int) -> str | None:
        """Take in a pair of times.

        Parameters
        ----------
        device_ns : int
            As the device tells it.
        arrival_ns : int
            On our monotonic clock.

        Returns
        -------
        str or None
            "reboot" or "step" when the device's clock does not go on as before: what was
            known of it is forgotten.
        """
        event = self._unwrap(device_ns)
        now = device_ns + self._turns * (self._wrap_ns or 0)
        lag = arrival_ns - now
        if event is None:
            event = self._jumped(now, lag)
        if event:
            self._forget()
            self._turns = 0 if event == "reboot" else self._turns
            now = device_ns + self._turns * (self._wrap_ns or 0)
            lag = arrival_ns - now
        self._newest_ns = now if self._newest_ns is None else max(self._newest_ns, now)
        self._keep(now, lag)
        return event

    def to_host(self, device_ns: int) -> Estimate:
        """When, on our clock, the device's clock said `device_ns`.

        Raises
        ------
        LookupError
            No pair is known yet.
        """
        if not self._bins:
            raise LookupError("a device clock of which no time is known")
        middle, offset, slope, residual_s = self._fitted()
        now = self.unwrapped(device_ns)
        span_s = abs(now - middle) / NS
        seen_s = max((self._bins[-1][0] - self._bins[0][0]) / NS, 1e-9)
        skew_sd = min(PRIOR_SKEW, residual_s / seen_s)
        time_ns = now + round(offset + slope * (now - middle) - 0.5e9 * self._least_delay_s)
        delay_sd = 0.5 * self._least_delay_s
        return Estimate(time_ns, math.hypot(residual_s, delay_sd, skew_sd * span_s, NARROWEST_S))

    def time_of(self, device_ns: int, arrival_ns: int) -> Estimate:
        """When a frame that arrived at `arrival_ns` was made.

        A frame much later than the line ever was has waited in a buffer, or the device's clock
        was set back: until that is known, sigma says so.
        """
        told = self.to_host(device_ns)
        late_ns = arrival_ns - told.time_ns
        if late_ns < BEHIND_NS:
            return told
        return Estimate(told.time_ns, late_ns / NS)

    def unwrapped(self, device_ns: int) -> int:
        """A time of the device near the newest, with the turns of its counter counted in [ns]."""
        now = device_ns + self._turns * (self._wrap_ns or 0)
        if self._wrap_ns and self._newest_ns is not None:
            if now - self._newest_ns > self._wrap_ns // 2:
                return now - self._wrap_ns
            if self._newest_ns - now > self._wrap_ns // 2:
                return now + self._wrap_ns
        return now

    def _unwrap(self, device_ns: int) -> str | None:
        """Count the turns of the counter; "reboot" if it went back without reaching its end."""
        if self._newest_ns is None:
            return None
        back = self._newest_ns - (device_ns + self._turns * (self._wrap_ns or 0))
        if self._wrap_ns and back > self._wrap_ns // 2:
            if back > self._wrap_ns - 10 * 60 * NS:  # ten minutes about the end, no more
                self._turns += 1
                return None
            return "reboot"
        return "reboot" if back > NS else None

    def _jumped(self, now: int, lag: int) -> str | None:
        """Whether the pair cannot belong to the clock as it was."""
        if not self._bins:
            return None
        middle, offset, slope, _ = self._fitted()
        late = lag - (offset + slope * (now - middle))
        # the older the newest pair, the less is known of where the clock has drifted to
        drift = MOST_SKEW * max(0, now - self._bins[-1][0])
        if late < -(AHEAD_NS + drift):
            return "step" if self._bins[-1][0] - self._bins[0][0] > YOUNG_NS else None
        if late < BEHIND_NS + drift:
            self._behind_since_ns = None
        elif self._behind_since_ns is None:
            self._behind_since_ns = now
        elif now - self._behind_since_ns > BEHIND_FOR_NS:
            return "step"
        return None

    def _forget(self) -> None:
        self._bins.clear()
        self._fit = None
        self._behind_since_ns = None
        self._newest_ns = None

    def _keep(self, now: int, lag: int) -> None:
        """Only the fastest pair of each bin is kept, and only those of the window."""
        if self._bins and now // BIN_NS == self._bins[-1][0] // BIN_NS:
            if lag >= self._bins[-1][1]:
                return
            self._bins.pop()
        elif self._bins and now < self._bins[-1][0]:
            return  # late by more than a bin: it tells nothing new
        self._bins.append((now, lag))
        while now - self._bins[0][0] > self._window_ns:
            self._bins.popleft()
        self._fit = None

    def _fitted(self) -> tuple[int, float, float, float]:
        """Middle of the window, offset there, skew, and spread of what lies on the edge."""
        if self._fit is None:
            first, base = self._bins[0]
            points = [(float(x - first), float(y - base)) for x, y in self._bins]
            middle = sum(x for x, _ in points) / len(points)
            offset, slope = lower_edge(points, middle)
            if abs(slope) > MOST_SKEW or points[-1][0] < YOUNG_NS:
                slope = max(-MOST_SKEW, min(MOST_SKEW, slope)) if points[-1][0] >= YOUNG_NS else 0.0
                offset = min(y - slope * x for x, y in points)
            above = sorted(y - offset - slope * x for x, y in points)
            # bins whose fastest pair was hardly held up differ by what remains unknown
            residual_s = above[len(above) // 2] / NS
            at = offset + slope * middle
            self._fit = (first + round(middle), base + at, slope, residual_s)
        return self._fit
