"""A Flight as `sensors.flight.write_netcdf` wrote it, read back as the records it was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firmware_bridge.formats._opening import first_bytes
from sensors.errors import FormatError
from sensors.flight_contract import gas_channels
from sensors.records import Quality, RecordBatch
from sensors.weather import AUTOPILOT, GIVEN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray

    from firmware_bridge.logfile import ReadReport
    from sensors.records import RecordKind

__all__ = ["flight_in", "read", "sniff"]

_MAGIC = (b"\x89HDF\r\n\x1a\n", b"CDF\x01", b"CDF\x02", b"CDF\x05")
_ROWS = 50_000
_COLUMNS: dict[RecordKind, dict[str, str]] = {
    "pose": {
        "latitude": "latitude",
        "longitude": "longitude",
        "altitude_amsl_m": "altitude",
        "height_above_ground_m": "height_above_ground",
    },
    "wind": {"eastward": "eastward_wind", "northward": "northward_wind"},
    "environment": {
        "temperature": "air_temperature",
        "relative_humidity": "relative_humidity",
        "pressure": "air_pressure",
    },
}


def sniff(path: Path) -> bool:
    """Whether a file begins as NetCDF (classic or HDF5) does."""
    return first_bytes(path, 8).startswith(_MAGIC)


def flight_in(path: Path, report: ReadReport) -> xr.Dataset:
    """The flight in a file; of a file that was cut, the readings that are whole.

    Parameters
    ----------
    path : Path
    report : ReadReport
        Told what was cut off, if anything.

    Returns
    -------
    xarray.Dataset
        As `sensors.flight.read_netcdf` gives it.

    Raises
    ------
    FormatError
        Not a whole NetCDF file, and nothing in it is known to be whole.
    FlightError
        No flight.
    """
    from sensors.flight import read_netcdf  # noqa: PLC0415 - xarray, 0.3 s

    try:
        return read_netcdf(path)
    except FormatError:
        from firmware_bridge.formats._torn_hdf5 import whole_rows  # noqa: PLC0415 - xarray too

        flight = whole_rows(path, report)
        if flight is None:
            raise
        return flight


def read(path: Path, report: ReadReport) -> Iterator[RecordBatch]:
    """Records of a flight file, some thousand rows at a time.

    Corrected channels are left out: they are made anew from the raw ones. The flight is in memory
    as a whole while it is read.

    Parameters
    ----------
    path : Path
    report : ReadReport

    Yields
    ------
    RecordBatch
        Of kinds "pose", "wind", "environment" and "gas", with the same times, on the "utc" clock.
        The source of a wind that was no anemometer's is "autopilot" or "given".

    Raises
    ------
    FormatError, FlightError
        As `flight_in`.
    """
    flight = flight_in(path, report)
    wind_source = str(flight.attrs["wind_source"])
    sources = {"wind": wind_source if wind_source in {AUTOPILOT, GIVEN} else path.name}
    known = {
        kind: columns
        for kind, columns in _COLUMNS.items()
        if any(np.isfinite(flight[name].values).any() for name in columns.values())
    }
    for start in range(0, flight.sizes["obs"], _ROWS):
        rows = flight.isel(obs=slice(start, start + _ROWS))
        time_ns = rows["time"].values.astype(np.int64)
        for kind, columns in known.items():
            yield RecordBatch(
                kind=kind,
                source=sources.get(kind, path.name),
                time_ns=time_ns,
                columns={field: rows[name].values for field, name in columns.items()},
            )
        yield _gas(rows, path.name, time_ns)
        report.count("row", time_ns.size)
        report.advance(report.bytes_total * start // flight.sizes["obs"])
    report.advance(report.bytes_total)


def _gas(rows: xr.Dataset, source: str, time_ns: NDArray[np.int64]) -> RecordBatch:
    names = gas_channels(rows)
    # what was said of time and position is found anew; only a poor clock stays known
    clock_bits = rows["quality"].values & np.uint16(Quality.CLOCK_POOR)
    return RecordBatch(
        kind="gas",
        source=source,
        time_ns=time_ns,
        columns={name: rows[name].values for name in names},
        units={name: str(rows[name].attrs["units"]) for name in names},
        quality=clock_bits,
    )
