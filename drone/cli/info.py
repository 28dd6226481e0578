"""``sniffdrone info``: what a log holds, before anything is done with it."""
# ruff: noqa: PLC0415 - heavy imports happen inside the command, so that --help is quick

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drone.cli.options import Json, Quiet
from drone.cli.terminal import answer, answer_json, progress_bar, warn
from sensors.errors import SniffdroneError

__all__ = ["EXAMPLES", "info"]

EXAMPLES = """\b
Examples:
  sniffdrone info recordings/harbour_001.mcap
  sniffdrone info flight.tlog
  sniffdrone info --json gas.csv flight.tlog
"""


def info(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Recording (.mcap), flight CSV, NetCDF, .tlog, .BIN or .ulg.", readable=False
        ),
    ],
    *,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Say what files hold: times, rates, gaps, place, wind.

    A torn file is read up to where it is whole, and the answer says where that is.
    """
    from firmware_bridge import summary
    from firmware_bridge.logfile import ReadReport

    found, said, faults = [], [], 0
    with progress_bar(quiet=quiet) as progress:
        for path in files:
            report = ReadReport(path=path)
            report.progress = lambda done, total, path=path: progress(
                f"reading {path.name}", done / max(total, 1)
            )
            try:
                found.append(summary.summarise(path, report=report))
            except SniffdroneError as error:
                faults += 1
                said.append(f"error: {error}")
                continue
            said += [] if quiet else [f"warning: {line}" for line in report.warnings]
    for line in said:
        warn(line)
    if as_json:
        answer_json(found)
    elif not quiet and found:
        answer("\n\n".join(summary.render(one) for one in found))
    return 2 if faults else 0
