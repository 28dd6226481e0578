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

__all__ = ["Guess", "asked", "bauds", "guesses", "heard"]

CATCH_ALL = ("sfc_shdlc",)  # decodes what others decode better
CERTAIN_SHARE = 0.5  # of the bytes, in whole frames


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
    found.sort(key=lambda one: (one.name in CATCH_ALL, -one.share))
    return found


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
