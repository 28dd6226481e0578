"""SPEC Sensors DGS and DULP: electrochemical CO, H2S, NO2, O3, SO2 or ethanol."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sensors.decoders import LineDecoder
from sensors.devices import Device, Dialogue, Moment, Request, gas_sample
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame, Decoder, Frame, Parsed
from sensors.records import GOOD, EnvironmentSample, Quality

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.devices import Record

__all__ = ["COMMANDS", "Driver"]

COMMANDS = {"single_measurement": b"\r", "toggle_continuous": b"c"}
_SERIAL = re.compile(r"\d{12}")
_WHOLE = re.compile(r"-?\d{1,9}")
_FIELDS = ("ppb", "temperature_c", "rh_percent", "adc", "t_raw", "rh_raw")
_LIMITS = {
    "ppb": (-1_000_000, 1_000_000_000),
    "temperature_c": (-50, 100),
    "rh_percent": (0, 100),
    "adc": (0, 65_535),
    "t_raw": (0, 65_535),
    "rh_raw": (0, 65_535),
}
_CLOCK = ((0, 99_999), (0, 23), (0, 59), (0, 59))  # days, hours, minutes, seconds
FULL_SCALE = {"co": 1000e-6, "h2s": 50e-6, "no2": 20e-6, "o3": 20e-6, "so2": 20e-6, "ethanol": 1e-3}


class _Decoder(LineDecoder):
    """There is no checksum: eleven whole numbers in their ranges, always the same serial number.

    A line whose serial number or uptime cannot follow the one before is kept back; a second
    line that agrees with it shows that a unit was changed or restarted.
    """

    longest = 120

    def __init__(self) -> None:
        super().__init__()
        self._known: tuple[str, int] | None = None
        self._doubted: tuple[str, int] | None = None

    def parse_line(self, line: str) -> Parsed | None:
        parts = [part.strip() for part in line.split(",")]
        if len(parts) != 11 or not _SERIAL.fullmatch(parts[0]):
            raise BrokenFrame("format")
        if not all(_WHOLE.fullmatch(part) for part in parts[1:]):
            raise BrokenFrame("format")
        numbers = [int(part) for part in parts[1:]]
        raw: dict[str, Any] = dict(zip(_FIELDS, numbers[:6], strict=True))
        if any(not low <= raw[name] <= high for name, (low, high) in _LIMITS.items()):
            raise BrokenFrame("format")
        if any(not low <= v <= high for v, (low, high) in zip(numbers[6:], _CLOCK, strict=True)):
            raise BrokenFrame("format")
        days, hours, minutes, seconds = numbers[6:]
        uptime = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        self._check_continuity(parts[0], uptime)
        si = {
            "mole_fraction": raw["ppb"] * 1e-9,
            "temperature_K": raw["temperature_c"] + 273.15,
            "relative_humidity_fraction": raw["rh_percent"] / 100,
        }
        return "gas", {"raw": {"serial": parts[0], **raw, "uptime_s": uptime}, "si": si}

    def _check_continuity(self, serial: str, uptime: int) -> None:
        first = self._known is None and self._doubted is None
        if (
            first
            or _follows(self._known, serial, uptime)
            or _follows(self._doubted, serial, uptime)
        ):
            self._known, self._doubted = (serial, uptime), None
            return
        self._doubted = (serial, uptime)
        raise BrokenFrame("format")


def _follows(before: tuple[str, int] | None, serial: str, uptime: int) -> bool:
    return before is not None and before[0] == serial and uptime >= before[1]


class Driver(Base):
    """Asked once a second unless it already speaks; never set to zero or span."""

    device = Device(
        title="SPEC Sensors DGS / DULP (CO, H2S, NO2, O3, SO2, ethanol)",
        measures="one gas [mole fraction], temperature, humidity",
        wiring="UART 3.3 V 8N1 (not 5 V)",
        baud=9600,
        warm_up_s=3600.0,
        rate_hz=1.0,
        models=tuple(FULL_SCALE),
    )

    def decoder(self) -> Decoder:
        return _Decoder()

    def dialogue(self) -> Dialogue:
        return Dialogue(
            listen_s=2.5,
            heard_is_enough=True,  # continuous mode is a toggle without a status
            poll=Request(
                name="single_measurement",
                send=COMMANDS["single_measurement"],
                answers=lambda _: True,
                timeout_s=1.5,
            ),
            period_s=1.0,
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
        cold = raw["uptime_s"] < self.device.warm_up_s
        quality = Quality.WARMING_UP if cold else GOOD
        if si["mole_fraction"] >= FULL_SCALE[self.model]:
            quality |= Quality.SATURATED
        channel = self.channels[0] if self.channels else self.model
        return [
            gas_sample(moment, channel, si["mole_fraction"], "1", quality),
            EnvironmentSample(
                moment.time_ns,
                moment.source,
                temperature=si["temperature_K"],
                relative_humidity=si["relative_humidity_fraction"],
                time_sigma_s=moment.time_sigma_s,
            ),
        ]
