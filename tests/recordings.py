"""Small recordings in as many chunks as a test wants, made of the recorder's own parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmware_bridge.recorder_channels import Channel, Channels
from firmware_bridge.recorder_chunk import Item, chunks
from firmware_bridge.recorder_disk import Disk
from firmware_bridge.recorder_file import Opening, RecordingFile
from firmware_bridge.recording import (
    ANCHOR,
    CLOCK,
    FORMAT,
    RECORDING,
    VERSION,
    data_of_message,
    messages_of_records,
)
from sensors.records import GasSample, PoseSample, Quality

if TYPE_CHECKING:
    from firmware_bridge.recording import Record

NS = 10**9
UTC_NS = 1_795_221_600 * NS  # at second 0 of a run
COMPANION_BEHIND_NS = 31_536_000 * NS + 250_000_000  # the companion's clock at that moment


class Run:
    """What is recorded in a run; times are seconds since its start."""

    def __init__(self, *, run: str = "one run", version: str = FORMAT) -> None:
        self._channels = Channels()
        self._items: list[Item] = []
        self._about = {ANCHOR: "0", VERSION: version, "run": run}

    def raw(self, source: str, time_s: float, data: bytes, peer: str = "") -> None:
        axis_ns = axis_of(time_s)
        self._add(self._channels.raw(source, peer), axis_ns, axis_ns, data)

    def record(
        self, source: str, time_s: float, *records: Record, arrival_s: float | None = None
    ) -> None:
        arrival_ns = axis_of(time_s if arrival_s is None else arrival_s)
        for kind, data in messages_of_records(records):
            self._add(self._channels.records(source, kind), arrival_ns, axis_of(time_s), data)

    def message(self, topic: str, time_s: float, told: dict[str, Any]) -> None:
        axis_ns = axis_of(time_s)
        self._add(self._channels.topic(topic), axis_ns, axis_ns, data_of_message(told))

    def clock(self, time_s: float, *, utc_s: float | None = None, sigma_s: float = 0.01) -> None:
        """By the vehicle, `utc_s` after second 0; None: by the companion, which knows nothing."""
        told = {"utc_ns": axis_of(time_s), "sigma_s": 86_400.0, "source": "host"}
        if utc_s is not None:
            utc_ns = UTC_NS + round(utc_s * NS)
            told = {"utc_ns": utc_ns, "sigma_s": sigma_s, "source": "vehicle"}
        self.message(CLOCK, time_s, {**told, "host_step_s": None})

    def write(
        self,
        path: Path,
        *,
        chunk_bytes: int = 256_000,
        is_finished: bool = True,
        items: Sequence[Item] | None = None,
    ) -> Path:
        opening = Opening(
            library="sniffdrone test",
            time_ns=axis_of(0.0),
            metadata=((RECORDING, self._about),),
            attachments=(("mission.toml", "application/toml", b"[mission]\n"),),
        )
        file = RecordingFile(path, opening, Disk())
        for chunk in chunks(self._items if items is None else items, most_bytes=chunk_bytes):
            file.append(chunk)
        file.sync()
        file.settle(file.mark())
        file.finish() if is_finished else file.abandon()
        return path

    def _add(self, channel: Channel, log_ns: int, axis_ns: int, data: bytes) -> None:
        self._items.append(Item(len(self._items), channel, 0, log_ns, axis_ns, data))


def axis_of(time_s: float) -> int:
    """A moment of a run on the recording axis."""
    return UTC_NS - COMPANION_BEHIND_NS + round(time_s * NS)


def gas(
    source: str, time_s: float, *values: float, quality: Sequence[Quality] = ()
) -> list[Record]:
    """A frame of channels a, b, c, ..., stamped as the companion then knew the time."""
    flags = quality or [Quality(0)] * len(values)
    return [
        GasSample(axis_of(time_s), source, "abcdefgh"[place], value, "V", flags[place], 86_400.0)
        for place, value in enumerate(values)
    ]


def pose(time_s: float, latitude: float = 52.0, longitude: float = 5.0) -> PoseSample:
    """Where the vehicle is, stamped as `gas`."""
    return PoseSample(
        axis_of(time_s), "autopilot", latitude, longitude, 10.0, 8.0, quality=Quality.CLOCK_POOR
    )


def short_run(seconds: int = 3) -> Run:
    """A sensor of two channels at 2 Hz, an autopilot, the clock known after the first second."""
    run = Run()
    for half in range(2 * seconds):
        time_s = half / 2
        run.raw("mox", time_s, b"line %d\r\n" % half)
        run.record("mox", time_s, *gas("mox", time_s, 1.0 + half / 7, -half / 3))
        run.record("autopilot", time_s, pose(time_s, 52.0 + half * 1e-5))
        if half % 2 == 0:
            run.clock(time_s, utc_s=time_s if half else None)
    return run
