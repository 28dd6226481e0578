"""Axetris LGD: a gas by a tunable diode laser, fast enough for flight."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

from sensors.decoders import SyncDecoder
from sensors.devices import Device, Dialogue, Moment, Request, gas_sample
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame, Decoder, Frame, Parsed
from sensors.records import Event, Quality
from sensors.units import ZERO_CELSIUS_K

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sensors.devices import Record

__all__ = ["COMMANDS", "Driver"]

COMMANDS = {
    "start_measurement": bytes.fromhex("7b4d080001ea457d"),
    "idle": bytes.fromhex("7b49080000ea4a7d"),
    "version": bytes.fromhex("7b5608000000277d"),
    "ping": bytes.fromhex("7b50080010001d7d"),
}
KINDS = {ord("M"): "measurement", ord("V"): "version", ord("I"): "idle", ord("P"): "ping"}
ONE_GAS, TWO_GASES = 16, 24  # bytes of a measurement
LARGEST = 128
UNSTATED = "gas"  # the frames do not tell which
LEAST_PPM, MOST_PPM = -1e3, 1e6  # noise around zero is kept; no air holds more than all of it


class _Decoder(SyncDecoder):
    """Braces occur inside numbers: framed by size, then the last byte, then the sum."""

    sync = b"{"
    longest = LARGEST

    def measure(self, head: bytearray) -> int | None:
        if len(head) > 1 and head[1] not in KINDS:
            raise BrokenFrame("format")
        if len(head) < 4:
            return None
        size = int.from_bytes(head[2:4], "little")
        if size % 8 or not 8 <= size <= LARGEST:
            raise BrokenFrame("length")
        if head[1] == ord("M") and size not in {8, ONE_GAS, TWO_GASES}:
            raise BrokenFrame("length")
        return size

    def parse(self, frame: bytes) -> Parsed | None:
        if frame[-1] != ord("}"):
            raise BrokenFrame("framing")
        if sum(frame[:-1]) & 0xFF:
            raise BrokenFrame("checksum")
        if frame in COMMANDS.values():
            return None  # an echo of what was sent
        kind, status = KINDS[frame[1]], int.from_bytes(frame[4:6], "little")
        if kind != "measurement":
            return kind, {"raw": {"status": status, "data": frame[6:-2].hex()}}
        if len(frame) < ONE_GAS:
            return None  # the start, acknowledged
        raw: dict[str, Any] = {"status": status, "gas1_ppm": _single(frame, 6)}
        ppm = raw["gas1_ppm"]
        si = {"gas1_mole_fraction": ppm * 1e-6 if LEAST_PPM <= ppm <= MOST_PPM else None}
        if len(frame) == TWO_GASES:
            raw |= {"gas2": _single(frame, 10), "temperature_c": _single(frame, 14)}
            si["temperature_K"] = raw["temperature_c"] + ZERO_CELSIUS_K
        return kind, {"raw": raw, "si": si}


def _single(frame: bytes, at: int) -> float:
    (value,) = struct.unpack_from("<f", frame, at)
    return float(value)


class Driver(Base):
    """Any status but 0 is a fault: the table of its bits is in the manual of each unit.

    The second number becomes a channel, as a fraction in ppm, only if the mission names two
    channels: what it is differs between units. The temperature is that of the cell and stays
    in the frame.
    """

    device = Device(
        title="Axetris LGD F200 / Compact (CH4, NH3, CO2, H2O, HCl, ...)",
        measures="one gas, as the model says [mole fraction]",
        wiring="RS-232 or UART 8N1, see the unit",
        baud=9600,
        other_bauds=(115_200,),
        warm_up_s=60.0,
        rate_hz=10.0,
        models=(UNSTATED, "ch4", "nh3", "co2", "h2o", "hcl"),
    )

    def decoder(self) -> Decoder:
        return _Decoder()

    def dialogue(self) -> Dialogue:
        start, version = "start_measurement", "version"
        return Dialogue(
            listen_s=3.0,
            heard_is_enough=True,
            opening=(
                Request(
                    name=start,
                    send=COMMANDS[start],
                    answers=lambda frame: frame.kind == "measurement",
                    timeout_s=2.0,
                ),
            ),
            identify=(
                Request(
                    name=version,
                    send=COMMANDS[version],
                    answers=lambda frame: frame.kind == "version",
                    timeout_s=1.0,
                ),
            ),
        )

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        raw = frame["raw"]
        letter = next(code for code, kind in KINDS.items() if kind == frame["kind"])
        if frame["kind"] != "measurement":
            body = bytes.fromhex(raw["data"])
        elif "gas2" in raw:
            body = struct.pack("<3f4x", raw["gas1_ppm"], raw["gas2"], raw["temperature_c"])
        else:
            body = struct.pack("<f4x", raw["gas1_ppm"])
        head = struct.pack("<BBHH", ord("{"), letter, len(body) + 8, raw.get("status", 0))
        return head + body + bytes([-sum(head + body) & 0xFF]) + b"}"

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        raw = frame.fields["raw"]
        if frame.kind == "version":
            text = _printable(bytes.fromhex(raw["data"]))
            return [Event(moment.time_ns, moment.source, "version", text, moment.time_sigma_s)]
        if frame.kind != "measurement":
            return []
        named = self.channels or (self.model,)
        values = [raw["gas1_ppm"]] + ([raw["gas2"]] if "gas2" in raw else [])
        # one name or two, one number or two: those that have both
        return [
            self._sample(moment, name, ppm, raw["status"])
            for name, ppm in zip(named, values, strict=False)
        ]

    def _sample(self, moment: Moment, name: str, ppm: float, status: int) -> Record:
        quality = self.warmth(moment)
        if status:
            quality |= Quality.FAULT
        if not math.isfinite(ppm):
            quality |= Quality.MISSING
        elif not LEAST_PPM <= ppm <= MOST_PPM:
            quality |= Quality.OUT_OF_RANGE
        return gas_sample(moment, name, ppm * 1e-6, "1", quality)


def _printable(data: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else " " for byte in data).strip()
