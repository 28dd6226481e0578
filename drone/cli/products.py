"""Options that choose the files a survey becomes; each is written unless told otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "BaseMap",
    "Crs",
    "Language",
    "MapMethod",
    "NoCot",
    "NoGeojson",
    "NoGeopackage",
    "NoGeotiff",
    "NoKmz",
    "NoQuicklook",
    "NoReport",
]

_PANEL = "Files"

Language = Annotated[
    str,
    typer.Option("--language", help="Of the report: en or nl.", rich_help_panel=_PANEL),
]
BaseMap = Annotated[
    Path | None,
    typer.Option(
        "--base-map",
        help="Map to draw the report's maps on: GeoTIFF, MBTiles or GeoPackage tiles.",
        readable=False,
        rich_help_panel=_PANEL,
    ),
]
Crs = Annotated[
    str | None,
    typer.Option(
        "--crs",
        help="Projected reference system of the maps, like EPSG:28992; UTM unless told.",
        rich_help_panel=_PANEL,
    ),
]
MapMethod = Annotated[
    str,
    typer.Option(
        "--map-method",
        help="How concentration is mapped: kernel or kriging.",
        rich_help_panel=_PANEL,
    ),
]


def _without(name: str, what: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        f"--no-{name}", help=f"Leave out {what}.", rich_help_panel=_PANEL
    )
    return option


NoReport = Annotated[bool, _without("report", "the report (PDF)")]
NoQuicklook = Annotated[bool, _without("quicklook", "the picture (PNG)")]
NoGeotiff = Annotated[bool, _without("geotiff", "the rasters (GeoTIFF)")]
NoGeojson = Annotated[bool, _without("geojson", "the sources as GeoJSON")]
NoGeopackage = Annotated[bool, _without("geopackage", "the layers for a GIS (GeoPackage)")]
NoKmz = Annotated[bool, _without("kmz", "the layers for Google Earth (KMZ)")]
NoCot = Annotated[bool, _without("cot", "the events for TAK (Cursor on Target)")]
