"""What is plugged in? Bytes held against every decoder there is."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensors import plugins
from sensors.devices import FOLDER, driver_for
from sensors.framing import Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from firmware_bridge.link import SerialLink

__all__ = ["Doubt", "Guess", "asked", "bauds", "guesses", "heard", "likelihood"]

CATCH_ALL = ("sfc_shdlc",)  # decodes what others decode better
STANDARD = "nmea"  # what devices of several makers are set to
CERTAIN_SHARE = 0.5  # of the bytes, in whole frames
DOUBTED_AFTER_S = 5.0
DOUBTED_BYTES, JUDGED_BYTES = 40, 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """One device that the bytes may come from.

    Attributes
    ----------
    name : str
    frames, faults : int
    share : float
        Of the bytes that stand in its whole frames.
    """

    name: str
    frames: int
    faults: int
    share: float


def bauds() -> list[int]:
    """Baud rates of all devices, those that most are delivered with first."""
    votes: Counter[int] = Counter()
    for name in plugins.available(FOLDER):
        device = plugins.load(FOLDER, name).Driver.device
        votes[device.baud] += 10
        votes.update(device.other_bauds)
    return [baud for baud, _ in votes.most_common()]


def guesses(data: bytes) -> list[Guess]:
    """Devices whose frames are among these bytes, the likeliest first.

    Models of one device that the bytes cannot tell apart are all named.
    """
    found = []
    for name in plugins.available(FOLDER):
        device = plugins.load(FOLDER, name).Driver.device
        models = device.models if device.needs_model else ("",)
        for model in models:
            decoder = driver_for(name, model=model).decoder()
            took = [*decoder.feed(data), *decoder.flush()]
            frames = [one for one in took if isinstance(one, Frame)]
            if frames:
                found.append(
                    Guess(
                        name=f"{name}_{model}" if model else name,
                        frames=len(frames),
                        faults=len(took) - len(frames),
                        share=sum(one.length for one in frames) / len(data),
                    )
                )
    found.sort(key=likelihood)
    return found


def likelihood(guess: Guess) -> tuple[bool, float, bool]:
    """Sorts guesses, the likeliest first: of those alike, the one that is a standard."""
    return guess.name in CATCH_ALL, -guess.share, not guess.name.startswith(STANDARD)


class Doubt:
    """Whether a port has the device that is expected: judged by what comes while no frame does.

    Parameters
    ----------
    expected : str
        Name of the device.
    baud : int
    monotonic : callable
        Seconds.
    """

    def __init__(
        self, expected: str, baud: int, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._expected, self._baud, self._monotonic = expected, baud, monotonic
        self._newest = b""
        self._frames = 0
        self._since_s = monotonic()
        self._is_told = False

    def hear(self, data: bytes) -> None:
        """Take bytes as they were read; another thread may do so."""
        self._newest = (self._newest + data)[-JUDGED_BYTES:]

    def verdict(self, frames: int) -> str | None:
        """What the bytes seem to be, if there are enough of them without a frame; said once.

        Parameters
        ----------
        frames : int
            Of the expected device, so far.
        """
        now_s = self._monotonic()
        if frames > self._frames:
            self._frames, self._since_s, self._newest = frames, now_s, b""
            self._is_told = False
        is_long = now_s - self._since_s >= DOUBTED_AFTER_S
        if self._is_told or not is_long or len(self._newest) < DOUBTED_BYTES:
            return None
        self._is_told = True
        return self._seems(self._newest)

    def _seems(self, data: bytes) -> str:
        sure = [one for one in guesses(data) if one.share >= CERTAIN_SHARE]
        if sure:
            alike = [one.name for one in sure if one.share >= 0.9 * sure[0].share]
            return (
                f"this is no {self._expected}: {sure[0].frames} frames of {' or '.join(alike)}; "
                "are two devices swapped?"
            )
        return (
            f"{len(data)} bytes at {self._baud} baud and no frame of any device we know in them; "
            "another baud rate? sniffdrone identify tries all"
        )


def heard(link: SerialLink, seconds: float) -> bytes:
    """Bytes that come by themselves."""
    data = bytearray()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        chunk = link.read(0.05)
        if chunk is not None:
            data += chunk.data
    return bytes(data)


def asked(
    link: SerialLink,
    baud: int,
    *,
    seconds: float = 1.0,
    told: Callable[[str], None] = lambda _: None,
) -> Iterable[Guess]:
    """Devices that answer their own poll at this baud rate; nothing else is sent."""
    for name in plugins.available(FOLDER):
        device = plugins.load(FOLDER, name).Driver.device
        if baud not in (device.baud, *device.other_bauds):
            continue
        driver = driver_for(name, model=next(iter(device.models), ""))
        poll = driver.dialogue().poll
        if poll is None or not link.write(poll.send):
            continue
        told(name)
        data = heard(link, max(seconds, poll.timeout_s))
        yield from (one for one in guesses(data) if one.name.startswith(name))
