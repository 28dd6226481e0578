"""A vehicle on a real UDP socket: it speaks at the rates it is asked for, and has parameters."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from firmware_bridge.mavlink_frames import PacketDecoder
from tests.mavlink_vehicle import FakeAutopilot

GOOD_COPTER = {
    "SERIAL1_PROTOCOL": 2.0,
    "SERIAL1_BAUD": 921.0,
    "AHRS_EKF_TYPE": 3.0,
    "EK3_DRAG_BCOEF_X": 20.0,
    "EK3_DRAG_BCOEF_Y": 20.0,
    "EK3_DRAG_MCOEF": 0.2,
    "LOG_BACKEND_TYPE": 1.0,
}


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class SpeakingVehicle:
    """Speaks to a UDP port at the rates it was asked for, and answers; keeps what it was sent."""

    def __init__(self, port, parameters, *, slow=1.0, satellites=12, system=1):
        self.place, self.parameters, self.slow = ("127.0.0.1", port), parameters, slow
        self.vehicle = FakeAutopilot(system=system, boot_ns=time.monotonic_ns() - 10**11)
        self.satellites = satellites
        self.heard = []
        self._due = {"HEARTBEAT": [0.0, 1.0]}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _frame(self, name):
        now_ns, vehicle = time.monotonic_ns(), self.vehicle
        if name == "HEARTBEAT":
            return vehicle.heartbeat()
        if name == "GLOBAL_POSITION_INT":
            return vehicle.position(now_ns)
        if name == "SYSTEM_TIME":
            return vehicle.system_time(now_ns, time.time_ns() // 1000)
        if name == "ATTITUDE":
            return vehicle.frame("ATTITUDE", time_boot_ms=vehicle.boot_ms(now_ns))
        if name == "GPS_RAW_INT":
            fix = 3 if self.satellites else 1
            return vehicle.frame(
                "GPS_RAW_INT", fix_type=fix, lat=471234567, lon=85432100, eph=80,
                satellites_visible=self.satellites,
            )  # fmt: skip
        return b""

    def _answer(self, packet):
        fields = packet.fields()
        if packet.name == "PARAM_REQUEST_READ":
            name = fields["param_id"]
            if name not in self.parameters:
                return b""
            told = {"param_id": name, "param_value": self.parameters[name], "param_type": 9}
            return self.vehicle.frame("PARAM_VALUE", **told)
        if packet.name == "COMMAND_LONG" and fields["command"] == 511:
            for name, number in (("GLOBAL_POSITION_INT", 33), ("SYSTEM_TIME", 2),
                                 ("ATTITUDE", 30), ("GPS_RAW_INT", 24)):  # fmt: skip
                if fields["param1"] == number:
                    self._due[name] = [0.0, fields["param2"] * 1e-6 * self.slow]
        return self.vehicle.answer(packet, time.monotonic_ns())

    def _run(self):
        decoder = PacketDecoder()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.01)
            while not self._stop.is_set():
                now = time.monotonic()
                for name, entry in self._due.items():
                    if now >= entry[0]:
                        entry[0] = max(entry[0] + entry[1], now - 0.5)
                        sock.sendto(self._frame(name), self.place)
                with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                    for frame in decoder.feed(sock.recv(65536)):
                        packet = frame.fields["packet"]
                        self.heard.append(packet)
                        sock.sendto(self._answer(packet), self.place)
