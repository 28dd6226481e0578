"""Pergam Laser Falcon and LaserMethane mini: methane summed along a laser beam to the ground.

What it tells is a path integral [m], mole fraction times path, and no concentration at a point.
"""

from __future__ import annotations

import re
from functools import reduce
from operator import xor
from typing import TYPE_CHECKING

from sensors.decoders import SyncDecoder
from sensors.devices import Device, Dialogue, Moment, Request, gas_sample
from sensors.devices import Driver as Base
from sensors.framing import BrokenFrame, Decoder, Frame, Parsed
from sensors.records import Event, Quality

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sensors.devices import Record

__all__ = ["COMMANDS", "Driver"]

STX, ETX, ACK = 0x02, 0x03, 0x06
GOOD_STATUS = 1
SUBSAMPLES = 5
SUBSAMPLE_S = 0.1
LEAST_RETURN = 10.0  # first harmonic; engineering judgement, sound ground gives some 500
MOST_PPM_M = 50_000
_TEXT = re.compile(rb"\x02[\x20-\x7e]*")  # how a frame begins
_REPLY = re.compile(r"[A-Z]{3}:[A-Z]{3} .*;")
# every field has its width: an exclusive or of eight bits does not see two equal digits lost
_PPM_M, _HARMONIC = r"([\d-]\d{4});", r"([+-]\d\.\d{4}E[+-]\d\d);"
_READING = re.compile(r"ETC:FWD (\d{1,3});" + _PPM_M + "(.*)")
_SUBSAMPLE = re.compile(_PPM_M + _HARMONIC + _HARMONIC + r"(\d{10});")


def _framed(text: bytes) -> bytes:
    body = text + bytes([ETX])
    return bytes([STX]) + body + bytes([reduce(xor, body)])


COMMANDS = {
    "read": _framed(b"ETC:FWD ?;"),
    "version": _framed(b"ETC:VER ?;"),
    "settings": _framed(b"CMN:ALL ?;"),
    "ack_and_read": bytes([ACK]) + _framed(b"ETC:FWD ?;"),
}


class _Decoder(SyncDecoder):
    """Plain text up to ETX, then a checksum that may be any byte: it is read by its position."""

    sync = bytes([STX])
    longest = 400

    def measure(self, head: bytearray) -> int | None:
        begun = _TEXT.match(head)
        end = begun.end() if begun else 0
        if end >= self.longest - 1:
            raise BrokenFrame("length")
        if end == len(head):
            return None
        if head[end] != ETX:
            raise BrokenFrame("format")
        return end + 2

    def parse(self, frame: bytes) -> Parsed | None:
        if reduce(xor, frame[1:-1]) != frame[-1]:
            raise BrokenFrame("checksum")
        text = frame[1:-2].decode("ascii")
        if not _REPLY.fullmatch(text):
            raise BrokenFrame("format")
        if text.endswith(" ?;"):
            return None  # an echo of what was asked
        if not text.startswith("ETC:FWD"):
            return "reply", {"raw": {"text": text}}
        reading = _READING.fullmatch(text)
        parts = _SUBSAMPLE.findall(reading[3]) if reading else []
        if reading is None or "".join(_joined(part) for part in parts) != reading[3]:
            raise BrokenFrame("format")
        if len(parts) != SUBSAMPLES:
            raise BrokenFrame("format")
        sub = [
            {"ppm_m": int(ppm_m), "f1": float(f1), "f2": float(f2), "counter": int(counter)}
            for ppm_m, f1, f2, counter in parts
        ]
        column = int(reading[2])
        raw = {"status": int(reading[1]), "ppm_m": column, "sub": sub}
        si = {"column_mole_fraction_m": column * 1e-6}
        return "path_integral", {"species": "CH4", "raw": raw, "si": si}


def _joined(part: tuple[str, ...]) -> str:
    return "".join(f"{field};" for field in part)


class Driver(Base):
    """Asked twice a second; each answer holds five readings a tenth of a second apart.

    Each question acknowledges the answer before it. A first harmonic near nothing means that
    no light came back (water, or too high): that is no reading, not a clean path.
    Readings are timed by arrival: that the counter's steps are exactly 0.1 s is second-hand, and
    a clock 2 % off would do worse than the line's delay.
    """

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
        ask, version = "ack_and_read", "version"
        return Dialogue(
            identify=(
                Request(name=version, send=COMMANDS[version], answers=lambda f: f.kind == "reply"),
            ),
            poll=Request(name=ask, send=COMMANDS[ask], answers=lambda f: f.kind == "path_integral"),
            period_s=SUBSAMPLES * SUBSAMPLE_S,
        )

    def sample_delay_s(self, frame: Frame) -> float:
        """The value is the mean of readings that went on for half a second."""
        return SUBSAMPLES * SUBSAMPLE_S / 2 if frame.kind == "path_integral" else 0.0

    def encode(self, frame: Mapping[str, Any]) -> bytes:
        raw = frame["raw"]
        if frame["kind"] == "reply":
            return bytes([ACK]) + _framed(raw["text"].encode("ascii"))
        text = f"ETC:FWD {raw.get('status', GOOD_STATUS)};{raw['ppm_m']:05d};"
        for one in raw["sub"]:
            text += f"{one['ppm_m']:05d};{one['f1']:+.4E};{one['f2']:+.4E};{one['counter']:010d};"
        return bytes([ACK]) + _framed(text.encode("ascii"))

    def records(self, frame: Frame, moment: Moment) -> list[Record]:
        raw = frame.fields["raw"]
        if frame.kind == "reply":
            text = raw["text"]
            return [Event(moment.time_ns, moment.source, "version", text, moment.time_sigma_s)]
        quality = self.warmth(moment)
        if raw["status"] != GOOD_STATUS:
            quality |= Quality.FAULT
        if max(one["f1"] for one in raw["sub"]) < LEAST_RETURN:
            quality |= Quality.MISSING
        if raw["ppm_m"] >= MOST_PPM_M:
            quality |= Quality.SATURATED
        column = frame.fields["si"]["column_mole_fraction_m"]
        return [gas_sample(moment, "ch4_path", column, "m", quality)]
