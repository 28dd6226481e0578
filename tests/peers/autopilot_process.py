"""A vehicle as a process of its own, made with pymavlink only, so that nothing of ours judges us.

Speaks to a companion and to ground stations, forwards between them as ArduPilot does, and prints
one line of JSON for every message the companion sent.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import time

os.environ["MAVLINK20"] = "1"

from pymavlink.dialects.v20 import ardupilotmega as mavlink

QUAD, ARDUPILOT, ARMED, STABLE = 2, 3, 209, 4


class Vehicle:
    def __init__(self, options):
        self.old = options.mavlink1
        self.began = time.monotonic()
        self.due = {"HEARTBEAT": 0.0}
        self.interval_s = {"HEARTBEAT": 1.0}
        self.reboot_after_s = options.reboot_after_s
        self.mav = self.maker(options)
        self.readers = {}
        self.options = options

    @staticmethod
    def maker(options):
        mav = mavlink.MAVLink(None, srcSystem=1, srcComponent=1)
        mav.robust_parsing = True
        if options.key:
            mav.signing.secret_key = bytes.fromhex(options.key)
            mav.signing.sign_outgoing = True
            mav.signing.timestamp = int((time.time() - 1420070400) * 1e5)
            mav.signing.allow_unsigned_callback = lambda *_: False
        return mav

    def boot_s(self):
        return time.monotonic() - self.began

    def pack(self, message):
        frame = message.pack(self.mav, force_mavlink1=self.old)
        self.mav.seq = (self.mav.seq + 1) % 256  # only its own send() does that
        return frame

    def reader(self, link):
        if link not in self.readers:
            self.readers[link] = self.maker(self.options)
        return self.readers[link]

    def message(self, name):
        boot_ms = int(self.boot_s() * 1000)
        m = self.mav
        made = {
            "HEARTBEAT": lambda: m.heartbeat_encode(QUAD, ARDUPILOT, ARMED, 5, STABLE),
            "GLOBAL_POSITION_INT": lambda: m.global_position_int_encode(
                boot_ms, 523701200, 48952100, 61000, 60000, 300, -200, 0, 65535
            ),
            "ATTITUDE": lambda: m.attitude_encode(boot_ms, 0.01, -0.02, 1.5, 0, 0, 0),
            "SYSTEM_TIME": lambda: m.system_time_encode(int(time.time() * 1e6), boot_ms),
            "WIND": lambda: m.wind_encode(-90.0, 5.0, 0.0),
            "GPS_RAW_INT": lambda: m.gps_raw_int_encode(
                boot_ms * 1000, 3, 523701200, 48952100, 61000, 90, 120, 360, 65535, 14
            ),
            "AUTOPILOT_VERSION": lambda: m.autopilot_version_encode(
                8192 | 64, 0x040600FF, 0, 0, 0, [0] * 8, [0] * 8, [0] * 8, 0, 0, 7
            ),
        }.get(name)
        return self.pack(made()) if made else b""

    def due_messages(self):
        if self.reboot_after_s and self.boot_s() > self.reboot_after_s:
            self.began, self.reboot_after_s = time.monotonic(), 0
            self.interval_s, self.due = {"HEARTBEAT": 1.0}, {"HEARTBEAT": 0.0}
        now = time.monotonic()
        for name, interval_s in self.interval_s.items():
            if now >= self.due.get(name, 0.0):
                self.due[name] = max(now, self.due.get(name, 0.0) + interval_s)
                yield self.message(name)

    def answer(self, message):
        kind = message.get_type()
        if kind == "TIMESYNC" and message.tc1 == 0:
            return self.pack(self.mav.timesync_encode(int(self.boot_s() * 1e9), message.ts1))
        if kind != "COMMAND_LONG" or (message.target_system, message.target_component) != (1, 1):
            return b""
        result, extra = mavlink.MAV_RESULT_UNSUPPORTED, b""
        wanted = mavlink.mavlink_map.get(int(message.param1))
        name = wanted.msgname if wanted else ""
        if message.command == 511 and (
            name in {"GLOBAL_POSITION_INT", "ATTITUDE", "SYSTEM_TIME", "WIND", "GPS_RAW_INT"}
        ):
            self.interval_s[name] = message.param2 / 1e6
            result = mavlink.MAV_RESULT_ACCEPTED
        elif message.command == 512 and self.message(name):
            result, extra = mavlink.MAV_RESULT_ACCEPTED, self.message(name)
        ack = self.mav.command_ack_encode(
            message.command, result, 0, 0, message.get_srcSystem(), message.get_srcComponent()
        )
        return self.pack(ack) + extra


class Links:
    """TCP server or UDP-out to the companion, UDP-out to each ground station."""

    def __init__(self, options):
        self.grounds = [address(text) for text in options.ground]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.companion_udp = [address(text) for text in options.companion_udp]
        self.server = None
        if options.companion_tcp:
            self.server = socket.create_server(("127.0.0.1", options.companion_tcp))
        self.streams = []

    def to_companion(self, data):
        for one in self.companion_udp:
            self.udp.sendto(data, one)
        for stream in list(self.streams):
            try:
                stream.sendall(data)
            except OSError:
                self.streams.remove(stream)

    def to_ground(self, data):
        for one in self.grounds:
            self.udp.sendto(data, one)

    def receive(self, timeout_s):
        sources = [self.udp, *self.streams, *([self.server] if self.server else [])]
        for source in select.select(sources, [], [], timeout_s)[0]:
            if source is self.server:
                self.streams.append(source.accept()[0])
                continue
            try:
                data, peer = source.recvfrom(65536)
            except ConnectionError:
                continue
            if source is self.udp:
                yield ("ground" if peer in self.grounds else "companion"), data
            elif data:
                yield "companion", data
            else:
                self.streams.remove(source)


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--companion-tcp", type=int, default=0)
    parser.add_argument("--companion-udp", action="append", default=[])
    parser.add_argument("--ground", action="append", default=[])
    parser.add_argument("--mavlink1", action="store_true")
    parser.add_argument("--key", default="")
    parser.add_argument("--reboot-after-s", type=float, default=0.0)
    options = parser.parse_args()
    vehicle, links = Vehicle(options), Links(options)
    while True:
        for data in vehicle.due_messages():
            links.to_companion(data)
            links.to_ground(data)
        for side, data in links.receive(0.01):
            for message in vehicle.reader(side).parse_buffer(data) or []:
                if message.get_type() in {"BAD_DATA", "UNKNOWN"}:
                    continue
                back, other = (
                    (links.to_companion, links.to_ground)
                    if side == "companion"
                    else (links.to_ground, links.to_companion)
                )
                other(bytes(message.get_msgbuf()))
                answer = vehicle.answer(message)
                if answer:
                    back(answer)
                if side == "companion":
                    told = {
                        "name": message.get_type(),
                        "from": [message.get_srcSystem(), message.get_srcComponent()],
                        "command": getattr(message, "command", None),
                    }
                    print(json.dumps(told), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
