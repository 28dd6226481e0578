"""What a recording holds, read with the mcap library alone; torn files as far as they go."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import zstandard
from mcap.exceptions import McapError
from mcap.records import Channel, Chunk, Message
from mcap.stream_reader import CRCValidationError, StreamReader, breakup_chunk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from mcap.records import McapRecord

# what the library raises where a file ends too soon or is damaged
TORN = (McapError, CRCValidationError, struct.error, zstandard.ZstdError)


def whole_records(file: BinaryIO, *, emit_chunks: bool = False) -> Iterator[McapRecord]:
    """Records in file order until the end, or until it is torn."""
    reader = StreamReader(file, emit_chunks=emit_chunks, validate_crcs=True)
    try:
        yield from reader.records
    except TORN:
        return


def messages_in(file: BinaryIO) -> dict[str, list[Message]]:
    """Messages of each topic in file order."""
    topics: dict[int, str] = {}
    found: dict[str, list[Message]] = {}
    for record in whole_records(file):
        if isinstance(record, Channel):
            topics[record.id] = record.topic
        elif isinstance(record, Message):
            found.setdefault(topics[record.channel_id], []).append(record)
    return found


def raw_in(paths: list[Path], source: str = "pid") -> list[bytes]:
    """Bytes of a source in all files, one entry a read."""
    found: list[bytes] = []
    for path in paths:
        with path.open("rb") as file:
            found += [one.data for one in messages_in(file).get(f"/raw/{source}", [])]
    return found


def numbered_in(paths: list[Path], source: str = "pid") -> set[tuple[int, bytes]]:
    """Number and bytes of each read of a source in all files."""
    found: set[tuple[int, bytes]] = set()
    for path in paths:
        with path.open("rb") as file:
            reads = messages_in(file).get(f"/raw/{source}", [])
        found |= {(one.sequence, one.data) for one in reads}
    return found


def chunks_in(file: BinaryIO) -> list[Chunk]:
    """Chunks, not unpacked."""
    return [one for one in whole_records(file, emit_chunks=True) if isinstance(one, Chunk)]


def events_in(paths: list[Path]) -> str:
    """What the recorder noted about itself."""
    found = b""
    for path in paths:
        with path.open("rb") as file:
            for message in messages_in(file).get("/records/recorder/event", []):
                found += message.data
    return found.decode()


def unpacked(chunk: Chunk) -> list[McapRecord]:
    """Records of a chunk.

    Raises
    ------
    *TORN
        It is damaged.
    """
    return breakup_chunk(chunk, validate_crc=True)
