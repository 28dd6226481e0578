"""How fast a recording can be played again: ``python -m benchmarks.replaying``.

Ten minutes of eight devices at 20 Hz and 200 MAVLink messages a second, played as fast as readers
take it: a thread on every pseudo-terminal, and one on the UDP port.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import socket
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.tables import markdown
from drone.replaying import pieces_of
from firmware_bridge.recorder import Recorder
from sims.replay import Datagrams, ReplayPort, replay

DEVICES, DEVICE_HZ, MESSAGE_HZ, MINUTES = 8, 20, 200, 10.0
FRAME, MESSAGE = bytes(range(1, 57)) + b"\0", bytes(40)
NS = 1_000_000_000


def recorded(folder: Path) -> Path:
    """The recording."""
    with Recorder(folder, name="load", anchor_ns=0, queue_bytes=512_000_000) as recorder:
        for tick in range(int(MINUTES * 60 * MESSAGE_HZ)):
            now_ns = tick * NS // MESSAGE_HZ
            recorder.raw("autopilot", MESSAGE, now_ns, peer="127.0.0.1:5")
            if tick % (MESSAGE_HZ // DEVICE_HZ) == 0:
                for device in range(DEVICES):
                    recorder.raw(str(device), FRAME, now_ns)
    return recorder.files[0]


def drain(handle: int, stop: threading.Event, count: list[int]) -> None:
    while not stop.is_set():
        if select.select([handle], [], [], 0.05)[0]:
            with contextlib.suppress(OSError):
                count[0] += len(os.read(handle, 65_536))


def section() -> str:
    """The table."""
    stop, count = threading.Event(), [0]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        path = recorded(folder / "recordings")
        ports = {
            str(device): stack.enter_context(ReplayPort(folder / str(device)))
            for device in range(DEVICES)
        }
        bridge = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        bridge.bind(("127.0.0.1", 0))
        handles = [os.open(port.name, os.O_RDONLY | os.O_NOCTTY) for port in ports.values()]
        readers = [
            threading.Thread(target=drain, args=(handle, stop, count))
            for handle in [*handles, bridge.fileno()]
        ]
        for reader in readers:
            reader.start()
        datagrams = stack.enter_context(Datagrams(*bridge.getsockname()))
        begin = time.monotonic()
        outcome = replay(pieces_of([path], warn=print), ports, datagrams, speed=math.inf)
        took_s = time.monotonic() - begin
        stop.set()
        for reader in readers:
            reader.join()
        for handle in handles:
            os.close(handle)
    rows = [
        ["times real time", f"{outcome.recorded_s / took_s:.0f}", "50"],
        ["pieces a second", f"{outcome.pieces / took_s:,.0f}", "-"],
        ["bytes nobody took", str(outcome.dropped_bytes), "0"],
    ]
    note = (
        f"{MINUTES:g} minutes of {DEVICES} devices at {DEVICE_HZ} Hz and {MESSAGE_HZ} MAVLink "
        "messages a second, as fast as a thread on every port takes them."
    )
    return "\n\n".join(["## Replay", markdown(("what", "measured", "asked"), rows), note])


if __name__ == "__main__":
    print(section())
