"""The autopilot's clock against ours and against UTC: TIMESYNC and SYSTEM_TIME."""

from __future__ import annotations

import math
from collections import deque
from statistics import median

from firmware_bridge.device_clock import MILLISECONDS_32, DeviceClock, Estimate

__all__ = ["VehicleClock"]

NS = 1_000_000_000
OLDEST_NS = 120 * NS  # exchanges that are used
FASTEST_WITHIN_NS = 60 * NS
SLACK_NS = 2_000_000  # round trips this much above the fastest are believed
FIRST_LIMIT_NS = 10_000_000  # before anything is known of the round trip
MOST_SKEW = 1e-4
JUMP_NS = 100_000_000
JUMPS = 3  # exchanges, pairs or messages in a row that say so
PAIRS = 30
UTC_JUMP_NS = NS // 2
EARLIEST_UTC_US = 1_420_070_400_000_000  # 2015: before it, a receiver without a fix speaks
LATEST_UTC_US = 4_102_444_800_000_000  # 2100
MILLISECOND_S = 0.001


class VehicleClock:
    """What the autopilot's time since boot is on our monotonic clock, and in UTC.

    Before the first TIMESYNC answer the lower envelope of the arrival of its messages serves.
    """

    def __init__(self) -> None:
        self._sent: deque[int] = deque(maxlen=64)
        self._exchanges: deque[tuple[int, int, int]] = deque()  # middle, remote - middle, trip
        self._jumps: list[tuple[int, int, int]] = []
        self._fit: tuple[int, float, float, float] | None = None
        self._arrivals = DeviceClock(wrap_ns=MILLISECONDS_32, least_delay_s=0.005)
        self._newest_ns: int | None = None  # of the messages, boot time
        self._earlier = 0  # messages in a row that were made long before the newest
        self._utc_minus_boot: deque[int] = deque(maxlen=PAIRS)
        self._utc: Estimate | None = None  # middle and uncertainty of those
        self._strays: list[int] = []

    @property
    def is_set(self) -> bool:
        """Whether anything is known of its clock."""
        return bool(self._exchanges) or self._arrivals.is_set

    @property
    def has_utc(self) -> bool:
        """Whether UTC is known."""
        return bool(self._utc_minus_boot) and self.is_set

    def asked(self, sent_ns: int) -> None:
        """A TIMESYNC request with ``ts1 = sent_ns`` went out."""
        self._sent.append(sent_ns)

    def add_timesync(self, sent_ns: int, remote_ns: int, received_ns: int) -> str | None:
        """Take in an answer to TIMESYNC.

        Parameters
        ----------
        sent_ns : int
            Its ts1. Answers to requests that are not ours are left out.
        remote_ns : int
            Its tc1, since boot.
        received_ns : int
            When it arrived, on our monotonic clock.

        Returns
        -------
        str or None
            "reboot" when the vehicle's clock has gone back: all that was known is forgotten.
            "step" when it has jumped ahead or stood still, as that of a simulated vehicle does
            when its computer is busy: its UTC stays known.
        """
        if sent_ns not in self._sent or received_ns < sent_ns or remote_ns <= 0:
            return None
        self._sent.remove(sent_ns)
        trip = received_ns - sent_ns
        middle = sent_ns + trip // 2
        exchange = (middle, remote_ns - middle, trip)
        if self._exchanges:
            at, offset, slope, _ = self._fitted()
            off = exchange[1] - (offset + slope * (middle - at))
            if abs(off) > JUMP_NS + trip:
                self._jumps.append(exchange)
                if len(self._jumps) < JUMPS:
                    return None
                newest, kept = self._exchanges[-1], self._jumps
                is_reboot = remote_ns < newest[0] + newest[1]
                if is_reboot:
                    self.forget()
                else:
                    self._forget_exchanges()
                self._exchanges.extend(kept)
                return "reboot" if is_reboot else "step"
        self._jumps.clear()
        self._exchanges.append(exchange)
        while middle - self._exchanges[0][0] > OLDEST_NS:
            self._exchanges.popleft()
        self._fit = None
        return None

    def add_message(self, boot_ms: int, arrival_ns: int) -> str | None:
        """Take in the time since boot that any of its messages carries.

        Returns
        -------
        str or None
            "reboot" when it has gone back, and stays there: all that was known is forgotten.
            "step" when it has jumped.
        """
        boot_ns, event = boot_ms * 1_000_000, None
        newest_ns = self._newest_ns
        if newest_ns is not None and newest_ns - self._arrivals.unwrapped(boot_ns) > NS:
            self._earlier += 1  # it came by a slower route, or the vehicle has begun anew
            if self._earlier < JUMPS:
                return None
            event = "reboot"
        else:
            self._earlier = 0
            event = self._arrivals.add(boot_ns, arrival_ns)
        if event == "reboot":
            self.forget()
            self._arrivals.add(boot_ns, arrival_ns)
        self._newest_ns = max(self._newest_ns or 0, self._arrivals.unwrapped(boot_ns))
        return None if self._exchanges else event  # TIMESYNC is surer of a step

    def add_system_time(self, unix_us: int, boot_ms: int) -> str | None:
        """Take in a SYSTEM_TIME pair; one without a known date is left out.

        Returns
        -------
        str or None
            "step" when the vehicle's UTC has changed by more than half a second.
        """
        if not EARLIEST_UTC_US <= unix_us <= LATEST_UTC_US:
            return None
        pair = unix_us * 1000 - self._arrivals.unwrapped(boot_ms * 1_000_000)
        known = self._utc_minus_boot
        if known and abs(pair - median(known)) > UTC_JUMP_NS:
            self._strays.append(pair)
            if len(self._strays) < JUMPS:
                return None
            known.clear()
            known.extend(self._strays)
            self._strays.clear()
            self._utc = None
            return "step"
        self._strays.clear()
        known.append(pair)
        self._utc = None
        return None

    def forget(self) -> None:
        """Start anew, after a reboot."""
        self._arrivals = DeviceClock(wrap_ns=MILLISECONDS_32, least_delay_s=0.005)
        self._newest_ns, self._earlier = None, 0
        self._forget_exchanges()
        self._utc_minus_boot.clear()
        self._utc = None
        self._strays.clear()

    def boot_to_monotonic(self, boot_ns: int) -> Estimate:
        """When, on our clock, the vehicle's said `boot_ns`.

        Raises
        ------
        LookupError
            Nothing is known of its clock yet.
        """
        if not self._exchanges:
            return self._arrivals.to_host(boot_ns)
        at, offset, slope, sigma_s = self._fitted()
        newest = self._exchanges[-1][0] + self._exchanges[-1][1]  # does not wrap, messages do
        boot_ns += round((newest - boot_ns) / MILLISECONDS_32) * MILLISECONDS_32
        # remote = host + offset + slope (host - at), solved for host
        host = at + (boot_ns - at - offset) / (1.0 + slope)
        return Estimate(round(host), sigma_s)

    def utc_of_boot(self, boot_ns: int) -> Estimate:
        """UTC when the vehicle's clock said `boot_ns`; sigma is infinite while it is not known."""
        if not self._utc_minus_boot:
            return Estimate(boot_ns, math.inf)
        if self._utc is None:  # asked for every reading, and new once a second
            middle = median(self._utc_minus_boot)
            spread = median(abs(pair - middle) for pair in self._utc_minus_boot) / NS
            self._utc = Estimate(round(middle), math.hypot(MILLISECOND_S, 1.5 * spread))
        return Estimate(self._arrivals.unwrapped(boot_ns) + self._utc.time_ns, self._utc.sigma_s)

    def utc_of_monotonic(self, monotonic_ns: int) -> Estimate:
        """UTC of a moment on our clock.

        Raises
        ------
        LookupError
            Nothing is known of the vehicle's clock yet.
        """
        boot = self.boot_of_monotonic(monotonic_ns)
        utc = self.utc_of_boot(boot.time_ns % MILLISECONDS_32)
        return Estimate(utc.time_ns, math.hypot(utc.sigma_s, boot.sigma_s))

    def boot_of_monotonic(self, monotonic_ns: int) -> Estimate:
        """The vehicle's time since boot at a moment on our clock.

        Raises
        ------
        LookupError
            Nothing is known of the vehicle's clock yet.
        """
        if self._exchanges:
            at, offset, slope, sigma_s = self._fitted()
            return Estimate(monotonic_ns + round(offset + slope * (monotonic_ns - at)), sigma_s)
        here = self._arrivals.to_host(0)
        # the skew over a flight is below a millisecond a minute: one step is enough
        boot_ns = monotonic_ns - here.time_ns
        there = self._arrivals.to_host(boot_ns)
        return Estimate(boot_ns - (there.time_ns - monotonic_ns), there.sigma_s)

    def _forget_exchanges(self) -> None:
        self._exchanges.clear()
        self._jumps = []
        self._fit = None

    def _fitted(self) -> tuple[int, float, float, float]:
        """Moment, offset then, skew and standard deviation [s] of remote - host."""
        if self._fit is None:
            newest = self._exchanges[-1][0]
            recent = [e for e in self._exchanges if newest - e[0] <= FASTEST_WITHIN_NS]
            fastest = min(trip for _, _, trip in recent)
            limit = fastest + SLACK_NS if len(recent) > 1 else max(fastest, FIRST_LIMIT_NS)
            kept = [e for e in self._exchanges if e[2] <= limit]
            at = kept[-1][0]
            base = kept[-1][1]
            times = [float(t - at) for t, _, _ in kept]
            offsets = [float(o - base) for _, o, _ in kept]
            slope = _theil_sen(times, offsets) if times[0] < -10 * NS else 0.0
            slope = max(-MOST_SKEW, min(MOST_SKEW, slope))
            rest = [o - slope * t for t, o in zip(times, offsets, strict=True)]
            offset = median(rest)
            spread = median(abs(one - offset) for one in rest)
            sigma_s = (0.5 * fastest + 1.5 * spread) / NS
            self._fit = (at, base + offset, slope, sigma_s)
        return self._fit


def _theil_sen(times: list[float], values: list[float]) -> float:
    """Median slope between the first and the second half of the points.

    A thinned form of Theil (1950) and Sen (1968), doi:10.1080/01621459.1968.10480934: pairs
    half the points apart, so that a window costs as many slopes as it has points.
    """
    half = len(times) // 2
    slopes = [
        (values[k + half] - values[k]) / (times[k + half] - times[k])
        for k in range(len(times) - half)
        if times[k + half] > times[k]
    ]
    return median(slopes) if slopes else 0.0
