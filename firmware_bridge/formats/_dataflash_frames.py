"""Where the messages are in the bytes of an ArduPilot .BIN log: compiled, in one pass.

A message is ``a3 95``, its type, and as many bytes as the FMT message of that type said. There is
no checksum: after damage the next header with a known type is believed, as pymavlink does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CHARACTER_BYTES", "FMT_BYTES", "FMT_TYPE", "Scan", "find_messages", "first_lengths"]

FMT_TYPE = 0x80
FMT_BYTES = 89
HEADER_BYTES = 3
CHARACTER_BYTES = dict(
    zip(
        "abBghHifIncCeELMqQdNZ",
        (64, 1, 1, 2, 2, 2, 4, 4, 4, 4, 2, 2, 4, 4, 4, 1, 8, 8, 8, 16, 64),
        strict=True,
    )
)
_SIZES = np.zeros(256, np.int64)
for _character, _size in CHARACTER_BYTES.items():
    _SIZES[ord(_character)] = _size


class Scan(NamedTuple):
    """Messages of a window in file order, shape (n,), and where to go on.

    `is_followed` tells whether a header or the end of the file comes right after: a message that
    is not has lost or gained bytes, and its values are not to be trusted.
    """

    start: NDArray[np.int32]
    kind: NDArray[np.uint8]
    is_followed: NDArray[np.bool_]
    position: int
    damaged_bytes: int


def first_lengths() -> NDArray[np.int16]:
    """Message lengths by type before anything was read: only that of FMT is known."""
    lengths = np.zeros(256, np.int16)
    lengths[FMT_TYPE] = FMT_BYTES
    return lengths


def find_messages(data: NDArray[np.uint8], lengths: NDArray[np.int16], *, is_last: bool) -> Scan:
    """Every message in a window.

    Parameters
    ----------
    data : ndarray of uint8, shape (n,)
    lengths : ndarray of int16, shape (256,)
        Bytes of each type's messages, 0 where unknown; FMT messages met on the way add to it.
    is_last : bool
        The file ends with this window; otherwise its last 520 bytes wait for the next.

    Returns
    -------
    Scan
    """
    room = data.size // HEADER_BYTES + 2
    start, kind = np.empty(room, np.int32), np.empty(room, np.uint8)
    is_followed = np.empty(room, np.bool_)
    limit = data.size if is_last else data.size - 2 * 260
    number, position, damaged = _scan(data, lengths, _SIZES, limit, start, kind, is_followed)
    return Scan(start[:number], kind[:number], is_followed[:number], position, damaged)


@njit(cache=True)
def _scan(
    data: NDArray[np.uint8],
    lengths: NDArray[np.int16],
    sizes: NDArray[np.int64],
    limit: int,
    start: NDArray[np.int32],
    kind: NDArray[np.uint8],
    is_followed: NDArray[np.bool_],
) -> tuple[int, int, int]:
    number = 0
    damaged = 0
    at = 0
    while at < limit:
        length = _message_bytes(data, lengths, at)
        if length == 0 or at + length > data.size:
            damaged += 1
            at += 1
            continue
        end = at + length
        start[number] = at
        kind[number] = data[at + 2]
        is_followed[number] = end == data.size or _is_header(data, end)
        number += 1
        if data[at + 2] == FMT_TYPE:
            _learn(data, lengths, sizes, at)
        at = end
    return number, at, damaged


@njit(cache=True)
def _is_header(data: NDArray[np.uint8], at: int) -> bool:
    if at + 1 >= data.size:
        return bool(data[at] == 0xA3)
    return bool(data[at] == 0xA3 and data[at + 1] == 0x95)


@njit(cache=True)
def _message_bytes(data: NDArray[np.uint8], lengths: NDArray[np.int16], at: int) -> int:
    if at + 2 >= data.size or data[at] != 0xA3 or data[at + 1] != 0x95:
        return 0
    return int(lengths[data[at + 2]])


@njit(cache=True)
def _learn(
    data: NDArray[np.uint8], lengths: NDArray[np.int16], sizes: NDArray[np.int64], at: int
) -> None:
    """Take the length from a FMT message whose format string agrees with it."""
    total = np.int64(HEADER_BYTES)
    for index in range(at + 9, at + 25):
        character = data[index]
        if character == 0:
            break
        if sizes[character] == 0:
            return
        total += sizes[character]
    if total == data[at + 4]:
        lengths[data[at + 3]] = total
