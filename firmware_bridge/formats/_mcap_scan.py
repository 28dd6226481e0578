"""An MCAP file record by record, torn or damaged: what is whole, where it is cut, what is lost.

The format is that of https://mcap.dev/spec. A record is believed when the lengths inside it add up
to its own; after one that is not, the next that is believed is looked for.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from mcap.opcode import Opcode

from firmware_bridge.logfile import SlidingWindow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from firmware_bridge.logfile import ReadReport

__all__ = ["MAGIC", "MAGIC_PART", "Damage", "Part", "parts"]

MAGIC = b"\x89MCAP0\r\n"
MAGIC_PART = 0  # stands for `MAGIC` where an opcode would
LARGEST_BYTES = 64 << 20  # of a record: ours are of 256 kB, other writers' of a few MB
LARGEST_UNKNOWN_BYTES = 1 << 20
HEAD_BYTES = 9  # opcode and length
FIRST_PRIVATE = 0x80

_HEAD = struct.Struct("<BQ")
_INDEX = struct.Struct("<BQHI")
_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")

# what a record is made of: so many bytes, "short" and "long" are preceded by their length in 4 or 8
_Item = int | Literal["short", "long"]
_LAYOUTS: dict[int, tuple[_Item, ...]] = {
    Opcode.HEADER: ("short", "short"),
    Opcode.FOOTER: (20,),
    Opcode.SCHEMA: (2, "short", "short", "short"),
    Opcode.CHANNEL: (4, "short", "short", "short"),
    Opcode.CHUNK: (28, "short", "long"),
    Opcode.MESSAGE_INDEX: (2, "short"),
    Opcode.CHUNK_INDEX: (32, "short", 8, "short", 16),
    Opcode.ATTACHMENT: (16, "short", "short", "long", 4),
    Opcode.ATTACHMENT_INDEX: (40, "short", "short"),
    Opcode.STATISTICS: (42, "short"),
    Opcode.METADATA: ("short", "short"),
    Opcode.METADATA_INDEX: (16, "short"),
    Opcode.SUMMARY_OFFSET: (17,),
    Opcode.DATA_END: (4,),
}
_IS_KNOWN = np.isin(np.arange(256), list(_LAYOUTS))


class Part(NamedTuple):
    """One record at the top level of a file.

    Attributes
    ----------
    opcode : int
        `MAGIC_PART` for the bytes that begin and end a file.
    start, size : int
        Its place in the file and its bytes there, opcode and length included.
    content : memoryview
        What follows the length; valid until the next part is asked for. Of message indexes, which
        come in rows, all of the row, from the opcode of the first on.
    is_whole : bool
        The file goes on to the end of the record.
    """

    opcode: int
    start: int
    size: int
    content: memoryview
    is_whole: bool = True


@dataclass
class Damage:
    """What is wrong with a file as a whole.

    Attributes
    ----------
    lost : list of (int, int)
        First byte and byte after the last of what belongs to no record.
    cut_at : int or None
        Where the last whole record ends, if the file was not finished.
    """

    lost: list[tuple[int, int]] = field(default_factory=list)
    cut_at: int | None = None

    @property
    def lost_bytes(self) -> int:
        """How many bytes belong to no record."""
        return sum(end - start for start, end in self.lost)


def parts(report: ReadReport, damage: Damage) -> Iterator[Part]:
    """Records of a file in order, in bounded memory.

    Parameters
    ----------
    report : ReadReport
        Names the file and the size of the window; is told how far reading has come.
    damage : Damage
        Filled while reading.

    Yields
    ------
    Part
        The last one may not be whole. Messages outside a chunk have no checksum and are damage.
    """
    with SlidingWindow(report) as window:
        at, ended_at, ends_with = 0, 0, -1
        while True:
            view = memoryview(window.data.data)
            verdict, size = _look(view, at, is_last=window.is_last)
            start = window.start + at
            if verdict == "more":
                window.advance(at)
                at = 0
            elif verdict == "whole":
                ends_with = MAGIC_PART if view[at : at + len(MAGIC)] == MAGIC else view[at]
                head = HEAD_BYTES if ends_with else 0
                if ends_with == Opcode.MESSAGE_INDEX:
                    size, head = _row_of_indexes(view, at), 0
                yield Part(ends_with, start, size, view[at + head : at + size])
                at += size
                ended_at = start + size
            elif verdict == "bad":
                ends_with = -1
                at = _next_record(window, at)
                end = window.start + at
                if at == len(window.data) and _is_all_zeros(report, start):
                    damage.cut_at = ended_at  # zeros: what a power cut leaves of the last sectors
                    window.advance(at)
                    return
                damage.lost.append((start, end))
            else:
                if verdict == "cut" and size > HEAD_BYTES:
                    content = view[at + HEAD_BYTES :]
                    yield Part(view[at], start, size, content, is_whole=False)
                if verdict == "cut" or ends_with != MAGIC_PART or ended_at == len(MAGIC):
                    damage.cut_at = ended_at
                window.advance(len(view))
                return


def _row_of_indexes(view: memoryview, at: int) -> int:
    """Bytes of the message indexes that follow each other from a place on."""
    start, total = at, len(view)
    while at + _INDEX.size <= total:
        opcode, length, _, entries_bytes = _INDEX.unpack_from(view, at)
        end = at + HEAD_BYTES + length
        if opcode != Opcode.MESSAGE_INDEX or length != entries_bytes + 6 or end > total:
            break
        at = end
    return at - start


_Verdict = Literal["whole", "cut", "bad", "more", "end"]


def _look(view: memoryview, at: int, *, is_last: bool) -> tuple[_Verdict, int]:
    """What begins at a place, and its bytes (of a cut one: those that are there)."""
    left = len(view) - at
    if left < HEAD_BYTES:
        return _look_at_end(view, at) if is_last else ("more", 0)
    if view[at : at + len(MAGIC)] == MAGIC:
        return "whole", len(MAGIC)
    opcode, length = _HEAD.unpack_from(view, at)
    layout = _LAYOUTS.get(opcode)
    if layout is None:
        return _look_at_unknown(view, at, opcode, length, is_last=is_last)
    fits = length <= LARGEST_BYTES and _adds_up(layout, view, at + HEAD_BYTES, length)
    if fits is False:
        return "bad", 0
    if fits and HEAD_BYTES + length <= left:
        return "whole", HEAD_BYTES + length
    return ("cut", left) if is_last else ("more", 0)


def _look_at_end(view: memoryview, at: int) -> tuple[_Verdict, int]:
    """What the last bytes of a file are, fewer than a record's head has."""
    left = len(view) - at
    if not left:
        return "end", 0
    if view[at:] == MAGIC[:left]:
        return ("whole" if left == len(MAGIC) else "cut"), left
    return ("cut", left) if _IS_KNOWN[view[at]] else ("bad", 0)


def _look_at_unknown(
    view: memoryview, at: int, opcode: int, length: int, *, is_last: bool
) -> tuple[_Verdict, int]:
    """A kind of record that is newer than we are: believed if one we know follows."""
    end = at + HEAD_BYTES + length
    if opcode in {0, Opcode.MESSAGE} or length > LARGEST_UNKNOWN_BYTES:
        return "bad", 0
    if end + HEAD_BYTES > len(view):
        return ("bad", 0) if is_last else ("more", 0)
    following, its_length = _HEAD.unpack_from(view, end)
    is_believed = _IS_KNOWN[following] and its_length <= LARGEST_BYTES
    return ("whole", HEAD_BYTES + length) if is_believed else ("bad", 0)


def _adds_up(layout: tuple[_Item, ...], view: memoryview, start: int, length: int) -> bool | None:
    """Whether lengths inside a record add up to its own; None if too few bytes are there to say."""
    at, end = start, start + length
    for item in layout:
        if isinstance(item, int):
            at += item
        else:
            form = _U32 if item == "short" else _U64
            if at + form.size > end:
                return False
            if at + form.size > len(view):
                return None
            at += form.size + form.unpack_from(view, at)[0]
        if at > end:
            return False
    return at == end


def _next_record(window: SlidingWindow, at: int) -> int:
    """Where in the window the next record that is believed begins; its end if none does.

    The window moves on while there is none in it.
    """
    at += 1
    while True:
        view = memoryview(window.data.data)
        for place in _candidates(window.data, at):
            verdict, _ = _look(view, place, is_last=window.is_last)
            if verdict == "whole" or (verdict == "cut" and _is_cut_chunk(view, place)):
                return place
            if verdict == "more" and _is_likely(view, place):
                window.advance(place)
                at = 0
                break
        else:
            if window.is_last:
                return len(view)
            window.advance(max(at, len(view) - HEAD_BYTES + 1))
            at = 0


def _candidates(octets: NDArray[np.uint8], at: int) -> list[int]:
    """Places where a record of less than 4 GB, or the end of the file, may begin."""
    tail = octets[at:]
    if tail.size < HEAD_BYTES:
        return [at + tail.size - len(MAGIC)] if tail.tobytes().endswith(MAGIC) else []
    may = _IS_KNOWN[tail[: -HEAD_BYTES + 1]]
    for byte in range(5, HEAD_BYTES):
        may &= tail[byte : tail.size - HEAD_BYTES + 1 + byte] == 0
    found = np.flatnonzero(may) + at
    magics = [at + place for place in _all_magics(tail.tobytes())]
    return sorted({*found.tolist(), *magics})


def _all_magics(octets: bytes) -> Iterator[int]:
    place = octets.find(MAGIC)
    while place >= 0:
        yield place
        place = octets.find(MAGIC, place + 1)


def _is_cut_chunk(view: memoryview, place: int) -> bool:
    """Whether the lengths in the head of a record that goes on beyond the file are a chunk's."""
    if len(view) - place < HEAD_BYTES or view[place] != Opcode.CHUNK:
        return False
    length = _HEAD.unpack_from(view, place)[1]
    return _adds_up(_LAYOUTS[Opcode.CHUNK], view, place + HEAD_BYTES, length) is True


def _is_likely(view: memoryview, place: int) -> bool:
    """Whether a record that is not all in view is worth reading on for."""
    if len(view) - place < HEAD_BYTES:
        return False
    opcode, length = _HEAD.unpack_from(view, place)
    if opcode in {Opcode.CHUNK, Opcode.ATTACHMENT}:
        return _adds_up(_LAYOUTS[opcode], view, place + HEAD_BYTES, length) is not False
    return bool(length <= LARGEST_UNKNOWN_BYTES)


def _is_all_zeros(report: ReadReport, start: int) -> bool:
    """Whether a file holds nothing but zeros from a byte on."""
    with report.path.open("rb") as stream:
        stream.seek(start)
        while block := stream.read(1 << 20):
            if block.count(0) != len(block):
                return False
    return True
