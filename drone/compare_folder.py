"""An output folder of ``process``, read back for a comparison."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import netCDF4
import numpy as np
import pyproj
import rasterio
import xarray as xr
from rasterio.errors import RasterioError

from drone.output import SUMMARY
from mapping.difference import Maps
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from affine import Affine
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["Results", "read_results"]

_REMEDY = "give a folder that sniffdrone process wrote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What one survey left behind.

    Attributes
    ----------
    folder : Path
    summary : dict
        As in its ``summary.json``.
    maps : Maps
    """

    folder: Path
    summary: dict[str, Any]
    maps: Maps


def read_results(folder: Path) -> Results:
    """Summary, draws and maps of an output folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Results

    Raises
    ------
    ConfigError
        It is no such folder, lacks a file, a file cannot be read, or the survey had too little
        data to say anything.
    """
    summary = _summary(folder)
    if summary["verdict"] == "insufficient data":
        raise ConfigError(f"{folder}: had insufficient data ({summary['reason']}); no comparison")
    posterior = _posterior(folder / "posterior.nc")
    names = ("concentration_mean", "concentration_std")
    concentration, transform, crs, unit = _bands(folder / "concentration.tif", names)
    power, power_transform, _, _ = _bands(folder / "detection_power.tif", ("detection_power",))
    maps = Maps(
        mean=concentration[0],
        spread=concentration[1],
        power=power[0],
        transform=transform,
        power_transform=power_transform,
        crs=crs,
        unit=unit,
        posterior=posterior,
    )
    return Results(folder=folder, summary=summary, maps=maps)


def _summary(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise ConfigError(f"{folder}: is not a folder; {_REMEDY}")
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    except FileNotFoundError as fault:
        raise ConfigError(f"{folder}: holds no {SUMMARY}; {_REMEDY}") from fault
    except (OSError, ValueError) as fault:
        reason = " ".join(str(fault).split())
        raise ConfigError(f"{folder}: its {SUMMARY} cannot be read: {reason}; {_REMEDY}") from fault
    if not isinstance(summary, dict) or "sniffdrone_version" not in summary:
        raise ConfigError(f"{folder}: its {SUMMARY} is not of sniffdrone; {_REMEDY}")
    if "changes" in summary:
        raise ConfigError(f"{folder}: is itself a comparison; {_REMEDY}")
    wanted = {"verdict", "reason", "gas", "channel", "sources", "flight", "searched"}
    lacking = sorted(wanted - summary.keys())
    if lacking:
        raise ConfigError(f"{folder}: its {SUMMARY} lacks {', '.join(lacking)}; {_REMEDY}")
    return summary


def _posterior(path: Path) -> xr.Dataset:
    _check_there(path)
    try:
        with netCDF4.Dataset(path) as file:  # a wrong file ends here, in one kind of error
            found = set(file.variables)
        if not {"east", "north", "height", "rate"} <= found:
            raise ConfigError(f"{path}: holds no draws of sources; {_REMEDY}")
        with xr.open_dataset(path, engine="netcdf4") as dataset:
            posterior = dataset.load()
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be read ({fault.strerror or fault})") from fault
    if "crs_wkt" not in posterior.attrs or not posterior.sizes["draw"]:
        raise ConfigError(f"{path}: holds no draws of sources; {_REMEDY}")
    return posterior


def _bands(path: Path, names: tuple[str, ...]) -> tuple[list[FloatArray], Affine, pyproj.CRS, str]:
    """Bands by their descriptions, transform, CRS and the first one's unit."""
    _check_there(path)
    try:
        with rasterio.open(path) as raster:
            numbers = {name: k for k, name in enumerate(raster.descriptions, start=1)}
            lacking = [name for name in names if name not in numbers]
            if lacking or raster.crs is None:
                raise ConfigError(f"{path}: has no band {', '.join(lacking)} or no CRS; {_REMEDY}")
            values = [raster.read(numbers[name]).astype(np.float64) for name in names]
            unit = raster.units[numbers[names[0]] - 1] or "1"
            crs = pyproj.CRS.from_wkt(raster.crs.to_wkt())
            return values, raster.transform, crs, unit
    except RasterioError as fault:
        reason = " ".join(str(fault).split())
        raise ConfigError(f"{path}: cannot be read ({reason})") from fault


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise ConfigError(
            f"{path}: is not there; let sniffdrone process write it (without --no-geotiff)"
        )
