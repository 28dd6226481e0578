"""The user's own map under a map of the report: a photograph's bytes, put into the drawing."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image

from mapping.report.base_map import base_map_picture

if TYPE_CHECKING:
    from pathlib import Path

    import pyproj
    from matplotlib.figure import Figure

__all__ = ["MAP_ID", "with_background"]

VEIL = 0.42  # share of white over it
QUALITY = 85  # of the JPEG; as PNG it takes ten times the bytes, and seconds
POINTS = 72.0  # an inch has in an SVG of matplotlib's
MAP_ID = "map-ground"


def with_background(svg: str, figure: Figure, path: Path, crs: pyproj.CRS) -> str:
    """A drawing with a raster right above the ground of its map.

    Parameters
    ----------
    svg : str
        As matplotlib has saved the figure.
    figure : Figure
        Drawn; its first axes are the map, whose patch has the gid `MAP_ID`.
    path : Path
    crs : pyproj.CRS
        Of the map's coordinates.

    Returns
    -------
    str

    Raises
    ------
    ConfigError
        The raster cannot be used.
    """
    axes = figure.axes[0]
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    box = axes.get_window_extent()
    picture = base_map_picture(path, crs, (west, south, east, north), round(box.width))
    known = picture[..., 3:] / 255.0
    ground = 255.0 * np.array(to_rgb(axes.get_facecolor()))
    veiled = picture[..., :3] * (1.0 - VEIL) + 255.0 * VEIL
    shown = np.round(veiled * known + ground * (1.0 - known)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(shown).save(file, format="jpeg", quality=QUALITY)
    scale = POINTS / figure.dpi
    image = (
        f'<image x="{box.x0 * scale:.4f}" y="{(figure.bbox.height - box.y1) * scale:.4f}" '
        f'width="{box.width * scale:.4f}" height="{box.height * scale:.4f}" '
        'preserveAspectRatio="none" xlink:href="data:image/jpeg;base64,'
        f'{base64.b64encode(file.getvalue()).decode()}"/>'
    )
    end = svg.index("</g>", svg.index(f'<g id="{MAP_ID}">')) + len("</g>")
    return f"{svg[:end]}\n{image}{svg[end:]}"
