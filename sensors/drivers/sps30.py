"""Sensirion SPS30: particles by laser scattering."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

from sensors.devices import Device, Dialogue, Moment, Request, gas_sample
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame
from sensors.records import GOOD, Event, Quality
from sensors.shdlc import Reply, ShdlcDecoder, command, reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.devices import Record
    from sensors.framing import Decoder, Frame, Parsed

__all__ = ["COMMANDS", "Driver"]

START, STOP, READ, WAKE, INFORMATION = 0x00, 0x01, 0x03, 0x11, 0xD0
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
ALREADY_MEASURING = 0x43
DELAY_S = 0.5  # a value is the mean of the second that has just ended
COMMANDS = {
    "start_measurement": command(START, b"\x01\x03"),
    "stop_measurement": command(STOP),
    "read_measured_values": command(READ),
    "wake_up": command(WAKE),
    "device_information": command(INFORMATION, b"\x03"),
}


class _Decoder(ShdlcDecoder):
    def meaning(self, told: Reply) -> Parsed:
        about = {"state": told.state, "address": told.address, "command_id": told.command_id}
        if told.state or not told.data:
            return "empty", about
        if told.command_id != READ:
            return "reply", {**about, "data": told.data.hex()}
        if len(told.data) != 4 * len(FIELDS):
            raise BrokenFrame("length")
        raw = dict(zip(FIELDS, struct.unpack(">10f", told.data), strict=True))
        si = {
            "pm2_5_kg_m3": raw["pm2_5_ug_m3"] * 1e-9,
            "n0_5_per_m3": raw["n0_5_per_cm3"] * 1e6,
            "typical_size_m": raw["typical_size_um"] * 1e-6,
        }
        return "pm", {**about, "raw": raw, "si": si}


class Driver(Base):
    """Woken, started and asked once a second; an empty answer is no reading."""

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
        def answered(command_id: int) -> Request:
            name = next(
                key
                for key, sent in COMMANDS.items()
                if sent.strip(b"\x7e")[1] == command_id or (key == "wake_up" and command_id == WAKE)
            )
            return Request(
                name=name,
                send=COMMANDS[name],
                answers=lambda frame: frame.fields["command_id"] == command_id,
            )

        wake = Request(name="wake_up", send=b"\xff" + COMMANDS["wake_up"], tries=2)
        return Dialogue(
            opening=(wake, answered(INFORMATION), answered(STOP), answered(START)),
            poll=answered(READ),
            period_s=1.0,
        )

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        data = b""
        if frame["kind"] == "pm":
            data = struct.pack(">10f", *(frame["raw"][name] for name in FIELDS))
        elif frame["kind"] == "reply":
            data = bytes.fromhex(frame["data"])
        command_id = frame.get("command_id", READ)
        return reply(Reply(frame.get("address", 0), command_id, frame.get("state", 0), data))

    def sample_delay_s(self, frame: Frame) -> float:
        return DELAY_S if frame.kind == "pm" else 0.0

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        state = frame.fields["state"]
        if state and state != ALREADY_MEASURING:
            return [
                Event(
                    moment.time_ns,
                    moment.source,
                    "device error",
                    f"state {state:#04x} in answer to command {frame.fields['command_id']:#04x}",
                    moment.time_sigma_s,
                )
            ]
        if frame.kind != "pm":
            return []
        samples: list[Record] = []
        for channel, name in MASSES.items():
            value = frame.fields["raw"][name]
            quality = self.warmth(moment)
            if not math.isfinite(value):
                quality |= Quality.MISSING
            quality |= Quality.SATURATED if value >= FULL_SCALE_UG_M3 else GOOD
            samples.append(gas_sample(moment, channel, value * 1e-9, "kg m-3", quality))
        return samples
