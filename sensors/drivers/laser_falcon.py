"""Pergam Laser Falcon and LaserMethane mini: methane summed along a laser beam to the ground.

What it tells is a path integral [m], mole fraction times path, and no concentration at a point.
"""

from __future__ import annotations

import re
from functools import reduce
from operator import xor
from typing import TYPE_CHECKING, Any

from sensors.decoders import SyncDecoder
from sensors.devices import Device, Dialogue, Moment, Request, gas_sample
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame, Decoder, Frame, Parsed
from sensors.records import GOOD, Quality

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sensors.devices import Record

__all__ = ["COMMANDS", "Driver"]

STX, ETX, ACK = b"\x02", b"\x03", b"\x06"
GOOD_STATUS = 1
SUBSAMPLES = 5
LEAST_RETURN = 10.0  # first harmonic below which nothing came back: water, or too high
MOST_PPM_M = 50_000
_REPLY = re.compile(
    r"ETC:FWD (\d+);(\d{5});((?:\d{5};[+-][\d.]+E[+-]\d\d;[+-][\d.]+E[+-]\d\d;\d{10};){5})"
)


def _framed(text: bytes) -> bytes:
    return STX + text + ETX + bytes([reduce(xor, text + ETX)])


COMMANDS = {
    "ETC:FWD ?;": _framed(b"ETC:FWD ?;"),
    "ETC:VER ?;": _framed(b"ETC:VER ?;"),
    "CMN:ALL ?;": _framed(b"CMN:ALL ?;"),
    "ack + ETC:FWD ?;": ACK + _framed(b"ETC:FWD ?;"),
}


class _Decoder(SyncDecoder):
    """The checksum comes after ETX and may be any byte: it is read by its position."""

    sync = STX
    longest = 400

    def measure(self, head: bytearray) -> int | None:
        end = head.find(ETX, 0, self.longest - 1)
        if end >= 0:
            return end + 2
        if len(head) >= self.longest:
            raise BrokenFrame("length")
        return None

    def parse(self, frame: bytes) -> Parsed | None:
        if reduce(xor, frame[1:-1]) != frame[-1]:
            raise BrokenFrame("checksum")
        text = frame[1:-2].decode("latin-1")
        if frame in COMMANDS.values():
            return None  # an echo of what was sent
        if not text.startswith("ETC:FWD"):
            return "reply", {"raw": {"text": text}}
        match = _REPLY.fullmatch(text)
        if match is None:
            raise BrokenFrame("format")
        parts = match[3].split(";")
        sub = [
            {
                "ppm_m": int(parts[4 * k]),
                "f1": float(parts[4 * k + 1]),
                "f2": float(parts[4 * k + 2]),
                "counter": int(parts[4 * k + 3]),
            }
            for k in range(SUBSAMPLES)
        ]
        column = int(match[2])
        raw = {"status": int(match[1]), "ppm_m": column, "sub": sub}
        si = {"column_mole_fraction_m": column * 1e-6}
        return "path_integral", {"species": "CH4", "raw": raw, "si": si}


class Driver(Base):
    """Asked twice a second; each answer holds five readings a tenth of a second apart."""

    device = Device(
        title="Pergam Laser Falcon / LaserMethane mini",
        measures="methane along the beam [mole fraction x m]; not at a point",
        wiring="RS-232 8N1",
        baud=19_200,
        warm_up_s=10.0,
        rate_hz=2.0,
    )

    def decoder(self) -> Decoder:
        return _Decoder()

    def dialogue(self) -> Dialogue:
        read = Request(
            name="ETC:FWD ?;",
            send=COMMANDS["ack + ETC:FWD ?;"],
            answers=lambda frame: frame.kind == "path_integral",
        )
        version = Request(
            name="ETC:VER ?;", send=COMMANDS["ETC:VER ?;"], answers=lambda f: f.kind == "reply"
        )
        return Dialogue(opening=(version,), poll=read, period_s=0.5)

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        raw = frame["raw"]
        if frame["kind"] == "reply":
            return ACK + _framed(raw["text"].encode("latin-1"))
        text = f"ETC:FWD {raw.get('status', GOOD_STATUS)};{raw['ppm_m']:05d};"
        for one in raw["sub"]:
            text += f"{one['ppm_m']:05d};{one['f1']:+.4E};{one['f2']:+.4E};{one['counter']:010d};"
        return ACK + _framed(text.encode())

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        if frame.kind != "path_integral":
            return []
        raw = frame.fields["raw"]
        quality = self.warmth(moment)
        if raw["status"] != GOOD_STATUS:
            quality |= Quality.FAULT
        if max(one["f1"] for one in raw["sub"]) < LEAST_RETURN:
            quality |= Quality.MISSING
        quality |= Quality.SATURATED if raw["ppm_m"] >= MOST_PPM_M else GOOD
        value = frame.fields["si"]["column_mole_fraction_m"]
        return [gas_sample(moment, "ch4_path", value, "m", quality)]
