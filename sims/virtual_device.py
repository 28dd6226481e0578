"""A device that is not there: it speaks a driver's protocol over a pseudo-terminal, faults too."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Any, Self

    from sensors.devices import Driver

__all__ = ["VirtualDevice"]

TICK_S = 0.005


class VirtualDevice:
    """Plays frames of a driver on a port of its own.

    Parameters
    ----------
    driver : Driver
        Whose `encode` makes the bytes.
    frames : iterable of dict
        What it tells, over and over, as `Frame.as_json` gives it.
    port : Path
        Name of the port, made here: a link that is pointed anew after `replug`.
    rate_hz : float
        Frames a second when it streams; 0 for a device that only answers.
    replies : dict of bytes to bytes, optional
        Answers to requests beside the driver's poll.
    echo : bool
        What is sent to it comes back first, as on a half-duplex line.
    """

    def __init__(
        self,
        driver: Driver,
        frames: Iterable[Mapping[str, Any]],
        port: Path,
        *,
        rate_hz: float = 10.0,
        replies: Mapping[bytes, bytes] | None = None,
        echo: bool = False,
    ) -> None:
        self.port = port
        self.requests: list[bytes] = []
        self.sent = 0
        self._frames = deque(driver.encode(frame) for frame in frames)
        poll = driver.dialogue().poll
        self._poll = poll.send if poll else None
        self._replies = dict(replies or {})
        self._rate_hz, self._echo = rate_hz, echo
        self._master = self._slave = -1
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._is_mute = False
        self._plug()
        self._thread = threading.Thread(target=self._run, name=f"virtual {port}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(timeout=5.0)
        self.unplug()

    def unplug(self) -> None:
        """Take the cable out: the port is gone."""
        with self._lock:
            for descriptor in (self._master, self._slave):
                with contextlib.suppress(OSError):
                    os.close(descriptor)
            self._master = self._slave = -1
            self.port.unlink(missing_ok=True)

    def replug(self) -> None:
        """Put it in again: another terminal behind the same name."""
        with self._lock:
            self._plug()

    def stop_mid_frame(self) -> None:
        """Send half of the next frame, and then nothing more."""
        self._is_mute = True
        self._write(self._frames[0][: len(self._frames[0]) // 2])

    def resume(self) -> None:
        """Speak again after `stop_mid_frame` or `mute`."""
        self._is_mute = False

    def mute(self) -> None:
        """Say nothing."""
        self._is_mute = True

    def noise(self, data: bytes) -> None:
        """Send bytes that are none of its frames."""
        self._write(data)

    def flood(self, seconds: float) -> None:
        """Send frames as fast as the port takes them."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._write(self._next() * 20)

    def _plug(self) -> None:
        import pty  # noqa: PLC0415 - there is none on Windows
        import tty  # noqa: PLC0415

        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(os.ttyname(self._slave))

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping.is_set():
            self._answer()
            now = time.monotonic()
            if self._rate_hz and now >= due and not self._is_mute:
                self._write(self._next())
                due = max(due + 1.0 / self._rate_hz, now - 1.0)
            time.sleep(TICK_S)

    def _next(self) -> bytes:
        self._frames.rotate(-1)
        self.sent += 1
        return self._frames[-1]

    def _answer(self) -> None:
        with self._lock:
            if self._master < 0:
                return
            ready, _, _ = select.select([self._master], [], [], 0)
            if not ready:
                return
            try:
                asked = os.read(self._master, 4096)
            except OSError:  # nobody has the port open
                return
        self.requests.append(asked)
        if self._echo:
            self._write(asked)
        if self._is_mute:
            return
        for request, answer in self._replies.items():
            if request in asked:
                self._write(answer)
        if self._poll is not None and self._poll in asked:
            self._write(self._next())

    def _write(self, data: bytes) -> None:
        with self._lock:
            if self._master < 0:
                return
            with contextlib.suppress(BlockingIOError, OSError):  # nobody reads, as on a real line
                os.write(self._master, data)
