"""An autopilot that only speaks, and a bridge without a link, for the tests of the bridge."""

from __future__ import annotations

from firmware_bridge.clock import BridgeClock, HostClock
from firmware_bridge.mavlink_dialect import checksum, definition_of
from firmware_bridge.mavlink_frames import PacketDecoder, frame_bytes
from firmware_bridge.outlet import Outlet
from firmware_bridge.vehicle import Vehicle
from sensors.framing import Frame
from sensors.records import Event

NS = 1_000_000_000
NOON_US = 1_790_000_000_000_000


class FakeAutopilot:
    """Numbers its frames; its clock began at `boot_ns` of whoever asks."""

    def __init__(self, *, system=1, component=1, boot_ns=0, signer=None, vehicle=2, autopilot=3):
        self.system, self.component, self.signer = system, component, signer
        self.boot_ns, self.vehicle, self.autopilot = boot_ns, vehicle, autopilot
        self.sequence = 0

    def boot_ms(self, now_ns):
        return (now_ns - self.boot_ns) // 1_000_000

    def frame(self, name, **fields):
        made = frame_bytes(
            name,
            fields,
            sequence=self.sequence,
            system=self.system,
            component=self.component,
            is_signed=self.signer is not None,
        )
        self.sequence = (self.sequence + 1) & 0xFF
        return self.signer.sign(made) if self.signer else made

    def raw(self, name, payload):
        """A frame of any payload."""
        message = definition_of(name)
        payload = payload[: message.layout.size]
        head = [len(payload), 0, 0, self.sequence, self.system, self.component]
        body = bytes(head) + message.message_id.to_bytes(3, "little") + payload
        self.sequence = (self.sequence + 1) & 0xFF
        check = checksum(body + bytes([message.checksum_seed]))
        return b"\xfd" + body + check.to_bytes(2, "little")

    def heartbeat(self, *, armed=False, **fields):
        told = {"type": self.vehicle, "autopilot": self.autopilot, "system_status": 4}
        return self.frame("HEARTBEAT", **told, base_mode=209 if armed else 81, **fields)

    def position(self, now_ns, **fields):
        told = {"lat": 471234567, "lon": 85432100, "alt": 523400, "relative_alt": 60500}
        told |= {"hdg": 65535, "time_boot_ms": self.boot_ms(now_ns)}
        return self.frame("GLOBAL_POSITION_INT", **(told | fields))

    def system_time(self, now_ns, unix_us=None):
        utc_us = NOON_US + now_ns // 1000 if unix_us is None else unix_us
        return self.frame("SYSTEM_TIME", time_unix_usec=utc_us, time_boot_ms=self.boot_ms(now_ns))

    def answer(self, packet, now_ns):
        """What an autopilot says to a request of ours; empty where it says nothing."""
        fields = packet.fields()
        if packet.name == "TIMESYNC" and fields["tc1"] == 0:
            return self.frame("TIMESYNC", tc1=now_ns - self.boot_ns, ts1=fields["ts1"])
        if packet.name == "COMMAND_LONG":
            return self.frame(
                "COMMAND_ACK",
                command=fields["command"],
                result=0,
                target_system=packet.system,
                target_component=packet.component,
            )
        return b""


class Bridge:
    """A vehicle without a link: bytes in, bytes out, time by hand."""

    def __init__(self, *, signer=None, system=1):
        self.now_ns = 1000 * NS
        self.sent = []
        self.clock = BridgeClock(
            HostClock(wall_ns=lambda: 0, monotonic_ns=lambda: self.now_ns, synchronised=bool)
        )
        outlet = Outlet(self.write, system=system, budget_bytes_s=100_000, signer=signer)
        self.vehicle = Vehicle(outlet=outlet, clock=self.clock, signer=signer)
        self.decoder = PacketDecoder()

    def write(self, frame):
        self.sent.append(frame)
        return True

    def hear(self, data, *, peer="", delay_ns=2_000_000):
        found = []
        for frame in self.decoder.feed(data, self.now_ns) + self.decoder.flush():
            if isinstance(frame, Frame):
                packet = frame.fields["packet"]
                found += self.vehicle.take(packet, self.now_ns + delay_ns, peer)
        return found

    def said(self, name=None):
        """Packets sent since the last call."""
        data = b"".join(self.sent)
        self.sent.clear()
        packets = [frame.fields["packet"] for frame in PacketDecoder().feed(data)]
        return [one for one in packets if name in {None, one.name}]

    def run(self, autopilot, seconds, *, answers=True, hz=10):
        """Fly on: heartbeat and time each second, position ten times, answers to requests."""
        found = []
        for tick in range(round(seconds * hz)):
            self.now_ns += NS // hz
            if tick % hz == 0:
                found += self.hear(autopilot.heartbeat() + autopilot.system_time(self.now_ns))
            found += self.hear(autopilot.position(self.now_ns))
            found += self.vehicle.step(self.now_ns)
            for packet in self.said() if answers else ():
                found += self.hear(autopilot.answer(packet, self.now_ns + 1_000_000))
        return found

    @property
    def refused(self):
        return self.vehicle.gate.counters


def kinds(records):
    return [one.kind for one in records if isinstance(one, Event)]
