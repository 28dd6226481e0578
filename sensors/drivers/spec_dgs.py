"""SPEC Sensors DGS and DULP: electrochemical CO, H2S, NO2, O3, SO2 or ethanol."""

from __future__ import annotations

import math
import re
from collections import deque
from typing import TYPE_CHECKING

from sensors.decoders import LineDecoder
from sensors.devices import Device, Dialogue, Moment, Request, gas_sample
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame, Decoder, Frame, Parsed
from sensors.records import GOOD, EnvironmentSample, Quality
from sensors.units import ZERO_CELSIUS_K

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from sensors.devices import Record

__all__ = ["COMMANDS", "Driver"]

COMMANDS = {"single_measurement": b"\r", "toggle_continuous": b"c"}
UNSTATED = "gas"  # the lines do not tell which
# of the modules sold, as mole fractions; the datasheet of the unit is the authority
FULL_SCALE = {
    UNSTATED: math.inf,
    "co": 1000e-6,
    "ethanol": 1000e-6,
    "h2s": 50e-6,
    "no2": 5e-6,
    "o3": 5e-6,
    "so2": 20e-6,
}
STEP_PERCENT, STEP_WITHIN_S = 3, 5  # a change of humidity that makes an electrochemical cell spike
SETTLED_AFTER_S = 30  # T90 of the cell
_SERIAL = re.compile(r"[0-9]{12}")
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_FIELDS = ("ppb", "temperature_c", "rh_percent", "adc", "t_raw", "rh_raw")
# what the chips can put out at all; a humidity beyond 100 % is flagged, not refused
_LIMITS = (
    (-1_000_000, 100_000_000),
    (-47, 129),
    (-6, 119),
    (0, 65_535),
    (0, 65_535),
    (0, 65_535),
    (0, 99_999),  # days
    (0, 23),
    (0, 59),
    (0, 59),
)


class _Decoder(LineDecoder):
    """There is no checksum: eleven whole numbers in their ranges, always the same serial number.

    A line whose serial number or uptime cannot follow the one before is refused; a next line
    that agrees with it shows that a unit was changed or restarted.
    """

    longest = 120

    def __init__(self) -> None:
        super().__init__()
        self._known: tuple[str, int] | None = None
        self._doubted: tuple[str, int] | None = None

    def parse_line(self, line: str) -> Parsed | None:
        serial, *rest = (part.strip() for part in line.split(","))
        if len(rest) != len(_LIMITS) or not _SERIAL.fullmatch(serial):
            raise BrokenFrame("format")
        if not all(map(_WHOLE.fullmatch, rest)):
            raise BrokenFrame("format")
        numbers = [int(part) for part in rest]
        if any(not low <= n <= high for n, (low, high) in zip(numbers, _LIMITS, strict=True)):
            raise BrokenFrame("format")
        days, hours, minutes, seconds = numbers[6:]
        uptime_s = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        self._check_follows(serial, uptime_s)
        raw: dict[str, Any] = dict(zip(_FIELDS, numbers[:6], strict=True))
        si = {
            "mole_fraction": raw["ppb"] * 1e-9,
            "temperature_K": raw["temperature_c"] + ZERO_CELSIUS_K,
            "relative_humidity_fraction": raw["rh_percent"] / 100,
        }
        return "gas", {"raw": {"serial": serial, **raw, "uptime_s": uptime_s}, "si": si}

    def _check_follows(self, serial: str, uptime_s: int) -> None:
        befores = [one for one in (self._known, self._doubted) if one is not None]
        if befores and not any(serial == s and uptime_s >= up for s, up in befores):
            self._doubted = (serial, uptime_s)
            raise BrokenFrame("format")
        self._known, self._doubted = (serial, uptime_s), None


class _Humidity:
    """Whether the cell is still upset by a step of humidity."""

    def __init__(self) -> None:
        self._recent: deque[tuple[int, int]] = deque()  # uptime, relative humidity
        self._settled_s = 0

    def is_upset(self, uptime_s: int, percent: int) -> bool:
        """Take the next reading; whether it is within `SETTLED_AFTER_S` of a step."""
        if self._recent and uptime_s < self._recent[-1][0]:  # restarted
            self._recent.clear()
            self._settled_s = 0
        self._recent.append((uptime_s, percent))
        while self._recent[0][0] < uptime_s - STEP_WITHIN_S:
            self._recent.popleft()
        levels = [level for _, level in self._recent]
        if max(levels) - min(levels) >= STEP_PERCENT:
            self._settled_s = uptime_s + SETTLED_AFTER_S
        return uptime_s < self._settled_s


class Driver(Base):
    """Asked once a second unless it already speaks; its zero and span are never set.

    It warms up for an hour by its own uptime, not since it was heard. Readings are timed by
    arrival: the uptime has whole seconds only.
    """

    device = Device(
        title="SPEC Sensors DGS / DULP (CO, ethanol, H2S, NO2, O3 or SO2)",
        measures="one gas, as the model says [mole fraction]; temperature and humidity",
        wiring="UART 3.3 V 8N1, not 5 V",
        baud=9600,
        warm_up_s=3600.0,
        rate_hz=1.0,
        models=tuple(FULL_SCALE),
    )

    def __init__(self, *, model: str = "", channels: Sequence[str] = ()) -> None:
        super().__init__(model=model, channels=channels)
        self._humidity = _Humidity()

    def decoder(self) -> Decoder:
        return _Decoder()

    def dialogue(self) -> Dialogue:
        toggle, ask = "toggle_continuous", "single_measurement"
        return Dialogue(
            listen_s=2.5,
            heard_is_enough=True,  # the toggle has no status: what speaks is left alone
            poll=Request(
                name=ask,
                send=COMMANDS[ask],
                answers=lambda frame: frame.kind == "gas",
                timeout_s=1.5,
            ),
            period_s=1.0,
            fallback=(Request(name=toggle, send=COMMANDS[toggle]),),
        )

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        raw = frame["raw"]
        minutes, seconds = divmod(raw.get("uptime_s", 86_400), 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        numbers = [str(raw[name]) for name in _FIELDS]
        clock = [f"{number:02d}" for number in (days, hours, minutes, seconds)]
        return (", ".join([raw["serial"], *numbers, *clock]) + "\r\n").encode()

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        raw, si = frame.fields["raw"], frame.fields["si"]
        quality = Quality.WARMING_UP if raw["uptime_s"] < self.device.warm_up_s else GOOD
        if self._humidity.is_upset(raw["uptime_s"], raw["rh_percent"]):
            quality |= Quality.DISTURBED
        if si["mole_fraction"] >= FULL_SCALE[self.model]:
            quality |= Quality.SATURATED
        channel = self.channels[0] if self.channels else self.model
        humid = 0 <= raw["rh_percent"] <= 100
        return [
            gas_sample(moment, channel, si["mole_fraction"], "1", quality),
            EnvironmentSample(
                moment.time_ns,
                moment.source,
                temperature=si["temperature_K"],
                relative_humidity=si["relative_humidity_fraction"] if humid else math.nan,
                quality=GOOD if humid else Quality.OUT_OF_RANGE,
                time_sigma_s=moment.time_sigma_s,
            ),
        ]
