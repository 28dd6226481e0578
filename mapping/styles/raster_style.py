"""Colours of a raster as QML beside its file, since floating-point GeoTIFF holds no colour table.

Every scale is one of matplotlib's that step evenly in perceived lightness from end to end, so that
it reads the same in print, without colour, and to eyes that confuse red and green.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

from mapping.styles.qml import VERSION, document
from sensors.whole_file import whole_file

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr

__all__ = ["SCALES", "RasterStyle", "raster_qml", "write_raster_style"]

STEPS = 17
CLEAR_BELOW = 0.02  # share of the top under which an unlikely place lets the background through


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterStyle:
    """How the values of a band are coloured.

    Attributes
    ----------
    colours : str
        Of matplotlib.
    power : float
        Colours go with the share of the top raised to this: 0.5 shows faint values too.
    top : float or None
        Value of the last colour; the highest cell's unless told.
    fades : bool
        The lowest values are transparent.
    """

    colours: str
    power: float = 1.0
    top: float | None = None
    fades: bool = False


SCALES = {
    "concentration_mean": RasterStyle(colours="magma_r", power=0.5, fades=True),
    "source_probability": RasterStyle(colours="viridis_r", power=0.5, fades=True),
    "detection_power": RasterStyle(colours="cividis", top=1.0),
}


def write_raster_style(band: xr.DataArray, raster: Path) -> Path:
    """Write the style of a raster's first band where QGIS looks for it.

    Parameters
    ----------
    band : xarray.DataArray
        Its values, with `units`; its name is one of `SCALES`.
    raster : Path
        The raster's file.

    Returns
    -------
    Path
        Beside the raster, its name ending in ``.qml``.
    """
    path = raster.with_suffix(".qml")
    with whole_file(path) as partial:
        partial.write_text(raster_qml(band, SCALES[str(band.name)]), encoding="utf-8")
    return path


def raster_qml(band: xr.DataArray, style: RasterStyle) -> str:
    """QML document that colours a band.

    Parameters
    ----------
    band : xarray.DataArray
    style : RasterStyle

    Returns
    -------
    str
    """
    values = band.to_numpy()
    known = values[np.isfinite(values)]
    highest = float(known.max()) if known.size and known.max() > 0 else 1.0
    top = float(f"{highest:.3g}") if style.top is None else style.top
    shares = np.linspace(0.0, 1.0, STEPS)
    root = ET.Element("qgis", version=VERSION, styleCategories="Symbology")
    pipe = ET.SubElement(root, "pipe")
    renderer = ET.SubElement(
        pipe,
        "rasterrenderer",
        type="singlebandpseudocolor",
        band="1",
        opacity="1",
        alphaBand="-1",
        nodataColor="",
        classificationMin="0",
        classificationMax=f"{top:g}",
    )
    shader = ET.SubElement(
        ET.SubElement(renderer, "rastershader"),
        "colorrampshader",
        colorRampType="INTERPOLATED",
        classificationMode="1",
        clip="0",
        minimumValue="0",
        maximumValue=f"{top:g}",
    )
    unit = str(band.attrs.get("units", "1"))
    ramp = colormaps[style.colours]
    for share in shares:
        value = top * share ** (1.0 / style.power)
        clear = style.fades and value < CLEAR_BELOW * top
        ET.SubElement(
            shader,
            "item",
            value=f"{value:.6g}",
            label=f"{value:.3g}" + ("" if unit == "1" else f" {unit}"),
            color=to_hex(ramp(float(share))),
            alpha="0" if clear else "255",
        )
    ET.SubElement(pipe, "rasterresampler", maxOversampling="2")
    ET.SubElement(root, "blendMode").text = "0"
    return f"{document(root)}\n"
