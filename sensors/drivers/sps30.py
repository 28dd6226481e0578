"""Sensirion SPS30: particles by laser scattering."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

from sensors.devices import Device, Dialogue, Moment, Request, gas_sample
from sensors.framing import BrokenFrame
from sensors.records import GOOD, Quality
from sensors.shdlc import READ, START, STOP, Sensor, SensorDecoder, command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.devices import Record
    from sensors.framing import Decoder, Frame, Parsed

__all__ = ["COMMANDS", "Driver"]

WAKE, INFORMATION = 0x11, 0xD0
FIELDS = (
    "pm1_ug_m3",
    "pm2_5_ug_m3",
    "pm4_ug_m3",
    "pm10_ug_m3",
    "n0_5_per_cm3",
    "n1_0_per_cm3",
    "n2_5_per_cm3",
    "n4_0_per_cm3",
    "n10_per_cm3",
    "typical_size_um",
)
MASSES = {"pm1": "pm1_ug_m3", "pm2_5": "pm2_5_ug_m3", "pm4": "pm4_ug_m3", "pm10": "pm10_ug_m3"}
FULL_SCALE_UG_M3 = 1000.0
DELAY_S = 0.5  # a value is the mean of the second that has just ended
COMMANDS = {
    "start_measurement": command(START, b"\x01\x03"),
    "stop_measurement": command(STOP),
    "read_measured_values": command(READ),
    "wake_up": command(WAKE),
    "device_information": command(INFORMATION, b"\x03"),
}


class _Decoder(SensorDecoder):
    def reading(self, data: bytes) -> Parsed:
        if len(data) != 4 * len(FIELDS):
            raise BrokenFrame("length")
        raw = dict(zip(FIELDS, struct.unpack(">10f", data), strict=True))
        si = {
            "pm2_5_kg_m3": raw["pm2_5_ug_m3"] * 1e-9,
            "n0_5_per_m3": raw["n0_5_per_cm3"] * 1e6,
            "typical_size_m": raw["typical_size_um"] * 1e-6,
        }
        return "pm", {"raw": raw, "si": si}


class Driver(Sensor):
    """Woken, started and asked once a second; an empty answer is no reading."""

    commands = COMMANDS
    device = Device(
        title="Sensirion SPS30",
        measures="particles: PM1, PM2.5, PM4, PM10 [kg m-3]",
        wiring="UART 3.3-5 V 8N1; supply 5 V; pin SEL open",
        baud=115_200,
        warm_up_s=60.0,
        rate_hz=1.0,
    )

    def decoder(self) -> Decoder:
        return _Decoder(tuple(COMMANDS.values()))

    def dialogue(self) -> Dialogue:
        wake = Request(name="wake_up", send=b"\xff" + COMMANDS["wake_up"], tries=2)
        opening = ("device_information", "stop_measurement", "start_measurement")
        return Dialogue(
            opening=(wake, *map(self.request, opening)),
            poll=self.request("read_measured_values"),
            period_s=1.0,
        )

    def data_of(self, frame: Mapping[str, Any]) -> bytes:
        return struct.pack(">10f", *(frame["raw"][name] for name in FIELDS))

    def sample_delay_s(self, frame: Frame) -> float:
        return DELAY_S if frame.kind == "pm" else 0.0

    def readings(self, frame: Frame, moment: Moment) -> list[Record]:
        samples: list[Record] = []
        for channel, name in MASSES.items():
            value = frame.fields["raw"][name]
            quality = self.warmth(moment)
            if not math.isfinite(value):
                quality |= Quality.MISSING
            quality |= Quality.SATURATED if value >= FULL_SCALE_UG_M3 else GOOD
            samples.append(gas_sample(moment, channel, value * 1e-9, "kg m-3", quality))
        return samples
