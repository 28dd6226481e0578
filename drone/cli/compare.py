"""``sniffdrone compare``: what changed between two surveys of one place."""
# ruff: noqa: PLC0415 - heavy imports happen inside the command, so that --help is quick

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drone.cli.options import Json, OutputFolder, Overwrite, Quiet
from drone.cli.terminal import answer, answer_json, warn

__all__ = ["EXAMPLES", "compare"]

EXAMPLES = """\b
Examples:
  sniffdrone compare march/ may/ -o changes/
  sniffdrone compare march/ may/ -o changes/ --overwrite --json
"""


def compare(
    before: Annotated[
        Path, typer.Argument(help="Folder that sniffdrone process wrote.", readable=False)
    ],
    after: Annotated[Path, typer.Argument(help="The same of a later flight.", readable=False)],
    *,
    output: OutputFolder,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tell what changed between two surveys: sources new, gone, stronger, weaker.

    Writes changes.csv and changes.json (a row each source, with probabilities), difference.tif
    (after minus before; empty where either survey did not search), changes.png and summary.json.
    """
    from drone.compare import CAUTION, write_comparison

    summary = write_comparison(before, after, output, overwrite=overwrite)
    if not quiet:
        for note in summary["notes"]:
            warn(f"warning: {note}")
    if as_json:
        answer_json(summary)
    elif not quiet:
        lines = [summary["headline"], *(change["in_words"] for change in summary["changes"])]
        files = ", ".join(str(output / name) for name in ("changes.png", "changes.csv"))
        answer("\n".join([*lines, f"{CAUTION}: {files} and {len(summary['files']) - 2} more"]))
