"""Sensirion SVM40 and SVM41: index of volatile organic compounds, humidity, temperature."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from sensors.devices import Device, Dialogue, Moment, gas_sample
from sensors.framing import BrokenFrame
from sensors.records import EnvironmentSample, Quality
from sensors.shdlc import READ, START, STOP, Sensor, SensorDecoder, command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.devices import Record
    from sensors.framing import Decoder, Frame, Parsed

__all__ = ["COMMANDS", "Driver"]

LAYOUTS = {6: ">hhh", 12: ">hhhHhh"}
FIELDS = ("voc_index_x10", "rh_x100", "t_x200", "sraw_voc_ticks", "raw_rh_x100", "raw_t_x200")
COMMANDS = {
    "start_measurement": command(START, b"\x00"),
    "stop_measurement": command(STOP),
    "read_measured_values": command(READ, b"\x0a"),
    "read_measured_values_raw": command(READ, b"\x0b"),
}


class _Decoder(SensorDecoder):
    def reading(self, data: bytes) -> Parsed:
        if len(data) not in LAYOUTS:
            raise BrokenFrame("length")
        raw = dict(zip(FIELDS, struct.unpack(LAYOUTS[len(data)], data), strict=False))
        si = {
            "voc_index": raw["voc_index_x10"] / 10,
            "relative_humidity_fraction": raw["rh_x100"] / 10_000,
            "temperature_K": raw["t_x200"] / 200 + 273.15,
        }
        return "voc", {"raw": raw, "si": si}


class Driver(Sensor):
    """The index is relative to the last day and no concentration: raw ticks are kept beside it."""

    commands = COMMANDS
    device = Device(
        title="Sensirion SVM40 / SVM41",
        measures="index and raw ticks of volatile organic compounds; humidity, temperature",
        wiring="UART 3.3-5 V 8N1; supply 5 V",
        baud=115_200,
        warm_up_s=60.0,
        rate_hz=1.0,
    )

    def decoder(self) -> Decoder:
        return _Decoder(tuple(COMMANDS.values()))

    def dialogue(self) -> Dialogue:
        return Dialogue(
            opening=(self.request("start_measurement"),),
            poll=self.request("read_measured_values_raw"),
            period_s=1.0,
        )

    def data_of(self, frame: Mapping[str, Any]) -> bytes:
        values = [frame["raw"][name] for name in FIELDS if name in frame["raw"]]
        return struct.pack(LAYOUTS[2 * len(values)], *values)

    def readings(self, frame: Frame, moment: Moment) -> list[Record]:
        raw, si = frame.fields["raw"], frame.fields["si"]
        quality = self.warmth(moment)
        if not any(raw.values()):  # so it answers in its first second
            quality |= Quality.MISSING
        found: list[Record] = [
            gas_sample(moment, "voc_index", si["voc_index"], "count", quality),
        ]
        if "sraw_voc_ticks" in raw:
            ticks = float(raw["sraw_voc_ticks"])
            found.append(gas_sample(moment, "voc_raw", ticks, "count", quality))
        missing = bool(quality & Quality.MISSING)
        found.append(
            EnvironmentSample(
                moment.time_ns,
                moment.source,
                temperature=float("nan") if missing else si["temperature_K"],
                relative_humidity=(float("nan") if missing else si["relative_humidity_fraction"]),
                quality=quality,
                time_sigma_s=moment.time_sigma_s,
            )
        )
        return found
