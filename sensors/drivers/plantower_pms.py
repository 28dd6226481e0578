"""Plantower PMS3003, PMS5003, PMS7003, PMSA003, PMS5003ST: particles by laser scattering."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from sensors.decoders import SyncDecoder
from sensors.devices import Device, Dialogue, Moment, Request, gas_sample
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame, Decoder, Frame, Parsed
from sensors.records import EnvironmentSample, Quality
from sensors.units import ZERO_CELSIUS_K

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sensors.devices import Record

__all__ = ["COMMANDS", "Driver"]

SYNC = b"\x42\x4d"
MASSES = ("pm1_cf1", "pm2_5_cf1", "pm10_cf1", "pm1_atm", "pm2_5_atm", "pm10_atm")
COUNTS = ("n0_3", "n0_5", "n1_0", "n2_5", "n5_0", "n10")
AIR = ("hcho_ug_m3", "temperature_dc", "rh_permille")
# by the length field: what the words hold, and the words that are reserved before the last
LAYOUTS = {20: MASSES, 28: MASSES + COUNTS, 36: MASSES + COUNTS + AIR}
WORDS = {20: "9H", 28: "12H2B", 36: "13Hh2H2B"}
ACKNOWLEDGEMENT = 4  # length field of the answer to a command
FULL_SCALE_UG_M3 = 1000
FULL_SCALE_HCHO_UG_M3 = 2000
PER_M3 = 10_000  # counts are in 0.1 litre


def _summed(body: bytes) -> bytes:
    return body + struct.pack(">H", sum(body) & 0xFFFF)


COMMANDS = {
    "passive": _summed(SYNC + b"\xe1\x00\x00"),
    "active": _summed(SYNC + b"\xe1\x00\x01"),
    "read": _summed(SYNC + b"\xe2\x00\x00"),
    "sleep": _summed(SYNC + b"\xe4\x00\x00"),
    "wake": _summed(SYNC + b"\xe4\x00\x01"),
}


class _Decoder(SyncDecoder):
    sync = SYNC
    longest = 40

    def measure(self, head: bytearray) -> int | None:
        if len(head) < 4:
            return None
        length = int.from_bytes(head[2:4], "big")
        if length not in LAYOUTS and length != ACKNOWLEDGEMENT:
            raise BrokenFrame("length")
        return 4 + length

    def parse(self, frame: bytes) -> Parsed | None:
        if sum(frame[:-2]) != int.from_bytes(frame[-2:], "big"):
            raise BrokenFrame("checksum")
        length = len(frame) - 4
        if length == ACKNOWLEDGEMENT:
            return None
        words = struct.unpack(">" + WORDS[length], frame[4:-2])
        names = LAYOUTS[length]
        raw: dict[str, Any] = dict(zip(names, words[: len(names)], strict=True))
        if length != 20:  # the PMS3003 tells neither; its last words are reserved
            raw |= {"version": words[-2], "error_code": words[-1]}
        return "pm", {"raw": raw, "si": _si(raw)}


def _si(raw: dict[str, Any]) -> dict[str, float]:
    si = {f"{name}_kg_m3": raw[f"{name}_atm"] * 1e-9 for name in ("pm1", "pm2_5", "pm10")}
    if "n0_3" in raw:
        si["n0_3_per_m3"] = raw["n0_3"] * PER_M3
    if "hcho_ug_m3" in raw:
        si["hcho_kg_m3"] = raw["hcho_ug_m3"] * 1e-9
        si["temperature_K"] = raw["temperature_dc"] / 10 + ZERO_CELSIUS_K
        si["relative_humidity_fraction"] = raw["rh_permille"] / 1000
    return si


class Driver(Base):
    """Atmospheric values are used; those for "CF = 1" are kept in ``raw``."""

    device = Device(
        title="Plantower PMS3003 / PMS5003 / PMS7003 / PMSA003 / PMS5003ST",
        measures="particles PM1, PM2.5, PM10 [kg m-3]; the ST also HCHO, temperature, humidity",
        wiring="UART 3.3 V 8N1; supply 5 V",
        baud=9600,
        warm_up_s=30.0,
        rate_hz=1.0,
    )

    def decoder(self) -> Decoder:
        return _Decoder()

    def dialogue(self) -> Dialogue:
        return Dialogue(  # it streams from power-on, each 2.3 s at the slowest, unless told not to
            listen_s=5.0,
            heard_is_enough=True,
            opening=tuple(Request(name=name, send=COMMANDS[name]) for name in ("wake", "active")),
        )

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        raw = frame["raw"]
        length = 36 if "hcho_ug_m3" in raw else 28 if "n0_3" in raw else 20
        words = [raw[name] for name in LAYOUTS[length]]
        ending = [raw.get("version", 0), raw.get("error_code", 0)] if length != 20 else []
        reserved = struct.calcsize(">" + WORDS[length]) // 2 - len(words) - len(ending) // 2
        packed = struct.pack(">" + WORDS[length], *words, *[0] * reserved, *ending)
        return _summed(SYNC + struct.pack(">H", length) + packed)

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        raw, si = frame.fields["raw"], frame.fields["si"]
        quality = self.warmth(moment)
        is_idle = "n0_3" in raw and not any(raw[name] for name in MASSES + COUNTS)
        if raw.get("error_code") or is_idle:  # even clean air shows particles of 0.3 um
            quality |= Quality.FAULT
        found: list[Record] = []
        for name in ("pm1", "pm2_5", "pm10"):
            full = raw[f"{name}_atm"] >= FULL_SCALE_UG_M3
            flags = quality | Quality.SATURATED if full else quality
            found.append(gas_sample(moment, name, si[f"{name}_kg_m3"], "kg m-3", flags))
        if "hcho_ug_m3" in raw:
            full = raw["hcho_ug_m3"] >= FULL_SCALE_HCHO_UG_M3
            flags = quality | Quality.SATURATED if full else quality
            found.append(gas_sample(moment, "hcho", si["hcho_kg_m3"], "kg m-3", flags))
            found.append(
                EnvironmentSample(
                    moment.time_ns,
                    moment.source,
                    temperature=si["temperature_K"],
                    relative_humidity=si["relative_humidity_fraction"],
                    quality=self.warmth(moment),
                    time_sigma_s=moment.time_sigma_s,
                )
            )
        return found
