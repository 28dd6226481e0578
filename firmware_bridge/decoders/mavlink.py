"""MAVLink as `decode` shows it: every message with its fields, those that are read also in SI."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from firmware_bridge.mavlink_frames import PacketDecoder, parse_frame
from firmware_bridge.mavlink_messages import in_si
from sensors.framing import Frame

if TYPE_CHECKING:
    from firmware_bridge.mavlink_frames import Packet
    from sensors.framing import Decoder, Fault, Parsed

__all__ = ["decoder", "described"]


def described(packet: Packet) -> dict[str, Any]:
    """Fields of a packet as golden_vectors.json spells them; JSON knows no NaN, so it is text."""
    raw = packet.fields()
    told: dict[str, Any] = {
        "msgid": packet.message_id,
        "sysid": packet.system,
        "compid": packet.component,
        "seq": packet.sequence,
        "raw": {name: _writable(value) for name, value in raw.items()},
    }
    si = in_si(packet.name, raw)
    if si is not None:
        told["si"] = si
    if packet.signature:
        told |= {
            "signed": True,
            "link_id": packet.link_id,
            "signature_timestamp_10us": packet.signed_at_10us,
        }
    return told


def _writable(value: Any) -> Any:
    if isinstance(value, list):
        return [_writable(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


class _Decoder(PacketDecoder):
    def parse(self, frame: bytes) -> Parsed | None:
        packet = parse_frame(frame)
        return packet.name, described(packet)

    def _take(self, length: int, parsed: Parsed | None) -> list[Frame | Fault]:
        found = super()._take(length, parsed)
        return [_measured(one) if one.kind == "TIMESYNC" else one for one in found]


def _measured(frame: Frame | Fault) -> Frame | Fault:
    """Round trip and offset of an answer, where the arrival is on the clock that asked."""
    raw = frame.fields["raw"] if isinstance(frame, Frame) else {}
    if not isinstance(frame, Frame) or not raw["tc1"] or not 0 < raw["ts1"] < frame.time_ns:
        return frame
    si = {
        "round_trip_ns": frame.time_ns - raw["ts1"],
        "offset_own_minus_autopilot_ns": (raw["ts1"] + frame.time_ns) // 2 - raw["tc1"],
    }
    return replace(frame, fields={**frame.fields, "si": si})


def decoder() -> Decoder:
    """A decoder that has seen nothing yet."""
    return _Decoder()
