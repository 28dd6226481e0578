"""A table of text in pieces: its delimiter, its header, its rows as columns of cells."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensors.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from firmware_bridge.logfile import ReadReport

__all__ = ["Header", "Piece", "looks_like_table", "pieces", "read_header"]

_HEAD_BYTES = 1 << 16
_PIECE_BYTES = 1 << 20
_LONGEST_LINE = 1 << 24
_DELIMITERS = ",;\t|"
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_UNIT_IN_BRACKETS = re.compile(r"\s*[(\[]([^)\]]*)[)\]]\s*$")


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line of a table says.

    Attributes
    ----------
    names : list of str
        Lower case, spaces as underscores, a unit in brackets as the last part.
    delimiter : str
    line : int
        Number of the header's line, from 1.
    end : int
        Byte after the header's line.
    newline : bytes
    is_whole : bool
        A line end follows it.
    """

    names: list[str]
    delimiter: str
    line: int
    end: int
    newline: bytes
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole rows: the cells of each column, and the line of each row."""

    columns: list[list[str]]
    lines: list[int]


def looks_like_table(path: Path) -> bool:
    """Whether a file begins as text with a delimiter, or a column of its own, in its first line."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError:
        return False
    if head.startswith(_UTF16):
        return True  # a table may be in it; reading says how to save it
    head = head.removeprefix(_BOM)
    if not head or _CONTROL.search(head[:4096]) or head.lstrip()[:1] in b"{[<":
        return False
    first = _first_line(head.decode("utf-8", "replace"))
    return any(mark in first for mark in _DELIMITERS) or first.strip(' "').lower() == "time"


def read_header(path: Path) -> Header:
    """Header of a table.

    Raises
    ------
    FormatError
        Not text, or no header.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(_UTF16):
        raise FormatError(f"{path}: is in UTF-16; save it as CSV in UTF-8")
    newline = b"\n" if b"\n" in head or b"\r" not in head else b"\r"
    place, line = len(_BOM) if head.startswith(_BOM) else 0, 0
    while place < len(head):
        line += 1
        stop = head.find(newline, place)
        is_whole = stop >= 0
        end = stop + 1 if is_whole else len(head)
        text = head[place:end].decode("utf-8", "replace").strip()
        place = end
        if text.strip(_DELIMITERS + '" ') and not text.startswith("#"):
            delimiter = max(_DELIMITERS, key=text.count)
            names = [_column_name(cell) for cell in _cells(text, delimiter)]
            return Header(names, delimiter, line, end, newline, is_whole)
    raise FormatError(f"{path}: has no header line; the first line must name the columns")


def pieces(path: Path, header: Header, report: ReadReport) -> Iterator[Piece]:
    """Whole rows of a table, piece by piece; what is not whole is counted and reported.

    Parameters
    ----------
    path : Path
    header : Header
    report : ReadReport
        Told of rows with a wrong number of cells, of a torn end, and of progress.

    Yields
    ------
    Piece
    """
    rows = _Rows(header, report)
    with path.open("rb") as stream:
        stream.seek(header.end)
        rest = b""
        while block := stream.read(_PIECE_BYTES):
            buffer = rest + block
            cut = buffer.rfind(header.newline) + 1
            rest = buffer[cut:]
            if rest.endswith(b"\0"):  # space a recorder reserved and never wrote
                rest = rest.rstrip(b"\0") + b"\0"
            if len(rest) > _LONGEST_LINE:
                raise FormatError(
                    f"{path} line {rows.line + 1}: no line end in {_LONGEST_LINE >> 20} MiB; "
                    "this is not a table"
                )
            if cut:
                yield rows.take(buffer[:cut])
            report.advance(stream.tell())
        if rest:
            yield rows.take_last(rest)
    rows.close()


class _Rows:
    """Turns lines into columns of cells and remembers what did not fit."""

    def __init__(self, header: Header, report: ReadReport) -> None:
        self._header = header
        self._report = report
        self._place = header.end
        self._misfits = 0
        self._first_misfit = ""
        self._last_cell = ""
        self.line = header.line

    def take(self, block: bytes) -> Piece:
        """Rows of a block that ends with a line end."""
        width, delimiter = len(self._header.names), self._header.delimiter
        newline = self._header.newline.decode()
        lines = block.decode("utf-8", "replace").split(newline)[:-1]
        has_quotes, rows, numbers = b'"' in block, [], []
        for text in lines:
            self.line += 1
            bare = text.strip("\r")
            if not bare.strip():
                continue
            row = _cells(bare, delimiter) if has_quotes else bare.split(delimiter)
            row = row[:width] if not any(cell.strip() for cell in row[width:]) else row
            if len(row) != width or "\0" in bare:
                self._misfit(len(row), len(text.encode()) + 1)
            elif any(row):
                rows.append(row)
                numbers.append(self.line)
        self._place += len(block)
        self._last_cell = rows[-1][-1] if rows else self._last_cell
        columns = [list(column) for column in zip(*rows, strict=True)]
        return Piece(columns or [[] for _ in range(width)], numbers)

    def take_last(self, rest: bytes) -> Piece:
        """Rows of what follows the last line end: one whole row, or a torn one left out.

        A cut inside the last cell shows only if the cell has fewer decimals than the one above.
        """
        text = rest.decode("utf-8", "replace").strip("\r")
        cells = _cells(text, self._header.delimiter)
        is_torn = len(cells) < len(self._header.names) or "\0" in text
        is_torn |= _looks_cut(cells[-1] if cells else "", self._last_cell)
        if text.strip() and is_torn:
            self._report.truncated_at_byte = self._place
            self._report.damaged_bytes += len(rest)
            self._report.warnings.append(
                f"{self._report.path.name} line {self.line + 1}: the file ends inside this row "
                f"(byte {self._place}); the row is left out"
            )
            return self.take(b"")
        return self.take(rest + self._header.newline)

    def close(self) -> None:
        """Report, in one line, the rows that were left out."""
        if self._misfits:
            self._report.warnings.append(
                f"{self._report.path.name} {self._first_misfit}; {self._misfits} such row(s) left "
                "out, correct them"
            )

    def _misfit(self, cells: int, length: int) -> None:
        self._misfits += 1
        self._report.damaged_bytes += length
        self._first_misfit = self._first_misfit or (
            f"line {self.line}: has {cells} cells where the header has {len(self._header.names)}"
        )


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return text.split(delimiter)


def _looks_cut(cell: str, above: str) -> bool:
    if not cell.strip():
        return bool(above.strip())
    return len(cell.partition(".")[2]) < len(above.partition(".")[2])


def _column_name(cell: str) -> str:
    name = cell.strip().strip("\"'").strip().lower()
    name = _UNIT_IN_BRACKETS.sub(r"_\1", name)
    return re.sub(r"[\s/.\-]+", "_", name.replace("³", "3").replace("µ", "u")).strip("_")


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")
