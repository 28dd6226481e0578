"""Cloud-optimised GeoTIFFs of source probability, concentration and detection power, and styles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from rasterio.io import MemoryFile

from mapping.styles.raster_style import write_raster_style
from sensors.whole_file import whole_file

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray

    from mapping.survey import Survey

__all__ = ["write", "write_cog"]

NOTICE = "sniffdrone: indication, confirm by sampling"
BLOCK = 256
SMALLEST_SEEN = 64  # cells a side, below which half of it says nothing
_OF_THE_GRID = frozenset({"crs_wkt", "cell_m"})


def write(survey: Survey, folder: Path) -> list[Path]:
    """Write the three rasters of a survey and their colours.

    Parameters
    ----------
    survey : Survey
    folder : Path
        Exists.

    Returns
    -------
    list of Path
        `source_probability.tif`, `concentration.tif`, `detection_power.tif`, and beside each the
        colours of its first band for QGIS (``.qml``).
    """
    power = survey.maps["detection_power"].assign_attrs(
        reference_rate_g_s=f"{survey.reference_rate_g_s:g}"
    )
    rasters = {
        "source_probability.tif": survey.source_map[["source_probability"]],
        "concentration.tif": survey.maps[["concentration_mean", "concentration_std", "exceedance"]],
        "detection_power.tif": power.to_dataset(),
    }
    written = []
    for name, maps in rasters.items():
        path = write_cog(maps.assign_attrs(survey.maps.attrs | maps.attrs), folder / name)
        written += [path, write_raster_style(next(iter(maps.data_vars.values())), path)]
    return written


def write_cog(maps: xr.Dataset, path: Path) -> Path:
    """Write maps as the bands of one cloud-optimised GeoTIFF.

    The file appears whole or not at all, and the same maps give the same bytes.

    Parameters
    ----------
    maps : xarray.Dataset
        Variables on (y, x) with `units` and `long_name`, even coordinates of cell centres,
        y descending; attributes `crs_wkt` and `cell_m`. NaN is nodata.
    path : Path

    Returns
    -------
    Path
        As given.
    """
    bands = [maps[name].to_numpy().astype(np.float32) for name in maps.data_vars]
    cell_m = float(maps.attrs["cell_m"])
    west = float(maps["x"][0]) - 0.5 * cell_m
    north = float(maps["y"][0]) + 0.5 * cell_m
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            dtype="float32",
            count=len(bands),
            height=bands[0].shape[0],
            width=bands[0].shape[1],
            crs=rasterio.CRS.from_wkt(maps.attrs["crs_wkt"]),
            transform=Affine(cell_m, 0.0, west, 0.0, -cell_m, north),
            nodata=np.nan,
        ) as raster:
            raster.update_tags(TIFFTAG_SOFTWARE="sniffdrone", TIFFTAG_IMAGEDESCRIPTION=NOTICE)
            raster.update_tags(**_settings(maps))
            raster.units = [str(maps[name].attrs.get("units", "1")) for name in maps.data_vars]
            for index, (name, band) in enumerate(zip(maps.data_vars, bands, strict=True), start=1):
                raster.write(band, index)
                raster.set_band_description(index, str(name))
                raster.update_tags(index, **_told(maps[name]), **_statistics(band))
        with memory.open() as raster, whole_file(path) as partial:
            rasterio.shutil.copy(
                raster,
                partial,
                driver="COG",
                compress="DEFLATE",
                predictor="YES",
                blocksize=BLOCK,
                overviews="IGNORE_EXISTING",
                overview_count=_overviews(max(bands[0].shape)),
                overview_resampling="AVERAGE",
                num_threads=1,
            )
    return path


def _overviews(longest: int) -> int:
    """Halvings to a picture of at most one block; GDAL alone would make none below two blocks."""
    return max(0, math.ceil(math.log2(longest / BLOCK)), int(longest > SMALLEST_SEEN))


def _settings(maps: xr.Dataset) -> dict[str, str]:
    """How the maps were made, and their scores; numbers to six digits, so that bytes last."""
    return {
        str(name): value if isinstance(value, str) else f"{value:.6g}"
        for name, value in sorted(maps.attrs.items())
        if name not in _OF_THE_GRID
    }


def _told(band: xr.DataArray) -> dict[str, str]:
    names = ("long_name", "reference_rate_g_s", "threshold")
    return {name: str(band.attrs[name]) for name in names if name in band.attrs}


def _statistics(values: NDArray[np.float32]) -> dict[str, str]:
    """GDAL's own names for a band's statistics; none where all is nodata."""
    known = values[np.isfinite(values)]
    if not known.size:
        return {}
    return {
        "STATISTICS_MINIMUM": repr(float(known.min())),
        "STATISTICS_MAXIMUM": repr(float(known.max())),
        "STATISTICS_MEAN": repr(float(known.mean(dtype=np.float64))),
        "STATISTICS_STDDEV": repr(float(known.std(dtype=np.float64))),
        "STATISTICS_VALID_PERCENT": f"{100.0 * known.size / values.size:.4g}",
    }
