"""A ground station for tests, and what a bridge tells it."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from drone.watch import Watch
from drone.watch_screen import drawn
from firmware_bridge.mavlink_frames import PacketDecoder
from firmware_bridge.tunnel import PAYLOAD_TYPE, Batch, Channel, TunnelFlag
from tests.mavlink_vehicle import FakeAutopilot

ROOT = Path(__file__).parents[2]
NS = 1_000_000_000
NOON_US = 1_790_000_000_000_000
PLACE = {"latitude": 52.1, "longitude": 5.12, "altitude_amsl_m": 61.0}
CH4 = Channel(index=0, species=1, unit=1, value=2.5, sigma=0.125)


class Ground:
    """A watch that hears frames at once; the bridge is component 191."""

    def __init__(self, system=None):
        self.watch = Watch(system, wall_ns=lambda: NOON_US * 1000)
        self.autopilot = FakeAutopilot()
        self.companion = FakeAutopilot(component=191)
        self.now_ns = 1000 * NS

    def hear(self, frame):
        heard = []
        for one in PacketDecoder().feed(frame, self.now_ns):
            heard += self.watch.take(one.fields["packet"], self.now_ns)
        return heard

    def tunnel(self, batch):
        return self.hear(tunnel_frame(self.companion, batch.encode()))

    def picture(self):
        console = Console(width=140, record=True, file=io.StringIO())
        console.print(drawn(self.watch, "udp:x", self.now_ns))
        return console.export_text()


def tunnel_frame(companion, payload, *, kind=PAYLOAD_TYPE, length=None):
    return companion.frame(
        "TUNNEL",
        target_system=255,
        payload_type=kind,
        payload_length=len(payload) if length is None else length,
        payload=list(payload),
    )


def gas(number, *channels, device=1, flags=TunnelFlag.UTC, **fields):
    time_us = NOON_US + number * 200_000
    return Batch(
        device=device,
        sequence=number,
        time_us=time_us,
        channels=channels or (CH4,),
        flags=flags,
        **(PLACE | fields),
    )
