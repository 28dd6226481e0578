"""What is whole of a flight file that was cut or damaged, so that a library for HDF5 refuses it."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sensors.errors import FormatError
from sensors.flight import read_netcdf
from sensors.flight_blocks import RowBlocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    import xarray as xr

    from firmware_bridge.logfile import ReadReport

__all__ = ["whole_rows"]


def whole_rows(path: Path, report: ReadReport) -> xr.Dataset | None:
    """The flight in a file as far as it is whole: its first blocks of rows.

    Parameters
    ----------
    path : Path
        A file that `sensors.flight.read_netcdf` refuses.
    report : ReadReport
        Told how much was cut off or damaged.

    Returns
    -------
    xarray.Dataset or None
        Valid; None if the file has no table of its rows (see `sensors.flight_blocks`), so that
        nothing is known of it.

    Raises
    ------
    FormatError
        No block of rows is whole, or there is no room for a copy of the file.

    Notes
    -----
    The library gets a copy of the file that ends where it once did, with a hole where bytes are
    missing, and is asked for no row whose bytes are not all there. What it gives must have the
    checksum that was written with it. The copy lies in the folder for temporary files.
    """
    blocks = RowBlocks.find(path)
    if blocks is None:
        return None
    size, whole_bytes = path.stat().st_size, int(blocks.byte_end[-1])
    with _filled_up(path, whole_bytes) as copy:
        count, flight = _longest(copy, blocks, int((blocks.byte_end <= size).sum()))
    if flight is None:
        raise FormatError(
            f"{path}: not a whole NetCDF file (cut off or damaged before byte "
            f"{int(blocks.byte_end[0])}, where its first readings end); copy it again from where "
            "it was made"
        )
    end = int(blocks.byte_end[count - 1])
    if size < whole_bytes:
        report.truncated_at_byte = end
    else:
        report.damaged_bytes = whole_bytes - end
    report.warnings.append(
        f"{path}: {flight.sizes['obs']} of {int(blocks.row_end[-1])} readings are whole"
    )
    return flight


def _longest(path: Path, blocks: RowBlocks, present: int) -> tuple[int, xr.Dataset | None]:
    """As many of the first `present` blocks as are whole: all of them, unless bytes are damaged."""
    found = None
    fewest, most, tried = 0, present, present
    while fewest < most:
        try:
            found = read_netcdf(path, rows=int(blocks.row_end[tried - 1]))
            fewest = tried
        except FormatError:
            most = tried - 1
        tried = (fewest + most + 1) // 2
    return fewest, found


@contextmanager
def _filled_up(path: Path, size: int) -> Iterator[Path]:
    """A copy of a file, with a hole at its end that makes it `size` bytes long."""
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sniffdrone-"))
            copy = Path(folder) / path.name
            shutil.copyfile(path, copy)
            os.truncate(copy, max(size, copy.stat().st_size))
        except OSError as error:
            raise FormatError(
                f"{path}: not a whole NetCDF file, and the copy from which the whole part is read "
                f"cannot be made ({error.strerror or error}); make room in the folder for "
                "temporary files or set TMPDIR to another"
            ) from error
        yield copy
