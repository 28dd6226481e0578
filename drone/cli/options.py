"""Options that several commands share, worded once."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from sensors.errors import ConfigError

__all__ = ["Json", "OutputFolder", "Overwrite", "Quiet", "Seed", "speed_factor"]

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


def speed_factor(text: str) -> float:
    """What --speed asks for: times real time, infinity for "max".

    Raises
    ------
    ConfigError
        It is no number above 0.
    """
    if text == "max":
        return math.inf
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0.0 < factor < math.inf:
        raise ConfigError(f'--speed {text}: give a number above 0, or "max"')
    return factor
