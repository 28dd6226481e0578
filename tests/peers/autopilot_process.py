"""A vehicle as a process of its own, written with pymavlink: tells, acknowledges, routes.

It does what an ArduCopter 4.6 was seen to do: message rates belong to a port and a request for
streams undoes them, heartbeats of a gimbal and an ADS-B receiver, letters before the first frame
of a booting port, no UTC before GPS, no wind in the first seconds, requests for time of its own,
and a ground station that never spoke hears nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import time

os.environ["MAVLINK20"] = "1"

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from tests.peers.autopilot_ports import Ports, Stations, address

QUAD, ARDUPILOT, ARMED, STABLE = 2, 3, 209, 4
GIMBAL, ADSB = (26, 154), (27, 156)  # type and component
OF_STREAMS = ("GLOBAL_POSITION_INT", "ATTITUDE", "SYSTEM_TIME", "WIND", "GPS_RAW_INT")
INTERVALS = {"HEARTBEAT": 1.0, "TIMESYNC": 3.0, "GIMBAL": 1.0, "ADSB": 1.0}
BANNER = b"\r\n\r\nInit ArduCopter V4.6.0\r\n\r\nFree RAM: 131071\r\n"


class Side:
    """One port: its own sequence numbers, rates and parser."""

    def __init__(self, vehicle, options, ports):
        self.vehicle, self.ports = vehicle, ports
        self.systems = set()  # heard here: what is addressed to others is not sent here
        self.mav = mavlink.MAVLink(None, srcSystem=1, srcComponent=1)
        self.mav.robust_parsing = True
        self.reader = mavlink.MAVLink(None)
        self.reader.robust_parsing = True
        for one in (self.mav, self.reader) if options.key else ():
            one.signing.secret_key = bytes.fromhex(options.key)
            one.signing.sign_outgoing = True
            one.signing.timestamp = int((time.time() - 1420070400) * 1e5)
            one.signing.allow_unsigned_callback = lambda *_: False
        self.begin()

    def begin(self):
        self.interval_s, self.due = dict(INTERVALS), {}

    def pack(self, message, component=1):
        self.mav.srcComponent = component
        frame = message.pack(self.mav, force_mavlink1=self.vehicle.old)
        self.mav.seq = (self.mav.seq + 1) % 256  # only its own send() does that
        return frame

    def named(self, name):
        made = self.vehicle.message(name)
        component = {"GIMBAL": GIMBAL[1], "ADSB": ADSB[1]}.get(name, 1)
        return self.pack(made, component) if made else b""

    def speak(self):
        now = time.monotonic()
        for name, interval_s in self.interval_s.items():
            if interval_s > 0 and now >= self.due.get(name, 0.0):
                self.due[name] = max(now, self.due.get(name, 0.0) + interval_s)
                self.ports.send(self.named(name))

    def answer(self, message):
        kind = message.get_type()
        if kind == "TIMESYNC" and message.tc1 == 0:
            boot_ns = int(self.vehicle.boot_s() * 1e9)
            return self.pack(self.mav.timesync_encode(boot_ns, message.ts1))
        if kind not in {"COMMAND_LONG", "REQUEST_DATA_STREAM"}:
            return b""
        if (message.target_system, message.target_component) != (1, 1):
            return b""
        if kind == "REQUEST_DATA_STREAM":
            rate = message.req_message_rate * message.start_stop
            self.interval_s |= dict.fromkeys(OF_STREAMS, 1.0 / rate if rate else 0.0)
            return b""
        result, extra = mavlink.MAV_RESULT_UNSUPPORTED, b""
        wanted = mavlink.mavlink_map.get(int(message.param1))
        name = wanted.msgname if wanted else ""
        if message.command == 511 and name in OF_STREAMS:
            self.interval_s[name] = message.param2 / 1e6
            result = mavlink.MAV_RESULT_ACCEPTED
        elif message.command == 512 and self.vehicle.message(name):
            result, extra = mavlink.MAV_RESULT_ACCEPTED, self.named(name)
        ack = self.mav.command_ack_encode(
            message.command, result, 0, 0, message.get_srcSystem(), message.get_srcComponent()
        )
        return self.pack(ack) + extra


class Vehicle:
    def __init__(self, options):
        self.old, self.options = options.mavlink1, options
        self.began = time.monotonic()
        self.reboot_after_s = options.reboot_after_s
        companion = Ports(options.companion_tcp, options.companion_udp, BANNER)
        ground = Stations(options.ground_tcp, options.ground, BANNER)
        if options.waits_for_ground:
            ground.wait_for_somebody()
            self.began = time.monotonic()
        self.companion, self.ground = (Side(self, options, one) for one in (companion, ground))

    def boot_s(self):
        return time.monotonic() - self.began

    def message(self, name):
        boot_ms, boot_us = int(self.boot_s() * 1000), int(self.boot_s() * 1e6)
        unix_us = int(time.time() * 1e6) if self.boot_s() > self.options.gps_after_s else 0
        wind = (-90.0, 5.0, 0.0) if self.boot_s() > 5.0 else (-180.0, 0.0, 0.0)
        m = mavlink
        made = {
            "HEARTBEAT": lambda: m.MAVLink_heartbeat_message(QUAD, ARDUPILOT, ARMED, 5, STABLE, 3),
            "GIMBAL": lambda: m.MAVLink_heartbeat_message(GIMBAL[0], 8, 0, 0, STABLE, 3),
            "ADSB": lambda: m.MAVLink_heartbeat_message(ADSB[0], 8, 0, 0, STABLE, 3),
            "GLOBAL_POSITION_INT": lambda: m.MAVLink_global_position_int_message(
                boot_ms, 523701200, 48952100, 61000, 60000, 300, -200, 0, 65535
            ),
            "ATTITUDE": lambda: m.MAVLink_attitude_message(boot_ms, 0.01, -0.02, 1.5, 0, 0, 0),
            "SYSTEM_TIME": lambda: m.MAVLink_system_time_message(unix_us, boot_ms),
            "TIMESYNC": lambda: m.MAVLink_timesync_message(0, boot_us * 1000),
            "WIND": lambda: m.MAVLink_wind_message(*wind),
            "GPS_RAW_INT": lambda: m.MAVLink_gps_raw_int_message(
                boot_us, 3, 523701200, 48952100, 61000, 90, 120, 360, 65535, 14
            ),
            "AUTOPILOT_VERSION": lambda: m.MAVLink_autopilot_version_message(
                8192 | 64, 0x040600FF, 0, 0, 0, [0] * 8, [0] * 8, [0] * 8, 0, 0, 7
            ),
        }.get(name)
        return made() if made else None

    def hear(self, side, other, data):
        for message in side.reader.parse_buffer(data) or []:
            kind = message.get_type()
            if kind.startswith(("BAD_DATA", "UNKNOWN")):
                continue
            target = tuple(getattr(message, f"target_{one}", 0) for one in ("system", "component"))
            side.systems.add(message.get_srcSystem())
            if target != (1, 1) and target[0] in {0, 1, *other.systems}:
                other.ports.send(bytes(message.get_msgbuf()))
            side.ports.send(side.answer(message))
            if side is self.companion:
                told = {
                    "name": kind,
                    "from": [message.get_srcSystem(), message.get_srcComponent()],
                    "command": getattr(message, "command", None),
                    "interval_s": side.interval_s,
                }
                print(json.dumps(told), flush=True)  # noqa: T201

    def run(self):
        sides = (self.companion, self.ground)
        while True:
            if self.reboot_after_s and self.boot_s() > self.reboot_after_s:
                self.began, self.reboot_after_s = time.monotonic(), 0
                for side in sides:
                    side.begin()
            for side, other in (sides, sides[::-1]):
                side.speak()
                for data in side.ports.receive(0.005):
                    self.hear(side, other, data)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--companion-tcp", type=int, default=0)
    parser.add_argument("--companion-udp", action="append", default=[], type=address)
    parser.add_argument("--ground-tcp", type=int, default=0)
    parser.add_argument("--ground", action="append", default=[], type=address)
    parser.add_argument("--waits-for-ground", action="store_true", help="as a simulated one does")
    parser.add_argument("--mavlink1", action="store_true")
    parser.add_argument("--key", default="")
    parser.add_argument("--gps-after-s", type=float, default=2.0)
    parser.add_argument("--reboot-after-s", type=float, default=0.0)
    Vehicle(parser.parse_args()).run()


if __name__ == "__main__":
    main()
