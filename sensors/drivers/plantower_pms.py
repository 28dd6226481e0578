"""Plantower PMS3003, PMS5003, PMS7003, PMSA003: particles by laser scattering."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from sensors.decoders import SyncDecoder
from sensors.devices import Device, Dialogue, Moment
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame, Decoder, Frame, Parsed
from sensors.records import GasSample, Quality

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.devices import Record

__all__ = ["Driver"]

MASSES = ("pm1_cf1", "pm2_5_cf1", "pm10_cf1", "pm1_atm", "pm2_5_atm", "pm10_atm")
COUNTS = ("n0_3", "n0_5", "n1_0", "n2_5", "n5_0", "n10")
LENGTHS = {20: 9, 28: 13, 36: 17}  # bytes after the length field, and words before the sum
ACKNOWLEDGEMENT = 4  # length of the answer to a command
FULL_SCALE_UG_M3 = 1000
PER_M3 = 10_000  # counts are in 0.1 litre


class _Decoder(SyncDecoder):
    sync = b"\x42\x4d"
    longest = 40

    def measure(self, head: bytearray) -> int | None:
        if len(head) < 4:
            return None
        length = int.from_bytes(head[2:4], "big")
        if length not in LENGTHS and length != ACKNOWLEDGEMENT:
            raise BrokenFrame("length")
        return 4 + length

    def parse(self, frame: bytes) -> Parsed | None:
        if sum(frame[:-2]) != int.from_bytes(frame[-2:], "big"):
            raise BrokenFrame("checksum")
        length = len(frame) - 4
        if length == ACKNOWLEDGEMENT:
            return None
        words = struct.unpack(f">{LENGTHS[length]}H", frame[4:-2])
        raw: dict[str, Any] = dict(zip(MASSES, words[:6], strict=True))
        if length > 20:
            raw |= dict(zip(COUNTS, words[6:12], strict=True))
        raw |= {"version": words[-1] >> 8, "error_code": words[-1] & 0xFF}
        si = {f"{name}_kg_m3": raw[f"{name}_atm"] * 1e-9 for name in ("pm1", "pm2_5", "pm10")}
        if "n0_3" in raw:
            si["n0_3_per_m3"] = raw["n0_3"] * PER_M3
        return "pm", {"raw": raw, "si": si}


class Driver(Base):
    """Atmospheric values are used; those for "CF = 1" are kept in ``raw``."""

    device = Device(
        title="Plantower PMS5003 / PMS7003 / PMSA003",
        measures="particles: PM1, PM2.5, PM10 [kg m-3]",
        wiring="UART 3.3 V 8N1; supply 5 V",
        baud=9600,
        warm_up_s=30.0,
        rate_hz=1.0,
    )

    def decoder(self) -> Decoder:
        return _Decoder()

    def dialogue(self) -> Dialogue:
        return Dialogue()  # it streams by itself from power-on

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        raw = frame["raw"]
        words = [raw[name] for name in MASSES]
        words += [raw[name] for name in COUNTS if name in raw]
        spare = 1 if len(words) == 6 else 0
        words += [0] * (spare + (0 if "n0_3" in raw else 1))
        words = words[:8] if "n0_3" not in raw else words[:12]
        words.append(raw.get("version", 0) << 8 | raw.get("error_code", 0))
        body = b"\x42\x4d" + struct.pack(">H", 2 * len(words) + 2)
        body += struct.pack(f">{len(words)}H", *words)
        return body + struct.pack(">H", sum(body))

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        raw, si = frame.fields["raw"], frame.fields["si"]
        quality = Quality(0)
        if moment.heard_for_s < self.device.warm_up_s:
            quality |= Quality.WARMING_UP
        idle = "n0_3" in raw and not any(raw[name] for name in (*MASSES, *COUNTS))
        if raw["error_code"] or idle:
            quality |= Quality.FAULT
        samples: list[Record] = []
        for name in ("pm1", "pm2_5", "pm10"):
            full = raw[f"{name}_atm"] >= FULL_SCALE_UG_M3
            flags = quality | (Quality.SATURATED if full else Quality(0))
            value = float("nan") if quality & Quality.FAULT else si[f"{name}_kg_m3"]
            samples.append(
                GasSample(
                    moment.time_ns, moment.source, name, value, "kg m-3", flags, moment.time_sigma_s
                )
            )
        return samples
