"""When the samples in a device's frames were taken, on our clock and in UTC."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from firmware_bridge.device_clock import DeviceClock, Estimate
from sensors.devices import Moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from sensors.devices import Driver
    from sensors.framing import Frame

__all__ = ["SampleTime"]

NS = 1_000_000_000
ARRIVAL_SIGMA_S = 0.005  # what an adapter's batches leave uncertain


class SampleTime:
    """Tells the time of each frame's sample: by the device's clock if it has one, else by arrival.

    Parameters
    ----------
    source : str
        Name of the device in its records.
    driver : Driver
    utc_of : callable
        UTC of a moment of the monotonic clock, an `Estimate`.
    tell : callable
        Called with a sentence when the device's clock begins anew.

    Attributes
    ----------
    heard_ns : int or None
        When the first frame since the port was opened came, on the monotonic clock.
    """

    def __init__(
        self,
        source: str,
        driver: Driver,
        utc_of: Callable[[int], Estimate],
        *,
        tell: Callable[[str], None],
    ) -> None:
        self.heard_ns: int | None = None
        self._source, self._driver, self._utc_of, self._tell = source, driver, utc_of, tell
        self._clock = DeviceClock()

    def of(self, frame: Frame) -> tuple[int, Moment]:
        """The sample's time on the monotonic clock [ns], and what its records carry of it."""
        if self.heard_ns is None:
            self.heard_ns = frame.time_ns
        sample = self._on_our_clock(frame)
        utc = self._utc_of(sample.time_ns)
        moment = Moment(
            source=self._source,
            time_ns=utc.time_ns,
            time_sigma_s=math.hypot(utc.sigma_s, sample.sigma_s),
            heard_for_s=(frame.time_ns - self.heard_ns) / NS,
        )
        return sample.time_ns, moment

    def _on_our_clock(self, frame: Frame) -> Estimate:
        device_ns = self._driver.device_time_ns(frame)
        sample = Estimate(frame.time_ns, ARRIVAL_SIGMA_S)
        if device_ns is not None:
            event = self._clock.add(device_ns, frame.time_ns)
            if event is not None:
                self._tell(f"the device's clock began anew ({event})")
            sample = self._clock.time_of(device_ns, frame.time_ns)
        delay_ns = round(self._driver.sample_delay_s(frame) * NS)
        return Estimate(sample.time_ns - delay_ns, sample.sigma_s)
