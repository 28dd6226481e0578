"""A first look at a recording: whose it is, how its time relates to UTC, what channels it has."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson
from mcap.opcode import Opcode

from firmware_bridge import recording
from firmware_bridge.formats._mcap_chunk import (
    MESSAGE_HEAD_BYTES,
    channel_of,
    inner_records,
    metadata_of,
    opened,
)
from firmware_bridge.formats._mcap_clock import ClockPair, RecordingTime
from firmware_bridge.formats._mcap_gas import channels_in
from firmware_bridge.formats._mcap_scan import HEAD_BYTES, Damage, parts
from firmware_bridge.logfile import ReadReport

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from mcap.records import Channel

__all__ = ["Survey", "survey", "survey_of_run"]

SAMPLED = 64  # places in a long file that are looked at
TRIES = 4  # chunks at each: a clock message comes once a second, a chunk twice
LARGEST_METADATA_BYTES = 1 << 20
MOST_PARTS = 16

_MESSAGE = struct.Struct("<HIQQ")


@dataclass
class Survey:
    """What a first look at a recording finds.

    Attributes
    ----------
    is_ours : bool
    version : str
        Of the layout, as the file says.
    run : str
        Identifies the run; its files share one time.
    pairs : list of ClockPair
    gas : dict of str to set of str
        Sources that have a gas channel of this name.
    frames : set
        Kinds of gas messages already looked at.
    channels : dict of int to Channel
        Those of the last chunk looked at; a chunk that another program wrote may not say all.
    """

    is_ours: bool = False
    version: str = ""
    run: str = ""
    pairs: list[ClockPair] = field(default_factory=list)
    gas: dict[str, set[str]] = field(default_factory=dict)
    frames: set[tuple[str, tuple[bytes, bytes]]] = field(default_factory=set)

    channels: dict[int, Channel] = field(default_factory=dict)

    def note_channel(self, content: bytes) -> None:
        """Take in a channel record."""
        channel = channel_of(content)
        if channel is not None:
            self.channels[channel.id] = channel
            self.is_ours |= channel.metadata.get(recording.ROLE) in recording.SCHEMAS

    def time(self) -> RecordingTime:
        """How its time relates to UTC."""
        return RecordingTime.from_pairs(self.pairs)


def survey(path: Path) -> Survey:
    """Look at the head of a recording and at chunks all over it.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Survey
    """
    found = Survey()
    chunks: list[tuple[int, int, bool]] = []
    for part in parts(ReadReport(path=path), Damage()):
        if part.opcode == Opcode.CHUNK:
            chunks.append((part.start, part.size, part.is_whole))
        elif part.opcode == Opcode.CHANNEL and part.is_whole:
            found.note_channel(bytes(part.content))
        elif part.opcode == Opcode.HEADER:
            found.is_ours |= bytes(part.content[4:]).startswith(recording.PROFILE.encode())
        elif part.opcode == Opcode.METADATA and part.size < LARGEST_METADATA_BYTES:
            _note_metadata(found, bytes(part.content))
    with path.open("rb") as stream:
        _sample(found, stream, chunks)
    return found


def survey_of_run(path: Path, own: Survey) -> Survey:
    """Survey of another file of the same run, beside this one, that knows UTC; else `own`.

    A run may have known the time only after its first file was full.
    """
    beside = sorted(path.parent.glob(f"*{recording.SUFFIX}"))[: MOST_PARTS if own.run else 0]
    for other in beside:
        if other.name != path.name and other.is_file() and _run_of(other) == own.run:
            found = survey(other)
            if found.time().is_sure:
                return found
    return own


def _run_of(path: Path) -> str:
    found = Survey()
    for part in parts(ReadReport(path=path, chunk_bytes=1 << 16), Damage()):
        if part.opcode == Opcode.METADATA and part.size < LARGEST_METADATA_BYTES:
            _note_metadata(found, bytes(part.content))
        if found.run or part.opcode == Opcode.CHUNK:
            break
    return found.run


def _note_metadata(found: Survey, content: bytes) -> None:
    record = metadata_of(content)
    if record is not None and record.name == recording.RECORDING:
        found.version = found.version or record.metadata.get(recording.VERSION, "")
        found.run = found.run or record.metadata.get("run", "")


def _sample(found: Survey, stream: BinaryIO, chunks: list[tuple[int, int, bool]]) -> None:
    """All chunks of a short file; of a long one some, evenly spaced, the first and the last too."""
    total = len(chunks)
    if total <= 2 * SAMPLED:
        for chunk in chunks:
            _look(found, stream, chunk)
        return
    steps = [number * (total - TRIES) // (SAMPLED - 1) for number in range(SAMPLED)]
    for first in steps:
        for chunk in chunks[first : first + TRIES]:
            if _look(found, stream, chunk):
                break


def _look(found: Survey, stream: BinaryIO, chunk: tuple[int, int, bool]) -> bool:
    """Whether a chunk tells the time."""
    start, size, is_whole = chunk
    stream.seek(start + HEAD_BYTES)
    data = opened(memoryview(stream.read(size - HEAD_BYTES)), is_whole=is_whole)
    if data is None:
        return False
    has_clock = False
    for opcode, begin, end in inner_records(data):
        if opcode == Opcode.CHANNEL:
            found.note_channel(data[begin:end])
        elif opcode == Opcode.MESSAGE and end - begin >= MESSAGE_HEAD_BYTES:
            number, _, _, axis_ns = _MESSAGE.unpack_from(data, begin)
            channel = found.channels.get(number)
            if channel is None:
                continue
            if channel.topic == recording.CLOCK:
                has_clock |= _note_time(found, axis_ns, data[begin + MESSAGE_HEAD_BYTES : end])
            elif channel.metadata.get(recording.ROLE) == "gas":
                source = channel.metadata.get(recording.SOURCE, "")
                for name in channels_in(
                    source, data[begin + MESSAGE_HEAD_BYTES : end], found.frames
                ):
                    found.gas.setdefault(name, set()).add(source)
    return has_clock


def _note_time(found: Survey, axis_ns: int, body: bytes) -> bool:
    told = _object(body)
    pair = ClockPair.of(axis_ns, told) if told else None
    if pair is not None:
        found.pairs.append(pair)
    return pair is not None


def _object(body: bytes) -> dict[str, object] | None:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return told if isinstance(told, dict) else None
