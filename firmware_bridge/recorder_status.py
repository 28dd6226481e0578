"""How a recording stands, for people and for the program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RecorderStatus", "state_of"]

SLOW_S = 1.5  # behind by more than this the operator is told
NEARLY_FULL_MIN = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderStatus:
    """How the recording stands.

    Attributes
    ----------
    state : str
        ``"recording"``; ``"slow"``: recording, but the disk holds it up; ``"full"``,
        ``"read-only"``, ``"refused"``, ``"gone"``, ``"failing"``: not recording, what is handed
        over waits in memory; ``"closed"``; ``"broken"``: a fault of this program.
    text : str
        The same in one line, with what to do.
    news : str
        What last went wrong and is over, in one line; empty if nothing did.
    is_recording : bool
        Whether what is handed over reaches the disk.
    file : Path or None
        The file that is being written.
    bytes_written : int
        Safely on disk, in all files of this run.
    lost_messages, lost_bytes : int
        Given up because memory was full, or handed over after the end; bytes without what the
        file adds.
    queue_bytes : int
        Memory that waits to be written.
    free_bytes : int
        On the disk; 0 while not known.
    bytes_per_s : float
        What the disk took in the last minute.
    minutes_left : float
        Until the disk is full, at that rate; infinite while not known.
    behind_s : float
        Age of the oldest message that is not safely on disk.
    """

    state: str
    text: str
    news: str
    is_recording: bool
    file: Path | None
    bytes_written: int
    lost_messages: int
    lost_bytes: int
    queue_bytes: int
    free_bytes: int
    bytes_per_s: float
    minutes_left: float
    behind_s: float


def state_of(
    trouble: tuple[str, str] | None, *, place: Path, behind_s: float, minutes_left: float
) -> tuple[str, str]:
    """State and text of a recorder that runs.

    Parameters
    ----------
    trouble : tuple of str, or None
        What keeps it from recording: in a word, and in a line.
    place : Path
        The file, or the folder while there is none.
    behind_s, minutes_left : float
    """
    if trouble is not None:
        return trouble[0], f"{trouble[1]}; {behind_s:.0f} s of data wait in memory"
    if behind_s > SLOW_S:
        return "slow", f"{place}: the disk is slow, {behind_s:.1f} s not safe yet; replace it"
    if minutes_left < NEARLY_FULL_MIN:
        return "recording", f"{place}: {minutes_left:.0f} min of room left; free some space"
    return "recording", f"recording to {place}"
