"""Where the whole MAVLink frames are in the bytes of a .tlog: compiled, in one pass.

A record of a .tlog is the arrival time (8 bytes, big-endian microseconds) and a raw frame. The
frame is believed when its X.25 checksum holds, wherever it stands; the time only helps to find
it. Nothing is decoded here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from firmware_bridge.formats._mavlink_dialect import Dialect

__all__ = ["FrameTable", "find_frames"]

STAMP_BYTES = 8
_LONGEST_FRAME = 280
_LOOK_AHEAD = STAMP_BYTES + _LONGEST_FRAME + STAMP_BYTES + 1
_SHORTEST_RECORD = 8
_LATEST_STAMP_US = 1 << 52  # the year 2112; a flipped high bit lies beyond
NO_STAMP = -1
_NO_STAMP = np.int64(NO_STAMP)
_NONE = np.int64(0)


class FrameTable(NamedTuple):
    """Columns of the frames found in a window, in file order, shape (n,)."""

    payload_start: NDArray[np.int32]
    payload_bytes: NDArray[np.uint8]
    message_id: NDArray[np.int32]
    system: NDArray[np.uint8]
    component: NDArray[np.uint8]
    sequence: NDArray[np.uint8]
    received_us: NDArray[np.int64]  # NO_STAMP where the time before the frame is damaged

    def rows(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> FrameTable:
        """The same table with only some of its rows."""
        return FrameTable(
            payload_start=self.payload_start[chosen],
            payload_bytes=self.payload_bytes[chosen],
            message_id=self.message_id[chosen],
            system=self.system[chosen],
            component=self.component[chosen],
            sequence=self.sequence[chosen],
            received_us=self.received_us[chosen],
        )


class Scan(NamedTuple):
    """Frames of a window, and where to go on: indices into the window."""

    frames: FrameTable
    position: int  # everything before was looked at
    frame_end: int  # end of the last whole frame; may be before the window
    damaged_bytes: int


def find_frames(
    data: NDArray[np.uint8], dialect: Dialect, *, position: int, frame_end: int, is_last: bool
) -> Scan:
    """Every whole frame in a window.

    Parameters
    ----------
    data : ndarray of uint8, shape (n,)
    dialect : Dialect
        Its checksum seeds say which message ids are known.
    position : int
        Where to begin looking.
    frame_end : int
        Where the frame before the window ended.
    is_last : bool
        The file ends with this window; otherwise its last 297 bytes wait for the next.

    Returns
    -------
    Scan

    Notes
    -----
    A frame of unknown id carries no checksum we can test. It counts when a plausible time stands
    before it and a start byte follows where the next record would begin.
    """
    room = data.size // _SHORTEST_RECORD + 2
    integers = np.empty((3, room), np.int32)
    octets = np.empty((4, room), np.uint8)
    received_us = np.empty(room, np.int64)
    limit = data.size if is_last else data.size - _LOOK_AHEAD
    number, position, frame_end, damaged = _scan(
        data, position, frame_end, limit, dialect.checksum_seed, integers, octets, received_us
    )
    frames = FrameTable(
        payload_start=integers[0, :number],
        payload_bytes=octets[0, :number],
        message_id=integers[1, :number],
        system=octets[1, :number],
        component=octets[2, :number],
        sequence=octets[3, :number],
        received_us=received_us[:number],
    )
    return Scan(frames, position, frame_end, damaged)


@njit(cache=True)
def _scan(
    data: NDArray[np.uint8],
    position: int,
    frame_end: int,
    limit: int,
    checksum_seed: NDArray[np.int16],
    integers: NDArray[np.int32],
    octets: NDArray[np.uint8],
    received_us: NDArray[np.int64],
) -> tuple[int, int, int, int]:
    number = 0
    damaged = 0
    at = position
    while at < limit:
        start = at + STAMP_BYTES if at == frame_end else at
        length = _whole_frame(data, start, frame_end, checksum_seed)
        if length == 0 and start != at:
            start = at
            length = _whole_frame(data, start, frame_end, checksum_seed)
        if length == 0:
            at += 1
            continue
        stamp = _stamp(data, start, frame_end)
        damaged += start - frame_end
        if start - STAMP_BYTES >= frame_end:
            damaged -= STAMP_BYTES
        _note(data, start, number, integers, octets)
        received_us[number] = stamp
        number += 1
        at = int(start + length)
        frame_end = at
    return number, at, frame_end, damaged


@njit(cache=True)
def _note(
    data: NDArray[np.uint8],
    start: int,
    number: int,
    integers: NDArray[np.int32],
    octets: NDArray[np.uint8],
) -> None:
    """Write down the header of the frame at `start`; the caller keeps the columns' order."""
    octets[0, number] = data[start + 1]
    if data[start] == 0xFD:
        integers[0, number] = start + 10
        integers[1, number] = _message_id(data, start)
        header = start + 4
    else:
        integers[0, number] = start + 6
        integers[1, number] = data[start + 5]
        header = start + 2
    octets[1, number] = data[header + 1]
    octets[2, number] = data[header + 2]
    octets[3, number] = data[header]


@njit(cache=True)
def _whole_frame(
    data: NDArray[np.uint8], start: int, frame_end: int, checksum_seed: NDArray[np.int16]
) -> np.int64:
    """Length of the whole frame that starts here, 0 if there is none."""
    if start + 8 > data.size:
        return _NONE
    marker = data[start]
    if marker == 0xFE:
        length = 8 + np.int64(data[start + 1])
    elif marker == 0xFD and data[start + 2] <= 1:  # only the signing flag is defined
        length = 12 + np.int64(data[start + 1]) + 13 * np.int64(data[start + 2])
    else:
        return _NONE
    if start + length > data.size:
        return _NONE
    message_id = _message_id(data, start)
    seed = np.int64(checksum_seed[message_id]) if message_id < checksum_seed.size else _NO_STAMP
    if seed >= 0:
        covered = length - 2
        if marker == 0xFD:
            covered -= 13 * np.int64(data[start + 2])
        return length if _checksum_holds(data, start + 1, start + covered, seed) else _NONE
    follows = start + length + STAMP_BYTES
    is_plausible = _stamp(data, start, frame_end) > 0 and (
        start + length == data.size
        or (follows < data.size and (data[follows] == 0xFD or data[follows] == 0xFE))
    )
    return length if is_plausible else _NONE


@njit(cache=True)
def _message_id(data: NDArray[np.uint8], start: int) -> np.int64:
    if data[start] == 0xFE:
        return np.int64(data[start + 5])
    low = np.int64(data[start + 7])
    return low + 256 * np.int64(data[start + 8]) + 65536 * np.int64(data[start + 9])


@njit(cache=True)
def _checksum_holds(data: NDArray[np.uint8], begin: int, end: np.int64, seed: np.int64) -> bool:
    """CRC-16/MCRF4XX (X.25 as MAVLink has it) of the bytes and the seed equals the two after."""
    crc = np.uint32(0xFFFF)
    for index in range(begin, end + 1):
        octet = np.uint32(data[index]) if index < end else np.uint32(seed)
        mixed = (octet ^ crc) & np.uint32(0xFF)
        mixed = (mixed ^ (mixed << np.uint32(4))) & np.uint32(0xFF)
        crc = (
            (crc >> np.uint32(8))
            ^ (mixed << np.uint32(8))
            ^ (mixed << np.uint32(3))
            ^ (mixed >> np.uint32(4))
        )
    return bool(crc == np.uint32(data[end]) + np.uint32(256) * np.uint32(data[end + 1]))


@njit(cache=True)
def _stamp(data: NDArray[np.uint8], start: int, frame_end: int) -> np.int64:
    """Arrival time before the frame [us], or NO_STAMP."""
    first = start - STAMP_BYTES
    if first < frame_end or first < 0 or data[first] != 0 or data[first + 1] >= 0x10:
        return _NO_STAMP
    stamp = np.int64(0)
    for index in range(first, start):
        stamp = stamp * 256 + np.int64(data[index])
    return stamp if stamp < _LATEST_STAMP_US else _NO_STAMP
