"""The table in a flight file that says which rows are whole before which byte, and their checksums.

A library for HDF5 refuses a file that was cut, and of one that is filled up with zeros it may give
zeros or fill values as readings. With this table a reader knows beforehand which rows it can ask
for, and afterwards that they are what was written.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]

__all__ = ["VARIABLE", "RowBlocks", "row_ends"]

VARIABLE = "row_blocks"
# a variable in HDF5 has an index of 2 kB with place for 64 chunks, and gets another, far behind in
# the file, for more; each block also costs about a quarter of a per cent of the file
_MOST_BLOCKS = 32
_FEWEST_ROWS = 64
_MAGIC = b"\x93sniffdrone\x00rows"
_HEAD = struct.Struct("<16sII")  # the magic, CRC-32 of the words, number of blocks
_WORD = np.dtype("<i8")
_WORDS_PER_BLOCK = 3
_SEARCHED_BYTES = 4 << 20
_SUPERBLOCK_BYTES = 64


def row_ends(rows: int) -> IntArray:
    """Where the blocks of a flight end: equal ones, but for the last.

    Parameters
    ----------
    rows : int
        At least 1.

    Returns
    -------
    ndarray of int64, shape (block,)
        One past the last row of each.

    Examples
    --------
    >>> row_ends(130)
    array([ 64, 128, 130])
    >>> row_ends(10_000)[:2], row_ends(10_000).size
    (array([313, 626]), 32)
    """
    size = max(_FEWEST_ROWS, -(-rows // _MOST_BLOCKS))
    return np.minimum(np.arange(size, rows + size, size, dtype=np.int64), rows)


@dataclass(frozen=True, slots=True)
class RowBlocks:
    """Blocks of rows in the order they stand in the file.

    Attributes
    ----------
    row_end : ndarray of int64, shape (block,)
        One past the last row of each.
    byte_end : ndarray of int64, shape (block,)
        All that is needed to read a block, and those before it, stands before this byte; the last
        one is the size of the file.
    checksum : ndarray of int64, shape (block,)
        CRC-32 of the values of the block.
    """

    row_end: IntArray
    byte_end: IntArray
    checksum: IntArray

    @classmethod
    def planned(cls, columns: Mapping[str, NDArray[np.generic]], row_end: IntArray) -> Self:
        """Blocks of columns that are not in a file yet: with no place, but with checksums."""
        return cls(row_end, np.zeros_like(row_end), _checksums(columns, row_end))

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self | None:
        """The table that stands at the beginning of some bytes; None if it is not whole."""
        if len(octets) < _HEAD.size:
            return None
        magic, checksum, count = _HEAD.unpack_from(octets)
        size = _WORDS_PER_BLOCK * count * _WORD.itemsize
        words = octets[_HEAD.size : _HEAD.size + size]
        if magic != _MAGIC or not 0 < count <= _MOST_BLOCKS or len(words) < size:
            return None
        blocks = cls(*np.frombuffer(words, _WORD).astype(np.int64).reshape(_WORDS_PER_BLOCK, -1))
        is_ordered = all(
            (np.diff(ends, prepend=0) > 0).all() for ends in (blocks.row_end, blocks.byte_end)
        )
        return blocks if is_ordered and checksum == zlib.crc32(words) else None

    @classmethod
    def find(cls, path: Path) -> Self | None:
        """The table of a file, found in its bytes and not by way of HDF5.

        Parameters
        ----------
        path : Path
            May be cut or damaged.

        Returns
        -------
        RowBlocks or None
            None if there is no whole table, or another program has written the file anew since.
        """
        with path.open("rb") as stream:
            head = stream.read(_SEARCHED_BYTES)
        blocks = cls.from_bytes(head[max(head.find(_MAGIC), 0) :])
        return blocks if blocks is not None and blocks.describes(head) else None

    def to_bytes(self) -> bytes:
        """The table as bytes that `find` recognises among any others."""
        columns = [self.row_end, self.byte_end, self.checksum]
        words = np.concatenate(columns).astype(_WORD).tobytes()
        return _HEAD.pack(_MAGIC, zlib.crc32(words), self.row_end.size) + words

    def describes(self, head: bytes) -> bool:
        """Whether a file that begins so has the size this table knows, by its own account.

        An HDF5 file states its size in its first bytes ("end of file address" in the superblock;
        HDF5 File Format Specification 3.0, II.A); a program that rewrites it changes that.
        """
        return int(self.byte_end[-1]).to_bytes(8, "little") in head[:_SUPERBLOCK_BYTES]

    def first_damaged(self, columns: Mapping[str, NDArray[np.generic]]) -> int | None:
        """The first block that is not in the columns as it was written.

        Parameters
        ----------
        columns : mapping of str to ndarray, shape (obs,)
            As many rows as a number of whole blocks.

        Returns
        -------
        int or None
            None if all blocks are as they were written.
        """
        rows = min(column.size for column in columns.values())
        row_end = self.row_end[self.row_end <= rows]
        differs = np.flatnonzero(_checksums(columns, row_end) != self.checksum[: row_end.size])
        if differs.size:
            return int(differs[0])
        return None if row_end.size and row_end[-1] == rows else int(row_end.size)


def _checksums(columns: Mapping[str, NDArray[np.generic]], row_end: IntArray) -> IntArray:
    found = []
    start = 0
    for end in row_end.tolist():
        checksum = 0
        for name in sorted(columns):
            values = columns[name][start:end]
            checksum = zlib.crc32(values.astype(values.dtype.newbyteorder("<")).tobytes(), checksum)
        found.append(checksum)
        start = end
    return np.array(found, np.int64)
