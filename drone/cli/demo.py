"""``sniffdrone demo``: the whole way once, in a world of which the truth is known."""
# ruff: noqa: PLC0415 - heavy imports happen inside the command, so that --help is quick

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drone.cli.options import Overwrite, Quiet
from drone.cli.terminal import answer, progress_bar

__all__ = ["EXAMPLES", "demo"]

EXAMPLES = """\b
Examples:
  sniffdrone demo
  sniffdrone demo --output demo-output --overwrite
"""


def demo(
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="New folder for flight and results.")
    ] = Path("demo-output"),
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the simulated world.")] = 1,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Simulate a flight, find its source, tell the error."""
    from drone.demonstration import demonstrate

    with progress_bar(quiet=quiet) as progress:
        paragraph = demonstrate(output, seed=seed, overwrite=overwrite, progress=progress)
    if not quiet:
        answer(paragraph)
