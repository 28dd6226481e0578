"""``sniffdrone map``: what was measured, as rasters and pictures, without any inference."""
# ruff: noqa: PLC0415 - heavy imports happen inside the command, so that --help is quick

from __future__ import annotations

from typing import Annotated

import typer

from drone.cli.inputs import Area, Flights, Gas, Mission, NoDrift, OffsetS, WindFrom, WindSpeed
from drone.cli.options import Json, OutputFolder, Overwrite, Quiet
from drone.cli.products import Crs
from drone.cli.terminal import answer, answer_json, warn

__all__ = ["EXAMPLES", "map_readings"]

EXAMPLES = """\b
Examples:
  sniffdrone map flight.csv -o maps
  sniffdrone map flight.csv -o maps --method kriging --crs EPSG:28992
  sniffdrone map flight.csv -o maps --heights 5,10,20 --moments 6
  sniffdrone map day1.csv day2.csv -o maps --channel ch4 --threshold 2.5 --json
"""


def map_readings(
    files: Flights,
    *,
    output: OutputFolder,
    method: Annotated[
        str, typer.Option("--method", help="How to fill in between readings: kernel or kriging.")
    ] = "kernel",
    crs: Crs = None,
    area: Area = None,
    channel: Annotated[
        str | None, typer.Option("--channel", help="Gas channel; the most telling unless told.")
    ] = None,
    gas: Gas = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", help="Map how often this reading is exceeded [its unit]."),
    ] = None,
    heights: Annotated[
        str | None,
        typer.Option("--heights", help="Also map heights above ground apart, as 5,10,20 [m]."),
    ] = None,
    moments: Annotated[
        int, typer.Option("--moments", min=0, help="Also map this many moments of the flight.")
    ] = 0,
    mission: Mission = None,
    offset_s: OffsetS = None,
    wind_speed: WindSpeed = None,
    wind_from: WindFrom = None,
    no_drift: NoDrift = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Map what was measured, without asking where it comes from.

    Writes concentration.tif (mean, standard deviation and exceedance, each a band),
    concentration.png and summary.json; heights.tif and moments.tif where asked for.
    """
    from drone.choices import choices_of
    from drone.output import check_output

    check_output(output, overwrite=overwrite)
    choices = choices_of(
        mission=mission,
        gas=gas,
        offset_s=offset_s,
        wind_speed=wind_speed,
        wind_from=wind_from,
        wind_height_m=None,
        averaging_time_s=None,
        background_removed=no_drift,
        area=area,
        seed=0,
        crs=crs,
        map_method=method,
    )
    from drone.map_files import lines_of_maps, write_maps
    from drone.mapped import MapChoices

    wanted = MapChoices(
        channel=channel, threshold=threshold, heights_m=_heights(heights), moments=moments
    )
    summary = write_maps(files, output, choices=choices, wanted=wanted, overwrite=overwrite)
    if not quiet:
        for note in summary["notes"]:
            warn(f"warning: {note}")
    if as_json:
        answer_json(summary)
    elif not quiet:
        answer("\n".join(lines_of_maps(summary, output)))


def _heights(text: str | None) -> tuple[float, ...]:
    from sensors.errors import ConfigError

    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError as fault:
        raise ConfigError(f"--heights {text}: give metres with commas, as 5,10,20") from fault
