"""The disk recordings go to: whether it takes them, how fast, and for how long."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from drone.doctor_findings import Finding
from firmware_bridge.recorder_disk import Disk, trouble

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from drone.doctor_findings import State

__all__ = ["disk_speed", "recorded_bytes_per_s", "room"]

PIECE_BYTES = 64 * 1024  # of a second or so of recording
PIECES = 48
LIMIT_S = 5.0
SLOW_SYNC_S = 0.5  # chunks are closed that often
SHORT_MINUTES, TOO_SHORT_MINUTES = 60.0, 15.0
# of a recording before compression, so that the true one is smaller
MESSAGE_BYTES, RECORD_BYTES, FRAME_BYTES = 60, 60, 180
HEALTH_BYTES_S = 2500.0
AUTOPILOT_BYTES_S = 12_000.0  # 100 messages a second, raw and as records


def disk_speed(folder: Path, stop: threading.Event, disk: Disk | None = None) -> Finding:
    """Write and fsync pieces as the recorder would, into a file that is gone afterwards."""
    disk = disk or Disk()
    place = _existing(folder)
    path = place / f".sniffdrone-doctor-{os.getpid()}"
    syncs: list[float] = []
    written = 0
    begun = time.monotonic()
    try:
        descriptor = disk.create(path)
        try:
            piece = os.urandom(PIECE_BYTES)
            while len(syncs) < PIECES and not stop.is_set():
                disk.write(descriptor, piece, written)
                written += len(piece)
                before = time.monotonic()
                disk.sync(descriptor)
                syncs.append(time.monotonic() - before)
                if time.monotonic() - begun > LIMIT_S:
                    break
        finally:
            disk.close(descriptor)
            with contextlib.suppress(OSError):
                path.unlink()
    except OSError as error:
        found, _, fix = trouble(error, place)[1].partition("; ")
        return Finding(area="disk", subject="writing", state="failure", found=found, fix=fix)
    if not syncs:
        return Finding(area="disk", subject="writing", state="not checked", found="interrupted")
    speed = written / (time.monotonic() - begun)
    worst = sorted(syncs)[min(len(syncs) - 1, int(0.99 * len(syncs)))]
    figures: dict[str, float | str] = {
        "write_bytes_per_s": round(speed),
        "fsync_p99_s": round(worst, 4),
        "fsyncs": len(syncs),
    }
    found = (
        f"{place}: {speed / 1e6:.1f} MB/s written and synced, fsync at most "
        f"{worst * 1e3:.1f} ms (99 % of {len(syncs)})"
    )
    is_slow = worst > SLOW_SYNC_S
    return Finding(
        area="disk",
        subject="writing",
        state="warning" if is_slow else "ok",
        found=found,
        fix="use a faster card (A1 or A2): a power cut could lose more than the last second"
        if is_slow
        else "",
        figures=figures,
    )


def room(folder: Path, bytes_per_s: float, disk: Disk | None = None) -> Finding:
    """Free space in minutes of this mission.

    Parameters
    ----------
    folder : Path
    bytes_per_s : float
        What is expected to be recorded.
    disk : Disk, optional
    """
    place = _existing(folder)
    try:
        free = (disk or Disk()).free_bytes(place)
    except OSError as error:
        found, _, fix = trouble(error, place)[1].partition("; ")
        return Finding(area="disk", subject="space", state="failure", found=found, fix=fix)
    minutes = free / bytes_per_s / 60.0
    state: State = "ok"
    if minutes < SHORT_MINUTES:
        state = "failure" if minutes < TOO_SHORT_MINUTES else "warning"
    return Finding(
        area="disk",
        subject="space",
        state=state,
        found=f"{free / 1e9:.2f} GB free, {_span(minutes)} of recording at "
        f"{bytes_per_s / 1e3:.1f} kB/s before compression",
        fix="" if state == "ok" else f"free some space on the disk of {place}",
        figures={
            "free_bytes": free,
            "minutes": round(minutes, 1),
            "bytes_per_s": round(bytes_per_s),
        },
    )


def recorded_bytes_per_s(
    raw_bytes_per_s: float, frames_per_s: float, records_per_s: float, *, vehicle: float | None
) -> float:
    """What a recording takes before compression [bytes/s].

    Parameters
    ----------
    raw_bytes_per_s, frames_per_s, records_per_s : float
        Of all devices together.
    vehicle : float or None
        Messages of the autopilot a second; None if it is not heard: then as of a usual one.
    """
    devices = raw_bytes_per_s + frames_per_s * (FRAME_BYTES + 2 * MESSAGE_BYTES)
    devices += records_per_s * RECORD_BYTES
    autopilot = AUTOPILOT_BYTES_S if vehicle is None else vehicle * (FRAME_BYTES + RECORD_BYTES)
    return devices + autopilot + HEALTH_BYTES_S


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def _span(minutes: float) -> str:
    """As people say it.

    Examples
    --------
    >>> _span(12.3), _span(600.0), _span(1e5)
    ('12 minutes', '10 hours', '69 days')
    """
    if minutes < 120.0:
        return f"{minutes:.0f} minutes"
    return f"{minutes / 60.0:.0f} hours" if minutes < 2880.0 else f"{minutes / 1440.0:.0f} days"
