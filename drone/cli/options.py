"""Options that several commands share, worded once."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["Json", "Overwrite", "Quiet"]

Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print nothing but errors (and --json, if asked).")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for a program to read.")]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace an output folder that sniffdrone itself wrote."),
]
