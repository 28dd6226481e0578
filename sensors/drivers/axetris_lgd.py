"""Axetris LGD: one or two gases by a tunable diode laser, fast enough for flight."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

from sensors.decoders import SyncDecoder
from sensors.devices import Device, Dialogue, Moment, Request, gas_sample
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame, Decoder, Frame, Parsed
from sensors.records import Quality

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.devices import Record

__all__ = ["COMMANDS", "Driver"]

COMMANDS = {
    "start_measurement": bytes.fromhex("7b4d080001ea457d"),
    "idle": bytes.fromhex("7b49080000ea4a7d"),
    "version": bytes.fromhex("7b5608000000277d"),
    "ping": bytes.fromhex("7b50080010001d7d"),
}
LARGEST = 64
MEASUREMENT = ord("M")
KINDS = {ord("M"): "measurement", ord("V"): "version", ord("I"): "idle", ord("P"): "ping"}
LEAST_PPM, MOST_PPM = -1e4, 1e6


class _Decoder(SyncDecoder):
    """Braces occur inside numbers: framed by size, then the last byte, then the sum."""

    sync = b"{"
    longest = LARGEST

    def measure(self, head: bytearray) -> int | None:
        if len(head) < 4:
            return None
        size = int.from_bytes(head[2:4], "little")
        if size % 8 or not 8 <= size <= LARGEST:
            raise BrokenFrame("length")
        return size

    def parse(self, frame: bytes) -> Parsed | None:
        if frame[-1] != ord("}"):
            raise BrokenFrame("framing")
        if sum(frame[:-1]) & 0xFF:
            raise BrokenFrame("checksum")
        if frame[1] not in KINDS:
            raise BrokenFrame("format")
        if frame in COMMANDS.values():
            return None  # an echo of what was sent
        status = int.from_bytes(frame[4:6], "little")
        if frame[1] != MEASUREMENT or len(frame) < 16:
            return KINDS[frame[1]], {"raw": {"status": status, "data": frame[6:-2].hex()}}
        raw: dict[str, Any] = {"status": status, "gas1_ppm": _single(frame, 6)}
        si = {"gas1_mole_fraction": raw["gas1_ppm"] * 1e-6}
        if len(frame) >= 24:
            raw |= {"gas2": _single(frame, 10), "temperature_c": _single(frame, 14)}
            si["temperature_K"] = raw["temperature_c"] + 273.15
        return "measurement", {"raw": raw, "si": si}


def _single(frame: bytes, at: int) -> float:
    (value,) = struct.unpack_from("<f", frame, at)
    return float(value)


class Driver(Base):
    """Any status but 0 is a fault: the table of its bits is in the manual of each unit."""

    device = Device(
        title="Axetris LGD F200 / Compact (CH4, NH3, CO2, HCl, ...)",
        measures="one gas [mole fraction]",
        wiring="RS-232 or UART 8N1, see the unit",
        baud=9600,
        other_bauds=(115_200, 19_200, 38_400),
        warm_up_s=60.0,
        rate_hz=10.0,
        models=("ch4", "nh3", "co2", "h2o", "hcl"),
    )

    def decoder(self) -> Decoder:
        return _Decoder()

    def dialogue(self) -> Dialogue:
        return Dialogue(
            listen_s=3.0,
            heard_is_enough=True,
            opening=(
                Request(
                    name="start_measurement",
                    send=COMMANDS["start_measurement"],
                    answers=lambda frame: frame.kind == "measurement",
                    timeout_s=2.0,
                ),
                Request(
                    name="version",
                    send=COMMANDS["version"],
                    answers=lambda frame: frame.kind == "version",
                    timeout_s=1.0,
                ),
            ),
        )

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        raw = frame["raw"]
        letter = next(code for code, kind in KINDS.items() if kind == frame["kind"])
        if frame["kind"] != "measurement" or "gas1_ppm" not in raw:
            body = bytes.fromhex(raw["data"])
        elif "gas2" in raw:
            body = struct.pack("<3f4x", raw["gas1_ppm"], raw["gas2"], raw["temperature_c"])
        else:
            body = struct.pack("<f4x", raw["gas1_ppm"])
        head = struct.pack("<BBHH", ord("{"), letter, len(body) + 8, raw.get("status", 0))
        return head + body + bytes([-sum(head + body) & 0xFF]) + b"}"

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        if frame.kind != "measurement" or "si" not in frame.fields:
            return []
        raw = frame.fields["raw"]
        quality = self.warmth(moment)
        if raw["status"]:
            quality |= Quality.FAULT
        if not math.isfinite(raw["gas1_ppm"]):
            quality |= Quality.MISSING
        elif not LEAST_PPM <= raw["gas1_ppm"] <= MOST_PPM:
            quality |= Quality.OUT_OF_RANGE
        channel = self.channels[0] if self.channels else self.model
        value = frame.fields["si"]["gas1_mole_fraction"]
        return [gas_sample(moment, channel, value, "1", quality)]
