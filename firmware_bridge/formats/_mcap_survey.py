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
from firmware_bridge.formats._mcap_summary import summary_of
from firmware_bridge.logfile import CHUNK_BYTES, ReadReport

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from mcap.records import Channel

__all__ = ["Survey", "survey", "survey_of_run"]

SAMPLED = 32  # places in a long file that are looked at
TRIES = 4  # chunks at each: a clock message comes once a second, a chunk twice
LARGEST_METADATA_BYTES = 1 << 20
MOST_PARTS = 16
HEAD_CHUNK_BYTES = 1 << 16

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

    def note_chunk(self, data: bytes) -> bool:
        """Take in the content of a chunk; whether it tells the time."""
        has_clock = False
        for opcode, begin, end in inner_records(data):
            if opcode == Opcode.CHANNEL:
                self.note_channel(data[begin:end])
            elif opcode == Opcode.MESSAGE and end - begin >= MESSAGE_HEAD_BYTES:
                number, _, _, axis_ns = _MESSAGE.unpack_from(data, begin)
                channel = self.channels.get(number)
                if channel is None:
                    continue
                if channel.topic == recording.CLOCK:
                    has_clock |= _note_time(self, axis_ns, data[begin + MESSAGE_HEAD_BYTES : end])
                elif channel.metadata.get(recording.ROLE) == "gas":
                    source = channel.metadata.get(recording.SOURCE, "")
                    for name in channels_in(
                        source, data[begin + MESSAGE_HEAD_BYTES : end], self.frames
                    ):
                        self.gas.setdefault(name, set()).add(source)
        return has_clock

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
    with path.open("rb") as stream:
        summary = summary_of(stream)
        if summary is not None:
            for content in summary.channels:
                found.note_channel(content)
            _note_parts(found, path, up_to_chunks=True)
            if _sample(found, stream, [(*place, True) for place in summary.chunks]):
                return found
        found = Survey()
        _sample(found, stream, _note_parts(found, path))
    return found


def _note_parts(
    found: Survey, path: Path, *, up_to_chunks: bool = False
) -> list[tuple[int, int, bool]]:
    """Take in what is outside of chunks; where chunks are, how long, and whether to the end."""
    chunks: list[tuple[int, int, bool]] = []
    report = ReadReport(path=path, chunk_bytes=HEAD_CHUNK_BYTES if up_to_chunks else CHUNK_BYTES)
    for part in parts(report, Damage()):
        if part.opcode == Opcode.CHUNK:
            chunks.append((part.start, part.size, part.is_whole))
            if up_to_chunks:
                break
        elif part.opcode == Opcode.CHANNEL and part.is_whole:
            found.note_channel(bytes(part.content))
        elif part.opcode == Opcode.HEADER:
            found.is_ours |= bytes(part.content[4:]).startswith(recording.PROFILE.encode())
        elif part.opcode == Opcode.METADATA and part.size < LARGEST_METADATA_BYTES:
            _note_metadata(found, bytes(part.content))
    return chunks


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
    _note_parts(found, path, up_to_chunks=True)
    return found.run


def _note_metadata(found: Survey, content: bytes) -> None:
    record = metadata_of(content)
    if record is not None and record.name == recording.RECORDING:
        found.version = found.version or record.metadata.get(recording.VERSION, "")
        found.run = found.run or record.metadata.get("run", "")


def _sample(found: Survey, stream: BinaryIO, chunks: list[tuple[int, int, bool]]) -> bool:
    """Look at all chunks of a short file; of a long one some, the first and the last too.

    At all of a long one too if GNSS did not tell the time in any of these: it may have for a
    moment, or the companion's clock may have been set. False if there were none to be read.
    """
    total = len(chunks)
    if total > 2 * SAMPLED:
        for number in range(SAMPLED):
            first = number * (total - TRIES) // (SAMPLED - 1)
            for chunk in chunks[first : first + TRIES]:
                if _look(found, stream, chunk):
                    break
        if any(pair.is_vehicle for pair in found.pairs):
            return True
    for chunk in chunks:
        _look(found, stream, chunk)
    return bool(found.pairs)


def _look(found: Survey, stream: BinaryIO, chunk: tuple[int, int, bool]) -> bool:
    """Whether a chunk tells the time."""
    start, size, is_whole = chunk
    stream.seek(start + HEAD_BYTES)
    data = opened(memoryview(stream.read(size - HEAD_BYTES)), is_whole=is_whole)
    if data is None:
        return False
    return found.note_chunk(data)


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
