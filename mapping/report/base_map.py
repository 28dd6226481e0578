"""A map of the user's, under a survey: any raster with a place, turned to the survey's ground."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT

from sensors.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyproj
    from numpy.typing import NDArray

    from mapping.grid import Bounds

    Picture = NDArray[np.uint8]

__all__ = ["base_map_picture", "check_base_map"]

_CLIPPED = (2.0, 98.0)  # percentiles between which values of more than 8 bits are stretched


def check_base_map(path: Path) -> None:
    """Raise unless a file is a raster with a place on Earth; nothing but its header is read.

    Parameters
    ----------
    path : Path
        GeoTIFF, MBTiles, GeoPackage with tiles, or another raster that GDAL reads.

    Raises
    ------
    ConfigError
        It is not; the message says what to do.
    """
    with _opened(path):
        pass


def base_map_picture(path: Path, crs: pyproj.CRS, bounds: Bounds, width: int) -> Picture:
    """Colours of a raster on a piece of projected ground.

    Parameters
    ----------
    path : Path
        As in `check_base_map`.
    crs : pyproj.CRS
    bounds : tuple of float
        West, south, east, north [m].
    width : int
        Wanted columns; rows follow from the shape of the ground.

    Returns
    -------
    ndarray of uint8, shape (rows, width, 4)
        Red, green, blue and opacity, row 0 in the north; opacity 0 where the raster has nothing.

    Raises
    ------
    ConfigError
        It cannot be read, or holds nothing of this ground.
    """
    west, south, east, north = bounds
    height = max(1, round(width * (north - south) / (east - west)))
    with _opened(path) as raster:
        alpha = ColorInterp.alpha in raster.colorinterp
        try:
            with WarpedVRT(
                raster,
                crs=crs.to_wkt(),
                transform=Affine(
                    (east - west) / width, 0.0, west, 0.0, (south - north) / height, north
                ),
                width=width,
                height=height,
                resampling=Resampling.nearest if _palette(raster) else Resampling.bilinear,
                add_alpha=not alpha,
            ) as turned:
                bands = turned.read()
                opacity = turned.dataset_mask()
        except RasterioError as error:
            raise ConfigError(f"{path}: cannot be read as a map: {error}") from error
        palette = _palette(raster)
    if not opacity.any():
        raise ConfigError(f"{path}: holds nothing of the ground that was flown over; leave it out")
    colour = _colours(bands[:-1], palette, opacity > 0)
    return np.ascontiguousarray(np.moveaxis(np.concatenate([colour, opacity[None]]), 0, -1))


@contextmanager
def _opened(path: Path) -> Iterator[rasterio.io.DatasetReader]:
    try:
        raster = rasterio.open(path)
    except RasterioError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}: is no map that can be read: {reason}") from error
    with raster:
        if raster.count == 0 or raster.crs is None:
            inside = ", ".join(raster.subdatasets[:3])
            remedy = (
                f"it holds several ({inside}); export one as GeoTIFF"
                if inside
                else "save it as GeoTIFF with its coordinate reference system"
            )
            what = "is no single map" if inside else "does not say where on Earth it lies"
            raise ConfigError(f"{path}: {what}; {remedy}")
        yield raster


def _palette(raster: rasterio.io.DatasetReader) -> dict[int, tuple[int, int, int, int]] | None:
    if raster.count != 1 or raster.colorinterp[0] is not ColorInterp.palette:
        return None
    return dict(raster.colormap(1))


def _colours(
    bands: NDArray[np.generic],
    palette: dict[int, tuple[int, int, int, int]] | None,
    known: NDArray[np.bool_],
) -> Picture:
    """Three bands of 8 bits, whatever the raster has."""
    if palette is not None:
        table = np.zeros((256, 3), dtype=np.uint8)
        for value, colour in palette.items():
            table[value] = colour[:3]
        looked_up: Picture = np.moveaxis(table[bands[0].astype(np.intp)], -1, 0)
        return looked_up
    three = np.asarray(bands[:3] if bands.shape[0] >= 3 else bands[[0, 0, 0]])
    if three.dtype == np.uint8:
        return np.asarray(three, dtype=np.uint8)
    values = three.astype(np.float64)
    low, high = np.nanpercentile(values[:, known], _CLIPPED)
    share = (values - low) / max(high - low, 1e-12)
    return np.asarray(255.0 * np.clip(np.nan_to_num(share), 0.0, 1.0), dtype=np.uint8)
