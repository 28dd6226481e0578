"""Options that say what a flight holds and what is sought in it, worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Area", "Flights", "Gas", "Mission", "NoDrift", "OffsetS", "WindFrom", "WindSpeed"]

# What cannot be read is named by its reader, with a remedy: hence `readable=False`.
Flights = Annotated[
    list[Path],
    typer.Argument(
        help="Files of one flight or several: recordings, CSV, NetCDF, gas log and .tlog.",
        readable=False,
    ),
]
Area = Annotated[
    Path | None,
    typer.Option(
        "--area",
        help="GeoJSON polygon of the area, instead of the track's surroundings.",
        readable=False,
    ),
]
Gas = Annotated[
    str | None, typer.Option("--gas", help="Gas looked for; the mission's, or acetone.")
]
Mission = Annotated[
    Path | None,
    typer.Option("--mission", help="Mission file (TOML) with gas and thresholds.", readable=False),
]
OffsetS = Annotated[
    float | None, typer.Option("--offset-s", help="Add this to the gas log's times [s].")
]
WindSpeed = Annotated[
    float | None, typer.Option("--wind-speed", help="Wind, if no log holds any [m/s].")
]
WindFrom = Annotated[
    float | None, typer.Option("--wind-from", help="Where it comes from [deg true].")
]
NoDrift = Annotated[
    bool, typer.Option("--no-drift", help="The values are background-corrected already.")
]
