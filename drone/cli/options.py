"""Options that several commands share, worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Json", "OutputFolder", "Overwrite", "Quiet", "Seed"]

Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print nothing but errors (and --json, if asked).")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for a program to read.")]
OutputFolder = Annotated[
    Path, typer.Option("--output", "-o", help="New folder for all that is written.")
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace an output folder that sniffdrone itself wrote."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Same seed, same result.")]
