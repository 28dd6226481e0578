"""The NetCDF file of a flight: written so that what is left of a torn one can still be read."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import netCDF4
import numpy as np
import xarray as xr

from sensors.errors import FlightError, FormatError
from sensors.flight_blocks import VARIABLE, RowBlocks, row_ends
from sensors.flight_contract import validate
from sensors.flight_variables import TIME_UNITS
from sensors.interrupts import uninterrupted

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Columns = dict[str, NDArray[Any]]

__all__ = ["read_netcdf", "write_netcdf"]

_CLASSIC = b"CDF"
_PACKING: dict[str, Any] = {"compression": "zlib", "complevel": 3, "shuffle": True}
_ABOUT_BLOCKS = {
    "long_name": "where blocks of rows end in this file and checksums of them",
    "comment": "For reading a file that was cut: see sensors/flight_blocks.py of sniffdrone. "
    "Means nothing once another program has written the file anew.",
}


def write_netcdf(flight: xr.Dataset, path: Path) -> None:
    """Write a flight so that `read_netcdf` gives it back to the last bit.

    The file appears under its name only when it is whole.

    Parameters
    ----------
    flight : xarray.Dataset
        Valid.
    path : Path

    Raises
    ------
    FlightError
        Not a valid flight, or the file cannot be written.

    Notes
    -----
    First stands all that says what the file holds; the rows follow in blocks, each with the
    columns side by side, so that a cut costs the rows behind it and no others.
    """
    validate(flight)
    attributes = {**flight["time"].attrs, "units": TIME_UNITS, "calendar": "standard"}
    nanoseconds = flight["time"].values.astype(np.int64)
    stored = flight.drop_encoding().assign_coords(time=("obs", nanoseconds, attributes))
    columns: Columns = {
        str(name): variable.values
        for name, variable in stored.variables.items()
        if variable.dims == ("obs",) and variable.dtype.kind in "iuf"
    }
    blocks = RowBlocks.planned(columns, row_ends(stored.sizes["obs"]))
    partial = path.with_name(f".{path.name}.part")
    try:
        _write_head(stored.drop_vars(list(columns)), blocks, columns, partial)
        _write_rows(stored, blocks, columns, partial)
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        said = getattr(error, "strerror", None) or error
        raise FlightError(f"{path}: cannot be written ({said}); choose another folder") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def read_netcdf(path: Path, *, rows: int | None = None) -> xr.Dataset:
    """Read a flight that `write_netcdf` wrote.

    Parameters
    ----------
    path : Path
    rows : int, optional
        Read so many rows from the first, a number of whole blocks, and leave the others alone.

    Returns
    -------
    xarray.Dataset
        Valid, in memory.

    Raises
    ------
    FormatError
        Not a whole NetCDF-4 file, or its readings are not those that were written.
    FlightError
        A NetCDF file, but not a flight.
    """
    stored = _stored(path, rows)
    if "time" not in stored or stored["time"].attrs.get("units") != TIME_UNITS:
        raise FlightError(f'{path}: "time" is not in {TIME_UNITS}; give a flight.nc of ours')
    attributes = {
        key: value
        for key, value in stored["time"].attrs.items()
        if key not in {"units", "calendar"}
    }
    times = stored["time"].values.astype("datetime64[ns]")
    flight = stored.assign_coords(time=(stored["time"].dims, times, attributes))
    if "trajectory" in flight and flight["trajectory"].ndim == 0:
        name = flight["trajectory"]
        flight["trajectory"] = ((), str(name.values), name.attrs)
    flight.encoding.clear()
    try:
        return validate(flight)
    except FlightError as error:
        raise FlightError(f"{path}: {error}") from error


def _stored(path: Path, rows: int | None) -> xr.Dataset:
    """What is in a file, its readings checked."""
    try:
        with path.open("rb") as stream:
            head = stream.read(64)
        if head.startswith(_CLASSIC):
            raise FormatError(
                f"{path}: a classic NetCDF file, in which a cut goes unnoticed; convert it from "
                "the original with nccopy -k nc4"
            )
        with (
            uninterrupted(),
            xr.open_dataset(
                path, engine="netcdf4", decode_times=False, mask_and_scale=False
            ) as opened,
        ):
            stored = (opened if rows is None else opened.isel(obs=slice(rows))).load()
    except (OSError, RuntimeError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise _not_whole(path, error) from error
    if VARIABLE in stored.variables:
        _check_rows(stored, head, path)
        return stored.drop_vars(VARIABLE)
    return stored


def _write_head(head: xr.Dataset, blocks: RowBlocks, columns: Columns, path: Path) -> None:
    """Attributes, all that is no column, and room for the table of blocks."""
    about = {**_ABOUT_BLOCKS, "columns": "\n".join(columns)}
    room = np.frombuffer(blocks.to_bytes(), np.uint8)
    head = head.assign({VARIABLE: (f"{VARIABLE}_byte", room, about)})
    # no fill value: a NaN is a NaN, and integers keep their whole range
    encoding: dict[Any, dict[str, Any]] = {
        name: {} if variable.dtype.kind == "U" else {"_FillValue": None}
        for name, variable in head.variables.items()
    }
    with uninterrupted():
        head.to_netcdf(path, format="NETCDF4", engine="netcdf4", encoding=encoding)


def _write_rows(stored: xr.Dataset, blocks: RowBlocks, columns: Columns, path: Path) -> None:
    """All columns, block by block, and then the table that says where the blocks stand."""
    with netCDF4.Dataset(path, "a") as file:
        if "obs" not in file.dimensions:
            file.createDimension("obs", stored.sizes["obs"])
        variables = {
            # a cache with no place for a chunk: each is in the file once it has been written
            name: file.createVariable(
                name,
                column.dtype,
                ("obs",),
                chunksizes=(int(blocks.row_end[0]),),
                chunk_cache=1,
                **_PACKING,
            )
            for name, column in columns.items()
        }
        file.set_auto_maskandscale(False)
        for name, variable in variables.items():
            variable.setncatts(_column_attributes(stored, name))
        byte_end = []
        start = 0
        for end in blocks.row_end.tolist():
            for name, variable in variables.items():
                variable[start:end] = columns[name][start:end]
            if start == 0:
                file.sync()  # the index of each variable gets its place before the next blocks
            byte_end.append(path.stat().st_size)
            start = end
        placed = replace(blocks, byte_end=np.array(byte_end, np.int64))
        file[VARIABLE][:] = np.frombuffer(placed.to_bytes(), np.uint8)


def _column_attributes(stored: xr.Dataset, name: str) -> dict[str, Any]:
    attributes = dict(stored[name].attrs)
    if name not in stored.coords:
        coordinates = [str(each) for each, coord in stored.coords.items() if coord.dims == ("obs",)]
        attributes["coordinates"] = " ".join(coordinates)
    return attributes


def _check_rows(stored: xr.Dataset, head: bytes, path: Path) -> None:
    """Refuse readings that are not those that were written."""
    table = stored[VARIABLE]
    blocks = RowBlocks.from_bytes(table.values.tobytes())
    if blocks is None:
        raise _not_whole(path, "its table of rows is damaged")
    if not blocks.describes(head):
        return  # written anew by another program, which knew nothing of the table
    names = str(table.attrs.get("columns", "")).split("\n")
    if "time" not in names or not set(names) <= set(stored.variables):
        raise _not_whole(path, "columns are missing")
    damaged = blocks.first_damaged({name: stored[name].values for name in names})
    if damaged is not None:
        first = int(blocks.row_end[damaged - 1]) if damaged else 0
        raise _not_whole(path, f"readings from row {first} on are not those that were written")


def _not_whole(path: Path, why: object) -> FormatError:
    return FormatError(
        f"{path}: not a whole NetCDF file ({why}); copy it again from where it was made"
    )
