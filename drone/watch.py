"""What the ground hears of a flight: readings, alarms, texts, and how well it hears them."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from typing import TYPE_CHECKING

from drone.heard import Alarm, GasMessage, Reading, Said
from drone.watch_counts import Device, Sender
from drone.watch_names import ChannelNames
from firmware_bridge.tunnel import PAYLOAD_TYPE, SPECIES, UNITS, TunnelFlag, decode_batch
from sensors.framing import BrokenFrame
from sensors.records import Quality

if TYPE_CHECKING:
    from collections.abc import Callable

    from drone.heard import Heard
    from firmware_bridge.mavlink_frames import Packet
    from firmware_bridge.tunnel import Batch, Channel

__all__ = ["Watch"]

NS = 1_000_000_000
AUTOPILOT, NO_AUTOPILOT = 1, 8
GAS, STATUS = 1, 3  # kinds of a TUNNEL payload
NOBODY, GROUND_STATION = 0, 255
ARMED = 128
YEAR_2015_US = 1_420_070_400_000_000
RECENT_FRAMES, RECENT_BATCHES, MOST_TEXTS, MOST_DEVICES = 256, 512, 50, 256
VOID = Quality.MISSING | Quality.FAULT | Quality.OUT_OF_RANGE
# what a device says of all its channels, where none of them says it of itself
SHOWN_FLAGS = {
    TunnelFlag.WARMING_UP: Quality.WARMING_UP,
    TunnelFlag.SATURATED: Quality.SATURATED,
    TunnelFlag.FAULT: Quality.FAULT,
    TunnelFlag.BELOW_DETECTION: Quality(0),
    TunnelFlag.CLOCK_POOR: Quality(0),
    TunnelFlag.REPLAYED: Quality(0),
}
SHOWN_QUALITY = (
    Quality.WARMING_UP,
    Quality.SATURATED,
    Quality.FAULT,
    Quality.CLOCK_POOR,
    Quality.OUT_OF_RANGE,
    Quality.DISTURBED,
)


class Watch:
    """Knows the newest of everything one vehicle sends to the ground.

    Parameters
    ----------
    system : int, optional
        Of the vehicle; the first one heard unless given.
    wall_ns : callable
        UTC by this computer, for messages that tell no time.

    Attributes
    ----------
    system : int or None
    newest : dict
        By component, device and index: the newest message and its reading.
    alarms : dict
        By component, device and index: alarms that have begun and not ended.
    texts : deque of Said
        Newest first.
    heartbeat_ns : int or None
        Arrival of the autopilot's last.
    mode, is_armed : int, bool or None
    counters : Counter
        ``frames``, ``duplicates``, ``other_vehicles``, ``tunnels``, ``foreign`` (TUNNEL of other
        programs), ``broken`` (of ours, not as they should be), ``other_kinds``, ``repeated``.
    """

    def __init__(
        self, system: int | None = None, *, wall_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self.system = system
        self.newest: dict[tuple[int, int, int], tuple[GasMessage, Reading]] = {}
        self.alarms: dict[tuple[int, int, int], Alarm] = {}
        self.texts: deque[Said] = deque(maxlen=MOST_TEXTS)
        self.heartbeat_ns: int | None = None
        self.mode: int | None = None
        self.is_armed: bool | None = None
        self.counters: Counter[str] = Counter()
        self._wall_ns = wall_ns
        self._names = ChannelNames()
        self._sender = Sender()
        self._devices: dict[tuple[int, int], Device] = {}
        self._recent: deque[bytes] = deque(maxlen=RECENT_FRAMES)
        self._batches: deque[tuple[int, int, int, int]] = deque(maxlen=RECENT_BATCHES)
        self._utc_minus_boot_us: int | None = None
        self._pieces: dict[tuple[int, int], str] = {}

    @property
    def loss(self) -> float:
        """Share of the autopilot's frames that did not come, by their numbers; NaN before any."""
        one = self._sender
        return one.lost / (one.heard + one.lost) if one.heard else math.nan

    def missing(self, component: int, device: int) -> float:
        """Share of a device's messages that were not sent or did not come."""
        one = self._devices.get((component, device))
        return one.missing / (one.heard + one.missing) if one and one.heard else math.nan

    def rate_hz(self, component: int, device: int) -> float:
        """Messages a second of a device, over the last 32."""
        one = self._devices.get((component, device))
        times = one.heard_ns if one else deque[int]()
        took_ns = times[-1] - times[0] if len(times) > 1 else 0
        return (len(times) - 1) * NS / took_ns if took_ns > 0 else 0.0

    def take(self, packet: Packet, arrival_ns: int) -> list[Heard]:
        """What a packet says that is worth telling.

        Parameters
        ----------
        packet : Packet
        arrival_ns : int
            On the monotonic clock.
        """
        if not self._is_of_vehicle(packet):
            self.counters["other_vehicles"] += 1
            return []
        if packet.data in self._recent:
            self.counters["duplicates"] += 1
            return []
        self._recent.append(packet.data)
        self.counters["frames"] += 1
        if packet.component == AUTOPILOT:  # of others only a part is sent to the ground
            self._sender.count(packet.sequence)
        if packet.name == "TUNNEL":
            return self._tunnel(packet, arrival_ns)
        if packet.name == "NAMED_VALUE_FLOAT":
            told = packet.fields()
            self._names.note(told["name"], told["value"])
            return []
        if packet.name == "STATUSTEXT":
            return self._text(packet, arrival_ns)
        if packet.component == AUTOPILOT:
            self._vehicle(packet, arrival_ns)
        return []

    def _is_of_vehicle(self, packet: Packet) -> bool:
        if self.system is None and packet.system not in {NOBODY, GROUND_STATION}:
            is_vehicle = packet.component == AUTOPILOT and packet.name == "HEARTBEAT"
            is_ours = packet.name == "TUNNEL" and packet.fields()["payload_type"] == PAYLOAD_TYPE
            if (is_vehicle and packet.fields()["autopilot"] != NO_AUTOPILOT) or is_ours:
                self.system = packet.system
        return packet.system == self.system

    def _vehicle(self, packet: Packet, arrival_ns: int) -> None:
        if packet.name == "HEARTBEAT":
            told = packet.fields()
            self.heartbeat_ns = arrival_ns
            self.mode, self.is_armed = told["custom_mode"], bool(told["base_mode"] & ARMED)
        elif packet.name == "SYSTEM_TIME":
            told = packet.fields()
            if told["time_unix_usec"] > YEAR_2015_US:
                self._utc_minus_boot_us = told["time_unix_usec"] - told["time_boot_ms"] * 1000

    def _text(self, packet: Packet, arrival_ns: int) -> list[Heard]:
        told = packet.fields()
        text, part = told["text"], (packet.component, told.get("id", 0))
        if part[1]:  # a long text comes in pieces of 50 characters
            if told["chunk_seq"] > 0:
                text = self._pieces.pop(part, "") + text
            if len(told["text"].encode()) == 50:
                self._pieces = {part: text}
                return []
        said = Said(
            time_ns=self._wall_ns(),
            arrival_ns=arrival_ns,
            component=packet.component,
            severity=told["severity"],
            text=_printable(text),
        )
        self.texts.appendleft(said)
        return [said]

    def _tunnel(self, packet: Packet, arrival_ns: int) -> list[Heard]:
        self.counters["tunnels"] += 1
        batch = self._batch(packet)
        if isinstance(batch, str):
            self.counters[batch] += 1
            return []
        device = self._devices.setdefault((packet.component, batch.device), Device())
        is_late = device.count(batch, arrival_ns)
        if batch.kind not in {GAS, STATUS}:
            self.counters["other_kinds"] += 1
            return []
        message = self._message(batch, packet.component, arrival_ns)
        if batch.kind == STATUS:
            return [self._alarm(message, one) for one in message.readings]
        for one in message.readings if not is_late else ():
            self.newest[one.component, one.device, one.index] = message, one
        return [message]

    def _batch(self, packet: Packet) -> Batch | str:
        """What a TUNNEL holds, or what to count it as."""
        told = packet.fields()
        if told["payload_type"] != PAYLOAD_TYPE:
            return "foreign"
        try:
            batch = decode_batch(bytes(told["payload"][: told["payload_length"]]))
        except BrokenFrame:
            return "broken"
        place = (packet.component, batch.device)
        if len(self._devices) >= MOST_DEVICES and place not in self._devices:
            return "broken"  # no bridge has so many
        if not all(self._names.has_room(*place, one) for one in batch.channels):
            return "broken"
        key = (*place, batch.sequence, batch.time_us)
        if key in self._batches:
            return "repeated"
        self._batches.append(key)
        return batch

    def _alarm(self, message: GasMessage, reading: Reading) -> Alarm:
        alarm = Alarm(message=message, reading=reading, is_begin=reading.value != 0.0)
        place = (reading.component, reading.device, reading.index)
        if alarm.is_begin:
            self.alarms[place] = alarm
        else:
            self.alarms.pop(place, None)
        return alarm

    def _message(self, batch: Batch, component: int, arrival_ns: int) -> GasMessage:
        time_ns, is_dated = self._utc_ns(batch)
        return GasMessage(
            time_ns=time_ns,
            arrival_ns=arrival_ns,
            is_dated=is_dated,
            sequence=batch.sequence,
            latitude=batch.latitude,
            longitude=batch.longitude,
            altitude_amsl_m=batch.altitude_amsl_m,
            readings=tuple(self._reading(one, batch, component) for one in batch.channels),
        )

    def _utc_ns(self, batch: Batch) -> tuple[int, bool]:
        if batch.flags & TunnelFlag.UTC:
            return batch.time_us * 1000, True
        if self._utc_minus_boot_us is not None:
            return (batch.time_us + self._utc_minus_boot_us) * 1000, True
        return self._wall_ns(), False

    def _reading(self, channel: Channel, batch: Batch, component: int) -> Reading:
        quality, told = Quality(channel.quality), Quality(0)
        for one in batch.channels:
            told |= Quality(one.quality)
        names = [one.name for one in SHOWN_QUALITY if one & quality]
        of_all = [one for one, bit in SHOWN_FLAGS.items() if one & batch.flags and not bit & told]
        names += [one.name for one in of_all]
        is_void = bool(quality & VOID) or TunnelFlag.FAULT in of_all
        return Reading(
            component=component,
            device=batch.device,
            index=channel.index,
            channel=self._names.of(component, batch.device, channel),
            name=self._names.aboard(component, batch.device, channel),
            species=str(SPECIES.get(channel.species, channel.species)),
            value=math.nan if is_void or not math.isfinite(channel.value) else channel.value,
            sigma=channel.sigma,
            unit=str(UNITS.get(channel.unit, f"unit {channel.unit}")),
            flags=tuple(dict.fromkeys(name.lower() for name in names if name)),
        )


def _printable(text: str) -> str:
    """Without what could steer a terminal."""
    return "".join(one if one.isprintable() else "?" for one in text).strip()
