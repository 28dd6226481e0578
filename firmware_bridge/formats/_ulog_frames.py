"""Where the messages are in the bytes of a PX4 .ulg log: compiled, in one pass.

A message is its size (u16), its type (a letter) and its payload. There is no checksum: a data
message is believed when its size is that of its topic, any other when a header follows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ANY_SIZE", "HEADER_BYTES", "Scan", "TopicSizes", "find_messages"]

HEADER_BYTES = 3
ANY_SIZE = -1
_LONGEST_MESSAGE = HEADER_BYTES + 0xFFFF
_DATA, _SYNC, _DROPOUT = ord("D"), ord("S"), ord("O")
_IS_TYPE = np.zeros(256, np.bool_)
_IS_TYPE[[ord(letter) for letter in "BFIMPQARDOSLC"]] = True


class TopicSizes(NamedTuple):
    """Payload bytes of a data message by message id, shape (65536,): 0 unknown yet."""

    least: NDArray[np.int32]
    most: NDArray[np.int32]


class Scan(NamedTuple):
    """Messages of a window in file order, shape (n,), and where to go on."""

    start: NDArray[np.int32]
    kind: NDArray[np.uint8]
    topic: NDArray[np.int32]  # message id of a data message, else -1
    position: int
    damaged_bytes: int
    asks_for: int  # id of a data message whose size must be learnt before going on, else -1


def find_messages(
    data: NDArray[np.uint8], sizes: TopicSizes, *, position: int, is_last: bool
) -> Scan:
    """Messages of a window, up to the first data message of unknown size.

    Parameters
    ----------
    data : ndarray of uint8, shape (n,)
    sizes : TopicSizes
        `ANY_SIZE` where no subscription told a size.
    position : int
        Where to begin.
    is_last : bool
        Nothing follows; otherwise the last 64 KiB wait for the next window.

    Returns
    -------
    Scan
    """
    room = (data.size - position) // HEADER_BYTES + 2
    start, kind = np.empty(room, np.int32), np.empty(room, np.uint8)
    topic = np.empty(room, np.int32)
    limit = data.size if is_last else data.size - _LONGEST_MESSAGE - HEADER_BYTES
    number, position, damaged, asks_for = _scan(
        data, sizes.least, sizes.most, _IS_TYPE, position, limit, start, kind, topic
    )
    # the columns are as long as the bytes could ask for: keep what was found, free the rest
    return Scan(
        start[:number].copy(),
        kind[:number].copy(),
        topic[:number].copy(),
        position,
        damaged,
        asks_for,
    )


@njit(cache=True)
def _scan(
    data: NDArray[np.uint8],
    least: NDArray[np.int32],
    most: NDArray[np.int32],
    is_type: NDArray[np.bool_],
    position: int,
    limit: int,
    start: NDArray[np.int32],
    kind: NDArray[np.uint8],
    topic: NDArray[np.int32],
) -> tuple[int, int, int, int]:
    number = 0
    damaged = 0
    at = position
    is_in_step = True
    while at < limit:
        end = _message_end(data, is_type, at)
        topic_id = -1
        if end > 0 and data[at + 2] == _DATA:
            topic_id = int(data[at + 3]) + 256 * int(data[at + 4])
            if most[topic_id] == 0 and is_in_step:
                return number, at, damaged, topic_id
            size = end - at - HEADER_BYTES
            is_exact = least[topic_id] <= size <= most[topic_id]
            is_loose = most[topic_id] == ANY_SIZE and is_in_step
            is_whole = is_exact or (is_loose and _continues(data, is_type, end))
            if not is_in_step:
                is_whole = is_whole and _continues(data, is_type, end)
        else:
            is_whole = end > 0 and _continues(data, is_type, end)
        if is_whole and (is_in_step or topic_id >= 0 or data[at + 2] == _SYNC):
            start[number] = at
            kind[number] = data[at + 2]
            topic[number] = topic_id
            number += 1
            at = end
            is_in_step = True
        else:
            damaged += 1
            at += 1
            is_in_step = False
    return number, at, damaged, -1


@njit(cache=True)
def _message_end(data: NDArray[np.uint8], is_type: NDArray[np.bool_], at: int) -> int:
    """End of the message whose header may stand here; 0 if none can, or it is cut off."""
    if at + HEADER_BYTES > data.size or not is_type[data[at + 2]]:
        return 0
    size = int(data[at]) + 256 * int(data[at + 1])
    if size == 0 or at + HEADER_BYTES + size > data.size:
        return 0
    letter = data[at + 2]
    if (letter == _SYNC and size != 8) or (letter == _DROPOUT and size != 2):
        return 0
    if letter == _DATA and size < 2:
        return 0
    return at + HEADER_BYTES + size


@njit(cache=True)
def _continues(data: NDArray[np.uint8], is_type: NDArray[np.bool_], end: int) -> bool:
    """Whether a header, or the end of the bytes, stands at `end`."""
    if end + HEADER_BYTES > data.size:
        return True
    return bool(is_type[data[end + 2]] and (data[end] > 0 or data[end + 1] > 0))
