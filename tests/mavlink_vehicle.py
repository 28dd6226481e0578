"""An autopilot that only speaks: frames as one would send them, for the tests of the bridge."""

from __future__ import annotations

from firmware_bridge.mavlink_frames import frame_bytes

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
