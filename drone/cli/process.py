"""``sniffdrone process``: from a recorded flight to a map with its probable sources."""
# ruff: noqa: PLC0415 - heavy imports happen inside the command, so that --help is quick

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from drone.cli import is_program
from drone.cli.inputs import Area, Flights, Gas, Mission, NoDrift, OffsetS, WindFrom, WindSpeed
from drone.cli.options import Json, OutputFolder, Overwrite, Quiet, Seed
from drone.cli.products import (
    BaseMap,
    Crs,
    Language,
    MapMethod,
    NoCot,
    NoGeojson,
    NoGeopackage,
    NoGeotiff,
    NoKmz,
    NoQuicklook,
    NoReport,
)
from drone.cli.terminal import answer, answer_json, progress_bar, warn

__all__ = ["EXAMPLES", "process"]

EXAMPLES = """\b
Examples:
  sniffdrone process flight.csv -o out
  sniffdrone process gas.csv flight.tlog -o out
  sniffdrone process flight.csv -o out --gas toluene --area site.geojson
  sniffdrone process flight.csv -o out --known emitters.geojson --crs EPSG:28992
  sniffdrone process flight.csv -o out --wind-speed 3.5 --wind-from 240
  sniffdrone process flight.csv -o out --mission mission.toml --language nl
  sniffdrone process flight.csv -o out --overwrite --json --no-report
"""


def process(
    files: Flights,
    *,
    output: OutputFolder,
    area: Area = None,
    known: Annotated[
        list[Path] | None,
        typer.Option(
            "--known",
            help="GeoJSON or GeoPackage of known emitters; may be given more than once.",
            readable=False,
        ),
    ] = None,
    gas: Gas = None,
    mission: Mission = None,
    offset_s: OffsetS = None,
    wind_speed: WindSpeed = None,
    wind_from: WindFrom = None,
    wind_height_m: Annotated[
        float | None,
        typer.Option("--wind-height-m", help="Height the wind was measured at, if not the drone."),
    ] = None,
    averaging_time: Annotated[
        float | None,
        typer.Option("--averaging-time", help="Each value is a mean over this time [s]."),
    ] = None,
    no_drift: NoDrift = False,
    seed: Seed = 0,
    estimator: Annotated[
        str, typer.Option("--estimator", help="How sources are inferred: grid or smc (slower).")
    ] = "grid",
    crs: Crs = None,
    map_method: MapMethod = "kernel",
    language: Language = "en",
    base_map: BaseMap = None,
    no_report: NoReport = False,
    no_quicklook: NoQuicklook = False,
    no_geotiff: NoGeotiff = False,
    no_geojson: NoGeojson = False,
    no_geopackage: NoGeopackage = False,
    no_kmz: NoKmz = False,
    no_cot: NoCot = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Turn a recorded flight into a map of probable sources.

    Writes report.pdf, quicklook.png, sources.geojson, source_probability.tif,
    concentration.tif, detection_power.tif, flight.nc, posterior.nc and summary.json. "nothing
    indicated" is a result too:
    detection_power.tif then shows where a source would have been noticed.
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
        wind_height_m=wind_height_m,
        averaging_time_s=averaging_time,
        background_removed=no_drift,
        area=area,
        seed=seed,
        known=known or (),
        estimator=estimator,
        crs=crs,
        map_method=map_method,
    )
    from drone.product_choices import product_choices_of

    left_out = {
        "report": no_report,
        "quicklook": no_quicklook,
        "geotiff": no_geotiff,
        "geojson": no_geojson,
        "geopackage": no_geopackage,
        "kmz": no_kmz,
        "cot": no_cot,
    }
    products = product_choices_of(
        left_out=[name for name, is_unwanted in left_out.items() if is_unwanted],
        language=language,
        base_map=base_map,
        mission=mission,
    )
    from drone.writing_process import writing_process

    with writing_process() if is_program() else nullcontext() as writer:
        from drone.pipeline import process_flight
        from drone.wording import lines_of

        with progress_bar(quiet=quiet) as progress:
            summary = process_flight(
                files,
                output,
                choices=choices,
                products=products,
                overwrite=overwrite,
                progress=progress,
                writer=writer,
            )
    if not quiet:
        for note in summary["notes"]:
            warn(f"warning: {note}")
    if as_json:
        answer_json(summary)
    elif not quiet:
        answer("\n".join(lines_of(summary, output)))
