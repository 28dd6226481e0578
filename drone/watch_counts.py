"""How much of what was sent to the ground arrived, by the numbers that messages carry."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firmware_bridge.tunnel import Batch

__all__ = ["Device", "Sender"]

LATE = 128  # of 256: a sequence number this far ahead is one that came late
RESTARTED = 1000  # a batch number this much smaller is of a bridge that began anew


@dataclass(slots=True)
class Sender:
    """Frames of the autopilot: how many came, how many did not."""

    sequence: int | None = None
    heard: int = 0
    lost: int = 0

    def count(self, sequence: int) -> None:
        """Take in the number of a frame."""
        self.heard += 1
        if self.sequence is not None:
            missing = (sequence - self.sequence - 1) & 0xFF
            if missing >= LATE:
                self.lost -= self.lost > 0
                return
            self.lost += missing
        self.sequence = sequence


@dataclass(slots=True)
class Device:
    """Numbered messages of one device: how many came, how many were left out on the way."""

    newest: int = -1
    heard: int = 0
    missing: int = 0
    time_us: int = 0
    heard_ns: deque[int] = field(default_factory=lambda: deque(maxlen=32))

    def count(self, batch: Batch, arrival_ns: int) -> bool:
        """Count a message of a device; whether a newer one came before it."""
        self.heard += 1
        self.heard_ns.append(arrival_ns)
        step = batch.sequence - self.newest
        if self.newest >= 0 and -RESTARTED < step < 0 and batch.time_us < self.time_us:
            self.missing -= self.missing > 0
            return True
        if self.newest >= 0 and step > 0:
            self.missing += step - 1
        self.newest, self.time_us = batch.sequence, batch.time_us
        return False
